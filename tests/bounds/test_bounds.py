import dataclasses
import re

import numpy as np
import pytest
from axes import ANY, MU, E
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.bounds import (
    Bound,
    chosen_bounds,
    comparable,
    established,
    load_bounds,
    lower_envelope,
    overlap,
    read_bound,
    world_leading_ranges,
)
from hnlstat.bounds.files import FOLDER
from hnlstat.config.base import validate
from hnlstat.config.bounds import BoundChoice
from hnlstat.errors import ConfigError, DataError
from hnlstat.studies import load


def make_bound(mass, coupling, kind="limit", label="A"):
    arrays = np.array(mass, dtype=float), np.array(coupling, dtype=float)
    return Bound(label.lower(), label, 0.90, kind, "excluded", "mu", "nowhere", *arrays, ANY.column)


@pytest.fixture(scope="module")
def shipped():
    return {bound.name: bound for bound in load_bounds(ANY)}


def test_shipped_bounds_are_complete(shipped):
    assert len(shipped) == 22
    others = {name: b.flavour for name, b in shipped.items() if b.flavour != "mu"}
    assert others == {
        "borexino": "any", "borexino_recoils": "any", "lep": "any", "xenon1t": "any",
        "lsnd_e": "e", "super_k_e": "e", "donut_tau": "tau", "super_k_tau": "tau",
    }  # fmt: skip
    assert all(re.search("arXiv:|hep-ex/", bound.source) for bound in shipped.values())
    assert shipped["minerva"].level == 0.95
    assert shipped["sn1987a"].level is None
    assert shipped["ship_main"].status == "projected"


def test_established_bounds_exclude_at_a_level(shipped):
    names = {bound.name for bound in established(list(shipped.values()))}
    assert names == {
        "borexino", "borexino_recoils", "charm_ii", "donut_tau", "lep", "lsnd", "lsnd_e", "minerva",
        "nomad", "super_k", "super_k_e", "super_k_tau", "xenon1t",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "mass", "coupling"),
    [
        # the texts of their authors or collectors; what was read off figures had CHARM-II at
        # 2.7e-7, MINERvA at 2.07e-7 (316 MeV) and 6.8e-7 (800 MeV), NOMAD at 1.2e-6
        ("charm_ii", 0.00490678, 4.2707e-7),
        ("minerva", 0.0119443, 1.3804e-6),
        ("nomad", 1.09752, 6.0672e-7),
        ("super_k", 0.0301894, 4.8216e-7),
        ("super_k_e", 0.00655084, 4.7728e-7),
        ("borexino", 0.00499122, 3.6048e-8),
        ("lep", 0.00600336, 2.0587e-5),
        ("lsnd_e", 0.00522199, 6.1001e-6),
        ("xenon1t", 0.00491374, 2.2179e-6),
        ("borexino_recoils", 0.00228682, 5.0558e-7),
        ("donut_tau", 0.00491881, 5.8337e-5),
        ("super_k_tau", 0.0100292, 5.8871e-7),
        ("dune_nd", 0.0257938, 4.6017e-8),
        ("icecube", 0.584485, 7.6926e-8),
    ],
)
def test_curves_are_those_of_the_texts(shipped, name, mass, coupling):
    assert shipped[name].edges(np.array([mass]))[0] == pytest.approx(coupling, rel=1e-12)


def test_charm_ii_is_a_magnetic_moment():
    """mu_nu < 3e-9 Bohr magnetons for light N; d = mu/2 and mu_B = e/(2 m_e)."""
    charm = read_bound(FOLDER / ANY.column / "charm_ii.csv", ANY)
    magneton = np.sqrt(4 * np.pi / 137.036) / (2 * 0.51099895e-3)
    light = charm.coupling[charm.mass < 0.01]
    assert light == pytest.approx(3e-9 * magneton / 2, rel=0.06)


@pytest.mark.parametrize(
    ("name", "highest"), [("minerva", 0.8), ("super_k", 0.085), ("borexino", 0.01)]
)
def test_texts_and_figures_are_the_same_curves(shipped, name, highest):
    """Within what reading off costs; a wrong unit or convention is a factor of 1.4 or more."""
    figure = read_bound(FOLDER.parent / "bounds_published" / ANY.column / f"{name}.csv", ANY)
    mass = np.geomspace(0.011 if name == "minerva" else 0.006, highest, 20)
    assert shipped[name].edges(mass)[0] == pytest.approx(figure.edges(mass)[0], rel=0.15)


