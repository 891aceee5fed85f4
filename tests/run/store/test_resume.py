import shutil

import pytest

from hnlstat.errors import OutputError
from hnlstat.run.store.resume import run_folder
from hnlstat.studies import load

HASH = "0123456789ab"


@pytest.fixture(scope="module")
def nd280():
    return load(["experiment=quick"])


@pytest.fixture
def study(nd280, tmp_path):
    return nd280.replace(runs=tmp_path / "runs")


def begin(study, name=""):
    """Begin a run as if it were killed at once."""
    with run_folder(study, HASH) as folder:
        if name:
            folder.write_text(name, "x")
    return folder.path


def test_an_unfinished_run_goes_on(study):
    first = begin(study, "yields.csv")
    assert begin(study) == first
    assert (first / "yields.csv").exists()


def test_a_finished_run_does_not(study):
    first = begin(study, "summary.json")
    assert not (first / ".lock").exists()
    assert begin(study) != first


def test_a_run_without_a_store_begins_anew(study):
    first = begin(study)
    assert begin(study.replace(store="off")) != first


def test_another_study_begins_anew(study):
    first = begin(study)
    other = study.replace(inference=study.inference.replace(levels=(0.95,)))
    assert begin(other) != first


def test_more_workers_are_the_same_study(study):
    first = begin(study)
    assert begin(study.replace(executor=study.executor.replace(workers=7))) == first


def test_a_folder_in_use_is_left_alone(study):
    with run_folder(study, HASH) as first, run_folder(study, HASH) as second:
        assert first.path != second.path
        with (
            pytest.raises(OutputError, match="is in use by another run"),
            run_folder(study.replace(resume=first.path), HASH),
        ):
            pass


def test_half_written_files_are_cleared(study):
    first = begin(study, ".yields.csv.0123.tmp")
    begin(study)
    assert not list(first.glob("*.tmp"))


def test_resume_keeps_no_path_in_the_configuration(study):
    first = begin(study)
    assert begin(study.replace(resume=first)) == first
    assert "resume: null" in (first / "config.yaml").read_text()


def test_what_cannot_be_resumed_is_refused(study, tmp_path):
    first = begin(study)
    other = study.replace(inference=study.inference.replace(levels=(0.95,)))
    complete = tmp_path / "complete"
    shutil.copytree(first, complete)
    (complete / "summary.json").write_text("{}")
    for wrong, message in (
        (other.replace(resume=first), "begun with other settings"),
        (study.replace(resume=complete), "is complete"),
        (study.replace(resume=tmp_path), "is not a run folder"),
    ):
        with pytest.raises(OutputError, match=message), run_folder(wrong, HASH):
            pass
