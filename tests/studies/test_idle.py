"""Overrides that change nothing are named, and why; those that do something never are."""

import json

import pytest

from hnlstat.app import main
from hnlstat.studies import load
from hnlstat.studies.idle import idle

POINT = ("model.mass=0.1", "model.coupling=4e-7")
PLANE = ("model=mixed", "search=t2k_2019", "model.mass=0.25", "scan.plane=[e,mu]",
         "inference.calculator=bayesian")  # fmt: skip

IDLE = [
    ([], {
        "model.mass=0.1": "task=contour is on the grid", "++model.coupling=4e-7": "is at one",
        "events.number=7": "task=contour does not use it", "compare={to: []}": "task=contour",
        "inference.prior_max.e=0.5": "inference.marginal",
        "simulation.upstream_offset=1 m": "decay_lengths",
        "name=a": "name=b comes after it",
     }, ["model.nature=majorana", "bounds=none", "scan.mass.points=5",
         "experiment=quick", "inference.toys=2000", "data_from=x", "name=b"]),
    (["task=yields"], {"inference.levels=[0.9]": "task=yields", "bounds=none": "task=yields",
                       "data_from=x": "task=yields", "search.tpc_ee.observed={}": "task=yields"},
     ["systematics=none", "report.style=slides", "model.mass=null", "~model.coupling",
      "search.tpc_ee.efficiency={}"]),
    (["scan.mass.values=[0.1,0.2]", "+search.tpc_ee.observed.sbnd={fhc: 1}"],
     {"scan.mass.points=9": "scan.mass.values", "search.tpc_ee.observed.sbnd.fhc=2": "no exposure"},
     ["scan.coupling.points=9", "search.tpc_ee.observed.t2k_2019.fhc=1"]),
    ([f"yields_from={__file__}", f"data_from={__file__}"],
     {"simulation.seed=2": "yields_from", "search.tpc_ee.efficiency={}": "yields_from",
      "search.tpc_ee.observed.t2k_2019.fhc=1": "data_from"},
     ["search.tpc_ee.background.fhc.events=1", "model.nature=majorana"]),
    ([f"yields_from={__file__}", "search=tpc_ee_tracks"], {
        "search.tpc_ee_tracks.calibration=1": "yields_from",
        "search.tpc_ee_tracks.separation_path=1 m": "yields_from",
        "search.tpc_ee_tracks.efficiency_map.beyond=zero": "yields_from",
     }, ["search.tpc_ee_tracks.observable={}", "search.tpc_ee_tracks.systematics={}"]),
    (["task=coverage", *POINT], {"inference.levels=[0.5]": "task=coverage"}, ["data_from=x"]),
    (["task=inject", *POINT], {"search.tpc_ee.observed.t2k_2019.fhc=1": "no data count"},
     ["search.tpc_ee.background.fhc.events=1"]),
    (["task=point", *POINT], {"scan.mass.points=5": "at model.mass", "bounds=none": "task=point",
                              "inference.levels=[0.95]": "task=point"},
     [*POINT, "inference.toys=2000", "data_from=x", "scan.table=null"]),
    (["task=point", *POINT, "inference.calculator=bayesian"], {"scan.mass.points=5": "model.mass"},
     ["scan.coupling.points=30", "inference.levels=[0.95]"]),
    (["task=events", *POINT], {"systematics=none": "task=events", "inference=published": "task"},
     ["events.number=9", "simulation.seed=3"]),
    (["task=requirements"], {"scan.coupling.points=9": "task.poi", "inference.sigmas=[]": "ta"},
     ["inference.calculator=toys", "report.style=slides"]),
    (["task=compare", "compare.masses=[0.1]", "compare.steps=[]"],
     {"scan.mass.points=9": "compare.masses", "bounds=none": "task=compare"},
     ["compare.masses=[0.1]", "scan.coupling.points=30", "inference.levels=[0.95]",
      "inference.sigmas=[]", "+detector.materials.gold={Au197: 1}"]),  # differences are steps
    (["task=store", "store=shared:x"],
     {"detector=sbnd": "as they were made", "task.days=3": "prune"}, ["store=shared:y"]),
    (["task=collect", "task.folder=x"], {"scan=coarse": "as they were made"},
     ["bounds=none", "report.style=slides"]),
    (["inference.calculator=asymptotic"], {"inference.toys=5000": "has no toys"}, []),
    (["task=compare", "compare.to=[]"], {
        "detector=nd280_upgrade": "compare.to", "systematics=none": "compare.to",
        "inference.toys=2000": "compare.to", "simulation.survival=false": "compare.to",
     }, ["compare.masses=[0.1]", "scan.coupling.points=9", "report.style=slides"]),
    (["task=figures", "task.folder=x", "task.figures=[brazil,fit]"], {
        "name=a": "as they were made", "store=off": "as they were made", "runs=a": "made",
        "bounds=none": "made", "experiment=quick": "made", "task.number=500": "vertices",
     }, ["report.style=slides", "task.mass=0.2", "executor=serial"]),
    (["task=figures", "task.folder=x", "task.figures=[vertices]"], {"task.masses=5": "production"},
     ["task.number=500", "task.coupling=1e-7", "experiment=mine"]),
    (["task=hepdata", "task.folder=x"], {"executor=serial": "made", "report.style=slides": "made",
                        "experiment=t2k_2019": "made"}, ["task.folder=y"]),
    (["task=combine", "task.folders=[a,b]"], {"store=off": "made", "executor=serial": "made"},
     ["name=a", "runs=a", "experiment=published"]),
    (["task=benchmark"], {"executor=serial": "its own", "store=off": "its own"},
     ["task.scaling=false"]),
    (["executor=dask", "executor.scheduler=tcp://a:1"], {"executor.workers=3": "scheduler"},
     ["executor.timeout=3"]),
    (["task=explained", "detector=miniboone", "task=explained"], {
        "inference.levels=[0.5]": "task.tests", "search.electron_like.beside={a: 1}": "explained",
     }, ["bounds=none", "task.points=20"]),
    (["bounds=none"], {"bounds.level=0.9": "no bounds", "bounds.projections=false": "no bounds"},
     ["bounds.files=[]", "bounds.curves=[lep]"]),
    (["scan=published"], {}, ["scan.table.mass.points=9"]),
    (["scan=published", "scan.table.mass.values=[0.01,2]"],
     {"scan.table.mass.points=9": "scan.table.mass.values"}, ["scan.table.coupling.points=9"]),
    ([*PLANE], {"model.mixing.tau=0": "its own two mixings", "inference.prior_max.tau=0.1": "tau",
                "bounds=none": "plane", "inference.seed=4": "without toys",
                "scan.coupling.points=9": "ends alone"},
     ["inference.sigmas=[3]", "inference.levels=[0.5]", "inference.prior_max.mu=0.1"]),
    (["model=mixed", "search=t2k_2019", "scan.plane=[e,mu]", "model.mass=0.25"],
     {"inference.prior_max.e=0.1": "credible planes"},
     ["scan.coupling.points=9", "inference.toys=2000"]),
    ([*PLANE], {"scan.mass.min=0.2": "at model.mass", "simulation.pauli=none": "made in matter"},
     ["inference.prior_max.e=0.5", "scan.coupling.min=1e-9", "model.mass=0.25"]),
]  # fmt: skip


