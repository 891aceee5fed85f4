"""Expected signal over the (mass, coupling) plane, smooth between the points of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import InferenceError

FloatArray = NDArray[np.float64]

_SOFT_FLOOR = 1e-4  # events; far below them a yield is as good as none


@dataclass(frozen=True, eq=False)
class YieldSurface:
    """Signal and its uncertainties as functions of ln(mass) and ln(coupling).

    ln(events + 1e-4) is a bicubic spline, which follows power laws and levels off without a kink
    where there is no signal. Relative uncertainties are bilinear.

    Attributes
    ----------
    log_mass, log_coupling
        ln(m / GeV) and ln(coupling) of the grid, rising, shapes (M,) and (D,).
    modifiers
        Names of the K correlated signal uncertainties.
    """

    log_mass: FloatArray
    log_coupling: FloatArray
    modifiers: tuple[str, ...]
    _events: tuple[scipy.interpolate.RectBivariateSpline, ...]
    _shifts: tuple[tuple[scipy.interpolate.RectBivariateSpline, ...], ...]

    @classmethod
    def build(
        cls,
        masses: ArrayLike,
        couplings: ArrayLike,
        signal: FloatArray,
        modifiers: Mapping[str, FloatArray],
        mc_error: FloatArray,
    ) -> YieldSurface:
        """Interpolate a table of yields.

        Parameters
        ----------
        masses, couplings
            Rising, shapes (M,) and (D,), at least 4 of each.
        signal
            Expected events, shape (M, D, C).
        modifiers, mc_error
            Relative changes at +1 sigma and relative Monte Carlo error, shape (M, D, C).

        Raises
        ------
        InferenceError
            For too small a grid, or a yield that is negative or not finite.
        """
        x, y = np.log(np.asarray(masses)), np.log(np.asarray(couplings))
        if x.size < 4 or y.size < 4:
            raise InferenceError(
                f"a fit needs at least 4 masses and 4 couplings, the grid has {x.size} x {y.size}"
            )
        wrong = ~np.isfinite(signal) | (signal < 0.0)
        if wrong.any():
            i, j, c = np.argwhere(wrong)[0]
            raise InferenceError(
                f"the signal at mass {np.exp(x[i]):.4g} GeV, coupling {np.exp(y[j]):.4g} in "
                f"channel number {c} is {signal[i, j, c]:g} events; needed is a finite number, at "
                "least 0"
            )
        logs = np.moveaxis(np.log(signal + _SOFT_FLOOR), -1, 0)
        tables = [*modifiers.values(), mc_error]
        shifts = [np.moveaxis(np.log1p(np.where(signal > 0.0, t, 0.0)), -1, 0) for t in tables]
        spline = scipy.interpolate.RectBivariateSpline
        return cls(
            x,
            y,
            tuple(modifiers),
            tuple(spline(x, y, z, s=0) for z in logs),
            tuple(tuple(spline(x, y, z, kx=1, ky=1, s=0) for z in shift) for shift in shifts),
        )

    def events(self, log_mass: ArrayLike, log_coupling: ArrayLike) -> FloatArray:
        """Return the expected events at points of shape (P,), shape (P, C)."""
        x, y = np.atleast_1d(log_mass), np.atleast_1d(log_coupling)
        logs = np.stack([spline.ev(x, y) for spline in self._events], axis=-1)
        return np.asarray(np.maximum(np.exp(logs) - _SOFT_FLOOR, 0.0))

    def shifts(self, log_mass: ArrayLike, log_coupling: ArrayLike) -> FloatArray:
        """Return the change of ln(signal) per sigma of each uncertainty, shape (P, C, K + 1).

        The last one is the Monte Carlo error, independent between channels.
        """
        x, y = np.atleast_1d(log_mass), np.atleast_1d(log_coupling)
        return np.stack(
            [np.stack([s.ev(x, y) for s in shift], axis=-1) for shift in self._shifts], axis=-1
        )
