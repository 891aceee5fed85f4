"""Outcomes in the order of a statistic, with cumulative probabilities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TIE = 1e-9  # statistics closer than this, relative to 1 + |value|, are the same outcome


@dataclass(frozen=True, eq=False)
class Ladder:
    """Outcomes in rising order of a statistic, with cumulative probabilities, all of shape (M,)."""

    statistic: FloatArray
    background: FloatArray
    signal_plus_background: FloatArray

    @classmethod
    def build(
        cls, statistic: FloatArray, background: FloatArray, signal_plus_background: FloatArray
    ) -> "Ladder":
        """Sort outcomes.

        Parameters
        ----------
        statistic
            Of each outcome, shape (M,).
        background, signal_plus_background
            Probability (or weight) of each outcome without and with the signal, shape (M,).
        """
        order = np.argsort(statistic)
        return cls(
            statistic[order],
            np.cumsum(background[order]),
            np.cumsum(signal_plus_background[order]),
        )

    def _at(self, index: np.intp) -> tuple[float, float]:
        if index == 0:
            return 0.0, 0.0
        last = index - 1
        return float(self.signal_plus_background[last]), float(self.background[last])

    def up_to(self, value: float) -> tuple[float, float]:
        """Return P(statistic <= value) with the signal and without."""
        return self._at(np.searchsorted(self.statistic, value + TIE * (1.0 + abs(value)), "right"))

    def below(self, value: float) -> tuple[float, float]:
        """Return P(statistic < value) with the signal and without."""
        return self._at(np.searchsorted(self.statistic, value - TIE * (1.0 + abs(value)), "left"))

    def quantile(self, cumulative: FloatArray, probability: float) -> float:
        """Return the smallest value that `cumulative` reaches `probability` at."""
        index = np.searchsorted(cumulative, probability * (1.0 - TIE))
        return float(self.statistic[min(int(index), len(self.statistic) - 1)])
