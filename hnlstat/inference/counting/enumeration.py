"""Enumeration of the Poisson outcomes of several channels and of their joint probabilities.

Given the values of the shared signal uncertainties the channels are independent. With tables
T_i[n, k] = P(n_i = n | node k) the joint probability of (n_1 .. n_C) is
sum_k w_k prod_i T_i[n_i, k]. Splitting the channels into two groups makes this a matrix product of
(outcomes of the one group x nodes) and (nodes x outcomes of the other group).

A set of outcomes worth looking at is given by keys: kept is where sum_i key_i[n_i] <= limit. Sorted
by key, each row of the matrix product needs only a leading part of the columns. The set knows no
signal: one serves all signals over the same backgrounds.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from hnlstat.inference.counting.marginal import SignalNodes, poisson_pmf

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

_BLOCKS = 24
_ONE_BLOCK = 4096  # outcomes
_COUNT_STEPS = 200


@dataclass(frozen=True, eq=False)
class _Group:
    """Outcomes of some of the channels: counts (c, R) and the sum of their keys (R,)."""

    channels: tuple[int, ...]
    counts: Indices
    key: FloatArray

    def sorted(self) -> "_Group":
        order = np.argsort(self.key, kind="stable")
        return _Group(self.channels, self.counts[:, order], self.key[order])

    def product(self, tables: Sequence[FloatArray]) -> FloatArray:
        """Return the product over the channels of their tables (N_i, ...), shape (R, ...)."""
        if not self.channels:
            return np.ones((1, *tables[0].shape[1:]))
        columns = zip(self.channels, self.counts, strict=True)
        parts = (tables[i][n] for i, n in columns)
        return reduce(lambda product, part: np.multiply(product, part, out=product), parts)


@dataclass(frozen=True, eq=False)
class _Block:
    """Some rows of the joint probabilities, the columns used, and the entries that are kept."""

    rows: slice
    columns: slice
    kept: Indices


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A set of outcomes, with their probabilities without signal.

    Attributes
    ----------
    counts
        Shape (C, M).
    background
        Probability of each outcome without signal, shape (M,).
    """

    counts: FloatArray
    background: FloatArray
    _tables: Sequence[FloatArray]
    _rows: _Group
    _columns: _Group
    _blocks: Sequence[_Block]

    def with_signal(self, nodes: SignalNodes) -> FloatArray:
        """Return the probability of each outcome with a signal, shape (M,).

        Parameters
        ----------
        nodes
            Quadrature nodes of the signals of the C channels.
        """
        tables = [signal_table(s, b) for s, b in zip(nodes.signal, self._tables, strict=True)]
        weighted = self._rows.product(tables) * nodes.weight
        columns = self._columns.product(tables).T
        return np.concatenate(
            [
                (weighted[block.rows] @ columns[:, block.columns]).ravel()[block.kept]
                for block in self._blocks
            ]
        )


def enumerate_outcomes(
    backgrounds: Sequence[FloatArray], keys: Sequence[FloatArray], limit: float
) -> Outcomes:
    """Return all outcomes with sum_i key_i[n_i] <= limit.

    Parameters
    ----------
    backgrounds
        For each channel the distribution of background counts, shape (N_i,).
    keys
        For each channel the key of n = 0, 1, ..., shape (N_i,).
    limit
        Largest sum of keys that is kept.
    """
    sizes = [_size(keys, i, limit) for i in range(len(keys))]
    tables = [pmf[:size] for pmf, size in zip(backgrounds, sizes, strict=True)]
    lowest = [float(key.min()) for key in keys]
    groups = _split(sizes)
    rows, columns = (
        _group(group, sizes, keys, limit - sum(lowest) + sum(lowest[i] for i in group)).sorted()
        for group in groups
    )
    needed = np.searchsorted(columns.key, limit - rows.key, side="right")
    blocks, counts = [], []
    number = 1 if rows.key.size * columns.key.size <= _ONE_BLOCK else _BLOCKS
    edges = np.unique(np.linspace(0, len(needed), number + 1).astype(int))
    for start, stop in itertools.pairwise(edges):
        used = int(needed[start:stop].max())
        r, c = np.nonzero(np.arange(used) < needed[start:stop, None])
        blocks.append(_Block(slice(start, stop), slice(used), r * used + c))
        counts.append(np.concatenate([rows.counts[:, start + r], columns.counts[:, c]]))
    joined = np.concatenate(counts, axis=1)[np.argsort([i for group in groups for i in group])]
    background = np.prod([pmf[n] for pmf, n in zip(tables, joined, strict=True)], axis=0)
    return Outcomes(joined.astype(np.float64), background, tables, rows, columns, blocks)


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
    """Return how many counts of a channel are within the limit, whatever the others show."""
    others = sum(float(key.min()) for i, key in enumerate(keys) if i != channel)
    return int(np.flatnonzero(keys[channel] + others <= limit).max(initial=0)) + 1


def _split(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the channels in two groups with about the same number of outcomes."""
    groups: tuple[list[int], list[int]] = ([], [])
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        products = [math.prod(sizes[j] for j in group) for group in groups]
        groups[int(products[1] < products[0])].append(i)
    return groups


def _group(
    group: list[int], sizes: Sequence[int], keys: Sequence[FloatArray], limit: float
) -> _Group:
    """Return the outcomes of some channels with sum of keys <= limit."""
    empty = _Group((), np.empty((0, 1), dtype=np.intp), np.zeros(1))

    def add(before: _Group, i: int) -> _Group:
        rest = sum(float(keys[j].min()) for j in group[group.index(i) + 1 :])
        key = before.key[:, None] + keys[i][: sizes[i]]
        old, n = np.nonzero(key <= limit - rest)
        counts = np.concatenate([before.counts[:, old], n[None, :]])
        return _Group((*before.channels, i), counts, key[old, n])

    return reduce(add, group, empty)


def signal_table(signal: FloatArray, background: FloatArray) -> FloatArray:
    """Return P(n | signal node), shape (N, K): Poisson signal plus the background's counts.

    Parameters
    ----------
    signal
        Expected events of the signal at each node, shape (K,).
    background
        Distribution of background counts, shape (N,).
    """
    size = len(background)
    n = np.arange(size)
    padded = np.concatenate([np.zeros(size - 1), background])
    table: FloatArray = padded[n[:, None] - n + size - 1] @ poisson_pmf(size, signal)
    return table
