"""The statistics of a run in units of work: the tests of grid points and the limits at a mass.

Whichever process works on them loads this module, and little else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.errors import InferenceError
from hnlstat.inference.engines.calculators import CalculatorName, choose
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits.credible import CredibleTests
from hnlstat.inference.limits.limits import MassLimits, limits_at_mass
from hnlstat.inference.limits.points import PointTest, grid_tests
from hnlstat.inference.limits.posterior import Prior
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood.experiment import Experiment
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
    prior: Prior | None = None

    def run(self) -> tuple[PointTest, ...]:
        """Make the tests."""
        method, engine = choose(self.calculator, self.experiment.base, self.toys)
        models = [self.experiment.at(j) for j in range(len(self.couplings))]
        tests = (self.mass, self.couplings, models, engine)
        if self.prior is None:
            return grid_tests(*tests, method, self.significance)
        method = self.prior.method(method)
        try:
            credible = credible_tests(self.couplings, self.experiment, self.prior)
        except InferenceError as error:
            return tuple(
                PointTest(self.mass, coupling, (), None, None, method, f"no test: {error}")
                for coupling in self.couplings.tolist()
            )
        return grid_tests(*tests, method, self.significance, credible)


def prior_of(study: Study) -> Prior | None:
    """Prior of the coupling; None: limits are no credible ones."""
    if study.inference.calculator != "bayesian":
        return None
    return Prior(*study.model.axis.power(study.inference.prior_power))


def credible_tests(
    couplings: NDArray[np.float64], experiment: Experiment, prior: Prior
) -> CredibleTests:
    """The posterior of the coupling at the mass of an experiment."""
    yields = CouplingYields.build(
        couplings, experiment.signal, experiment.modifiers, experiment.mc_error
    )
    return CredibleTests(yields, experiment.base, prior)


def grid_jobs(study: Study, table: YieldTable, experiment: Experiment) -> list[GridJob]:
    """One job for each mass of a table."""
    inference = study.inference
    toys = ToySettings(max(inference.toys // TOYS_SHARE, LEAST_TOYS), inference.seed)
    return [
        GridJob(
            float(mass), table.couplings, experiment.mass(i),
            max(inference.sigmas, default=0.0), inference.tester, toys, prior_of(study),
        )
        for i, mass in enumerate(table.masses)
    ]  # fmt: skip


@dataclass(frozen=True)
class LimitJob:
    """The limits at one mass; calculated in whichever process."""

    mass: float
    couplings: NDArray[np.float64]
    experiment: Experiment
    levels: tuple[float, ...]
    sigmas: tuple[float, ...]
    calculator: CalculatorName
    toys: ToySettings
    tests: tuple[PointTest, ...] = ()
    prior: Prior | None = None

    def run(self) -> MassLimits:
        """Find the limits."""
        mine = self.experiment
        return limits_at_mass(
            self.mass,
            self.couplings,
            mine.signal,
            mine.base,
            signal_modifiers=mine.modifiers,
            mc_error=mine.mc_error,
            levels=self.levels,
            sigmas=self.sigmas,
            calculator=self.calculator,
            toys=self.toys,
            tests=self.tests,
            prior=self.prior,
        )


def limit_jobs(
    study: Study,
    table: YieldTable,
    experiment: Experiment,
    tests: Sequence[tuple[PointTest, ...]] = (),
) -> list[LimitJob]:
    """One job for each mass of a table, with the tests of its grid points if there are any."""
    inference = study.inference
    return [
        LimitJob(
            float(mass), table.couplings, experiment.mass(i),
            inference.levels, inference.sigmas, inference.tester,
            ToySettings(inference.toys, inference.seed), tests[i] if tests else (),
            prior_of(study),
        )
        for i, mass in enumerate(table.masses)
    ]  # fmt: skip
