import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.inference.limits.limits import Limit, MassLimits, Profile, limits_at_mass
from hnlstat.inference.limits.sensitivity import SensitivityField
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood.model import CountingModel
from hnlstat.run.contours import LimitField, contours_document, limit_fields, regions

LEVEL = 0.90
MASSES = np.geomspace(0.01, 1.0, 45)
COUPLINGS = np.geomspace(1e-8, 1e-4, 241)


def field_of(strength, masses=MASSES, couplings=COUPLINGS, **names):
    """A field of a smooth strength(ln m, ln d)."""
    names = {"level": LEVEL, "kind": "observed", "method": "exact CLs"} | names
    values = strength(np.log(masses)[:, None], np.log(couplings)[None, :])
    return LimitField(**names, mass=masses, coupling=couplings, strength=values)


def ellipse(x, y, mass=0.1, coupling=1e-6, size=(1.3, 2.0)):
    return 1 - ((x - np.log(mass)) / size[0]) ** 2 - ((y - np.log(coupling)) / size[1]) ** 2


def bay(x, y):
    """Excluded: all but a wedge that opens towards high mass from 100 MeV on, around 1e-6."""
    return np.abs(y - np.log(1e-6)) - (x - np.log(0.1))


def area(ring):
    """Signed area in the plane of logarithms, positive anticlockwise (shoelace formula)."""
    x, y = np.log(ring).T
    return np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2


def flags(region):
    return (
        region.low_mass_open,
        region.high_mass_open,
        region.coupling_low_open,
        region.coupling_high_open,
    )


def test_ellipse_is_one_closed_region_with_the_right_area():
    (region,) = regions(field_of(ellipse))
    assert flags(region) == (False,) * 4
    assert region.holes == ()
    (line,) = region.lines
    np.testing.assert_array_equal(line, region.outline)
    np.testing.assert_array_equal(region.outline[0], region.outline[-1])
    # linear interpolation over steps h lowers a curvature k by h^2/8 k: less than 2e-3 for h = 0.1
    assert area(region.outline) == pytest.approx(np.pi * 1.3 * 2.0, rel=4e-3)
    tips = np.log(region.outline[:, 0] / 0.1)
    np.testing.assert_allclose([tips.min(), tips.max()], [-1.3, 1.3], atol=2e-3)


def test_signals_that_are_powers_have_straight_contours():
    def power(x, y):
        return 2.0 * (y - np.log(1e-6)) + 3.0 * (x - np.log(0.1))

    (region,) = regions(field_of(power, MASSES[::11], COUPLINGS[::40]))
    (line,) = region.lines
    np.testing.assert_allclose(line[:, 1], 1e-6 * (line[:, 0] / 0.1) ** -1.5, rtol=1e-9)
    # from (1 GeV, 3.2e-8) to (21.5 MeV, 1e-5): neither low edge is reached before 1e-4 at 4.6 MeV
    assert flags(region) == (True, True, False, True)


def test_a_bay_is_not_part_of_the_region():
    (region,) = regions(field_of(bay))
    assert flags(region) == (True,) * 4
    (line,) = region.lines
    tip = line[np.argmin(line[:, 0])]
    # the tip is sharp: no better than a step of the grids, 10 % in mass
    np.testing.assert_allclose(tip, [0.1, 1e-6], rtol=0.1)
    expected = 4.605 * 9.21 - 2.3026**2
    assert area(region.outline) == pytest.approx(expected, rel=1e-3)
    assert line[0, 0] == pytest.approx(1.0)
    assert line[-1, 0] == pytest.approx(1.0)


def test_a_hole_is_kept_as_one():
    (region,) = regions(field_of(lambda x, y: -ellipse(x, y)))
    (hole,) = region.holes
    assert area(hole) == pytest.approx(-np.pi * 1.3 * 2.0, rel=4e-3)
    assert area(region.outline) == pytest.approx(np.log(1e2) * np.log(1e4))
    (line,) = region.lines
    np.testing.assert_array_equal(line, hole)


def test_islands_are_regions_in_order_of_mass():
    def two(x, y):
        right = ellipse(x, y, 0.3, 1e-7, (0.8, 1.5))
        return np.maximum(right, ellipse(x, y, 0.025, 1e-6, (0.5, 1.0)))

    low, high = regions(field_of(two))
    assert low.outline[:, 0].max() < high.outline[:, 0].min()
    assert area(low.outline) == pytest.approx(np.pi * 0.5, rel=0.03)
    assert area(high.outline) == pytest.approx(np.pi * 1.2, rel=0.02)


@pytest.mark.parametrize("edge", range(4))
def test_each_open_edge_is_marked_and_has_no_line(edge):
    centres = [(0.01, 1e-6), (1.0, 1e-6), (0.1, 1e-8), (0.1, 1e-4)]
    (region,) = regions(field_of(lambda x, y: ellipse(x, y, *centres[edge])))
    assert flags(region) == tuple(number == edge for number in range(4))
    (line,) = region.lines
    axis = edge // 2
    on_edge = np.isclose(line[:, axis], centres[edge][axis], rtol=1e-9, atol=0)
    assert np.flatnonzero(on_edge).tolist() == [0, len(line) - 1]
    assert np.isclose(region.outline[:, axis], centres[edge][axis], rtol=1e-9, atol=0).sum() > 2


