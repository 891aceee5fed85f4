import numpy as np
import pytest

from hnlstat.inference.limits.roots import FAINTEST, CrossingSearch

GRID = np.linspace(-3.0, 3.0, 301)


def bump(x):
    """Sensitivity 6 exp(-x^2) on a coordinate."""
    return 6.0 * np.exp(-(np.asarray(x) ** 2))


def two_humps(x):
    """Humps of height 6 at -1.5 and 4 at 1.5, of width 0.5 each; 0.45 at 0.15 in between."""
    x = np.asarray(x)
    return 6.0 * np.exp(-2.0 * (x + 1.5) ** 2) + 4.0 * np.exp(-2.0 * (x - 1.5) ** 2)


def search(shape, *thresholds, grid=GRID, sensitivity=None):
    """Curves ln(shape / threshold), with the sensitivity of the shape itself."""
    values = shape(grid) if sensitivity is None else sensitivity

    def strengths(x):
        return np.log(shape(x) / np.array(thresholds))

    weakest = np.log(FAINTEST / np.array(thresholds))
    return CrossingSearch(strengths, grid, values, 1e-4, weakest)


def test_both_ends_of_several_curves_are_found():
    thresholds = (0.5, 2.0, 5.9)
    found = search(bump, *thresholds)
    for i, threshold in enumerate(thresholds):
        (interval,) = found.intervals(i, guess=2.0)
        root = np.sqrt(np.log(6.0 / threshold))
        assert interval.lower == pytest.approx(-root, abs=2e-4)
        assert interval.upper == pytest.approx(root, abs=2e-4)
        assert not interval.lower_open
        assert not interval.upper_open


@pytest.mark.parametrize("guess", [0.1, 2.0, 50.0])
def test_two_humps_are_two_intervals(guess):
    left, right = search(two_humps, 2.0).intervals(0, guess)
    # beside a hump the other one gives less than 1e-6 of the sum
    np.testing.assert_allclose(
        [left.lower, left.upper, right.lower, right.upper],
        np.concatenate([-1.5 + np.sqrt(np.log(3.0) / 2) * np.array([-1, 1]),
                        1.5 + np.sqrt(np.log(2.0) / 2) * np.array([-1, 1])]),
        atol=2e-4,
    )  # fmt: skip


def test_the_higher_hump_alone_and_both_as_one():
    found = search(two_humps, 5.0, 0.05)
    (alone,) = found.intervals(0, 2.0)
    assert alone.upper == pytest.approx(-1.5 + np.sqrt(np.log(1.2) / 2), abs=2e-4)
    (both,) = found.intervals(1, 2.0)
    assert both.lower < -2.9
    assert both.upper > 2.9


def test_noise_makes_no_turning_points():
    noisy = bump(GRID) * (1.0 + 0.005 * np.sin(40.0 * GRID))
    assert len(search(bump, 2.0, sensitivity=noisy).intervals(0, 2.0)) == 1


def test_curves_share_what_was_calculated():
    calls = []

    def strengths(x):
        calls.append(x)
        return np.log(bump(x) / np.array([1.9, 2.0, 2.1]))

    found = CrossingSearch(strengths, GRID, bump(GRID), 1e-4, np.full(3, -6.0))
    found.intervals(0, 2.0)
    alone = len(calls)
    found.intervals(1, 2.0)
    found.intervals(2, 2.0)
    assert len(calls) == len(set(calls))
    assert len(calls) < 3 * alone


def test_nothing_is_found_below_the_threshold():
    assert search(bump, 7.0).intervals(0, 5.0) == ()


def test_an_interval_over_the_end_is_open_there():
    grid = np.linspace(-3.0, 0.5, 200)
    (interval,) = search(bump, 2.0, grid=grid).intervals(0, 2.0)
    assert interval.upper_open
    assert interval.upper == grid[-1]
    assert not interval.lower_open


