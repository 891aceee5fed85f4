"""Averages over the uncertainty of a signal where probabilities are smooth in it.

ln(signal) is normal. Along the direction that moves the number of events most, its pull, nodes of
Gauss and Hermite stand around where the integrand lies. Across it ln P is taken as quadratic: the
derivatives of a distribution of counts by a rate are its differences, dF/ds = F(one count fewer) -
F, so that these Gaussian integrals cost hardly anything.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import roots_hermitenorm

FloatArray = NDArray[np.float64]

_LEAST = 0.003  # events that a direction across moves; less changes ln P by half its square
_SPANS = (0.4, 0.8, 1.2)  # standard deviations around the middle for 3, 4, 5 nodes
_MOST_NODES = 24
_STEEP = 1.5  # curvature from which on a step in the number of events needs more nodes
_STEPS = 60
_NO_NUMBER = -1e300
_FLATTEST = 0.5  # of a curvature across that the prior has as 1


@dataclass(frozen=True, eq=False)
class Pull:
    """Nodes along the pull of a signal, and directions across it.

    Attributes
    ----------
    signal
        At K nodes, shape (K, C).
    log_weight
        Of each, shape (K,).
    across
        Change of ln(signal) per sigma of D parameters, shape (C, D).
    """

    signal: FloatArray
    log_weight: FloatArray
    across: FloatArray

    @classmethod
    def build(
        cls, signal: FloatArray, covariance: FloatArray, events: tuple[float, float]
    ) -> "Pull":
        """Place nodes.

        Parameters
        ----------
        signal, covariance
            Medians [events], shape (C,), and the covariance of their logarithms.
        events
            Fewest and most signal events of outcomes that are asked for; the signal for all.
        """
        variance, vectors = np.linalg.eigh(covariance)
        shifts = vectors * np.sqrt(np.maximum(variance, 0.0))
        pull = signal @ shifts
        size = float(np.linalg.norm(pull))
        if size < _LEAST:
            return cls(signal[None], np.zeros(1), np.zeros((signal.size, 0)))
        along = shifts @ pull / size
        left = shifts - np.outer(along, pull / size)
        u, sizes, _ = np.linalg.svd(signal[:, None] * left, full_matrices=False)
        kept = sizes > _LEAST
        held = signal[:, None] > 0.0
        across = np.divide(
            u[:, kept] * sizes[kept], signal[:, None], out=np.zeros((signal.size, int(kept.sum()))),
            where=held,
        )  # fmt: skip
        low, high = (_mode(signal, along, n) for n in events)
        curvature = float(signal * np.exp(along * low) @ along**2)
        z, log_weight = _nodes(low, high, curvature)
        return cls(signal * np.exp(np.outer(z, along)), log_weight, across)

    def log_average(self, single: FloatArray, double: FloatArray, log_f: FloatArray) -> FloatArray:
        """Return the logarithm of the average of probabilities F at T values, shape (T,).

        Parameters
        ----------
        single, double
            F with one count fewer in a channel, and in two, relative to F, shapes (K, T, C) and
            (K, T, C, C).
        log_f
            ln F at the nodes, shape (K, T).
        """
        logs = self.log_weight[:, None] + log_f
        if self.across.shape[1]:
            moves = self.signal[:, :, None] * self.across
            slope = single - 1.0
            gradient = slope @ moves
            bend = double - single[..., :, None] * single[..., None, :]
            second = moves.swapaxes(1, 2)[:, None] @ bend @ moves[:, None]
            second += self.across.T @ (slope[..., None] * moves[:, None])
            values, vectors = np.linalg.eigh(np.eye(self.across.shape[1]) - second)
            # ln P bends down: where it does not, P is too small for differences of counts to tell
            known = values > _FLATTEST
            own = np.where(known, (gradient[:, :, None] @ vectors)[:, :, 0], 0.0)
            values = np.where(known, values, 1.0)
            logs = logs + 0.5 * (own**2 / values - np.log(values)).sum(axis=-1)
        largest = np.maximum(logs.max(axis=0), _NO_NUMBER)
        with np.errstate(divide="ignore"):
            return np.asarray(largest + np.log(np.exp(logs - largest).sum(axis=0)))


@cache
def _hermite(number: int) -> tuple[FloatArray, FloatArray]:
    x, weight = roots_hermitenorm(number)
    return x, weight


def _mode(signal: FloatArray, along: FloatArray, events: float) -> float:
    """Return where exp(-signal) signal^events of a sum is largest, its prior normal."""
    events = min(events, float(signal.sum()))
    mean = float(along @ signal / signal.sum())
    z = 0.0
    for _ in range(_STEPS):
        rates = signal * np.exp(along * z)
        step = (z + float(rates @ along) - events * mean) / (1.0 + float(rates @ along**2))
        z -= step
        if abs(step) < 1e-3:
            break
    return min(z, 0.0)


def _nodes(low: float, high: float, curvature: float) -> tuple[FloatArray, FloatArray]:
    """Return nodes and ln(weight) for integrands with their modes between two places.

    Their curvature is between that of the prior and another one more than that.
    """
    middle, width = 0.5 * (low + high), 1.0 / np.sqrt(1.0 + 0.5 * curvature)
    span = 0.5 * (high - low) / width
    number = 3 + sum(span > s for s in _SPANS)
    if number == 3 + len(_SPANS) or curvature > _STEEP:
        number = min(int(6 + 2.0 * span + 2.0 * np.sqrt(curvature)), _MOST_NODES)
    x, weight = _hermite(number)
    z = middle + width * x
    log_weight = np.log(weight / weight.sum()) + np.log(width) + 0.5 * (x**2 - z**2)
    return z, log_weight
