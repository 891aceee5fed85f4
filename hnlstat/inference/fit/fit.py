"""Fits of mass, coupling and nuisance parameters to data with an excess.

Minuit (iminuit) finds the best fit and its errors. Contours come from the profile likelihood over a
grid of the plane, fitted point by point all at once: one counting experiment determines a line in
the plane rather than a point, and such regions, often open or in several parts, are beyond a search
along the contour from the best fit.

With two parameters of interest -2 Delta ln L follows a chi-square of two degrees of freedom (Wilks'
theorem):
2.30, 4.61, 5.99, 11.8 and 28.7 at 68.27, 90, 95 %, 3 and 5 sigma.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from iminuit import Minuit
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtr, chdtri, xlogy

from hnlstat.errors import InferenceError
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

MASS, COUPLING = "log_mass", "log_coupling"
_STEPS = 60
_HALVINGS = 8
_STARTS = 5
_BATCH = 4000
_LARGEST = 300.0  # change of ln(rate); Minuit may try parameters hundreds of sigma away
_SAME = 1e-6  # in -ln L
_NO_EXCESS = 1.0  # improvement in -2 ln L below which data have no excess to speak of
_MISSED = 0.05  # in -ln L that a point of the grid may lie below the best fit
_EDGE = 0.01  # of the range: a best fit closer to its end lies at it


@dataclass(frozen=True)
class Parameter:
    """A fitted parameter; mass [GeV] and coupling themselves, not their logarithms.

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

    def __getitem__(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)


def threshold(level: float) -> float:
    """Return -2 Delta ln L of a region of two parameters at a confidence level."""
    return float(chdtri(2, 1.0 - level))


def sigma_level(sigma: float) -> float:
    """Return the two-sided confidence level of a number of standard deviations."""
    return float(chdtr(1, sigma**2))


