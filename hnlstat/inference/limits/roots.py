"""Where curves of p-values cross their thresholds along one coordinate.

A curve may lie above its threshold in several intervals. Between the turning points of a cheap
sensitivity every curve is taken as monotone, so that its signs at the turning points tell where
crossings are. Several curves are calculated together at each point, and all searches share what was
calculated.
"""

import bisect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import scipy  # its parts load when they are needed: some take half a second
from numpy.typing import NDArray

from hnlstat.inference.limits.sensitivity import FAINTEST

FloatArray = NDArray[np.float64]
Branch = Literal["lower", "upper"]

_LADDER = 1.8  # ratio of the sensitivities probed for a sign change
_PROMINENCE = 0.02  # of ln(sensitivity) at a turning point; less is noise of the yields


@dataclass(frozen=True)
class Interval:
    """Where a curve lies above its threshold.

    Attributes
    ----------
    lower, upper
        The coordinates of its ends.
    lower_open, upper_open
        True if this end is that of the range, where the curve is still above the threshold.
    """

    lower: float
    upper: float
    lower_open: bool
    upper_open: bool


@dataclass(frozen=True, eq=False)
class CrossingSearch:
    """Crossings of several curves over one range.

    Attributes
    ----------
    strengths
        The values of all V curves at x, shape (V,); positive is above the threshold.
    grid
        Rising coordinates of a fine grid, shape (G,).
    sensitivity
        A cheap quantity, shape (G,), that rises and falls with the strengths, which are about
        linear in its logarithm.
    precision
        Of the crossings, absolute.
    weakest
        What stands for the strengths, without a calculation, where the sensitivity is `FAINTEST`
        or less, shape (V,); negative.
    known
        Strengths that were calculated before, by coordinate.
    """

    strengths: Callable[[float], FloatArray]
    grid: FloatArray
    sensitivity: FloatArray
    precision: float
    weakest: FloatArray
    known: Mapping[float, FloatArray] = field(default_factory=dict)
    _known: dict[float, FloatArray] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._known.update(self.known)

    @cached_property
    def _height(self) -> FloatArray:
        """ln(sensitivity) on the grid, flat where it is too faint to matter, shape (G,)."""
        return np.log(np.maximum(self.sensitivity, FAINTEST))

    @cached_property
    def _way(self) -> FloatArray:
        """The way that ln(sensitivity) has gone, up and down, from the grid's start, shape (G,)."""
        moves = np.abs(np.diff(self._height)) + 1e-9 * np.diff(self.grid)
        return np.concatenate([[0.0], np.cumsum(moves)])

    @cached_property
    def _turns(self) -> tuple[int, ...]:
        """Indices of the grid's ends and of the hills and valleys of the sensitivity, rising."""
        hills, _ = scipy.signal.find_peaks(self._height, prominence=_PROMINENCE)
        valleys, _ = scipy.signal.find_peaks(-self._height, prominence=_PROMINENCE)
        return tuple(np.unique([0, *hills, *valleys, self.grid.size - 1]).tolist())

    def at(self, x: float) -> FloatArray:
        """Return the strengths at x, from memory if they were asked for before."""
        if x not in self._known:
            faint = np.interp(x, self.grid, self._height) <= np.log(FAINTEST)
            self._known[x] = self.weakest if faint else self.strengths(x)
        return self._known[x]

    def intervals(self, curve: int, guess: float) -> tuple[Interval, ...]:
        """Return where a curve lies above its threshold, rising; empty if nowhere.

        Parameters
        ----------
        curve
            Index into the strengths.
        guess
            Sensitivity at which crossings may be.
        """
        ends = [float(self.grid[i]) for i in (0, -1)]
        known = sorted(x for x in self._known if ends[0] <= x <= ends[1])
        turns = (float(self.grid[i]) for i in self._turns if self._matters(curve, i, known))
        looked_at = sorted({*turns, *known})
        edges = [
            self._root(curve, start, end, guess)
            for start, end in itertools.pairwise(looked_at)
            if self._above(curve, start) != self._above(curve, end)
        ]
        if self._above(curve, ends[0]):
            edges.insert(0, ends[0])
        if self._above(curve, ends[1]):
            edges.append(ends[1])
        return tuple(
            Interval(lower, upper, lower == ends[0], upper == ends[1])
            for lower, upper in zip(edges[::2], edges[1::2], strict=True)
        )

    def profile(self, curve: int, found: Sequence[Interval]) -> tuple[FloatArray, FloatArray]:
        """Return a curve along the whole range, from what was calculated.

        Between calculated points the strength goes as ln(sensitivity) does.

        Parameters
        ----------
        curve
            Index into the strengths.
        found
            Its intervals, calculated before.

        Returns
        -------
        x, strength
            The grid and all crossings, rising, shape (P,); the strength is 0 at crossings.
        """
        roots = [i.lower for i in found if not i.lower_open]
        roots += [i.upper for i in found if not i.upper_open]
        known = dict.fromkeys(roots, 0.0)
        for point, strengths in self._known.items():
            inside = any(i.lower <= point <= i.upper for i in found)
            # crossings have a precision, and the discrete p-values of few events are not monotone
            if point not in roots and (strengths[curve] > 0.0) == inside:
                known[point] = float(strengths[curve])
        at = np.sort(np.array(list(known)))
        x = np.unique(np.concatenate([self.grid, at]))
        ways = [np.interp(points, self.grid, self._way) for points in (x, at)]
        strength = np.interp(ways[0], ways[1], [known[point] for point in at.tolist()])
        return x, np.asarray(strength)

    def _matters(self, curve: int, turn: int, known: Sequence[float]) -> bool:
        """Tell whether known points beside a turning point leave its side of the threshold open.

        A hill between points above the threshold is above it, too, a valley likewise below.
        """
        after = bisect.bisect(known, float(self.grid[turn]))
        if after in (0, len(known)):
            return True
        beside = known[after - 1 : after + 1]
        hill = self._height[turn] >= np.interp(beside, self.grid, self._height).max()
        return any(self._above(curve, x) != hill for x in beside)

    def _above(self, curve: int, x: float) -> bool:
        return bool(self.at(x)[curve] > 0.0)

    def _root(self, curve: int, start: float, end: float, guess: float) -> float:
        """Return the crossing between two points at which the curve differs in sign.

        A root is taken as found once interpolation moves it by no more than the precision.
        """
        low, high = self._bracket(curve, start, end, guess)
        # a step of regula falsi (Illinois) halves the strength of an end that stays where it is
        strengths = [float(self.at(x)[curve]) for x in (low, high)]
        last = None
        while high - low > self.precision:
            root = self._between(low, high, strengths)
            if last is not None and abs(root - last) <= self.precision:
                return root
            new = float(self.at(root)[curve])
            side = int((new > 0.0) == (strengths[1] > 0.0))
            if last is not None and last == (low, high)[side]:
                strengths[1 - side] *= 0.5
            low, high = (root, high) if side == 0 else (low, root)
            strengths[side], last = new, root
        return self._between(low, high, strengths)

    def _between(self, low: float, high: float, strengths: list[float]) -> float:
        """Return where the strength is 0 if it goes between two points as ln(sensitivity) does."""
        ways = np.interp((low, high), self.grid, self._way)
        share = strengths[0] / (strengths[0] - strengths[1])
        way = ways[0] + share * (ways[1] - ways[0])
        return float(np.clip(np.interp(way, self._way, self.grid), low, high))

    def _bracket(self, curve: int, start: float, end: float, guess: float) -> tuple[float, float]:
        """Narrow the range of a crossing down to a step or two of the sensitivity."""
        inside = (self.grid > start) & (self.grid < end)
        x = np.concatenate([[start], self.grid[inside], [end]])
        height = np.interp(x, self.grid, self._height)
        order = 1 if height[0] < height[-1] else -1
        rising = np.maximum.accumulate(height[::order])
        step = np.log(_LADDER)
        rungs = range(int(rising[0] // step) + 1, int(np.ceil(rising[-1] / step)))
        if len(rungs) > 1:
            strong = self._above(curve, end) == (order > 0)

            def above(rung: int) -> bool:
                point = float(np.interp(rung * step, rising, x[::order]))
                return self._above(curve, point) == strong

            rung = min(max(round(np.log(guess) / step), rungs[0]), rungs[-1])
            while rung < rungs[-1] and not above(rung):
                rung += 1
            while rung > rungs[0] and above(rung):
                rung -= 1
        between = sorted(point for point in self._known if start <= point <= end)
        return next(
            pair
            for pair in itertools.pairwise(between)
            if self._above(curve, pair[0]) != self._above(curve, pair[1])
        )
