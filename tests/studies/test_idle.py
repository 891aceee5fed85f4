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
     {"scan.mass.points=9": "compare.masses", "inference.sigmas=[]": "task=compare"},
     ["compare.masses=[0.1]", "scan.coupling.points=30", "inference.levels=[0.95]"]),
    (["task=store", "store=shared:x"],
     {"detector=sbnd": "as they were made", "task.days=3": "prune"}, ["store=shared:y"]),
    (["task=collect", "task.folder=x"], {"scan=coarse": "as they were made"},
     ["bounds=none", "report.style=slides"]),
    (["inference.calculator=asymptotic"], {"inference.toys=5000": "has no toys"}, []),
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
