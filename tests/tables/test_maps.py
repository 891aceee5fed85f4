"""Efficiency maps of ROOT and csv files: what is read, and what is refused in one line."""

import re
from itertools import pairwise

import numpy as np
import pytest
import uproot
from hypothesis import given
from hypothesis import strategies as st
from root_histograms import weighted

from hnlstat.config.maps import PairMap, ShowerMap
from hnlstat.errors import DataError
from hnlstat.tables.maps import load_map

ENERGY, COSINE = np.array([0.0, 0.2, 1.0, 3.0]), np.array([-1.0, 0.8, 1.0])
VALUE = np.array([[0.0, 0.1], [0.2, 0.3], [0.4, 1.0]])
AXES = {name: ShowerMap.dimensions[name] for name in ("true_energy", "true_cos_angle")}
NAMES = "true_energy_low_gev,true_energy_high_gev,true_cos_angle_low,true_cos_angle_high,efficiency"


def rows(energy=ENERGY, cosine=COSINE, value=VALUE):
    return [
        f"{float(a)!r},{float(b)!r},{float(c)!r},{float(d)!r},{float(value[i, j])!r}"
        for i, (a, b) in enumerate(pairwise(energy))
        for j, (c, d) in enumerate(pairwise(cosine))
    ]


def csv(path, lines, names=NAMES, head=()):
    path.write_text("\n".join([*head, names, *lines, ""]))
    return str(path)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "maps.root"
    with uproot.recreate(path) as root:
        root["dir/map"] = VALUE, ENERGY, COSINE
        root["mev"] = VALUE, 1e3 * ENERGY, COSINE
        root["turned"] = VALUE.T, COSINE, ENERGY
        root["one"] = VALUE[:, 1], ENERGY
        root["above"] = VALUE * 1.2, ENERGY, COSINE
        root["zero"] = 0 * VALUE, ENERGY, COSINE
        root["degrees"] = VALUE, ENERGY, np.array([0.0, 30.0, 180.0])
        root["errors"] = weighted(VALUE, 0.1 * VALUE, ENERGY, COSINE)
        root["flow"] = weighted(VALUE, 0.1 * VALUE, ENERGY, COSINE, beyond=0.5)
    return path


def test_a_histogram_and_a_csv_of_its_bins_are_the_same(file, tmp_path):
    found = load_map(f"{file}:dir/map", AXES)
    shuffled = np.random.default_rng(1).permutation(rows())
    same = load_map(csv(tmp_path / "m.csv", shuffled), AXES)
    for one in (found, same):
        assert [edges.tolist() for edges in one.edges] == [ENERGY.tolist(), COSINE.tolist()]
        assert one.value.tolist() == VALUE.tolist()
    assert load_map(f"{file}:flow[inner]", AXES).value.tolist() == VALUE.tolist()
    single = load_map(f"{file}:one", {"visible_energy": AXES["true_energy"]})
    assert (len(single.edges), single.value.tolist()) == (1, VALUE[:, 1].tolist())


def test_units_of_a_head_or_of_the_configuration(file, tmp_path):
    small = rows(energy=1e3 * ENERGY)
    for table, unit in (
        (f"{file}:mev", {"energy": "MeV"}),
        (csv(tmp_path / "a.csv", small, head=["# energy_unit: MeV"]), None),
        (csv(tmp_path / "b.csv", small), {"energy": "MeV"}),
    ):
        assert load_map(table, AXES, unit).edges[0] == pytest.approx(ENERGY)
    degrees = {"visible_energy": AXES["true_energy"], "angle": ShowerMap.dimensions["angle"]}
    angle = load_map(f"{file}:degrees", degrees, {"angle": "deg"}).edges[1]
    assert angle == pytest.approx([0, np.pi / 6, np.pi])