@dataclass(frozen=True, eq=False)
class FitProblem:
    """Data, background and the surface of yields.

    Attributes
    ----------
    surface
        Signal and its uncertainties.
    base
        Backgrounds, their uncertainties and the data; no signal.
    """

    surface: YieldSurface
    base: CountingModel

    def __post_init__(self) -> None:
        if self.base.observed is None:
            raise InferenceError("a fit needs data")

    @property
    def observed(self) -> FloatArray:
        """The data, shape (C,)."""
        assert self.base.observed is not None
        return self.base.observed

    @cached_property
    def nuisances(self) -> tuple[str, ...]:
        """Names of the N nuisance parameters: shared, Monte Carlo, backgrounds."""
        return (
            *self.surface.modifiers,
            *(f"mc_{name}" for name in self.base.labels),
            *(f"background_{name}" for name in self.base.members),
        )

    def rates(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return nominal signal (P, C) and what nuisances do to ln(signal), ln(background).

        The latter have the shapes (P, C, N) and (C, N).
        """
        signal, own = self.surface.events(x, y), self.surface.shifts(x, y)
        width = self.base.background_shifts
        monte_carlo = own[:, :, -1:] * np.eye(len(width))
        none = np.zeros((len(signal), *width.shape))
        on_signal = np.concatenate([own[:, :, :-1], monte_carlo, none], axis=2)
        none = np.zeros((len(width), on_signal.shape[2] - width.shape[1]))
        on_background = np.concatenate([none, width], axis=1)
        return signal, on_signal, on_background

    def nll(self, x: float, y: float, theta: FloatArray) -> float:
        """Return -ln L at one point, relative to the saturated model."""
        signal, on_signal, on_background = self.rates(x, y)
        rate = signal[0] * _exp(on_signal[0] @ theta)
        rate += self.base.background * _exp(on_background @ theta)
        return float(_poisson_nll(rate, self.observed) + 0.5 * theta @ theta)

    def profile(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return -ln L with the nuisance parameters fitted, (P,), and these, (P, N).

        Parameters
        ----------
        x, y
            ln(mass) and ln(coupling), shape (P,).
        """
        parts = [
            _profile(*self.rates(x[i : i + _BATCH], y[i : i + _BATCH]), self.base, self.observed)
            for i in range(0, len(x), _BATCH)
        ]
        nll, theta = zip(*parts, strict=True)
        return np.concatenate(nll), np.concatenate(theta)

    def without_signal(self) -> float:
        """Return -ln L of the background alone."""
        _, on_signal, on_background = self.rates(self.surface.log_mass[0], 0.0)
        none = np.zeros((1, len(self.base.channels)))
        return float(_profile(none, on_signal, on_background, self.base, self.observed)[0][0])


def scan(problem: FitProblem, masses: ArrayLike, couplings: ArrayLike) -> FloatArray:
    """Return -ln L of the profile likelihood on a grid of masses and couplings, shape (M, D)."""
    x, y = np.meshgrid(np.log(np.asarray(masses)), np.log(np.asarray(couplings)), indexing="ij")
    return problem.profile(x.ravel(), y.ravel())[0].reshape(x.shape)


def fit(problem: FitProblem, masses: ArrayLike, couplings: ArrayLike) -> FitResult:
    """Fit mass, coupling and all nuisance parameters.

    Parameters
    ----------
    problem
        Data and yields.
    masses, couplings
        A grid to look for starting points on.
    """
    x, y = np.log(np.asarray(masses)), np.log(np.asarray(couplings))
    values = scan(problem, masses, couplings)
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
    signal, on_signal, on_background = problem.rates(best.values[MASS], best.values[COUPLING])
    expected = signal[0] * _exp(on_signal[0] @ theta)
    expected += problem.base.background * _exp(on_background @ theta)
    improvement = 2.0 * (problem.without_signal() - nll)
    return FitResult(
        parameters,
        tuple(_impact(problem, best, name) for name in problem.nuisances),
        expected,
        nll,
        improvement,
        _validity(best, nll, improvement, float(values.min())),
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
    if improvement + 2.0 * max(nll - lowest, 0.0) < _NO_EXCESS:
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


def _profile(
    signal: FloatArray,
    on_signal: FloatArray,
    on_background: FloatArray,
    base: CountingModel,
    observed: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return -ln L with fitted nuisance parameters, shapes (P,) and (P, N).

    Newton steps, with a Hessian made positive by leaving out what is negative of it, halved where
    they do not lower -ln L.
    """

    def parts(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (
            signal * _exp(np.einsum("pcn,pn->pc", on_signal, theta)),
            base.background * _exp(theta @ on_background.T),
        )

    def value(theta: FloatArray) -> FloatArray:
        s, b = parts(theta)
        return np.asarray(_poisson_nll(s + b, observed) + 0.5 * (theta**2).sum(axis=1))

    theta = np.zeros((len(signal), on_background.shape[1]))
    nll = value(theta)
    for _ in range(_STEPS):
        s, b = parts(theta)
        ratio = observed / (s + b)
        slope = s[:, :, None] * on_signal + b[:, :, None] * on_background
        gradient = np.einsum("pc,pcn->pn", 1.0 - ratio, slope) + theta
        hessian = np.einsum("pc,pcm,pcn->pmn", ratio / (s + b), slope, slope)
        bend = np.maximum(1.0 - ratio, 0.0)
        hessian += np.einsum("pc,pcm,pcn->pmn", bend * s, on_signal, on_signal)
        hessian += np.einsum("pc,cm,cn->pmn", bend * b, on_background, on_background)
        hessian += np.eye(theta.shape[1])
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        for _ in range(_HALVINGS):
            trial = value(theta - step)
            worse = trial > nll + 1e-12
            if not worse.any():
                break
            step[worse] *= 0.5
        better = trial <= nll + 1e-12
        theta[better] -= step[better]
        nll[better] = trial[better]
        if np.abs(step * gradient).sum(axis=1).max() < 1e-10:
            break
    return nll, theta


def _exp(change: FloatArray) -> FloatArray:
    """Return the factors of changes of ln(rate), where these are within what numbers can take."""
    return np.asarray(np.exp(np.clip(change, -_LARGEST, _LARGEST)))


def _poisson_nll(rate: FloatArray, observed: FloatArray) -> FloatArray:
    """Return -ln L of the counts relative to the saturated model, summed over channels."""
    return np.asarray((rate - observed + xlogy(observed, observed / rate)).sum(axis=-1))
