import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.bounds import (
    Bound,
    comparable,
    established,
    load_bounds,
    lower_envelope,
    read_bound,
    world_leading_ranges,
)
from hnlstat.errors import DataError

ONLY_MU = {"e": 0.0, "mu": 1.0, "tau": 0.0}


def make_bound(mass, coupling, kind="limit", label="A"):
    arrays = np.array(mass, dtype=float), np.array(coupling, dtype=float)
    return Bound(label.lower(), label, 0.90, kind, "excluded", "mu", "nowhere", *arrays)


@pytest.fixture(scope="module")
def shipped():
    return {bound.name: bound for bound in load_bounds()}


def test_shipped_bounds_are_complete(shipped):
    assert len(shipped) == 13
    assert all(bound.flavour == "mu" for bound in shipped.values())
    assert all("arXiv:" in bound.source for bound in shipped.values())
    assert shipped["minerva"].level == 0.95
    assert shipped["sn1987a"].level is None
    assert shipped["ship_main"].status == "projected"


def test_established_bounds_exclude_at_a_level(shipped):
    names = {bound.name for bound in established(list(shipped.values()))}
    assert names == {"borexino", "charm_ii", "lsnd", "minerva", "nomad", "super_k"}


def test_flavour_patterns_are_not_mixed(shipped):
    bounds = list(shipped.values())
    assert len(comparable(bounds, ONLY_MU)) == 13
    assert comparable(bounds, {"e": 1.0, "mu": 0.0}) == ()
    assert comparable(bounds, {"e": 1.0, "mu": 1.0, "tau": 1.0}) == ()


def test_a_bound_holds_for_the_full_coupling_only(shipped):
    bounds = list(shipped.values())
    assert len(comparable(bounds, {"mu": -1.0})) == 13
    assert comparable(bounds, {"mu": 0.5}) == ()


def test_edges_pass_through_the_points(shipped):
    minerva = shipped["minerva"]
    lower, upper = minerva.edges(minerva.mass)
    np.testing.assert_allclose(lower, minerva.coupling, rtol=1e-12)
    assert np.isinf(upper[:-1]).all()


def test_closed_region_has_two_edges_and_a_tip(shipped):
    lower, upper = shipped["super_k"].edges(np.array([0.004, 0.02, 0.0968, 0.0980]))
    assert np.isinf(lower[[0, 3]]).all()
    assert not upper[[0, 3]].any()
    # 0.02 GeV: between (0.01537, 4.967e-7) and (0.02521, 4.993e-7), and the cut at 1e-5
    assert 4.967e-7 < lower[1] < 4.993e-7
    assert upper[1] == pytest.approx(1e-5)
    # 0.0968 GeV: between 0.07411 and 0.09788 below, 0.09788 and 0.09549 above
    assert 6.526e-7 < lower[2] < 1.235e-6 < upper[2] < 2.36e-6


def test_curve_that_doubles_back_closes_above(shipped):
    lower, upper = shipped["ship_main"].edges(np.array([0.1, 0.7477, 0.72]))
    assert lower[0] == pytest.approx(9.7e-8, rel=0.03)
    assert upper[0] == pytest.approx(5.254e-5, rel=0.05)
    assert 3.8e-8 < lower[2] < 2.9e-7 < upper[2] < 8.5e-7
    assert lower[1] == pytest.approx(2.876e-7)


def test_vertical_side_of_a_region():
    box = make_bound([0.1, 1, 1, 0.1], [1e-7, 1e-7, 1e-5, 1e-5], "region")
    lower, upper = box.edges(np.array([0.1, 0.3, 1.0]))
    np.testing.assert_allclose(lower, 1e-7)
    np.testing.assert_allclose(upper, 1e-5)


def test_envelope_is_the_strongest_bound(shipped):
    masses = np.array([0.006669, 0.078, 0.1758, 1.157, 3.0])
    expected = [3.559e-8, 2.489e-7, 1.645e-7, 1.193e-6, np.inf]
    # at 78 MeV MINERvA, 4.043e-7 (44.16/78)^0.8525 on the way to 2.05e-7 at 97.95 MeV, is below
    # CHARM-II's 3.04e-7
    np.testing.assert_allclose(lower_envelope(list(shipped.values()), masses), expected, rtol=1e-3)


def test_a_power_law_limit_crosses_where_algebra_says():
    bounds = [make_bound([0.01, 10], [1e-6, 1e-6]), make_bound([0.01, 10], [1e-5, 1e-8], label="B")]
    masses = np.geomspace(0.01, 10, 8)
    (found,) = world_leading_ranges(masses, 1e-7 / masses**0.5, bounds)
    # A: 1e-7 m^-1/2 = 1e-6 at m = 0.01, its own first mass; B: 1e-7 m^-1
    assert found.mass_low == pytest.approx(0.01, rel=1e-6)
    assert found.high_set_by == "B"
    assert found.mass_high == pytest.approx(1.0, rel=1e-9)


