"""Keyword sections become overrides that say the same."""

from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

import hnlstat
from hnlstat.api.grammar import PLAIN_KEY, literal, overrides_of
from hnlstat.studies import load

PARSER = OverridesParser.create()
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.text(alphabet="\\'\"${}a:,=[] ") | st.sampled_from(["null", "true", "1e3", "a,b", "~x"])
)  # fmt: skip
KEYS = st.from_regex(PLAIN_KEY, fullmatch=True)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8
)


def composed(text):
    """What Hydra makes of an override."""
    override = PARSER.parse_override(text)
    config = OmegaConf.create({})
    OmegaConf.update(config, "x", override.value())
    return OmegaConf.to_container(config, resolve=True)["x"]


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_values_come_back_as_they_were(value):
    assert repr(composed(f"x={literal(value, 'x')}")) == repr(value)


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (np.float64(0.1), 0.1),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a b"), "a b"),
        (np.array([[1.0, 2.5e-7], [3.0, 4.0]]), [[1.0, 2.5e-7], [3.0, 4.0]]),
        (np.array(5), 5),
        (np.float32(0.5), 0.5),
        ((1, "2"), [1, "2"]),
        (range(3), [0, 1, 2]),
        (Path("a b/ü.csv"), "a b/ü.csv"),
        ({"a": np.arange(2)}, {"a": [0, 1]}),
    ],
)
def test_numpy_and_paths_are_plain_values(value, same):
    assert composed(f"x={literal(value, 'x')}") == same


def test_sections_are_overrides():
    found = overrides_of(
        {
            "detector": "nd280_upgrade",
            "exposure": None,
            "model": {"nature": "majorana", "mass": 0.1},
            "scan": {"mass": {"points": 20}},
            "name": "it's",
            "experiment": ["quick"],
            "yields_from": None,
        }
    )
    assert list(found) == [
        "detector='nd280_upgrade'",
        "~exposure",
        "++model.nature='majorana'",
        "++model.mass=0.1",
        "++scan.mass.points=20",
        "name='it\\'s'",
        "experiment=['quick']",
        "yields_from=null",
    ]


def test_a_study_is_that_of_the_command_line():
    mine = hnlstat.study(
        "detector=nd280_upgrade",
        model={"nature": "majorana"},
        scan={
            "mass": {"points": 20, "min": "50 MeV"},
            "coupling": {"values": np.geomspace(1e-8, 1e-5, 7)},
        },
        inference={"levels": [0.9, 0.95]},
    )  # fmt: skip
    values = ",".join(map(repr, np.geomspace(1e-8, 1e-5, 7).tolist()))
    theirs = load(
        [
            "detector=nd280_upgrade", "model.nature=majorana", "scan.mass.points=20",
            "scan.mass.min=50 MeV", f"scan.coupling.values=[{values}]",
            "inference.levels=[0.90,0.95]",
        ]
    )  # fmt: skip
    assert mine == theirs


def test_new_names_and_whole_entries_need_no_plus():
    found = hnlstat.study(
        detector={"volumes": {"pond": {"center": [0, 0, -20], "size": [2, 2, 2],
                                       "material": "water", "density": 1.0}}},
        datasets=[{"detector": None, "exposure": "t2k_2019"}],
        bounds={"style": {"minerva": {"color": "black"}}},
    )  # fmt: skip
    assert found.datasets[0].detector.volumes["pond"].density == 1.0
    assert [d.exposure.name for d in found.datasets] == ["t2k_2019"]


def test_names_of_searches_may_be_an_array():
    assert hnlstat.study(search=np.array(["tpc_ee"])) == hnlstat.study(search=["tpc_ee"])


def test_an_option_that_is_not_chosen_may_be_taken_out():
    assert hnlstat.study(experiment=None) == hnlstat.study()
