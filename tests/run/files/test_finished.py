import dataclasses
import json

import numpy as np
import pytest

from hnlstat.errors import ConfigError, DataError
from hnlstat.run.contours import Region, contours_document
from hnlstat.run.files.finished import FinishedRun, main_limit, read_contours
from hnlstat.studies.saved import to_yaml


def region(level=0.9, kind="observed"):
    outline = np.array([[0.1, 1e-6], [0.3, 1e-6], [0.2, 4e-6], [0.1, 1e-6]])
    hole = np.array([[0.18, 1.5e-6], [0.2, 2e-6], [0.22, 1.5e-6], [0.18, 1.5e-6]])
    return Region(level, kind, "exact CLs", outline, (hole,), (outline[:2], hole),
                  True, False, False, True)  # fmt: skip


@pytest.fixture
def folder(tmp_path, nd280):
    (tmp_path / "config.yaml").write_text(to_yaml(nd280))
    (tmp_path / "summary.json").write_text("{}")
    return tmp_path


def test_contours_come_back_as_they_were(tmp_path):
    path = tmp_path / "contours.json"
    path.write_text(json.dumps(contours_document([region(), region(0.95, "expected")])))
    first, second = read_contours(path)
    assert (second.level, second.kind) == (0.95, "expected")
    for name, value in dataclasses.asdict(region()).items():
        found = getattr(first, name)
        if isinstance(value, np.ndarray | tuple):
            for a, b in zip(value, found, strict=True):
                assert np.array_equal(a, b)
        else:
            assert found == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entry: entry.pop("polygon"), "contours.1: lacks 'polygon'"),
        (lambda entry: entry.update(polygon=[[[0.1, -1.0]]]), "contours.1: has a curve that"),
        (lambda entry: entry.update(level="high"), "contours.1: could not convert"),
        (lambda entry: entry.update(polygon=[]), "contours.1: not enough values"),
    ],
)
def test_bad_contours_are_named(tmp_path, change, words):
    document = contours_document([region(), region()])
    change(document["contours"][1])
    path = tmp_path / "contours.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=words) as error:
        read_contours(path)
    assert str(path) in str(error.value)


def test_another_schema_is_refused(tmp_path):
    path = tmp_path / "contours.json"
    path.write_text('{"schema": "other", "contours": []}')
    with pytest.raises(DataError, match="schema is not 'hnlstat contours 2'"):
        read_contours(path)


def test_the_main_limit_is_the_observed_one_of_the_lowest_level():
    observed = region(0.9, "observed")
    assert main_limit([region(0.95), region(0.8, "expected"), observed]) == [observed]
    expected = region(0.9, "expected")
    assert main_limit([region(0.9, "discovery"), expected]) == [expected]
    assert main_limit([]) == []


def test_a_run_is_read(folder, nd280):
    run = FinishedRun.open(folder)
    assert run.study == nd280
    assert run.has("config.yaml")
    assert not run.has("yields.csv")


def test_what_is_no_finished_run_is_named(folder):
    (folder / "summary.json").write_text('{"reaches": [\n}')
    with pytest.raises(DataError, match=r"summary.json: is not JSON: .*line 2"):
        FinishedRun.open(folder)
    (folder / "summary.json").unlink()
    with pytest.raises(DataError, match=r"did not finish: it has no summary.json"):
        FinishedRun.open(folder)
    (folder / "config.yaml").write_text("name: x\n")
    (folder / "summary.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"config.yaml: "):
        FinishedRun.open(folder)
    (folder / "config.yaml").unlink()
    with pytest.raises(DataError, match="not the folder of a run"):
        FinishedRun.open(folder)
