from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from hnlstat.config import MassGrid, Study
from hnlstat.errors import ConfigError
from hnlstat.studies import from_config, load, read
from hnlstat.studies.saved import content_hash, to_yaml
from hnlstat.tables.modes import modes_of


def again(study: Study) -> Study:
    config = OmegaConf.create(to_yaml(study))
    del config["defaults"]
    return from_config(config)


def test_the_resolved_configuration_is_the_study(nd280: Study, upgrade: Study) -> None:
    for study in (nd280, upgrade):
        assert again(study) == study
        assert content_hash(again(study)) == content_hash(study)


@settings(max_examples=15, deadline=None)
@given(
    mass=st.floats(1e-3, 20),
    coupling=st.floats(1e-12, 1),
    density=st.floats(1e-6, 30),
    nature=st.sampled_from(["dirac", "majorana"]),
    level=st.floats(0.01, 0.999),
)
def test_any_study_survives_its_file(
    nd280: Study, mass: float, coupling: float, density: float, nature: str, level: float
) -> None:
    dataset = nd280.datasets[0]
    rock = dataset.detector.volumes["rock"].replace(density=density)
    detector = dataset.detector.replace(volumes={**dataset.detector.volumes, "rock": rock})
    study = nd280.replace(
        datasets=(dataset.replace(detector=detector),),
        model=nd280.model.replace(mass=mass, coupling=coupling, nature=nature),
        inference=nd280.inference.replace(levels=(level,)),
    )
    assert again(study) == study


def test_background_errors_are_those_of_the_release(nd280: Study) -> None:
    """e+ e- of "nd280-heavy-neutrino-search-2018", the data release of arXiv:1902.07598."""
    release = {"fhc": (0.563221, 0.240792), "rhc": (0.015341, 0.015418)}
    stated = nd280.datasets[0].search["tpc_ee"].background
    for mode, (events, error) in release.items():
        assert stated[mode].events == pytest.approx(events, rel=0.03)
        assert stated[mode].error == pytest.approx(error / events, abs=0.006)


def test_efficiencies_are_those_of_the_release(nd280: Study) -> None:
    """Means over N -> nu e e of the release, all of one mass; the publication's are its own."""
    release = modes_of(load(["model=mixed", "search=t2k_2019"]).datasets[0].search["t2k_2019"])
    pairs = [q for q, mode in enumerate(release.modes) if mode.decay == "ee"]
    assert pairs == [10, 11, 14, 15]
    values = np.concatenate([table[:, pairs, 4] for table in release.value.values()], axis=1)
    stated = nd280.datasets[0].search["tpc_ee"].efficiency
    assert stated.mass == pytest.approx(release.masses)
    assert stated.value == pytest.approx(
        values.sum(axis=1) / np.count_nonzero(values, axis=1), abs=5.1e-5
    )
    for name in ("published", "published_2023", "published_upgrade"):
        theirs = load([f"experiment={name}"]).datasets[-1].search["tpc_ee"].efficiency
        assert len(theirs.mass) == len(theirs.value) == 14
        assert (theirs.mass[0], theirs.value[0], max(theirs.value)) == (0.15, 0.063, 0.105)


@pytest.mark.parametrize(
    "settings",
    [[], ["detector=nd280_upgrade"], ["search=tpc_ee_tracks"], ["experiment=published_upgrade"]],
)
def test_what_is_assumed_is_a_setting_of_its_part(settings: list[str]) -> None:
    study = load(settings)
    parts = [study.systematics, *(d.detector for d in study.datasets)]
    parts += [search for _, search in study.searches]
    for part in parts:
        for key, why in part.assumed.items():
            assert why in ("assumed", "from memory", None)
            # of the observable there is a background once there is one
            assert part._value(key) is not None or key == "observable.background"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("+systematics.assumed.eficiency=assumed", "efficiency"),
        ("+search.tpc_ee.assumed={efficency: assumed}", "efficiency"),
        ("+detector.assumed={volumes.rok.density: assumed}", "rock"),
        ("+detector.assumed={volumes.rock.densty: assumed}", "density"),
        ("+detector.assumed={volume.rock.density: assumed}", "volumes"),
        ("+detector.assumed={background_factor.fhc: assumed}", None),
    ],
)
def test_what_is_assumed_and_no_setting_is_an_error(setting: str, reason: str | None) -> None:
    with pytest.raises(ConfigError) as error:
        load([setting])
    assert "is no setting of this part" in str(error.value)
    assert reason is None or f"did you mean {reason}?" in str(error.value)


