"""Fits of mass, coupling and nuisance parameters to data with an excess.

Minuit (iminuit) finds the best fit and its errors. Contours come from the profile likelihood over a
grid of the plane, fitted point by point all at once: one counting experiment determines a line in
the plane rather than a point, and such regions, often open or in several parts, are beyond a search
along the contour from the best fit.

With two parameters of interest -2 Delta ln L follows a chi-square of two degrees of freedom (Wilks'
theorem):
2.30, 4.61, 5.99, 11.8 and 28.7 at 68.27, 90, 95 %, 3 and 5 sigma.
"""

import math
from dataclasses import dataclass

import numpy as np
from iminuit import Minuit
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtr, chdtrc, chdtri

from hnlstat.inference.components import noted
from hnlstat.inference.fit.problem import FitProblem, scan

FloatArray = NDArray[np.float64]

MASS, COUPLING = "log_mass", "log_coupling"
_STARTS = 5
_SAME = 1e-6  # in -ln L
_NO_EXCESS = 1.0  # improvement in -2 ln L below which data have no excess to speak of
_MISSED = 0.05  # in -ln L that a point of the grid may lie below the best fit
_EDGE = 0.01  # of the range: a best fit closer to its end lies at it


@dataclass(frozen=True)
class Parameter:
    """A fitted parameter; mass [GeV] and coupling [GeV^-1] themselves, not their logarithms.

    Attributes
    ----------
    name
        "mass", "coupling" or the name of a nuisance parameter, which has prior 0 +- 1.
    value, error
        Best fit and HESSE error.
    lower, upper
        MINOS interval of 68.27 % for one parameter, None where the likelihood does not close it.
    """

    name: str
    value: float
    error: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Impact:
    """Relative change of the coupling when a nuisance parameter is held at +1 and -1 sigma.

    The mass is held at its best fit, all else is fitted again; sigma is the error after the fit.
    With a covariance of backgrounds, whose parameters are many, to first order, from the errors.
    """

    name: str
    up: float
    down: float


@dataclass(frozen=True, eq=False)
class FitResult:
    """Best fit of a problem.

    Attributes
    ----------
    parameters
        Mass, coupling and nuisance parameters.
    impacts
        Of each nuisance parameter.
    expected
        Events expected at the best fit, shape (C,).
    nll
        -ln L there, relative to the saturated model.
    improvement
        -2 Delta ln L between no signal at all and the best fit.
    validity
        "ok", or what is wrong with the fit.
    """

    parameters: tuple[Parameter, ...]
    impacts: tuple[Impact, ...]
    expected: FloatArray
    nll: float
    improvement: float
    validity: str

    @property
    def goodness(self) -> dict[str, float]:
        """Of the best fit: -2 ln L over the saturated model, which goes as chi-square, and p."""
        chi2, freedom = 2.0 * self.nll, self.expected.size - 2
        p_value = float(chdtrc(freedom, chi2)) if freedom > 0 else math.nan
        return {
            "chi2": chi2,
            "chi2_no_signal": chi2 + self.improvement,
            "bins": self.expected.size,
            "degrees_of_freedom": freedom,
            "p_value": p_value,
        }

    def __getitem__(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)


def threshold(level: float) -> float:
    """Return -2 Delta ln L of a region of two parameters at a confidence level."""
    return float(chdtri(2, 1.0 - level))


def sigma_level(sigma: float) -> float:
    """Return the two-sided confidence level of a number of standard deviations."""
    return float(chdtr(1, sigma**2))


