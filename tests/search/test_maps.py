"""Efficiency maps in searches: against cuts, halves and products that they stand for."""

from dataclasses import replace

import numpy as np
import pytest
import uproot
import yaml
from hypothesis import given
from hypothesis import strategies as st
from root_histograms import weighted

from hnlstat.config.base import validate
from hnlstat.config.bins import OBSERVABLES
from hnlstat.config.maps import PairMap, ShowerMap
from hnlstat.config.photons import ShowerObservable
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.search.maps import EfficiencyMap
from hnlstat.search.yields import Plan
from hnlstat.studies import load
from hnlstat.studies.saved import to_yaml
from hnlstat.studies.search_files import with_files

TRACKS = ("search=tpc_ee_tracks", "systematics=none", "simulation.precision=0.5")
PHOTONS = ("detector=miniboone", "search=photon", "systematics=none", "simulation.precision=0.3",
           "search.photon.decays=2", "task=yields")  # fmt: skip
ENERGY, COSINE = np.array([0.0, 0.3, 900.0]), np.array([-1.0, 0.95, 1.0])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "maps.root"
    with uproot.recreate(path) as root:
        root["half"] = np.full((2, 2), 0.5), ENERGY, COSINE
        root["all"] = np.ones((2, 2)), ENERGY, COSINE
        root["forward"] = np.array([[0.0, 1.0], [0.0, 1.0]]), ENERGY, COSINE
        root["corner"] = np.array([[0.1 * 0.3, 0.1], [0.9 * 0.3, 0.9]]), ENERGY, COSINE
        root["by_energy"] = np.array([0.1, 0.9]), ENERGY
        root["low"] = np.full((1, 2), 0.5), ENERGY[:2], COSINE
        root["errors"] = weighted(np.full((2, 2), 0.5), np.full((2, 2), 0.02), ENERGY, COSINE)
    return path


def found(settings, *asked, mass=0.1, search="tpc_ee_tracks"):
    """Yields of a search with a map."""
    name = "photon" if settings is PHOTONS else search
    given = [f"+search.{name}.efficiency_map={one}" for one in asked if one.startswith("{")]
    more = [one for one in asked if not one.startswith("{")]
    study = load([*settings, *given, *more])
    plan = Plan.of(study, np.array([mass]), np.array([1e-6]))
    return plan.table([job.run() for job in plan.jobs()])


def of(file, name, *axes, beyond="null"):
    return f"{{table: '{file}:{name}', axes: [{', '.join(axes)}], beyond: {beyond}}}"


@pytest.mark.parametrize(
    ("settings", "axes"),
    [
        (TRACKS, ("pair_energy", "true_pair_cos")),
        (PHOTONS, ("true_energy", "true_cos_angle")),
        (PHOTONS, ("visible_energy", "cos_angle")),
    ],
)
def test_a_constant_map_scales_the_yields(file, settings, axes):
    plain, half = found(settings), found(settings, of(file, "half", *axes, beyond="constant"))
    assert half.events == pytest.approx(0.5 * plain.events, rel=1e-12)
    assert half.mc_error == pytest.approx(0.5 * plain.mc_error, rel=1e-9)
    assert np.array_equal(half.decays, plain.decays)
    (before,), (after,) = plain.cut_flows, half.cut_flows
    assert after.cuts == (*before.cuts, "efficiency_map")
    assert after.passing[..., :-1] == pytest.approx(before.passing, rel=1e-12)
    assert after.passing[..., -1] == pytest.approx(0.5 * before.passing[..., -1], rel=1e-12)


def test_a_map_that_is_a_step_is_the_cut(file):
    off, cut = (f"search.tpc_ee_tracks.cuts.min_pair_cos={x}" for x in ("null", "0.95"))
    wide = "search.tpc_ee_tracks.min_cos_theta=0.5"
    mine = found(TRACKS, wide, off, of(file, "forward", "pair_energy", "pair_cos"))
    theirs, all_ = found(TRACKS, wide, cut), found(TRACKS, wide, off)
    assert mine.events == pytest.approx(theirs.events, rel=1e-12)
    assert np.all(mine.events < 0.999 * all_.events)


