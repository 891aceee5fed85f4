"""The signal along the coupling, up to its first large maximum, on from there, and beyond the grid.

Where it rose to the end it is taken to go on, below the grid and above, as it begins.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.nuisances import SignalPath, log_likelihoods
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

FIRST = 1e-3
"""Events of the least signal whose likelihood is calculated."""

_SHARP = 30.0  # events; the likelihood of more falls within less than a step, so that steps shrink
_PROMINENCE = 0.02  # of ln(-ln CLs) at a maximum
_FLATTEST = 0.2  # power of the coupling with which a signal begins
_RANGE = 8.0  # sigma of the signal's uncertainty that its largest value makes up for
_EXCLUDED = 0.01  # CLs of a maximum that is large
_MOST = 1e6  # events; more are as these


@dataclass(frozen=True, eq=False)
class CouplingPath:
    """Signals along the coupling, and beyond both ends of where they are known.

    Attributes
    ----------
    x, path
        ln(coupling) up to the top, rising, shape (P,), and the signals there.
    beyond, path_beyond
        From the top on, shape (B,), with the signals as if they rose on.
    above, path_above
        From the top on, shape (A,), with the signals as they are.
    power
        Of the coupling that the signal begins with.
    """

    x: FloatArray
    path: SignalPath
    beyond: FloatArray
    path_beyond: SignalPath
    above: FloatArray
    path_above: SignalPath
    power: float

    @classmethod
    def build(
        cls, yields: CouplingYields, grid: FloatArray, height: FloatArray, seen: float, step: float
    ) -> "CouplingPath":
        """Choose couplings.

        Parameters
        ----------
        yields
            The signal.
        grid
            Rising ln(coupling), a fine grid over the range of the yields, shape (G,).
        height
            ln(-ln CLs) of a median experiment, about, shape (G,).
        seen
            Events of all channels, at most, of outcomes.
        step
            Of ln(signal), at most, between couplings; the posterior of many events is sharper.

        Raises
        ------
        InferenceError
            For a signal that does not rise with the coupling.
        """
        events = yields.signal(grid).sum(axis=1)
        first, last = int(np.argmax(events > 0.0)), _first_top(height)
        power = _beginning(grid[first : last + 1], events[first : last + 1])
        start, top = float(grid[first]), float(grid[last])
        shifts = yields.shifts(top)[0]
        most = 60.0 + seen + 10.0 * np.sqrt(seen)  # no outcome leaves these likely
        most *= np.exp(_RANGE * float(np.sqrt((shifts**2).sum(axis=1)).max(initial=0.0)))
        down = max(np.log(events[first] / FIRST) / power, 0.0)
        up = max(np.log(most / events[last]) / power, 0.0)
        low = start - np.arange(down, 0.0, -step / power)
        own = _along(grid[first : last + 1], events[first : last + 1], most, seen, step)
        sharp = step / float(_sharpness(np.array(most), seen))
        beyond = np.append(top, top + np.arange(up, 0.0, -sharp / power)[::-1])
        above = _along(grid[last:], events[last:], np.inf, seen, step)

        def signals(x: FloatArray, end: float) -> SignalPath:
            inside = np.clip(x, start, end)
            factor = np.exp(power * (x - inside))[:, None]
            return SignalPath(yields.signal(inside) * factor, yields.shifts(inside))

        x = np.append(low, own)
        paths = signals(x, top), signals(beyond, top), signals(above, np.inf)
        return cls(x, paths[0], beyond, paths[1], above, paths[2], power)

    def halved(self) -> "CouplingPath":
        """Return the way with every second coupling up to the top and beyond as if it rose on."""
        low, up = self.halves
        return replace(
            self, x=self.x[low], path=self.path.part(low),
            beyond=self.beyond[up], path_beyond=self.path_beyond.part(up),
        )  # fmt: skip

    @property
    def halves(self) -> tuple[slice, slice]:
        """Every second coupling of these two parts; the top stays."""
        return slice((self.x.size - 1) % 2, None, 2), slice(None, None, 2)

    def log_likelihoods(
        self, experiment: CountingModel, counts: FloatArray, few: bool
    ) -> tuple[FloatArray, ...]:
        """Return ln(likelihood) of outcomes (C, M) on each of the ways, shapes (., M, replicas).

        With `few` points of nuisance parameters, or not.
        """
        paths = self.path, self.path_beyond, self.path_above
        whole = SignalPath(
            np.concatenate([path.signal for path in paths]),
            np.concatenate([path.shifts for path in paths]),
        )
        ends = np.cumsum([self.x.size, self.beyond.size])
        return tuple(np.split(log_likelihoods(whole, experiment, counts, few), ends))


def _beginning(x: FloatArray, events: FloatArray) -> float:
    """Return the power of the coupling with which a signal begins."""
    power = 0.0
    if x.size > 1 and events[0] > 0.0:
        near = max(int(np.searchsorted(x, x[0] + min(0.5, 0.5 * (x[-1] - x[0])))), 1)
        power = float(np.log(events[near] / events[0]) / (x[near] - x[0]))
    if not power > _FLATTEST:
        raise InferenceError("a credible limit needs a signal that rises with the coupling")
    return power


def _first_top(height: FloatArray) -> int:
    """Return where the first maximum lies at which a median experiment excludes the signal.

    If there is none it is the largest.
    """
    tops, _ = scipy.signal.find_peaks(
        np.pad(height, 1, constant_values=height.min() - 1.0), prominence=_PROMINENCE
    )
    enough = tops[height[tops - 1] > np.log(-np.log(_EXCLUDED))] - 1
    return int(enough[0]) if enough.size else int(np.argmax(height))


def _sharpness(events: FloatArray, seen: float) -> FloatArray:
    """Return how much smaller steps of ln(signal) are, where these many events have been seen."""
    return np.sqrt(np.maximum(np.minimum(events, seen) / _SHARP, 1.0))


def _along(x: FloatArray, events: FloatArray, most: float, seen: float, step: float) -> FloatArray:
    """Return couplings between which the signal changes little, from where there is some on."""
    first = max(int(np.argmax(events >= FIRST)) - 1, 0) if events.max() >= FIRST else x.size - 1
    last = int(np.argmax(events >= most)) if events.max() >= most else x.size - 1
    part = slice(first, last + 1)
    logs = np.log(np.clip(events[part], FIRST, _MOST))
    change = (np.abs(np.diff(logs)) + np.diff(x[part])) * _sharpness(np.exp(logs[1:]), seen)
    way = np.append(0.0, np.cumsum(change))
    if way.size == 1:
        return x[part]
    return np.interp(np.linspace(0.0, way[-1], int(way[-1] / step) + 2), way, x[part])
