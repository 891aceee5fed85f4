"""Channels of a Study: background and its uncertainty, and data, as its searches state them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.dataset import Dataset
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.likelihood.constraint import stated

Array = NDArray[np.float64]

MAX_BACKGROUND = 1e7
"""Events of a channel."""


@dataclass(frozen=True)
class Channel:
    """One search of a dataset in one horn mode.

    Attributes
    ----------
    name, dataset, beam, flux, mode
        Names; `flux` is that of its uncertainty.
    sizes
        Relative uncertainties of the signal that the search states, by parameter.
    background, error
        Expected events of each bin (n,), and the relative uncertainty of all together.
    observed
        Events of each bin (n,), nan for Asimov data, which are the background; None: a projection.
    """

    name: str
    dataset: str
    beam: str
    flux: str
    mode: str
    sizes: dict[str, float]
    background: tuple[float, ...]
    error: float
    observed: tuple[float, ...] | None


def channels(study: Study) -> tuple[Channel, ...]:
    """Channels of a Study, with backgrounds scaled by exposure and detector.

    Data count only where every search has them, its own or Asimov data: another projected one makes
    the whole a projection.

    Raises
    ------
    ConfigError
        If a bin has no background at all, where no limit can be set with confidence, or a channel
        more than can be handled, or events were observed whose distribution over the bins is not
        known.
    """
    return tuple(
        channel
        for dataset, search in study.searches
        for mode in dataset.exposure.pot
        for channel in _channels(study, dataset, search, mode)
    )


def _channels(study: Study, dataset: Dataset, search: Search, mode: str) -> Iterator[Channel]:
    """One of all bins of a search in a horn mode, or one for each."""
    background, error = _background(dataset, search, mode), _error(study, search, mode)
    observed = _observed(study, dataset, search, mode) if study.has_data else None
    beam = dataset.flux
    same = (
        dataset.name, beam.name, beam.parameter(mode), mode, study.signal_sizes(search)
    )  # fmt: skip
    if not search.apart:
        name = dataset.channel(search, mode)
        yield Channel(name, *same, background, error or 0.0, observed)
        return
    stated = search.background[mode].error
    for i, (name, _) in enumerate(dataset.bins(search, mode)):
        own = stated[i] if error is None and isinstance(stated, tuple) else error
        seen = None if observed is None else (observed[i],)
        yield Channel(name, *same, (background[i],), own or 0.0, seen)


def _scale(dataset: Dataset, search: Search, mode: str) -> float:
    """Background of a dataset over what the search states."""
    source, pot = search.background[mode], dataset.exposure.pot
    factor = search.background_factor
    if factor is None:
        factor = dataset.detector.background_factor if search.fiducial is None else 1.0
    return pot[source.pot_of or mode] / source.pot * factor


def _background(dataset: Dataset, search: Search, mode: str) -> tuple[float, ...]:
    """Expected events of each bin."""
    given, name = search.background[mode].events, dataset.channel(search, mode)
    scale, key = _scale(dataset, search, mode), f"search.{search.name}.background.{mode}"
    if search.side_bands:
        given = tuple(stated(search).events[mode].tolist())
    shares = (search.shares or ()) if not isinstance(given, tuple) else given
    total = 1.0 if isinstance(given, tuple) else given
    found = tuple(total * scale * share for share in shares)
    for i, events in enumerate(found):
        if events <= 0:
            where = f"channel {name}" if len(found) == 1 else f"bin {i} of channel {name}"
            shown = given[i] if isinstance(given, tuple) else given
            raise ConfigError(
                f"{key}.events: {shown:g} leaves {where} without background; give a positive number"
            )
    if sum(found) > MAX_BACKGROUND:
        raise ConfigError(
            f"{key}: leaves channel {name} with {sum(found):g} events; {MAX_BACKGROUND:g} are the "
            "most here"
        )
    return found


def _counts(study: Study, mode: str) -> bool:
    """Whether what searches state of the background's uncertainty in a horn mode counts."""
    override = study.systematics.background
    given = override.get(mode) if isinstance(override, dict) else override
    return study.systematics.searches and given is None


def _error(study: Study, search: Search, mode: str) -> float | None:
    """Relative uncertainty of all the background of a channel; None: each bin has its own."""
    systematics, stated = study.systematics, search.background[mode].error
    override = systematics.background
    if isinstance(override, dict):
        override = override.get(mode)
    if override is not None:
        return override
    if not systematics.searches:
        return 0.0
    if search.covariance is not None and mode in search.covariance.modes:
        return None
    return None if isinstance(stated, tuple) else stated


def _observed(study: Study, dataset: Dataset, search: Search, mode: str) -> tuple[float, ...]:
    """Observed events of each bin, nan for Asimov data."""
    data = dataset.data(search)
    if not isinstance(data, dict):
        return (np.nan,) * search.bins
    seen = data[mode]
    if isinstance(seen, tuple):
        return tuple(map(float, seen))
    if seen > 0 and search.bins > 1 and study.data_from is None:
        raise ConfigError(
            f"search.{search.name}.observed.{dataset.exposure.name}.{mode}: {seen} events of "
            f"{dataset.name} without their bins; give those of each as a list, or by data_from"
        )
    return (float(seen), *(0.0,) * (search.bins - 1))


def covariance(study: Study, dataset: Dataset, search: Search) -> Array | None:
    """Covariance (N, N) of the background in the bins of all channels of a search in a dataset.

    [events^2], without what is common to all bins of a channel; None: there is nothing else.
    """
    modes = [*dataset.exposure.pot]
    own = [mode for mode in modes if _error(study, search, mode) is None]
    if search.apart and search.covariance is None:
        own = []
    counts = [mode for mode in modes if _counts(study, mode)]
    simulated = {m: e for m in counts if (e := search.background[m].mc_error) is not None}
    if not own and not simulated:
        return None
    n, matrix = search.bins, stated(search).covariance
    found = np.zeros((len(modes) * n, len(modes) * n))
    place = {mode: slice(n * i, n * (i + 1)) for i, mode in enumerate(modes)}
    for mode in own:
        error = search.background[mode].error
        if isinstance(error, tuple):
            spread = np.array(_background(dataset, search, mode)) * error
            found[place[mode], place[mode]] += np.diag(spread**2)
    for mode, error in simulated.items():
        spread = np.array(_background(dataset, search, mode)) * error
        found[place[mode], place[mode]] += np.diag(spread**2)
    if search.covariance is not None and matrix is not None:
        for (i, one), (j, two) in product(enumerate(search.covariance.modes), repeat=2):
            if one in own and two in own:
                block = matrix[n * i : n * (i + 1), n * j : n * (j + 1)]
                scale = _scale(dataset, search, one) * _scale(dataset, search, two)
                found[place[one], place[two]] += scale * block
    return found
