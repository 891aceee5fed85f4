import numpy as np
import pytest

from hnlstat.inference.search import CrossingSearch

GRID = np.linspace(-3.0, 3.0, 301)


def bump(x):
    """Sensitivity 6 exp(-x^2) on a coordinate."""
    return 6.0 * np.exp(-(np.asarray(x) ** 2))


def search(strengths, grid=GRID, sensitivity=None):
    values = bump(grid) if sensitivity is None else sensitivity
    return CrossingSearch(strengths, grid, values, 1e-4)


def test_both_branches_of_several_curves_are_found():
    thresholds = np.array([0.5, 2.0, 5.9])
    found = search(lambda x: bump(x) - thresholds)
    for i, threshold in enumerate(thresholds):
        root = np.sqrt(np.log(6.0 / threshold))
        for branch, sign in (("lower", -1.0), ("upper", 1.0)):
            crossing = found.crossing(i, branch, guess=2.0)
            assert crossing.x == pytest.approx(sign * root, abs=2e-4)
            assert not crossing.open
            assert crossing.unique


def test_curves_share_what_was_calculated():
    calls = []

    def strengths(x):
        calls.append(x)
        return bump(x) - np.array([1.9, 2.0, 2.1])

    found = search(strengths)
    found.crossing(0, "lower", 2.0)
    alone = len(calls)
    found.crossing(1, "lower", 2.0)
    found.crossing(2, "lower", 2.0)
    assert len(calls) == len(set(calls))
    assert len(calls) < 3 * alone


def test_nothing_is_found_below_the_threshold():
    found = search(lambda x: bump(x) - np.array([7.0]))
    assert found.crossing(0, "lower", 5.0) is None
    assert found.crossing(0, "upper", 5.0) is None


def test_a_region_over_the_end_is_open_there():
    grid = np.linspace(-3.0, 0.5, 200)
    found = search(lambda x: bump(x) - np.array([2.0]), grid)
    upper = found.crossing(0, "upper", 2.0)
    assert upper.open
    assert upper.x == grid[-1]
    assert not found.crossing(0, "lower", 2.0).open


@pytest.mark.parametrize("end", [0, -1])
def test_the_peak_may_be_the_end(end):
    grid = GRID[GRID >= 0.0] if end == 0 else GRID[GRID <= 0.0]
    found = search(lambda x: bump(x) - np.array([2.0]), grid)
    branches = ("lower", "upper") if end == 0 else ("upper", "lower")
    assert found.crossing(0, branches[0], 2.0).open
    root = np.sqrt(np.log(3.0))
    assert abs(found.crossing(0, branches[1], 2.0).x) == pytest.approx(root, abs=2e-4)


def test_of_several_crossings_the_outermost_is_kept_and_said_so():
    def two_humps(x):
        return bump(x) + 3.0 * np.exp(-(((np.asarray(x) + 2.2) / 0.2) ** 2))

    found = search(lambda x: two_humps(x) - np.array([2.0]), sensitivity=two_humps(GRID))
    crossing = found.crossing(0, "lower", 5.0)
    outermost = GRID[np.argmax(two_humps(GRID) > 2.0)]
    assert crossing.x == pytest.approx(outermost, abs=GRID[1] - GRID[0])
    assert not crossing.unique
    assert found.crossing(0, "upper", 5.0).unique


def test_no_sensitivity_at_all():
    found = search(lambda _: np.array([-1.0]), sensitivity=np.zeros(GRID.size))
    assert found.crossing(0, "lower", 2.0) is None
    assert found.crossing(0, "upper", 2.0) is None
