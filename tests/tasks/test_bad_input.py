"""What no limit can be made of: one line that names it and a status that is not zero."""

import json

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.tables.csv_table import read_csv

MASSES, COUPLINGS = np.geomspace(0.06, 0.2, 4), np.geomspace(1e-8, 1e-4, 8)
MODES = ("fhc", "rhc")


def yields(path, factors=((2, 1),) * 4):
    """Write a table of yields, those of each mass and channel times a factor."""
    lines = ["channel,mass_gev,coupling_inv_gev,events"]
    for mass, of_channels in zip(MASSES, factors, strict=True):
        for d in COUPLINGS:
            events = (d / 5e-7) ** 2 * np.exp(-((d / 2e-5) ** 2)) * np.array(of_channels)
            lines += [f"nd280_{mode},{mass},{d},{n}" for mode, n in zip(MODES, events, strict=True)]
    path.write_text("\n".join([*lines, ""]))
    return f"yields_from={path}"


def refused(capsys, *arguments):
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return " ".join(captured.err.split())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "search.tpc_ee.background.rhc.events=0",
            "search.tpc_ee.background.rhc.events: 0 leaves channel",
        ),
        ("search.tpc_ee.background.fhc.events=-1", "search.tpc_ee.background.fhc.events: -1"),
        ("inference.levels=[1.5]", "inference.levels.0: 1.5 is not between 0 and 1"),
        ("inference.levels=[0]", "inference.levels.0: 0 is not between 0 and 1"),
        ("inference.calculator=toy", "inference.calculator"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, capsys, setting, message):
    given = yields(tmp_path / "y.csv")
    assert message in refused(capsys, f"runs={tmp_path / 'runs'}", given, setting)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ([(2, 1), (2, 1), (np.nan, 1), (2, 1)], "line 34: events = 'nan' is not finite"),
        ([(2, 1), (2, 1), (-2, 1), (2, 1)], "line 34: events = '-0.000"),
        ([(0, 0)] * 4, "no grid point has a signal"),
    ],
)
def test_yields_that_make_no_sense(tmp_path, capsys, factors, message):
    given = yields(tmp_path / "y.csv", factors)
    assert message in refused(capsys, f"runs={tmp_path / 'runs'}", given)


@pytest.mark.parametrize(
    ("masses", "couplings", "message"),
    [
        (1, 6, "few.csv: mass_gev has 1 point; a contour needs 2"),
        (3, 3, "few.csv: coupling_inv_gev has 3 points; a contour needs 4"),
    ],
)
def test_too_few_yields_for_a_contour(tmp_path, capsys, masses, couplings, message):
    rows = [
        f"nd280_{mode},{0.1 * (1 + i)},{10.0 ** (j - 8):g},{1 + i + j}"
        for mode in MODES for i in range(masses) for j in range(couplings)
    ]  # fmt: skip
    head = "channel,mass_gev,coupling_inv_gev,events"
    (tmp_path / "few.csv").write_text("\n".join([head, *rows, ""]))
    given = f"yields_from={tmp_path / 'few.csv'}"
    assert message in refused(capsys, f"runs={tmp_path / 'runs'}", given)
    assert not (tmp_path / "runs").exists()


def test_an_empty_channel_and_a_mass_without_signal_lose_nothing(tmp_path):
    given = yields(tmp_path / "y.csv", [(2, 0), (0, 0), (2, 0), (2, 0)])
    assert main([f"runs={tmp_path}", "executor.workers=1", given]) == 0
    (folder,) = tmp_path.glob("*/*")
    limits = read_csv(folder / "limits.csv", required=("mass_gev",))
    assert len({*limits.columns["mass_gev"]}) == MASSES.size - 1
    points = read_csv(folder / "points.csv", required=("validity", "cls_observed"))
    assert all(validity.startswith("ok") for validity in points.columns["validity"])
    assert points.columns["cls_observed"].count("1") >= COUPLINGS.size


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not JSON"), ('{"channels": []}', "is not a valid workspace")],
)
def test_workspaces_that_are_none(tmp_path, capsys, content, message):
    for name in ("a", "b"):
        workspace = tmp_path / name / "workspace"
        workspace.mkdir(parents=True)
        (workspace / "BkgOnly.json").write_text(content)
        (workspace / "patchset.json").write_text(json.dumps({}))
    folders = f"task.folders=[{tmp_path / 'a'}, {tmp_path / 'b'}]"
    assert message in refused(capsys, f"runs={tmp_path / 'runs'}", "task=combine", folders)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nd280_fhc,0\nnd280_rhc,1_0\n", "line 3: observed = '1_0' is not a number"),
        ("nd280_fhc,0\n", "has no line for channel 'nd280_rhc'"),
        ("nd280_fhc,0\nnd280_rhc,1e300\n", "line 3: observed = '1e300' must be at most"),
        ("nd280_fhc,0\nother,0\n", "line 3: channel"),
    ],
)
@pytest.mark.parametrize("simulated", [False, True])
def test_bad_data_are_refused_before_anything_is_made(tmp_path, capsys, simulated, text, message):
    (tmp_path / "n.csv").write_text("channel,observed\n" + text)
    given = "task=workspace" if simulated else yields(tmp_path / "y.csv")
    found = refused(capsys, f"runs={tmp_path / 'runs'}", given, f"data_from={tmp_path / 'n.csv'}")
    assert message in found
    assert not (tmp_path / "runs").exists()


def test_a_combination_that_is_refused_leaves_nothing(tmp_path, capsys):
    runs = f"runs={tmp_path / 'runs'}"
    for name in "ab":
        common = (yields(tmp_path / "y.csv"), runs, "task=workspace", f"name={name}")
        assert main([*common, "executor=serial"]) == 0
    a, b = (next((tmp_path / "runs" / name).iterdir()) for name in "ab")
    (b / "workspace" / "BkgOnly.json").write_text("{}")
    refused(capsys, "task=combine", f"task.folders=[{a},{b}]", "name=c", runs)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"a", "b"}
