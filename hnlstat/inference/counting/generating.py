"""The generating function of a weighted sum of counts, and where the distribution lies.

`sums` says how it is made. Chernoff's bound tells between which sums all but e^-21, or what else is
asked for, of a distribution is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.inference.counting.marginal import SignalNodes

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
Channel = tuple[NDArray[np.intp], FloatArray, FloatArray]
"""Bins of a channel, their shares of its background, and ln P of its counts."""

_NEGLIGIBLE = 1e-17
_LIGHT = 0.1  # share of a node that counts for nothing, over what is left out
_BATCH = 2_000_000  # of nodes times points on the circle
_POWERS = 32
_SIZES = 513  # of points, at which polynomials are looked at first
_POINTS = 4096  # at once, so that their powers stay in the cache
_DOWN, _UP = 70, 40  # exponents at which generating functions are looked at


@dataclass(frozen=True)
class Window:
    """Where a distribution lies: shift and logarithm of the norm as in `Moved`, and its ends."""

    at: int
    shift: float
    log_norm: float
    low: float
    high: float
    left_out: float

    @property
    def width(self) -> float:
        """Distance of the ends."""
        return self.high - self.low

    @property
    def spread(self) -> float:
        """About its standard deviation, that of a Gaussian with these ends."""
        return float(self.width / np.sqrt(8.0 * self.left_out))

    @property
    def size(self) -> int:
        """Enough points on the circle, a good number for a Fourier transform."""
        start = np.floor(self.low)
        return 2 * int(scipy.fft.next_fast_len(int(0.5 * (self.high - start)) + 3, real=True))


@dataclass(frozen=True, eq=False)
class Generating:
    """The generating function of sums without the signal, and with it.

    Attributes
    ----------
    channels, nodes
        The background's distributions, and the nodes of the signal.
    multiples
        Weights of the bins over the step, shape (C,).
    whole
        Whether they are whole numbers.
    """

    channels: Sequence[Channel]
    nodes: SignalNodes
    multiples: FloatArray
    whole: bool = False

    @cached_property
    def _grid(self) -> FloatArray:
        """Exponents k at which the generating function of exp(k) is looked at, rising."""
        positive = self.multiples[self.multiples > 0.0]
        events = 1.0 + sum(float(np.exp(p) @ np.arange(len(p))) for _, _, p in self.channels)
        events += float((self.nodes.signal @ self.nodes.weight).sum())
        low, high = 0.01 / (np.sqrt(events) * positive.max()), 30.0 / positive.min()
        down = -np.geomspace(high, low, _DOWN)
        up = np.geomspace(low, 20.0 / positive.max(), _UP)
        return np.concatenate([down, [0.0], up])

    @cached_property
    def _logs(self) -> tuple[FloatArray, FloatArray]:
        """Logarithms of the generating functions on the grid, without the signal and with it."""
        powers = np.exp(np.outer(self.multiples, self._grid))
        background = np.zeros(len(self._grid))
        for rows, shares, log_pmf in self.channels:
            base = np.log(np.maximum(shares @ powers[rows], 1e-300))
            background += _log_sum(log_pmf[:, None] + np.arange(len(log_pmf))[:, None] * base)
        exponents = self.nodes.signal.T @ (powers - 1.0)
        return background, background + _log_sum(np.log(self.nodes.weight)[:, None] + exponents)

    def window(self, target: float, with_signal: bool, left_out: float) -> Window:
        """Return where the distribution is that is led down to a sum, if it is not below anyway."""
        grid, logs = self._grid, self._logs[with_signal]
        at = _DOWN
        if np.isfinite(target):
            at = int(np.argmin(logs[: at + 1] - grid[: at + 1] * target))
        high = (logs[at + 1 :] - logs[at] + left_out) / (grid[at + 1 :] - grid[at])
        low = (logs[at] - logs[:at] - left_out) / (grid[at] - grid[:at])
        return Window(
            at,
            float(grid[at]),
            float(logs[at]),
            max(float(low.max(initial=0.0)), 0.0),
            float(high.min()),
            left_out,
        )

    def ratio(self, shift: float, size: int, with_signal: bool, left_out: float) -> ComplexArray:
        """Return G(exp(shift + i angle)) / G(exp(shift)) on the upper half of the circle."""
        angles = 2.0 * np.pi / size * np.arange(size // 2 + 1)
        scale = np.exp(shift * self.multiples)
        if self.whole:
            whole = self.multiples.astype(np.int64)
            index = np.outer(whole, np.arange(len(angles))) % size
            turns = np.exp(2j * np.pi / size * np.arange(size))[index]
        else:
            turns = np.exp(1j * np.outer(self.multiples, angles))
        found = np.ones(len(angles), dtype=np.complex128)
        for rows, shares, log_pmf in self.channels:
            point = shares * scale[rows]
            high = float(point.sum())
            logs = log_pmf + np.arange(len(log_pmf)) * np.log(max(high, 1e-300))
            weights = np.exp(logs - _log_sum(logs))
            used = weights[: int(np.flatnonzero(weights > _NEGLIGIBLE)[-1]) + 1]
            found *= _polynomial(used, (point / max(high, 1e-300)) @ turns[rows])
        if not with_signal:
            return found
        rates = self.nodes.signal * scale[:, None]
        logs = np.log(self.nodes.weight) + (rates - self.nodes.signal).sum(axis=0)
        weight = np.exp(logs - logs.max())
        beyond = _LIGHT * np.exp(-left_out)
        heavy = weight > beyond * weight.sum()
        rates, weight = rates[:, heavy], weight[heavy] / weight[heavy].sum()
        decay = np.exp(rates.min(axis=1) @ (turns.real - 1.0))
        at = np.flatnonzero(np.abs(found) * decay > max(_NEGLIGIBLE, 1e-5 * beyond))
        result = np.zeros_like(found)
        for some in np.array_split(at, 1 + at.size * weight.size // _BATCH):
            result[some] = found[some] * (weight @ np.exp(rates.T @ (turns[:, some] - 1.0)))
        return result


def _polynomial(coefficients: FloatArray, at: ComplexArray) -> ComplexArray:
    """Return a polynomial with positive coefficients, the lowest power first, in the unit circle.

    It is at most its value at |z|: points where that is negligible, most of them where events are
    many, are left at 0.
    """
    sizes = np.linspace(0.0, 1.0, _SIZES)
    largest = _horner(coefficients, sizes)
    above = np.minimum(np.ceil(np.abs(at) * (_SIZES - 1)).astype(np.intp), _SIZES - 1)
    used = np.flatnonzero(largest[above] > _NEGLIGIBLE)
    found = np.zeros_like(at)
    for some in np.array_split(used, 1 + used.size // _POINTS):
        found[some] = _horner(coefficients, at[some])
    return found


def _horner(coefficients: FloatArray, at: NDArray[Any]) -> NDArray[Any]:
    """Return a polynomial at real or complex points.

    Some powers at once, by a product of real matrices; Horner's rule alone takes a few times as
    long.
    """
    blocks = np.pad(coefficients, (0, -len(coefficients) % _POWERS)).reshape(-1, _POWERS)
    powers = np.ones((_POWERS + 1, at.size), dtype=at.dtype)
    for k in range(_POWERS):
        np.multiply(powers[k], at, out=powers[k + 1])
    found = np.zeros_like(at)
    for part in (blocks @ powers[:-1].view(np.float64)).view(at.dtype)[::-1]:
        found = found * powers[-1] + part
    return found


def _log_sum(logs: FloatArray) -> FloatArray:
    """Return the logarithm of the sum over the first axis."""
    largest = logs.max(axis=0)
    return np.asarray(largest + np.log(np.exp(logs - largest).sum(axis=0)))
