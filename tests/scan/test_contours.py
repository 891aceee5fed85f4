import json

import numpy as np
import pytest

from hnlstat.errors import DataError
from hnlstat.inference.limits import Limit, MassLimits, Peak
from hnlstat.scan.contours import (
    LimitCurve,
    contours_document,
    limit_curves,
    regions,
    regions_from_document,
)

LEVEL = 0.90
LN_ALPHA = np.log(1 - LEVEL)


def curve_of(strength, masses, couplings, *, level=LEVEL):
    """Limits of a smooth strength(ln m, ln d), as a scan on a fine coupling grid finds them."""
    x, y = np.log(masses), np.log(couplings)
    values = strength(x[:, None], y[None, :])
    above = values > 0
    first, last = above.argmax(axis=1), above.shape[1] - 1 - above[:, ::-1].argmax(axis=1)
    rows = np.arange(masses.size)

    def edge(index, neighbour):
        here, there = values[rows, index], values[rows, np.clip(neighbour, 0, y.size - 1)]
        with np.errstate(invalid="ignore", divide="ignore"):
            fraction = np.where(here == there, 0.0, here / (here - there))
        return np.exp(y[index] + fraction * (y[np.clip(neighbour, 0, y.size - 1)] - y[index]))

    some = above.any(axis=1)
    best = values.argmax(axis=1)
    return LimitCurve(
        level,
        "observed",
        "exact",
        masses,
        np.where(some, edge(first, first - 1), np.nan),
        np.where(some, edge(last, last + 1), np.nan),
        some & (first == 0),
        some & (last == y.size - 1),
        values.max(axis=1),
        couplings[best],
    )


def ellipse(x, y, mass=0.1, coupling=1e-6, size=(1.3, 2.0)):
    return 2 * (1 - ((x - np.log(mass)) / size[0]) ** 2 - ((y - np.log(coupling)) / size[1]) ** 2)


def area(region):
    """Area of the outline in the plane of logarithms (shoelace formula)."""
    x, y = np.log(region.polygon()).T
    return abs(np.sum(x[1:] * y[:-1] - x[:-1] * y[1:])) / 2


def grid(points):
    return np.geomspace(0.01, 1.0, points), np.geomspace(1e-8, 1e-4, 4001)


def test_ellipse_is_one_closed_region_with_the_right_area():
    (region,) = regions(curve_of(ellipse, *grid(40)))
    assert not region.low_mass_open
    assert not region.high_mass_open
    assert not region.lower_open.any()
    assert region.lower[0] == pytest.approx(region.upper[0])
    assert region.lower[-1] == pytest.approx(region.upper[-1])
    assert np.all(np.diff(region.mass) > 0)
    # chords lie inside a convex curve: a relative loss of (2 pi / V)^2 / 6 for V = 60 vertices
    assert area(region) == pytest.approx(np.pi * 1.3 * 2.0, rel=4e-3)
    np.testing.assert_array_equal(region.polygon()[0], region.polygon()[-1])


def test_tip_converges_with_the_square_of_the_grid_step():
    steps, errors = [], []
    for points in (16, 31, 61, 121):
        (region,) = regions(curve_of(ellipse, *grid(points)))
        tips = np.log(region.mass[[0, -1]] / 0.1)
        steps.append(np.log(100) / (points - 1))
        errors.append(np.abs(tips - [-1.3, 1.3]).max())
    # the strength is curved: linear interpolation is off by at most h^2/8 times the ratio of second
    # to first derivative of ln(-ln p) at the tip, (2/1.3^2 + (2 * 2/1.3/2.30)^2) / (2 * 2/1.3/2.30)
    slope = 2 * 2.0 / 1.3 / -LN_ALPHA
    bound = (2 * 2.0 / 1.3**2 / -LN_ALPHA + slope**2) / slope / 8
    assert np.all(np.array(errors) < 1.3 * bound * np.array(steps) ** 2)


def test_tip_is_exact_where_the_signal_is_a_power_of_the_mass():
    masses, couplings = grid(12)

    def strength(x, y):
        signal = 50 * np.exp(-3.0 * (x - np.log(0.01)) - (y - np.log(1e-6)) ** 2)
        return signal + LN_ALPHA

    (region,) = regions(curve_of(strength, masses, couplings))
    assert region.low_mass_open
    assert region.mass[-1] == pytest.approx(0.01 * (50 / -LN_ALPHA) ** (1 / 3), rel=1e-9)
    assert region.lower[-1] == pytest.approx(1e-6, rel=1e-9)


