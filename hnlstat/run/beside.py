"""The stage of a run that puts distributions of events beside what a fit prefers.

Those of the likelihood, and those that searches show `beside` it: the same events by something
else, whose signal is simulated at the best fit and takes the size that the fit has given it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.dataset import Dataset
from hnlstat.config.photons import Beside, Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.inference.components import shifted_background
from hnlstat.inference.fit.fit import FitResult
from hnlstat.likelihood.experiment import Experiment
from hnlstat.likelihood.model import CountingModel
from hnlstat.run.work import Work
from hnlstat.search.yields import Job, Plan

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Distribution:
    """Events of a channel in bins.

    Attributes
    ----------
    channel, observable
        Names; `edges` are in GeV, rad or without a unit.
    edges
        Shape (B + 1,).
    observed, background, background_error, signal
        Shape (B,): data, background without signal with the error of each bin, and the signal of
        the best fit.
    prediction
        Background and signal of the best fit, shape (B,).
    fitted
        Whether it is in the likelihood. Where it is not, no error of the background is known.
    """

    channel: str
    observable: str
    edges: Array
    observed: Array
    background: Array
    background_error: Array
    signal: Array
    prediction: Array
    fitted: bool

    def chi2(self, expected: Array) -> float:
        """Return chi-square with the statistics of what is expected alone: indicative."""
        return float(((self.observed - expected) ** 2 / np.maximum(expected, 1e-300)).sum())


def distributions(
    study: Study, experiment: Experiment, best: FitResult, work: Work
) -> tuple[Distribution, ...]:
    """Put all distributions of a study with data beside its best fit; channels of one bin none."""
    base = experiment.base
    assert base.observed is not None  # a fit has data
    signal = best.expected - fitted_background(base, best)
    error = np.sqrt(base.background_covariance.diagonal())
    found = []
    for dataset, search in study.searches:
        observable = getattr(search, "observable", None)
        for mode in dataset.exposure.pot:
            if observable is not None and observable.bins > 1:
                name = dataset.channel(search, mode)
                rows = base.members[name]
                found.append(
                    Distribution(
                        name, observable.name, np.array(observable.edges), base.observed[rows],
                        base.background[rows], error[rows], signal[rows], best.expected[rows], True,
                    )
                )  # fmt: skip
        # it goes with the data of the search and with our own simulation
        if isinstance(search, Photons) and study.data_from is None and study.yields_from is None:
            sizes = {
                mode: float(signal[base.members[dataset.channel(search, mode)]].sum())
                for mode in dataset.exposure.pot
            }
            for one in search.beside.values():
                found += _beside(study, dataset, search, one, best, sizes, work)
    return tuple(found)


def fitted_background(base: CountingModel, best: FitResult) -> Array:
    """Return the background with the nuisance parameters of a best fit, shape (C,)."""
    shifts, components = base.background_shifts, base.component_matrix
    theta = np.array([p.value for p in best.parameters])
    own, zeta = np.split(
        theta[theta.size - shifts.shape[1] - components.shape[1] :], [shifts.shape[1]]
    )
    return np.asarray(shifted_background(base, zeta[:, None])[0][:, 0] * np.exp(shifts @ own))


def _beside(
    study: Study, dataset: Dataset, search: Photons, one: Beside, best: FitResult,
    sizes: dict[str, float], work: Work,
) -> Iterator[Distribution]:  # fmt: skip
    """Simulate the best fit for one distribution that is not in the likelihood.

    Its shape, and its size over that of the channel, are those of nominal nuisance parameters.
    """
    modes = [mode for mode in dataset.exposure.pot if mode in one.observed]
    if not modes:
        return
    channel, nominal = (
        _signal(study, dataset, each, best, work)
        for each in (search, search.model_copy(update={"observable": one.observable, "beside": {}}))
    )
    for mode in modes:
        name = dataset.channel(search, mode)
        # at the exposure that the background is for, and with the size that was fitted
        size = search.background[mode].pot / dataset.exposure.pot[mode]
        size *= sizes[mode] / max(float(channel[name].sum()), 1e-300)
        background, signal = np.array(one.background[mode]), size * nominal[name]
        yield Distribution(
            name, one.observable.name, np.array(one.observable.edges),
            np.array(one.observed[mode], dtype=float), background, np.zeros_like(background),
            signal, background + signal, False,
        )  # fmt: skip


def _signal(
    study: Study, dataset: Dataset, search: Search, best: FitResult, work: Work
) -> dict[str, Array]:
    """Simulate the events of one search at a best fit, in the bins of each channel."""
    alone = dataset.model_copy(update={"search": {search.name: search}})
    scan = study.scan.model_copy(update={"table": None})
    own = study.model_copy(update={"datasets": (alone,), "scan": scan})
    point = (np.array([best[name].value]) for name in ("mass", "coupling"))
    plan = Plan.of(own, *point)
    table = plan.table(work.map_stored("beside", Job.run, list(plan.jobs())))
    events = table.by_channel()
    names = np.array(events.channel)
    modes = dataset.exposure.pot
    return {
        dataset.channel(search, mode): events.signal[0, 0, names == alone.channel(search, mode)]
        for mode in modes
    }
