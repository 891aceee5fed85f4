"""task=efficiency: what is compared, and where."""

import json

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.physics.decay import branching_ratio
from hnlstat.search.table import YieldTable
from hnlstat.studies import load
from hnlstat.tasks.efficiency import compare_events, screen_table

MASSES = np.array([0.05, 0.4])
COUPLINGS = np.geomspace(1e-7, 1e-5, 5)


def table(scale):
    """Two bins of one volume; events go as d^2, at the second mass a million times fewer."""
    shape = np.stack([COUPLINGS**2, 1e-6 * COUPLINGS**2])[..., None]
    events = scale * shape * np.array([0.25, 0.75])
    return YieldTable(
        MASSES, COUPLINGS, dataset=("nd280",) * 2, mode=("fhc",) * 2, volume=("v",) * 2,
        channel=("nd280_fhc",) * 2, bin=(0, 1), decays=np.repeat(7e13 * shape, 2, axis=2),
        events=events, mc_error=0 * events,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found():
    study = load(["task=efficiency", "search=tpc_ee_tracks", "task.coupling=2e-7"])
    return study, list(compare_events(study, table(3e12), table(4e12)))


def test_at_the_coupling_asked_for(found):
    here = found[1][0]
    assert (here.mass, here.place, here.coupling) == (0.05, "coupling", pytest.approx(2e-7))
    assert here.events == pytest.approx(3e12 * 4e-14)
    assert here.ratio == pytest.approx(0.75)
    # bins share their decays
    assert here.decays == pytest.approx(7e13 * 4e-14 * branching_ratio(0.05, "ee"))


def test_where_the_reference_has_its_events(found):
    there = found[1][1]
    assert there.coupling == pytest.approx(np.sqrt(2.3 / 4e12))
    assert there.reference == pytest.approx(2.3)
    assert there.ratio == pytest.approx(0.75)


def test_n_that_mix_are_compared_at_the_first_coupling(tmp_path):
    study = ["model=mixed_mu", "search=tpc_mupi_tracks", "scan.mass.values=[0.3]"]
    quick = ["simulation.precision=0.5", "simulation.max_points=4096", "scan.coupling.points=9"]
    arguments = ["task=efficiency", "executor=serial", *study, *quick, f"runs={tmp_path}"]
    assert main(arguments) == 0
    (path,) = tmp_path.glob("*/*/summary.json")
    summary = json.loads(path.read_text())
    assert summary["ratios"][0]["coupling_u2"] == pytest.approx(1e-10)
    assert summary["ratios"][0]["ratio"] > 10  # mu pi over e e
    assert "decays to mupi, those of task.reference to ee" in summary["remarks"][0]


def test_too_few_events_everywhere_leave_the_place_empty(found):
    study, ratios = found
    assert np.isnan(ratios[3].coupling)
    assert np.isnan(ratios[3].ratio)
    assert ratios[2].ratio == pytest.approx(0.75)
    cells = [list(column.cells) for column in screen_table(ratios, study).columns]
    assert cells[0] == ["50 MeV", "400 MeV"]
    assert cells[1] == ["0.75", "0.75"]
    assert cells[2] == ["0.75 (d_mu = 7.6e-07)", "-"]