def test_the_closed_regions_keep_their_cut(shipped):
    for name in ("super_k", "super_k_e", "super_k_tau"):
        lower, upper = shipped[name].edges(np.array([0.01, 0.04]))
        assert np.all(lower < 8e-7)
        if name == "super_k_tau":  # of which the upper side is not given
            assert np.all((upper > 2.5e-6) & (upper < 8e-6))
        else:
            assert upper == pytest.approx(9.85e-6, rel=2e-3)


def test_flavour_patterns_are_not_mixed(shipped):
    bounds = list(shipped.values())
    anyone = {"borexino", "borexino_recoils", "lep", "xenon1t"}
    assert len(comparable(bounds, MU)) == 18
    assert {b.name for b in comparable(bounds, E)} == {"lsnd_e", "super_k_e"} | anyone
    tau = {b.name for b in comparable(bounds, dataclasses.replace(MU, flavour="tau"))}
    assert tau == {"donut_tau", "super_k_tau"} | anyone
    assert comparable(bounds, ANY) == ()


def test_bounds_on_the_coupling_of_another_model_are_left_out(shipped):
    assert comparable(list(shipped.values()), dataclasses.replace(MU, column="coupling_u2")) == ()
    mixing, unknown = (
        dataclasses.replace(E, noun=noun, unit="", column=column, least=1e-14, most=1.0)
        for noun, column in (("mixing", "coupling_u2"), ("charge", "coupling_charge"))
    )
    assert not shipped.items() & {bound.name: bound for bound in load_bounds(mixing)}.items()
    assert load_bounds(unknown) == ()
    assert chosen_bounds(choice(), unknown) == ()
    for axis in (mixing, unknown):
        reason = rf"bounds.curves: lep is on another coupling than .* d_e \({axis.column}\)"
        with pytest.raises(ConfigError, match=reason):
            chosen_bounds(choice(curves=("lep",)), axis)
        with pytest.raises(DataError, match=f"lacks the column '{axis.column}'"):
            read_bound(FOLDER / ANY.column / "lep.csv", axis)


def test_the_weaker_results_of_the_sun_change_no_envelope(shipped):
    """Recoils in Borexino and XENON1T lie above what upscattering in the Earth excludes."""
    masses = np.geomspace(1.01e-3, 0.3, 3000)
    weaker = ("xenon1t", "borexino_recoils")
    for axis in (MU, E, dataclasses.replace(MU, flavour="tau")):
        mine = comparable(list(shipped.values()), axis)
        without = [bound for bound in mine if bound.name not in weaker]
        assert len(without) == len(mine) - 2
        np.testing.assert_array_equal(lower_envelope(mine, masses), lower_envelope(without, masses))


def test_for_tau_neutrinos_three_bounds_are_the_strongest_in_turn(shipped):
    mine = comparable(list(shipped.values()), dataclasses.replace(MU, flavour="tau"))
    # Borexino to 13.7 MeV, Super-K to its tip at 73 MeV, LEP; DONUT is above LEP
    masses = np.array([0.00499122, 0.03, 0.1, 0.29])
    expected = [3.6048e-8, 7.0e-7, 2.06e-5, 2.06e-5]
    np.testing.assert_allclose(lower_envelope(mine, masses), expected, rtol=2e-2)


def test_files_lie_in_the_folder_of_their_column():
    for folder in (FOLDER, FOLDER.parent / "bounds_published"):
        for path in folder.rglob("*.csv"):
            names = next(line for line in path.read_text().splitlines() if not line.startswith("#"))
            assert names == f"mass_gev,{path.parent.name}", path
            assert path.parent.parent == folder


def test_edges_pass_through_the_points(shipped):
    minerva = shipped["minerva"]
    lower, upper = minerva.edges(minerva.mass)
    np.testing.assert_allclose(lower, minerva.coupling, rtol=1e-12)
    assert np.isinf(upper[:-1]).all()


