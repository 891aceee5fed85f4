"""Scenarios as the command line composes them: chosen, by name or inline, and rejected."""

from pathlib import Path

import pytest

from hnlstat.config import Study
from hnlstat.config.task import AT_A_POINT
from hnlstat.errors import ConfigError, DataError
from hnlstat.studies import load
from hnlstat.system.conf_search import groups, hydra_session, options


def summary(study: Study) -> list[tuple[str, str, str]]:
    return [(d.name, d.detector.name, d.exposure.name) for d in study.datasets]


def data(study: Study) -> object:
    return study.datasets[0].data(study.datasets[0].search["tpc_ee"])


def test_a_detector_picks_its_exposures(nd280: Study, upgrade: Study) -> None:
    assert summary(nd280) == [("nd280", "nd280", "t2k_2019")]
    assert summary(upgrade) == [
        ("nd280_upgrade", "nd280_upgrade", "t2k_upgrade_3yr"),
        ("nd280", "nd280", "t2k_2023"),
    ]
    assert (nd280.name, upgrade.name) == ("nd280", "nd280_upgrade+nd280")
    assert data(nd280) == {"fhc": 0, "rhc": 0}
    assert data(upgrade) is None


def test_exposures_add_up_to_the_planned_ones(upgrade: Study) -> None:
    for mode in ("fhc", "rhc"):
        total = sum(d.exposure.pot[mode] for d in upgrade.datasets)
        assert total == pytest.approx(10e21, rel=1e-12)


def test_an_exposure_replaces_them() -> None:
    study = load(["detector=nd280_upgrade", "exposure=t2k_2019", "exposure.pot.fhc=1e22"])
    assert summary(study) == [("nd280_upgrade", "nd280_upgrade", "t2k_2019")]
    assert study.datasets[0].exposure.pot["fhc"] == 1e22


def test_datasets_by_name_and_inline() -> None:
    study = load(
        [
            "detector.volumes.rock.density=3",
            "datasets=[{exposure: t2k_2019}, {detector: nd280_upgrade, exposure: t2k_2023},"
            "{name: own, exposure: {name: x, pot: {fhc: 1e20}}}]",
        ]
    )
    assert summary(study) == [
        ("nd280", "nd280", "t2k_2019"),
        ("nd280_upgrade", "nd280_upgrade", "t2k_2023"),
        ("own", "nd280", "x"),
    ]
    densities = [d.detector.volumes["rock"].density for d in study.datasets]  # type: ignore[union-attr]
    assert densities == [3, 2, 3]


def test_own_files_and_shadowing(tmp_path: Path) -> None:
    folder = tmp_path / "detector"
    folder.mkdir()
    (folder / "mine.yaml").write_text("defaults: [nd280, _self_]\nname: mine\n")
    search = f"hydra.searchpath=['file://{tmp_path}']"
    assert summary(load([search, "detector=mine"])) == [("mine", "mine", "t2k_2019")]
    by_name = load([search, "datasets=[{detector: mine, exposure: t2k_2023}]"])
    assert summary(by_name) == [("mine", "mine", "t2k_2023")]


@pytest.mark.parametrize("model", ["dipole_mu", "dipole_e", "dipole_universal"])
def test_majorana_goes_with_each_model(model: str) -> None:
    assert load([f"model={model}", "model.nature=majorana"]).model.nature == "majorana"


def test_every_option_of_every_group_makes_a_study() -> None:
    point = ["model.mass=0.4", "model.coupling=1e-6"]
    needs = dict.fromkeys(AT_A_POINT, point) | {"combine": ["task.folders=[one, two]"]}
    needs |= {key: ["task.folder=one"] for key in ("figures", "hepdata", "collect")}
    needs |= {"store": ["store=shared:one"]}
    # fluxes of one horn mode
    forward = ["exposure=t2k_2023", "~exposure.pot.rhc"]
    needs |= dict.fromkeys(("bnb_icarus", "bnb_microboone", "bnb_sbnd"), forward)
    needs |= {key: ["model=mixed_mu"] for key in ("t2k_kaons", "t2k_kaons_rho", "t2k_2019")}
    needs |= {key: ["model=mixed_mu"] for key in ("tpc_epi_tracks", "tpc_mupi_tracks")}
    needs |= {"mixed_tau": ["model.mixing.e=1"], "sfgd_photon": ["detector=nd280_upgrade"]}
    with hydra_session():
        chosen = {f"{group}={name}": name for group in groups() for name in options(group)}
        assert len(chosen) > 15
        for choice, name in chosen.items():
            assert load([choice, *needs.get(name, [])]).datasets


