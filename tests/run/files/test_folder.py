import json
import logging
import os
import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from hnlstat.errors import OutputError
from hnlstat.run.files.folder import (
    RunFolder,
    atomic_file,
    json_parts,
    write_csv,
    write_json,
    write_parts,
    write_text,
)

HASH = "0123456789abcdef"


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "runs", "nd280+nd280_upgrade", HASH)


def test_folder_is_named_by_study_time_and_hash(run, tmp_path):
    assert run.path.is_dir()
    assert run.path.parent == tmp_path / "runs" / "nd280+nd280_upgrade"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d{6}_01234567", run.path.name)


def test_two_runs_in_one_second_do_not_share_a_folder(tmp_path):
    paths = {RunFolder.create(tmp_path, "nd280", HASH).path for _ in range(5)}
    assert len(paths) == 5


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp", "a b"])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match="cannot name a run folder"):
        RunFolder.create(tmp_path / "runs", name, HASH)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises(OutputError, match=r"cannot make a run folder in .*nd280: ") as caught:
        RunFolder.create(tmp_path / "runs", "nd280", HASH)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_file_keeps_what_was_there(tmp_path, error):
    path = tmp_path / "limits.csv"
    path.write_text("old")

    def interrupted():
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["limits.csv"]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(OutputError, match=r"cannot write .*taken: "):
        write_text(tmp_path / "taken", "text")
    with pytest.raises(OutputError, match=r"cannot write .*absent"):
        write_text(tmp_path / "absent" / "file", "text")


def test_json_takes_arrays_and_has_null_for_what_is_no_number(run):
    path = run.write_json(
        "workspace/BkgOnly.json", {"mass": np.array([0.1]), "n": np.int64(2), "at": run.path}
    )
    assert json.loads(path.read_text()) == {"mass": [0.1], "n": 2, "at": run.path.as_posix()}
    content = {"limit": np.nan, "p": np.array([1.0, -np.inf]), "row": ({"z": float("inf")}, 2)}
    path = run.write_json("summary.json", content)
    assert json.loads(path.read_text()) == {
        "limit": None,
        "p": [1.0, None],
        "row": [{"z": None}, 2],
    }
    with pytest.raises(OutputError, match=r"bad\.json: a number in it is not finite"):
        run.write_json("bad.json", content, strict=True)
    with pytest.raises(TypeError, match="set has no place in JSON"):
        write_json(run.path / "bad.json", {1})
    assert not (run.path / "bad.json").exists()


def test_csv(run):
    write_csv(run.path / "t.csv", ("a", "b"), [(1, "x,y"), (2.5, "z")])
    assert (run.path / "t.csv").read_text() == 'a,b\n1,"x,y"\n2.5,z\n'


def test_figures_are_the_same_each_time(run):
    def draw():
        figure = Figure()
        figure.subplots().plot([1, 2])
        return figure

    first = [path.read_bytes() for path in run.write_figure("contours", draw())]
    second = [path.read_bytes() for path in run.write_figure("contours", draw())]
    assert first == second
    assert sorted(os.listdir(run.path)) == ["contours.pdf", "contours.png"]


def test_log_goes_to_the_run_while_it_lasts(run):
    with run.log():
        logging.getLogger("hnlstat.simulation").info("45 masses")
    logging.getLogger("hnlstat.simulation").warning("too late")
    text = (run.path / "run.log").read_text()
    assert "INFO    hnlstat.simulation: 45 masses" in text
    assert "too late" not in text


def test_sub_folder_in_the_way_is_one_line(run):
    (run.path / "workspace").touch()
    with pytest.raises(OutputError, match=r"cannot make .*workspace"):
        run.write_text("workspace/BkgOnly.json", "{}")


def test_json_in_parts_is_the_json_of_the_whole(tmp_path):
    content = {"name": "ä", "some": {"a": [1.5, None]}, "one": [{"b": 1}, 2, "c"], "none": []}
    lazy = content | {"one": iter(content["one"]), "none": iter(())}
    write_parts(tmp_path / "parts.json", json_parts(lazy))
    write_json(tmp_path / "whole.json", content, indent=None)
    assert (tmp_path / "parts.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_a_text_whose_parts_fail_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_parts(tmp_path / "x.json", json_parts({"a": iter([1.0, float("nan")])}))
    assert list(tmp_path.iterdir()) == []