def test_closed_region_has_two_edges_and_a_tip(shipped):
    lower, upper = shipped["super_k"].edges(np.array([0.004, 0.02, 0.0968, 0.0998]))
    assert np.isinf(lower[[0, 3]]).all()
    assert not upper[[0, 3]].any()
    # 0.02 GeV: between 0.01948 and 0.02173, both at 4.9518e-7, and the cut at 1e-5
    assert lower[1] == pytest.approx(4.9518e-7)
    assert upper[1] == pytest.approx(9.8555e-6)
    # 0.0968 GeV: between 0.09034 and 0.09966 below, 0.09532 and 0.09966 above
    assert 1.0026e-6 < lower[2] < 1.2876e-6 < upper[2] < 2.5846e-6


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
    # Borexino, MINERvA (at 79 MeV below CHARM-II's 4.6e-7), NOMAD, nothing
    masses = np.array([0.00499122, 0.0793707, 0.150134, 1.20814, 99.0])
    expected = [3.6048e-8, 2.4951e-7, 1.6699e-7, 6.0672e-7, np.inf]
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
    bound = read_bound(write_bound(tmp_path / "mine.csv", level="indicative"), ANY)
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
        ({"rows": ["5,1e-6", "1.5,1e-5"]}, r"line 9: mass_gev = '1.5' .* in GeV, not MeV"),
        ({"rows": ["0.1,1e-6", "0.2,1e1"]}, r"line 9: coupling_inv_gev = '1e1' is not between"),
        ({"rows": ["0.1,1e-6", "0.2,1e-13"]}, r"line 9: coupling_inv_gev = '1e-13' .* in GeV\^-1"),
        ({"rows": ["0.1,1e-6"]}, r"1 points are too few for a limit"),
        ({"kind": "upper"}, r"kind = 'upper', expected one of limit, folded, region, edge, below"),
        ({"nature": "Dirac"}, r"nature = 'Dirac', expected one of dirac, majorana, both"),
        ({"from_memory": "source"}, r"from_memory = 'source', expected level, nature or both"),
        ({"from_memory": "nature"}, r"from_memory = 'nature', expected .* their own lines"),
        ({"status": "seen"}, r"status = 'seen'"),
        ({"flavour": "muon"}, r"flavour = 'muon', expected one of e, mu, tau, any"),
        ({"level": "90"}, r"level = '90', expected a number between 0 and 1"),
        ({"level": "high"}, r"level = 'high'"),
        ({"label": ""}, r"the head lacks '# label: ...'"),
    ],
)
def test_errors_name_file_and_line(tmp_path, change, reason):
    path = write_bound(tmp_path / "mine.csv", **change)
    with pytest.raises(DataError, match=reason) as caught:
        read_bound(path, ANY)
    assert "mine.csv" in str(caught.value)


UP, DOWN = ("0.1,3e-6", "0.2,2e-6", "0.3,1e-6"), ("0.3,1e-6", "0.2,2e-6", "0.1,3e-6")


@pytest.mark.parametrize("rows", [UP, DOWN])
def test_a_limit_may_be_listed_either_way(tmp_path, rows):
    bound = read_bound(write_bound(tmp_path / "mine.csv", rows), ANY)
    np.testing.assert_allclose(bound.edges(np.array([0.2]))[0], 2e-6)


@pytest.mark.parametrize(
    ("kind", "rows", "reason"),
    [
        ("limit", ["0.1,3e-6", "0.3,1e-6", "0.2,2e-6"], r"line 10: .*'0.2' turns back in mass"),
        ("edge", ["0.1,3e-6", "0.3,1e-6", "0.2,2e-6"], r"line 10: .*'0.2' turns back in mass"),
        ("below", ["0.1,3e-6", "0.3,1e-6", "0.2,2e-6"], r"line 10: .*'0.2' turns back in mass"),
        (
            "limit",
            ["0.1,3e-6", "0.1,3e-6", "0.2,2e-6"],
            r"line 9: .*'0.1' repeats the point before",
        ),
        ("folded", [*UP, "0.4,1e-5"], r"line 8: .*'0.1' is not in order"),
        ("folded", ["0.1,3e-6", "0.3,1e-6", "0.2,2e-5", "0.25,1e-5"], r"line 11: .*'0.25' is not"),
        (
            "folded",
            ["0.1,2e-6", "0.3,1e-6", "0.25,1e-7", "0.1,3e-6"],
            r"line 10: .* crosses",
        ),
        # a bow tie, its middle side across the closing one
        (
            "region",
            ["0.1,1e-7", "0.3,1e-7", "0.1,1e-5", "0.3,1e-5"],
            r"line 11: .* crosses .* line 9",
        ),
    ],
)
def test_curves_out_of_order_are_refused(tmp_path, kind, rows, reason):
    with pytest.raises(DataError, match=reason) as caught:
        read_bound(write_bound(tmp_path / "mine.csv", rows, kind=kind), ANY)
    assert "mine.csv" in str(caught.value)