@given(st.floats(0.02, 0.9), st.floats(2e-8, 9e-5))
def test_no_line_runs_along_an_edge_whatever_its_rounding(mass, coupling):
    # two of the edges run through the middle of the ellipse
    masses, couplings = np.geomspace(0.01, mass, 14), np.geomspace(1e-8, coupling, 33)
    (region,) = regions(field_of(lambda x, y: ellipse(x, y, mass, coupling), masses, couplings))
    assert (region.high_mass_open, region.coupling_high_open) == (True, True)
    for line in region.lines:
        for values, end in zip(line.T, (mass, coupling), strict=True):
            on_edge = np.isclose(values, end, rtol=1e-9, atol=0)
            assert not np.any(on_edge[1:] & on_edge[:-1])


def test_everything_excluded_has_no_lines():
    (region,) = regions(field_of(lambda x, y: 1.0 + 0 * x * y))
    assert flags(region) == (True,) * 4
    assert region.lines == ()


def test_nothing_excluded_gives_no_region():
    assert regions(field_of(lambda x, y: ellipse(x, y) - 3.0)) == ()


def test_one_mass_is_a_region_without_width():
    (region,) = regions(field_of(ellipse, np.array([0.1])))
    assert region.low_mass_open
    assert region.high_mass_open
    np.testing.assert_allclose(region.outline[:, 0], 0.1, rtol=1e-8)
    ends = 1e-6 * np.exp([-2.0, 2.0])
    low_high = [region.outline[:, 1].min(), region.outline[:, 1].max()]
    np.testing.assert_allclose(low_high, ends, rtol=1e-3)


def test_document_survives_json():
    (region,) = found = regions(field_of(bay))
    (entry,) = json.loads(json.dumps(contours_document(found), allow_nan=False))["contours"]
    assert (entry["level"], entry["kind"], entry["method"]) == (LEVEL, "observed", "exact CLs")
    np.testing.assert_allclose(entry["polygon"][0], region.outline, rtol=1e-6)
    np.testing.assert_allclose(entry["lines"][0], region.lines[0], rtol=1e-6)
    assert set(entry["open"].values()) == {True}


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"strength has the shape \(2, 2\), expected .* \(2, 3\)"):
        LimitField(
            LEVEL, "observed", "exact CLs", np.array([1.0, 2.0]), np.arange(1.0, 4.0),
            np.ones((2, 2)),
        )  # fmt: skip


def mass_limits(mass, intervals, *, calculator="exact", kinds=("observed", "discovery")):
    """Limits and profiles of a strength that is a parabola in each interval of ln(coupling)."""
    limits, profiles = [], []
    for kind in kinds:
        method = f"{calculator} {'p0' if kind == 'discovery' else 'CLs'}"
        ends = np.array([end for interval in intervals for end in interval])
        limits += [
            Limit(mass, LEVEL, kind, branch, method, coupling, False)
            for interval in intervals
            for branch, coupling in zip(("lower", "upper"), interval, strict=True)
        ]
        coupling = np.unique(np.concatenate([np.geomspace(1e-8, 1e-4, 90), ends]))
        distance = [np.log(coupling / low) * np.log(high / coupling) for low, high in intervals]
        strength = np.max([np.full(coupling.size, -6.0), *distance], axis=0)
        strength[np.isin(coupling, ends)] = 0.0
        profiles.append(Profile(mass, LEVEL, kind, method, coupling, strength))
    return MassLimits(mass, tuple(limits), tuple(profiles), "ok")


def test_contours_pass_through_the_limits_at_the_masses_of_the_grid():
    results = [
        mass_limits(0.2, [(2.1e-7, 1.3e-6), (1.11e-5, 6e-5)], calculator="asymptotic"),
        mass_limits(0.1, [(1.7e-7, 7e-5)]),
        MassLimits(0.3, (), (), "no limits: the signal is not finite"),
        mass_limits(0.4, [(3.3e-5, 7.7e-5)]),
        mass_limits(0.8, []),
    ]
    observed, discovery = limit_fields(results)
    assert (observed.kind, discovery.kind) == ("observed", "discovery")
    assert observed.method == "asymptotic CLs, exact CLs"
    np.testing.assert_array_equal(observed.mass, [0.1, 0.2, 0.4, 0.8])
    (region,) = regions(observed)
    assert flags(region) == (True, False, False, False)
    for result in results:
        on_mass = np.isclose(region.outline[:, 0], result.mass_gev, rtol=1e-12)
        limits = [limit.coupling for limit in result.limits if limit.kind == "observed"]
        if result.mass_gev == 0.1:  # the edge of the grid: the outline runs along it
            assert region.outline[on_mass, 1].min() == pytest.approx(limits[0], rel=1e-12)
            assert region.outline[on_mass, 1].max() == pytest.approx(limits[1], rel=1e-12)
        else:
            np.testing.assert_allclose(np.unique(region.outline[on_mass, 1]), limits, rtol=1e-12)


