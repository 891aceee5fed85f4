"""What goes wrong in scripts is one line that says what to change."""

import builtins
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import hnlstat
from hnlstat.errors import ConfigError, DataError, FigureError, HnlstatError

STUDIES = [
    ((), {"detectr": "nd280"}, "detectr: is no section of a study; did you mean detector?"),
    ((), {"detector": "nd28"}, "detector='nd28': no such detector; did you mean nd280?|"
     "detector=nd28: no such detector; did you mean nd280?"),
    ((), {"selection": "kinematic"}, "selection: is search now: search=tpc_ee or tpc_ee_tracks"),
    ((), {"selection": {"min_cos_theta": 0.9}}, "selection: is search now: search=tpc_ee"),
    ((), {"exposure": {"observed": {"fhc": 1}}}, "exposure.observed.fhc: is of the searches now|"
     "exposure.observed: is of the searches now"),
    ((), {"search": [1]}, "search=[1]: is not the name of an option"),
    ((), {"search": np.array([1, 2])}, "search=[1,2]: is not the name of an option"),
    (("detector=nd280",), {"detector": "nd280_upgrade"}, "detector: is given twice, also as 'det"),
    (("model.nature=dirac",), {"model": {"nature": "majorana"}}, "model.nature: is given twice"),
    ((["detector=nd280"],), {}, "study: ['detector=nd280'] is not an override; write 'key=value'"),
    ((3,), {}, "study: 3 is not an override; write 'key=value'"),
    (("-m",), {}, "study: -m is a flag of the command line, not key=value"),
    (("--config-dir=x",), {}, "study: --config-dir=x is a flag of the command line"),
    (("nonsense",), {}, "nonsense: cannot be read; write key=value"),
    (("detectr=nd280",), {}, "detectr: unknown key; did you mean detector?"),
    (("model=dipole_e,dipole_mu",), {},
     "model=dipole_e,dipole_mu: has several values; make a study of each, or write [a,b] for"),
    ((), {"simulation": {"radus": 5}}, "simulation.radus: unknown key; did you mean simulati"),
    ((), {"scan": {"mass": {"points": 2.5}}}, "scan.mass.points: 2.5"),
    ((), {"scan": {"mass": {"min": "50 m"}}}, "scan.mass.min: 50 m is a length"),
    ((), {"scan": {"mass": {"min": np.nan}}}, "scan.mass.min: nan"),
    ((), {"scan": {"mass": {"values": np.zeros((2, 2))}}}, "scan.mass.values"),
    ((), {"scan": {"mass": {"values": np.array([1j])}}}, "scan.mass.values: 1j is a complex, whi"),
    ((), {"model": {"mass": object}}, "model.mass: <class 'object'> is a type, which has no place"),
    ((), {"inference": {"levels": {0.9}}}, "inference.levels: {0.9} is a set, which has no place"),
    ((), {"name": b"x"}, "name: b'x' is a bytes, which has no place in a configuration"),
    ((), {"model": 3}, "model: 3 is neither the name of an option nor a mapping of keys"),
    ((), {"model": {1: 2}}, "model: 1 is not a key; keys are names of letters, digits and _"),
    ((), {"model": {"a.b": 2}}, "model: 'a.b' is not a key"),
    ((), {"model": {"null": 2}}, "model: 'null' is not a key"),
    ((), {"flux": ["a", "b"]}, "flux=['a','b']: is a list, where one option belongs"),
    ((), {"yields_from": Path("no such.csv")}, "yields_from: no such.csv"),
    ((), {"name": "../escape"}, "name: ../escape"),
    ((), {"detector": ""}, "detector"),
    ((), {"hydra": {"mode": "MULTIRUN"}}, "hydra: is no section of a study"),
    ((), {"exposure": None}, "~exposure: changes nothing"),
    ((), {"task": "point"}, "model.mass: is missing; task=point needs it"),
    (("detector=nd280_upgrade",), {"task": "fit"}, "data_from: missing; a projection has no data"),
]  # fmt: skip


def nested(depth):
    value = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(("overrides", "sections", "line"), STUDIES)