@pytest.mark.parametrize(
    "path", sorted((FOLDER / ANY.column).glob("*")), ids=lambda path: path.stem
)
def test_masses_in_mev_are_seen(tmp_path, path):
    lines = path.read_text().splitlines()
    first = 1 + next(i for i, line in enumerate(lines) if not line.startswith("#"))
    rows = [f"{1e3 * float(m):.6g},{d}" for m, d in (line.split(",") for line in lines[first:])]
    mine = tmp_path / path.name
    mine.write_text("\n".join([*lines[:first], *rows]) + "\n")
    with pytest.raises(DataError, match="in GeV, not MeV"):
        read_bound(mine, ANY)


@given(st.permutations(range(7)))
def test_a_shuffled_outline_crosses_itself_or_is_another_polygon(tmp_path_factory, order):
    angle = 2 * np.pi * np.arange(7) / 7
    points = np.exp(np.column_stack([np.log(0.1) + np.cos(angle), np.log(1e-6) + np.sin(angle)]))
    rows = [f"{m:.8g},{d:.8g}" for m, d in points[list(order)]]
    path = write_bound(tmp_path_factory.mktemp("b") / "mine.csv", rows, kind="region")
    steps = np.diff([*order, order[0]]) % 7
    if np.all(steps == 1) or np.all(steps == 6):
        assert read_bound(path, ANY).mass.size == 7
    else:  # of points on a circle any other order is a star
        with pytest.raises(DataError, match="the curve crosses"):
            read_bound(path, ANY)


RESCALE = {"rescale": "d^4 background-free", "rescale_reason": "no event seen, long-lived N"}


def test_background_free_limits_rescale_by_the_events_they_exclude(tmp_path):
    bound = read_bound(write_bound(tmp_path / "mine.csv", level="0.95", **RESCALE), ANY)
    other = bound.at_level(0.90)
    # 2.303 in place of 2.996 events
    np.testing.assert_allclose(other.coupling / bound.coupling, (2.302585 / 2.995732) ** 0.25)
    assert (other.level, other.rescaled_from, other.label) == (0.90, 0.95, "Mine → 90%")
    assert bound.at_level(0.95) is bound


def test_gaussian_limits_rescale_by_one_sided_quantiles(tmp_path):
    head = RESCALE | {"rescale": "d^2 gaussian"}
    bound = read_bound(write_bound(tmp_path / "mine.csv", level="0.95", **head), ANY)
    factor = np.sqrt(1.281552 / 1.644854)
    np.testing.assert_allclose(bound.at_level(0.90).coupling, factor * bound.coupling, rtol=1e-6)


def test_bounds_that_do_not_say_how_keep_their_level(shipped):
    assert all(bound.at_level(0.5) is bound for bound in shipped.values())


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (
            {"rescale": "d^4"},
            r"rescale = 'd\^4', expected .* d\^4 background-free or",
        ),
        ({"rescale": "d^0 gaussian"}, r"rescale = 'd\^0 gaussian'"),
        ({"rescale": "d^2 gaussian", "rescale_reason": ""}, r"lacks '# rescale_reason"),
        ({"kind": "region"}, r"but a region follows no power of d"),
    ],
)
def test_rescaling_must_be_argued(tmp_path, head, reason):
    rows = ["0.1,1e-6", "0.2,2e-6", "0.1,3e-6"] if "kind" in head else ["0.1,1e-6", "0.2,2e-6"]
    with pytest.raises(DataError, match=reason):
        read_bound(write_bound(tmp_path / "mine.csv", rows, **(RESCALE | head)), ANY)


def choice(**changes):
    return BoundChoice(
        **({"curves": "all", "without": (), "files": (), "level": None, "style": {}} | changes)
    )


def test_the_choice_of_curves(tmp_path):
    own = write_bound(tmp_path / "mine.csv", level="0.95", **RESCALE)
    style = {"mine": {"label": "M", "color": "red", "line": "dashed"}, "nomad": {"label": "N"}}
    found = chosen_bounds(
        choice(curves=("nomad", "sbnd"), without=("sbnd",), files=(own,), style=style), ANY
    )
    assert [(b.name, b.label, b.color, b.line) for b in found] == [
        ("nomad", "N", None, None), ("mine", "M", "red", "dashed"),
    ]  # fmt: skip
    assert len(chosen_bounds(choice(), ANY)) == 22
    measured = chosen_bounds(choice(projections=False), ANY)
    assert len(measured) == 18
    assert {bound.status for bound in measured} == {"excluded", "allowed"}
    assert chosen_bounds(choice(curves=()), ANY) == ()
    (mine,) = chosen_bounds(choice(curves=(), files=(own,), level=0.90), ANY)
    assert mine.rescaled_from == 0.95


