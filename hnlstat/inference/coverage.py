"""How often limits contain the truth: coverage by pseudo-experiments.

A confidence interval of level 1 - alpha contains a true signal s where CLs(s) of the data is not
below alpha. Only the p-value at the true signal is needed, no limit has to be found.

Limits average over nuisance parameters. So they cover on the average over these, and about so where
they are nominal; where the signal in truth lies below what is expected of it, limits cover less.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.inference.pseudo import Nuisances, pseudo_experiments
from hnlstat.inference.results import Calculator
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]


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

    @property
    def treatment(self) -> str:
        """The nuisance parameters in words."""
        return nuisances_text(self.nuisances)


def nuisances_text(nuisances: Nuisances) -> str:
    """Return "drawn", "nominal" or such as "signal -2 sigma"."""
    return nuisances if isinstance(nuisances, str) else f"signal {nuisances:+g} sigma"


def nuisances_of(text: str) -> Nuisances:
    """Return what `nuisances_text` has put in words; anything else is a ValueError."""
    if text == "drawn":
        return "drawn"
    if text == "nominal":
        return "nominal"
    found = re.fullmatch(r"signal ([-+][\d.e+-]+) sigma", text)
    if found is None:
        raise ValueError('is not drawn, nominal or such as "signal -2 sigma"')
    return float(found[1])


def coverage(
    model: CountingModel,
    signals: Sequence[float],
    levels: Sequence[float],
    calculator: Calculator,
    number: int,
    seed: int,
    treatments: Sequence[Nuisances] = ("drawn", "nominal"),
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
    treatments
        Of the nuisance parameters.
    """
    found = []
    for i, total in enumerate(signals):
        point = model.with_signal(total * model.signal / model.signal.sum())
        counts = [
            pseudo_experiments(point, number, np.random.default_rng([seed, i, j]), nuisances)
            for j, nuisances in enumerate(treatments)
        ]
        outcomes, place = np.unique(np.concatenate(counts, axis=1), axis=1, return_inverse=True)
        cls = calculator.cls(point, outcomes)[place.ravel()].reshape(len(treatments), number)
        for nuisances, values in zip(treatments, cls, strict=True):
            for level in levels:
                # of a limit that lies at the truth, rounding must not decide
                inside = float(np.mean(values >= (1.0 - level) * (1.0 - 1e-9)))
                error = np.sqrt(max(inside * (1.0 - inside), 1.0 / number) / number)
                found.append(CoveragePoint(total, level, nuisances, inside, float(error)))
    return tuple(found)
