"""Backgrounds of a search as its side bands constrain them, at the exposures that it states."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.search import Search
from hnlstat.errors import ConfigError, InferenceError
from hnlstat.likelihood.covariance import condition

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stated:
    """Background of the B bins of each mode, and its covariance.

    Attributes
    ----------
    events
        By horn mode, shape (B,) each.
    covariance
        [events^2] over the bins of the modes that the covariance of the search names, those of the
        first first; None: it has none.
    """

    events: dict[str, Array]
    covariance: Array | None


def stated(search: Search) -> Stated:
    """Background of a search as it states it, constrained by its side bands if it has some.

    Side bands of all modes constrain the bins of all modes, whichever of them a dataset has.

    Raises
    ------
    ConfigError
        If the side bands and the covariance do not fit together.
    """
    events = {mode: _bins(search, mode) for mode in search.background}
    if search.covariance is None:
        return Stated(events, None)
    matrix, modes = np.array(search.covariance.matrix), search.covariance.modes
    bands = search.side_bands
    parts = [
        part
        for mode in modes
        for part in (events[mode], bands[mode].predicted if mode in bands else ())
    ]
    mean = np.concatenate(parts)
    if search.covariance.relative:
        matrix = matrix * np.outer(mean, mean)
    if not bands:
        return Stated(events, matrix)
    side = np.repeat([False, True] * len(modes), [len(part) for part in parts])
    data = np.concatenate([bands[mode].observed for mode in modes if mode in bands])
    key = f"search.{search.name}.side_bands"
    try:
        mean, matrix = condition(
            mean, matrix, data, np.flatnonzero(side), np.flatnonzero(~side), key
        )
    except InferenceError as error:
        raise ConfigError(str(error)) from None
    left = dict(zip(modes, np.split(mean, len(modes)), strict=True))
    return Stated(events | left, matrix)


def _bins(search: Search, mode: str) -> Array:
    """Expected events of each bin, without side bands."""
    events = search.background[mode].events
    if isinstance(events, tuple):
        return np.array(events)
    return events * np.array(search.shares or ())