def test_a_users_file_replaces_the_curve_of_its_name(tmp_path):
    own = write_bound(tmp_path / "nomad.csv")
    (nomad,) = (b for b in chosen_bounds(choice(files=(own,)), ANY) if b.name == "nomad")
    assert nomad.source == "me"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"curves": ("minreva",)}, r"bounds.curves: minreva is unknown; did you mean minerva\?"),
        ({"without": ("lnsd",)}, r"bounds.without: lnsd is unknown; did you mean lsnd\?"),
        ({"style": {"shipmain": {}}}, r"bounds.style: shipmain .* did you mean ship_main\?"),
    ],
)
def test_unknown_curves_are_named(change, reason):
    with pytest.raises(ConfigError, match=reason):
        chosen_bounds(choice(**change), ANY)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"curves": "minerva"}, r"bounds.curves: minerva is neither all nor a list"),
        ({"style": {"nomad": {"color": "blu"}}}, r"bounds.style.nomad.color: blu is no colour"),
        ({"style": {"nomad": {"line": "wavy"}}}, r"bounds.style.nomad.line: wavy is not one of"),
        ({"level": 90}, r"bounds.level: 90"),
        ({"folder": "old"}, r"bounds.folder: old is not one of 'bounds' or 'bounds_published'"),
        ({"files": ["none.csv"]}, r"bounds.files.0: none.csv is not a file"),
    ],
)
def test_errors_of_the_choice_name_the_key(change, reason):
    content = {"curves": "all", "without": [], "files": [], "level": None, "style": {}} | change
    with pytest.raises(ConfigError, match=reason):
        validate(BoundChoice, content, "bounds")


SQUARE = make_bound([0.1, 0.4, 0.4, 0.1], [1e-7, 1e-7, 1.6e-6, 1.6e-6], "region")


def rectangle(left, right, low, high):
    return np.array([[left, low], [right, low], [right, high], [left, high], [left, low]])


@pytest.mark.parametrize(
    ("rings", "share"),
    [
        ([], 0.0),
        ([rectangle(0.01, 1, 1e-9, 1e-3)], 1.0),
        ([rectangle(0.2, 1, 1e-9, 1e-3)], 0.5),
        ([rectangle(0.01, 0.2, 4e-7, 1e-3)], 0.25),
        ([rectangle(0.5, 1, 1e-9, 1e-3)], 0.0),
        ([rectangle(0.01, 1, 1e-9, 2e-7), rectangle(0.01, 1, 8e-7, 1e-3)], 0.5),
        # a hole, which winds the other way
        ([rectangle(0.01, 1, 1e-9, 1e-3), rectangle(0.1, 0.4, 2e-7, 8e-7)[::-1]], 0.5),
        # below the diagonal of the square
        ([np.array([[0.1, 1e-7], [0.4, 1e-7], [0.4, 1.6e-6], [0.1, 1e-7]])], 0.5),
    ],
)
def test_share_of_a_region(rings, share):
    assert overlap(SQUARE, rings) == pytest.approx(share, abs=1e-3)


def test_a_region_covers_itself(shipped):
    for name in ("miniboone_costheta_3sigma", "miniboone_enuqe_95"):
        bound = shipped[name]
        ring = np.column_stack([bound.mass, bound.coupling])
        assert overlap(bound, [np.vstack([ring, ring[:1]])]) == pytest.approx(1)


def test_an_edge_has_no_share(shipped):
    with pytest.raises(ValueError, match="no area"):
        overlap(shipped["miniboone_enuqe_3sigma"], [])


def test_bounds_as_the_publication_drew_them():
    """CHARM-II was converted with 93.4 GeV^-1 per Bohr magneton, in place of 148.15."""
    drawn, ours = (
        {bound.name: bound for bound in chosen_bounds(load([f"bounds={name}"]).bounds, ANY)}
        for name in ("published", "default")
    )
    at = np.array([0.01])
    ratio = ours["charm_ii"].edges(at)[0] / drawn["charm_ii"].edges(at)[0]
    assert ratio == pytest.approx(148.15 / 93.4, rel=0.03)
    assert load(["experiment=published_upgrade"]).bounds.folder == "bounds_published"
