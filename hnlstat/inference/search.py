"""Where curves of p-values cross their thresholds along one coordinate.

Several curves are calculated together at each point, so that all searches share what was
calculated. The outermost crossing on either side of the most sensitive point is what is looked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

FloatArray = NDArray[np.float64]
Branch = Literal["lower", "upper"]
BRANCHES: tuple[Branch, ...] = ("lower", "upper")

_LADDER = 1.35  # ratio of the sensitivities probed for a sign change
_FAINTEST = 0.05  # standard deviations; nothing crosses below


@dataclass(frozen=True)
class Crossing:
    """Where a curve crosses its threshold.

    Attributes
    ----------
    x
        The coordinate.
    open
        True if the curve is still above the threshold at the end of the range, which x then is.
    unique
        False if the curve falls below its threshold again further in.
    """

    x: float
    open: bool
    unique: bool


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
        A cheap quantity, shape (G,), that rises and falls with the strengths; about the median
        significance in standard deviations.
    precision
        Of the crossings, absolute.
    """

    strengths: Callable[[float], FloatArray]
    grid: FloatArray
    sensitivity: FloatArray
    precision: float
    _known: dict[float, FloatArray] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """The most sensitive point of the grid."""
        return float(self.grid[np.argmax(self.sensitivity)])

    def at(self, x: float) -> FloatArray:
        """Return the strengths at x, from memory if they were asked for before."""
        if x not in self._known:
            self._known[x] = self.strengths(x)
        return self._known[x]

    def crossing(self, curve: int, branch: Branch, guess: float) -> Crossing | None:
        """Return the outermost crossing of a curve, None if it stays below its threshold.

        Parameters
        ----------
        curve
            Index into the strengths.
        branch
            Below ("lower") or above ("upper") the most sensitive point.
        guess
            Sensitivity at which the crossing may be.
        """
        top = int(np.argmax(self.sensitivity))
        part = slice(0, top + 1) if branch == "lower" else slice(None, top - 1 if top else None, -1)
        x = self.grid[part]
        # seen from the end of the range: the first place that is at least as sensitive
        rising = np.maximum.accumulate(self.sensitivity[part])

        def place(sensitivity: float) -> float:
            return float(x[0] if sensitivity <= rising[0] else np.interp(sensitivity, rising, x))

        def above(sensitivity: float) -> bool:
            return bool(self.at(place(sensitivity))[curve] > 0.0)

        rung = _LADDER ** np.round(np.log(guess) / np.log(_LADDER))
        while not above(rung):
            if rung >= rising[-1]:
                return None
            rung *= _LADDER
        while above(rung / _LADDER):
            rung /= _LADDER
            if rung <= max(rising[0], _FAINTEST):
                return Crossing(float(x[0]), True, True)
        return self._between(curve, place(rung / _LADDER), place(rung), float(x[0]))

    def _between(self, curve: int, outer: float, inner: float, end: float) -> Crossing:
        """Return the crossing between a point below the threshold and one above it."""
        direction = np.sign(self.peak - end) or np.sign(inner - outer)
        met = sorted((p for p in self._known), key=lambda p: direction * p)
        between = [p for p in met if direction * outer <= direction * p <= direction * inner]
        inner = next(p for p in between if self.at(p)[curve] > 0.0)
        outer = between[between.index(inner) - 1]
        root = float(
            brentq(lambda p: self.at(float(p))[curve], outer, inner, xtol=0.5 * self.precision)
        )
        return Crossing(root, False, not self._dips(curve, inner))

    def _dips(self, curve: int, inner: float) -> bool:
        """Tell whether the curve falls below its threshold between a point and the peak."""
        inside = (self.grid - inner) * (self.grid - self.peak) <= 0.0
        if not inside.any():
            return False
        x, sensitivity = self.grid[inside], self.sensitivity[inside]
        lowest = int(np.argmin(sensitivity))
        nearest = np.interp(inner, self.grid, self.sensitivity)
        return bool(sensitivity[lowest] < 0.99 * nearest and self.at(float(x[lowest]))[curve] < 0.0)
