"""Branching ratios and efficiencies of searches: what is left of the decays of N."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.config.channels import Channels
from hnlstat.config.search import Recast, Search
from hnlstat.config.study import Study
from hnlstat.config.tracks import Tracks
from hnlstat.models import checks as model_checks
from hnlstat.search.table import YieldTable

Array = NDArray[np.float64]


def branching_and_efficiency(study: Study, search: Search, masses: Array) -> Array:
    """Branching ratio to the final state of a search times its efficiency, (M,).

    1 of channels by mode, whose decays have both.
    """
    if isinstance(search, Channels):
        return np.ones(masses.shape)
    return branching_ratio(study, search, masses) * efficiency(search, masses)


def efficiency(search: Search, masses: ArrayLike) -> Array:
    """Efficiency for decays to the final state of a search, same shape as `masses`.

    That of a recast is linear between tabulated masses, constant outside; that of cuts on tracks
    their calibration, for decays that pass; that of photons is simulated, of channels by mode.
    """
    if isinstance(search, Tracks):
        return np.full(np.shape(masses), search.calibration)
    if not isinstance(search, Recast):
        return np.ones(np.shape(masses))
    table = search.efficiency
    return np.asarray(np.interp(np.asarray(masses), table.mass, table.value))


def branching_ratio(study: Study, search: Search, masses: ArrayLike) -> Array:
    """Branching ratio to the final state of a search, same shape as `masses`."""
    return model_checks.branching_ratio(study.model, masses, search.final_state)


def looked_for(study: Study, table: YieldTable) -> Array:
    """Decays to the final states of the searches, (M, D), where some search looks for them."""
    of_channel = {
        channel: (dataset.name, search.final_state)
        for dataset, search in study.searches
        for mode in dataset.exposure.pot
        for channel, _ in dataset.bins(search, mode)
    }
    ratio = {s.final_state: branching_ratio(study, s, table.masses) for _, s in study.searches}
    rows: dict[tuple[str, ...], Array] = {}
    for i, (channel, mode, volume) in enumerate(
        zip(table.channel, table.mode, table.volume, strict=True)
    ):
        name, state = of_channel[channel]
        rows.setdefault((name, state, mode, volume), table.decays[..., i] * ratio[state][:, None])
    return np.asarray(np.sum([*rows.values()], axis=0))
