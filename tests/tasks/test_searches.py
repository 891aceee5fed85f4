"""Searches and datasets end to end: files of one's own, several in one likelihood, covariances."""

import csv
import json

import numpy as np
import pytest
import yaml
from own_files import own_folder

import hnlstat
from hnlstat.app import main
from hnlstat.errors import ConfigError, DataError
from hnlstat.inference.engines.calculators import choose
from hnlstat.likelihood import experiment as likelihood
from hnlstat.search.stations import stations
from hnlstat.search.yields import Plan
from hnlstat.studies import load
from hnlstat.studies.inputs import LIKELIHOOD
from hnlstat.studies.saved import to_yaml
from hnlstat.tasks.combine import check_counted_once

GRID = (
    "scan.mass.values=[0.1, 0.2]", "scan.coupling.points=9", "simulation.precision=0.3",
    "executor=serial", "store=off",
)  # fmt: skip
POINT = np.array([0.1]), np.array([5e-7])
TWO = "datasets=[{exposure: t2k_2019, search: [front, back]}]"
TRACKS = "search.tpc_ee_tracks"


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    return own_folder(tmp_path_factory.mktemp("own"))


@pytest.fixture
def study(mine):
    def make(*overrides):
        return load([f"hydra.searchpath=['file://{mine}']", *overrides])

    return make


def yields(found, masses=POINT[0], couplings=POINT[1]):
    plan = Plan.of(found, masses, couplings)
    return plan.table([job.run() for job in plan.jobs()])


def run(mine, tmp_path, *arguments):
    assert main(["--config-dir", str(mine), f"runs={tmp_path}", "name=r", *GRID, *arguments]) == 0
    (folder,) = (tmp_path / "r").iterdir()
    return folder


