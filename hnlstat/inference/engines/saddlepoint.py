"""P-values over backgrounds with a covariance, where counts are large: no toys, no asymptotics.

The test is that of the toys: outcomes are ordered by the profile likelihood ratio, linear in the
counts, and nuisance parameters drawn from their priors. Such a sum T = sum_i w_i n_i has a
cumulant function in closed form, as components of the background move rates linearly,

    K(t) = sum_i r_i e_i + |sum_i c_i e_i|^2 / 2,   e_i = exp(w_i t) - 1,

and its tails follow from the saddle point, relative error and all (Lugannani and Rice, Adv. Appl.
Prob. 12 (1980) 475, as Barndorff-Nielsen's r*, Biometrika 73 (1986) 307). The signal's log-normal
uncertainty is summed over along the direction that moves T; across it, it is a component, too.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri_exp

from hnlstat.errors import InferenceError
from hnlstat.inference.components import bent
from hnlstat.inference.engines.toy_sampling import Rates
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
METHOD = "saddlepoint"

_FEWEST = 10.0  # background events of a bin
_LEAST_VARIANCE = 200.0  # of all background events: one of them is a small step of such a sum
_FAINTEST = 1e-12  # change of ln(rate) below which a signal is none
_REACH, _STEP = 9.0, 0.25  # sigma of the signal's uncertainty
_GRID = np.linspace(-3.5, 3.5, 29)  # standard deviations around the mean, for quantiles
_STEPS, _LONGEST = 25, 1.5  # of Newton's method, standard deviations
_CLOSE = 1e-9  # standard deviations
_MIDDLE = 1e-3  # of them, within which the formula would be 0 / 0
_FARTHEST = 12.0  # beyond, tails are as good as none: those of a Gaussian


def refusal(model: CountingModel) -> str | None:
    """Return why a model is none for saddle points, None if it is one."""
    if not model.background_components:
        return "needs a covariance of the backgrounds"
    if model.background_modifiers.any():
        i = int(np.argmax(model.background_modifiers))
        return f"takes no uncertainty of {model.channels[i]} beside its covariance"
    low, variance = float(model.background.min()), _variance(model)
    if low < _FEWEST or variance < _LEAST_VARIANCE:
        return (
            f"needs {_FEWEST:g} background events in each bin, and of all together a variance of "
            f"{_LEAST_VARIANCE:g}; here are {low:.3g} and {variance:.3g}"
        )
    return bent(model)


def _variance(model: CountingModel) -> float:
    """Return the variance of the number of background events, with that of its components."""
    return float(model.background.sum() + (model.component_matrix.sum(axis=0) ** 2).sum())


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """The distribution of a weighted sum of counts.

    Attributes
    ----------
    weights
        Of the counts, shape (C,).
    rates
        Expected counts at Z nodes of the signal's uncertainty, shape (C, Z).
    signal
        Of these, the signal, shape (C, Z).
    log_share
        Logarithm of the weight of each node, shape (Z,).
    components, across
        Change of the rates by standard normal parameters, shape (K, C); of ln(signal), (N, C).
    """

    weights: FloatArray
    rates: FloatArray
    signal: FloatArray
    log_share: FloatArray
    components: FloatArray
    across: FloatArray

    @classmethod
    def of(cls, model: CountingModel, rates: Rates, weights: FloatArray) -> "WeightedSum":
        """The sum over background and signal of a model."""
        background, none = model.background[:, None], np.zeros((len(weights), 1))
        if not model.signal.any():
            across = np.zeros((0, len(weights)))
            return cls(weights, background, none, np.zeros(1), rates.components.T, across)
        moves = rates.signal_shift
        along = moves.T @ (model.signal * weights)
        size = float(np.linalg.norm(along))
        along = along / size if size > 0.0 else along
        z = np.arange(-_REACH, _REACH + _STEP, _STEP) if size > 0.0 else np.zeros(1)
        shift = moves @ along
        across = moves - np.outer(shift, along)
        # the mean over what is across
        mean = model.signal * np.exp(0.5 * (across**2).sum(axis=1))
        signal = mean[:, None] * np.exp(np.outer(shift, z))
        share = -0.5 * z**2
        return cls(
            weights, background + signal, signal, share - logsumexp(share),
            rates.components.T, across.T,
        )  # fmt: skip

    def _cumulants(self, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return K and its first two derivatives at each node, for t of shape (Z, M)."""
        w = self.weights[:, None, None]
        own = np.expm1(w * t)
        turned = (own, w * (own + 1.0), w**2 * (own + 1.0))
        value, slope, bend = (np.einsum("cz,czm->zm", self.rates, e) for e in turned)
        for moves, size in ((self.components, 1.0), (self.across, self.signal[:, :, None])):
            v, v1, v2 = (np.tensordot(moves, size * e, 1) for e in turned)
            value += 0.5 * (v**2).sum(axis=0)
            slope += (v * v1).sum(axis=0)
            bend += (v1**2 + v * v2).sum(axis=0)
        return value, slope, bend

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation at each node, shape (Z, 1)."""
        _, mean, variance = self._cumulants(np.zeros((self.rates.shape[1], 1)))
        return mean, np.sqrt(variance)

    def deviates(self, values: FloatArray) -> FloatArray:
        """Return normal deviates with the probabilities of no larger sums, shape (Z, M)."""
        mean, sigma = self._moments
        far = (values - mean) / sigma
        aim = np.clip(far, -_FARTHEST, _FARTHEST)
        t = aim / sigma
        for _ in range(_STEPS):
            _, slope, bend = self._cumulants(t)
            step = (mean + aim * sigma - slope) / np.maximum(bend, 0.1 * sigma**2)
            step = np.clip(step, -_LONGEST / sigma, _LONGEST / sigma)
            t = t + step
            if np.abs(step * sigma).max() < _CLOSE:
                break
        middle = np.abs(t * sigma) < _MIDDLE
        used = np.where(middle, _MIDDLE / sigma, t)
        value, slope, bend = self._cumulants(used)
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sign(used) * np.sqrt(2.0 * (used * slope - value))
            more = np.log(used * np.sqrt(bend) / root) / root
        found = np.where(middle, t * sigma, root) + more
        good = np.isfinite(found) & (np.abs(far) < _FARTHEST)
        return np.asarray(np.where(good, found, far))

    def log_tail(self, values: FloatArray, above: bool = False) -> FloatArray:
        """Return ln P of no larger sums than these (M,), or of no smaller ones."""
        deviates = self.deviates(values) * (-1.0 if above else 1.0)
        return np.asarray(logsumexp(self.log_share[:, None] + log_ndtr(deviates), axis=0))

    def quantiles(self, probabilities: FloatArray) -> FloatArray:
        """Return the sums that are not exceeded with these probabilities (M,)."""
        mean, sigma = self._moments
        share = np.exp(self.log_share)[:, None]
        middle = float((share * mean).sum())
        width = float(np.sqrt((share * (sigma**2 + (mean - middle) ** 2)).sum()))
        x = middle + width * _GRID
        deviates = ndtri_exp(self.log_tail(x))
        turned = scipy.interpolate.make_interp_spline(deviates, x, k=3)
        return np.asarray(turned(scipy.special.ndtri(probabilities)))


class SaddlepointCalculator:
    """Tests of any signal over large backgrounds with a covariance.

    Raises
    ------
    InferenceError
        If the backgrounds are not of this kind.
    """

    def __init__(self, model: CountingModel) -> None:
        if (reason := refusal(model)) is not None:
            raise InferenceError(f"calculator={METHOD}: {reason}; use auto, toys or asymptotic")

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return CLs and CLs+b, observed and expected, of the model's signal."""
        blind = model.observed is None
        if (sums := _sums(model)) is None:
            one, ones = (None if blind else 1.0), (1.0,) * len(BANDS)
            return Exclusion(one, one, ones, ones, METHOD, "ok: no signal")
        without, with_signal = sums
        values = without.quantiles(ndtr(BANDS))
        if model.observed is not None:
            values = np.append(values, with_signal.weights @ model.observed)
        clsb, cls = _p_values(without, with_signal, values)
        return Exclusion(
            None if blind else float(cls[-1]),
            None if blind else float(clsb[-1]),
            tuple(cls[: len(BANDS)].tolist()),
            tuple(clsb[: len(BANDS)].tolist()),
            METHOD,
            "ok",
        )

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of many outcomes (C, M), shape (M,)."""
        if (sums := _sums(model)) is None:
            return np.ones(counts.shape[1])
        without, with_signal = sums
        return _p_values(without, with_signal, with_signal.weights @ counts)[1]

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, observed and expected with the signal."""
        blind = model.observed is None
        if (sums := _sums(model)) is None:
            return Discovery(None if blind else 1.0, 1.0, METHOD, "ok: no signal")
        without, with_signal = sums
        values = with_signal.quantiles(np.array([0.5]))
        if model.observed is not None:
            values = np.append(values, with_signal.weights @ model.observed)
        p = np.exp(without.log_tail(values, above=True))
        return Discovery(None if blind else float(p[-1]), float(p[0]), METHOD, "ok")


def _sums(model: CountingModel) -> tuple[WeightedSum, WeightedSum] | None:
    """Return the sums without the signal and with it, weights as of toys; None: no signal."""
    model = model.capped()
    rates = Rates(model)
    weights = rates.ratio()
    if np.abs(weights).max() < _FAINTEST:
        return None
    none = replace(model, signal=np.zeros_like(model.signal))
    return WeightedSum.of(none, rates, weights), WeightedSum.of(model, rates, weights)


def _p_values(
    without: WeightedSum, with_signal: WeightedSum, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return CLs+b and CLs at sums (M,)."""
    both, alone = with_signal.log_tail(values), without.log_tail(values)
    return np.exp(both), np.exp(np.minimum(both - alone, 0.0))
