"""The likelihood ratio of many channels with few events: its distribution term by term.

As `sums`, but with one bin in each channel, and sums only as far as they are asked for, from 0 on:
no term is negative, so that p-values of any size are precise, and what lies beyond costs nothing.
The signal's uncertainty is averaged over as `pull` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.inference.counting.ladder import TIE
from hnlstat.inference.counting.marginal import poisson_pmf
from hnlstat.inference.counting.poisson import likely_counts
from hnlstat.inference.counting.pull import Pull
from hnlstat.inference.results import BANDS
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEWEST_CHANNELS = 5  # of fewer, `sums` are as fast
_MOST_BACKGROUND, _MOST_EVENTS = 40.0, 60.0
_BEYOND = 1.01  # weights may be rounded up

_STEPS = np.geomspace(1500.0, 20_000.0, 400)  # on the way to the largest sum
_PRECISION = 0.001  # root mean square of the rounding of sums: about, relative, of p-values
_FEW, _COARSER = 5.0, 8.0  # as for `sums`: events from which on, and how much coarser
_NO_WEIGHT = 3e-5  # of the largest
_FURTHER = 1.4
_NEGLIGIBLE, _FINEST = 1e-9, 1e-16  # share of a count that is left out, and for tails above
_RESOLVED = 8.0  # signal events up to which outcomes at a threshold have more of them


def are_few(counts: FloatArray | None) -> bool:
    """Tell whether outcomes (C, ...) have few enough events, if there are any."""
    return counts is None or float(counts.sum(axis=0).max()) <= _MOST_EVENTS


@dataclass(frozen=True, eq=False)
class FewEvents:
    """P-values of few events in many channels.

    Attributes
    ----------
    backgrounds
        Probabilities of background counts of each channel.
    """

    backgrounds: Mapping[str, FloatArray]

    @classmethod
    def of(cls, model: CountingModel, log_pmfs: Mapping[str, FloatArray]) -> "FewEvents | None":
        """Take an experiment if it has many channels of one bin with few background events.

        Parameters
        ----------
        model
            Backgrounds; its signal and data are not used.
        log_pmfs
            ln P of the background counts of each channel.
        """
        single = len(model.members) == len(model.channels) >= _FEWEST_CHANNELS
        if not single or model.background.sum() > _MOST_BACKGROUND:
            return None
        return cls({name: np.exp(log_pmf) for name, log_pmf in log_pmfs.items()})

    def _of(self, model: CountingModel) -> list[FloatArray]:
        return [self.backgrounds[name] for name in model.channels]

    def levels(self, model: CountingModel) -> tuple[FloatArray, FloatArray | None, float]:
        """Return CLs+b and CLs at `BANDS` (5, 2), those of the data (2,), and their error."""
        sums = FewSums.of_levels(model, self._of(model), float(ndtr(BANDS[-1])))
        levels = sums.quantiles(ndtr(BANDS))
        if model.observed is None:
            return sums.p_values(levels), None, sums.error
        data = model.observed[:, None]
        value = sums.values(data)
        if value[0] > levels[-1]:  # what is expected must not know
            return sums.p_values(levels), self.p_values(model, data)[0], sums.error
        found = sums.p_values(np.append(levels, value))
        return found[:-1], found[-1], sums.error

    def p_values(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs+b and CLs of many outcomes (C, M), shape (M, 2)."""
        reach = float((log_ratios(model) @ counts).max())
        events = max(float(counts.sum(axis=0).max()), 1.0)
        sums = FewSums.build(model, self._of(model), _BEYOND * reach, events)
        return sums.p_values(sums.values(counts))

    def discovery(self, model: CountingModel) -> tuple[float, float | None, float]:
        """Return the median p-value of the background alone, that of the data, and their error."""
        sums = FewSums.of_median(model, self._of(model))
        p = sums.above(sums.median())
        if model.observed is None:
            return p, None, sums.error
        value = int(sums.values(model.observed[:, None])[0])
        if value > sums.length:
            reach = _BEYOND * float(log_ratios(model) @ model.observed)
            sums = FewSums.build(model, self._of(model), reach, float(model.observed.sum()))
            value = int(sums.values(model.observed[:, None])[0])
        return p, sums.above(value), sums.error