BAD = [
    ("detector=nd28", "detector=nd28: no such detector; did you mean nd280?"),
    ("model=axion", "model=axion: no such model; choose from dipole_e, dipole_mu"),
    ("detectr=nd280", "detectr: unknown key; did you mean detector?"),
    ("detector.volums.rock.density=1", "did you mean detector.volumes.rock.density?"),
    ("detector.volumes.rok.density=1", "did you mean detector.volumes.rock.density?"),
    ("radius=5", "radius: unknown key; did you mean simulation.radius?"),
    ("model.mass.value=1", "model.mass.value: model.mass holds a value, not keys"),
    ("+detectr.x=1", "detectr: unknown key; did you mean detector?"),
    ("+detector.volumse.x=1", "detector.volumse: unknown key; did you mean detector.volumes?"),
    ("+search.tpc_ee.min_cos_thta=1", "did you mean search.tpc_ee.min_cos_theta?"),
    ("search.tpc_ee.systematics={ }", "changes nothing, as .* by ~search.tpc_ee.systematics.KEY"),
    ("search.tpc_ee.background_factor=2", r"factor: is not in the file of the search"),
    ("search.tpc_ee.background.fhc.pot_of=rhc", "pot_of: is not in the file of the search; write"),
    ("search.tpc_ee.covariance.modes=[fhc]", "modes: is not in the file of the search; write"),
    ("+model.nature=dirac", "model.nature: is there already; write model.nature=... without the"),
    ("exposure.pot.fhc=1e21", "exposure.pot.fhc: no exposure is chosen; add exposure=NAME"),
    ("hydra.sweeep=1", "hydra.sweeep: no such setting of Hydra"),
    ("~detector", "detector: none is chosen"),
    ("model.mass=[", "model.mass=.: cannot be read"),
    ("model=dipole_e,dipole_mu", "has several values; add -m"),
    ("name=${nowhere}", "name: Interpolation key 'nowhere' not found"),
    ("name=a/b", "name: a/b is not a name for a folder"),
    ("datasets=[]", r"datasets: \[\] is not a list of datasets"),
    ("datasets=[nd280]", "datasets.0: nd280 is not a mapping"),
    ("datasets='a\nb'", "datasets: a b is not a list of datasets"),
    ("datasets=[{detector: nd281, exposure: t2k_2019}]", "no such detector; did you mean nd280"),
    ("datasets=[{detectr: nd280}]", "datasets.0.detectr: unknown key; did you mean detector"),
    ("datasets=[{detector: nd280}]", "datasets.0.exposure: is missing"),
    ("datasets=[{exposure: t2k_2019}, {exposure: t2k_2023}]", "nd280 appears twice"),
    (
        "detector.materials.rock={Si28: 0.4, Ox: 0.1}",
        "rock.Ox: unknown key; .*; add a new one with",
    ),
    ("+detector.materials.rock.Ox=0.1", "materials.rock: mass fractions sum to 1.1, not 1"),
    ("detector.volumes.cave={density: 1}", "volumes.cave: unknown key; .*; add a new one with"),
    ("+detector.materials.new={Ox: 1}", "detector.materials.new.Ox: Ox is not a known nuclide"),
    ("detector.fiducial.tpc1.center=[0,0,100]", "detector.fiducial.tpc1: reaches from 99.7"),
    ("scan.mass.max=40", "scan.mass: 40 GeV is above the beam's reach: .* Pb208"),
    ("scan.mass.values=[0.1]", "scan.mass: has 1 point; a contour needs 2"),
    ("scan.coupling.points=3", "scan.coupling: has 3 points; a contour needs 4"),
    ("task=point", "model.mass: is missing; task=point needs it"),
    ("yields_from=none.csv", "yields_from: none.csv is not a file"),
    ("bounds.files=[none.csv]", "bounds.files.0: none.csv is not a file"),
    ("bounds.without=[minreva]", "bounds.without: minreva is unknown; did you mean minerva"),
    ("bounds.style.sbnd.color=red", "bounds.style.sbnd.color: unknown key; .*; add a new one with"),
    ("+bounds.style.sbnd.colour=red", "did you mean bounds.style.sbnd.color"),
    ("simulation.survival=maybe", "simulation.survival: maybe: input should be a valid boolean"),
]


