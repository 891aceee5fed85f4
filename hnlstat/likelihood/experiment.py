"""From a Study and its yields to the counting experiments that inference works on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.likelihood.model import CountingModel
from hnlstat.search.table import YieldTable

Array = NDArray[np.float64]


MAX_BACKGROUND = 1e7
"""Events of a channel."""


@dataclass(frozen=True)
class Channel:
    """One dataset in one horn mode; its background is shared out to the bins of the observable.

    `observed` is None for a projection and nan for Asimov data, which are the background.
    """

    name: str
    dataset: str
    mode: str
    background: float
    shares: tuple[float, ...]
    background_error: float
    observed: float | None


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


def channels(study: Study) -> tuple[Channel, ...]:
    """Channels of a Study, with backgrounds scaled by exposure and number of TPCs.

    Data count only where every dataset has them, its own or Asimov data: another projected dataset
    makes the whole a projection.

    Raises
    ------
    ConfigError
        If a channel has no background at all, where no limit can be set with confidence, or more
        than can be handled, or events were observed whose distribution over the bins is not known.
    """
    observable = study.selection.observable
    shares = (1.0,) if observable is None else observable.background
    result = []
    for dataset in study.datasets:
        for mode, pot in dataset.exposure.pot.items():
            source = study.selection.background[mode]
            scale = pot if source.pot_of is None else dataset.exposure.pot[source.pot_of]
            background = source.events * scale / source.pot * dataset.detector.background_factor
            if background <= 0:
                raise ConfigError(
                    f"selection.background.{mode}.events: {source.events:g} leaves channel "
                    f"{dataset.name}_{mode} without background; give a positive number"
                )
            if background > MAX_BACKGROUND:
                raise ConfigError(
                    f"selection.background.{mode}: leaves channel {dataset.name}_{mode} with "
                    f"{background:g} events; {MAX_BACKGROUND:g} are the most here"
                )
            data = dataset.exposure.observed
            seen = data[mode] if isinstance(data, dict) else np.nan
            if seen > 0 and len(shares) > 1 and study.data_from is None:
                raise ConfigError(
                    f"exposure.observed.{mode}: {seen} events of {dataset.name} without "
                    "their bins in selection.observable; give the events of each bin by data_from"
                )
            result.append(
                Channel(
                    f"{dataset.name}_{mode}",
                    dataset.name,
                    mode,
                    background,
                    shares,
                    study.systematics.background[mode],
                    seen if study.has_data else None,
                )
            )
    return tuple(result)


def bins(study: Study) -> tuple[list[str], list[int]]:
    """Channel of each bin of a Study, and its index in it."""
    found = [(c.name, index) for c in channels(study) for index in range(len(c.shares))]
    return [name for name, _ in found], [index for _, index in found]


def experiment(study: Study, table: YieldTable) -> Experiment:
    """The likelihood of a Study with the yields of a table that has its channels.

    Raises
    ------
    ConfigError
        As `channels`, and as `check_bins`.
    """
    known = {channel.name: channel for channel in channels(study)}
    check_bins(study, table)
    yields = table.by_channel()
    ordered = [known[name] for name in yields.channel]
    shares = [c.shares[i] for c, i in zip(ordered, yields.bin, strict=True)]
    background = np.array([c.background for c in ordered]) * shares
    data = np.array([channel.observed for channel in ordered], dtype=float)
    base = CountingModel(
        channels=yields.channel,
        bins=yields.bin,
        signal=np.zeros(len(ordered)),
        background=background,
        observed=np.where(np.isnan(data), background, data) if study.has_data else None,
        background_modifiers=np.array([channel.background_error for channel in ordered]),
        datasets=tuple(channel.dataset for channel in ordered),
    )
    modes = np.array([channel.mode for channel in ordered])
    systematics = study.systematics
    modifiers: dict[str, Array] = {}
    if systematics.flux and "flux" in yields.modifiers:
        for mode in dict.fromkeys(modes):
            modifiers[f"flux_{mode}"] = np.where(modes == mode, yields.modifiers["flux"], 0.0)
    if systematics.efficiency:
        modifiers["efficiency"] = np.full_like(yields.signal, systematics.efficiency)
    own = {k: v for k, v in yields.modifiers.items() if k != "flux"}
    for name in ("rock_density", "rock_length", "form_factor", "pauli"):
        if not getattr(systematics, name):
            own.pop(name, None)
    error = np.zeros_like(yields.signal)
    if systematics.mc_statistics:
        np.divide(yields.mc_error, yields.signal, out=error, where=yields.signal > 0)
    return Experiment(base, yields.signal, modifiers | own, error)


def check_bins(study: Study, table: YieldTable) -> None:
    """Compare the bins of a table with those of selection.observable.

    Raises
    ------
    ConfigError
        If a channel has other bins.
    """
    observable = study.selection.observable
    wanted = list(range(1 if observable is None else len(observable.background)))
    keys = set(zip(table.channel, table.bin, strict=True))
    for channel in table.channels():
        found = sorted(index for name, index in keys if name == channel)
        if found != wanted:
            raise ConfigError(
                f"yields: channel {channel} has the bins {', '.join(map(str, found))}; needed by "
                f"selection.observable are {', '.join(map(str, wanted))}"
            )
