import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hnlstat.errors import InferenceError
from hnlstat.likelihood.covariance import chi_square, condition, principal_components


def of(shifts):
    """Return the covariance of independent shifts (K, C)."""
    return np.asarray(shifts).T @ np.asarray(shifts)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (7, 5), elements=st.floats(-10, 10)), st.integers(0, 5))
def test_components_add_up_to_the_covariance(shifts, bins_of_many_events):
    """Also where some bins have ten thousand times the events of others."""
    scale = np.where(np.arange(5) < bins_of_many_events, 1e4, 1.0)
    covariance = of(shifts.round(6) * scale)
    found = principal_components(covariance)
    sigma = np.sqrt(covariance.diagonal())
    # each component that is left out is a share of 1e-4 of the variance of five bins
    tolerance = 5 * 5e-4 * np.outer(sigma, sigma) + 1e-12
    assert np.all(np.abs(of(found.shifts) - covariance) <= tolerance)
    assert found.remark == "ok"


def test_components_of_two_correlated_bins_in_closed_form():
    """Of [[1, r], [r, 1]] they are (1, 1) sqrt((1 + r) / 2) and (1, -1) sqrt((1 - r) / 2)."""
    found = principal_components([[4.0, 3.6], [3.6, 9.0]]).shifts  # r = 0.6
    expected = np.sqrt([[0.8], [0.2]]) * [[2.0, 3.0], [2.0, -3.0]]
    assert np.abs(found) == pytest.approx(np.abs(expected), abs=1e-12)
    assert of(found) == pytest.approx(np.array([[4.0, 3.6], [3.6, 9.0]]), abs=1e-12)


def test_one_shift_is_its_own_component():
    shift = np.array([3.0, -1.0, 0.0, 2e4])
    found = principal_components(of([shift])).shifts
    assert found.shape == (1, 4)
    assert found[0] * np.sign(found[0, 0]) == pytest.approx(shift, abs=1e-9)


def test_components_below_1e_4_of_the_variance_are_left_out_but_no_bin_s_own():
    shift, small = np.array([3.0, 4.0]), np.array([0.03, -0.04])
    assert len(principal_components(of([shift, small])).shifts) == 1
    assert len(principal_components(of([shift, 2.0 * small])).shifts) == 2
    # of one bin with few events beside another with many it is all the uncertainty
    assert principal_components(np.diag([1e8, 1.0])).shifts.tolist() == [[0.0, 1.0], [1e4, 0.0]]


def test_bins_without_uncertainty_have_none():
    covariance = np.zeros((3, 3))
    assert principal_components(covariance).shifts.shape == (0, 3)
    covariance[1, 1] = 4.0
    assert principal_components(covariance).shifts.tolist() == [[0.0, 2.0, 0.0]]
    assert principal_components(covariance).remark == "ok"


def test_small_negative_eigenvalues_are_cut_with_a_remark():
    """Of unit variances with correlation 1 + e they are 2 + e and -e."""
    found = principal_components([[1.0, 1.002], [1.002, 1.0]], "x.csv")
    assert found.remark == (
        "x.csv: 1 small negative eigenvalues, down to -0.001 of the largest, are taken as 0"
    )
    assert of(found.shifts) == pytest.approx(np.full((2, 2), 1.001))
    rounded = 1.0 + 1e-12
    assert principal_components([[1.0, rounded], [rounded, 1.0]]).remark == "ok"


GOOD = np.diag([4.0, 9.0, 16.0])


def changed(i, j, value, both=True):
    """Return a good matrix with another entry."""
    matrix = GOOD.copy()
    matrix[i, j] = value
    if both:
        matrix[j, i] = value
    return matrix


NO_COVARIANCE = [
    (changed(0, 1, 0.5, both=False), "x: is not symmetric: of bins 0 and 1 0.5, of 1 and 0 0"),
    (changed(0, 1, -0.01, both=False), "not symmetric"),
    (GOOD[:2], "x: is 2 x 3; needed is a square matrix"),
    (np.ones(4), "x: is 4; needed is a square matrix"),
    (4.0, "needed is a square matrix"),
    ([[1.0, 0.0], [0.0]], "x: its rows are not numbers, or not as many each"),
    ([["a", "b"], ["c", "d"]], "not numbers"),
    (changed(1, 2, np.nan), "x: of bins 1 and 2 is nan; needed are finite"),
    (changed(2, 2, np.inf), "x: of bins 2 and 2 is inf; needed are finite"),
    (changed(2, 2, 1e200), "x: of bins 2 and 2 is 1e+200; needed are finite numbers up to 1e+18"),
    ({"a": 1.0}, "x: its rows are not numbers"),
    (np.array([[1.0, 1j], [-1j, 1.0]]), "x: its rows are not numbers"),
    (None, "x: is a single number; needed is a square matrix"),
    (changed(1, 1, -9.0), "x: the variance of bin 1 is -9, below 0"),
    (changed(0, 1, 9.0), "x: has a negative eigenvalue, -0.2 of the largest"),
    (changed(0, 1, -6.5), "negative eigenvalue, -0.04"),
    (changed(1, 1, 0.0) + changed(1, 2, 1.0) - GOOD, "no variance"),
]


