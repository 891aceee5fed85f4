"""A Study simulated: which masses of its grid are sampled, and the decays at those between them.

At one coupling the decays are smooth in the mass; branching ratio and efficiency, which have kinks,
come in later, at each mass itself. A fine grid is therefore sampled at masses some 10 % apart,
every second of which tests what the others predict there. Where that fails, more are sampled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.physics.processes import Kaons
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import TOLERATED, Job, Plan
from hnlstat.simulation.sample import MassSample

Array = NDArray[np.float64]
RunJobs = Callable[[Sequence[Job]], Sequence[MassSample]]

FIRST_RATIO = 1.25
"""Largest ratio of neighbouring masses that are sampled first; tests halve it."""

TEST_OVER_ERROR = 4
"""How much smaller the error of the interpolation is, at least, once the test is part of it.

That of a cubic falls with the fourth power of the distances, which the test halves.
"""


class Simulation:
    """A Study simulated on a grid of masses, which tells the yields between them, too.

    Parameters
    ----------
    study : what to simulate
    masses, couplings : (M,) [GeV] and (D,)
    run : runs jobs and returns their samples in order; called until the precision is reached

    Attributes
    ----------
    table : the yields on the grid
    """

    def __init__(self, study: Study, masses: Array, couplings: Array, run: RunJobs) -> None:
        self._plan = Plan.of(study, masses, couplings)
        self._tabulated: Sequence[MassSample] = ()
        jobs, n = list(self._plan.jobs()), len(masses)
        if study.scan.table is not None:
            self._tabulated = run(jobs)
            self.table = self._plan.table(self._tabulated)
            return
        grids = [jobs[i : i + n] for i in range(0, len(jobs), n)]
        # spectra of kaons end at some masses, and take no time
        between = study.simulation.interpolate_masses and not isinstance(study.model.source, Kaons)
        samples = interpolated(grids, run) if between else run(jobs)
        self.table = self._plan.table(samples)
        self._sampled = [
            {
                job.mass: s
                for job, s in zip(grid, samples[i * n :], strict=False)
                if not s.interpolated
            }
            for i, grid in enumerate(grids)
        ]

    def between(self, masses: Array) -> YieldTable:
        """Interpolate to masses (N,) [GeV] within the grid, of two masses or more, without tests.

        Decays are known as well as the samples beside them; branching ratio and efficiency are
        those of each mass.
        """
        if self._tabulated:
            return replace(self._plan, masses=masses).table(self._tabulated)
        found = [
            _predicted(float(x), np.log([*sampled]), [*sampled.values()])
            for sampled in self._sampled
            for x in np.log(masses)
        ]
        return replace(self._plan, masses=masses).table(found)


def simulate_study(study: Study, masses: Array, couplings: Array, run: RunJobs) -> YieldTable:
    """Simulate the yields of a Study on a grid; arguments as in `Simulation`."""
    return Simulation(study, masses, couplings, run).table


def interpolated(grids: Sequence[Sequence[Job]], run: RunJobs) -> list[MassSample]:
    """Samples at all masses of each grid, those between sampled masses by interpolation.

    Parameters
    ----------
    grids : for each detector the jobs at all masses, in rising order
    run : runs jobs and returns their samples in order
    """
    running = [_Grid(jobs) for jobs in grids]
    while wanted := [(grid, i) for grid in running for i in grid.wanted()]:
        samples = run([grid.jobs[i] for grid, i in wanted])
        for (grid, i), sample in zip(wanted, samples, strict=True):
            grid.samples[i] = sample
        for grid in running:
            grid.test()
    return [sample for grid in running for sample in grid.all()]


@dataclass(frozen=True)
class _Gap:
    """Masses between two sampled ones, one of which is sampled, too, as a test."""

    first: int
    test: int
    last: int


class _Grid:
    """The masses of one detector: what is sampled already, and gaps that await their test."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.log_mass = np.log([job.mass for job in jobs])
        self.samples: dict[int, MassSample] = {}
        self.interpolated: dict[int, MassSample] = {}
        self.ends = [0]
        while self.ends[-1] < len(jobs) - 1:
            reach = self.log_mass[self.ends[-1]] + np.log(FIRST_RATIO)
            last = int(np.searchsorted(self.log_mass, reach, side="right")) - 1
            self.ends.append(max(last, self.ends[-1] + 1))
        self.gaps = [
            gap
            for first, last in zip(self.ends[:-1], self.ends[1:], strict=True)
            for gap in self._gap(first, last)
        ]

    def _gap(self, first: int, last: int) -> list[_Gap]:
        """The gap between two masses; none where there is no mass between them."""
        if last - first < 2:
            return []
        middle = (self.log_mass[first] + self.log_mass[last]) / 2
        between = np.arange(first + 1, last)
        test = between[np.argmin(np.abs(self.log_mass[between] - middle))]
        return [_Gap(first, int(test), last)]

    def wanted(self) -> list[int]:
        """Masses to sample now."""
        needed = {*self.ends, *(gap.test for gap in self.gaps)}
        return sorted(needed - self.samples.keys())

    def test(self) -> None:
        """Keep the gaps whose test was well predicted, and cut the others in two."""
        tested, self.gaps = self.gaps, []
        for gap in tested:
            miss = self._miss(gap.test)
            between = set(range(gap.first, gap.last)) - self.samples.keys()
            found = {i: self._interpolated(i, miss) for i in between}
            precise = all(self._precise(i, sample) for i, sample in found.items())
            if precise and self._well_predicted(gap.test):
                # kept as they are: samples added next to a gap would only magnify their noise
                self.interpolated |= found
            else:
                self.gaps += self._gap(gap.first, gap.test) + self._gap(gap.test, gap.last)

    def _miss(self, test: int) -> Array:
        """Relative error of the prediction at a test that MC errors do not explain, (K, V, D)."""
        sample, predicted = self.samples[test], self._predicted(test)
        noise = predicted.error**2 + sample.error**2
        miss = np.sqrt(np.maximum((predicted.decays - sample.decays) ** 2 - noise, 0.0))
        return np.divide(miss, sample.decays, out=miss, where=sample.decays > 0)

    def _well_predicted(self, test: int) -> bool:
        """Whether the interpolation adds half of the precision asked for to the error at most.

        That is, in quadrature, to the weighted total at any coupling that matters.
        """
        precision = self.jobs[test].precision
        true, found = (
            np.einsum("kvd,kv->d", sample.decays, precision.weight)
            for sample in (self.samples[test], self._predicted(test))
        )
        relevant = np.maximum(true, found) >= precision.relevant
        limit = TEST_OVER_ERROR * precision.relative / 2 * true
        return not np.any(relevant & (np.abs(found - true) > limit))

    def _precise(self, i: int, sample: MassSample) -> bool:
        """Whether the error at a mass between samples can be tolerated where the total matters."""
        precision = self.jobs[i].precision
        total, error = (
            np.einsum("kvd,kv->vd", array, precision.weight)
            for array in (sample.decays, sample.error)
        )
        total, error = total.sum(axis=0), np.linalg.norm(error, axis=0)
        limit = TOLERATED * precision.relative * total
        return not np.any((total >= precision.relevant) & (error > limit))

    def _interpolated(self, i: int, miss: Array) -> MassSample:
        """Sample at a mass whose gap has missed its test by so much."""
        sample = self._predicted(i)
        own = sample.decays * miss / TEST_OVER_ERROR
        return replace(sample, error=np.hypot(sample.error, own))

    def _predicted(self, i: int) -> MassSample:
        """Sample at a mass from those sampled on both sides, not from its own."""
        others = sorted(self.samples.keys() - {i})
        samples = [self.samples[j] for j in others]
        return _predicted(float(self.log_mass[i]), self.log_mass[others], samples)

    def all(self) -> list[MassSample]:
        """Samples at all masses."""
        found = self.samples | self.interpolated
        return [found[i] for i in range(len(self.jobs))]