def test_a_bad_study_is_one_line(overrides, sections, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        hnlstat.study(*overrides, **sections)
    text = str(caught.value)
    assert text.startswith(tuple(line.split("|")))
    assert "\n" not in text
    assert len(text) < 600
    assert list(tmp_path.iterdir()) == []


def test_what_lies_too_deep_is_one_line():
    endless = []
    endless.append(endless)
    for value in (nested(50), endless, {"x": endless}, {"x": nested(3000)}):
        with pytest.raises(ConfigError, match="deep"):
            hnlstat.study(bounds={"style": value})


@pytest.mark.parametrize("what", ["detector=nd280", None, 3, {"detector": "nd280"}, np.zeros(3)])
@pytest.mark.parametrize("name", ["run", "simulate", "likelihood", "limits", "fit"])
def test_what_is_no_study_is_one_line(name, what):
    others = () if name in ("run", "simulate") else (None,)
    with pytest.raises(ConfigError, match=rf"{name}: .* is no study; make one with hnlstat.study"):
        getattr(hnlstat, name)(what, *others)


def test_a_study_that_was_changed_is_checked_again(study):
    heavy = study.scan.replace(mass=study.scan.mass.replace(values=(0.1, 40.0)))
    for call in (hnlstat.run, hnlstat.simulate):
        with pytest.raises(ConfigError, match=r"scan.mass: 40 GeV is above the beam's reach"):
            call(study.replace(scan=heavy))
    with pytest.raises(ConfigError, match=r"levels: \(0.9, 2\)|levels.1: 2"):
        study.inference.replace(levels=(0.9, 2))
    with pytest.raises(ConfigError, match="nme: unknown key; did you mean name"):
        study.replace(nme="x")


@pytest.fixture(scope="module")
def stages(small):
    """Yields and likelihoods of studies that do not go together."""
    grid = hnlstat.study(*small)
    point = hnlstat.study(*small, task="point", model={"mass": 0.1, "coupling": 1e-6})
    future = hnlstat.study(*small, detector="nd280_upgrade", scan={"mass": {"points": 2}})
    return {
        "grid": (grid, hnlstat.simulate(grid)),
        "point": (point, hnlstat.simulate(point)),
        "future": (future, hnlstat.simulate(future)),
    }


def test_stages_that_do_not_go_together_are_one_line(stages, small):
    fitting = hnlstat.study(*small, task="fit")
    blind = hnlstat.study(*small, "search.tpc_ee.observed.t2k_2019=null")
    (grid, of_grid), (point, of_point), (future, of_future) = stages.values()
    likelihood, limits = hnlstat.likelihood, hnlstat.run(grid).limits
    for line, call in (
        ("likelihood: takes yields, as simulate.* not 3", lambda: likelihood(grid, 3)),
        ("likelihood: takes yields.* not limits", lambda: likelihood(grid, limits)),
        ("limits: takes the likelihood", lambda: hnlstat.limits(grid, of_grid)),
        ("fit: takes the likelihood", lambda: hnlstat.fit(fitting, of_grid)),
        ("yields: have the channels nd280_fhc, nd280_rhc; the study has nd280_upgrade_fhc, ",
         lambda: likelihood(future, of_grid)),
        ("yields: have the channels nd280_upgrade_fhc", lambda: likelihood(grid, of_future)),
        ("yields: mass_gev has 1 point; a contour needs 2", lambda: likelihood(grid, of_point)),
        ("limits: the yields are at 1 couplings, which takes 4; simulate a study with a grid",
         lambda: hnlstat.limits(grid, likelihood(point, of_point))),
        ("fit: the study has task=contour; make it with task='fit'",
         lambda: hnlstat.fit(grid, likelihood(grid, of_grid))),
        ("fit: the likelihood is a projection, which has no data to fit",
         lambda: hnlstat.fit(fitting, likelihood(blind, of_grid))),
    ):  # fmt: skip
        with pytest.raises(HnlstatError, match=line) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("exposure=t2k_2023", "datasets.nd280.exposure.pot.fhc = 1.234e.21, the study has 1.97"),
        ("model=dipole_e", "model.flavours.* the study has"),
        ("model.nature=majorana", "model.nature = 'dirac', the study has 'majorana'; simulate it"),
        ("search.tpc_ee.efficiency.value.0=0.5", "datasets.nd280.search.tpc_ee.efficiency.value"),
        ("search.tpc_ee.fiducial=[tpc1]", "datasets.nd280.search.tpc_ee.fiducial = None, the stud"),
        ("detector.volumes.rock.density=1", "datasets.nd280.detector.volumes.rock.density = 2.0"),
        ("flux.flavours=[numu]", "datasets.nd280.flux.flavours = .'numu', "),
        ("simulation.survival=false", "simulation.survival = True, the study has False"),
        ("systematics.rock_density=0.3", "systematics.rock_density = 0.1, the study has 0.3"),
    ],
)
def test_yields_of_another_study_are_one_line(stages, small, setting, line):
    grid, yields = stages["grid"]
    other = hnlstat.study(*small, setting)
    built = hnlstat.likelihood(grid, yields)
    for call in (lambda: hnlstat.likelihood(other, yields), lambda: hnlstat.limits(other, built)):
        with pytest.raises(ConfigError, match=rf"yields: were made with {line}"):
            call()


