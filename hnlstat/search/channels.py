"""Decays of N of kaons to the channels of a search: by mode, with cross-feed and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.channels import Channels
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.models.checks import from_kaons
from hnlstat.models.mixed import Mixed
from hnlstat.physics.processes import KaonMode
from hnlstat.simulation.sampling import Rays
from hnlstat.tables.modes import modes_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LeptonSelection:
    """All decays, those of K -> l N apart for each of some leptons.

    Attributes
    ----------
    leptons : names, and one that is none
    products : as `Layout.products`
    """

    leptons: tuple[str, ...]
    products: tuple[tuple[int, int], ...]

    @property
    def added(self) -> int:
        """Number of columns."""
        return len(self.products)

    def columns(
        self,
        columns: Array,
        rays: Rays,
        volume: NDArray[np.int64],  # noqa: ARG002
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Array:
        """The columns (K, N) of all decays, followed by those of each lepton."""
        mine = rays.source.lepton if isinstance(rays.source, KaonMode) else ""
        added = [columns[column] * (self.leptons[i] == mine) for column, i in self.products]
        return np.concatenate([columns, added])


@dataclass(frozen=True, eq=False)
class Found:
    """Decays, in a bin and volume, of one horn mode; arrays (M, D).

    Attributes
    ----------
    decays, error : over the exposure
    modifiers : relative changes at +1 sigma
    """

    decays: Array
    error: Array
    modifiers: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Recipe:
    """Events of a horn mode for each decay of N of K -> l N, for L leptons, in B channels.

    Attributes
    ----------
    share : (M, L, B)
    own : (M, L, B) variance of it, that of each by itself
    common : (M, L, B, K) its shifts by components
    names : of the errors: own ones of B channels, and K common ones
    """

    share: Array
    own: Array
    common: Array
    names: tuple[tuple[str, ...], tuple[str, ...]]


def recipes(study: Study, search: Channels, masses: Array) -> dict[str, Recipe]:
    """What becomes of decays at masses (M,), by horn mode."""
    table, model = modes_of(search), study.model
    if not isinstance(model, Mixed):
        raise ConfigError(
            f"search.{search.name}: takes decays of N by flavour, which the model {model.kind} "
            "does not tell; choose such as model=mixed_mu"
        )
    leptons = [mode.lepton for mode in from_kaons(model).modes]
    branching = np.array(
        [model.partial(masses, m.decay, m.flavours, m.numbers) for m in table.modes]
    )
    mine = np.array([[mode.lepton == lepton for mode in table.modes] for lepton in leptons])
    found = {}
    for horn in search.background:
        share, own, common = [], [], []
        for mass, ratio in zip(masses, branching.T, strict=True):
            events = ratio[:, None] * table.at(horn, float(mass))
            error, shift = table.errors(horn, float(mass))
            share.append(mine @ events)
            own.append(mine @ (events * error) ** 2)
            common.append(np.einsum("lq,qb,qbk->lbk", mine, events, shift))
        names = (
            tuple(f"{search.errors}{horn}_{channel}" for channel in search.channels),
            tuple(f"{search.errors}{k + 1}" for k in range(table.common[horn].shape[-1])),
        )
        found[horn] = Recipe(np.array(share), np.array(own), np.array(common), names)
    return found


def by_mode(recipe: Recipe, channel: int, parts: Sequence[Found]) -> Found:
    """Events in a channel, of the decays of N of each lepton (L)."""
    decays, error = (np.array([getattr(p, name) for p in parts]) for name in ("decays", "error"))
    share, own = (array[:, :, channel].T[..., None] for array in (recipe.share, recipe.own))
    events = decays * share
    total = events.sum(axis=0)
    common = np.einsum("lmd,mlk->kmd", decays, recipe.common[:, :, channel])
    single = np.sqrt(np.sum(decays**2 * own, axis=0))
    shifts = dict(zip(recipe.names[1], common, strict=True)) | {recipe.names[0][channel]: single}
    for name in parts[0].modifiers:
        change = np.array([part.modifiers[name] for part in parts])
        shifts[name] = np.sum(events * change, axis=0)
    modifiers = {
        name: np.divide(shift, total, out=np.zeros_like(total), where=total > 0)
        for name, shift in shifts.items()
    }
    return Found(total, np.linalg.norm(error * share, axis=0), modifiers)