def _predicted(x: float, log_mass: Array, samples: Sequence[MassSample]) -> MassSample:
    """Sample at ln(mass) x from the two on each side, without an own error."""
    after = min(max(int(np.searchsorted(log_mass, x)), 1), log_mass.size - 1)
    first = max(after - 2, 0)
    near = slice(first, after + 2)
    edge = [after - 1 - first, after - first]
    cubic = _lagrange(x, log_mass[near])
    linear = _lagrange(x, log_mass[near][edge])
    decays, error, rock, beyond = (
        np.stack([getattr(sample, name) for sample in samples[near]])
        for name in ("decays", "error", "rock", "beyond")
    )
    value = _curve(decays, cubic, linear, edge)
    relative = np.divide(error, decays, out=np.zeros_like(error), where=decays > 0)
    spread = np.sqrt(np.tensordot(cubic**2, relative**2, 1))
    rock = np.minimum(_curve(rock, cubic, linear, edge), value)
    beyond = _curve(beyond, cubic, linear, edge)
    return MassSample(value, value * spread, rock, beyond, rays=0, interpolated=True)


def _lagrange(x: float, nodes: Array) -> Array:
    """Weights (n,) of values at `nodes` in the polynomial through them, at x."""
    return np.array(
        [
            np.prod((x - np.delete(nodes, i)) / np.delete(node - nodes, i))
            for i, node in enumerate(nodes)
        ]
    )


def _curve(values: Array, cubic: Array, linear: Array, edge: list[int]) -> Array:
    """Interpolate values (n, ...): a cubic in the logarithm, or a line where there are zeros.

    The cubic may leave the straight line by a factor e at most: it would swing where all decays
    end within one step.
    """
    plain = np.tensordot(linear, values[edge], 1)
    possible = np.all(values > 0, axis=0)
    logs = np.log(np.where(possible, values, 1.0))
    line = np.tensordot(linear, logs[edge], 1)
    curve = np.clip(np.tensordot(cubic, logs, 1), line - 1.0, line + 1.0)
    return np.where(possible, np.exp(curve), plain)