def test_yields_serve_other_backgrounds_data_and_uncertainties(stages, small):
    for setting in (
        "systematics=none", "systematics.rock_density=0", "simulation.seed=3", "name=other",
        "search.tpc_ee.observed.t2k_2019={fhc: 3, rhc: 0}", "detector.background_factor=2",
        "search.tpc_ee.background.fhc.error=10 %", "inference.levels=[0.95]", "bounds=none",
        "search.tpc_ee.systematics.efficiency=0.1", "model.mass=0.1",
    ):  # fmt: skip
        built = hnlstat.likelihood(hnlstat.study(*small, setting), stages["grid"][1])
        assert len(built.channels) == 2


def test_what_a_result_lacks_is_one_line(result, small, tmp_path):
    yields = hnlstat.run(hnlstat.study(*small, task="yields"))
    (tmp_path / "file").write_text("")
    for line, call in (
        ("limits: has no column 'mass'; did you mean mass_gev\\?", lambda: result.limits["mass"]),
        ("limits: has no column 3; choose from", lambda: result.limits[3]),
        ("limits: has no column 'lvel'; did you mean level", lambda: result.limits.where(lvel=1)),
        ("figure: 'contour' is none; did you mean contours\\?", lambda: result.figure("contour")),
        ("figure: task=yields has none", lambda: yields.figure()),
        ("workspace/BkgOnly.json: task=yields gives no such", lambda: yields.workspace),
        ("limits: task=yields gives no such result", lambda: yields.limits),
        ("contours.json: task=yields gives no such", lambda: yields.contours),
        ("x: task=contour gives no such result", lambda: result.document("x")),
        ("file: is there already; name a new folder", lambda: result.save(tmp_path / "file")),
        ("save: 3 is not the path of a folder", lambda: result.save(3)),
        ("save: '' is not the path", lambda: result.save("")),
        ("save: '~no_such_user/x' begins with ~", lambda: result.save("~no_such_user/x")),
        ("keep: None is not the path", lambda: hnlstat.run(yields.study, keep=None)),
        ("cannot make|cannot write", lambda: result.save(tmp_path / "file" / "below")),
    ):  # fmt: skip
        with pytest.raises(HnlstatError, match=line) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("package", "method"), [("pandas", "to_pandas"), ("pyarrow", "to_arrow")])
def test_a_package_that_is_missing_is_one_line(result, monkeypatch, package, method):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(HnlstatError, match=f"{method}: needs {package}, which is not installed"):
        getattr(result.limits, method)()


def test_no_backend_is_needed_and_none_is_changed(result, monkeypatch):
    mpl.use("svg")
    monkeypatch.setenv("MPLBACKEND", "module://not_there")
    rows = mpl.rcParams["font.size"]
    assert result.figure()._repr_png_()
    assert mpl.get_backend().lower() == "svg"
    assert mpl.rcParams["font.size"] == rows


def test_a_figure_that_cannot_be_drawn_costs_no_result(result, monkeypatch):
    def no_ink(*_, **__):
        raise ZeroDivisionError("no\nink")

    monkeypatch.setattr("hnlstat.report.figures.contour_figure", no_ink)
    with pytest.raises(FigureError, match="the figure contours could not be made: no ink"):
        result.figure()
    assert "the figure contours could not be made: no ink" in result._repr_html_()


def test_no_matplotlib_is_one_line(result, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith(("matplotlib", "hnlstat.report.figures")):
            raise ImportError("No module named 'matplotlib'")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(FigureError, match="contours could not be made: No module named 'matplotl"):
        result.figure()


def test_a_table_that_cannot_be_used_is_one_line(small, tmp_path):
    (tmp_path / "y.csv").write_text("channel,mass_gev,coupling_inv_gev,events\nx,1,1,1\n")
    study = hnlstat.study(*small, yields_from=tmp_path / "y.csv")
    for call in (hnlstat.run, hnlstat.simulate):
        with pytest.raises(DataError, match=r"y.csv, line 2: channel 'x' is unknown; the study"):
            call(study)