def test_a_search_and_a_detector_are_one_file_each(mine, tmp_path):
    folder = run(mine, tmp_path, "detector=my_detector")
    assert {"contours.json", "limits.csv", "yields.csv"} <= {p.name for p in folder.iterdir()}
    with (folder / "yields.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(r["channel"], r["volume"]) for r in rows} == {("my_detector_fhc", "tpc1")}
    assert max(float(row["events"]) for row in rows) > 0.1
    model = json.loads((folder / "workspace" / "BkgOnly.json").read_text())
    assert [channel["name"] for channel in model["channels"]] == ["my_detector_fhc"]


def test_a_run_with_several_searches_is_made_again(mine, tmp_path, monkeypatch):
    new = "{detector: my_detector, exposure: run1}"
    both = f"datasets=[{{exposure: t2k_2019, search: [front, back]}}, {new}]"
    folder = run(mine, tmp_path, "task=workspace", both)
    monkeypatch.chdir(tmp_path)
    assert main(["--config-dir", str(folder), f"runs={tmp_path / 'again'}"]) == 0
    (again,) = (tmp_path / "again" / "r").iterdir()
    for name in ("yields.csv", "workspace/BkgOnly.json", "workspace/patchset.json", "config.yaml"):
        text = [(path / name).read_text() for path in (folder, again)]
        if name == "config.yaml":
            text = [{**yaml.safe_load(one), "runs": None} for one in text]
        assert text[0] == text[1]


def test_searches_of_a_dataset_multiply(study):
    """No event seen and no uncertainties: CLs is exp(-signal), and of both the product."""
    found = study(TWO, "systematics=none")
    assert len(stations(found)) == 1
    table = yields(found)
    both = likelihood.experiment(found, table).at(0, 0)
    assert both.channels == tuple(
        f"nd280_{s}_{m}" for s in ("front", "back") for m in ("fhc", "rhc")
    )
    cls_ = {}
    for name in ("front", "back"):
        part = study(f"datasets=[{{exposure: t2k_2019, search: {name}}}]", "systematics=none")
        alone = yields(part)
        rows = [i for i, channel in enumerate(table.channel) if name in channel]
        # as rays are others, within the errors
        assert alone.events.sum() == pytest.approx(table.events[..., rows].sum(), rel=0.2)
        model = likelihood.experiment(part, alone).at(0, 0)
        assert set(model.channels) == {"nd280_fhc", "nd280_rhc"}
        members = [i for i, channel in enumerate(both.channels) if name in channel]
        np.testing.assert_allclose(model.background, both.background[members], rtol=1e-12)
        here = both.signal[members]
        cls_[name] = (
            choose("exact", model.with_signal(here))[1]
            .exclusion(model.with_signal(here))
            .cls_observed
        )
    together = choose("exact", both)[1].exclusion(both).cls_observed
    assert together == pytest.approx(cls_["front"] * cls_["back"], rel=1e-6)
    assert together == pytest.approx(np.exp(-both.signal.sum()), rel=1e-6)


def test_searches_share_parameters_by_name(study):
    found = study(
        "search=[front, back]", "search.back.systematics.efficiency=0.3",
        "+search.back.systematics.veto=0.05",
        "datasets=[{exposure: t2k_2019}, {detector: my_detector, exposure: run1}]",
    )  # fmt: skip
    model = likelihood.experiment(found, yields(found)).at(0, 0)
    changes = model.signal_modifiers
    np.testing.assert_allclose(changes["efficiency"], [0.1, 0.1, 0.3, 0.3, 0.1])
    np.testing.assert_allclose(changes["veto"], [0, 0, 0.05, 0.05, 0])
    beams = {name: np.flatnonzero(values).tolist() for name, values in changes.items()}
    assert beams["flux_t2k_nd280_fhc"] == [0, 2]
    assert beams["flux_t2k_nd280_rhc"] == [1, 3]
    assert beams["flux_my_beam_fhc"] == [4]


def test_detectors_in_beams_of_their_own_are_in_one_likelihood(study):
    new, old = "{detector: my_detector, exposure: run1}", "{detector: nd280, exposure: t2k_2019}"
    joint = yields(study(f"datasets=[{old}, {new}]"))
    for name, entry in (("nd280", old), ("my_detector", new)):
        alone = yields(study(f"datasets=[{entry}]"))
        rows = [i for i, dataset in enumerate(joint.dataset) if dataset == name]
        np.testing.assert_allclose(joint.events[..., rows], alone.events, rtol=1e-12)
        np.testing.assert_allclose(joint.mc_error[..., rows], alone.mc_error, rtol=1e-12)


def test_what_is_simulated_once_serves_all_that_want_the_same(study):
    upgrade = "detector=nd280_upgrade"
    assert len(stations(study(upgrade))) == 2
    assert [len(s.members) for s in stations(study(TWO))] == [2]
    wide = study("search=[front, back]", "search.back.min_cos_theta=0.99")
    assert [s.volumes for s in stations(wide)] == [("tpc1",), ("tpc2", "tpc3")]
    exposures = "datasets=[{exposure: t2k_2019}, {name: b, exposure: t2k_2023}]"
    assert [len(s.members) for s in stations(study(exposures))] == [2]
    assert stations(study(TWO))[0].volumes == ("tpc1", "tpc2", "tpc3")


def test_two_searches_for_tracks_have_their_cut_flows(mine, study):
    begin = "defaults: [tpc_ee_tracks, _self_]\ndecays: 2\nmin_cos_theta: 0.999\n"
    (mine / "search" / "low.yaml").write_text(begin + "fiducial: [tpc1]\n")
    (mine / "search" / "high.yaml").write_text(
        begin + "fiducial: [tpc2]\ncuts: {min_momentum: 0.2}\n"
    )
    found = study("search=[low,high]")
    table = yields(found)
    first, second = table.cut_flows
    assert (first.search, second.search) == ("low", "high")
    assert first.channel == ("nd280_low_fhc", "nd280_low_rhc")
    assert second.settings[0] == "cuts.min_momentum = 0.2"
    assert second.shares()[0, 0, 1] < first.shares()[0, 0, 1]
    for flow in table.cut_flows:
        rows = [i for i, channel in enumerate(table.channel) if channel in flow.channel]
        selected = 0.178 * flow.passing[0, 0, :, -1].sum()
        assert table.events[0, 0, rows].sum() == pytest.approx(selected, rel=1e-9)


MATRIX = "+search.tpc_ee.covariance={modes: [fhc, rhc], matrix: [[0.058, 0.002], [0.002, 0.0003]]}"


def test_a_covariance_becomes_components():
    base = likelihood.experiment(load([MATRIX]), yields(load([MATRIX]))).base
    assert [*base.background_components] == ["nd280_tpc_ee_0", "nd280_tpc_ee_1"]
    shifts = np.array([*base.background_components.values()])
    np.testing.assert_allclose(
        shifts.T @ shifts, [[0.058, 0.002], [0.002, 0.0003]], rtol=1e-6, atol=1e-9
    )
    assert not base.background_modifiers.any()
    # twice the exposure: twice the background, four times the variance
    more = load([MATRIX, "exposure=t2k_2019", "exposure.pot.fhc=2.468e21"])
    matrix = likelihood.covariance(more, more.datasets[0], next(more.searches)[1])
    np.testing.assert_allclose(matrix, [[0.232, 0.004], [0.004, 0.0003]], rtol=1e-12)
    for off in ("systematics=none", "systematics.background=0"):
        found = load([MATRIX, off])
        assert likelihood.components(found, *likelihood.bins(found)) == {}


def test_errors_of_bins_are_components_of_their_own():
    bins = [
        "search=tpc_ee_tracks", TRACKS + ".observable={name: pair_mass, edges: [0, 0.1, 0.7]}",
        TRACKS + ".background.fhc={events: [0.3, 0.2], error: [0.5, 0.1]}",
        TRACKS + ".background.rhc.events=[0.01, 0.005]",
        TRACKS + ".observed.t2k_2019={fhc: [1, 0], rhc: [0, 2]}",
    ]  # fmt: skip
    found = load(bins)
    names = likelihood.bins(found)
    shifts = np.array([*likelihood.components(found, *names).values()])
    np.testing.assert_allclose(
        shifts.T @ shifts, np.diag([0.15, 0.02, 0, 0]) ** 2, rtol=1e-9, atol=1e-12
    )
    base = likelihood.experiment(found, yields(found)).base
    np.testing.assert_array_equal(base.observed, [1, 0, 0, 2])
    np.testing.assert_array_equal(base.background_modifiers, [0, 0, 1.01, 1.01])


def test_a_covariance_goes_all_the_way(tmp_path, capsys):
    point = ("task=point", "model.mass=0.1", "model.coupling=5e-7", "inference.toys=2000")
    assert main([*GRID, *point, MATRIX, f"runs={tmp_path}", "name=c"]) == 0
    (folder,) = (tmp_path / "c").iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    signal = sum(channel["signal"] for channel in summary["channels"])
    found = summary["tests"]["toys"]["cls_observed"]
    assert found == pytest.approx(np.exp(-signal), rel=0.1)  # efficiency and flux weaken it a bit
    model = json.loads((folder / "workspace" / "BkgOnly.json").read_text())
    background = next(s for s in model["channels"][0]["samples"] if s["name"] == "background")
    assert {"nd280_tpc_ee_0", "nd280_tpc_ee_1"} <= {m["name"] for m in background["modifiers"]}
    capsys.readouterr()
    for wrong, said in (
        ("[[0.058, 0.002], [0.001, 0.0003]]", "search.tpc_ee.covariance: is not symmetric"),
        ("[[0.058, 0.02], [0.02, 0.0003]]", "search.tpc_ee.covariance: has a negative eigenvalue"),
        ("[[-0.058, 0], [0, 0.0003]]", "search.tpc_ee.covariance: the variance of bin 0 is"),
    ):
        bad = f"+search.tpc_ee.covariance={{modes: [fhc, rhc], matrix: {wrong}}}"
        assert main([*GRID, "task=yields", bad, f"runs={tmp_path / 'none'}"]) == 2
        assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "none").exists()


