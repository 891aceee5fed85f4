"""Posteriors of the coupling, flat in a power of it, and their tails.

A posterior needs the signal at all couplings, and at large ones N decays before it reaches the
detector: the likelihood returns to that of no signal, and a flat prior without an end has no
integral. So the posterior follows the signal up to its first large maximum (`top`), and from there
on as if the signal rose on in the way it began: no limit comes from where the range ends. A limit
exists where it lies below the top. Couplings above are as excluded as the one below that has their
likelihood, so that a region closes where the likelihood is again that of its lower end. With less
signal than the most likely they are not excluded: an upper limit does not exclude small signals.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.path import CouplingPath

FloatArray = NDArray[np.float64]

METHOD, CREDIBLE = "bayesian", "credible"
"""The calculator, and the head of what it excludes by."""

_NEAR = 6  # couplings that tell ln(likelihood) between them
_FINER, _GAUSS = 2, 4  # intervals for each between couplings, and points of each
_FINER_ABOVE = 8
_NONE, _GONE = -600.0, -50.0  # ln(likelihood) relative to the largest


@dataclass(frozen=True)
class Prior:
    """A prior that is flat in a power of the coupling, from 0 on.

    Attributes
    ----------
    power
        The power.
    text
        What it is flat in, such as "d^2"; without spaces.
    """

    power: float
    text: str

    @property
    def test(self) -> str:
        """What excludes, in a word."""
        return f"{CREDIBLE}({self.text})"

    def method(self, discovery: str) -> str:
        """Name the method of a point, whose discovery is by another calculator."""
        return f"{METHOD} {self.test}, {discovery} p0"


@dataclass(frozen=True, eq=False)
class Tails:
    """Probability of larger couplings, for M likelihoods.

    Attributes
    ----------
    top
        ln(coupling) up to which the signal rises, or leaves no likelihood.
    x, log_tail
        Fine ln(coupling) beyond the top, too, shape (F,), and ln(tail) there, shape (F, M).
    logs
        ln(likelihood), shape (F, M).
    events
        ln(signal events) at `x`.
    above, above_logs, above_events
        The couplings from the top on as they are, shapes (A,), (A, M) and (A,).
    power
        Of the prior.
    """

    top: float
    x: FloatArray
    log_tail: FloatArray
    logs: FloatArray
    events: FloatArray
    above: FloatArray
    above_logs: FloatArray
    above_events: FloatArray
    power: float

    @classmethod
    def build(
        cls,
        way: CouplingPath,
        logs: tuple[FloatArray, ...],
        prior: Prior,
    ) -> "Tails":
        """Integrate posteriors.

        Parameters
        ----------
        way, logs
            Couplings, and ln(likelihood) on each of its parts, shapes (., M).
        prior
            Of the coupling.

        Raises
        ------
        InferenceError
            If a posterior does not fall.
        """
        largest = np.maximum(logs[0].max(axis=0), logs[1].max(axis=0))
        up, beyond = (_Part.build(x, np.maximum(part - largest, _NONE), prior.power, way.x[0])
                      for x, part in zip((way.x, way.beyond), logs[:2], strict=True))  # fmt: skip
        ends = beyond if beyond.x.size > 1 else up
        falls = -prior.power - ends.last_slope
        if np.any((falls < 0.1) & (ends.logs[-1] > _GONE)):
            raise InferenceError("the posterior of the coupling does not fall at large signals")
        rest = np.exp(ends.density[-1]) / np.maximum(falls, 0.1)
        panels = np.concatenate([up.panels, beyond.panels, rest[None]])
        tail = np.cumsum(panels[::-1], axis=0)[::-1]
        # below the first coupling ln(likelihood) goes as the signal does
        p, k = prior.power, way.power
        below = np.exp(up.logs[0]) * (1.0 / p + up.first_slope / k * (1.0 / (p + k) - 1.0 / p))
        log_tail = np.log(np.maximum(tail / (tail[0] + below), 1e-300))
        keep = slice(1, None)  # the top is in both parts
        x, fine = (np.concatenate([a, b[keep]]) for a, b in
                   ((up.x, beyond.x), (up.logs, beyond.logs)))  # fmt: skip
        above = np.maximum(logs[2] - largest, _NONE)
        events = [np.log(np.maximum(path.signal.sum(axis=1), 1e-300))
                  for path in (way.path, way.path_beyond, way.path_above)]  # fmt: skip
        coarse = np.append(way.x, way.beyond[keep])
        rising = np.interp(x, coarse, np.append(events[0], events[1][keep]))
        return cls(float(way.x[-1]), x, log_tail, fine, rising, way.above, above, events[2], p)

    @cached_property
    def _below_top(self) -> scipy.interpolate.BSpline:
        used = self.x <= self.top
        k = min(3, (int(used.sum()) - 2) | 1)
        return scipy.interpolate.make_interp_spline(self.x[used], self.log_tail[used], k=k)

    def log_at(self, x: float) -> FloatArray:
        """Return ln(tail) at a coupling, shape (M,)."""
        if x < self.x[0]:  # hardly any signal
            below = -np.expm1(self.log_tail[0]) * np.exp(self.power * (x - self.x[0]))
            return np.asarray(np.log1p(-below))
        if x <= self.top:
            return np.asarray(np.minimum(self._below_top(x), 0.0))
        at, tails = self._above_top
        if at.size == 1:
            return np.asarray(tails[0])
        right = int(np.clip(np.searchsorted(at, x), 1, at.size - 1))
        share = min((x - at[right - 1]) / (at[right] - at[right - 1]), 1.0)
        return np.asarray((1.0 - share) * tails[right - 1] + share * tails[right])

    @cached_property
    def _above_top(self) -> tuple[FloatArray, FloatArray]:
        """Fine ln(coupling) from the top on, shape (A,), and ln(tail) by likelihood, (A, M)."""
        size = self.above.size
        places = np.arange(_FINER_ABOVE * (size - 1) + 1) / _FINER_ABOVE
        x = np.interp(places, np.arange(size), self.above)
        events = np.interp(x, self.above, self.above_events)
        found = np.zeros((x.size, self.logs.shape[1]))
        for m, likelihood in enumerate(self.above_logs.T):
            mode = int(np.argmax(self.logs[:, m]))
            falling = np.maximum.accumulate(-self.logs[mode:, m])
            here = np.interp(x, self.above, likelihood)
            tails = np.interp(-here, falling, self.log_tail[mode:, m])
            found[:, m] = np.where(events < self.events[mode], 0.0, tails)
        return x, found


@dataclass(frozen=True, eq=False)
class _Part:
    """A part of M posteriors: ln(likelihood) and ln(density) on fine ln(coupling), and integrals.

    Attributes
    ----------
    x, logs, density
        Shapes (F,), (F, M) and (F, M); densities are by ln(coupling).
    panels
        Integrals between these, shape (F - 1, M).
    first_slope, last_slope
        Of ln(likelihood) at the ends, shape (M,).
    """

    x: FloatArray
    logs: FloatArray
    density: FloatArray
    panels: FloatArray
    first_slope: FloatArray
    last_slope: FloatArray

    @classmethod
    def build(cls, x: FloatArray, logs: FloatArray, power: float, origin: float) -> "_Part":
        """Interpolate ln(likelihood) at couplings, shapes (P,) and (P, M), and integrate."""
        if x.size == 1:
            none = np.zeros(logs.shape[1])
            return cls(
                x, logs, logs + power * (x[0] - origin), np.empty((0, none.size)), none, none
            )
        places = np.arange(_FINER * (x.size - 1) + 1) / _FINER
        fine = np.interp(places, np.arange(x.size), x)
        points, weights = np.polynomial.legendre.leggauss(_GAUSS)
        half = 0.5 * np.diff(fine)[:, None]
        at = fine[:-1, None] + half * (points + 1.0)
        within = (_between(x, at.ravel()) @ logs).reshape(*at.shape, -1)
        density = np.exp(within + power * (at - origin)[:, :, None])
        panels = np.einsum("fg,fgm->fm", half * weights, density)
        values = _between(x, fine) @ logs
        slopes = (_slope(x[near], logs[near], x[end]) for near, end in
                  ((slice(_NEAR), 0), (slice(-_NEAR, None), -1)))  # fmt: skip
        return cls(fine, values, values + power * (fine - origin)[:, None], panels, *slopes)


def _between(x: FloatArray, at: FloatArray) -> FloatArray:
    """Return weights (A, P) of the values at x (P,) for those at `at` (A,).

    They are those of polynomials through the nearest points: likelihoods that are hardly known,
    where they are small, leave no trace where they are large, as they do in a spline.
    """
    size = min(_NEAR, x.size)
    first = np.clip(np.searchsorted(x, at, side="right") - size // 2, 0, x.size - size)
    places = first[:, None] + np.arange(size)
    nodes, found = x[places], np.zeros((at.size, x.size))
    for i in range(size):
        others = np.delete(nodes, i, axis=1)
        share = (at[:, None] - others) / (nodes[:, i, None] - others)
        found[np.arange(at.size), places[:, i]] = share.prod(axis=1)
    return found


def _slope(x: FloatArray, values: FloatArray, at: float) -> FloatArray:
    """Return the derivative at one place of the polynomial through values (P, M) at x (P,)."""
    through = scipy.interpolate.make_interp_spline(x, values, k=(x.size - 2) | 1)
    return np.asarray(through.derivative()(at))