@pytest.mark.parametrize(("override", "message"), BAD)
def test_bad_overrides(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        load([override])
    assert "\n" not in str(error.value)


def test_a_key_that_an_experiment_set_is_not_blamed_on_the_user() -> None:
    chosen = ["experiment=t2k_2019", "model=dipole_mu"]
    blamed = r"^experiment=t2k_2019: does not go with model=dipole_mu, which has no model\.release_"
    with pytest.raises(ConfigError, match=blamed):
        load(chosen)
    with pytest.raises(ConfigError, match=r"^model\.release_widths: unknown key; choose from"):
        load([*chosen, "model.release_widths=true"])
    with pytest.raises(ConfigError, match=r"^model\.foo: unknown key"):
        load(["experiment=t2k_2019", "+model.foo=1"])


@pytest.mark.parametrize("override", ["exposure=t2k_2019", "detector.name=x"])
def test_an_override_without_effect_is_an_error(override: str) -> None:
    datasets = "datasets=[{detector: nd280_upgrade, exposure: t2k_2023}]"
    with pytest.raises(ConfigError, match=f"{override}: changes nothing"):
        load([datasets, override])


def test_a_search_that_is_chosen_and_not_used_is_named() -> None:
    datasets = "datasets=[{detector: nd280, exposure: t2k_2019, search: tpc_ee}]"
    with pytest.raises(ConfigError, match="changes nothing with tpc_ee_tracks, because"):
        load([datasets, "search=[tpc_ee,tpc_ee_tracks]"])
    assert [*load([datasets, "search=tpc_ee"]).datasets[0].search] == ["tpc_ee"]


def test_keys_of_a_search_are_taken_out() -> None:
    (dataset,) = load(["~search.tpc_ee.observed.t2k_2019"]).datasets
    assert not dataset.search["tpc_ee"].observed


def test_modes_must_be_known_everywhere() -> None:
    exposure = "datasets=[{exposure: {name: x, pot: {up: 1e20}}}]"
    with pytest.raises(ConfigError, match=r"search.tpc_ee.background: lacks the horn mode up"):
        load([exposure])
    known = ["+search.tpc_ee.background.up={events: 1, pot: 1e20}"]
    with pytest.raises(ConfigError, match=r"exposure.pot.up: .* flux table t2k_nd280_flux lacks"):
        load([exposure, *known])


def test_flux_tables_must_hold_what_the_model_needs(tmp_path: Path) -> None:
    table = tmp_path / "flux.csv"
    table.write_text("e_low_gev,e_high_gev,fhc_numu,rhc_numu,rhc_numubar\n0,1,1,1,1\n1,2,1,0,0\n")
    with pytest.raises(ConfigError, match=r"lacks the column fhc_numubar, which the model"):
        load([f"flux.table={table}"])
    with pytest.raises(DataError, match=r"none\.csv"):
        load(["flux.table=none.csv"])
    table.write_text(
        "e_low_gev,e_high_gev,fhc_numu,fhc_numubar,rhc_numu,rhc_numubar\n0,1,1,1,1,1\n"
    )
    with pytest.raises(ConfigError, match=r"scan.mass: 1.2 GeV is above the beam's reach"):
        load([f"flux.table={table}"])
    table.write_text("e_low_gev,e_high_gev,fhc_numu\n0,1,1e308\n")
    with pytest.raises(DataError, match=r"line 2: fhc_numu = '1e308' must be at most 1e\+22"):
        load([f"flux.table={table}"])


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    folder = tmp_path / "detector"
    folder.mkdir()
    (folder / "broken.yaml").write_text("name: broken\nvolumes: {rock: [}\n")
    with pytest.raises(ConfigError, match=r"broken.yaml, line 2: not valid YAML"):
        load([f"hydra.searchpath=['file://{tmp_path}']", "detector=broken"])


def test_bounds_are_read_before_anything_is_run(tmp_path: Path) -> None:
    bound = tmp_path / "mine.csv"
    bound.write_text("mass_mev,coupling_inv_gev\n100,1e-6\n")
    overrides = [f"bounds.files=[{bound}]"]
    with pytest.raises(DataError, match=r"mine.csv, line 1: lacks the column 'mass_gev'"):
        load(overrides)
    assert load([*overrides, "task=yields"]).bounds.files == (bound,)
    assert not load(["bounds=measured"]).bounds.projections
    assert load(["bounds=none"]).bounds.curves == ()
