"""Expected signal along the coupling, between the points of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import InferenceError
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_RELEVANT = 1e-9  # events; fewer are none


@dataclass(frozen=True, eq=False)
class CouplingYields:
    """Signal of one mass as a smooth function of the coupling.

    ln(signal) is a cubic spline in ln(coupling) (exact for a power law); relative uncertainties are
    linear in ln(coupling). Grid points without signal at either end mean no signal there; a single
    one in between is bridged.

    Attributes
    ----------
    log_coupling
        ln(coupling) of the grid, rising, shape (D,).
    """

    log_coupling: FloatArray
    _splines: tuple[scipy.interpolate.BSpline | None, ...]
    _supports: tuple[tuple[float, float], ...]
    _modifiers: Mapping[str, FloatArray]
    _mc_error: FloatArray

    @classmethod
    def build(
        cls,
        couplings: ArrayLike,
        signal: ArrayLike,
        signal_modifiers: Mapping[str, ArrayLike] | None = None,
        mc_error: ArrayLike = 0.0,
    ) -> CouplingYields:
        """Interpolate a table of yields.

        Parameters
        ----------
        couplings
            Rising couplings, shape (D,), at least 4.
        signal
            Expected events, shape (D, C).
        signal_modifiers, mc_error
            Relative uncertainties as in `CountingModel`, broadcastable to (D, C); not looked at
            where there is no signal.

        Raises
        ------
        InferenceError
            For couplings that do not rise or yields that are negative or not finite.
        """
        d = np.asarray(couplings, dtype=np.float64)
        table = np.asarray(signal, dtype=np.float64)
        if d.ndim != 1 or d.size < 4 or not (np.all(d > 0.0) and np.all(np.diff(d) > 0.0)):
            raise InferenceError("couplings must be at least 4 positive values in rising order")
        if table.ndim != 2 or len(table) != d.size:
            raise InferenceError(
                f"signal has shape {table.shape}, needed is (couplings, channels) = ({d.size}, C)"
            )
        wrong = ~np.isfinite(table) | (table < 0.0)
        if wrong.any():
            i, j = np.argwhere(wrong)[0]
            raise InferenceError(
                f"the signal at coupling {d[i]:.4g} in channel number {j} is "
                f"{table[i, j]:g} events; needed is a finite number, at least 0"
            )
        x = np.log(d)
        splines, supports = zip(*(_spline(x, column) for column in table.T), strict=True)

        def known(values: ArrayLike) -> FloatArray:
            spread = np.broadcast_to(np.asarray(values, dtype=np.float64), table.shape)
            return np.where(table > _RELEVANT, spread, 0.0)

        modifiers = {name: known(delta) for name, delta in (signal_modifiers or {}).items()}
        return cls(x, splines, supports, modifiers, known(mc_error))

    def signal(self, log_coupling: ArrayLike) -> FloatArray:
        """Return the expected events at ln(coupling) of shape (K,), shape (K, C)."""
        x = np.atleast_1d(np.asarray(log_coupling, dtype=np.float64))
        result = np.zeros((len(x), len(self._splines)))
        for column, (spline, (low, high)) in enumerate(
            zip(self._splines, self._supports, strict=True)
        ):
            if spline is not None:
                inside = (x >= low) & (x <= high)
                result[inside, column] = np.exp(spline(x[inside]))
        return result

    def shifts(self, log_coupling: ArrayLike) -> FloatArray:
        """Return the changes of ln(signal) per sigma of S parameters at ln(coupling) (K,).

        These are the modifiers that act, and the Monte Carlo error of each bin: shape (K, C, S).
        """
        x = np.atleast_1d(np.asarray(log_coupling, dtype=np.float64))

        def at(table: FloatArray) -> FloatArray:
            return np.log1p([np.interp(x, self.log_coupling, c) for c in table.T]).T

        columns = [at(table) for table in self._modifiers.values() if table.any()]
        own = at(self._mc_error)[:, :, None] * np.eye(len(self._splines))
        own = own[:, :, self._mc_error.any(axis=0)]
        return np.concatenate([*(column[:, :, None] for column in columns), own], axis=2)

    def model(self, experiment: CountingModel, log_coupling: float) -> CountingModel:
        """Return the model of `experiment` with the signal at this ln(coupling)."""

        def at(table: FloatArray) -> FloatArray:
            return np.array([np.interp(log_coupling, self.log_coupling, c) for c in table.T])

        modifiers = {name: at(table) for name, table in self._modifiers.items()}
        return experiment.with_signal(self.signal(log_coupling)[0], modifiers, at(self._mc_error))


def _spline(
    x: FloatArray, events: FloatArray
) -> tuple[scipy.interpolate.BSpline | None, tuple[float, float]]:
    """Return the spline of ln(events) and the range it holds in, None if there is no signal."""
    used = events > _RELEVANT
    count = int(np.count_nonzero(used))
    if count < 2:
        return None, (0.0, 0.0)
    spline = scipy.interpolate.make_interp_spline(
        x[used], np.log(events[used]), k=min(3, count - 1)
    )
    return spline, (float(x[used][0]), float(x[used][-1]))
