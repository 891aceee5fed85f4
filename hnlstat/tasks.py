"""What `task=` can ask for: each runs the stages it needs and leaves their files in a folder."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hnlstat import likelihood
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.inference.limits import MassLimits, limits_at_mass
from hnlstat.inference.toys import ToySettings
from hnlstat.likelihood import Experiment
from hnlstat.scan.executors import LocalExecutor
from hnlstat.scan.provenance import provenance
from hnlstat.scan.store import RunFolder
from hnlstat.scan.tables import read_yields, write_limits, write_yields
from hnlstat.simulation.sample import MassSample
from hnlstat.simulation.table import YieldTable
from hnlstat.simulation.yields import RELEVANT_EVENTS, Job, simulate_study

T = TypeVar("T")
R = TypeVar("R")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """A run under way: its study, folder, executor, display and remarks."""

    study: Study
    folder: RunFolder
    executor: LocalExecutor
    console: Console
    log: logging.Logger
    remarks: list[str] = field(default_factory=list)

    def map(self, title: str, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """Apply a function to pieces of work under a progress bar."""
        columns = (
            TextColumn(f"{title:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        )  # fmt: skip
        started = time.perf_counter()
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(title, total=len(pieces))
            results = self.executor.map(function, pieces, lambda: progress.advance(task))
        self.log.info("%s: %d done in %.1f s", title, len(pieces), time.perf_counter() - started)
        return results

    def remark(self, text: str) -> None:
        """Keep something that the user should know, for the log and the summary."""
        self.log.warning(text)
        self.remarks.append(text)


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
        )


def run(study: Study) -> None:
    """Run the task of a Study and leave its files in a new run folder.

    Raises
    ------
    HnlstatError
        For everything that a user can put right.
    """
    started = time.perf_counter()
    content_hash = study.content_hash()
    known = [channel.name for channel in likelihood.channels(study)]
    given = None if study.yields_from is None else read_yields(study.yields_from, known)
    folder = RunFolder.create(study.runs, study.name, content_hash)
    with folder.log() as log, LocalExecutor(study.executor.workers) as executor:
        log.info("task %s, content hash %s", study.task.kind, content_hash)
        folder.write_text("config.yaml", study.to_yaml())
        current = Run(study, folder, executor, Console(), log)
        summary = TASKS[study.task.kind](current, given)
        spent = time.perf_counter() - started
        folder.write_json("provenance.json", provenance(content_hash, study.simulation.seed, spent))
        folder.write_json("summary.json", summary)
        log.info("finished in %.1f s", spent)
    current.console.print(f"[dim]{folder.path}/ ({spent:.1f} s)[/dim]", highlight=False)


def simulate(current: Run, masses: Array, couplings: Array) -> YieldTable:
    """Yields of the Study on a grid, with a warning where their error is above the one asked."""

    def run_jobs(jobs: Sequence[Job]) -> list[MassSample]:
        return current.map("simulation", Job.run, jobs)

    table = simulate_study(current.study, masses, couplings, run_jobs)
    reached = largest_error(table)
    current.log.info("largest relative MC error of a dataset's yield: %.2g", reached)
    if reached > 1.5 * current.study.simulation.precision:
        current.remark(
            f"MC error reaches {reached:.1%}, more than simulation.precision = "
            f"{current.study.simulation.precision:.1%}: raise simulation.max_points"
        )
    return table


def largest_error(table: YieldTable) -> float:
    """Largest relative MC error of a dataset's yield, where it is 0.1 events or more."""
    largest = 0.0
    for dataset in dict.fromkeys(table.dataset):
        mine = np.array([name == dataset for name in table.dataset])
        events = table.events[..., mine].sum(axis=-1)
        # one sample serves all modes of a volume: their errors add up
        modes = np.array(table.mode)[mine]
        by_mode = [table.mc_error[..., mine][..., modes == mode] for mode in dict.fromkeys(modes)]
        error = np.sqrt(np.sum(sum(by_mode) ** 2, axis=-1))
        relevant = events >= RELEVANT_EVENTS
        if np.any(relevant):
            largest = max(largest, float(np.max(error[relevant] / events[relevant])))
    return largest


def yields(current: Run, given: YieldTable | None) -> YieldTable:
    """Yields on the Study's grid, simulated or given, as yields.csv."""
    scan = current.study.scan
    table = given or simulate(current, scan.mass.array(), scan.coupling.array())
    write_yields(current.folder.file("yields.csv"), table)
    return table


def workspace(current: Run, table: YieldTable) -> Experiment:
    """The likelihood, as pyhf workspace and patch set."""
    from hnlstat.inference.workspace import GridPoint, background_only, patchset

    study = current.study
    experiment = likelihood.experiment(study, table)
    if study.systematics.flux and "flux" not in table.modifiers:
        current.remark("the table of yields has no column rel_flux: no flux uncertainty")
    background = background_only(experiment.base)
    points = [
        GridPoint(float(mass), float(coupling), experiment.at(i, j))
        for i, mass in enumerate(table.masses)
        for j, coupling in enumerate(table.couplings)
    ]
    current.folder.write_json("workspace/BkgOnly.json", background)
    current.folder.write_json(
        "workspace/patchset.json", patchset(background, points, study.name), indent=None
    )
    return experiment


