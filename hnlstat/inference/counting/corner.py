"""The outcomes that are as signal-poor as given data, however unlikely without the signal.

With n_i ~ Poisson(s_i + b_i) and S = sum_i s_i the outcomes with q-tilde >= q > 0 are those with

    sum_i n_i ln[(s_i + b_i) / (m s_i + b_i)] <= (1 - m) S - q/2    for some m in [0, 1),

a union of simplices, all within the one whose corners are the largest counts h_i that a channel may
show alone: sum_i n_i / h_i <= 1. This set is finite and depends on no probability, so that
nothing is cut off where data lie above the background.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtrc

from hnlstat.errors import InferenceError
from hnlstat.inference.counting.enumeration import enumerate_outcomes, outcome_count, signal_table
from hnlstat.inference.counting.ladder import TIE, Ladder
from hnlstat.inference.counting.marginal import SignalNodes
from hnlstat.inference.statistics import q_tilde
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
MOST_COUNT = 4000
"""In one channel."""

_STEPS = 100
_LEFT_OUT = 1e-9  # of CLs+b and of CLb, in counts that a channel hardly ever shows
_MAX_OUTCOMES = 2_000_000
_GROUPS = 40  # of nodes
_FEW = 1000  # outcomes, not worth a look at which of them are likely


def reach(q: float, signal: FloatArray, background: FloatArray) -> FloatArray:
    """Return the largest count of each channel alone for which q-tilde of mu = 1 is at least q.

    The maximum over m of [(1 - m) S - q/2] / ln[(s_i + b_i) / (m s_i + b_i)] by Dinkelbach's steps,
    which rise to it.

    Parameters
    ----------
    q
        Above 0, and at most 2 S, that of no event.
    signal, background
        Expected events, shape (C,), all positive.
    """
    total, ratio = float(signal.sum()), signal / background
    strength = counts = np.zeros(len(signal))
    for _ in range(_STEPS):
        left = np.log1p(ratio * (1.0 - strength) / (1.0 + ratio * strength))
        found = np.maximum((1.0 - strength) * total - 0.5 * q, 0.0) / left
        if np.all(found <= counts * (1.0 + 1e-14)):
            break
        counts = np.maximum(counts, found)
        strength = np.clip(counts / total - 1.0 / ratio, 0.0, 1.0 - 1e-12)
    return np.asarray(counts * (1.0 + TIE))


def corner_ladder(
    model: CountingModel,
    backgrounds: Sequence[FloatArray],
    nodes: SignalNodes,
    counts: FloatArray,
    lowest: float,
) -> Ladder:
    """Return the ladder in -q-tilde, complete up to the richest of some outcomes (C, M).

    Parameters
    ----------
    model, backgrounds, nodes
        The experiment, the distributions of its background counts, and the nodes of the signal.
    counts, lowest
        Outcomes with q-tilde > 0, and the lowest one.

    Raises
    ------
    InferenceError
        If the outcomes are too many.
    """
    if counts.max() > MOST_COUNT:
        raise InferenceError(f"{counts.max():.4g} events have too many outcomes to enumerate")
    rates = (model.signal, model.background)
    limits = np.maximum(reach(lowest * (1.0 - TIE), *rates), 1e-9)
    sizes = (np.minimum(limits, MOST_COUNT).astype(int) + 1).tolist()
    if np.prod(sizes, dtype=float) > _FEW:
        likely = _likely_sizes(backgrounds, nodes, counts.astype(int))
        sizes = [min(pair) for pair in zip(sizes, likely, strict=True)]
    keys = [np.arange(size) / limit for size, limit in zip(sizes, limits, strict=True)]
    if max(sizes) > MOST_COUNT or outcome_count(keys, 1.0) > _MAX_OUTCOMES:
        raise InferenceError(
            f"a signal of {model.signal.sum():.4g} events has too many outcomes to enumerate"
        )
    padded = [_resized(pmf, size) for pmf, size in zip(backgrounds, sizes, strict=True)]
    outcomes = enumerate_outcomes(padded, keys, 1.0)
    statistic = -q_tilde(outcomes.counts, *rates)
    return Ladder.build(statistic, outcomes.background, outcomes.with_signal(nodes))


def _resized(pmf: FloatArray, size: int) -> FloatArray:
    """Return the probabilities of 0 .. size - 1."""
    return np.concatenate([pmf[:size], np.zeros(max(size - len(pmf), 0))])


def _likely_sizes(
    backgrounds: Sequence[FloatArray], nodes: SignalNodes, counts: NDArray[np.intp]
) -> list[int]:
    """Return how many counts of each channel are enough for the p-values of outcomes (C, M).

    What is left out is at most 1e-9 of the probability of the outcomes that have no count above an
    outcome's: these are as signal-poor.
    """
    background, with_signal = np.ones(counts.shape[1]), np.ones((counts.shape[1], 1))
    for n, pmf, signal in zip(counts, backgrounds, nodes.signal, strict=True):
        table = _resized(pmf, int(n.max()) + 1)
        background = background * np.cumsum(table)[n]
        with_signal = with_signal * np.cumsum(signal_table(signal, table), axis=0)[n]
    share = _LEFT_OUT / (2 * len(backgrounds))
    tail = share * float((with_signal @ nodes.weight).min())
    background_tail = min(tail, share * float(background.min()))
    sizes = []
    for pmf, signal in zip(backgrounds, nodes.signal, strict=True):
        own = int(np.count_nonzero(np.cumsum(pmf[::-1])[::-1] > background_tail))
        sizes.append(own + _signal_size(signal, nodes.weight, tail) + 1)
    return sizes


def _signal_size(signal: FloatArray, weight: FloatArray, tail: float) -> int:
    """Return a count that the signal (K,) reaches with no more than a probability.

    Nodes of about the same signal count as one with the largest of theirs.
    """
    signal, weight = _grouped(signal, weight)
    low, high = 0, 1
    while weight @ pdtrc(high - 1, signal) > tail:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weight @ pdtrc(middle - 1, signal) > tail else (low, middle)
    return high


def _grouped(signal: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return upper ends of groups of signals (K,), and the weight of each group."""
    if signal.size <= _GROUPS:
        return signal, weight
    ends = np.linspace(signal.min(), signal.max(), _GROUPS + 1)[1:]
    group = np.searchsorted(ends[:-1], signal)
    return ends, np.bincount(group, weight, minlength=_GROUPS).astype(np.float64)
