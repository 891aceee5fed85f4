"""The sampled volume: converged by default, and what limits leave out."""

from functools import cache

import numpy as np
import pytest

from hnlstat.search.masses import simulate_study
from hnlstat.search.volume import left_out
from hnlstat.studies import load

MASSES, COUPLINGS = np.array([0.06]), np.geomspace(1e-7, 1e-5, 3)


def run(jobs):
    return [job.run() for job in jobs]


@cache
def events(*overrides):
    study = load(["simulation.precision=0.3", *overrides])
    return simulate_study(study, MASSES, COUPLINGS, run).events


@pytest.mark.parametrize(
    ("limits", "tolerance"),
    [
        # beyond the world's corners and its upstream end nothing is left to cut
        (["simulation.radius=34", "simulation.upstream=162"], 1e-9),
        # half as much again as the volume in which nearly everything is made
        (["simulation.radius=12", "simulation.upstream=162"], 0.01),
        (["simulation.radius=34", "simulation.upstream=243"], 1e-9),
    ],
)
def test_enlarging_the_volume_by_half_changes_less_than_one_per_cent(limits, tolerance):
    assert events(*limits) == pytest.approx(events(), rel=tolerance)


def test_nothing_is_left_out_by_default_or_by_generous_limits():
    assert left_out(load([]), MASSES, COUPLINGS, run) is None
    wide = load(["simulation.radius=34", "simulation.upstream=162"])
    assert left_out(wide, MASSES, COUPLINGS, run).share < 1e-9


def test_what_is_left_out_is_the_share_of_all_events():
    study = load(["simulation.radius=5"])
    found = left_out(study, MASSES, COUPLINGS, run)
    share = 1 - events("simulation.radius=5").sum(-1) / events().sum(-1)
    relevant = events().sum(-1) >= 0.1
    assert found.share == pytest.approx(np.max(share[relevant]), rel=0.05)
    assert 0.01 < found.share < 0.1  # 162 m of N within cos > 0.999: 8 m to the side
    assert found.mass in MASSES
    assert found.coupling in COUPLINGS


def test_without_survival_there_is_no_volume_to_converge_to():
    assert left_out(load(["experiment=published"]), MASSES, COUPLINGS, run) is None
