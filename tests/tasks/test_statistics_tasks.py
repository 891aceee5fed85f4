"""The tasks that study the statistics, through the command line."""

import csv
import json

import pytest

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
    assert len(rows) == 3 * 2 * 2
    assert {row["coverage"] for row in rows if row["signal"] == "0.0"} == {"1.0"}
    assert (folder / "coverage.png").stat().st_size > 0
    assert "lowest coverage" in capsys.readouterr().out
    again = run(tmp_path, "--config-dir", str(folder))
    assert (again / "coverage.csv").read_text() == (folder / "coverage.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task=coverage"], "model.mass: is missing; task=coverage needs it"),
        (["task=coverage", *POINT, "task.levels=[1.2]"], "task.levels.0: 1.2 is not between 0"),
        (["task=coverage", *POINT, "task.signals=[-1]"], "task.signals.0: -1 is negative"),
        (["task=coverage", *POINT, "+task.tois=3"], "task.tois: unknown key; did you mean task.to"),
        (["task.kind=coverage", *POINT], "task.signals: is missing"),
        (["task.kind=limits"], "task.kind: limits is not one of 'contour'"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(tmp_path, capsys, arguments, message):
    assert main([f"runs={tmp_path}", *arguments]) == 2
    assert message in capsys.readouterr().err