def test_ends_without_a_bound_are_those_of_the_limit():
    (found,) = world_leading_ranges(np.array([0.1, 1.0]), np.array([1e-8, 1e-8]), [])
    assert (found.mass_low, found.mass_high) == (0.1, 1.0)
    assert found.low_set_by is None
    assert found.high_set_by is None


def test_a_region_in_the_way_splits_the_range():
    box = make_bound([0.2, 0.4, 0.4, 0.2], [1e-8, 1e-8, 1e-5, 1e-5], "region", "Box")
    low, high = world_leading_ranges(np.array([0.1, 1.0]), np.array([1e-7, 1e-7]), [box])
    assert (low.low_set_by, low.high_set_by) == (None, "Box")
    assert (high.low_set_by, high.high_set_by) == ("Box", None)
    np.testing.assert_allclose([low.mass_high, high.mass_low], [0.2, 0.4], rtol=1e-8)


def test_masses_without_a_limit_do_not_lead():
    coupling = np.array([np.nan, 1e-7, 1e-7, np.inf, 1e-7, 1e-7, np.nan, 1e-7])
    found = world_leading_ranges(np.arange(1.0, 9.0), coupling, [])
    assert [(r.mass_low, r.mass_high) for r in found] == [(2.0, 3.0), (5.0, 6.0)]


def test_a_limit_weaker_everywhere_leads_nowhere(shipped):
    masses = np.geomspace(0.01, 1.0, 30)
    assert world_leading_ranges(masses, np.full(30, 1e-3), list(shipped.values())) == []


@given(
    st.lists(st.floats(-8, -5), min_size=3, max_size=12),
    st.lists(st.floats(-8, -5), min_size=2, max_size=6),
    st.lists(st.floats(-8, -5), min_size=2, max_size=6),
)
def test_ranges_are_where_the_limit_is_below_the_envelope(limit, first, second):
    masses = np.geomspace(0.01, 1.0, len(limit))
    bounds = [
        make_bound(np.geomspace(low, 0.8, len(points)), 10.0 ** np.array(points), label=label)
        for low, points, label in ((0.02, first, "A"), (0.005, second, "B"))
    ]
    ranges = world_leading_ranges(masses, 10.0 ** np.array(limit), bounds)
    probe = np.geomspace(0.01, 1.0, 997)[1:-1]
    at_probe = np.interp(np.log(probe), np.log(masses), np.array(limit) * np.log(10))
    margin = np.log(lower_envelope(bounds, probe)) - at_probe
    inside = np.zeros(probe.size, dtype=bool)
    for found in ranges:
        inside |= (found.mass_low < probe) & (probe < found.mass_high)
    clear = np.abs(margin) > 1e-6
    np.testing.assert_array_equal(inside[clear], margin[clear] > 0)


HEAD = {
    "label": "Mine",
    "level": "0.9",
    "kind": "limit",
    "status": "excluded",
    "flavour": "mu",
    "source": "me",
}


def write_bound(path, rows=("0.1,1e-6", "0.2,2e-6"), columns="mass_gev,coupling_inv_gev", **head):
    comments = [f"# {key}: {value}" for key, value in (HEAD | head).items()]
    path.write_text("\n".join([*comments, columns, *rows]) + "\n")
    return path


def test_a_users_own_bound(tmp_path):
    bound = read_bound(write_bound(tmp_path / "mine.csv", level="indicative"))
    assert dataclasses.asdict(bound)["label"] == "Mine"
    assert bound.name == "mine"
    assert established([bound]) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"columns": "mass_mev,coupling_inv_gev"}, r"line 7: lacks the column 'mass_gev'"),
        ({"rows": ["0.1,1e-6", "0.2,-1"]}, r"line 9: coupling_inv_gev = '-1' must be above 0"),
        ({"rows": ["0.1,1e-6", "151,1e-6"]}, r"line 9: mass_gev = '151' .* in GeV, not MeV"),
        ({"rows": ["0.1,1e-6", "0.2"]}, r"line 9: 1 entries, expected 2"),
        ({"rows": ["0.1,1e-6"]}, r"1 points are too few for a limit"),
        ({"kind": "upper"}, r"kind = 'upper', expected one of limit, region, edge"),
        ({"status": "seen"}, r"status = 'seen'"),
        ({"flavour": "muon"}, r"flavour = 'muon', expected one of e, mu, tau"),
        ({"level": "90"}, r"level = '90', expected a number between 0 and 1"),
        ({"level": "high"}, r"level = 'high'"),
        ({"label": ""}, r"the head lacks '# label: ...'"),
    ],
)
def test_errors_name_file_and_line(tmp_path, change, reason):
    path = write_bound(tmp_path / "mine.csv", **change)
    with pytest.raises(DataError, match=reason) as caught:
        read_bound(path)
    assert "mine.csv" in str(caught.value)
