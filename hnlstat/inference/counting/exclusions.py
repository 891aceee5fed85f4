"""Exact exclusions of one signal."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.errors import InferenceError
from hnlstat.inference.counting.corner import corner_ladder
from hnlstat.inference.counting.enumeration import Outcomes
from hnlstat.inference.counting.ladder import TIE, Ladder
from hnlstat.inference.counting.marginal import TYPICAL_EVENTS, SignalNodes, signal_nodes
from hnlstat.inference.results import BANDS
from hnlstat.inference.statistics import q_tilde
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_QUANTILES = ndtr(BANDS)
_SMALLEST = 1e-250  # CLb


@dataclass(frozen=True, eq=False)
class Exclusions:
    """CLs and CLs+b of one signal.

    Attributes
    ----------
    model
        With signal in all channels.
    backgrounds
        Distribution of the background counts of each channel.
    outcomes
        Those that are likely without the signal: they tell where quantiles of experiments are.
    """

    model: CountingModel
    backgrounds: Sequence[FloatArray]
    outcomes: Outcomes

    @cached_property
    def _quantiles(self) -> tuple[FloatArray, FloatArray]:
        """Outcomes at the quantiles of experiments without signal (C, 5), and their q-tilde."""
        q = self._q_tilde(self.outcomes.counts)
        order = np.argsort(-q, kind="stable")
        below = np.cumsum(self.outcomes.background[order])
        at = order[np.searchsorted(below, _QUANTILES * (1.0 - TIE)).clip(max=len(order) - 1)]
        return self.outcomes.counts[:, at], q[at]

    @cached_property
    def _ladder(self) -> Ladder:
        return self._corner(*self._quantiles)

    @cached_property
    def _nodes(self) -> SignalNodes:
        return signal_nodes(self.model, events=float(self.model.background.sum()))

    def _q_tilde(self, counts: FloatArray) -> FloatArray:
        return q_tilde(counts, self.model.signal, self.model.background)

    def expected(self) -> FloatArray:
        """Return CLs+b and CLs at the quantiles of experiments without signal, shape (5, 2)."""
        q = self._quantiles[1]
        return _read(self._ladder, q) if q[0] > TIE else np.ones((len(q), 2))

    def p_values(self, counts: FloatArray) -> FloatArray:
        """Return CLs+b and CLs of outcomes (C, M), shape (M, 2).

        Raises
        ------
        InferenceError
            If too many outcomes are as signal-poor, or their probabilities too small for a number.
        """
        q = self._q_tilde(counts)
        if q.max() <= TIE:
            return np.ones((len(q), 2))
        held = self._holds(counts[:, q > TIE], q[q > TIE])
        return _read(self._ladder if held else self._corner(counts, q), q)

    def _corner(self, counts: FloatArray, q: FloatArray) -> Ladder:
        """Return the ladder of all outcomes as signal-poor as any of these (C, M) with q > 0."""
        counts, lowest = counts[:, q > TIE], float(q[q > TIE].min())
        nodes, events = self._nodes, float(counts.sum(axis=0).max())
        if events > self._resolved:
            nodes = signal_nodes(self.model, events=events)
        return corner_ladder(self.model, self.backgrounds, nodes, counts, lowest)

    def _holds(self, counts: FloatArray, q: FloatArray) -> bool:
        """Tell whether the ladder of the expected results is complete for outcomes (C, M)."""
        poor, levels = self._quantiles
        if levels[0] <= TIE:
            return False
        more = np.all(poor[:, levels > TIE, None] <= counts[:, None, :], axis=0).any(axis=0)
        few = counts.sum(axis=0) <= self._resolved
        return bool(np.all(more & few & (q >= levels[levels > TIE].min())))

    @property
    def _resolved(self) -> float:
        """Events that the nodes of the signal are good for."""
        return max(TYPICAL_EVENTS, float(self.model.background.sum()))


def _read(ladder: Ladder, q: FloatArray) -> FloatArray:
    """Return CLs+b and CLs at q-tilde (M,), 1 where it is 0 as all outcomes are as poor, (M, 2)."""
    found = np.array([ladder.up_to(-v) if v > TIE else (1.0, 1.0) for v in q.tolist()])
    if np.any(found[:, 1] < _SMALLEST):
        raise InferenceError("the data are too unlikely to enumerate outcomes like them")
    return np.stack([found[:, 0], np.minimum(found[:, 0] / found[:, 1], 1.0)], axis=1)
