"""The distribution of a weighted sum of counts, to a relative precision in its tails.

With weights that are multiples m_i of a small step, sum_i n_i m_i has the generating function

    G(x) = prod_c H_c( sum_i f_i x^m_i ) * E exp( sum_i s_i (x^m_i - 1) ),

where H_c is that of the background counts of channel c, its rate averaged over, f_i are the shares
of its bins, and E averages the signal over its uncertainties as in the exact calculation. A Fourier
transform over a circle of radius r = exp(-k) gives the probabilities times r^n / G(r): a
distribution that is moved to where it is wanted, so that tails keep their relative precision (the
saddle point of Daniels, Ann. Math. Stat. 25 (1954) 631). It has to be known only where it
lies (`generating`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.inference.counting.generating import Channel, Generating
from hnlstat.inference.counting.ladder import TIE
from hnlstat.inference.counting.marginal import SignalNodes
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_LEFT_OUT = 21.0  # minus the logarithm of what lies beyond the window
_LEFT_OUT_ABOVE = 31.0  # where small probabilities above are asked for
_LEFT_OUT_MEDIAN = 10.0
_NEAR = 4.0  # standard deviations that a distribution may be moved by, and still be used
_PRECISION = 0.00025  # root mean square, of p-values, from the rounding of weights
_COARSEST = 4.0  # times that: relative change of a p-value by a step, unless all are multiples
_FEW, _COARSER = 5.0, 8.0  # events from which on, and how much coarser, steps may be: of more
# events each outcome is less of a p-value, so that it matters less where it changes places
_DISCOVERY_SLOPE = 1.5  # of ln p, steeper than the 1 of most likely outcomes
_TRIED, _FINER = 2000, 1.6  # steps, and how much finer the best of them may be
_COMMON = 1e-9  # rounding error of weights that are multiples of a step
_MOST_STEPS = 2**17
_CHEAP_STEPS = 2**12  # as many as are taken lest a weight is rounded to nothing
_SMOOTH_STEPS = 2**13  # of sums of so many events that they lie dense
_ROUGH, _ROUGH_ABOVE = 1e-3, 1e-14  # size of the finest detail of sums that lie dense


@dataclass(frozen=True, eq=False)
class Moved:
    """A distribution of sums n times exp(-shift n), in a window.

    Attributes
    ----------
    shift, log_norm
        And the logarithm of its sum.
    start
        First sum of the window.
    spread
        About its standard deviation.
    probability
        Normalised, shape (N,).
    """

    shift: float
    log_norm: float
    start: int
    spread: float
    probability: FloatArray


@dataclass(frozen=True, eq=False)
class Sums(Generating):
    """Sums of weighted counts of one model.

    Attributes
    ----------
    rounding
        Relative change of a p-value by the rounding of each weight, shape (C,).
    rates
        Expected counts where p-values are asked for, shape (C,).
    """

    rounding: FloatArray = field(default_factory=lambda: np.array(0.0))
    rates: FloatArray = field(default_factory=lambda: np.array(0.0))
    _known: dict[tuple[int, bool, float], Moved] = field(init=False, default_factory=dict)

    @classmethod
    def build(
        cls,
        model: CountingModel,
        channels: Sequence[Channel],
        nodes: SignalNodes,
        counts: FloatArray,
        discovery: bool = False,
    ) -> "Sums":
        """Choose the step: the largest that changes no p-value of outcomes much.

        Parameters
        ----------
        model
            Signal and background.
        channels, nodes
            Its background's distributions, and the nodes of its signal.
        counts
            The outcomes, shape (C, M).
        discovery
            Whether sums above are asked for, not those below.
        """
        weights = np.log1p(model.signal / model.background)
        fine = cls(channels, nodes, weights)
        target = np.inf if discovery else float((weights @ counts).max())
        ends = (_LEFT_OUT_MEDIAN, _LEFT_OUT_ABOVE) if discovery else (_LEFT_OUT, _LEFT_OUT)
        both = [
            fine.window(target, with_signal, end)
            for with_signal, end in zip((True, False), ends, strict=True)
        ]
        shift = both[0].shift
        reach, spread = max(w.width for w in both), min(w.spread for w in both)
        slope = max(_DISCOVERY_SLOPE if discovery else -shift, 1.0 / spread)
        rates = (model.signal + model.background) * np.exp(shift * weights)
        rates = np.maximum(rates, counts.max(axis=1))
        least = float(weights[weights > 0.0].min())
        # bins without signal, however many events these have, must not make it small
        typical = max(np.sqrt(float(rates @ weights**2) / float(rates.sum())), least)
        steps = np.geomspace(typical, reach / _MOST_STEPS, _TRIED)
        wrong = weights / steps[:, None] - np.rint(weights / steps[:, None])
        errors = slope * steps * np.sqrt(wrong**2 @ rates)
        common = np.abs(wrong).max(axis=1) < _COMMON
        precision = _PRECISION * float(np.clip(rates.sum() / _FEW, 1.0, _COARSER))
        largest = min(_COARSEST * precision / slope, max(least, reach / _CHEAP_STEPS))
        good = common | ((errors < precision) & (steps <= largest))
        at = int(np.argmax(good)) if good.any() else len(steps) - 1
        if not common[at]:  # a little finer there may be a much better one
            at += int(np.argmin(np.where(steps[at:] > steps[at] / _FINER, errors[at:], np.inf)))
        if not good.any():
            smooth = replace(fine, multiples=weights * (_SMOOTH_STEPS / (1.2 * reach)))
            if smooth._is_dense(target * _SMOOTH_STEPS / (1.2 * reach)):
                return smooth
        rounding = slope * steps[at] * np.abs(wrong[at])
        return cls(channels, nodes, np.rint(weights / steps[at]), True, rounding, rates)

    def error(self, counts: FloatArray) -> float:
        """Return the relative error of the p-values of outcomes (C, M), for rounded weights."""
        if not self.whole:
            return 0.0
        return float(np.sqrt(self.rounding**2 @ np.maximum(self.rates, counts.max(axis=1))))

    def values(self, counts: FloatArray) -> FloatArray:
        """Return the sums of outcomes (C, M), shape (M,)."""
        return np.asarray(self.multiples @ counts)

    def quantiles(self, probabilities: FloatArray) -> FloatArray:
        """Return the smallest sums that are not exceeded without the signal, shape (M,)."""
        return self._quantiles(self._moved(np.inf, False), probabilities)

    def median(self) -> FloatArray:
        """Return the median sum with the signal, shape (1,)."""
        return self._quantiles(self._moved(np.inf, True, _LEFT_OUT_MEDIAN), np.array([0.5]))

    def _quantiles(self, moved: "Moved", probabilities: FloatArray) -> FloatArray:
        at = np.searchsorted(np.cumsum(moved.probability), probabilities * (1.0 - TIE))
        return moved.start + np.minimum(at, len(moved.probability) - 1).astype(np.float64)

    def above(self, values: FloatArray) -> FloatArray:
        """Return the probabilities of no smaller sums without the signal, shape (M,)."""
        moved = self._moved(np.inf, False, _LEFT_OUT_ABOVE)
        own = np.append(moved.probability, 0.0)
        tails = np.cumsum(own[::-1])[::-1]
        at = np.clip(self._cell(values) - moved.start, 0, len(tails) - 1).astype(int)
        below = 0.0 if self.whole else self._share(values) * own[at]
        return np.asarray(np.clip(tails[at] - below, 0.0, 1.0))

    def log_below(self, values: FloatArray, with_signal: bool) -> FloatArray:
        """Return the logarithms of the probabilities of no larger sums, shape (M,)."""
        found = np.zeros(len(values))
        left = np.ones(len(values), dtype=bool)
        while left.any():
            largest = float(values[left].max())
            moved = self._moved(largest, with_signal)
            near = left & (values >= largest - _NEAR * moved.spread)
            for i in np.flatnonzero(near).tolist():
                found[i] = self._log_sum(moved, float(values[i]))
            left &= ~near
        return found

    def _log_sum(self, moved: Moved, value: float) -> float:
        """Return ln P(sum <= value) from a distribution that lies near."""
        last = int(self._cell(np.array([value]))[0]) - moved.start
        if last < 0:
            return -np.inf
        if last >= len(moved.probability) and moved.shift == 0.0:
            return 0.0
        used = moved.probability[: last + 1].copy()
        if not self.whole and last < len(moved.probability):
            used[-1] *= float(self._share(np.array([value]))[0])
        back = moved.shift * (value - moved.start - np.arange(len(used)))
        total = float(used @ np.exp(back))
        if total <= 0.0:
            return -np.inf
        return min(moved.log_norm - moved.shift * value + float(np.log(total)), 0.0)

    def _cell(self, values: FloatArray) -> FloatArray:
        """Return the whole sums that stand for sums."""
        return np.floor(values + (1e-6 * (1.0 + np.abs(values) * 1e-6) if self.whole else 0.5))

    def _share(self, values: FloatArray) -> FloatArray:
        """Return the part of their cells that lies below sums which are no whole numbers."""
        return np.asarray(values + 0.5 - np.floor(values + 0.5))

    def _moved(self, target: float, with_signal: bool, left_out: float = _LEFT_OUT) -> Moved:
        """Return the distribution that is led down to a sum, if it is not below anyway."""
        window = self.window(target, with_signal, left_out)
        key = window.at, with_signal, left_out
        if key not in self._known:
            start, size = int(np.floor(window.low)), window.size
            ratio = self.ratio(window.shift, size, with_signal, left_out)
            wrapped = scipy.fft.irfft(ratio.conj(), size)
            probability = np.maximum(np.roll(wrapped, -(start % size)), 0.0)
            self._known[key] = Moved(
                window.shift, window.log_norm, start, window.spread, probability
            )
        return self._known[key]

    def _is_dense(self, target: float) -> bool:
        """Tell whether the distributions led down to a sum have no detail finer than the step.

        What they have is in p-values below, relative to these; in those above it is absolute.
        """
        above = not np.isfinite(target)
        for with_signal in (False, True):
            window = self.window(target, with_signal, _LEFT_OUT)
            if window.high > target or above:
                ratio = np.abs(self.ratio(window.shift, window.size, with_signal, _LEFT_OUT))
                if ratio[3 * len(ratio) // 4 :].max() > (_ROUGH_ABOVE if above else _ROUGH):
                    return False
        return True