def run_yields(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=yields: the table of yields."""
    table = yields(current, given)
    return {"task": "yields", "remarks": current.remarks, "rows": table.events.size}


def run_workspace(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=workspace: yields and the pyhf workspace of every grid point."""
    table = yields(current, given)
    experiment = workspace(current, table)
    return {
        "task": "workspace",
        "remarks": current.remarks,
        "channels": list(experiment.base.channels),
        "patches": table.masses.size * table.couplings.size,
    }


def run_contour(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=contour: limits, regions, the figure and the summary."""
    from hnlstat.bounds import comparable, load_bounds
    from hnlstat.report.figures import contour_figure
    from hnlstat.report.summary import render, summarise
    from hnlstat.scan.contours import contours_document, limit_fields, regions

    study, folder = current.study, current.folder
    table = yields(current, given)
    results = limits(current, table, workspace(current, table))
    write_limits(folder.file("limits.csv"), [limit for r in results for limit in r.limits])
    found = [region for field in limit_fields(results) for region in regions(field)]
    folder.write_json("contours.json", contours_document(found), indent=None)
    flavours = study.model.flavours.model_dump()
    bounds = load_bounds()
    figure = contour_figure(
        found, comparable(bounds, flavours), flavours=flavours, title=title(study),
        mass_range=(float(table.masses[0]), float(table.masses[-1])),
        coupling_range=(float(table.couplings[0]), float(table.couplings[-1])),
    )  # fmt: skip
    folder.write_figure("contours", figure)
    summary = summarise(
        found, bounds, flavours=flavours, title=title(study), remarks=current.remarks
    )
    files = ("contours.pdf", "limits.csv", "contours.json", "summary.json")
    current.console.print(render(summary, files), highlight=False)
    return summary.document()


def limits(current: Run, table: YieldTable, experiment: Experiment) -> list[MassLimits]:
    """Limits at every mass; a mass where they cannot be found is a remark."""
    inference = current.study.inference
    jobs = [
        LimitJob(
            float(mass), table.couplings, experiment.mass(i),
            inference.levels, inference.sigmas, inference.calculator,
            ToySettings(inference.toys, inference.seed),
        )
        for i, mass in enumerate(table.masses)
    ]  # fmt: skip
    results = current.map("inference", LimitJob.run, jobs)
    for result in results:
        if result.validity != "ok":
            current.remark(f"at {1e3 * result.mass_gev:.4g} MeV {result.validity}")
    return results


def run_point(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=point: everything about one mass and coupling."""
    from hnlstat.report.point import describe_point, point_tables

    study = current.study
    mass, coupling = study.model.mass, study.model.coupling
    if mass is None or coupling is None:
        raise ConfigError("model.mass, model.coupling: missing; task=point needs both")
    if given is not None:
        raise ConfigError("yields_from: task=point simulates its point; use task=contour")
    table = simulate(current, np.array([mass]), np.array([coupling]))
    write_yields(current.folder.file("yields.csv"), table)
    experiment = workspace(current, table)
    document = describe_point(study, experiment.at(0, 0), mass, coupling)
    document |= {"task": "point", "remarks": current.remarks}
    for part in point_tables(document):
        current.console.print(part)
    return document


def run_events(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=events: weighted events of one mass, with a weight for each coupling."""
    from hnlstat.scan.event_files import FILES, best_format, write_events
    from hnlstat.simulation.events import EventJob, EventModel, divide, expectations, join, strata

    study = current.study
    mass, coupling = study.model.mass, study.model.coupling
    if mass is None or coupling is None or given is not None:
        raise ConfigError("task=events needs model.mass and model.coupling, and no yields_from")
    couplings = (coupling, *study.events.couplings)
    jobs = strata(study, EventModel.of(study, mass, couplings))
    spreads = current.map("planning", EventJob.spread, jobs)
    parts = list(divide(jobs, spreads, study.events.number))
    events = join(current.map("events", EventJob.run, parts))
    kind = study.events.format if study.events.format != "auto" else best_format()
    write_events(current.folder.file(FILES[kind]), events, kind)
    found = expectations(events, couplings)
    for row in found:
        current.console.print(
            "{channel}, d = {coupling_inv_gev:g} GeV^-1: {decays_to_ee:.4g} +- {mc_error:.2g} "
            "decays to e+ e- expected".format(**row),
            highlight=False,
        )
    return {"task": "events", "remarks": current.remarks, "file": FILES[kind],
            "rows": len(events["weight"]), "mass_gev": mass, "expected": found}  # fmt: skip


def title(study: Study) -> str:
    """What is studied, in a line: datasets with their exposures, and the model."""
    data = ", ".join(f"{d.name} ({d.exposure.name})" for d in study.datasets)
    return f"{data}: {study.model.nature.capitalize()} N"


TASKS: dict[str, Callable[[Run, YieldTable | None], dict[str, Any]]] = {
    "contour": run_contour,
    "yields": run_yields,
    "workspace": run_workspace,
    "point": run_point,
    "events": run_events,
}