def test_a_covariance_that_is_none_is_an_error_of_the_configuration():
    wrong = load([MATRIX.replace("0.002", "0.2")])
    with pytest.raises(ConfigError, match=r"search.tpc_ee.covariance: has a negative eigenvalue"):
        likelihood.components(wrong, *likelihood.bins(wrong))


def test_events_are_of_the_volumes_that_searches_use(mine, tmp_path):
    point = ("task=events", "model.mass=0.1", "model.coupling=1e-6", "events.number=2000")
    folder = run(mine, tmp_path, *point, "events.format=npz", "search=front")
    with np.load(folder / "events.npz") as events:
        assert set(events["volume"]) == {"tpc1"}


def test_searches_are_compared_one_by_one(mine, tmp_path):
    folder = run(
        mine, tmp_path, "task=compare", "search=front", "compare.from=['search=tpc_ee']",
        "compare.masses=[0.1]",
    )  # fmt: skip
    summary = json.loads((folder / "summary.json").read_text())
    assert "datasets.*.search" in json.dumps(summary)


def test_runs_that_count_the_same_events_are_not_combined(tmp_path, study):
    kinds = {"a": "search=tpc_ee", "b": "search=tpc_ee_tracks", "c": "exposure=t2k_2023",
             "d": "search.tpc_ee.disjoint_from=[tpc_ee_tracks]"}  # fmt: skip
    folders = {name: tmp_path / name for name in (*kinds, "b_and_c", "foreign")}
    for name, folder in folders.items():
        (folder / "workspace").mkdir(parents=True)
        for file in LIKELIHOOD:
            (folder / "workspace" / file).touch()
        if name in kinds:
            (folder / "config.yaml").write_text(to_yaml(study(kinds[name])))
    parts = f"task.folders=[{folders['b']},{folders['c']}]"
    (folders["b_and_c"] / "config.yaml").write_text(to_yaml(study("task=combine", parts)))
    for pair in (("a", "c"), ("d", "b"), ("a", "foreign"), ("d", "b_and_c")):
        check_counted_once([folders[name] for name in pair])
    for pair in (("a", "b"), ("a", "b_and_c")):
        with pytest.raises(DataError, match="tpc_ee_tracks counts the decays to ee in tpc1, tpc2"):
            check_counted_once([folders[name] for name in pair])


