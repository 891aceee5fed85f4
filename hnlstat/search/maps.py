"""Efficiency maps as searches apply them to decays that are else selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.photons import Photons
from hnlstat.config.tracks import Tracks
from hnlstat.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EfficiencyMap:
    """Efficiency by bins of one variable or two, of a search.

    Attributes
    ----------
    search : its name
    axes : names of the variables
    edges : of the bins along each, (n + 1,), (m + 1,)
    value : (n,) or (n, m)
    beyond : what holds outside: zero, or the nearest bin; None: nothing may lie there
    """

    search: str
    axes: tuple[str, ...]
    edges: tuple[Array, ...]
    value: Array
    beyond: Literal["zero", "constant"] | None

    @classmethod
    def of(cls, search: Tracks | Photons) -> EfficiencyMap | None:
        """The map of a search, if it has one."""
        if (asked := search.efficiency_map) is None:
            return None
        edges = tuple(np.array(one) for one in asked.edges)
        value = np.array(asked.value).reshape([one.size - 1 for one in edges])
        return cls(search.name, asked.axes, edges, value, asked.beyond)

    def __call__(self, weight: Array, values: Callable[[str], Array], mass: float) -> Array:
        """Efficiency (N,) of decays.

        Parameters
        ----------
        weight : (N,); what has none is selected by nothing, and may lie anywhere
        values : gives what decays have (N,) of some name
        mass : of N [GeV], for the complaint

        Raises
        ------
        ConfigError
            If decays with weight lie outside, and it is not said what holds there.
        """
        at = [values(name) for name in self.axes]
        beyond = np.array(
            [~((x >= e[0]) & (x <= e[-1])) for x, e in zip(at, self.edges, strict=True)]
        )
        outside = beyond.any(axis=0)
        if self.beyond is None and np.any(lost := outside & (weight > 0)):
            raise ConfigError(self._complaint(at, beyond, lost, weight, mass))
        place = tuple(
            np.clip(np.searchsorted(edges, x, side="right") - 1, 0, edges.size - 2)
            for x, edges in zip(at, self.edges, strict=True)
        )
        found = self.value[place]
        return np.asarray(found if self.beyond == "constant" else np.where(outside, 0.0, found))

    def _complaint(
        self, at: list[Array], beyond: NDArray[np.bool_], lost: NDArray[np.bool_],
        weight: Array, mass: float,
    ) -> str:  # fmt: skip
        ranges = [
            f"{name} from {x[weight > 0].min():.4g} to {x[weight > 0].max():.4g}, the map from "
            f"{edges[0]:.4g} to {edges[-1]:.4g}"
            for name, x, edges, mine in zip(self.axes, at, self.edges, beyond, strict=True)
            if np.any(mine & lost)
        ]
        return (
            f"search.{self.search}.efficiency_map: {lost.sum()} of {np.sum(weight > 0)} simulated "
            f"decays at {1e3 * mass:.4g} MeV lie outside of it: {'; '.join(ranges)}; widen it, or "
            "say beyond: zero (these are not seen) or constant (as its nearest bins)"
        )
