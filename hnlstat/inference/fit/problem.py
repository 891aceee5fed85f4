"""What is fitted: data, backgrounds and yields over the plane of mass and coupling.

Rates are s exp(on_signal theta) + (b + c zeta) exp(on_background theta), with components c of the
background's covariance; all nuisance parameters have prior 0 +- 1.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from hnlstat.errors import InferenceError
from hnlstat.inference.components import shifted_background
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_STEPS = 60
_HALVINGS = 8
_BATCH = 400_000  # numbers of the Hessians of points that are fitted together: what caches take
_LARGEST = 300.0  # change of ln(rate); Minuit may try parameters hundreds of sigma away


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
        names = self.nuisances
        if twice := [name for name in names if names.count(name) > 1]:
            raise InferenceError(f"{twice[0]} is the name of two uncertainties; rename one of them")

    @property
    def observed(self) -> FloatArray:
        """The data, shape (C,)."""
        assert self.base.observed is not None
        return self.base.observed

    @cached_property
    def nuisances(self) -> tuple[str, ...]:
        """Names of the N nuisance parameters: shared, Monte Carlo, backgrounds, components."""
        return (
            *self.surface.modifiers,
            *(f"mc_{name}" for name in self.base.labels),
            *(f"background_{name}" for name in self.base.members),
            *self.base.background_components,
        )

    @cached_property
    def _width(self) -> FloatArray:
        """Change of ln(background) by its G parameters, and none by K components, (C, G + K)."""
        none = np.zeros_like(self.base.component_matrix)
        return np.concatenate([self.base.background_shifts, none], axis=1)

    def rates(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return nominal signal (P, C) and what nuisances do to ln(signal), ln(background).

        The latter have the shapes (P, C, N) and (C, N): nothing for components, which come last.
        """
        signal, own = self.surface.events(x, y), self.surface.shifts(x, y)
        width = self._width
        monte_carlo = own[:, :, -1:] * np.eye(len(width))
        none = np.zeros((len(signal), *width.shape))
        on_signal = np.concatenate([own[:, :, :-1], monte_carlo, none], axis=2)
        none = np.zeros((len(width), on_signal.shape[2] - width.shape[1]))
        on_background = np.concatenate([none, width], axis=1)
        return signal, on_signal, on_background

    def nll(self, x: float, y: float, theta: FloatArray) -> float:
        """Return -ln L at one point, relative to the saturated model."""
        rate = self.expected(x, y, theta)
        return float(_poisson_nll(rate, self.observed) + 0.5 * theta @ theta)

    def expected(self, x: float, y: float, theta: FloatArray) -> FloatArray:
        """Return the expected events at one point, shape (C,)."""
        signal, on_signal, on_background = _rates_at(self, x, y)
        rate = signal[0] * _exp(on_signal[0] @ theta)
        rate += _shifted(self.base, theta[None])[0][0] * _exp(on_background @ theta)
        return np.asarray(rate)

    def profile(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return -ln L with the nuisance parameters fitted, (P,), and these, (P, N).

        Parameters
        ----------
        x, y
            ln(mass) and ln(coupling), shape (P,).
        """
        size = max(_BATCH // max(len(self.nuisances), 1) ** 2, 16)
        parts = [
            _profile(*self.rates(x[i : i + size], y[i : i + size]), self.base, self.observed)
            for i in range(0, len(x), size)
        ]
        nll, theta = zip(*parts, strict=True)
        return np.concatenate(nll), np.concatenate(theta)

    def without_signal(self) -> float:
        """Return -ln L of the background alone."""
        _, on_signal, on_background = self.rates(self.surface.log_mass[0], 0.0)
        none = np.zeros((1, len(self.base.channels)))
        return float(_profile(none, on_signal, on_background, self.base, self.observed)[0][0])


@lru_cache(maxsize=4)
def _rates_at(problem: FitProblem, x: float, y: float) -> tuple[FloatArray, ...]:
    """Return `FitProblem.rates` at one point; Minuit asks for it once for each nuisance."""
    return problem.rates(x, y)


def scan(problem: FitProblem, masses: ArrayLike, couplings: ArrayLike) -> FloatArray:
    """Return -ln L of the profile likelihood on a grid of masses and couplings, shape (M, D)."""
    x, y = np.meshgrid(np.log(np.asarray(masses)), np.log(np.asarray(couplings)), indexing="ij")
    return problem.profile(x.ravel(), y.ravel())[0].reshape(x.shape)


def _profile(
    signal: FloatArray,
    on_signal: FloatArray,
    on_background: FloatArray,
    base: CountingModel,
    observed: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return -ln L with fitted nuisance parameters, shapes (P,) and (P, N).

    Newton steps, with a Hessian made positive by leaving out what is negative of it, halved where
    they do not lower -ln L. Points that have come to rest are left alone.
    """
    additive = np.zeros_like(on_background)
    additive[:, additive.shape[1] - base.component_matrix.shape[1] :] = base.component_matrix
    left = np.arange(len(signal))

    def parts(theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        background, change, bent = _shifted(base, theta)
        factor = _exp(theta @ on_background.T)
        signals = signal[left] * _exp(np.einsum("pcn,pn->pc", on_signal[left], theta))
        return signals, background * factor, change * factor, bent * factor

    def value(theta: FloatArray) -> FloatArray:
        s, b, *_ = parts(theta)
        return np.asarray(_poisson_nll(s + b, observed) + 0.5 * (theta**2).sum(axis=1))

    theta = np.zeros((len(signal), on_background.shape[1]))
    nll = value(theta)
    for _ in range(_STEPS):
        s, b, change, bent = parts(theta[left])
        ratio = observed / (s + b)
        slope = s[:, :, None] * on_signal[left] + b[:, :, None] * on_background
        slope += change[:, :, None] * additive
        gradient = np.einsum("pc,pcn->pn", 1.0 - ratio, slope) + theta[left]
        hessian = _squares(ratio / (s + b), slope) + np.eye(theta.shape[1])
        bend = np.maximum(1.0 - ratio, 0.0)
        for weight, side in ((s, on_signal[left]), (b, on_background), (bent, additive)):
            hessian += _squares(bend * weight, side)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        for _ in range(_HALVINGS):
            trial = value(theta[left] - step)
            worse = trial > nll[left] + 1e-12
            if not worse.any():
                break
            step[worse] *= 0.5
        better = trial <= nll[left] + 1e-12
        theta[left[better]] -= step[better]
        nll[left[better]] = trial[better]
        left = left[np.abs(step * gradient).sum(axis=1) >= 1e-10]
        if not left.size:
            break
    return nll, theta


def _squares(weight: FloatArray, side: FloatArray) -> FloatArray:
    """Return sum_c weight_pc side_cm side_cn, (P, N, N), for sides (P, C, N) or (C, N)."""
    return np.asarray(np.matmul((weight[:, :, None] * side).transpose(0, 2, 1), side))


def _shifted(base: CountingModel, theta: FloatArray) -> tuple[FloatArray, ...]:
    """Return backgrounds with components at the last of theta (P, N), and derivatives, (P, C)."""
    first = theta.shape[1] - len(base.background_components)
    return tuple(part.T for part in shifted_background(base, theta[:, first:].T))


def _exp(change: FloatArray) -> FloatArray:
    """Return the factors of changes of ln(rate), where these are within what numbers can take."""
    return np.asarray(np.exp(np.clip(change, -_LARGEST, _LARGEST)))


def _poisson_nll(rate: FloatArray, observed: FloatArray) -> FloatArray:
    """Return -ln L of the counts relative to the saturated model, summed over channels."""
    return np.asarray((rate - observed + xlogy(observed, observed / rate)).sum(axis=-1))
