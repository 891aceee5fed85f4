"""What asymptotic formulae tell of p-values: not right at few events, but for nothing.

Strengths of curves rise and fall with the sensitivity. They go together so closely that strengths
are interpolated along it: from coupling to coupling, and from mass to mass.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.inference.statistics import (
    asimov_significance,
    covariance_loss,
    discovery_significance,
)
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

FAINTEST = 0.04
"""Sensitivity below which nothing is excluded or discovered."""

FINE_GRID = 600
"""Couplings at which sensitivities are calculated, from one end of the grid to the other."""


def median_significance(
    signal: FloatArray, experiment: CountingModel, discovery: bool
) -> FloatArray:
    """Return about the median significance, shape (...).

    Parameters
    ----------
    signal
        Expected events, shape (..., C).
    experiment
        Backgrounds; the uncertainty of each count where it matters most, for discoveries, and
        for all tests where they have a covariance.
    discovery
        Whether of the discovery of the signal, in place of its exclusion.
    """
    background = experiment.background
    if experiment.background_components:
        plain = asimov_significance(signal, background, discovery)
        return plain * covariance_loss(signal, background, experiment.background_covariance)
    if discovery:
        return discovery_significance(signal, background, experiment.background_modifiers)
    return asimov_significance(signal, background, discovery=False)


def sensitivity(signal: FloatArray, experiment: CountingModel, discovery: bool) -> FloatArray:
    """Return the asymptotic -ln CLs of a median experiment, shape (...).

    Parameters as in `median_significance`.
    """
    significance = median_significance(signal, experiment, discovery)
    return np.asarray(-np.log(2.0) - log_ndtr(-significance))


@dataclass(frozen=True, eq=False)
class SensitivityField:
    """ln(sensitivity) over the plane, `FAINTEST` where it is less.

    Attributes
    ----------
    mass
        Masses [GeV], rising, shape (M,).
    log_coupling
        ln(coupling), rising, shape (X,).
    exclusion, discovery
        Shape (M, X).
    """

    mass: FloatArray
    log_coupling: FloatArray
    exclusion: FloatArray
    discovery: FloatArray

    @classmethod
    def build(
        cls, mass: FloatArray, yields: Sequence[CouplingYields], experiment: CountingModel
    ) -> "SensitivityField":
        """Calculate the field.

        Parameters
        ----------
        mass
            Masses [GeV], rising, shape (M,).
        yields
            The signal at each mass, on the same couplings.
        experiment
            Backgrounds; its signal is not used.
        """
        ends = yields[0].log_coupling
        x = np.linspace(ends[0], ends[-1], FINE_GRID)
        signal = np.stack([one.signal(x) for one in yields])
        exclusion, discovery = (
            np.log(np.maximum(sensitivity(signal, experiment, kind), FAINTEST))
            for kind in (False, True)
        )
        return cls(mass, x, exclusion, discovery)
