"""The order of outcomes of channels of one bin each: likelihood ratios with averaged backgrounds.

Where backgrounds are known badly many events in a channel tell of its background rather than of the
signal. So n counts add

    W(n) = ln E[(s + b)^n exp(-b)] - ln E[b^n exp(-b)]

to the logarithm of the likelihood ratio, E over the background's own prior: n ln(1 + s/b) where it
is known. A log-normal one may be so large that still more events tell of it alone, and W would fall
again: it stays at its maximum, so that more events are never more background-like. No event is the
most background-like outcome of all, whatever the prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_REACH, _FEWEST = 7.0, 36  # sigma of priors, and nodes there
_STEP = 1.25  # times the width of the narrowest integrand, likely: costs 6e-6 of it
_BLOCK = 16  # counts looked at together
_STEPS = np.geomspace(1500.0, 20_000.0, 400)  # on the way to the largest sum
_PRECISION = 0.001  # root mean square of the rounding of sums: about, relative, of p-values
_FEW, _COARSER = 5.0, 8.0  # as for `sums`: events from which on, and how much coarser
_NO_WEIGHT = 3e-5  # of the largest


@dataclass(frozen=True, eq=False)
class Background:
    """What is known of the background of a channel.

    Attributes
    ----------
    pmf
        Probabilities of its counts, shape (N,).
    rate
        Rates that stand for its prior, those at `_nodes`, shape (Z,).
    """

    pmf: FloatArray
    rate: FloatArray

    @classmethod
    def of_all(
        cls, background: FloatArray, relative_error: FloatArray, log_pmfs: Sequence[FloatArray]
    ) -> list["Background"]:
        """Take expected events, their relative errors and ln P of the counts of channels."""
        width = np.log1p(relative_error)
        # W is largest where counts tell of e times the background: about 1 / variance as of these
        narrowest = 1.0 / np.sqrt(1.0 + np.e * float((background * width**2).max()))
        z = _nodes(max(int(2.0 * _REACH / (_STEP * narrowest)) + 2, _FEWEST))
        rates = background[:, None] * np.exp(np.outer(width, z))
        return [cls(np.exp(pmf), rate) for pmf, rate in zip(log_pmfs, rates, strict=True)]

    @property
    def is_certain(self) -> bool:
        """Whether it has one rate."""
        return bool(self.rate[0] == self.rate[-1])


@dataclass(frozen=True, eq=False)
class Ratios:
    """What counts add to the logarithm of the likelihood ratio.

    Attributes
    ----------
    model
        With some signal.
    backgrounds
        Of each channel.
    tables
        W of 0, 1, ... counts of each channel; the last is that of all more.
    """

    model: CountingModel
    backgrounds: Sequence[Background]
    tables: Sequence[FloatArray]

    @classmethod
    def of(cls, model: CountingModel, backgrounds: Sequence[Background], most: int) -> "Ratios":
        """Tell outcomes apart up to likely backgrounds, and to some counts of a channel."""
        sizes = [max(len(own.pmf), most + 1) for own in backgrounds]
        weights = np.log1p(model.signal / model.background)
        tables = [np.arange(size) * w for size, w in zip(sizes, weights, strict=True)]
        certain = np.array([own.is_certain for own in backgrounds])
        rising: list[int] = np.flatnonzero(~certain & (model.signal > 0.0)).tolist()
        for i in rising:
            tables[i] = np.zeros(1)
        rates = np.stack([own.rate for own in backgrounds])
        first = 1
        while rising:
            n = np.arange(first, first + _BLOCK)
            rows = _log_ratios(model.signal[rising], rates[rising], n)
            for i, row in zip(tuple(rising), rows, strict=True):
                tables[i] = np.maximum.accumulate(np.append(tables[i], row))
                if tables[i][-1] == tables[i][-2] or len(tables[i]) >= sizes[i]:
                    rising.remove(i)
            first += _BLOCK
        return cls(model, backgrounds, [table[: int(table.argmax()) + 1] for table in tables])

    @property
    def weights(self) -> FloatArray:
        """W of one count, shape (C,)."""
        return np.array([table[min(1, len(table) - 1)] for table in self.tables])

    def values(self, counts: FloatArray) -> FloatArray:
        """Return the sums of W of outcomes (C, M), shape (M,)."""
        return np.asarray(_each(self.tables, counts).sum(axis=0))

    @property
    def moments(self) -> tuple[float, float]:
        """Mean and variance of the sum without the signal."""
        mean = variance = 0.0
        for own, table in zip(self.backgrounds, self.tables, strict=True):
            p = lumped(own.pmf, len(table))
            mean += float(p @ table)
            variance += float(p @ table**2) - float(p @ table) ** 2
        return mean, variance

    def steps(self, reach: float, events: float) -> "Steps":
        """Choose the largest step that rounds sums up to a number well enough.

        Outcomes that count have so many events of the signal, at most.
        """
        model, weights = self.model, self.weights
        certain = np.array([own.is_certain for own in self.backgrounds])
        share = min(1.0, events / float(model.signal.sum()))
        rates = model.background + share * model.signal
        steps = reach / _STEPS
        scaled = weights / steps[:, None]
        # multiples of one rounded weight, or counts that are rounded each for itself
        wrong = np.where(certain, (scaled - np.rint(scaled)) ** 2, 1.0 / 12.0)
        errors = steps * np.sqrt(wrong @ np.where(certain, rates, np.minimum(rates, 1.0)))
        errors *= max(1.0, 1.0 / float(np.sqrt(weights**2 @ rates)))  # faint signals have all alike
        precision = _PRECISION * float(np.clip(rates.sum() / _FEW, 1.0, _COARSER))
        good = errors < precision
        at = int(np.argmax(good)) if good.any() else int(np.argmin(errors))
        tables = []
        for table, weight, linear in zip(self.tables, scaled[at].tolist(), certain, strict=True):
            # an event with little weight is still one more
            some = table > _NO_WEIGHT * weights.max()
            one = max(round(weight), int(some[-1])) if linear else 0
            rounded = np.arange(len(table)) * one if linear else np.rint(table / steps[at])
            tables.append(np.maximum(rounded.astype(np.int64), some))
        return Steps(tables, int(_STEPS[at]) + 1, float(errors[at]))


@dataclass(frozen=True, eq=False)
class Steps:
    """What counts add to the sum, in whole steps.

    Attributes
    ----------
    tables
        Of 0, 1, ... counts of each channel; the last is that of all more.
    length
        Number of sums.
    error
        Root mean square of the rounding of likely outcomes' ln(likelihood ratio).
    """

    tables: Sequence[IntArray]
    length: int
    error: float

    def each(self, counts: FloatArray) -> FloatArray:
        """Return the steps of each count of outcomes (C, M); those of fractional ones between."""
        return _each(self.tables, counts)

    def values(self, counts: FloatArray) -> IntArray:
        """Return the sums of outcomes (C, M), shape (M,)."""
        return np.asarray(np.floor(self.each(counts).sum(axis=0) + 1e-6).astype(np.int64))


def lumped(pmf: FloatArray, size: int) -> FloatArray:
    """Return the probabilities of 0 .. size - 2 counts, and of all more, shape (size,)."""
    found = np.zeros(size)
    found[: len(pmf)] = pmf[:size]
    found[-1] += pmf[size:].sum()
    return found


def _nodes(number: int) -> FloatArray:
    """Return evenly spaced values of a standard normal variable."""
    return np.linspace(-_REACH, _REACH, number)


def _log_ratios(signal: FloatArray, rates: FloatArray, n: IntArray) -> FloatArray:
    """Return W of signals (C,) over backgrounds with rates (C, Z) for counts (N,), shape (C, N)."""
    base = (-0.5 * _nodes(rates.shape[1]) ** 2 - rates)[:, None]
    moments = []
    for total in (signal[:, None] + rates, rates):
        logs = n[:, None] * np.log(total)[:, None] + base
        largest = logs.max(axis=2)
        moments.append(largest + np.log(np.exp(logs - largest[:, :, None]).sum(axis=2)))
    return np.asarray(moments[0] - moments[1])


def _each(tables: Sequence[FloatArray] | Sequence[IntArray], counts: FloatArray) -> FloatArray:
    pairs = zip(tables, counts, strict=True)
    return np.stack([np.interp(n, np.arange(len(table)), table) for table, n in pairs])