def test_what_is_assumed_may_be_taken_out() -> None:
    found = load(["~detector.volumes.rock"]).datasets[0].detector
    assert "rock" not in found.volumes
    assert "volumes.rock.density" not in found.assumptions()


def test_what_is_assumed_is_counted_unless_it_is_off(nd280: Study) -> None:
    found = nd280.assumptions()
    assert found["systematics.rock_length"] == "assumed"
    assert found["detector nd280: volumes.rock.density"] == "from memory"
    assert "systematics.background" not in found
    off = load(["systematics.rock_length=0"]).assumptions()
    assert found.keys() - off.keys() == {"systematics.rock_length"}
    sourced = load(["search.tpc_ee.assumed={systematics.efficiency: null}"])
    assert found.keys() - sourced.assumptions().keys() == {"search tpc_ee: systematics.efficiency"}
    own = load(["systematics.efficiency=0.1"]).assumptions()
    assert found.keys() - own.keys() == {"search tpc_ee: systematics.efficiency"}
    assert content_hash(sourced) == content_hash(nd280)
    assert not any("rock" in key for key in load(["experiment=published"]).assumptions())
    assert load(["detector=sbnd"]).assumptions()["exposure sbnd: pot"] == "assumed"
    planned = load(["detector=sbnd", "exposure=sbnd", "exposure.assumed={pot: null}"])
    assert "exposure sbnd: pot" not in planned.assumptions()
    assert content_hash(planned) == content_hash(load(["detector=sbnd"]))


def test_the_hash_follows_the_numbers_only(nd280: Study, tmp_path: Path) -> None:
    dataset = nd280.datasets[0]
    same = [
        nd280.replace(name="other"),
        nd280.replace(runs=tmp_path),
        nd280.replace(executor=nd280.executor.replace(workers=7)),
        nd280.replace(bounds=nd280.bounds.replace(curves=(), level=0.95)),
        nd280.replace(
            datasets=(dataset.replace(detector=dataset.detector.replace(description="words")),)
        ),
    ]
    assert {content_hash(study) for study in same} == {content_hash(nd280)}
    table = tmp_path / "yields.csv"
    table.write_text("1")
    others = [
        nd280.replace(model=nd280.model.replace(nature="majorana")),
        nd280.replace(simulation=nd280.simulation.replace(seed=2)),
        nd280.replace(scan=nd280.scan.replace(mass=MassGrid(min=0.1, max=0.2, points=3))),
        nd280.replace(yields_from=table),
        in_beam(nd280, _flux(tmp_path / "flux.csv", 1)),
        in_beam(nd280, _flux(tmp_path / "two.csv", 2)),
    ]
    hashes = {content_hash(nd280), *(content_hash(study) for study in others)}
    assert len(hashes) == len(others) + 1
    before = content_hash(others[3])
    table.write_text("2")
    assert content_hash(others[3]) != before


def in_beam(study: Study, table: Path) -> Study:
    (dataset,) = study.datasets
    return study.replace(datasets=(dataset.replace(flux=dataset.flux.replace(table=str(table))),))


def _flux(path: Path, value: float) -> Path:
    path.write_text(f"e_low_gev,e_high_gev,fhc_numu\n0,1,{value}\n")
    return path


def test_read(nd280: Study, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(to_yaml(nd280))
    assert read(file) == nd280
    with pytest.raises(ConfigError, match=r"none\.yaml: "):
        read(tmp_path / "none.yaml")
    file.write_text("- 1\n")
    with pytest.raises(ConfigError, match="is not a mapping"):
        read(file)
    file.write_text("task: {kind: contour}\n")
    with pytest.raises(ConfigError, match=r"config.yaml: this is not the configuration of a run"):
        read(file)
    file.write_text("defaults: [runtime, _self_]\ntask: {kind: contour}\n")
    with pytest.raises(ConfigError, match="detector: none is chosen"):
        read(file)


def test_settings_of_a_task_count_in_the_hash_and_its_kind_does_not(nd280: Study) -> None:
    point = ["model.mass=0.4", "model.coupling=1e-6"]
    assert content_hash(load(["task=yields"])) == content_hash(nd280)
    hashes = {
        content_hash(load(["task=inject", f"task.seed={seed}", *point])) for seed in (1, 2, 2)
    }
    assert len(hashes) == 2


@pytest.mark.parametrize("name", ["1e3", "0x1f", "1_0", "on", "null", "2026-01-01", "1.5"])
def test_names_that_look_like_numbers_stay_names(name: str, tmp_path: Path) -> None:
    study = load([f"name='{name}'"])
    (tmp_path / "config.yaml").write_text(to_yaml(study))
    assert read(tmp_path / "config.yaml").name == study.name == name
