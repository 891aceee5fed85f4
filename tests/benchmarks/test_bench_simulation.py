"""Clocks of the simulation: rays, masses and grid points per second, in `extra_info`."""

import pytest

from hnlstat.search.masses import simulate_study
from hnlstat.search.yields import Plan
from hnlstat.studies import load


@pytest.mark.parametrize("detector", ["nd280", "nd280_upgrade"])
@pytest.mark.parametrize("mass", [0.03, 0.3])
def test_one_mass(benchmark, detector, mass):
    study = load(["task=yields", f"detector={detector}", f"scan.mass.values=[{mass}]"])
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


@pytest.mark.parametrize("systematics", ["t2k_assumed", "none"])
def test_what_variations_cost(benchmark, systematics):
    study = load(["detector=nd280_upgrade", f"systematics={systematics}"])
    plan = Plan.of(study, study.scan.mass.array()[20:21], study.scan.coupling.array())
    (job, _) = plan.jobs()
    sample = benchmark.pedantic(job.run, rounds=3, warmup_rounds=1)
    columns = {"t2k_assumed": 8, "none": 4}[systematics]
    assert sample.decays.shape[0] == columns


def test_a_fine_grid_of_masses(benchmark):
    grid = "scan.mass={min: 0.1, max: 0.14, points: 25}"
    study = load([grid, "simulation.precision=0.03"])
    sampled = []

    def run_jobs(jobs):
        sampled.extend(jobs)
        return [job.run() for job in jobs]

    axes = study.scan.mass.array(), study.scan.coupling.array()
    table = benchmark.pedantic(simulate_study, (study, *axes, run_jobs), rounds=1)
    assert table.interpolated.sum(axis=0)[0] == 25 - len(sampled)
    assert len(sampled) < 15
    if benchmark.enabled:
        benchmark.extra_info["masses_sampled"] = len(sampled)
        benchmark.extra_info["masses_per_second"] = 25 / benchmark.stats.stats.median