def test_errors_are_told(file, tmp_path):
    assert load_map(f"{file}:errors", AXES).error == pytest.approx(0.1)
    assert load_map(f"{file}:dir/map", AXES).error == 0
    lines = [f"{line},0.05" for line in rows()]
    found = load_map(csv(tmp_path / "m.csv", lines, f"{NAMES},error"), AXES)
    assert found.error == pytest.approx(6 * 0.05 / VALUE.sum())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one", r"one is a TH1D, no histogram TH2; it has dir/map \(TH2D\)"),
        ("mav", r"has no mav; did you mean mev. It has dir/map"),
        ("above", "bin 3, 2 is 1.2, not from 0 to 1"),
        ("zero", "is 0 in every bin"),
        ("turned", "true_energy_low_gev = '-1.0' is not from 0 to 1000; give GeV, not MeV, or"),
        ("degrees", "true_cos_angle_low = '30.0' is not from -1.5 to 1.5; this is the axis of a"),
        ("mev", r"= '3000.0' is not from 0 to 1000; .* say efficiency_map.unit.energy=MeV"),
        ("flow", r"in its under- and overflow bins.*by flow\[inner\]"),
    ],
)
def test_histograms_that_are_no_such_map(file, name, words):
    with pytest.raises(DataError, match=words) as caught:
        load_map(f"{file}:{name}", AXES)
    assert "\n" not in str(caught.value)


def test_one_axis_takes_no_th2(file):
    with pytest.raises(DataError, match=r"map is a TH2D, no histogram TH1"):
        load_map(f"{file}:dir/map", {"true_energy": AXES["true_energy"]})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r[:-1], "has no row of true_energy_low_gev = 1 and true_cos_angle_low = 0.8"),
        (lambda r: [*r, r[2]], "line 8: true_energy_low_gev = '0.2' begins a bin that is there tw"),
        (lambda r: ["0.0,1.0,-1.0,0.8,0", *r[1:]], "= '1.0' does not end its bin: another .* 0.2"),
        (lambda r: ["0.2,0.0,-1.0,0.8,0", *r[1:]], "'0.0' is not above true_energy_low_gev"),
        (
            lambda r: [*r[:-1], "1.0,3.0,0.8,1.0,1.01"],
            "line 7: efficiency = '1.01' must be at most",
        ),
        (
            lambda r: [*r[:-1], "1.0,3.0,0.8,1.0,35 %"],
            "line 7: efficiency = '35 %' is not a number",
        ),
        (lambda r: [*r[:-1], "1.0,inf,0.8,1.0,1"], "is not a number|is not finite"),
    ],
)
def test_rows_that_are_no_map(tmp_path, change, words):
    path = csv(tmp_path / "m.csv", change(rows()))
    with pytest.raises(DataError, match=words) as caught:
        load_map(path, AXES)
    assert str(caught.value).startswith(f"efficiency map {path}")


def test_a_first_bin_that_is_most_likely_in_mev_says_how_to_go_on(tmp_path):
    path = csv(tmp_path / "m.csv", rows(energy=np.array([0.0, 50.0, 100.0, 300.0])))
    words = r"'50.0' ends the first bin; .*efficiency_map.unit.energy=MeV \(or GeV\)"
    with pytest.raises(DataError, match=words):
        load_map(path, AXES)
    assert load_map(path, AXES, {"energy": "GeV"}).edges[0][1] == 50.0
    assert load_map(path, AXES, {"energy": "MeV"}).edges[0][1] == pytest.approx(0.05)


def test_columns_are_named_after_the_axes(tmp_path):
    path = csv(tmp_path / "m.csv", rows(), NAMES.replace("true_", ""))
    with pytest.raises(
        DataError, match="lacks the column 'true_energy_low_gev'; it has energy_low"
    ):
        load_map(path, AXES)
    with pytest.raises(DataError, match=re.escape("unit.x = 'MeV' is the unit of no column")):
        load_map(csv(tmp_path / "m.csv", rows()), AXES, {"x": "MeV"})


edges = st.lists(st.floats(0.0, 9.0), min_size=2, max_size=6, unique=True).map(sorted)


@given(edges, edges, st.randoms(use_true_random=False))
def test_rows_in_any_order_are_the_map(tmp_path_factory, energy, mass, random):
    value = np.arange(1.0, 1 + (len(energy) - 1) * (len(mass) - 1))
    value = (value / value.size).reshape(len(energy) - 1, -1)
    lines = rows(energy, mass, value)
    random.shuffle(lines)
    of = {name: PairMap.dimensions[name] for name in ("pair_energy", "true_pair_mass")}
    names = ",".join(f"{n}_{end}_gev" for n in of for end in ("low", "high")) + ",efficiency"
    found = load_map(csv(tmp_path_factory.getbasetemp() / "h.csv", lines, names), of)
    assert [one.tolist() for one in found.edges] == [energy, mass]
    assert found.value == pytest.approx(value, rel=1e-15)
