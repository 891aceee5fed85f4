"""What is said to change nothing does not, and what changes something is not said to be idle."""

import copy
import json
from functools import cache, reduce

import pytest
from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf, open_dict

from hnlstat.studies.compose import from_settings
from hnlstat.studies.idle import idle
from hnlstat.system.arguments import key_of
from hnlstat.system.conf_search import hydra_session
from hnlstat.tasks.running import run

GRID = ("scan.mass.values=[0.1,0.3]", "scan.coupling.points=4", "simulation.precision=0.5")
AT = ("model.mass=0.3", "model.coupling=4e-7", "simulation.precision=0.5")
KAONS = ("model=mixed_mu", "search=tpc_mupi_tracks", "scan.mass.values=[0.25,0.3]", *GRID[1:])

RUNS = [
    (["task=yields", *GRID], [
        "systematics.searches=false", "systematics.background=0.5", "systematics.flux=false",
        "systematics.mc_statistics=false", "search.tpc_ee.background.fhc.events=5",
        "detector.background_factor=3", "+search.tpc_ee.systematics.other=0.3",
        "+detector.materials.gold={Au197: 1}", "inference.levels=[0.5]", "bounds.level=0.5",
        "search.tpc_ee.observed.t2k_2019.fhc=1", "+search.tpc_ee.background_factor=3",
    ], ["systematics.rock_density=0.3", "flux.uncertainty.size=[0.3,0.3,0.3,0.3]"]),
    (["task=workspace", *GRID, "systematics.background=0.2", "systematics.efficiency=0.3",
      "simulation.pauli=none"], [
        "search.tpc_ee.background.fhc.error=0.9", "search.tpc_ee.systematics.efficiency=0.5",
        "simulation.fermi_momentum=0.3", "systematics.pauli=0.4", "inference.toys=2000",
        "+search.tpc_ee.background.dump={events: 3, pot: 1e21, error: 0.1}",
    ], ["+search.tpc_ee.systematics.other=0.3", "search.tpc_ee.background.fhc.events=5"]),
    (["task=workspace", *GRID, "systematics.searches=false", "simulation.bound_nucleons=[]"], [
        "search.tpc_ee.background.fhc.error=0.9", "+search.tpc_ee.systematics.other=0.3",
        "simulation.pauli=none", "systematics.pauli=0.4",
    ], ["systematics.background=0.3"]),
    (["task=workspace", *GRID, "search=fgd_photon"], ["detector.background_factor=3"],
     ["+search.fgd_photon.background_factor=2"]),
    (["task=workspace", *GRID, "detector=sbnd", "exposure=sbnd", "systematics.background=0.2"],
     ["search.photon.covariance.relative=false", "search.photon.background.rhc.events=30",
      "+search.photon.binding=0.03"], ["detector.background_factor=3"]),
    (["task=yields", *GRID, "search=tpc_ee_tracks",
      "search.tpc_ee_tracks.cuts.min_separation=null"],
     ["search.tpc_ee_tracks.separation_path=1 m"], ["search.tpc_ee_tracks.smearing.angle=0.1"]),
    (["task=point", *AT, "inference.calculator=exact"], [
        "inference.toys=2000", "inference.seed=4", "scan.mass.points=5", "inference.levels=[0.5]",
        "simulation.interpolate_masses=false",
    ], ["inference.calculator=asymptotic"]),
    (["task=coverage", *AT, "inference.calculator=exact", "task.toys=200", "task.signals=[3]"],
     ["inference.toys=2000", "inference.sigmas=[]"],
     ["inference.seed=4", "search.tpc_ee.observed.t2k_2019.fhc=1"]),
    (["task=events", *AT, "search=tpc_ee_tracks", "events.number=300", "events.format=npz"], [
        "search.tpc_ee_tracks.cuts.min_momentum=0.2", "search.tpc_ee_tracks.field=0.1",
        "search.tpc_ee_tracks.smearing.angle=0.1", "search.tpc_ee_tracks.calibration=0.5",
        "search.tpc_ee_tracks.decays=2", "flux.uncertainty.size=[0.3,0.3,0.3,0.3]",
        "report.style=slides", "simulation.precision=0.1", "simulation.max_points=2000",
    ], ["search.tpc_ee_tracks.fiducial=[tpc1]", "simulation.seed=3"]),
    (["task=compare", "compare.from=[]", "compare.masses=[0.3]", "compare.steps=[]", *GRID], [
        "bounds.level=0.5", "model.mass=0.3", "scan.mass.spacing=linear",
    ], ["inference.sigmas=[3]"]),
    (["task=inject", *AT], ["task.seed=5", "search.tpc_ee.observed.t2k_2019.fhc=1"],
     ["task.data=poisson"]),
    (["task=yields", *KAONS], [
        "detector.materials.rock={Si28: 0.4, O16: 0.6}",
        "detector.volumes.tpc1.density=1", "simulation.interpolate_masses=false",
        "systematics.form_factor=0.2", "simulation.upstream_offset=1 m",
    ], ["detector.volumes.tpc1_gas.size=[2.4,2.4,0.7]"]),
    (["task=requirements", *GRID, "task.points=[{mass: 0.4, coupling: 1e-6}]",
      "task.efficiency.points=2", "task.background={min: 0.1, max: 10, points: 2}",
      "inference.calculator=exact"], [
        "systematics.background=0.5", "search.tpc_ee.background.fhc.error=0.9",
        "inference.toys=2000", "inference.seed=4",
    ], ["search.tpc_ee.background.fhc.events=5"]),
    (["task=workspace", "yields_from=YIELDS", "detector.background_factor=3"], [
        "flux.flavours=[numu]", "flux.uncertainty.size=[0.3,0.3,0.3,0.3]", "simulation.seed=3",
        "detector.volumes.rock.density=1", "search.tpc_ee.min_cos_theta=0.9",
    ], ["search.tpc_ee.fiducial=[tpc1]"]),
]  # fmt: skip