@pytest.mark.parametrize(("base", "unused", "used"), IDLE, ids=lambda v: " ".join(v)[:40])
def test_what_changes_nothing_is_named_and_nothing_else(base, unused, used):
    found = idle(load(base), [*unused, *used])
    assert len(found) == len(unused)
    for remark, (override, why) in zip(found, unused.items(), strict=True):
        assert remark.startswith(f"{override.lstrip('+')} changes nothing: ")
        assert why in remark


QUICK = ["task=yields", "experiment=quick", "executor=serial", "scan.mass.points=2",
         "simulation.precision=0.5"]  # fmt: skip


def test_runs_say_so(tmp_path, capsys):
    store = f"store=shared:{tmp_path / 's'}"
    assert main([*QUICK, "inference.toys=2000", f"runs={tmp_path}", store]) == 0
    assert "Note: inference.toys=2000 changes nothing" in capsys.readouterr().out
    (summary,) = tmp_path.glob("*/*/summary.json")
    assert "inference.toys=2000" in json.loads(summary.read_text())["remarks"][0]
    assert main(["task=store", store, "detector=sbnd"]) == 0
    assert "Note: detector=sbnd changes nothing" in capsys.readouterr().out


def test_figures_of_sweeps_take_bounds_as_collected_ones(tmp_path):
    (tmp_path / "jobs").mkdir()
    study = load(["task=figures", f"task.folder={tmp_path}"])
    assert idle(study, ["bounds=none", "model=dipole_e", "experiment=published"]) == ()
    (remark,) = idle(study, ["executor=serial", "report.style=slides"])
    assert remark.startswith("executor=serial changes nothing")
