"""Each task end to end through the command line, on a small grid."""

import csv
import json
import signal
import subprocess
import sys
import time
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

import numpy as np
import pyhf
import pytest
from axes import ANY
from scipy.interpolate import CubicSpline

import hnlstat.tasks
from hnlstat.app import main
from hnlstat.config import Task
from hnlstat.config.task import ON_FOLDERS
from hnlstat.run.files.limits import read_limits
from hnlstat.run.files.yields import read_yields
from hnlstat.tables.csv_table import read_csv

GRID = ("scan.mass.points=4", "scan.mass.min=60 MeV", "scan.mass.max=200 MeV")
COUPLINGS = ("scan.coupling.points=12", "scan.coupling.min=1e-8", "scan.coupling.max=1e-4")
FAST = (*GRID, *COUPLINGS, "simulation.precision=0.05", "executor.workers=1")


def run(tmp_path, *arguments):
    """Run the command line and return the folder that it made."""
    before = set(tmp_path.glob("*/*"))
    assert main([*FAST, f"runs={tmp_path}", *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


def limit(folder, kind, branch="lower"):
    """Couplings of a 90 % limit by mass."""
    found = [
        found
        for found in read_limits(folder / "limits.csv")
        if (found.level, found.kind, found.branch) == (0.9, kind, branch)
    ]
    lowest: dict[float, float] = {}
    for one in found:
        lowest.setdefault(one.mass_gev, one.coupling)
    return lowest


@pytest.fixture(scope="module")
def contour(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs"))


def test_contour_leaves_every_file(contour):
    paths = [path.relative_to(contour) for path in contour.rglob("*") if path.is_file()]
    assert {path.as_posix() for path in paths if path.parts[0] != "units"} == {
        "config.yaml", "yields.csv", "workspace/BkgOnly.json", "workspace/patchset.json",
        "limits.csv", "points.csv", "contours.json", "contours.png", "contours.pdf", "summary.json",
        "run.log", "provenance.json", "report.html", "citations.bib",
    }  # fmt: skip
    for name in ("summary.json", "contours.json", "provenance.json"):
        json.loads((contour / name).read_text())


def test_observed_limit_is_where_the_yield_is_2_3_events_and_a_little_more(contour):
    # no event seen: CLs = E[exp(-s)] = 0.1 whatever the background; with uncertainties on s of 25 %
    # the mean lies above exp(-mean s), so that the signal at the limit is 2.30 to 2.6
    yields = read_yields(contour / "yields.csv", ANY).by_channel()
    table = read_yields(contour / "yields.csv", ANY)
    for mass, coupling in limit(contour, "observed").items():
        i = int(np.argmin(np.abs(table.masses - mass)))
        events = yields.signal[i].sum(axis=-1)
        curve = CubicSpline(np.log(table.couplings), np.log(events))
        assert 2.30 < np.exp(curve(np.log(coupling))) < 2.65


def test_points_are_excluded_where_the_limits_say(contour):
    lowest = limit(contour, "observed")
    with (contour / "points.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = read_yields(contour / "yields.csv", ANY)
    assert len(rows) == table.masses.size * table.couplings.size
    excluded = {}
    for row in rows:
        assert row["validity"].startswith("ok")
        if float(row["cls_observed"]) < 0.1:
            excluded.setdefault(float(row["mass_gev"]), []).append(float(row["coupling_inv_gev"]))
    assert list(excluded) == pytest.approx(list(lowest))
    for limit_found, couplings in zip(lowest.values(), excluded.values(), strict=True):
        after = table.couplings[np.searchsorted(table.couplings, limit_found)]
        assert couplings[0] == pytest.approx(after)


def test_workspace_is_taken_by_pyhf(contour):
    workspace = pyhf.Workspace(json.loads((contour / "workspace/BkgOnly.json").read_text()))
    patches = pyhf.PatchSet(json.loads((contour / "workspace/patchset.json").read_text()))
    patches.verify(workspace)
    table = read_yields(contour / "yields.csv", ANY)
    events = table.by_channel().signal
    i, j = 2, 5
    point = table.masses[i], table.couplings[j]
    (patch,) = (p for p in patches if np.allclose(p.values, point, rtol=1e-9))
    model = pyhf.Workspace(patch.apply(workspace)).model()
    rates = model.expected_actualdata(model.config.suggested_init())
    nothing = (
        pyhf.Workspace(workspace)
        .model()
        .expected_actualdata(pyhf.Workspace(workspace).model().config.suggested_init())
    )
    assert sum(rates) - sum(nothing) == pytest.approx(events[i, j].sum(), rel=1e-5)


def test_yields_and_workspace_tasks_stop_where_they_should(tmp_path, contour):
    yields = run(tmp_path, "task=yields")
    assert (yields / "yields.csv").read_text() == (contour / "yields.csv").read_text()
    assert not (yields / "workspace").exists()
    workspace = run(tmp_path, "task=workspace")
    for name in ("BkgOnly.json", "patchset.json"):
        own = json.loads((workspace / "workspace" / name).read_text())
        assert own == json.loads((contour / "workspace" / name).read_text())
    assert not (workspace / "limits.csv").exists()


def test_same_numbers_with_two_workers(tmp_path, contour):
    folder = run(tmp_path, "executor.workers=2")
    for name in ("yields.csv", "limits.csv", "points.csv"):
        assert (folder / name).read_text() == (contour / name).read_text()


def test_a_fine_grid_is_interpolated_alike_by_any_number_of_workers(tmp_path):
    fine = ("task=yields", "scan.mass={min: 0.1, max: 0.12, points: 9}", "scan.coupling.points=4")
    one, two = (run(tmp_path, *fine, f"executor.workers={n}") / "yields.csv" for n in (1, 2))
    assert one.read_text() == two.read_text()
    between = read_csv(one, required=("interpolated",)).numbers("interpolated")
    assert 0.4 < between.mean() < 0.8


def test_yields_that_are_not_converged_are_noted(tmp_path, capsys):
    poor = ("simulation.precision=0.001", "simulation.max_points=1", "simulation.upstream=50")
    run(tmp_path, "task=yields", "scan.mass.values=[0.1]", "scan.coupling.points=4", *poor)
    shown = " ".join(capsys.readouterr().out.split())
    assert "more than simulation.precision = 0.1%: raise simulation.max_points" in shown
    assert "of the events in the described world lie outside simulation.upstream = 50 m" in shown


def test_yields_from_a_file_give_the_same_limits(tmp_path, contour):
    folder = run(tmp_path, f"yields_from={contour / 'yields.csv'}")
    first, second = limit(contour, "observed"), limit(folder, "observed")
    assert list(first) == pytest.approx(list(second))
    assert list(first.values()) == pytest.approx(list(second.values()), rel=1e-3)


def test_resolved_config_runs_again(tmp_path, contour):
    assert main(["--config-dir", str(contour), f"runs={tmp_path}", "task.kind=yields"]) == 0
    (folder,) = tmp_path.glob("*/*")
    assert (folder / "yields.csv").read_text() == (contour / "yields.csv").read_text()


def test_point_agrees_with_the_grid(tmp_path, contour, capsys):
    table = read_yields(contour / "yields.csv", ANY)
    i, j = 1, 6
    mass, coupling = float(table.masses[i]), float(table.couplings[j])
    folder = run(tmp_path, "task=point", f"model.mass={mass!r}", f"model.coupling={coupling!r}")
    document = json.loads((folder / "summary.json").read_text())
    assert document["assumed"]["systematics.rock_length"] == "assumed"
    assert "settings have no source" in (folder / "report.html").read_text()
    events = [row["signal"] for row in document["channels"]]
    assert events == pytest.approx(table.by_channel().signal[i, j], rel=0.1)
    # no event observed: CLs of the data is at most that of every expectation
    exact = document["tests"]["exact"]
    assert exact["cls_observed"] <= min(exact["cls_expected"]) * 1.000001
    assert "proper decay length" in capsys.readouterr().out


def test_upgrade_has_two_detectors_and_only_expectations(tmp_path):
    folder = run(tmp_path, "detector=nd280_upgrade")
    with (folder / "limits.csv").open() as file:
        kinds = {row["kind"] for row in csv.DictReader(file)}
    assert "observed" not in kinds
    assert {"expected", "expected_-2", "expected_+2", "discovery"} <= kinds
    channels = {"nd280_upgrade_fhc", "nd280_upgrade_rhc", "nd280_fhc", "nd280_rhc"}
    assert set(read_yields(folder / "yields.csv", ANY).channel) == channels


def test_majorana_and_flavours_scale_as_they_must(tmp_path):
    # long lifetimes, yield = production * decay width: Majorana decays twice as fast; a universal
    # coupling also to the electron's neutrinos, and its N to three flavours
    low = ("scan.coupling.values=[1e-9,1.1e-9,1.2e-9,1.3e-9]", "task=yields")
    tables = {
        name: read_yields(run(tmp_path, *low, *change) / "yields.csv", ANY).decays
        for name, change in {
            "dirac": (),
            "majorana": ("model.nature=majorana",),
            "electron": ("model=dipole_e",),
            "universal": ("model=dipole_universal",),
        }.items()
    }
    # to first order in the decay probability, which is below 1e-3 here
    assert tables["majorana"] == pytest.approx(2 * tables["dirac"], rel=1e-3)
    total = 3 * (tables["dirac"] + tables["electron"])
    # sampled with other energies: equal within the errors of single volumes
    assert np.sum(tables["universal"], axis=-1) == pytest.approx(np.sum(total, axis=-1), rel=0.1)


def test_interrupted_run_leaves_no_damaged_file(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "hnlstat", f"runs={tmp_path}", "simulation.precision=0.001"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("*/*/config.yaml")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().splitlines() == ["hnlstat: interrupted"]
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if path.suffix == ".tmp"]
    names = {path.name for path in left if path.suffix != ".unit"}
    assert names <= {".lock", "config.yaml", "run.log", "store.json"}
    assert all(path.stat().st_size > 0 for path in left if path.name != ".lock")


def test_published_statistics_are_a_config(tmp_path, contour):
    folder = run(tmp_path, f"yields_from={contour / 'yields.csv'}", "inference=published")
    found = read_limits(folder / "limits.csv")
    assert {limit.method for limit in found} <= {"published LR", "published p0"}
    table = read_yields(contour / "yields.csv", ANY)
    for one in found:
        if (one.level, one.kind, one.branch) == (0.95, "observed", "lower"):
            i = int(np.argmin(np.abs(table.masses - one.mass_gev)))
            events = table.by_channel().signal[i].sum(axis=-1)
            curve = CubicSpline(np.log(table.couplings), np.log(events))
            # 1.645^2 / 2; the precision of the coupling is 0.2 %, and events go as its 4th power
            assert np.exp(curve(np.log(one.coupling))) == pytest.approx(1.353, rel=0.02)


def test_every_task_has_its_module_and_there_is_one_way_in():
    modules = {module.name for module in iter_modules(hnlstat.tasks.__path__)}
    kinds = {*get_args(Task.model_fields["kind"].annotation)}
    assert modules == {*kinds, "running"}
    assert all(callable(import_module(f"hnlstat.tasks.{kind}").run) for kind in kinds)
    assert {*ON_FOLDERS} < kinds