GROUPS = "task", "model", "search", "detector", "exposure"

ASKED = ("remarks", "assumed", "seed")
"""What of a summary says how it was asked for."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("idle")
    (place / "yields.csv").touch()
    kept = run(study(RUNS[0][0], place), keep=False).kept["yields.csv"]
    kept.write(place / "yields.csv", kept.content)
    return place


@cache
def composed(*options):
    """Hydra's configuration with some options of groups, which takes half a second."""
    chosen = ["executor=serial", "exposure=t2k_2019", *options]
    with hydra_session():
        config = compose("config", chosen, return_hydra_config=True)
    with open_dict(config):
        hydra = config.pop("hydra")
    return OmegaConf.to_container(config, resolve=True), hydra


def study(overrides, place):
    """As `load`, but keys are set in a configuration that other studies begin with, too."""
    own = [f"store=shared:{place / 'store'}", f"runs={place}"]
    texts = [one.replace("YIELDS", str(place / "yields.csv")) for one in (*overrides, *own)]
    options = [one for one in texts if key_of(one) in GROUPS]
    shared, hydra = composed(*options)
    settings = copy.deepcopy(shared)
    keys = [one for one in texts if one not in options]
    for one in OverridesParser.create().parse_overrides(keys):
        *parts, last = one.key_or_group.split(".")
        reduce(lambda tree, part: tree[part], parts, settings)[last] = one.value()
    return from_settings(settings, hydra)


def found(wanted, place):
    """All that a run keeps, as bytes of its files, and its summary."""
    ended = run(wanted, keep=False)
    files = {}
    for name, kept in ended.kept.items():
        path = place / name.replace("/", "_")
        kept.write(path, kept.content)
        files[name] = path.read_bytes()
    told = {key: value for key, value in ended.summary.items() if key not in ASKED}
    return json.dumps(told, sort_keys=True, default=str), files


@pytest.mark.parametrize(("base", "unused", "used"), RUNS, ids=lambda v: " ".join(v)[:40])
def test_idle_overrides_change_no_result_and_others_do(base, unused, used, place):
    before, without = found(study(base, place), place), study([*base, *unused], place)
    remarks = idle(without, unused)
    for remark, override in zip(remarks, unused, strict=True):
        assert remark.startswith(f"{override.lstrip('+')} changes nothing: ")
    assert found(without, place) == before
    for override in used:
        changed = study([*base, override], place)
        assert idle(changed, [override]) == ()
        assert found(changed, place) != before
