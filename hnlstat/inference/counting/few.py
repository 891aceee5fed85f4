"""The likelihood ratio of many channels with few events: its distribution term by term.

As `sums`, but with one bin in each channel, outcomes in the order of `order`, and sums only as far
as they are asked for, from 0 on: no term is negative, so that p-values of any size are precise, and
what lies beyond costs nothing. The signal's uncertainty is averaged over as `pull` says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.inference.counting.ladder import TIE
from hnlstat.inference.counting.marginal import poisson_pmf
from hnlstat.inference.counting.order import Background, Ratios, Steps, lumped
from hnlstat.inference.counting.poisson import likely_counts
from hnlstat.inference.counting.pull import Pull
from hnlstat.inference.results import BANDS
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEWEST_CHANNELS = 5  # of fewer, `sums` are as fast
_MOST_BACKGROUND, _MOST_EVENTS = 150.0, 400.0
_FURTHER = 1.4
_WAY = np.append(np.linspace(0.0, 2.0, 17), [2.5, 3.0, 4.0, 6.0, 10.0])  # 1 background, 2 both
_NEGLIGIBLE, _FINEST = 1e-9, 1e-16  # share of a count that is left out, and for tails above
_RESOLVED = 8.0  # signal events up to which outcomes at a threshold have more of them


def are_few(counts: FloatArray | None) -> bool:
    """Tell whether an outcome (C,) has few enough events, if there is any."""
    return counts is None or float(counts.sum()) <= _MOST_EVENTS


@dataclass(frozen=True, eq=False)
class FewEvents:
    """P-values of few events in many channels.

    Attributes
    ----------
    backgrounds
        Of each channel.
    """

    backgrounds: Mapping[str, Background]

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
        pmfs = [log_pmfs[name] for name in model.channels]
        backgrounds = Background.of_all(model.background, model.background_modifiers, pmfs)
        return cls(dict(zip(model.channels, backgrounds, strict=True)))

    def _of(self, model: CountingModel) -> Ratios:
        own = [self.backgrounds[name] for name in model.channels]
        return Ratios.of(model, own, int(_MOST_EVENTS))

    def levels(self, model: CountingModel) -> tuple[FloatArray, FloatArray | None, float]:
        """Return CLs+b and CLs at `BANDS` (5, 2), those of the data (2,), and their error."""
        ratios = self._of(model)
        sums = FewSums.of_levels(ratios, float(ndtr(BANDS[-1])))
        levels = sums.quantiles(ndtr(BANDS))
        if model.observed is None:
            return sums.p_values(levels), None, sums.steps.error
        data = model.observed[:, None]
        value = sums.steps.values(data)
        if value[0] > levels[-1]:  # what is expected must not know
            return sums.p_values(levels), _p_values(ratios, data)[0], sums.steps.error
        found = sums.p_values(np.append(levels, value))
        return found[:-1], found[-1], sums.steps.error

    def p_values(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs+b and CLs of many outcomes (C, M), shape (M, 2)."""
        return _p_values(self._of(model), counts)

    def discovery(self, model: CountingModel) -> tuple[float, float | None, float]:
        """Return the median p-value of the background alone, that of the data, and their error."""
        ratios = self._of(model)
        sums = FewSums.of_median(ratios)
        p = sums.above(sums.median())
        if model.observed is None:
            return p, None, sums.steps.error
        data = model.observed[:, None]
        if sums.steps.values(data)[0] > sums.steps.length:
            sums = FewSums.of_outcomes(ratios, data)
        return p, sums.above(int(sums.steps.values(data)[0])), sums.steps.error


