"""Distributions of counts with the nuisance parameters averaged over their priors.

Both averages are trapezoidal sums over standard normal variables. For integrands that are analytic
and vanish at both ends such a sum converges exponentially: against a Gaussian of width tau a
step h costs exp(-2 pi^2 tau^2 / h^2) (Trefethen and Weideman, SIAM Review 56 (2014) 385).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from hnlstat.inference.counting.poisson import likely_counts
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
TYPICAL_EVENTS = 40.0
"""Of tests whose own number is not given."""

_REACH = 8.0  # sigma; the Gaussian tail beyond is 6e-16
_STEP = 1.25  # times the width of the integrand: costs 6e-6 of it
_BULK = 5.0  # sigma of the integrand kept around its largest shift
_LARGEST_SHIFT = 4.0  # sigma that a downward pull of the signal can move the integrand by
_LEAST_SIZE = 1e-6  # of a direction, events; less does nothing
_SMALL_PULL = 0.4  # shift in sigma below which a third-degree rule is enough
_MOST_POINTS = 50_000  # of all directions one by one
_LEADING = (2, 1)  # directions that are followed one by one where these would be more


def poisson_pmf(size: int, mean: FloatArray) -> FloatArray:
    """Return Poisson(n; mean) for n = 0 .. size - 1, shape (size, K) for means of shape (K,)."""
    n = np.arange(size)[:, None]
    logs = np.log(mean, out=np.full(mean.shape, -1e4), where=mean > 0.0)
    pmf: FloatArray = np.exp(n * logs - mean - gammaln(n + 1.0))
    return pmf


def background_pmf(background: float, relative_error: float, tail: float) -> FloatArray:
    """Return the exponential of `background_log_pmf`, shape (N,)."""
    return np.asarray(np.exp(background_log_pmf(background, relative_error, tail)))


@lru_cache(256)
def background_log_pmf(background: float, relative_error: float, tail: float) -> FloatArray:
    """Return the distribution of background counts, its log-normal rate averaged over.

    Parameters
    ----------
    background
        Expected events.
    relative_error
        Change of the rate at +1 sigma; the rate is background * (1 + error)^z.
    tail
        The table ends where less than this probability is left.

    Returns
    -------
    ndarray
        Logarithm of the probability of n = 0, 1, ..., shape (N,), read-only.
    """
    width = np.log1p(relative_error)
    largest = int(likely_counts(tail, background * np.exp(_REACH * width))) + 2
    z = np.zeros(1)
    if width > 0.0:
        step = min(0.25, 0.5 / np.sqrt(1.0 + largest * width**2))
        z = np.arange(-_REACH, _REACH + step, step)
    n = np.arange(largest)[:, None]
    logs = n * (np.log(background) + width * z) - background * np.exp(width * z) - 0.5 * z**2
    highest = logs.max(axis=1, keepdims=True)
    log_pmf = highest[:, 0] + np.log(np.exp(logs - highest).sum(axis=1)) - gammaln(n[:, 0] + 1.0)
    log_pmf -= np.log(np.exp(-0.5 * z**2).sum())
    left = np.cumsum(np.exp(log_pmf[::-1]))[::-1]
    log_pmf = log_pmf[: max(int(np.count_nonzero(left > tail)), 1)].copy()
    log_pmf.flags.writeable = False  # the next one who asks has the same
    return np.asarray(log_pmf)


@dataclass(frozen=True, eq=False)
class SignalNodes:
    """Values of the signal that stand for its correlated log-normal uncertainty.

    Attributes
    ----------
    signal
        Expected events at K nodes, shape (C, K).
    weight
        Weight of each node, shape (K,), sum 1.
    """

    signal: FloatArray
    weight: FloatArray


def signal_nodes(
    model: CountingModel, most: int = _MOST_POINTS, events: float = 0.0
) -> SignalNodes:
    """Return quadrature nodes for the signals of all channels.

    ln(signal) is normal with `model.log_signal_covariance`. Its eigenvectors are independent
    directions. A direction whose pull on the likelihood, sum_i s_i d ln(s_i)/dz, is small gets two
    points, all such directions together a rule exact to third degree; the others get a
    trapezoidal sum reaching as far down as a test at many sigma can pull them. Where all
    would be more than `most` points only the largest are followed: one with the pull of all others
    stands for these.

    Parameters
    ----------
    model
        Signal and its uncertainties.
    most
        Points that are few enough.
    events
        In all channels of the outcomes that are asked for: a test with few events does not resolve
        a larger signal.
    """
    variance, vectors = np.linalg.eigh(model.log_signal_covariance)
    shifts = vectors * np.sqrt(np.maximum(variance, 0.0))
    typical = max(TYPICAL_EVENTS, events)
    scale = min(1.0, typical / max(float(model.signal.sum()), 1e-300))
    pulls = scale * (model.signal @ shifts)
    shifts, pulls = shifts * np.where(pulls < 0.0, -1.0, 1.0), np.abs(pulls)
    signal = scale * model.signal
    rules, columns = _rules(signal, shifts, pulls)
    order = np.argsort(-signal @ np.abs(shifts))
    for leading in _LEADING:
        if np.prod([float(len(weight)) for _, weight in rules]) > most:
            first, others = order[:leading], order[leading:]
            pull = np.linalg.norm(pulls[others])
            merged = shifts[:, others] @ pulls[others] / max(pull, 1e-300)
            kept = np.column_stack([shifts[:, first], merged])
            rules, columns = _rules(signal, kept, np.append(pulls[first], pull))
    if not rules:
        return SignalNodes(model.signal[:, None], np.ones(1))
    points, weight = _tensor(rules)
    log_change = np.concatenate(columns, axis=1) @ points
    return SignalNodes(model.signal[:, None] * np.exp(log_change), weight)


def _rules(
    signal: FloatArray, shifts: FloatArray, pulls: FloatArray
) -> tuple[list[tuple[FloatArray, FloatArray]], list[FloatArray]]:
    """Return quadrature rules of directions (C, K), and what each moves ln(signal) by."""
    sizes = signal @ np.abs(shifts)
    informative = sizes > _LEAST_SIZE
    small = informative & (sizes < _SMALL_PULL)
    rules, columns = [], []
    for j in np.flatnonzero(informative & ~small):
        rules.append(_trapezoid(float(pulls[j]), float(signal @ shifts[:, j] ** 2)))
        columns.append(shifts[:, [j]])
    if small.any():
        rules.append(_star(int(small.sum())))
        columns.append(shifts[:, small])
    return rules, columns


def _trapezoid(pull: float, curvature: float) -> tuple[FloatArray, FloatArray]:
    """Return points (1, K) and weights (K,) for a direction with this pull and curvature."""
    step = _STEP / np.sqrt(1.0 + curvature)
    lowest = -_BULK - min(pull, _LARGEST_SHIFT)
    z = np.arange(np.floor(lowest / step), np.ceil(_BULK / step) + 1.0) * step
    weight = np.exp(-0.5 * z**2)
    return z[None, :], weight / weight.sum()


def _star(dimensions: int) -> tuple[FloatArray, FloatArray]:
    """Return points (D, 2 D) and weights (2 D,) of the third-degree rule for D normals."""
    reach = np.sqrt(dimensions) * np.eye(dimensions)
    return np.concatenate([reach, -reach], axis=1), np.full(2 * dimensions, 0.5 / dimensions)


def _tensor(rules: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """Return the product of quadrature rules without the points of negligible weight."""
    index = np.indices([len(w) for _, w in rules]).reshape(len(rules), -1)
    points = np.concatenate([p[:, i] for (p, _), i in zip(rules, index, strict=True)])
    weight = np.prod([w[i] for (_, w), i in zip(rules, index, strict=True)], axis=0)
    kept = weight > 1e-16 * weight.max()
    return points[:, kept], weight[kept] / weight[kept].sum()
