"""Results in memory: the same as the command line's, shown, copied, saved."""

import copy
import csv
import json
import pickle

import numpy as np
import pyhf
import pytest
from matplotlib.figure import Figure

import hnlstat
from hnlstat.api.results import Result
from hnlstat.errors import ConfigError, HnlstatError

SAME = {"yields": 6e-8, "limits": 6e-7, "points": 6e-4}
"""Relative differences that the digits of the files leave."""


def check_same(table, path, error):
    with path.open(encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    assert table.columns == tuple(names)
    assert len(table) == len(rows)
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        column = table[name]
        if column.dtype.kind == "f":
            values = [float(cell) if cell else np.nan for cell in cells]
            digits = 0.01 if name == "precision" else error
            np.testing.assert_allclose(column, values, rtol=digits, atol=1e-12, err_msg=name)
        else:
            assert [str(value).lower() for value in column] == [cell.lower() for cell in cells]


@pytest.mark.parametrize("name", [*SAME])
def test_tables_are_the_files_of_the_command_line(result, folder, name):
    check_same(result.tables[name], folder / f"{name}.csv", SAME[name])


def test_documents_are_the_files_of_the_command_line(result, folder):
    for name, mine in (("BkgOnly", result.workspace), ("patchset", result.patchset)):
        assert mine == json.loads((folder / "workspace" / f"{name}.json").read_text())
    theirs = json.loads((folder / "summary.json").read_text())
    assert theirs.pop("citations")  # of citations.bib, a file
    assert result.summary == theirs
    contours = json.loads((folder / "contours.json").read_text())["contours"]
    assert [c["kind"] for c in contours] == [region.kind for region in result.contours]
    pyhf.PatchSet(result.patchset).verify(result.workspace)


def test_stages_give_what_the_run_gives(study, result):
    yields = hnlstat.simulate(study)
    likelihood = hnlstat.likelihood(study, yields)
    limits = hnlstat.limits(study, likelihood)
    for mine, theirs in (
        (yields, result.yields), (limits, result.limits), (limits.points, result.points),
    ):  # fmt: skip
        assert mine.columns == theirs.columns
        for name in mine.columns:
            np.testing.assert_array_equal(mine[name], theirs[name])
    assert likelihood.workspace == result.workspace
    assert likelihood.patchset == result.patchset
    for mine, theirs in zip(limits.contours, result.contours, strict=True):
        np.testing.assert_array_equal(mine.outline, theirs.outline)
    assert isinstance(limits.figure(), Figure)
    assert "nd280_fhc" in repr(likelihood)
    assert "nd280_fhc" in likelihood._repr_html_()
    again = hnlstat.likelihood(study, result.yields)  # of a table without its simulation
    np.testing.assert_array_equal(hnlstat.limits(study, again)["coupling"], limits["coupling"])


def test_a_run_leaves_and_says_nothing_and_gives_the_same_twice(
    small, result, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    again = hnlstat.run(hnlstat.study(*small))
    assert again.figure()
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert again.folder is None
    for name in result.tables:
        for column in result.tables[name]:
            np.testing.assert_array_equal(again.tables[name][column], result.tables[name][column])


def test_what_is_saved_is_a_run(result, folder, tmp_path):
    path = result.save(tmp_path / "mine")
    names = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    theirs = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert names == {n for n in theirs if not n.startswith("units/") and n != "run.log"}
    for name in ("yields.csv", "limits.csv", "points.csv", "contours.json", "summary.json",
                 "contours.png", "contours.pdf", "workspace/patchset.json"):  # fmt: skip
        assert (path / name).read_bytes() == (folder / name).read_bytes(), name
    with pytest.raises(HnlstatError, match="mine: is there already; name a new folder"):
        result.save(path)


def test_files_and_words_come_when_asked_for(small, tmp_path, capsys):
    found = hnlstat.run(hnlstat.study(*small, task="yields"), keep=tmp_path, verbose=True)
    assert found.folder.parent.parent == tmp_path
    check_same(found.yields, found.folder / "yields.csv", SAME["yields"])
    assert str(found.folder) in capsys.readouterr().out.replace("\n", "")


def test_results_can_be_copied_and_pickled(study, result):
    yields = hnlstat.simulate(study)
    likelihood = hnlstat.likelihood(study, yields)
    for thing in (study, result, yields, likelihood, hnlstat.limits(study, likelihood)):
        for other in (copy.deepcopy(thing), pickle.loads(pickle.dumps(thing))):
            assert repr(other) == repr(thing)
    other = pickle.loads(pickle.dumps(result))
    assert isinstance(other, Result)
    assert isinstance(other.figure(), Figure)


def test_things_show_themselves(study, result):
    assert repr(study) == "<Study nd280: task=contour, datasets nd280>"
    assert "<th>scan</th>" in study._repr_html_()
    page = result._repr_html_()
    assert "data:image/png;base64," in page
    assert "90% CLs observed" in page
    assert result.figure()._repr_png_().startswith(b"\x89PNG")
    assert "contours" in result.figures
    assert repr(result.limits).startswith(f"limits: {len(result.limits)} rows\n")
    assert repr(result.limits).endswith("...")
    assert result.limits._repr_html_().count("<tr>") == 11


def test_tables_turn_into_others(result):
    limits = result.limits
    observed = limits.where(kind="observed", branch="lower", level=0.9)
    assert set(observed["kind"]) == {"observed"}
    assert set(observed["mass_gev"]) == {*limits["mass_gev"]}
    rows = np.asarray(limits)
    assert rows.dtype.names == limits.columns
    np.testing.assert_array_equal(rows["coupling"], limits["coupling"])
    assert dict(limits).keys() == {*limits.columns}
    assert "mass_gev" in limits
    arrow = pytest.importorskip("pyarrow") and limits.to_arrow()
    assert tuple(arrow.column_names) == limits.columns
    assert arrow["coupling"].to_pylist() == limits["coupling"].tolist()


def test_tables_turn_into_pandas(result):
    pandas = pytest.importorskip("pandas")
    frame = result.limits.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert tuple(frame.columns) == result.limits.columns


POINT = {"mass": 0.1, "coupling": 1e-6}
TASKS = {
    "workspace": ({}, (), {"yields"}, ()),
    "point": ({"model": POINT}, (), {"yields"}, ()),
    "events": (
        {"model": POINT, "events": {"number": 200, "format": "npz"}}, (), {"events"}, (),
    ),
    "coverage": (
        {"model": POINT}, ("task.toys=100", "task.signals=[1]"), {"yields", "coverage"},
        ("coverage",),
    ),
    "inject": ({"model": POINT}, (), {"yields", "data"}, ()),
    "fit": ({}, ("task.points=20",), {"yields"}, ("fit", "pulls")),
    "requirements": (
        {}, ("task.background.points=2", "task.efficiency.points=2"), {"yields", "requirements"},
        ("requirements",),
    ),
    "efficiency": ({}, ("search=tpc_ee_tracks",), {"yields", "cutflow", "efficiency"}, ()),
    "compare": (
        {"compare": {"from": ["model.nature=majorana"], "masses": [0.1]}}, (), {"compare"},
        ("compare",),
    ),
    "explained": (
        {}, ("task.points=20", "search.tpc_ee.observed.t2k_2019={fhc: 12, rhc: 4}"),
        {"yields", "explained"}, ("explained",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("task", [*TASKS])
def test_every_task_gives_its_tables_and_figures(task, small, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    sections, overrides, tables, figures = TASKS[task]
    found = hnlstat.run(hnlstat.study(*small, *overrides, task=task, **sections))
    assert {*found.tables} == tables
    assert found.figures == figures
    assert all(len(table) for table in found.tables.values())
    assert found.summary["task"] == task
    assert isinstance(found._repr_html_(), str)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    path = pickle.loads(pickle.dumps(found)).save(tmp_path / "saved")
    left = json.loads((path / "summary.json").read_text())
    assert left == {**found.summary, "citations": left["citations"]}
    for name in figures:
        assert (path / f"{name}.png").is_file()
    if task == "efficiency":
        for name in ("yields", "cutflow"):
            check_same(found.tables[name], path / f"{name}.csv", 1e-5)


def test_a_fit_stage_by_stage(small):
    study = hnlstat.study(*small, task="fit")
    found = hnlstat.fit(study, hnlstat.likelihood(study, hnlstat.simulate(study)))
    whole = hnlstat.run(study)
    assert found.best.improvement == whole.summary["improvement"]
    assert found.parameters["name"].tolist()[:2] == ["mass", "coupling"]
    assert found.figure().axes
    assert found.figure("pulls").axes
    with pytest.raises(ConfigError, match=r"figure: 'pull' is none; did you mean pulls\?"):
        found.figure("pull")
    assert "coupling" in found._repr_html_()
    assert len(found.contours) == len(whole.document("contours.json"))


def test_tasks_on_folders_of_runs(small, result, tmp_path):
    other = hnlstat.run(hnlstat.study(*small, task="workspace", detector={"name": "other"}))
    parts = [str(one.save(tmp_path / name)) for name, one in (("a", result), ("b", other))]
    both = hnlstat.run(hnlstat.study("task=combine", task={"folders": parts}))
    assert both.summary["patches"] == len(both.patchset["patches"])
    assert {c["name"] for c in both.workspace["channels"]} >= {"nd280_fhc", "other_fhc"}
    wanted = {"folder": parts[0], "figures": ["yields"]}
    drawn = hnlstat.run(hnlstat.study("task=figures", task=wanted, executor="serial"))
    assert drawn.summary["figures"] == ["yields"]
    assert (tmp_path / "a" / "figures" / "yields.png").is_file()
    with pytest.raises(HnlstatError, match="save: the files of task=figures have their folder"):
        drawn.save(tmp_path / "c")