@dataclass(frozen=True, eq=False)
class FewSums:
    """Sums of what counts add to ln(likelihood ratio), in whole steps from 0 on.

    Attributes
    ----------
    ratios
        Of a model with some signal.
    steps
        These in whole steps.
    """

    ratios: Ratios
    steps: Steps

    @classmethod
    def of_outcomes(cls, ratios: Ratios, counts: FloatArray) -> "FewSums":
        """Go as far as outcomes (C, M) do."""
        events = max(float(counts.sum(axis=0).max()), 1.0)
        reach = max(float(ratios.values(counts).max()), float(ratios.weights.max()))
        steps = ratios.steps(reach, events)
        # weights may be rounded up
        length = max(int(steps.values(counts).max()) + 1, steps.length)
        return cls(ratios, replace(steps, length=length))

    @classmethod
    def of_levels(cls, ratios: Ratios, level: float) -> "FewSums":
        """Go as far as the background's sums do with a probability."""
        mean, variance = ratios.moments
        reach = mean + 3.0 * float(np.sqrt(variance))
        while (sums := cls(ratios, ratios.steps(reach, _RESOLVED))).background[-1] < level:
            reach *= _FURTHER
        return sums

    @classmethod
    def of_median(cls, ratios: Ratios) -> "FewSums":
        """Go beyond the median with the signal."""
        model = ratios.model
        rates = model.background + model.signal
        reach = float(ratios.values(rates[:, None])[0])
        reach += float(np.sqrt(ratios.weights**2 @ rates))
        events = float(model.signal.sum())
        while True:
            sums = cls(ratios, ratios.steps(reach, events))
            # nodes of a signal without end do not have all of its probability
            if sums._along_pull[-1] > 0.7 * min(float(np.exp(sums._bulk[0].log_weight).sum()), 1.0):
                return sums
            reach *= _FURTHER

    def quantiles(self, probabilities: FloatArray) -> IntArray:
        """Return the smallest sums that are not exceeded without the signal, shape (M,)."""
        return np.asarray(np.searchsorted(self.background, probabilities * (1.0 - TIE)))

    @cached_property
    def background(self) -> FloatArray:
        """P of no larger sums without the signal, shape (N,)."""
        return np.asarray(self._cumulative(None, self.steps.length)[0])

    @property
    def model(self) -> CountingModel:
        """That of the ratios."""
        return self.ratios.model

    def _slopes(self, values: IntArray) -> FloatArray:
        """Return the steps of one more count of outcomes with these sums (M,), shape (M, C).

        These are taken to lie on the way from no event by the background to the signal, and on.
        """
        background, signal = self.model.background, self.model.signal
        rates = np.outer(background, np.minimum(_WAY, 1.0))
        rates += np.outer(signal, np.maximum(_WAY - 1.0, 0.0))
        here = self.steps.each(rates)
        more = self.steps.each(rates + 1.0) - here
        return np.stack([np.interp(values, here.sum(axis=0), row) for row in more], axis=1)

    def p_values(self, values: IntArray) -> FloatArray:
        """Return CLs+b and CLs at sums (M,), shape (M, 2)."""
        top, signal = int(values.max()), self.model.signal
        steepest = max(float(self._slopes(values).max(axis=0) @ signal), 1e-300)
        most = top * float(signal.sum()) / steepest
        pull = Pull.build(signal, self.model.log_signal_covariance, (0.0, most))
        both = self._average(pull, self._cumulative(pull.signal, top + 1), values)
        alone = np.log(np.maximum(self.background[values], 1e-300))
        return np.asarray(np.exp(np.stack([both, np.minimum(both - alone, 0.0)], axis=1)))

    def median(self) -> int:
        """Return the median sum with the signal."""
        at, share = 0, 0.5
        for _ in range(3):  # the average across the pull is about the same at sums close by
            at = int(np.searchsorted(self._along_pull, share * (1.0 - TIE)))
            at = min(at, self.steps.length - 1)
            whole = self._average(*self._bulk, np.array([at]))
            share = 0.5 * float(self._along_pull[at] / np.exp(whole[0]))
        return at

    def above(self, value: int) -> float:
        """Return the probability of no smaller sums without the signal."""
        total = float(np.prod([own.pmf.sum() for own in self.ratios.backgrounds]))
        if value == 0:
            return total
        return total - float(self._cumulative(None, value, _FINEST)[0, -1])

    @cached_property
    def _bulk(self) -> tuple[Pull, FloatArray]:
        """Nodes of the whole signal, and P of no larger sums at each."""
        events = float(self.model.signal.sum())
        covariance = self.model.log_signal_covariance
        pull = Pull.build(self.model.signal, covariance, (events, events))
        return pull, self._cumulative(pull.signal, self.steps.length)

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

        more = np.rint(self._slopes(values)).astype(np.int64)
        one = values[:, None] - more
        two = one[:, :, None] - more[:, None]
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
        for pmf, steps in self._counts(signal, length):
            highest = np.maximum.accumulate(pmf, axis=1)
            used = np.flatnonzero((pmf > negligible * highest).any(axis=0)).tolist()
            more = np.zeros_like(found)
            if not used:  # too improbable for a number
                return more
            for n in used:
                m = int(steps[n])
                stop = min(reached + m + 1, length)
                more[:, m:stop] += pmf[:, n, None] * found[:, : stop - m]
            found, reached = more, min(reached + int(steps[used[-1]]), length - 1)
        return np.cumsum(found, axis=1)

    def _counts(
        self, signal: FloatArray | None, length: int
    ) -> Iterator[tuple[FloatArray, IntArray]]:
        """Give P of the counts of each channel, shape (K, N), and the steps of each (N,).

        Largest weights come first, so that sums are few for long.
        """
        order = np.argsort(-self.ratios.weights).tolist()
        tables = [self.steps.tables[i] for i in order]
        sizes = [int(np.searchsorted(table, length)) for table in tables]
        if signal is None:
            for i, table, size in zip(order, tables, sizes, strict=True):
                pmf = lumped(self.ratios.backgrounds[i].pmf, len(table))
                yield pmf[None, :size], table[:size]
            return
        likely = likely_counts(_NEGLIGIBLE, signal[:, order].max(axis=0))
        likely = np.fmin(likely, sizes).astype(int) + 1  # a large signal has counts without end
        own = poisson_pmf(int(likely.max()), signal[:, order].ravel())
        own = own.reshape(len(own), *signal[:, order].shape)
        for j, (i, table, size) in enumerate(zip(order, tables, sizes, strict=True)):
            ways = own[: min(size, likely[j]), :, j]
            background = self.ratios.backgrounds[i].pmf[:size]
            both = np.zeros((len(ways) + background.size, len(signal)))
            for n, p in enumerate(background.tolist()):
                both[n : n + len(ways)] += p * ways
            both = both[:size].T
            if size == len(table):
                both[:, -1] = np.maximum(1.0 - both[:, :-1].sum(axis=1), 0.0)
            yield both, table[:size]


def _p_values(ratios: Ratios, counts: FloatArray) -> FloatArray:
    sums = FewSums.of_outcomes(ratios, counts)
    return sums.p_values(sums.steps.values(counts))
