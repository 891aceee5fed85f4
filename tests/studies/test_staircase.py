"""The studies between two studies."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnlstat.config import Study
from hnlstat.config.compare import Compare, Step
from hnlstat.errors import ConfigError
from hnlstat.studies import load
from hnlstat.studies.loading import load_anew
from hnlstat.studies.staircase import staircase, stairs


@pytest.fixture(scope="module")
def published() -> Study:
    return load(["experiment=published"])


def steps(*keys: Sequence[str]) -> list[Step]:
    return [Step(name=f"step {i}", keys=tuple(group)) for i, group in enumerate(keys)]


def test_each_step_takes_its_keys_over_and_nothing_else(nd280: Study, published: Study) -> None:
    path = stairs(published, nd280, steps(["simulation.survival"], ["systematics"]))
    first, survival, systematics, rest = path
    assert (first.name, first.keys, rest.name) == ("published_2019", (), "rest")
    assert not first.study.simulation.survival
    assert survival.keys == ("simulation.survival",)
    changed = first.study.simulation.replace(survival=True)
    assert survival.study == first.study.replace(simulation=changed)
    assert systematics.study == survival.study.replace(systematics=nd280.systematics)
    assert set(systematics.keys) == {
        "systematics.searches", "systematics.flux", "systematics.rock_density",
        "systematics.mc_statistics",
        "systematics.form_factor", "systematics.pauli", "systematics.rock_length",
    }  # fmt: skip
    assert {"model.width_factor", "datasets.*.search.tpc_ee.background.rhc.pot_of"} <= set(
        rest.keys
    )
    assert rest.study == nd280


def test_grid_and_monte_carlo_settings_are_those_of_the_second(published: Study) -> None:
    own = ["simulation.precision=0.2", "simulation.seed=9", "scan=coarse", "inference.toys=5000"]
    last = load([*own, "name=mine"])
    first = stairs(published, last, [])[0].study
    assert (first.simulation.precision, first.simulation.seed) == (0.2, 9)
    assert (first.scan.mass, first.scan.coupling) == (last.scan.mass, last.scan.coupling)
    assert first.scan.table == published.scan.table  # what is simulated belongs to the study
    assert first.inference == published.inference.replace(toys=5000)
    assert first.datasets == published.datasets


ROCK = "datasets.*.detector.volumes.rock"


@pytest.mark.parametrize("other", ["tpc_ee_tracks", "photon"])
def test_what_one_kind_of_search_has_is_taken_over_within_the_kind(other: str) -> None:
    """The shipped steps name the efficiency: there is none of tracks, and another of photons."""
    study = load([f"search={other}"])
    compare = study.compare.model_copy(update={"from_": ("search=tpc_ee",)})
    path = staircase(study.replace(compare=compare))
    assert path[-1].study == study.replace(compare=compare)
    assert "efficiency of the release" not in [stair.name for stair in path]


@pytest.mark.parametrize(
    ("first", "last"),
    [("published", "detector=nd280"), ("published_upgrade", "detector=nd280_upgrade")],
)
def test_a_step_may_lie_in_each_dataset(first: str, last: str) -> None:
    before, target = load([f"experiment={first}"]), load([last])
    start, soil, _ = stairs(before, target, steps([ROCK]))
    assert soil.keys == (f"{ROCK}.center", f"{ROCK}.size", f"{ROCK}.density")
    for old, new, goal in zip(*(s.datasets for s in (before, soil.study, target)), strict=True):
        assert new.detector.volumes["rock"] == goal.detector.volumes["rock"]
        assert [*new.detector.volumes] == [*old.detector.volumes]
        assert new.exposure == old.exposure
    assert soil.study.simulation == start.study.simulation


def test_what_only_one_dataset_has_is_left_to_the_rest(nd280: Study, upgrade: Study) -> None:
    # sfgd is in the upgrade only; and two datasets have no counterparts in one
    other = load(["detector=nd280_upgrade", "exposure=t2k_2019", "detector.volumes.hall.density=1"])
    *_, rest = stairs(nd280, other, steps(["datasets.*.detector.volumes.sfgd"]))
    assert rest.name == "rest"
    assert {"datasets.*.name", "datasets.*.detector.volumes"} <= set(rest.keys)
    _, rest = stairs(nd280, upgrade, steps([ROCK]))
    assert "datasets" in rest.keys
    _, hall, _ = stairs(nd280, other, steps(["datasets.*.detector.volumes.hall"]))
    assert hall.keys == ("datasets.*.detector.volumes.hall.density",)


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(
        [["simulation"], ["model.width_factor"], ["model.branching_ratio"],
         ["datasets.*.search.*.efficiency"],
         ["datasets.*.search.*.background"], ["inference"], ["systematics"],
         ["datasets.*.exposure"], ["datasets.*.detector.volumes", "datasets.*.detector.assumed"],
         ["datasets.*.flux.uncertainty"],
         ["datasets.*.flux.flavours_by_mode"], ["scan"]]
    ),
    number=st.integers(0, 11),
)  # fmt: skip
def test_any_way_ends_at_the_second_study(
    nd280: Study, published: Study, order: list[list[str]], number: int
) -> None:
    path = stairs(published, nd280, steps(*order[:number]))
    assert path[-1].study == nd280
    names = [stair.name for stair in path]
    # its uncertainty is the same already: the step is passed over
    same = [["datasets.*.flux.uncertainty"], ["datasets.*.exposure"]]
    assert not {f"step {order.index(keys)}" for keys in same} & set(names)
    assert all(stair.keys for stair in path[1:])
    assert ("rest" in names) == any(group not in same for group in order[number:])


def test_equal_studies_have_no_way_between_them(nd280: Study) -> None:
    (only,) = stairs(nd280, nd280, steps(["simulation"], ["inference"]))
    assert only.study == nd280


def test_the_shipped_way_leaves_nothing_to_the_rest(nd280: Study) -> None:
    path = staircase(nd280)
    names = [step.name for step in nd280.compare.steps]
    names.remove("projections have no data")  # of the upgrade
    assert [stair.name for stair in path[1:]] == names
    assert path[-1].study == nd280


def test_other_detectors(nd280: Study, upgrade: Study) -> None:
    compare = nd280.compare.model_copy(
        update={"from_": ("experiment=published_upgrade",), "to": ("detector=nd280_upgrade",)}
    )
    path = staircase(nd280.replace(compare=compare))
    shared = {"name": nd280.name, "compare": compare}
    assert path[-1].study == upgrade.replace(**shared)
    names = [step.name for step in nd280.compare.steps]
    assert [stair.name for stair in path[1:]] == names


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("simulation.survivl", "simulation.survivl is unknown; did you mean simulation.survival?"),
        ("inferences", "inferences is unknown; did you mean inference?"),
        ("bounds", "bounds is unknown; choose from datasets, model"),
        ("datasets.*.detector.volumes.rok", "did you mean datasets.*.detector.volumes.rock?"),
        ("datasets.0.detector", "unknown; did you mean datasets.*.detector?"),
        ("simulation.survival.x", "simulation.survival.x is unknown; did you mean"),
    ],
)
def test_unknown_keys_are_named(nd280: Study, published: Study, key: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        stairs(published, nd280, steps(["model"], ["inference", key]))
    assert str(raised.value).startswith("compare.steps.1.keys: ")
    assert message in str(raised.value)


def test_keys_that_belong_together_are_asked_for(nd280: Study, published: Study) -> None:
    with pytest.raises(ConfigError, match="auto cannot go with") as raised:
        stairs(published, nd280, steps(["simulation.upstream"]))
    assert str(raised.value).startswith("compare.steps.0: after 'step 0': simulation.upstream")
    assert "together in one step" in str(raised.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("compare.from=['experiment=publishd']", "compare.from: experiment=publishd: no such"),
        ("compare.to=['simulation.radius=-1']", "compare.to: simulation.radius: -1 is not pos"),
        ("compare.masses=[0.2, 0.1]", "compare.masses: [0.2, 0.1] does not rise"),
        ("compare.masses=[0.2, 90]", "compare: 90 GeV is above the beam's reach"),
        ("compare.point.mass=90", "compare: 90 GeV is above the beam's reach"),
        ("+compare.start=[]", "compare.start: unknown key; choose from from, to, masses"),
        ("compare.steps=[{name: rest, keys: [model]}]", "compare.steps.0.name: rest is the name"),
        ("compare.steps=[{name: a, keys: []}]", "compare.steps.0.keys: [] is empty"),
        ("scan.coupling.points=3", "scan.coupling: has 3 points; a compare needs 4"),
        (f"yields_from={__file__}", "yields_from: is of no use to task=compare"),
    ],
)
def test_bad_settings_are_one_clear_line(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(["task=compare", override])
    assert str(raised.value).startswith(message)


def test_a_study_is_composed_anew_with_own_files(tmp_path: Path, published: Study) -> None:
    folder = tmp_path / "experiment"
    folder.mkdir()
    (folder / "mine.yaml").write_text("# @package _global_\ndefaults: [published]\nname: mine\n")
    search = f"hydra.searchpath=['file://{tmp_path}']"
    assert load_anew(["experiment=mine", search]) == published.replace(name="mine")


def test_the_section_survives_its_file(nd280: Study) -> None:
    again = Compare.model_validate(nd280.compare.model_dump(mode="json", by_alias=True))
    assert again == nd280.compare
