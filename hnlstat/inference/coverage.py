"""How often limits contain the truth: coverage by pseudo-experiments.

A confidence interval of level 1 - alpha contains a true signal s where CLs(s) of the data is not
below alpha. Only the p-value at the true signal is needed, no limit has to be found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import Calculator

FloatArray = NDArray[np.float64]
Nuisances = Literal["drawn", "nominal"]
"""Nuisance parameters of each pseudo-experiment: drawn anew from their priors, or nominal."""


@dataclass(frozen=True)
class CoveragePoint:
    """Coverage of one true signal at one level.

    Attributes
    ----------
    signal
        True expected signal events in all channels.
    level
        Confidence level of the interval.
    nuisances
        How the pseudo-experiments treat nuisance parameters.
    coverage
        Fraction of experiments whose interval contains the true signal.
    error
        Its standard error.
    """

    signal: float
    level: float
    nuisances: Nuisances
    coverage: float
    error: float


def coverage(
    model: CountingModel,
    signals: Sequence[float],
    levels: Sequence[float],
    calculator: Calculator,
    number: int,
    seed: int,
) -> tuple[CoveragePoint, ...]:
    """Return the coverage of exclusion limits by CLs.

    Parameters
    ----------
    model
        Backgrounds, uncertainties, and a signal whose shares of the channels are kept.
    signals
        True signals, events in all channels together.
    levels
        Confidence levels.
    calculator
        How limits are set.
    number
        Pseudo-experiments for each true signal and treatment of nuisance parameters.
    seed
        Of their random numbers.
    """
    found = []
    for i, total in enumerate(signals):
        point = model.with_signal(total * model.signal / model.signal.sum())
        for j, nuisances in enumerate(get_args(Nuisances)):
            rng = np.random.default_rng([seed, i, j])
            counts = pseudo_experiments(point, number, rng, nuisances == "drawn")
            outcomes, times = np.unique(counts, axis=1, return_counts=True)
            cls = calculator.cls(point, outcomes)
            for level in levels:
                # of a limit that lies at the truth, rounding must not decide
                inside = times[cls >= (1.0 - level) * (1.0 - 1e-9)].sum() / number
                error = np.sqrt(max(inside * (1.0 - inside), 1.0 / number) / number)
                found.append(CoveragePoint(total, level, nuisances, float(inside), float(error)))
    return tuple(found)


def pseudo_experiments(
    model: CountingModel, number: int, rng: np.random.Generator, drawn: bool
) -> FloatArray:
    """Return counts of experiments with the model's signal, shape (C, number).

    Parameters
    ----------
    model
        Rates and their uncertainties.
    number
        Experiments.
    rng
        Source of random numbers.
    drawn
        Whether each has its own nuisance parameters, drawn from their priors; else nominal ones.
    """
    signal, background = model.signal[:, None], model.background[:, None]
    if drawn:
        size = (len(model.channels), number)
        shifts = model.background_shifts
        background = background * np.exp(shifts @ rng.standard_normal((shifts.shape[1], number)))
        signal = signal * (1.0 + model.mc_error)[:, None] ** rng.standard_normal(size)
        for delta in model.signal_modifiers.values():
            signal = signal * (1.0 + delta)[:, None] ** rng.standard_normal(number)
    rate = np.broadcast_to(signal + background, (len(model.channels), number))
    return rng.poisson(rate).astype(np.float64)
