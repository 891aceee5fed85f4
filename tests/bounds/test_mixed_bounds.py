"""Bounds on the mixing of N, and which one of a search is compared with a model."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axes import ANY, MU, U2

from hnlstat.bounds import comparable, established, load_bounds, lower_envelope

LINES = Path(__file__).with_name("mixed_index.csv").read_text().splitlines()[1:]
INDEX = {row["name"]: row for row in csv.DictReader(LINES)}


@pytest.fixture(scope="module")
def shipped():
    return {bound.name: bound for bound in load_bounds(U2)}


def test_the_curves_are_those_of_the_collection(shipped):
    """Ranges, lowest mixings and numbers of points as its index has them."""
    assert shipped.keys() == INDEX.keys()
    left_out = {
        "argoneut_tau": 4, "bbn_mu": 1, "bebc_1985_mu": 3, "bebc_recast_e": 5,
        "dune_berryman_e": 1, "ps191_mu": 1,
    }  # fmt: skip
    for name, bound in shipped.items():
        row = INDEX[name]
        assert bound.mass.size == int(row["points"]) - left_out.get(name, 0), name
        assert bound.coupling.min() == pytest.approx(float(row["lowest"]), rel=6e-3), (
            name
        )  # 3 digits
        ends = 1e-3 * np.array([float(row["mass_low_mev"]), float(row["mass_high_mev"])])
        assert [bound.mass.min(), bound.mass.max()] == pytest.approx(ends, rel=0.025), name


def test_each_is_on_one_mixing_and_says_which(shipped):
    for name, bound in shipped.items():
        assert f"_{bound.flavour}" in name
        assert "Heavy-Neutrino-Limits (MIT licence), 8bcc041" in bound.source
    assert shipped["bbn_e"].source.endswith("8bcc041; level and nature from memory")
    assert shipped["bbn_e"].note == "level and nature from memory"
    axes = [replace(U2, flavour=flavour) for flavour in ("e", "mu", "tau")]
    assert [len(comparable([*shipped.values()], axis)) for axis in axes] == [14, 21, 5]
    assert comparable([*shipped.values()], U2) == ()


def test_what_is_no_limit_on_one_mixing_is_not_compared_with(shipped):
    """Any mixing (T2K), disputed (PS191), still to come (DUNE), and from below (BBN)."""
    others = shipped.keys() - {bound.name for bound in established([*shipped.values()])}
    assert others == {
        "t2k_2019_marginalised_e", "t2k_2019_marginalised_tau", "t2k_upgrade_mu",
        "ps191_e", "ps191_mu", "bbn_e", "bbn_mu", "dune_ballett_mu",
        "dune_berryman_e", "dune_berryman_mu", "dune_berryman_tau",
    }  # fmt: skip


def test_curves_of_beam_dumps_close_above(shipped):
    # points of the two sides at 500.75 and 524.42, 1189.1 and 1178.6, 1037 MeV
    for name, mass, low, high in (
        ("bebc_recast_e", 0.50075, 7.1908e-7, 0.53),
        ("bebc_recast_tau", 1.1891, 1.99e-6, 9.84e-3),
        ("bebc_1985_mu", 1.037, 3e-7, 1.017e-4),
        ("argoneut_tau", 0.5338, 3.2e-3, 0.36027),
    ):
        lower, upper = (float(edge[0]) for edge in shipped[name].edges(np.array([mass])))
        assert lower == pytest.approx(low, rel=0.05), name
        assert upper == pytest.approx(high, rel=0.1), name


def test_a_bound_from_below_excludes_down_to_nothing(shipped):
    lower, upper = shipped["bbn_e"].edges(np.array([0.0010342, 0.01, 2.0]))
    assert lower.tolist() == [0.0, 0.0, np.inf]
    assert upper[0] == pytest.approx(2.0891e-9)
    assert upper[2] == 0
    mass = np.geomspace(0.15, 0.3, 5)
    assert np.all(lower_envelope([shipped["bbn_e"]], mass) == np.inf)


@pytest.mark.parametrize(("nature", "other"), [("dirac", "majorana"), ("majorana", "dirac")])
def test_of_one_search_the_curve_for_these_n_is_taken(shipped, nature, other):
    bounds = [*shipped.values()]
    axis = replace(U2, flavour="mu", nature=nature)
    found = {bound.name: bound for bound in comparable(bounds, axis)}
    missing = {bound.name for bound in comparable(bounds, replace(axis, nature=None))} - {*found}
    assert missing == {f"microboone_2022_mu_{other}"}
    # where there is no other, its note says so
    notes = {name: found[name].note or "" for name in ("t2k_2019_mu", "t2k_recast_mu", "e949_mu")}
    assert notes["t2k_2019_mu"].startswith("it is for Majorana N; ") == (nature == "dirac")
    assert notes["t2k_recast_mu"] == ("it is for Dirac N" if nature == "majorana" else "")
    assert notes["e949_mu"] == ""


def test_a_curve_for_other_n_gives_way_only_to_its_own_search(shipped):
    axis = replace(U2, flavour="mu", nature="dirac")
    dirac = replace(shipped["na62_2021_mu"], nature="dirac")
    majorana = replace(dirac, name="other", nature="majorana")
    assert comparable([dirac, majorana], axis) == (dirac,)
    electron = replace(dirac, flavour="e")
    for others in ([dirac, replace(majorana, source="another")], [electron, majorana]):
        (kept,) = (bound for bound in comparable(others, axis) if bound.name == "other")
        assert kept.note == "it is for Majorana N"


def test_bounds_of_the_dipole_have_no_nature():
    bounds = load_bounds(ANY)
    assert comparable(bounds, replace(MU, nature="majorana")) == comparable(bounds, MU)
    assert {bound.nature for bound in bounds} == {None}