def fit(
    problem: FitProblem,
    masses: ArrayLike,
    couplings: ArrayLike,
    scanned: FloatArray | None = None,
) -> FitResult:
    """Fit mass, coupling and all nuisance parameters.

    Parameters
    ----------
    problem
        Data and yields.
    masses, couplings
        A grid to look for starting points on.
    scanned
        -ln L on it, shape (M, D), where that is known: `scan`.
    """
    x, y = np.log(np.asarray(masses)), np.log(np.asarray(couplings))
    values = scan(problem, masses, couplings) if scanned is None else scanned
    order = np.argsort(values, axis=None)
    chosen = order[:: max(order.size // 200, 1)][:_STARTS]
    fits = []
    for start in chosen.tolist():
        i, j = np.unravel_index(start, values.shape)
        minuit = _minuit(problem, float(x[i]), float(y[j]))
        found = tuple(minuit.values)
        minuit.migrad()
        if not minuit.fval <= values[i, j] + _SAME:  # lost its way: the start is better
            minuit.values = found
        fits.append(minuit)
    best = min(fits, key=lambda m: (not m.valid, _nll(problem, m)))
    nll = _nll(problem, best)
    best.hesse()
    _minos(best)
    parameters = tuple(_parameter(best, name) for name in best.parameters)
    theta = np.array([p.value for p in parameters[2:]])
    improvement = 2.0 * (problem.without_signal() - nll)
    return FitResult(
        parameters,
        _impacts(problem, best),
        problem.expected(best.values[MASS], best.values[COUPLING], theta),
        nll,
        improvement,
        noted(_validity(best, nll, improvement, float(values.min())), problem.base),
    )


def _nll(problem: FitProblem, minuit: Minuit) -> float:
    """Return -ln L at the values of a fit."""
    return problem.nll(minuit.values[0], minuit.values[1], np.asarray(minuit.values[2:]))


def _minuit(problem: FitProblem, x: float, y: float) -> Minuit:
    """Return Minuit at a starting point, nuisance parameters at their best fit there."""

    def nll(values: FloatArray) -> float:
        return problem.nll(values[0], values[1], np.asarray(values[2:]))

    _, theta = problem.profile(np.array([x]), np.array([y]))
    minuit = Minuit(nll, np.array([x, y, *theta[0]]), name=(MASS, COUPLING, *problem.nuisances))
    minuit.errordef = Minuit.LIKELIHOOD
    for name, grid in ((MASS, problem.surface.log_mass), (COUPLING, problem.surface.log_coupling)):
        minuit.limits[name] = (float(grid[0]), float(grid[-1]))
        minuit.errors[name] = 0.1
    return minuit


def _minos(minuit: Minuit) -> None:
    """Run MINOS for mass and coupling; where it fails there is no interval."""
    for name in (MASS, COUPLING):
        try:
            minuit.minos(name)
        except RuntimeError:  # no valid minimum to start from
            return


def _parameter(minuit: Minuit, name: str) -> Parameter:
    """Return a parameter of a finished fit, mass and coupling without their logarithms."""
    value, error = float(minuit.values[name]), float(minuit.errors[name])
    found = minuit.merrors.get(name)
    lower = upper = None
    if found is not None and found.lower_valid and not found.at_lower_limit:
        lower = value + found.lower
    if found is not None and found.upper_valid and not found.at_upper_limit:
        upper = value + found.upper
    if name not in (MASS, COUPLING):
        return Parameter(name, value, error, lower, upper)
    low, high = (None if end is None else float(np.exp(end)) for end in (lower, upper))
    short = name.removeprefix("log_")
    return Parameter(short, float(np.exp(value)), float(np.exp(value) * error), low, high)


def _impacts(problem: FitProblem, best: Minuit) -> tuple[Impact, ...]:
    """Return the impacts of all nuisance parameters on the coupling."""
    if not problem.base.background_components or best.covariance is None:
        return tuple(_impact(problem, best, name) for name in problem.nuisances)
    # the covariance at a fixed mass, of coupling and nuisance parameters
    whole = np.asarray(best.covariance)
    own = whole[1:, 1:] - np.outer(whole[1:, 0], whole[0, 1:]) / whole[0, 0]
    moved = own[0, 1:] / own.diagonal()[1:] * np.sqrt(whole.diagonal()[2:])
    return tuple(
        Impact(name, float(np.expm1(move)), float(np.expm1(-move)))
        for name, move in zip(problem.nuisances, moved, strict=True)
    )


def _impact(problem: FitProblem, best: Minuit, name: str) -> Impact:
    """Return the impact of a nuisance parameter on the coupling."""
    changes = []
    for sign in (1.0, -1.0):
        minuit = _minuit(problem, best.values[MASS], best.values[COUPLING])
        minuit.values = best.values
        minuit.values[name] = best.values[name] + sign * best.errors[name]
        minuit.fixed[MASS] = minuit.fixed[name] = True
        minuit.migrad()
        changes.append(float(np.expm1(minuit.values[COUPLING] - best.values[COUPLING])))
    return Impact(name, *changes)


def _validity(minuit: Minuit, nll: float, improvement: float, lowest: float) -> str:
    """Return "ok", or why the best fit is to be taken with care.

    Parameters
    ----------
    minuit
        After the fit.
    nll
        -ln L of the best fit.
    improvement
        As in `FitResult`.
    lowest
        Smallest -ln L on the grid.
    """
    gain = improvement + 2.0 * max(nll - lowest, 0.0)
    if gain < -_NO_EXCESS:
        return "no signal of the grid fits the data as well as none: it needs smaller couplings"
    if gain < _NO_EXCESS:
        return "the data have no excess: mass and coupling are not determined"
    if not minuit.valid:
        return "the fit did not converge"
    if nll > lowest + _MISSED:
        return "the fit missed a better point of the grid"
    for name in (MASS, COUPLING):
        low, high = minuit.limits[name]
        edge = _EDGE * (high - low)
        if not low + edge < minuit.values[name] < high - edge:
            return f"the best fit lies at the end of the grid in {name.removeprefix('log_')}"
    if not minuit.accurate:
        return "the errors are not accurate: mass and coupling are not determined separately"
    return "ok"
