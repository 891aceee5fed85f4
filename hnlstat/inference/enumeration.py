"""Enumeration of the Poisson outcomes of several channels and of their joint probabilities.

Given the values of the shared signal uncertainties the channels are independent. With tables
T_i[n, k] = P(n_i = n | node k) the joint probability of (n_1 .. n_C) is
sum_k w_k prod_i T_i[n_i, k]. Splitting the channels into two groups makes this a matrix product of
(outcomes of the one group x nodes) and (nodes x outcomes of the other group).

A set of outcomes worth looking at is given by keys: kept is where sum_i key_i[n_i] <= limit. Sorted
by key, each row of the matrix product needs only a leading part of the columns.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.inference.marginal import SignalNodes, poisson_pmf

FloatArray = NDArray[np.float64]

_BLOCKS = 24
_COUNT_STEPS = 200


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Outcomes with their probabilities.

    Attributes
    ----------
    counts
        Shape (C, M).
    background, signal_plus_background
        Probability of each outcome without and with the signal, shape (M,).
    """

    counts: FloatArray
    background: FloatArray
    signal_plus_background: FloatArray


@dataclass(frozen=True, eq=False)
class _Group:
    """Outcomes of some of the channels: counts (c, R), key (R,), probabilities (R,), (R, K)."""

    counts: FloatArray
    key: FloatArray
    background: FloatArray
    with_signal: FloatArray

    def sorted(self) -> "_Group":
        order = np.argsort(self.key, kind="stable")
        return _Group(
            self.counts[:, order],
            self.key[order],
            self.background[order],
            self.with_signal[order],
        )


def enumerate_outcomes(
    nodes: SignalNodes, backgrounds: Sequence[FloatArray], keys: Sequence[FloatArray], limit: float
) -> Outcomes:
    """Return all outcomes with sum_i key_i[n_i] <= limit.

    Parameters
    ----------
    nodes
        Quadrature nodes of the signals of the C channels.
    backgrounds
        For each channel the distribution of background counts, shape (N_i,).
    keys
        For each channel the key of n = 0, 1, ..., shape (N_i,).
    limit
        Largest sum of keys that is kept.
    """
    sizes = [_size(keys, i, limit) for i in range(len(keys))]
    groups = _split(sizes)
    lowest = [float(key.min()) for key in keys]
    rows, columns = (
        _group(group, sizes, nodes, backgrounds, keys, limit - sum(lowest) + sum(own)).sorted()
        for group in groups
        for own in [[lowest[i] for i in group]]
    )
    needed = np.searchsorted(columns.key, limit - rows.key, side="right")
    weighted = rows.with_signal * nodes.weight
    picked: list[tuple[FloatArray, ...]] = []
    edges = np.unique(np.linspace(0, len(needed), _BLOCKS + 1).astype(int))
    for start, stop in itertools.pairwise(edges):
        used = slice(int(needed[start:stop].max()))
        joint = weighted[start:stop] @ columns.with_signal[used].T
        r, c = np.nonzero(np.arange(joint.shape[1]) < needed[start:stop, None])
        counts = np.concatenate([rows.counts[:, start + r], columns.counts[:, c]])
        background = rows.background[start + r] * columns.background[c]
        picked.append((counts, background, joint[r, c]))
    counts, background, joint = (
        np.concatenate(part, axis=-1) for part in zip(*picked, strict=True)
    )
    return Outcomes(counts[np.argsort([i for group in groups for i in group])], background, joint)


def outcome_count(keys: Sequence[FloatArray], limit: float) -> float:
    """Return about how many outcomes have sum_i key_i[n_i] <= limit, rather too many.

    Parameters
    ----------
    keys, limit
        As in `enumerate_outcomes`; the keys must not be negative.
    """
    number = np.ones(1)
    for key in keys:
        steps = (key[key <= limit] * (_COUNT_STEPS / limit)).astype(int)
        number = np.convolve(number, np.bincount(steps))[: _COUNT_STEPS + 1]
    return float(number.sum())


def _size(keys: Sequence[FloatArray], channel: int, limit: float) -> int:
    """Return how many counts of a channel can be kept, whatever the others show."""
    others = sum(float(key.min()) for i, key in enumerate(keys) if i != channel)
    return int(np.flatnonzero(keys[channel] + others <= limit).max(initial=0)) + 1


def _split(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the channels in two groups with about the same number of outcomes."""
    groups: tuple[list[int], list[int]] = ([], [])
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        products = [np.prod([sizes[j] for j in group]) for group in groups]
        groups[int(products[1] < products[0])].append(i)
    return groups


def _group(
    group: list[int],
    sizes: Sequence[int],
    nodes: SignalNodes,
    backgrounds: Sequence[FloatArray],
    keys: Sequence[FloatArray],
    limit: float,
) -> _Group:
    """Return the outcomes of some channels with sum of keys <= limit."""
    empty = _Group(np.empty((0, 1)), np.zeros(1), np.ones(1), np.ones((1, len(nodes.weight))))

    def add(before: _Group, i: int) -> _Group:
        rest = sum(float(keys[j].min()) for j in group[group.index(i) + 1 :])
        key = before.key[:, None] + keys[i][: sizes[i]]
        old, n = np.nonzero(key <= limit - rest)
        table = _with_signal(nodes.signal[i], backgrounds[i][: sizes[i]], sizes[i])
        return _Group(
            np.concatenate([before.counts[:, old], n[None, :].astype(np.float64)]),
            key[old, n],
            before.background[old] * backgrounds[i][n],
            before.with_signal[old] * table[n],
        )

    return reduce(add, group, empty)


def _with_signal(signal: FloatArray, background: FloatArray, size: int) -> FloatArray:
    """Return P(n | signal node), shape (N, K): Poisson signal plus the background's counts."""
    first_row = np.zeros(size)
    first_row[0] = background[0]
    shifts = scipy.linalg.toeplitz(background[:size], first_row)
    table: FloatArray = shifts @ poisson_pmf(size, signal)
    return table
