"""From a Study and its yields to the counting experiments that inference works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.channels import Channels
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError, InferenceError
from hnlstat.likelihood.channels import Channel, channels, covariance
from hnlstat.likelihood.covariance import principal_components
from hnlstat.likelihood.model import CountingModel
from hnlstat.search.table import ChannelYields, YieldTable

Array = NDArray[np.float64]

OF_ROCK = ("rock_density", "rock_length")
"""Uncertainties of what lies upstream of the detectors in a beam."""


@dataclass(frozen=True)
class Experiment:
    """The likelihood of a Study over its grid.

    Attributes
    ----------
    base : backgrounds, their uncertainties and the data; no signal
    signal : (M, D, C) expected events
    modifiers : name -> (M, D, C) relative change of the signal at +1 sigma
    mc_error : (M, D, C) relative Monte Carlo error of the signal
    """

    base: CountingModel
    signal: Array
    modifiers: dict[str, Array]
    mc_error: Array

    def mass(self, i: int) -> "Experiment":
        """The experiment at mass i of the grid only, arrays (D, C)."""
        modifiers = {name: change[i] for name, change in self.modifiers.items()}
        return Experiment(self.base, self.signal[i], modifiers, self.mc_error[i])

    def at(self, *point: int) -> CountingModel:
        """The model at mass i and coupling j of the grid; at coupling j alone for one mass's."""
        return self.base.with_signal(
            self.signal[point],
            {name: change[point] for name, change in self.modifiers.items()},
            self.mc_error[point],
        )


def bins(study: Study) -> tuple[list[str], list[int]]:
    """Channel of each bin of a Study, and its index in it."""
    found = [(c.name, i) for c in channels(study) for i in range(len(c.background))]
    return [name for name, _ in found], [index for _, index in found]


def experiment(study: Study, table: YieldTable) -> Experiment:
    """The likelihood of a Study with the yields of a table that has its channels.

    Raises
    ------
    ConfigError
        As `channels`, and as `check_bins`.
    """
    known = {channel.name: channel for channel in channels(study)}
    check_bins(known, table)
    yields = table.by_channel()
    ordered = [known[name] for name in yields.channel]
    places = list(zip(ordered, yields.bin, strict=True))
    background = np.array([channel.background[i] for channel, i in places])
    data = np.array([np.nan if c.observed is None else c.observed[i] for c, i in places])
    base = CountingModel(
        channels=yields.channel,
        bins=yields.bin,
        signal=np.zeros(len(ordered)),
        background=background,
        observed=np.where(np.isnan(data), background, data) if study.has_data else None,
        background_modifiers=np.array([channel.error for channel in ordered]),
        datasets=tuple(channel.dataset for channel in ordered),
        background_components=components(study, yields.channel, yields.bin),
    )
    error = np.zeros_like(yields.signal)
    if study.systematics.mc_statistics:
        np.divide(yields.mc_error, yields.signal, out=error, where=yields.signal > 0)
    return Experiment(base, yields.signal, _modifiers(study, yields, ordered), error)


def _modifiers(study: Study, yields: ChannelYields, ordered: Sequence[Channel]) -> dict[str, Array]:
    """Relative changes of the signal (M, D, C) at +1 sigma, by parameter."""
    systematics = study.systematics
    found: dict[str, Array] = {}
    own = dict(yields.modifiers)
    for name in ("rock_density", "rock_length", "form_factor", "pauli"):
        if not getattr(systematics, name):
            own.pop(name, None)
    for _, search in study.searches:
        stated = systematics.searches and systematics.efficiency is None
        if isinstance(search, Channels) and not stated:
            own = {k: v for k, v in own.items() if not k.startswith(search.errors)}
    flux = own.pop("flux", None)
    if systematics.flux and flux is not None:
        found |= _apart(flux, [channel.flux for channel in ordered])
    for name in dict.fromkeys(name for channel in ordered for name in channel.sizes):
        sizes = [channel.sizes.get(name, 0.0) for channel in ordered]
        found[name] = np.broadcast_to(np.array(sizes), yields.signal.shape).copy()
    for name, change in own.items():
        # each beam has its own upstream of its detectors
        sites = [f"{name}_{channel.beam}" for channel in ordered]
        found |= _apart(change, sites) if name in OF_ROCK else {name: change}
    return found


def _apart(change: Array, names: Sequence[str]) -> dict[str, Array]:
    """Relative changes (M, D, C) by the name that each bin has of its parameter."""
    known = np.array(names)
    return {name: np.where(known == name, change, 0.0) for name in dict.fromkeys(names)}


def components(study: Study, channel: Sequence[str], index: Sequence[int]) -> dict[str, Array]:
    """Principal components of the covariances of backgrounds: name -> (C,) events at +1 sigma.

    Parameters
    ----------
    study : its searches state the covariances
    channel, index : (C,) names of the channels, and bins in them

    Raises
    ------
    ConfigError
        Names the search whose matrix is no covariance.
    """
    place = {key: i for i, key in enumerate(zip(channel, index, strict=True))}
    found: dict[str, Array] = {}
    for dataset, search in study.searches:
        matrix = covariance(study, dataset, search)
        if matrix is None:
            continue
        key = f"search.{search.name}.{'background' if search.covariance is None else 'covariance'}"
        try:
            parts = principal_components(matrix, key)
        except InferenceError as error:
            raise ConfigError(str(error)) from None
        bins = [dataset.bins(search, mode) for mode in dataset.exposure.pot]
        columns = [place[one] for mine in bins for one in mine]
        for k, shift in enumerate(parts.shifts):
            found[f"{dataset.name}_{search.name}_{k}"] = np.zeros(len(place))
            found[f"{dataset.name}_{search.name}_{k}"][columns] = shift
    return found


def remarks(study: Study) -> list[str]:
    """What is not as it should be in the covariances of backgrounds."""
    matrices = [(s.name, covariance(study, d, s)) for d, s in study.searches]
    found = [
        principal_components(matrix, f"search.{name}.covariance").remark
        for name, matrix in matrices
        if matrix is not None
    ]
    return [*dict.fromkeys(remark for remark in found if remark != "ok")]


def check_bins(known: Mapping[str, Channel], table: YieldTable) -> None:
    """Compare the bins of a table with those of the channels, by name.

    Raises
    ------
    ConfigError
        If a channel has other bins.
    """
    keys = set(zip(table.channel, table.bin, strict=True))
    for channel in table.channels():
        wanted = list(range(len(known[channel].background)))
        found = sorted(index for name, index in keys if name == channel)
        if found != wanted:
            raise ConfigError(
                f"yields: channel {channel} has the bins {', '.join(map(str, found))}; those of "
                f"its search are {', '.join(map(str, wanted))}"
            )