def test_a_step_in_what_is_measured_is_a_range_of_it(file):
    observable = "search.photon.observable={name: visible_energy, edges: [0, 50], only: %s}"
    ranged = found(PHOTONS, observable % "{cos_angle: [0.95, 1.01]}", mass=0.4)
    whole = observable % "{}"
    mapped = found(PHOTONS, whole, of(file, "forward", "visible_energy", "cos_angle"), mass=0.4)
    assert mapped.events == pytest.approx(ranged.events, rel=1e-12)
    assert np.all(mapped.events < 0.9 * found(PHOTONS, whole, mass=0.4).events)


def test_a_map_stands_in_place_of_the_efficiency_by_energy(file):
    all_ = "search.photon.efficiency={energy: [0], value: [1], below: zero, above: constant}"
    axes = "true_energy", "true_cos_angle"
    alone = found(PHOTONS, "search.photon.efficiency=null", of(file, "corner", *axes))
    beside = found(PHOTONS, all_, of(file, "corner", *axes))
    assert alone.events == pytest.approx(beside.events, rel=1e-12)
    assert alone.cut_flows[0].cuts == ("min_visible_energy", "efficiency_map")
    with pytest.raises(ConfigError, match="efficiency: is null, and there is no efficiency_map"):
        load([*PHOTONS, "search.photon.efficiency=null"])


def test_bins_of_the_observable_are_weighed_each_by_its_own(file):
    """Of a map by the observable itself, bin by bin."""
    bins = "search.tpc_ee_tracks.observable={name: pair_energy, edges: [0, 300 MeV, 50 GeV], "
    bins += "background: [0.5, 0.5]}"
    plain, mapped = (
        found(TRACKS, bins),
        found(TRACKS, bins, of(file, "by_energy", "pair_energy", beyond="constant")),
    )
    factor = np.where(np.array(plain.bin) == 0, 0.1, 0.9)
    assert mapped.events == pytest.approx(factor * plain.events, rel=1e-12)


def test_what_lies_outside_is_said_or_told(file):
    axes = "true_pair_energy", "true_pair_cos"
    half, low = (of(file, name, *axes, beyond="constant") for name in ("half", "low"))
    assert found(TRACKS, low).events == pytest.approx(found(TRACKS, half).events, rel=1e-12)
    zero = found(TRACKS, of(file, "low", *axes, beyond="zero")).events
    assert np.all((zero > 0) & (zero < 0.4 * found(TRACKS).events))
    with pytest.raises(ConfigError) as caught:
        found(TRACKS, of(file, "low", *axes))
    assert str(caught.value).startswith("search.tpc_ee_tracks.efficiency_map: ")
    assert "simulated decays at 100 MeV lie outside of it: true_pair_energy from " in str(
        caught.value
    )
    assert "the map from 0 to 0.3; widen it, or say beyond: zero" in str(caught.value)
    assert "cos" not in str(caught.value)


def test_what_is_not_selected_may_lie_anywhere():
    one = EfficiencyMap("mine", ("x",), (np.array([0.0, 1.0]),), np.array([0.7]), None)
    at = np.array([0.5, 1.0, 7.0, np.nan])
    values = {"x": at}.__getitem__
    assert one(np.array([1.0, 1.0, 0.0, 0.0]), values, 0.1).tolist() == [0.7, 0.7, 0, 0]
    with pytest.raises(ConfigError, match=r"1 of 3 simulated decays at 100 MeV .*x from 0.5 to 7"):
        one(np.array([1.0, 1.0, 1.0, 0.0]), values, 0.1)


numbers = st.lists(st.floats(0, 1), min_size=2, max_size=4)


