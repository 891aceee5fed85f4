"""task=compare end to end through the command line, on a tiny grid."""

import csv
import json
import shutil

import numpy as np
import pytest
from axes import ANY
from redrawn import check_redrawn

from hnlstat.app import main
from hnlstat.run.files.limits import read_limits
from hnlstat.run.files.yields import read_yields

TINY = (
    "scan.coupling.min=3e-8", "scan.coupling.max=1e-5", "scan.coupling.points=6",
    "simulation.precision=0.1", "executor.workers=1",
)  # fmt: skip
MASSES = "[0.06, 0.097]"
POINT = "{mass: 0.2, coupling: 1e-6}"


def run(tmp_path, *arguments):
    """Run the command line and return the folder that it made."""
    before = set(tmp_path.glob("*/*"))
    assert main([f"runs={tmp_path}", *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


def rows(folder):
    with (folder / "compare.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs")
    settings = (f"compare.masses={MASSES}", f"compare.point={POINT}")
    return run(path, "task=compare", *TINY, *settings)


def test_its_figure_is_drawn_again(compared, tmp_path):
    check_redrawn(shutil.copytree(compared, tmp_path / "again"), "compare")


def test_files_and_summary(compared):
    assert {path.name for path in compared.iterdir()} == {
        "config.yaml", "run.log", "provenance.json", "summary.json", "citations.bib",
        "compare.csv", "compare.md", "compare.png", "compare.pdf", "report.html", "units",
    }  # fmt: skip
    summary = json.loads((compared / "summary.json").read_text())
    names = [step["name"] for step in summary["steps"]]
    assert names[0] == "published_2019"
    assert names[-1] == "uncertainties"
    assert len(rows(compared)) == 2 * len(names)
    assert summary["remarks"] == []


def test_the_last_step_is_the_second_study_itself(tmp_path, compared):
    contour = run(tmp_path, *TINY, f"scan.mass.values={MASSES}", "inference.sigmas=[]")
    own = [
        limit.coupling
        for limit in read_limits(contour / "limits.csv")
        if (limit.kind, limit.branch) == ("observed", "lower")
    ]
    last = rows(compared)[-2:]
    # a run knows the tests of its grid, so that the root is found on another way, to its precision
    assert [float(row["coupling"]) for row in last] == pytest.approx(own, rel=2e-3)
    assert {row["level"] for row in last} == {"0.9"}
    grid = ("scan.mass.values=[0.2]", "scan.coupling.values=[1e-6]")
    yields = read_yields(run(tmp_path, "task=yields", *TINY, *grid) / "yields.csv", ANY)
    assert float(last[0]["events_at_point"]) == pytest.approx(yields.events.sum(), rel=1e-5)


def test_the_first_step_is_the_first_study_itself(tmp_path, compared):
    # the couplings of its table, and of the other grid those between them
    table, couplings = np.geomspace(5e-8, 5e-6, 10), np.geomspace(3e-8, 1e-5, 6)
    couplings = np.union1d(table, couplings[(couplings > table[0]) & (couplings < table[-1])])
    grid = (
        f"scan.mass.values={MASSES}", "inference.sigmas=[]",
        f"scan.coupling.values={couplings.tolist()}",
    )  # fmt: skip
    contour = run(tmp_path, "experiment=published", *TINY, *grid)
    own = [
        limit.coupling
        for limit in read_limits(contour / "limits.csv")
        if (limit.kind, limit.branch) == ("observed", "lower")
    ]
    first = rows(compared)[:2]
    assert [float(row["coupling"]) for row in first] == pytest.approx(own, rel=2e-3)
    assert {row["ratio_to_previous"] for row in first} == {""}
    assert {row["level"] for row in first} == {"0.95"}


def test_steps_go_the_way_they_must(compared):
    found = {row["step"]: row for row in rows(compared) if row["mass_gev"] == "0.097"}
    ratio = {name: float(row["ratio_to_previous"] or 1) for name, row in found.items()}
    # N that decay on the way no longer count, nor do those of the wider phase space
    assert ratio["survival to the detector"] > 1
    assert ratio["tree-level branching ratio"] > 1
    # 1.353 events at n = 0 become ln 10: between the square and the fourth root of that
    assert (2.303 / 1.353) ** 0.25 - 0.01 < ratio["CLs"] < (2.303 / 1.353) ** 0.5 + 0.01
    # straight lines lie above a curve that bends down; the other half of the beam adds events
    assert ratio["no coarse table"] < 1
    assert ratio["all flavours of the beam"] < 1
    assert ratio["soil"] > 1
    assert ratio["background"] == pytest.approx(1, rel=1e-6)  # nothing observed
    events = {name: float(row["events_at_point"]) for name, row in found.items()}
    assert events["survival to the detector"] < events["published_2019"]
    assert events["uncertainties"] == events["CLs"] == events["efficiency of the release"]


def test_it_runs_again_from_its_folder(tmp_path, compared):
    folder = run(tmp_path, "--config-dir", str(compared))
    assert (folder / "compare.csv").read_text() == (compared / "compare.csv").read_text()


def test_projections_have_expected_limits_and_unnamed_settings_come_last(tmp_path):
    # 0.8 GeV: nothing is excluded below 1e-5
    folder = run(
        tmp_path, "task=compare", *TINY, "exposure=t2k_2023", "compare.masses=[0.097, 0.8]",
        "compare.from=['exposure=t2k_2023','model=dipole_e']",
        "compare.steps=[{name: uncertainties, keys: [systematics]}]",
    )  # fmt: skip
    first, _, last, nothing = rows(folder)
    assert {row["kind"] for row in (first, last)} == {"expected"}
    assert (last["step"], last["keys"]) == ("rest", "model.flavours.e model.flavours.mu")
    assert nothing["coupling"] == nothing["ratio_to_previous"] == ""
    # more of the beam is numu
    assert float(last["ratio_to_previous"]) < 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["compare.steps=[{name: one, keys: [simulation.survivl]}]"],
            "compare.steps.0.keys: simulation.survivl is unknown; did you mean simulation.survival",
        ),
        (["compare.from=['experiment=publishd']"], "compare.from: experiment=publishd: no such"),
        (["compare.from=[experiment=published]"], "quoting values with spaces, = or ^"),
        (["compare=publishd"], "compare=publishd: no such compare; did you mean published?"),
    ],
)
def test_bad_settings_are_one_clear_line(tmp_path, capsys, arguments, expected):
    assert main(["task=compare", f"runs={tmp_path / 'runs'}", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert not (tmp_path / "runs").exists()


def test_own_files_are_found(tmp_path, capsys):
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / "mine.yaml").write_text("# @package _global_\nsimulation: {radius: -1 m}\n")
    settings = ["task=compare", f"runs={tmp_path / 'runs'}", "compare.from=['experiment=mine']"]
    assert main(["--config-dir", str(tmp_path), *settings]) == 2
    assert "compare.from: simulation.radius: -1 m is not positive" in capsys.readouterr().err
