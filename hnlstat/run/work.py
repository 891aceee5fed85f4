"""The stages of a run, each of which leaves its files in the run's folder."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hnlstat.config.search import Kinematic
from hnlstat.config.study import Study
from hnlstat.errors import HnlstatError, StoreError
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits.limits import MassLimits, limits_at_mass
from hnlstat.inference.limits.points import PointTest
from hnlstat.likelihood import experiment as likelihood
from hnlstat.likelihood.experiment import Experiment
from hnlstat.run.executors.executors import WorkExecutor
from hnlstat.run.files.folder import RunFolder, json_parts
from hnlstat.run.files.tables import read_data, write_cut_flow, write_yields
from hnlstat.run.store import packing
from hnlstat.run.store.run_store import RunStore
from hnlstat.search.masses import Simulation
from hnlstat.search.table import CutFlow, YieldTable
from hnlstat.search.volume import left_out
from hnlstat.search.yields import RELEVANT_EVENTS, TOLERATED, Job
from hnlstat.simulation.sample import MassSample
from hnlstat.simulation.setup import without_rock
from hnlstat.system.screen import Screen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")
R = TypeVar("R")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """A run under way: its study, folder, executor, store of units, screen and remarks.

    `undrawn` names the figures that could not be made.
    """

    study: Study
    folder: RunFolder
    executor: WorkExecutor
    store: RunStore | None
    screen: Screen
    log: logging.Logger
    remarks: list[str] = field(default_factory=list)
    undrawn: list[str] = field(default_factory=list)

    def map(self, title: str, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """Apply a function to pieces of work under a progress bar; results in their order."""
        return self._work(title, function, pieces, [None] * len(pieces))

    def map_stored(self, title: str, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """Do as `map`, but take from the store what it has, and keep the rest there."""
        if self.store is None:
            return self.map(title, function, pieces)
        keys = [packing.key(function, piece) for piece in pieces]
        found, damaged = [], []
        for key in keys:
            try:
                found.append(self.store.get(key))
            except StoreError as error:
                found.append(None)
                damaged.append(str(error))
        if damaged:
            more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
            self.remark(f"{damaged[0]}{more}; calculated again")
        known = sum(result is not None for result in found)
        self.log.info("%s: %d of %d in the store", title, known, len(pieces))
        store = self.store

        def keep(i: int, result: R) -> None:
            if remark := store.put(keys[i], result):
                self.remark(remark)

        return self._work(title, function, pieces, found, keep)

    def _work(
        self,
        title: str,
        function: Callable[[T], R],
        pieces: Sequence[T],
        known: Sequence[R | None],
        keep: Callable[[int, R], None] | None = None,
    ) -> list[R]:
        """Calculate the results that are not known."""
        columns = (
            TextColumn(f"{title:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        )  # fmt: skip
        started = time.perf_counter()
        console = self.screen.console
        hidden = not console.is_terminal
        with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
            missing = [i for i, result in enumerate(known) if result is None]
            task = progress.add_task(title, total=len(pieces), completed=len(pieces) - len(missing))
            results = dict(enumerate(known))
            for number, result in self.executor.each(function, [pieces[i] for i in missing]):
                if keep is not None:
                    keep(missing[number], result)
                results[missing[number]] = result
                progress.advance(task)
        self.log.info("%s: %d done in %.1f s", title, len(missing), time.perf_counter() - started)
        return [cast(R, results[i]) for i in range(len(pieces))]

    def remark(self, text: str) -> None:
        """Keep something that the user should know, for the log and the summary."""
        self.log.warning(text)
        self.remarks.append(text)

    def say(self, *parts: RenderableType) -> None:
        """Show texts and tables, once all files are written."""
        self.screen.say(*parts)

    def draw(self, stem: str, make: Callable[[], Figure]) -> None:
        """Draw a figure and write it; a fault in drawing costs that figure, no result."""
        with self.drawing(f"the figure {stem}"):
            self.folder.write_figure(stem, make())

    @contextmanager
    def drawing(self, what: str, passing: type[HnlstatError] = HnlstatError) -> Iterator[None]:
        """Turn what goes wrong in making a figure, or the report, into a remark."""
        try:
            with warnings.catch_warnings(record=True) as found:
                yield
            for warning in found:  # of letters that a font lacks, and the like
                self.log.info("%s: %s", what, warning.message)
        except passing:
            raise
        except Exception as error:  # it shows results, and may cost none whatever goes wrong
            self.log.exception("%s", what)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.remark(f"{what} could not be made: {reason}")
            self.undrawn.append(what)


@dataclass(frozen=True)
class LimitJob:
    """The limits at one mass; calculated in whichever process."""

    mass: float
    couplings: Array
    experiment: Experiment
    levels: tuple[float, ...]
    sigmas: tuple[float, ...]
    calculator: Any
    toys: ToySettings
    tests: tuple[PointTest, ...] = ()

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
        )


def simulate(current: Run, masses: Array, couplings: Array) -> Simulation:
    """Simulate the Study on a grid, with a warning where errors are above those asked for."""

    def run_jobs(jobs: Sequence[Job]) -> list[MassSample]:
        return current.map_stored("simulation", Job.run, jobs)

    found = Simulation(current.study, masses, couplings, run_jobs)
    table = found.table
    if table.interpolated is not None and (between := table.interpolated.any(axis=1)).any():
        current.log.info("decays at %d of %d masses are interpolated", between.sum(), masses.size)
    check_error(current, table)
    check_volume(current, masses, couplings)
    for text in without_rock(current.study):
        current.remark(text)
    return found


def keep_yields(current: Run, table: YieldTable) -> None:
    """Write yields.csv, and the cut flow of a kinematic selection with remarks on it."""
    write_yields(current.folder.file("yields.csv"), table)
    if table.cut_flow is not None:
        _keep_cut_flow(current, table.cut_flow)


def _keep_cut_flow(current: Run, flow: CutFlow) -> None:
    from hnlstat.report.cut_flow import cut_flow_remarks, cut_flow_table

    selection = current.study.selection
    assert isinstance(selection, Kinematic)
    write_cut_flow(current.folder.file("cutflow.csv"), flow)
    current.say(cut_flow_table(flow))
    for text in cut_flow_remarks(flow, selection):
        current.remark(text)


def check_error(current: Run, table: YieldTable, where: str = "") -> None:
    """Log the largest MC error, and remark on it where it is well above the one asked for."""
    reached, asked = largest_error(table), current.study.simulation.precision
    current.log.info("largest relative MC error of a dataset's yield%s: %.2g", where, reached)
    if reached > TOLERATED * asked:
        current.remark(
            f"MC error reaches {reached:.1%}{where}, more than simulation.precision = "
            f"{asked:.1%}: raise simulation.max_points"
        )


def check_volume(current: Run, masses: Array, couplings: Array) -> None:
    """Remark on limits of the sampled volume that leave out more than 1 % of the events."""

    def run_jobs(jobs: Sequence[Job]) -> list[MassSample]:
        return current.map_stored("volume", Job.run, jobs)

    found = left_out(current.study, masses, couplings, run_jobs)
    if found is not None and found.share > 0.01:
        simulation = current.study.simulation
        limits = {"radius": simulation.radius, "upstream": simulation.upstream}
        given = [f"simulation.{key} = {v:g} m" for key, v in limits.items() if v != "auto"]
        current.remark(
            f"up to {found.share:.0%} of the events in the described world lie outside "
            f"{' and '.join(given)} ({1e3 * found.mass:.3g} MeV, d = {found.coupling:.2g} GeV^-1)"
        )


def point_of(study: Study) -> tuple[float, float]:
    """Mass and coupling of the point, without which a Study with a task at a point is not valid."""
    mass, coupling = study.model.mass, study.model.coupling
    assert mass is not None
    assert coupling is not None
    return mass, coupling


def point_yields(current: Run) -> YieldTable:
    """Yields at the Study's point, simulated, as yields.csv."""
    mass, coupling = point_of(current.study)
    table = simulate(current, np.array([mass]), np.array([coupling])).table
    keep_yields(current, table)
    return table