@given(numbers, numbers, st.integers(0, 2**32 - 1))
def test_a_product_is_its_factors(first, second, seed):
    edges = np.linspace(0, 1, len(first) + 1), np.linspace(-1, 1, len(second) + 1)
    rng = np.random.default_rng(seed)
    at = {"x": rng.uniform(-0.2, 1.2, 50), "y": rng.uniform(-1.2, 1.2, 50)}
    both = EfficiencyMap("s", ("x", "y"), edges, np.outer(first, second), "constant")
    alone = [
        EfficiencyMap("s", (name,), (mine,), np.array(value), "constant")
        for name, mine, value in zip("xy", edges, (first, second), strict=True)
    ]
    ask = np.ones(50), at.__getitem__, 0.1
    for beyond in ("constant", "zero"):
        x, y = (replace(one, beyond=beyond)(*ask) for one in alone)
        assert replace(both, beyond=beyond)(*ask) == pytest.approx(x * y, rel=1e-15)


def test_the_axes_are_all_that_is_measured():
    assert ShowerObservable.dimensions.items() <= ShowerMap.dimensions.items()
    assert OBSERVABLES.items() <= PairMap.dimensions.items()


def test_a_run_keeps_the_map_itself(file):
    asked = of(file, "errors", "true_energy", "true_cos_angle", beyond="zero")
    study = load([*PHOTONS, f"+search.photon.efficiency_map={asked}"])
    (_, search), *_ = study.searches
    assert search.efficiency_map.edges == (tuple(ENERGY), tuple(COSINE))
    assert search.efficiency_map.bin_errors == pytest.approx(0.04)
    assert "maps.root" not in to_yaml(study)


def read_map(search, key):
    read = with_files(search, key)
    return validate(ShowerMap, read["efficiency_map"], f"{key}.efficiency_map")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("tpc_ee", r"tpc_ee\.efficiency_map: is of no use for kind: recast, which simulates noth"),
        ("photon {axes: [true_energy]}", r"photon\.efficiency_map\.edges: is missing"),
        ("photon {table: 'F:half'}", r"axes: None is no list of the variables of .*F:half; choose"),
        ("photon {table: 'F:half', axes: true_energy}", "axes: true_energy is no list"),
        ("photon {table: 'F:half', axes: [true_energy]}", "half is a TH2D, no histogram TH1"),
        ("photon {table: 'F:half', axes: [energy, cos_angle]}", "has energy: did you mean true_en"),
        ("photon {table: 'F:half', axes: [angle, angle]}", "axes: are angle, angle; give one name"),
        ("photon {table: 'F:half', axes: []}", "axes: are none; give one name or two"),
        ("photon {table: 'F:half', axes: [pair_energy, pair_cos]}", "axes: has pair_energy: "),
        ("photon {table: 'F:half', axes: [angle, cos_angle], unit: MeV}", "unit: MeV is not like"),
        ("photon {table: 'F:half', axes: [true_energy, cos_angle], beyond: one}", "beyond: one is"),
        ("photon {table: 'F:none', axes: [true_energy, cos_angle]}", "table: .* has no none"),
        ("photon {axes: [angle], edges: [[0, 1, 2]], value: [[0.1]]}", "value: is not 2 rows of 1"),
        ("photon {axes: [angle], edges: [[0, 1]], value: [[1.1]]}", r"value\.0\.0: 1.1 is not"),
        ("photon {axes: [angle], edges: [[0, 0]], value: [[1]]}", "does not rise strictly"),
        ("photon {axes: [angle], edges: [[0, 1]], value: [[0]]}", "value: is 0 everywhere"),
        ("photon {axes: [angle], edges: [[0, 1], [0, 1]], value: [[1]]}", "are of 2 axes"),
        ("photon 7", "efficiency_map: 7 is not a mapping"),
    ],
)  # fmt: skip
def test_what_is_no_map_is_one_line(file, settings, words):
    name, _, asked = settings.partition(" ")
    value = (asked or "{table: 'F:half', axes: [pair_energy, pair_cos]}").replace("F", str(file))
    key, kind = f"search.{name}", "recast" if name == "tpc_ee" else "photons"
    search = {"kind": kind, "efficiency_map": yaml.safe_load(value)}
    with pytest.raises(HnlstatError, match=words.replace("F", str(file))) as caught:
        read_map(search, key)
    assert str(caught.value).startswith(f"{key}.efficiency_map")
