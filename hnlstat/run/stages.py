"""The stages of a run: each a function of the study, the stages before, and what does the work.

None writes a file. What the user should know of a stage becomes a remark of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.config.task import AT_A_POINT
from hnlstat.errors import ConfigError, DataError
from hnlstat.inference.limits.limits import MassLimits
from hnlstat.inference.limits.points import PointTest
from hnlstat.likelihood import experiment as likelihood
from hnlstat.likelihood.channels import channels
from hnlstat.likelihood.experiment import Experiment
from hnlstat.run.files.data import read_data
from hnlstat.run.files.yields import read_yields
from hnlstat.run.jobs import GridJob, LimitJob, grid_jobs, limit_jobs, prior_of
from hnlstat.run.remarks import (
    assumed,
    beams,
    bin_errors,
    borrowed,
    check_error,
    check_volume,
    efficiencies,
    excess,
    projections,
    recast_by_mass,
    scaled,
)
from hnlstat.run.work import Work
from hnlstat.search.masses import Simulation
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import Job, Plan
from hnlstat.simulation.sample import MassSample
from hnlstat.simulation.setup import without_rock, without_variation

if TYPE_CHECKING:
    from hnlstat.run.contours import Region

Array = NDArray[np.float64]


def given(study: Study) -> YieldTable | None:
    """Read the table of `yields_from`, if there is one, and look at that of `data_from`.

    Raises
    ------
    DataError
        Names the file and what cannot be used; a long calculation would make it useless.
    """
    likelihood.components(study, *likelihood.bins(study))  # matrices that are none stop here
    axis, known = study.model.axis, {channel.name: channel for channel in channels(study)}
    table = None if study.yields_from is None else read_yields(study.yields_from, axis, [*known])
    if table is not None:
        likelihood.check_bins(known, table)
        check_size(study, table, str(study.yields_from))
    if study.data_from is not None:
        read_data(study.data_from, *likelihood.bins(study))
    return table


def check_size(study: Study, table: YieldTable, source: str) -> None:
    """Raise a DataError if a table has too few masses or couplings for the task."""
    for key, axis in (("mass", table.masses), ("coupling", table.couplings)):
        if reason := study.too_few(key, axis.size):
            column = {"mass": "mass_gev", "coupling": study.model.axis.column}[key]
            raise DataError(f"{source}: {column} {reason}")


def check_channels(study: Study, table: YieldTable) -> None:
    """Raise a ConfigError if a table has not the channels of a study."""
    known = [channel.name for channel in channels(study)]
    if sorted(known) != sorted(table.channels()):
        raise ConfigError(
            f"yields: have the channels {', '.join(table.channels())}; the study has "
            f"{', '.join(known)}"
        )
    check_size(study, table, "yields")


def place(study: Study) -> tuple[Array, Array]:
    """Masses and couplings that the task works at: the grid, or the point."""
    if study.task.kind in AT_A_POINT:
        mass, coupling = point_of(study)
        return np.array([mass]), np.array([coupling])
    return study.scan.mass.array(), study.scan.coupling.array()


def point_of(study: Study) -> tuple[float, float]:
    """Mass and coupling of the point, without which a Study with a task at a point is not valid."""
    mass, coupling = study.model.mass, study.model.coupling
    assert mass is not None
    assert coupling is not None
    return mass, coupling


def simulate(study: Study, masses: Array, couplings: Array, work: Work) -> Simulation:
    """Simulate a Study on a grid, with a remark where errors are above those asked for."""

    def run_jobs(jobs: Sequence[Job]) -> list[MassSample]:
        return work.map_stored("simulation", Job.run, jobs)

    found = Simulation(study, masses, couplings, run_jobs)
    table = found.table
    if table.interpolated is not None and (between := table.interpolated.any(axis=1)).any():
        work.log.info("decays at %d of %d masses are interpolated", between.sum(), masses.size)
    check_error(study, table, work)
    check_volume(study, masses, couplings, work)
    remark_inputs(study, work)
    for text in recast_by_mass(study, masses):
        work.remark(text)
    return found


def simulate_each(plans: Sequence[Plan], work: Work) -> list[YieldTable]:
    """Give the yields of several plans, the jobs of which run together."""
    jobs = [list(plan.jobs()) for plan in plans]
    flat = [job for mine in jobs for job in mine]
    samples = iter(work.map_stored("simulation", Job.run, flat))
    return [
        plan.table([next(samples) for _ in mine]) for plan, mine in zip(plans, jobs, strict=True)
    ]


def remark_inputs(study: Study, work: Work) -> None:
    """Say what is to be known of what a simulation takes."""
    kinds = (beams, borrowed, scaled, efficiencies, bin_errors, without_rock, without_variation)
    for words in kinds:
        for text in words(study):
            work.remark(text)


def build(study: Study, table: YieldTable, work: Work) -> Experiment:
    """The likelihood of a Study with the yields of a table, and the data of `data_from` if any."""
    experiment = likelihood.experiment(study, table)
    if study.systematics.flux and "flux" not in table.modifiers:
        work.remark("the table of yields has no column rel_flux: no flux uncertainty")
    for text in (*likelihood.remarks(study), *borrowed(study), *assumed(study)):
        work.remark(text)
    if study.data_from is None:
        if text := projections(study):
            work.remark(text)
        return experiment
    base = experiment.base
    return with_data(experiment, read_data(study.data_from, base.channels, base.bins))


def with_data(experiment: Experiment, observed: Array) -> Experiment:
    """The same likelihood with other data, shape (C,)."""
    return replace(experiment, base=replace(experiment.base, observed=observed))


def point_tests(
    study: Study, table: YieldTable, experiment: Experiment, work: Work
) -> list[tuple[PointTest, ...]]:
    """Tests of every point of the grid, those of each mass together."""
    jobs = grid_jobs(study, table, experiment)
    by_mass = work.map_stored("grid points", GridJob.run, jobs)
    failed = [test for tests in by_mass for test in tests if test.exclusion is None]
    if failed:
        first = failed[0]
        work.remark(
            f"{len(failed)} grid points have no test, the first at {1e3 * first.mass_gev:.4g} MeV, "
            f"{study.model.axis.amount(first.coupling)}: {first.validity}"
        )
    if text := excess(study, [test for tests in by_mass for test in tests]):
        work.remark(text)
    return by_mass


def limits(
    study: Study,
    table: YieldTable,
    experiment: Experiment,
    work: Work,
    tests: Sequence[tuple[PointTest, ...]] = (),
) -> list[MassLimits]:
    """Limits at every mass; a mass where they cannot be found is a remark."""
    jobs = limit_jobs(study, table, experiment, tests)
    if (prior := prior_of(study)) is not None:
        work.remark(
            f"limits are credible ones with a prior flat in {prior.text} up to the coupling of the "
            "largest signal, which is taken to rise on; above, regions close where the likelihood "
            "is that of the limit; discoveries are tests of the background"
        )
    results = work.map_stored("inference", LimitJob.run, jobs)
    for result in results:
        if result.validity != "ok":
            words = result.validity.replace("ok: ", "")
            work.remark(f"at {1e3 * result.mass_gev:.4g} MeV {words}")
    return results


def limits_at_point(study: Study, work: Work) -> MassLimits:
    """Limits along the couplings of the scan at the mass of the point, which one of them is."""
    mass, coupling = point_of(study)
    couplings = np.union1d(study.scan.coupling.array(), [coupling])
    table = simulate(study, np.array([mass]), couplings, work).table
    experiment = build(study, table, work)
    (found,) = limits(study, table, experiment, work)
    return found


def contours(
    study: Study,
    source: Simulation | None,
    experiment: Experiment,
    results: Sequence[MassLimits],
) -> tuple[Region, ...]:
    """Regions of all limits; without a simulation nothing is known between the masses."""
    from hnlstat.run.between import between
    from hnlstat.run.contours import limit_fields, regions  # contourpy is for this stage alone

    field = None if source is None else between(study, source, experiment, results)
    return tuple(region for one in limit_fields(results, field) for region in regions(one))


def title(study: Study) -> str:
    """What is studied, in a line: datasets with their exposures, and the model."""
    data = ", ".join(f"{d.name} ({d.exposure.name})" for d in study.datasets)
    fixed = study.scan.plane is None and study.inference.marginal is None
    ratios = f", {study.model.ratios}" if fixed and study.model.ratios else ""
    return f"{data}: {study.model.label}{ratios}"