def largest_error(table: YieldTable) -> float:
    """Largest relative MC error of a dataset's yield, where it is 0.1 events or more."""
    largest = 0.0
    for dataset in dict.fromkeys(table.dataset):
        events, error = table.total(dataset)
        relevant = events >= RELEVANT_EVENTS
        if np.any(relevant):
            largest = max(largest, float(np.max(error[relevant] / events[relevant])))
    return largest


def yields(current: Run, given: YieldTable | None) -> YieldTable:
    """Yields on the Study's grid, simulated or given, as yields.csv."""
    if given is None:
        return simulate_grid(current).table
    keep_yields(current, given)
    return given


def simulate_grid(current: Run) -> Simulation:
    """Simulate the Study on its grid, with its yields as yields.csv."""
    scan = current.study.scan
    found = simulate(current, scan.mass.array(), scan.coupling.array())
    keep_yields(current, found.table)
    return found


def build(current: Run, table: YieldTable) -> Experiment:
    """The likelihood, with the data of `data_from` if there are any."""
    study = current.study
    experiment = likelihood.experiment(study, table)
    if study.systematics.flux and "flux" not in table.modifiers:
        current.remark("the table of yields has no column rel_flux: no flux uncertainty")
    if study.data_from is None:
        if (text := projections(study)) and text not in current.remarks:
            current.remark(text)
        return experiment
    base = experiment.base
    return with_data(experiment, read_data(study.data_from, base.channels, base.bins))


