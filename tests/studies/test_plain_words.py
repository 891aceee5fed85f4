"""What is refused is refused in words of ours, which say what would be right."""

import pytest

import hnlstat
from hnlstat.errors import ConfigError
from hnlstat.studies import load

OTHERS = (
    "Error merging",
    "Missing mandatory",
    "Multiple values",
    "more than once",
    "<class",
    "literal[",
    "input ",
)
"""Words of libraries."""


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["task=explained", "task.tests=[]"], "task.tests: [] is not a mapping of keys to values"),
        (["scan.mass=[1]"], "scan.mass: [1] is not a mapping of keys to values"),
        (["compare.steps={}"], "compare.steps: {} is a mapping of keys to values, where a list"),
        (["scan=[]"], "scan: is missing; add scan=NAME (coarse, default"),
        (["+exposure=t2k_2023"], "exposure: is there already; write exposure=t2k_2023 without"),
        (["exposure=t2k_2019", "+exposure=t2k_2023"], "exposure: is chosen twice; choose one"),
        (["task=collect"], "task.folder: is missing; give it by task.folder=..."),
        (["task=collect", "task.folder=null"], "task.folder: None is not a path"),
        (["task=figures", "task.folder=x", "task.figures=contours"], "contours is not a list"),
        (["task=figures", "task.folder=x", "task.figures=[]"], "[] is neither all nor a list of"),
        (["bounds.curves=5"], "bounds.curves: 5 is neither all nor a list of curves"),
        (["name=[1]"], "name: [1] is not a text"),
        (
            ["detector.name=a", "detector.datasets=null"],
            "datasets: none is not a list of datasets; write",
        ),
    ],
)
def test_settings(overrides, message):
    with pytest.raises(ConfigError) as error:
        load(overrides)
    assert message in str(error.value)
    assert not any(words in str(error.value) for words in OTHERS)


def test_settings_of_hydra_have_no_place_in_a_script():
    with pytest.raises(ConfigError, match=r"hydra\.run\.dir=x is a setting of Hydra"):
        hnlstat.study("hydra.run.dir=x")
