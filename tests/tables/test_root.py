"""Histograms of ROOT files where csv tables are taken, and units that a configuration says."""

import math
import re
import sys

import numpy as np
import pytest
from root_histograms import weighted

from hnlstat.beam.flux import bin_error as flux_error
from hnlstat.beam.flux import load_flux
from hnlstat.config.base import validate
from hnlstat.config.flux import FluxUnit
from hnlstat.errors import ConfigError, DataError
from hnlstat.studies import load
from hnlstat.studies.inputs import digests
from hnlstat.studies.saved import content_hash, to_yaml
from hnlstat.studies.search_files import with_files
from hnlstat.system.reading import file_digest
from hnlstat.tables.efficiency import bin_error as efficiency_error
from hnlstat.tables.efficiency import load_efficiency
from hnlstat.tables.root import histogram

uproot = pytest.importorskip("uproot")
EDGES = np.array([0.0, 0.5, 1.0, 2.0])
FLUX = np.array([1e12, 4e12, 2e12])


def with_flow(values, edges, below=0.0, above=0.0):
    """A TH1D with under- and overflow."""
    from uproot.writing.identify import to_TAxis, to_TH1x

    content = np.array([below, *values, above])
    axis = to_TAxis("xaxis", "", len(values), edges[0], edges[-1], fXbins=np.asarray(edges))
    return to_TH1x(
        None, "", content, content.sum(), content.sum(), content.sum(), 0.0, 0.0, content, axis
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file with histograms of many kinds, at a path with a colon."""
    path = tmp_path_factory.mktemp("a:b.root:c") / "mine.root"
    with uproot.recreate(path) as root:
        root["fhc_numu"] = FLUX, EDGES
        root["fhc_numubar"] = 0.1 * FLUX, EDGES
        root["rhc_numubar"] = FLUX, EDGES
        root["folder/eff"] = np.array([0.1, 0.5, 0.4]), EDGES
        root["twice"] = np.array([1.0, 2.0, 3.0]), EDGES
        root["twice"] = np.array([4.0, 5.0, 6.0]), EDGES
        root["half"] = np.array([0.5, 2.0, 3.0]), EDGES
        root["square"] = np.array([[4.0, 1.0], [1.0, 9.0]]), np.arange(3.0), np.arange(3.0)
        root["beyond"] = with_flow([1.0, 2.0, 3.0], EDGES, above=12.5)
        root["nan"] = np.array([1.0, np.nan, 3.0]), EDGES
        root["negative"] = np.array([1.0, 2.0, -3.0]), EDGES
        root["uneven/fhc_nue"] = FLUX, EDGES
        root["uneven/fhc_numu"] = FLUX[:2], EDGES[:3]
        root.mktree("tree", {"x": "f8"}).extend({"x": np.arange(3.0)})
    return path


def test_contents_and_edges_are_those_that_were_written(file):
    found = histogram(f"{file}:folder/eff")
    assert found.values.tolist() == [0.1, 0.5, 0.4]
    assert found.edges[0] == pytest.approx(EDGES)
    assert histogram(f"{file}:square", 2).values.tolist() == [[4.0, 1.0], [1.0, 9.0]]
    assert histogram(f"{file}:twice").values.tolist() == [4.0, 5.0, 6.0]
    assert histogram(f"{file}:twice;1").values.tolist() == [1.0, 2.0, 3.0]
    assert histogram(f"{file}:beyond[inner]").values.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", r"say which histogram: .*:NAME; it has fhc_numu \(TH1D\), fhc_numubar"),
        (":", "say which histogram"),
        (":fhc_nmu", r"has no fhc_nmu; did you mean fhc_numu\? It has fhc_numu \(TH1D\)"),
        (":eff", "has no eff; .*it has|It has"),
        (":folder", "folder is a TDirectory, no histogram TH1"),
        (":twice;7", "has no twice;7"),
        (":tree", "tree is a TTree, no histogram TH1; it has"),
        (":square", "square is a TH2D, no histogram TH1"),
        (":beyond", r"has 12.5 in its under- and overflow bins.*leave them out by beyond\[inner\]"),
        (":nan", "nan: bin 2 is nan, not finite"),
        (":[inner]", "say which histogram"),
        (":fhc_numu\n", "has no "),
    ],
)
def test_what_is_no_histogram_is_one_line_with_those_that_are_there(file, name, words):
    with pytest.raises(DataError, match=words) as caught:
        histogram(f"{file}{name}")
    assert str(caught.value).startswith(str(file))
    assert "\n" not in " ".join(str(caught.value).split())


def test_damaged_files_are_one_line(file, tmp_path):
    content, path = file.read_bytes(), tmp_path / "bad.root"
    for start, end in ((0, 60), (0, 300), (0, len(content) // 2), (0, 0), (100, None)):
        path.write_bytes(content[start:end])
        with pytest.raises(
            DataError, match=rf"^{re.escape(str(path))}: (cannot be read|is cut off)"
        ):
            histogram(f"{path}:fhc_numu")
    with pytest.raises(DataError, match="cannot be read: No such file"):
        histogram(f"{tmp_path / 'none.root'}:fhc_numu")
    (tmp_path / "dir.root").mkdir()
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        histogram(f"{tmp_path / 'dir.root'}:fhc_numu")
    flipped = bytearray(content)
    for i in range(0, len(content), 97):
        flipped[i] ^= 0xFF
    path.write_bytes(flipped)
    with pytest.raises(DataError):
        histogram(f"{path}:fhc_numu")


def test_a_flux_is_that_of_a_csv_with_its_numbers(file, tmp_path):
    table = tmp_path / "flux.csv"
    table.write_text(
        "e_low_gev,e_high_gev,fhc_numu,fhc_numubar,rhc_numubar\n"
        + "".join(
            f"{low},{high},{x},{0.1 * x},{x}\n"
            for low, high, x in zip(EDGES[:-1], EDGES[1:], FLUX, strict=True)
        )
    )
    ours, theirs = (
        load_flux(f"{file}:{{mode}}_{{flavour}}"),
        load_flux(str(table)),
    )
    assert ours.edges_gev.tolist() == theirs.edges_gev.tolist()
    for key, values in theirs.flux.items():
        assert ours.flux[key] == pytest.approx(values, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("1/cm2/1e21POT", 1.0),
        ("1/m^2/1e21POT", 1e-4),
        ("1/cm^2/1e20 POT", 10.0),
        ("/cm2/POT", 1e21),
        ("1/m^2/50MeV/1e21POT", 1e-4 / 0.05),
        ("1/cm2/GeV/1e21POT", 1.0),
    ],
)
def test_units_of_a_flux(tmp_path, unit, factor):
    width = np.diff(EDGES) if "eV" in unit else np.ones(3)
    table, wanted = tmp_path / "flux.csv", FLUX * width
    rows = zip(1e3 * EDGES[:-1], 1e3 * EDGES[1:], FLUX / factor, strict=True)
    table.write_text(
        "e_low_gev,e_high_gev,fhc_numu\n" + "".join(f"{a},{b},{x}\n" for a, b, x in rows)
    )
    found = load_flux(str(table), FluxUnit(energy="MeV", flux=unit))
    assert found.edges_gev == pytest.approx(EDGES)
    assert found.flux["fhc", "numu"] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ({"energy": "m"}, "flux.unit.energy: m is a length, expected an energy in GeV"),
        ({"energy": "MEV"}, "flux.unit.energy: MEV has no unit that is known here"),
        ({"flux": "1/cm2"}, "flux.unit.flux: 1/cm2 is no flux: neutrinos by area and POT"),
        ({"flux": "1/cm2/s"}, "flux.unit.flux: 1/cm2/s has no unit that is known"),
        ({"flux": "GeV"}, "flux.unit.flux: GeV is not like 1/cm2/1e21POT"),
        ({"flux": "1/cm2/0POT"}, "has '0POT', which is no unit"),
        ({"flux": "1/cm2//POT"}, "has '', which is no unit"),
        ({"flux": "1/cm2/1e999POT"}, "has '1e999POT', which is no unit"),
        ({"mass": "GeV"}, "flux.unit.mass: unknown key"),
        ("MeV", "flux.unit"),
    ],
)
def test_units_that_do_not_fit_are_one_line(unit, words):
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        validate(FluxUnit, unit, "flux.unit")
    assert "\n" not in str(caught.value)


def test_a_head_and_a_configuration_that_differ(tmp_path):
    table = tmp_path / "flux.csv"
    rows = "".join(f"{a},{b},{x}\n" for a, b, x in zip(EDGES[:-1], EDGES[1:], FLUX, strict=True))
    table.write_text("# energy_unit: GeV\ne_low_gev,e_high_gev,fhc_numu\n" + rows)
    load_flux(str(table), FluxUnit(energy="GeV"))
    with pytest.raises(DataError, match=r"unit.energy = 'MeV' is not the unit that its head gives"):
        load_flux(str(table), FluxUnit(energy="MeV"))


def test_histograms_that_are_no_flux(file):
    for name, words in (
        (":fhc_numu", r"give the names of its histograms as NAME_\{mode\}_\{flavour\}"),
        (":none_{mode}_{flavour}", r"has no none_\{mode\}_\{flavour\}"),
        (":uneven/{mode}_{flavour}", "uneven/fhc_numu has other bins than uneven/fhc_nue"),
        ("", "say which histogram"),
    ):
        with pytest.raises(DataError, match=words):
            load_flux(f"{file}{name}")


def test_an_efficiency_holds_at_the_middles_of_bins(file):
    ends = {"below": "constant", "above": "constant"}
    table = load_efficiency(f"{file}:folder/eff", **ends)
    assert table.energy == pytest.approx([0.25, 0.75, 1.5])
    assert table([0.5, 0.75]) == pytest.approx([0.3, 0.5])
    small = load_efficiency(f"{file}:folder/eff", **ends, unit={"energy": "MeV"})
    assert small.energy == pytest.approx([0.25e-3, 0.75e-3, 1.5e-3])
    with pytest.raises(DataError, match=r"unit\.energy = 'm' is a length, expected an energy"):
        load_efficiency(f"{file}:folder/eff", **ends, unit={"energy": "m"})
    with pytest.raises(DataError, match=r"negative, bin 3: efficiency = '-3.0' must be at least 0"):
        load_efficiency(f"{file}:negative", **ends)


def test_spectra_and_covariances_of_a_search(file):
    search = {
        "background": {"fhc": f"{file}:half"},
        "observed": {"t2k": {"fhc": f"{file}:twice"}},
        "covariance": {"matrix": f"{file}:square"},
        "efficiency": {"table": f"{file}:folder/eff", "below": "zero", "above": "constant"},
    }
    found = with_files(search, "search.mine")
    assert found["background"]["fhc"] == [0.5, 2.0, 3.0]
    assert found["observed"]["t2k"]["fhc"] == [4.0, 5.0, 6.0]
    assert found["covariance"]["matrix"] == [[4.0, 1.0], [1.0, 9.0]]
    assert found["efficiency"]["value"] == [0.1, 0.5, 0.4]
    for name, words in (
        ("negative", r"negative, bin 3: -3 is negative"),
        ("tree", "tree is a TTree"),
        ("nan", "bin 2 is nan"),
    ):
        with pytest.raises(DataError, match=rf"^search\.mine\.background\.fhc: .*{words}"):
            with_files({"background": {"fhc": f"{file}:{name}"}}, "search.mine")


def test_without_uproot_it_is_one_line(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(DataError, match="needs uproot, which is not installed; install hnlstat"):
        histogram(f"{file}:fhc_numu")


def test_a_study_of_a_histogram_keeps_the_file_and_its_digest(tmp_path, monkeypatch):
    path = tmp_path / "beam.root"
    edges = np.linspace(0, 10, 41)
    with uproot.recreate(path) as root:
        for mode in ("fhc", "rhc"):
            for flavour in ("numu", "numubar", "nue", "nuebar"):
                root[f"flux/enu_{mode}_{flavour}"] = np.full(40, 1e11), edges
    monkeypatch.chdir(tmp_path)
    study = load(["flux.table='beam.root:flux/enu_{mode}_{flavour}'"])
    assert digests(study) == {str(path): file_digest(path)}
    assert f"{path}:flux/enu_{{mode}}_{{flavour}}" in to_yaml(study)
    meters = load(
        ["flux.table='beam.root:flux/enu_{mode}_{flavour}'", "+flux.unit.flux='1/m^2/1e21POT'"]
    )
    assert content_hash(meters) != content_hash(study)
    values = [next(iter(load_flux(d.flux.table, d.flux.unit).flux.values()))[0]
              for study in (study, meters) for d in study.datasets]  # fmt: skip
    assert math.isclose(values[0], 1e4 * values[-1])


def background(table, **rest):
    """A background of a table in a search of the name `mine`, as it is read."""
    one = {"events": str(table), "pot": 1e21, **rest}
    search = {"kind": "photons", "background": {"fhc": one}}
    return with_files(search, "search.mine")["background"]["fhc"]


def test_errors_of_a_background_are_taken_or_left_out_but_not_unsaid(file, tmp_path):
    table = tmp_path / "bkg.csv"
    table.write_text("fhc,fhc_error,rhc\n10,1,7\n20,4,7\n40,2,7\n")
    with uproot.recreate(tmp_path / "bkg.root") as root:
        root["b"] = weighted([10.0, 20.0, 40.0], [1.0, 4.0, 2.0], EDGES)
        root["exact"] = weighted([10.0, 20.0, 40.0], [0.0, 0.0, 0.0], EDGES)
    for name in (f"{tmp_path}/bkg.root:b", f"{table}:fhc"):
        assert background(name, mc_error=True)["mc_error"] == pytest.approx([0.1, 0.2, 0.05])
        assert background(name, mc_error=False)["mc_error"] is None
        assert background(name, mc_error=True)["events"] == [10, 20, 40]
        assert background(name, error=[0.1, 0.2, 0.05])["mc_error"] is None
        assert background(name, mc_error=[0.3] * 3)["mc_error"] == [0.3] * 3
        with pytest.raises(ConfigError, match=r"fhc\.events: .* has errors .* up to 0\.2 of them;"):
            background(name, error=0.2)
    assert background(f"{table}:fhc", mc_error=f"{table}:fhc_error")["mc_error"] == [1, 4, 2]
    for name, words in (
        (f"{file}:twice", r"true, but events: .*:twice has no errors of its bins \(Sumw2\)"),
        (f"{table}:rhc", "true, but events: .*:rhc has no column rhc_error beside it"),
        (145.1, r"true, but events: 145\.1 is no column of a table, nor a histogram"),
    ):
        with pytest.raises(
            ConfigError, match=rf"^search\.mine\.background\.fhc\.mc_error: {words}"
        ):
            background(name, mc_error=True)
    for name in (f"{file}:twice", f"{table}:rhc", f"{tmp_path}/bkg.root:exact"):
        assert "mc_error" not in background(name)


def test_errors_of_a_flux_and_of_an_efficiency_are_told(file, tmp_path):
    with uproot.recreate(tmp_path / "w.root") as root:
        root["fhc_numu"] = weighted(FLUX, 0.02 * FLUX, EDGES)
        root["eff"] = weighted([0.1, 0.2, 0.2], [0.01, 0.01, 0.03], EDGES)
        root["nan"] = weighted(FLUX, [1.0, np.nan, 1.0], EDGES)
    assert flux_error(f"{tmp_path}/w.root:{{mode}}_{{flavour}}") == pytest.approx(0.02)
    assert flux_error(f"{file}:{{mode}}_{{flavour}}") == flux_error("t2k_nd280_flux") == 0
    efficiency = {"table": f"{tmp_path}/w.root:eff", "below": "zero", "above": "zero"}
    found = with_files({"kind": "photons", "efficiency": efficiency}, "search.mine")
    assert found["efficiency"]["bin_errors"] == pytest.approx(0.1)
    table = tmp_path / "e.csv"
    table.write_text("energy_gev,efficiency,error\n0,0,0\n1,0.5,0.02\n2,0.5,0.03\n3,0,0\n")
    assert efficiency_error(str(table)) == pytest.approx(0.05)
    assert efficiency_error("miniboone_efficiency") == 0  # its search has it
    with pytest.raises(DataError, match="nan: the error of bin 2 is not a number"):
        histogram(f"{tmp_path}/w.root:nan")