def test_regions_open_at_the_edges_of_the_grid_are_marked():
    masses, couplings = np.geomspace(0.05, 0.2, 9), np.geomspace(5e-7, 1e-4, 401)
    (region,) = regions(curve_of(ellipse, masses, couplings))
    assert region.low_mass_open
    assert region.high_mass_open
    assert region.lower_open.all()
    assert not region.upper_open.any()
    assert region.mass.size == masses.size


def test_disjoint_masses_give_disjoint_regions():
    def two(x, y):
        left = ellipse(x, y, 0.025, 1e-6, (0.5, 1.0))
        return np.maximum(left, ellipse(x, y, 0.3, 1e-7, (0.8, 1.5)))

    low, high = regions(curve_of(two, *grid(60)))
    assert low.mass[-1] < high.mass[0]
    assert area(low) == pytest.approx(np.pi * 0.5, rel=0.02)
    assert area(high) == pytest.approx(np.pi * 1.2, rel=0.02)


def test_nothing_excluded_gives_no_region():
    assert regions(curve_of(lambda x, y: ellipse(x, y) - 3.0, *grid(20))) == []


@pytest.mark.parametrize("outer", [-np.inf, LN_ALPHA, np.nan, 0.0, 0.5])
def test_tip_stays_between_its_masses_for_any_strength_outside(outer):
    curve = LimitCurve(
        LEVEL, "observed", "exact",
        np.array([0.1, 0.2]), np.array([1e-7, np.nan]), np.array([1e-6, np.nan]),
        np.zeros(2, bool), np.zeros(2, bool), np.array([5.0, outer]), np.array([3e-7, 4e-7]),
    )  # fmt: skip
    (region,) = regions(curve)
    assert 0.1 < region.mass[-1] <= 0.2 * (1 + 1e-12)
    assert np.all(np.diff(region.mass) > 0)
    assert np.all(region.lower <= region.upper * (1 + 1e-12))


def test_document_survives_json():
    found = regions(curve_of(ellipse, *grid(20)))
    (back,) = regions_from_document(json.loads(json.dumps(contours_document(found))))
    assert (back.level, back.kind, back.method) == (LEVEL, "observed", "exact")
    np.testing.assert_allclose(back.polygon(), found[0].polygon(), rtol=1e-6)
    np.testing.assert_array_equal(back.upper_open, found[0].upper_open)


@pytest.mark.parametrize(
    ("document", "reason"),
    [({}, "schema = None"), ({"schema": "hnlstat contours 1"}, "KeyError")],
)
def test_a_foreign_document_is_refused(document, reason):
    with pytest.raises(DataError, match=reason):
        regions_from_document(document)


def test_shapes_must_agree():
    flags = np.zeros(2, bool)
    with pytest.raises(ValueError, match="upper must have the shape"):
        LimitCurve(
            LEVEL, "observed", "exact", np.array([1.0, 2.0]), np.ones(2), np.ones(3),
            flags, flags, np.ones(2), np.ones(2),
        )  # fmt: skip


def mass_limits(mass, lower, upper, *, strength, calculator="exact"):
    keys = [(0.9, "observed", f"{calculator} CLs"), (0.9999997, "discovery", f"{calculator} p0")]
    limits = [
        Limit(mass, *keys[0][:2], branch, keys[0][2], coupling, coupling == 1e-3)
        for branch, coupling in (("lower", lower), ("upper", upper))
        if coupling is not None
    ]
    peaks = [
        Peak(mass, *key, 1e-6, value) for key, value in zip(keys, (strength, -3.0), strict=True)
    ]
    return MassLimits(mass, tuple(limits), tuple(peaks), "ok")


def test_limits_of_all_masses_become_curves():
    results = [
        mass_limits(0.2, 2e-7, 1e-5, strength=4.0, calculator="asymptotic"),
        mass_limits(0.1, 1e-7, 1e-3, strength=5.0),
        MassLimits(0.3, (), (), "no limits: the signal is not finite"),
        mass_limits(0.4, None, None, strength=-1.0),
    ]
    observed, discovery = limit_curves(results)
    assert (observed.level, observed.kind) == (0.9, "observed")
    assert observed.method == "asymptotic CLs, exact CLs"
    np.testing.assert_array_equal(observed.mass, [0.1, 0.2, 0.4])
    np.testing.assert_array_equal(observed.lower, [1e-7, 2e-7, np.nan])
    np.testing.assert_array_equal(observed.upper_open, [True, False, False])
    np.testing.assert_array_equal(observed.peak, [5.0, 4.0, -1.0])
    assert regions(discovery) == []
    (region,) = regions(observed)
    assert 0.2 < region.mass[-1] < 0.4


def test_no_results_give_no_curves():
    assert limit_curves([]) == []