def projections(study: Study) -> str:
    """What comes of projected datasets beside those with data; nothing where all are alike."""
    by_kind: dict[str, list[str]] = {"": [], "asimov": [], "data": []}
    for d in study.datasets:
        data = d.exposure.observed
        kind = data if isinstance(data, str) else "" if data is None else "data"
        by_kind[kind].append(f"{d.name} ({d.exposure.name})")
    asimov, missing, seen = (", ".join(by_kind[k]) for k in ("asimov", "", "data"))
    if seen and missing:
        return (
            f"the data of {seen} do not count beside projections: {missing}; with `observed: "
            "asimov` in their exposures these take their expected background for data"
        )
    if seen and asimov:
        return f"projected: {asimov}, where the expected background stands for data"
    return ""


def with_data(experiment: Experiment, observed: Array) -> Experiment:
    """The same likelihood with other data, shape (C,)."""
    return replace(experiment, base=replace(experiment.base, observed=observed))


def workspace(current: Run, table: YieldTable) -> Experiment:
    """The likelihood, as pyhf workspace and patch set."""
    experiment = build(current, table)
    write_workspace(current, table, experiment)
    return experiment


def write_workspace(current: Run, table: YieldTable, experiment: Experiment) -> None:
    """Write the pyhf workspace and the patch set of a grid."""
    from hnlstat.likelihood.workspace import SignalGrid, background_only, lazy_patchset

    bins = len(experiment.base.channels)
    grid = SignalGrid(
        np.repeat(table.masses, table.couplings.size),
        np.tile(table.couplings, table.masses.size),
        experiment.signal.reshape(-1, bins),
        {name: change.reshape(-1, bins) for name, change in experiment.modifiers.items()},
        experiment.mc_error.reshape(-1, bins),
    )
    folder, base = current.folder, experiment.base
    folder.write_json("workspace/BkgOnly.json", background_only(base), strict=True)
    patches = lazy_patchset(base, grid, current.study.name)
    folder.write_parts("workspace/patchset.json", json_parts(patches))


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
            inference.levels, inference.sigmas, inference.calculator,
            ToySettings(inference.toys, inference.seed), tests[i] if tests else (),
        )
        for i, mass in enumerate(table.masses)
    ]  # fmt: skip


def limits(
    current: Run,
    table: YieldTable,
    experiment: Experiment,
    tests: Sequence[tuple[PointTest, ...]] = (),
) -> list[MassLimits]:
    """Limits at every mass; a mass where they cannot be found is a remark."""
    jobs = limit_jobs(current.study, table, experiment, tests)
    results = current.map_stored("inference", LimitJob.run, jobs)
    for result in results:
        if result.validity != "ok":
            current.remark(f"at {1e3 * result.mass_gev:.4g} MeV {result.validity}")
    return results


def title(study: Study) -> str:
    """What is studied, in a line: datasets with their exposures, and the model."""
    data = ", ".join(f"{d.name} ({d.exposure.name})" for d in study.datasets)
    return f"{data}: {study.model.nature.capitalize()} N"
