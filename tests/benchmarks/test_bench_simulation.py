"""Clocks of the simulation: rays and grid points per second, in `extra_info`."""

import pytest

from hnlstat.config import load
from hnlstat.simulation.yields import Plan


@pytest.mark.parametrize("detector", ["nd280", "nd280_upgrade"])
@pytest.mark.parametrize("mass", [0.03, 0.3])
@pytest.mark.parametrize("selection", ["recast_2019", "kinematic"])
def test_one_mass(benchmark, detector, mass, selection):
    grid = f"scan.mass.values=[{mass}]"
    study = load(["task=yields", f"detector={detector}", f"selection={selection}", grid])
    plan = Plan.of(study, study.scan.mass.array(), study.scan.coupling.array())
    jobs = list(plan.jobs())

    def run():
        return [job.run() for job in jobs]

    samples = benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    rays = sum(sample.rays for sample in samples)
    points = plan.couplings.size
    assert rays > 1000
    if benchmark.enabled:
        seconds = benchmark.stats.stats.median
        benchmark.extra_info["rays_per_second"] = rays / seconds
        benchmark.extra_info["points_per_second"] = points / seconds