@pytest.mark.parametrize(("matrix", "reason"), NO_COVARIANCE)
def test_what_is_no_covariance_is_refused_in_one_line(matrix, reason):
    with pytest.raises(InferenceError) as error:
        principal_components(matrix, "x")
    assert reason in str(error.value)
    assert str(error.value).startswith("x: ")


def test_bins_of_few_events_are_checked_beside_those_of_many():
    """Their impossible correlation is 1e-8 of the largest variance."""
    matrix = np.diag([1e8, 1.0, 1.0])
    matrix[1, 2] = matrix[2, 1] = 2.0
    with pytest.raises(InferenceError, match="negative eigenvalue"):
        principal_components(matrix)


def test_a_side_band_constrains_as_weighted_averages_do():
    """Of fully correlated bins, 100 +- 20 and 400 +- 80, the second one counted: 441 +- 21."""
    covariance = of([[20.0, 80.0]])
    mean, left = condition([100.0, 400.0], covariance, [441.0], [1], [0])
    # in units of one sigma: 0 +- 1 and (441 - 400) / 80 +- 21 / 80
    width = 21.0 / 80.0
    shift = (41.0 / 80.0) / width**2 / (1.0 + 1.0 / width**2)
    assert mean == pytest.approx([100.0 + 20.0 * shift], rel=1e-12)
    assert left == pytest.approx(np.array([[400.0 / (1.0 + 1.0 / width**2)]]), rel=1e-12)


def test_side_bands_without_correlation_tell_nothing():
    mean, left = condition([10.0, 20.0, 30.0], GOOD, [50.0], [1], [2, 0])
    assert mean.tolist() == [30.0, 10.0]
    assert left.tolist() == [[16.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"observed_side": None}, "x: the side bands have data of 0 bins; needed .* all 1"),
        ({"observed_side": [1.0, 2.0]}, "data of 2 bins"),
        ({"observed_side": [np.nan]}, "side band of bin 1 has nan events"),
        ({"observed_side": [-20.0]}, "has -20 events"),
        ({"observed_side": [2.0]}, "x: the side band of bin 1 has 2 events; from 5 on"),
        ({"side": [0]}, "x: bin 0 is kept and a side band"),
        ({"side": [3]}, "indices of bins from 0 to 2, got .3."),
        ({"side": [-1]}, "indices of bins"),
        ({"side": [1.0]}, "indices of bins"),
        ({"side": []}, "indices of bins"),
        ({"kept": [0, 0]}, "different indices"),
        ({"mean": [1.0, 2.0]}, "x: is of 3 bins; needed are as many finite means"),
        ({"mean": [1.0, np.nan, 2.0]}, "finite means"),
        ({"covariance": changed(0, 1, 0.5, both=False)}, "x: is not symmetric"),
        ({"covariance": of([[6.0, 3.0, 0.0]])}, "leave a background of -14.8. in bin 0"),
    ],
)
def test_side_bands_that_cannot_be_used_are_refused_in_one_line(change, reason):
    good = {"mean": [10.0, 60.0, 30.0], "covariance": GOOD, "observed_side": [20.0], "side": [1],
            "kept": [0, 2], "name": "x"}  # fmt: skip
    condition(**good)
    with pytest.raises(InferenceError, match=reason):
        condition(**good | change)


def test_side_bands_whose_block_is_not_positive_are_refused():
    matrix = np.diag([1.0, 1e6, 1e6])
    matrix[1, 2] = matrix[2, 1] = -2e6
    with pytest.raises(InferenceError, match="block of the side bands is singular or not positive"):
        condition([10.0, 1e3, 1e3], matrix, [1e3, 1e3], [1, 2], [0])


def test_chi_square_of_correlated_bins_in_closed_form():
    """Sum and difference of two bins with 100 +- 30, fully correlated, are independent."""
    found = chi_square([100.0, 100.0], np.full((2, 2), 900.0), [130.0, 110.0])
    assert found == pytest.approx(40.0**2 / (200.0 + 4 * 900.0) + 20.0**2 / 200.0, rel=1e-12)


@pytest.mark.parametrize("mean", [[1.0, 2.0], [1.0, 2.0, 0.0], [1.0, np.nan, 2.0]])
def test_chi_square_wants_a_positive_mean_of_every_bin(mean):
    with pytest.raises(InferenceError, match="as many positive means and data, got"):
        chi_square(mean, GOOD, [1.0, 2.0, 3.0])