def test_datasets_and_searches_have_one_name_together():
    names = [("a", "b_c", "t2k_2019"), ("a_b", "c", "t2k_2023")]
    base = load().datasets[0].search["tpc_ee"].model_dump(mode="json", exclude={"assumed"})
    entries = [
        {"name": name, "exposure": exposure, "search": base | {"name": search}}
        for name, search, exposure in names
    ]
    with pytest.raises(ConfigError, match="two searches are called a_b_c; name datasets"):
        hnlstat.study(datasets=entries)
    entries[1]["name"] = "other"
    assert len(hnlstat.study(datasets=entries).datasets) == 2


def test_a_remark_on_a_covariance_is_not_lost_behind_another_of_its_name():
    base = load().datasets[0].search["tpc_ee"].model_dump(mode="json", exclude={"assumed"})
    matrices = [[[0.04, 0.0201], [0.0201, 0.01]], [[0.04, 0.0], [0.0, 0.01]]]
    entries = [
        {"name": exposure, "exposure": exposure,
         "search": base | {"covariance": {"modes": ["fhc", "rhc"], "matrix": matrix}}}
        for exposure, matrix in zip(("t2k_2019", "t2k_2023"), matrices, strict=True)
    ]  # fmt: skip
    (remark,) = likelihood.remarks(hnlstat.study(datasets=entries))
    assert remark.startswith("search.tpc_ee.covariance: 1 small negative eigenvalues")