@pytest.mark.parametrize("end", [0, -1])
def test_the_peak_may_be_the_end(end):
    grid = GRID[GRID >= 0.0] if end == 0 else GRID[GRID <= 0.0]
    (interval,) = search(bump, 2.0, grid=grid).intervals(0, 2.0)
    assert (interval.lower_open, interval.upper_open) == (end == 0, end == -1)
    root = np.sqrt(np.log(3.0))
    assert interval.upper - interval.lower == pytest.approx(root, abs=2e-4)


def test_no_sensitivity_at_all_needs_no_calculation():
    def never(_):
        raise AssertionError

    found = CrossingSearch(never, GRID, np.zeros(GRID.size), 1e-4, np.array([-6.0]))
    assert found.intervals(0, 2.0) == ()
    x, strength = found.profile(0, ())
    np.testing.assert_array_equal(x, GRID)
    np.testing.assert_array_equal(strength, -6.0)


def test_profile_is_zero_at_crossings_and_keeps_the_signs():
    found = search(two_humps, 2.0, 0.7)
    intervals = found.intervals(0, 2.0)
    found.intervals(1, 2.0)
    x, strength = found.profile(0, intervals)
    roots = [end for i in intervals for end in (i.lower, i.upper)]
    assert np.all(np.diff(x) > 0)
    np.testing.assert_array_equal(strength[np.isin(x, roots)], 0.0)
    inside = np.any([(i.lower < x) & (x < i.upper) for i in intervals], axis=0)
    outside = ~inside & ~np.isin(x, roots)
    assert np.all(strength[inside] > 0)
    assert np.all(strength[outside] < 0)
    # ln(shape) is the strength up to a constant: interpolation along it is exact but for the grid,
    # h^2/8 of the second derivative of ln(shape), 4
    clear = two_humps(x) > 0.06
    truth = np.log(two_humps(x[clear]) / 2.0)
    np.testing.assert_allclose(strength[clear], truth, atol=4 * 0.02**2 / 8 + 2e-4)


def test_what_is_known_is_not_calculated_again():
    calls = []

    def strengths(x):
        calls.append(x)
        return np.log(two_humps(x) / np.array([2.0, 0.7]))

    # the known points lie beside the humps and the valley, not on them
    known = {
        float(x): np.log(two_humps(x) / np.array([2.0, 0.7])) for x in np.arange(-2.95, 3, 0.2)
    }
    weakest = np.log(FAINTEST / np.array([2.0, 0.7]))
    found = CrossingSearch(strengths, GRID, two_humps(GRID), 1e-4, weakest, known)
    alone = search(two_humps, 2.0, 0.7)
    for curve in (0, 1):
        ends = [(i.lower, i.upper) for i in found.intervals(curve, 2.0)]
        others = [(i.lower, i.upper) for i in alone.intervals(curve, 2.0)]
        np.testing.assert_allclose(ends, others, atol=2e-4)
    # three steps of interpolation for each of the eight crossings, none for the three turns
    assert len(calls) <= 24
    assert not any(abs(x - turn) < 0.01 for x in calls for turn in (-1.5, 1.5))


def test_steps_in_a_curve_are_found_too():
    """Discrete p-values jump; here the strength does, at a known place."""

    def strengths(x):
        return np.array([np.log(bump(x) / 2.0) + (1.0 if x > 0.8 else 0.0)])

    found = CrossingSearch(strengths, GRID, bump(GRID), 1e-4, np.array([-4.0]))
    (interval,) = found.intervals(0, 2.0)
    assert interval.lower == pytest.approx(-np.sqrt(np.log(3.0)), abs=2e-4)
    assert interval.upper == pytest.approx(np.sqrt(np.log(3.0) + 1.0), abs=2e-4)

    def falling(x):
        return np.array([np.log(bump(x) / 2.0) - (1.0 if x > 0.8 else 0.0)])

    found = CrossingSearch(falling, GRID, bump(GRID), 1e-4, np.array([-4.0]))
    (interval,) = found.intervals(0, 2.0)
    assert interval.upper == pytest.approx(0.8, abs=2e-4)
