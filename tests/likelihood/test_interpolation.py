import numpy as np
import pyhf
import pytest

from hnlstat.likelihood.interpolation import factor, factor_coefficients, factor_value, shift

ALPHA = np.linspace(-3.0, 3.0, 61)
HIGH, LOW = 1.3, 0.8


def factors(alpha):
    high, low = np.full(alpha.shape, HIGH), np.full(alpha.shape, LOW)
    return factor(alpha, factor_coefficients(high, low), np.log(high), np.log(low))


def shifts(alpha):
    return shift(alpha, np.full(alpha.shape, 3.0), np.full(alpha.shape, 2.0))


def test_factors_are_those_of_pyhf():
    code4 = pyhf.interpolators.get(4)([[[[LOW], [1.0], [HIGH]]]])
    assert factors(ALPHA)[0] == pytest.approx(np.ravel(code4(ALPHA[None])), rel=1e-12)


def test_factors_alone_are_those_with_derivatives():
    high, low = np.full(ALPHA.shape, HIGH), np.full(ALPHA.shape, LOW)
    alone = factor_value(ALPHA, factor_coefficients(high, low), np.log(high), np.log(low))
    assert alone == pytest.approx(factors(ALPHA)[0], rel=1e-14)


def test_shifts_are_those_of_pyhf():
    code4p = pyhf.interpolators.get("4p")([[[[8.0], [10.0], [13.0]]]])
    assert shifts(ALPHA)[0] == pytest.approx(np.ravel(code4p(ALPHA[None])), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("jet", [factors, shifts])
def test_derivatives_are_those_of_the_value(jet):
    # a step of 1e-5 leaves 1e-10 of truncation and 1e-11 of rounding; 1e-6 for curvatures
    alpha, step = ALPHA + 0.013, 1e-5
    _, slope, curvature = jet(alpha)
    above, below = jet(alpha + step), jet(alpha - step)
    assert slope == pytest.approx((above[0] - below[0]) / (2.0 * step), abs=1e-8)
    assert curvature == pytest.approx((above[1] - below[1]) / (2.0 * step), abs=1e-8)


def test_an_inverse_pair_is_nearly_exponential():
    alpha = np.linspace(-1.0, 1.0, 21)
    high, low = np.full(21, 1.2), np.full(21, 1.0 / 1.2)
    value, *_ = factor(alpha, factor_coefficients(high, low), np.log(high), np.log(low))
    assert value == pytest.approx(1.2**alpha, rel=1e-6)
