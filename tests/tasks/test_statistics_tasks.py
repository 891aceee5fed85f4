"""The tasks that study the statistics, through the command line."""

import csv
import json

import pyhf
import pytest
from redrawn import check_redrawn

from hnlstat.app import main

POINT = ("model.mass=0.1", "model.coupling=4e-7", "simulation.precision=0.1", "executor.workers=1")


def run(tmp_path, *arguments):
    """Run the command line and return the folder that it made."""
    before = set(tmp_path.glob("*/*"))
    assert main([f"runs={tmp_path}", *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


def test_coverage(tmp_path, capsys):
    few = ("task.signals=[0, 2.5, 6]", "task.toys=2000")
    folder = run(tmp_path, "task=coverage", *POINT, *few)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["covers"]
    assert summary["calculator"] == "exact"
    with (folder / "coverage.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * 6
    assert {row["coverage"] for row in rows if row["signal"] == "0.0"} == {"1.0"}
    # a signal that lies far below what is expected of it is excluded too often
    low = {row["nuisances"]: float(row["coverage"]) for row in rows if row["signal"] == "6.0"}
    assert low["signal -2 sigma"] < 0.9 < low["nominal"] < low["signal +2 sigma"]
    assert {entry["nuisances"] for entry in summary["lowest"]} == set(low)
    check_redrawn(folder, "coverage")
    assert "lowest coverage" in capsys.readouterr().out
    again = run(tmp_path, "--config-dir", str(folder))
    assert (again / "coverage.csv").read_text() == (folder / "coverage.csv").read_text()


GRID = (
    "scan.mass.points=6", "scan.mass.min=50 MeV", "scan.mass.max=300 MeV",
    "scan.coupling.points=12", "scan.coupling.min=1e-8", "scan.coupling.max=1e-4",
    "simulation.precision=0.05", "executor.workers=1",
)  # fmt: skip


@pytest.fixture(scope="module")
def injected(tmp_path_factory):
    return run(tmp_path_factory.mktemp("inject"), "task=inject", *POINT)


def data(folder):
    with (folder / "data.csv").open() as file:
        return {row["channel"]: float(row["observed"]) for row in csv.DictReader(file)}


def test_injected_data_are_expectation_or_experiment(tmp_path, injected):
    summary = json.loads((injected / "summary.json").read_text())
    for name, n in data(injected).items():
        assert n == pytest.approx(summary["observed"][name], rel=1e-9)
        assert n > summary["signal"][name] > 0.0
    drawn = [
        data(run(tmp_path, "task=inject", "task.data=poisson", f"task.seed={seed}", *POINT))
        for seed in (1, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert any(one != drawn[0] for one in drawn[2:])
    assert all(n == int(n) for one in drawn for n in one.values())


def test_fit_finds_the_injected_point(tmp_path, injected, capsys):
    folder = run(
        tmp_path, "task=fit", f"data_from={injected / 'data.csv'}", "task.points=40", *GRID
    )
    names = {path.name for path in folder.iterdir()}
    assert {"contours.json", "fit.png", "fit.pdf", "pulls.png", "pulls.pdf"} <= names
    summary = json.loads((folder / "summary.json").read_text())
    # two channels and two parameters: the data are matched, along a line if not at the point
    assert summary["nll"] == pytest.approx(0.0, abs=0.02)
    assert summary["improvement"] > 1.0
    wanted = data(injected)
    assert summary["expected"] == pytest.approx(wanted, rel=0.1)
    levels = {
        entry["level"] for entry in json.loads((folder / "contours.json").read_text())["contours"]
    }
    assert len(levels) == 5
    observed = json.loads((folder / "workspace/BkgOnly.json").read_text())["observations"]
    assert {entry["name"]: entry["data"][0] for entry in observed} == pytest.approx(wanted)
    assert "best fit, -2 Delta ln L" in capsys.readouterr().out


def test_a_projection_has_nothing_to_fit(tmp_path, capsys):
    few = ("scan.mass.points=4", "scan.coupling.points=4", "simulation.precision=0.3")
    arguments = ["task=fit", "detector=nd280_upgrade", *GRID, *few]
    assert main([f"runs={tmp_path}", *arguments]) == 2
    assert "data_from: missing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task=fit", "scan.mass.points=3"], "scan.mass: has 3 points; a fit needs 4"),
        (["task=fit", "task.sigmas=[0]"], "task.sigmas.0: 0"),
        (["task=fit", "task.sigmas=[9]"], "task.sigmas.0: 9 is above 7 standard deviations"),
        (["task=fit", "task.sigmas=[3,3]"], "task.sigmas: 3 appears twice"),
        (["task=fit", "task.levels=[0.9973002039367398]"], "is the same as"),
        (["task=coverage", *POINT, "task.levels=[0.9,0.9]"], "task.levels: 0.9 appears twice"),
        (["bounds.level=1e-300"], "bounds.level: 1e-300 is below 0.01"),
        (["task=inject", *POINT, "task.data=toys"], "task.data: toys is not one of 'asimov'"),
        (["data_from=no.csv"], "data_from: no.csv is not a file"),
        (["task=inject", *POINT, f"data_from={__file__}"], "data_from: is of no use to task=in"),
        (["task=benchmark", f"yields_from={__file__}"], "yields_from: is of no use to task=ben"),
        (["task=point", *POINT, f"yields_from={__file__}"], "yields_from: is of no use to task=po"),
        (["task=coverage", *POINT, f"yields_from={__file__}"], "yields_from: is of no use to tas"),
        (["task=coverage"], "model.mass: is missing; task=coverage needs it"),
        (["task=coverage", *POINT, "task.levels=[1.2]"], "task.levels.0: 1.2 is not between 0"),
        (["task=coverage", *POINT, "task.signals=[-1]"], "task.signals.0: -1 is negative"),
        (["task=coverage", *POINT, "task.nuisances=[drwan]"], "task.nuisances.0: drwan is not dra"),
        (["task=coverage", *POINT, "task.nuisances=[9]"], "task.nuisances.0: 9 is not drawn, nom"),
        (["task=coverage", *POINT, "+task.tois=3"], "task.tois: unknown key; did you mean task.to"),
        (["task.kind=coverage", *POINT], "task.signals: is missing"),
        (["task.kind=limits"], "task.kind: limits is not one of 'contour'"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(tmp_path, capsys, arguments, message):
    assert main([f"runs={tmp_path}", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_combine_merges_the_likelihoods_of_runs(tmp_path):
    grid = ("scan.mass.values=[0.1, 0.2]", "scan.coupling.values=[1e-7, 2e-7, 4e-7, 8e-7]")
    fast = (*grid, "simulation.precision=0.3", "executor.workers=1", "task=workspace")
    parts = ("{name: old, detector: nd280, exposure: t2k_2019}", "{name: new, exposure: t2k_2023}")
    runs = [run(tmp_path, f"datasets=[{part}]", "name=part", *fast) for part in parts]
    folders = ",".join(str(folder) for folder in runs)
    folder = run(tmp_path, "task=combine", f"task.folders=[{folders}]", "name=both")
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary["channels"]) == {"old_fhc", "old_rhc", "new_fhc", "new_rhc"}
    assert {"efficiency", "flux_t2k_nd280_fhc", "flux_t2k_nd280_rhc"} <= set(summary["correlated"])
    workspace = pyhf.Workspace(json.loads((folder / "workspace/BkgOnly.json").read_text()))
    patches = pyhf.PatchSet(json.loads((folder / "workspace/patchset.json").read_text()))
    patches.verify(workspace)
    assert len(list(patches)) == summary["patches"] == 8


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ("[one]", "names fewer than two folders of runs"),
        ("[no_run, no_other]", "task.folders.0: no_run/workspace/BkgOnly.json: cannot be read: No"),
    ],
)
def test_combine_names_what_it_cannot_read(tmp_path, capsys, folders, message):
    assert main([f"runs={tmp_path}", "task=combine", f"task.folders={folders}"]) == 2
    assert message in capsys.readouterr().err
