"""task=events end to end through the command line."""

import json

import numpy as np
import pyhepmc
import pytest
from axes import ANY
from pyarrow import parquet

from hnlstat.app import main
from hnlstat.physics import decay
from hnlstat.run.files.yields import read_yields
from hnlstat.studies import checks

POINT = ("model.mass=200 MeV", "model.coupling=1e-6")
FAST = (*POINT, "events.number=5000", "executor.workers=1")


def run(tmp_path, *arguments):
    """Run the command line and return the folder that it made."""
    before = set(tmp_path.glob("*/*"))
    assert main(["task=events", *FAST, f"runs={tmp_path}", *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


def complaint(capsys, *arguments):
    """Run the command line, which must fail as for a user's error, and return its one line."""
    assert main(["task=events", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def columns(folder):
    with np.load(folder / "events.npz") as file:
        return {name: file[name] for name in file}


def test_events_agree_with_the_yields(tmp_path, capsys):
    further = "events.couplings=[1e-7,5e-6]"
    folder = run(tmp_path, "events.format=npz", further)
    assert "nd280_fhc, d_mu = 1e-06 GeV^-1" in capsys.readouterr().out
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {
        "config.yaml", "run.log", "provenance.json", "summary.json", "events.npz", "report.html",
        "citations.bib",
    }  # fmt: skip
    summary = json.loads((folder / "summary.json").read_text())
    events = columns(folder)
    assert summary["rows"] == len(events["weight"])
    assert abs(summary["rows"] - 5000) < 200
    grid = ("scan.mass.values=[0.2]", "scan.coupling.values=[1e-7,1e-6,5e-6]")
    assert main(["task=yields", *grid, f"runs={tmp_path}", "name=yields"]) == 0
    (table,) = (read_yields(path, ANY) for path in tmp_path.glob("yields/*/yields.csv"))
    branching = float(decay.branching_ratio(0.2, "ee"))
    for row in summary["expected"]:
        j = int(np.argmin(np.abs(np.log(table.couplings / row["coupling_inv_gev"]))))
        mine = np.array([name == row["channel"] for name in table.channel])
        expected = table.decays[0, j, mine].sum() * branching
        error = np.hypot(row["mc_error"], 0.01 * expected)
        assert row["decays_to_ee"] == pytest.approx(expected, abs=4 * error)
        mode = row["channel"].removeprefix("nd280_")
        weight = events[row["column"]][events["mode"] == mode]
        assert np.sum(weight) == pytest.approx(row["decays_to_ee"])
    assert len(summary["expected"]) == 6


def test_formats_hold_the_same_events(tmp_path):
    first = columns(run(tmp_path, "events.format=npz"))
    table = parquet.read_table(run(tmp_path, "events.format=parquet") / "events.parquet")
    assert np.array_equal(table["weight"].to_numpy(), first["weight"])
    with pyhepmc.open(run(tmp_path, "events.format=hepmc") / "events.hepmc3") as file:
        weights = [event.weights[0] for event in file]
    assert weights == pytest.approx(first["weight"])


def test_same_events_with_two_workers_and_other_seeds_differ(tmp_path):
    first = columns(run(tmp_path, "events.format=npz"))
    second = columns(run(tmp_path, "events.format=npz", "executor.workers=2"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    other = columns(run(tmp_path, "events.format=npz", "simulation.seed=2"))
    assert not np.array_equal(first["decay_x"], other["decay_x"])


@pytest.mark.parametrize("kind", ["parquet", "hepmc"])
def test_a_missing_library_is_one_clear_line(tmp_path, capsys, monkeypatch, kind):
    monkeypatch.setattr(checks, "find_spec", lambda _: None)
    line = complaint(capsys, *FAST, f"events.format={kind}", f"runs={tmp_path}")
    assert f"events.format: {kind} needs {checks.EVENT_LIBRARIES[kind]}" in line
    assert f"hnlstat[{kind}]" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "model.mass: is missing; task=events needs it"),
        ((POINT[0],), "model.coupling: is missing; task=events needs it"),
        ((*POINT, "model.mass=1 MeV"), "model.mass: N of 0.001 GeV is too light"),
        ((*POINT, "model.mass=60"), "model.mass: 60 GeV is above the beam's reach"),
        ((*POINT, "simulation.survival=false"), "simulation.survival: is false; task=events"),
        (
            (*POINT, "simulation.decay_lengths=3", "simulation.upstream=100"),
            "simulation.decay_lengths: is set; task=events needs null",
        ),
        ((*POINT, "yields_from={file}"), "yields_from: is of no use to task=events"),
        ((*POINT, "events.number=0"), "events.number: "),
        ((*POINT, "events.format=root"), "events.format: "),
        ((*POINT, "events.couplings=[1e-7,1e-7]"), "events.couplings: 1e-07 appears twice"),
        ((*POINT, "events.couplings=[-1e-7]"), "events.couplings"),
        ((*POINT, "events.numbers=10"), "did you mean events.number?"),
    ],
)
def test_bad_settings_are_one_clear_line(tmp_path, capsys, arguments, expected):
    file = tmp_path / "yields.csv"
    file.write_text("")
    given = [argument.format(file=file) for argument in arguments]
    assert expected in complaint(capsys, *given, f"runs={tmp_path / 'runs'}")
    assert not (tmp_path / "runs").exists()


def test_an_unwritable_folder_is_one_clear_line(tmp_path, capsys):
    (tmp_path / "runs").write_text("a file, not a folder")
    line = complaint(capsys, *FAST, f"runs={tmp_path / 'runs'}")
    assert "cannot make a run folder" in line