@dataclass(frozen=True, eq=False)
class FewSums:
    """Sums of weighted counts, in whole steps from 0 on.

    Attributes
    ----------
    model
        With some signal.
    backgrounds
        Probabilities of background counts of each channel.
    multiples
        Weights of the channels in steps, shape (C,).
    length
        Number of sums.
    error
        Root mean square of the rounding of likely outcomes' ln(likelihood ratio).
    """

    model: CountingModel
    backgrounds: Sequence[FloatArray]
    multiples: IntArray
    length: int
    error: float

    @classmethod
    def build(
        cls,
        model: CountingModel,
        backgrounds: Sequence[FloatArray],
        reach: float,
        events: float = _RESOLVED,
    ) -> "FewSums":
        """Choose the largest step that rounds weights well enough, for sums up to a number.

        Outcomes that count have so many events of the signal, at most.
        """
        weights = log_ratios(model)
        share = min(1.0, events / float(model.signal.sum()))
        rates = model.background + share * model.signal
        steps = reach / _STEPS
        scaled = weights / steps[:, None]
        errors = steps * np.sqrt((scaled - np.rint(scaled)) ** 2 @ rates)
        errors *= max(1.0, 1.0 / float(np.sqrt(weights**2 @ rates)))  # faint signals have all alike
        precision = _PRECISION * float(np.clip(rates.sum() / _FEW, 1.0, _COARSER))
        good = errors < precision
        at = int(np.argmax(good)) if good.any() else int(np.argmin(errors))
        # an event with little weight is still one more
        some = weights > _NO_WEIGHT * weights.max()
        multiples = np.maximum(np.rint(scaled[at]).astype(np.int64), some)
        return cls(model, backgrounds, multiples, int(_STEPS[at]) + 1, float(errors[at]))

    @classmethod
    def of_levels(
        cls, model: CountingModel, backgrounds: Sequence[FloatArray], level: float
    ) -> "FewSums":
        """Go as far as the background's sums do with a probability."""
        weights, b = log_ratios(model), model.background
        variance = float(weights**2 @ (b + (b * model.background_modifiers) ** 2))
        reach = float(weights @ b) + 3.0 * np.sqrt(variance)
        while (sums := cls.build(model, backgrounds, reach)).background[-1] < level:
            reach *= _FURTHER
        return sums

    @classmethod
    def of_median(cls, model: CountingModel, backgrounds: Sequence[FloatArray]) -> "FewSums":
        """Go beyond the median with the signal."""
        weights, rates = log_ratios(model), model.background + model.signal
        reach = float(weights @ rates) + float(np.sqrt(weights**2 @ rates))
        events = float(model.signal.sum())
        while True:
            sums = cls.build(model, backgrounds, reach, events)
            if sums._along_pull[-1] > 0.7:
                return sums
            reach *= _FURTHER

    def values(self, counts: FloatArray) -> IntArray:
        """Return the sums of outcomes (C, M), shape (M,); fractional counts are rounded up."""
        return np.asarray(np.floor(self.multiples @ counts + 1e-6).astype(np.int64))

    def quantiles(self, probabilities: FloatArray) -> IntArray:
        """Return the smallest sums that are not exceeded without the signal, shape (M,)."""
        return np.asarray(np.searchsorted(self.background, probabilities * (1.0 - TIE)))

    @cached_property
    def background(self) -> FloatArray:
        """P of no larger sums without the signal, shape (N,)."""
        return np.asarray(self._cumulative(None, self.length)[0])

    def p_values(self, values: IntArray) -> FloatArray:
        """Return CLs+b and CLs at sums (M,), shape (M, 2)."""
        top, signal = int(values.max()), self.model.signal
        most = top * float(signal.sum()) / max(float(self.multiples @ signal), 1e-300)
        pull = Pull.build(signal, self.model.log_signal_covariance, (0.0, most))
        both = self._average(pull, self._cumulative(pull.signal, top + 1), values)
        alone = np.log(np.maximum(self.background[values], 1e-300))
        return np.asarray(np.exp(np.stack([both, np.minimum(both - alone, 0.0)], axis=1)))

    def median(self) -> int:
        """Return the median sum with the signal."""
        at, share = 0, 0.5
        for _ in range(3):  # the average across the pull is about the same at sums close by
            at = int(np.searchsorted(self._along_pull, share * (1.0 - TIE)))
            at = min(at, self.length - 1)
            whole = self._average(self._bulk[0], self._bulk[1], np.array([at]))
            share = 0.5 * float(self._along_pull[at] / np.exp(whole[0]))
        return at

    def above(self, value: int) -> float:
        """Return the probability of no smaller sums without the signal."""
        total = float(np.prod([pmf.sum() for pmf in self.backgrounds]))
        if value == 0:
            return total
        return total - float(self._cumulative(None, value, _FINEST)[0, -1])

    @cached_property
    def _bulk(self) -> tuple[Pull, FloatArray]:
        """Nodes of the whole signal, and P of no larger sums at each."""
        events = float(self.model.signal.sum())
        covariance = self.model.log_signal_covariance
        pull = Pull.build(self.model.signal, covariance, (events, events))
        return pull, self._cumulative(pull.signal, self.length)

    @cached_property
    def _along_pull(self) -> FloatArray:
        pull, cumulative = self._bulk
        return np.asarray(np.exp(pull.log_weight) @ cumulative)

    def _average(self, pull: Pull, cumulative: FloatArray, values: IntArray) -> FloatArray:
        """Return ln P of no larger sums (M,), the signal averaged over."""
        with np.errstate(divide="ignore"):
            log_f = np.log(cumulative[:, values])

        def fewer(at: IntArray) -> FloatArray:
            """P with counts fewer, relative to P; where that is no number, nothing is known."""
            found = np.where(at >= 0, cumulative[:, np.maximum(at, 0)], 0.0)
            own = cumulative[:, values].reshape(len(found), -1, *(1,) * (at.ndim - 1))
            return np.divide(found, own, out=np.ones_like(found), where=own > 0.0)

        one = values[:, None] - self.multiples
        two = one[:, :, None] - self.multiples
        return pull.log_average(fewer(one), fewer(two), log_f)

    def _cumulative(
        self, signal: FloatArray | None, length: int, negligible: float = _NEGLIGIBLE
    ) -> FloatArray:
        """Return P of no larger sums, for signals (K, C), shape (K, length).

        A count that is improbable, relative to fewer, is left out: it makes sums larger.
        """
        found = np.zeros((1 if signal is None else len(signal), length))
        found[:, 0] = 1.0
        reached = 0
        for pmf, m in self._counts(signal, length):
            highest = np.maximum.accumulate(pmf, axis=1)
            used = np.flatnonzero((pmf > negligible * highest).any(axis=0)).tolist()
            more = np.zeros_like(found)
            if not used:  # too improbable for a number
                return more
            for n in used:
                stop = min(reached + n * m + 1, length)
                more[:, n * m : stop] += pmf[:, n, None] * found[:, : stop - n * m]
            found, reached = more, min(reached + used[-1] * m, length - 1)
        return np.cumsum(found, axis=1)

    def _counts(self, signal: FloatArray | None, length: int) -> Iterator[tuple[FloatArray, int]]:
        """Give P of the counts of each channel, shape (K, N), and the steps of one of them.

        Largest weights come first, so that sums are few for long.
        """
        order = [i for i in np.argsort(-self.multiples).tolist() if self.multiples[i] > 0]
        most = [(length - 1) // int(self.multiples[i]) + 1 for i in order]
        if signal is None:
            for i, size in zip(order, most, strict=True):
                yield self.backgrounds[i][None, :size], int(self.multiples[i])
            return
        likely = likely_counts(_NEGLIGIBLE, signal[:, order].max(axis=0))
        likely = np.fmin(likely, most).astype(int) + 1  # a large signal has counts without end
        own = poisson_pmf(int(likely.max()), signal[:, order].ravel())
        own = own.reshape(len(own), *signal[:, order].shape)
        for j, (i, size) in enumerate(zip(order, most, strict=True)):
            ways = own[: min(size, likely[j]), :, j]
            background = self.backgrounds[i][:size]
            both = np.zeros((len(ways) + background.size - 1, len(signal)))
            for n, p in enumerate(background.tolist()):
                both[n : n + len(ways)] += p * ways
            yield both[:size].T, int(self.multiples[i])


def log_ratios(model: CountingModel) -> FloatArray:
    """Return what each count adds to ln(likelihood ratio), shape (C,)."""
    return np.asarray(np.log1p(model.signal / model.background))
