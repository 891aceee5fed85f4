"""The stage of a run that tests every point of the grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.inference.engines.calculators import CalculatorName, choose
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits.points import PointTest, grid_tests
from hnlstat.likelihood.experiment import Experiment
from hnlstat.run.files.point_table import write_points
from hnlstat.run.stages import Run
from hnlstat.search.table import YieldTable

LEAST_TOYS = 1000
TOYS_SHARE = 10
"""Of a test of a grid point, where limits take this many times more of them."""


@dataclass(frozen=True)
class GridJob:
    """The tests of all couplings at one mass; calculated in whichever process."""

    mass: float
    couplings: NDArray[np.float64]
    experiment: Experiment
    significance: float
    calculator: CalculatorName
    toys: ToySettings

    def run(self) -> tuple[PointTest, ...]:
        """Make the tests."""
        method, engine = choose(self.calculator, self.experiment.base, self.toys)
        models = [self.experiment.at(j) for j in range(len(self.couplings))]
        return grid_tests(self.mass, self.couplings, models, engine, method, self.significance)


def grid_jobs(study: Study, table: YieldTable, experiment: Experiment) -> list[GridJob]:
    """One job for each mass of a table."""
    inference = study.inference
    toys = ToySettings(max(inference.toys // TOYS_SHARE, LEAST_TOYS), inference.seed)
    return [
        GridJob(
            float(mass), table.couplings, experiment.mass(i),
            max(inference.sigmas, default=0.0), inference.calculator, toys,
        )
        for i, mass in enumerate(table.masses)
    ]  # fmt: skip


def point_tests(
    current: Run, table: YieldTable, experiment: Experiment
) -> list[tuple[PointTest, ...]]:
    """Tests of every point of the grid, as points.csv; gives those of each mass."""
    jobs = grid_jobs(current.study, table, experiment)
    by_mass = current.map_stored("grid points", GridJob.run, jobs)
    found = [test for tests in by_mass for test in tests]
    write_points(current.folder.file("points.csv"), list(experiment.base.members), found)
    failed = [test for test in found if test.exclusion is None]
    if failed:
        first = failed[0]
        current.remark(
            f"{len(failed)} grid points have no test, the first at {1e3 * first.mass_gev:.4g} MeV, "
            f"{first.coupling_inv_gev:.3g} GeV^-1: {first.validity}"
        )
    return by_mass
