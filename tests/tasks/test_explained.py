"""task=explained end to end, on a tiny grid: an excess that other data test."""

import csv
import json
import re

import pytest
from redrawn import check_redrawn

from hnlstat.app import main
from hnlstat.errors import ConfigError
from hnlstat.studies import load
from hnlstat.studies.checks import check
from hnlstat.studies.explained import others

TINY = (
    "scan.mass.min=0.03", "scan.mass.max=0.3", "scan.mass.points=5",
    "scan.coupling.min=1e-7", "scan.coupling.max=1e-5", "scan.coupling.points=9",
    "simulation.precision=0.1", "executor=serial", "task.points=40",
)  # fmt: skip
EXCESS = "search.tpc_ee.observed.t2k_2019={fhc: 12, rhc: 4}"
TESTS = (
    "+task.tests.none_seen={label: the same without events, overrides: ['detector=nd280', "
    "'exposure=t2k_2019']}",
    "+task.tests.tiny={overrides: ['detector=nd280', 'exposure=t2k_2023', "
    "'exposure.pot={fhc: 1e15, rhc: 1e15}']}",
)


def run(tmp_path, *arguments):
    """Run the command line and return the folder that it made."""
    before = set(tmp_path.glob("*/*"))
    assert main([f"runs={tmp_path}", "task=explained", *TINY, *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    return folder


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs"), EXCESS, *TESTS)


def shares(folder):
    with (folder / "explained.csv").open() as file:
        return {
            (row["test"], row["kind"], row["level"], row["region"]): row
            for row in csv.DictReader(file)
        }


def test_data_without_the_excess_exclude_what_it_prefers_and_few_data_nothing(explained):
    found = shares(explained)
    for region in ("0.6827", "0.95"):
        # none seen where some sixteen are expected; 5 sigma take -ln(2.9e-7) = 15 or more
        assert float(found["none_seen", "observed", "0.9", region]["area"]) == 1.0
        tiny = found["tiny", "expected", "0.9", region]
        assert float(tiny["area"]) == float(tiny["likelihood"]) == 0.0
        assert tiny["best_fit"] == "false"
    levels = {key[2] for key in found if key[0] == "none_seen"}
    assert len(levels) == 2  # 90 % and 5 sigma
    assert {key[1] for key in found if key[0] == "none_seen"} == {"observed", "discovery"}


def test_the_summary_says_what_is_tested_and_what_is_assumed(explained):
    summary = json.loads((explained / "summary.json").read_text())
    assert [test["name"] for test in summary["tests"]] == ["none_seen", "tiny"]
    none_seen, tiny = summary["tests"]
    # at the best fit the search expects the events that it has seen
    total = none_seen["signal_at_best_fit"] + none_seen["background"]
    assert total == pytest.approx(16.0, rel=0.15)
    assert tiny["signal_at_best_fit"] < 1e-3 * none_seen["signal_at_best_fit"]
    assert none_seen["assumed"] == []  # the fit rests on the same
    assert "search tpc_ee: efficiency" in summary["assumed"]
    report = (explained / "report.html").read_text()
    assert "the same without events (observed): excludes at 90% all of the 95% region" in report
    assert "nothing of the 95% region" in report
    document = json.loads((explained / "explained.json").read_text())
    assert {c["kind"] for c in document["none_seen"]["contours"]} == {"observed", "discovery"}
    assert document["tiny"]["contours"] == []
    assert (explained / "explained.pdf").is_file()


def test_it_runs_again_from_its_folder(tmp_path, explained):
    assert main(["--config-dir", str(explained), f"runs={tmp_path}"]) == 0
    (again,) = tmp_path.glob("*/*/explained.csv")
    assert again.read_text() == (explained / "explained.csv").read_text()


def test_its_figure_is_drawn_again(explained):
    check_redrawn(explained, "explained")


def test_without_an_excess_there_is_nothing_to_test(tmp_path):
    folder = run(tmp_path, *TESTS)
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["regions"], summary["tests"], summary["shares"]) == ([], [], [])
    assert "there is nothing to test" in " ".join(summary["remarks"])
    assert {"yields.csv", "workspace", "contours.json", "explained.png"} <= {
        path.name for path in folder.iterdir()
    }


TEST = "+task.tests.a={overrides: ['detector=nd280']}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["+task.tests.a.overrides=['detector=nd820']"], "task.tests.a: detector=nd820"),
        (
            ["+task.tests.a.overrides=['model=dipole_e']"],
            "tests.a.overrides.0: model=dipole_e is not",
        ),
        (["+task.tests.a.overrides=['scan=coarse']"], "all else is that of the fit"),
        (["+task.tests.a.overrides=[]"], "task.tests.a.overrides: "),
        (["+task.tests.a=['detector=nd280']"], "task.tests.a: "),
        (["+task.tests.a.label=other"], "task.tests.a.overrides: "),
        (["task.tests.a.label=other"], "task.tests.a.label: unknown key; .*; add a new one with +"),
        (
            ["+task.tests.a.overrides=['flux.flavours=[nue]']"],
            "task.tests.a: flux.table: t2k_nd280_flux has no flux that the model dipole couples to",
        ),
        (
            ["+task.tests.a.overrides=['search.tpc_ee.final_state=pizza']"],
            "task.tests.a: search.tpc_ee.final_state: pizza",
        ),
        ([TEST, "exposure=t2k_2023"], "data_from: missing; a projection has no data to fit"),
        ([TEST, "scan.mass.points=3"], "scan.mass: has 3 points; a fit needs 4"),
    ],
)
def test_bad_input_names_its_key(overrides, message):
    with pytest.raises(ConfigError) as error:
        check(load(["task=explained", *overrides]))
    assert re.search(message.replace("+", r"\+"), str(error.value))


def test_tests_are_the_study_itself_with_other_datasets():
    own = ("model.nature=majorana", "simulation.seed=7", "inference.levels=[0.8]")
    study = load(["experiment=miniboone_explained", *own])
    found = others(study)
    assert found.keys() == study.task.tests.keys()
    for test in found.values():
        assert {d.detector.name for d in test.datasets} <= {"nd280", "nd280_upgrade"}
        for key in ("model", "simulation", "inference", "scan", "systematics"):
            assert getattr(test, key) == getattr(study, key)