def test_no_results_give_no_fields():
    assert limit_fields([]) == ()


def kinked(mass, coupling):
    """Events that go as d^4 while N live long, with an efficiency that bends at 0.22 GeV."""
    efficiency = np.interp(mass, [0.1, 0.22, 0.5], [0.05, 0.10, 0.03])
    decay = (mass / 0.2) ** 4 * (coupling / 5e-6) ** 2
    return 4e3 * efficiency * (mass / 0.2) ** 3 * (coupling / 2e-6) ** 4 * np.exp(-decay)


def test_between_masses_contours_follow_the_yields():
    """No event seen, none uncertain: CLs is exp(-events) exactly, and 2.3 are excluded anywhere."""
    couplings, masses = np.geomspace(1e-7, 1e-4, 61), np.geomspace(0.1, 0.5, 15)
    steps = np.geomspace(0.1, 0.5, 57)
    empty = CountingModel(("a",), np.zeros(1), np.array([0.5]), np.zeros(1))
    tables = [kinked(mass, couplings)[:, None] for mass in steps]
    yields = [CouplingYields.build(couplings, table) for table in tables]
    results = [
        limits_at_mass(float(mass), couplings, table, empty, sigmas=())
        for mass, table in zip(steps[::4], tables[::4], strict=True)
    ]
    np.testing.assert_allclose(steps[::4], masses)
    sensitivity = SensitivityField.build(steps, yields, empty)
    missed = {}
    for name, field in (("straight", None), ("along", sensitivity)):
        found = [f for f in limit_fields(results, field) if f.kind == "observed"]
        (region,) = regions(found[0])
        line = np.concatenate(region.lines)
        excess = np.log(kinked(*line.T) / np.log(10.0))
        by_mass, by_coupling = (
            np.log(kinked(*(line * step).T) / kinked(*line.T)) / 1e-4
            for step in ([1 + 1e-4, 1], [1, 1 + 1e-4])
        )
        steep = np.hypot(by_mass, by_coupling)
        # distances in ln(mass) and ln(coupling) from where 2.3 events are expected
        missed[name] = np.abs(excess) / steep, steep < 10.0
    along, gentle = missed["along"]
    assert along[gentle].max() < 0.005
    assert np.median(along[gentle]) < 0.001
    # where e-fold changes come with 2 % in the mass, ln p is not proportional to the sensitivity
    assert along.max() < 0.012
    assert along.max() < missed["straight"][0].max()


def test_masses_of_the_grid_keep_their_strengths():
    results = [mass_limits(0.1, [(1.7e-7, 7e-5)]), mass_limits(0.2, [(2.1e-7, 1.3e-6)])]
    masses = np.array([0.1, 0.13, 0.16, 0.2])
    x = np.log(np.geomspace(1e-8, 1e-4, 50))
    heights = np.random.default_rng(1).normal(size=(2, 4, 50))
    sensitivity = SensitivityField(masses, x, *heights)
    for plain, filled in zip(
        limit_fields(results), limit_fields(results, sensitivity), strict=True
    ):
        np.testing.assert_array_equal(filled.mass, masses)
        np.testing.assert_array_equal(filled.strength[[0, 3]], plain.strength)
        assert np.all(np.isfinite(filled.strength))


def test_a_jump_of_the_signal_leaves_strengths_what_they_are_at_that_sensitivity():
    """Signals that rise and fall, seven times as large from one mass on; uncertain ones bend."""
    masses, couplings = np.array([0.24, 0.243, 0.246, 0.25]), np.geomspace(1e-8, 1e-4, 121)
    x = np.log(couplings)
    size = np.log(np.where(masses < 0.245, 1.0, 7.0))[:, None]
    height = 3.0 + size + 2 * np.log(couplings / 1e-6) - (couplings / 3e-6) ** 1.5
    height = np.maximum(height, np.log(0.04))
    bent = 0.6 * height - 1.0 + 4.0 * np.log(masses[:, None] / 0.24)
    results = [
        MassLimits(
            float(mass), (), (Profile(mass, LEVEL, "observed", "exact CLs", couplings, row),), "ok"
        )
        for mass, row in zip(masses[[0, 3]], bent[[0, 3]], strict=True)
    ]  # fmt: skip
    (field,) = limit_fields(results, SensitivityField(masses, x, height, height))
    at = np.exp(np.linspace(x[0], x[-1], 4000))
    right = np.stack([np.interp(np.log(at), x, row) for row in bent])
    found = np.stack([np.interp(np.log(at), np.log(field.coupling), row) for row in field.strength])
    near = np.abs(right) < 1.0  # where a contour may lie
    assert near[1].any()
    assert near[2].any()
    np.testing.assert_allclose(found[near], right[near], atol=0.02)
