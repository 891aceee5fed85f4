"""HistFactory's interpolation of systematic variations, with first and second derivatives.

The formulas are those named code 4 (factors) and code 4p (additive shifts) in the ROOT and pyhf
documentation: exponential or linear beyond one sigma, a polynomial of sixth degree in between that
matches value, slope and curvature at +-1.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Jet = tuple[FloatArray, FloatArray, FloatArray]

_POWERS = np.arange(1, 7)


def _matching_matrix() -> FloatArray:
    """Rows: value, slope and curvature of the powers 1 .. 6 at +1 and -1, in turns."""
    ends = np.array([1.0, -1.0])[:, None]
    value = ends**_POWERS
    slope = _POWERS * ends ** (_POWERS - 1)
    curvature = _POWERS * (_POWERS - 1) * ends**_POWERS  # the power p - 2 has the parity of p
    return np.concatenate([value, slope, curvature])


_INVERSE = np.linalg.inv(_matching_matrix())


def factor_coefficients(high: FloatArray, low: FloatArray) -> FloatArray:
    """Return the polynomial coefficients of powers 1 .. 6 for factors at +-1 sigma, shape (6, ...).

    Parameters
    ----------
    high, low
        Factors at +1 and -1 sigma, positive.
    """
    log_high, log_low = np.log(high), np.log(low)
    conditions = np.stack(
        [
            high - 1.0,
            low - 1.0,
            log_high * high,
            -log_low * low,
            log_high**2 * high,
            log_low**2 * low,
        ]
    )
    coefficients: FloatArray = np.tensordot(_INVERSE, conditions, axes=1)
    return coefficients


def factor(
    alpha: FloatArray, coefficients: FloatArray, log_high: FloatArray, log_low: FloatArray
) -> Jet:
    """Return the factor (code 4) and its first and second derivative by alpha."""
    inner = np.clip(alpha, -1.0, 1.0)
    value, slope, curvature = (np.zeros_like(alpha) for _ in range(3))
    for a in coefficients[::-1]:
        curvature = curvature * inner + 2.0 * slope
        slope = slope * inner + value
        value = value * inner + a
    # the sum so far lacks one power of alpha: value * alpha + 1
    curvature = curvature * inner + 2.0 * slope
    slope = slope * inner + value
    value = value * inner + 1.0
    outside = np.abs(alpha) > 1.0
    if outside.any():
        rate = np.where(alpha > 0.0, log_high, -log_low)
        beyond = np.exp(np.where(outside, rate * alpha, 0.0))
        value = np.where(outside, beyond, value)
        slope = np.where(outside, rate * beyond, slope)
        curvature = np.where(outside, rate**2 * beyond, curvature)
    return value, slope, curvature


def factor_value(
    alpha: FloatArray, coefficients: FloatArray, log_high: FloatArray, log_low: FloatArray
) -> FloatArray:
    """Return the factor (code 4) alone."""
    inner = np.clip(alpha, -1.0, 1.0)
    value = np.zeros_like(alpha)
    for a in coefficients[::-1]:
        value += a
        value *= inner
    value += 1.0
    outside = np.abs(alpha) > 1.0
    if outside.any():
        exponent = np.where(alpha > 0.0, log_high, -log_low) * alpha
        np.exp(exponent, where=outside, out=value)
    return value


def shift(alpha: FloatArray, up: FloatArray, down: FloatArray) -> Jet:
    """Return the additive shift (code 4p) and its first and second derivative by alpha.

    Parameters
    ----------
    alpha
        Nuisance parameter.
    up, down
        Shift at +1 sigma, and minus the shift at -1 sigma.
    """
    linear, bend = 0.5 * (up + down), (up - down) / 16.0
    square = alpha**2
    value = alpha * linear + bend * square * (15.0 + square * (3.0 * square - 10.0))
    slope = linear + bend * alpha * (30.0 + square * (18.0 * square - 40.0))
    curvature = bend * (30.0 + square * (90.0 * square - 120.0))
    outside = np.abs(alpha) > 1.0
    if outside.any():
        rate = np.where(alpha > 0.0, up, down)
        value = np.where(outside, rate * alpha, value)
        slope = np.where(outside, rate, slope)
        curvature = np.where(outside, 0.0, curvature)
    return value, slope, curvature
