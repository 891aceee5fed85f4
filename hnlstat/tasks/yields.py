"""What `task=` can ask for: each runs the stages it needs and leaves their files in a folder."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from hnlstat.config.executor import shared_folder
from hnlstat.config.study import Study
from hnlstat.errors import DataError, FigureError, OutputError
from hnlstat.likelihood import experiment as likelihood
from hnlstat.report.html import write_report
from hnlstat.run.between import between
from hnlstat.run.executors.executors import SerialExecutor, work_executor
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.files.folder import RunFolder, json_text
from hnlstat.run.files.provenance import provenance
from hnlstat.run.files.tables import read_data, read_yields, write_limits
from hnlstat.run.jobs import point_tests
from hnlstat.run.stages import (
    Run,
    limits,
    point_of,
    point_yields,
    simulate_grid,
    title,
    workspace,
    yields,
)
from hnlstat.run.store.resume import run_folder
from hnlstat.run.store.run_store import RunStore
from hnlstat.run.store.units import UnitStore
from hnlstat.search.table import YieldTable
from hnlstat.studies.saved import content_hash
from hnlstat.system.memory import reserve
from hnlstat.system.screen import Screen, line_of

TaskFunction = Callable[[Run, YieldTable | None], dict[str, Any]]


def run(study: Study) -> Path | None:
    """Run the task of a Study; gives the folder of its results, None for a task without.

    Raises
    ------
    HnlstatError
        For everything that a user can put right.
    """
    function = resolve_name(TASKS[study.task.kind])
    if study.task.kind in WITHOUT_FOLDER:
        function(study)
        return None
    return run_in_folder(study, function)


def run_in_folder(study: Study, function: TaskFunction) -> Path:
    """Run a task that leaves its files in a run folder, a new one or that of an unfinished run."""
    started = time.perf_counter()
    reserve()
    identity = content_hash(study)
    known = [channel.name for channel in likelihood.channels(study)]
    given = None if study.yields_from is None else read_yields(study.yields_from, known)
    if given is not None:
        likelihood.check_bins(study, given)
        check_size(study, given)
    if study.data_from is not None:  # before a long calculation, which it would make useless
        read_data(study.data_from, *likelihood.bins(study))
    with (
        Screen() as screen,
        run_folder(study, identity) as folder,
        folder.log() as log,
        work_executor(study.executor) as executor,
    ):
        log.info("task %s, content hash %s", study.task.kind, identity)
        current = Run(study, folder, executor, unit_store(study, folder), screen, log)
        summary = function(current, given)
        if study.task.kind != "combine":  # whose likelihoods have been made by others
            summary["assumed"] = study.assumptions()
        spent = time.perf_counter() - started
        folder.write_json("provenance.json", provenance(identity, study.simulation.seed, spent))
        with current.drawing("report.html", passing=OutputError):
            write_report(FinishedRun(folder.path, study, json.loads(json_text(summary))))
        folder.write_json("summary.json", summary | {"remarks": current.remarks})
        log.info("finished in %.1f s", spent)
        if study.task.kind != "contour":  # the summary of contours has them
            from hnlstat.report.summary import notes

            current.say(*notes(current.remarks))
        current.say(line_of(f"{folder.path}/ ({spent:.1f} s)"))
    check_drawn(current)
    return folder.path


def check_size(study: Study, given: YieldTable) -> None:
    """Raise a DataError if a table has too few masses or couplings for the task."""
    for key, axis in (("mass", given.masses), ("coupling", given.couplings)):
        if reason := study.too_few(key, axis.size):
            column = {"mass": "mass_gev", "coupling": "coupling_inv_gev"}[key]
            raise DataError(f"{study.yields_from}: {column} {reason}")


def check_drawn(current: Run) -> None:
    """Raise a FigureError if a figure could not be made."""
    if current.undrawn:
        raise FigureError(
            f"{', '.join(current.undrawn)} could not be made, see run.log; all else is in "
            f"{current.folder.path}/",
            current.folder.path,
        )


def unit_store(study: Study, folder: RunFolder) -> RunStore | None:
    """Where a run keeps the results of its units of work, None for nowhere."""
    if study.store == "off":
        return None
    shared, own = shared_folder(study.store), folder.path / "units"
    if shared is None:
        return RunStore(UnitStore.open(own))
    return RunStore(UnitStore.open(shared), own)


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
        "channels": list(experiment.base.members),
        "patches": table.masses.size * table.couplings.size,
    }


def run_contour(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=contour: limits, regions, the figure and the summary."""
    from hnlstat.bounds import chosen_bounds, comparable
    from hnlstat.report.existing import level_remarks
    from hnlstat.report.figure_job import ContourFigureJob
    from hnlstat.report.summary import render, summarise
    from hnlstat.run.contours import contours_document, limit_fields, regions

    study, folder = current.study, current.folder
    source = simulate_grid(current) if given is None else None
    table = yields(current, given) if source is None else source.table
    experiment = workspace(current, table)
    tests = point_tests(current, table, experiment)
    results = limits(current, table, experiment, tests)
    write_limits(folder.file("limits.csv"), [limit for r in results for limit in r.limits])
    field = None if source is None else between(study, source, experiment, results)
    fields = limit_fields(results, field)
    found = [region for field in fields for region in regions(field)]
    folder.write_json("contours.json", contours_document(found), indent=None)
    flavours = study.model.flavours.model_dump()
    bounds = chosen_bounds(study.bounds)
    shown = comparable(bounds, flavours)
    for text in level_remarks(shown, study.bounds.level):
        current.remark(text)
    grid = (
        (float(table.masses[0]), float(table.masses[-1])),
        (float(table.couplings[0]), float(table.couplings[-1])),
    )
    figure = ContourFigureJob(tuple(found), shown, flavours, title(study), *grid)
    here = replace(current, executor=SerialExecutor())
    with current.drawing("the figure contours"):
        (drawn,) = here.map_stored("figure", ContourFigureJob.run, [figure])
        folder.write_files("contours", {suffix: file.tobytes() for suffix, file in drawn.items()})
    summary = summarise(
        found, bounds, flavours=flavours, title=title(study), grid=grid, remarks=current.remarks
    )
    files = ["report.html", "contours.pdf", "limits.csv", "points.csv", "summary.json"]
    if current.undrawn:
        files.remove("contours.pdf")
    current.say(render(summary, files))
    return summary.document()


def run_point(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=point: everything about one mass and coupling."""
    from hnlstat.report.point import describe_point, point_tables

    study = current.study
    assert given is None  # a Study with yields_from and this task is not valid
    table = point_yields(current)
    experiment = workspace(current, table)
    document = describe_point(study, experiment.at(0, 0), *point_of(study))
    if table.cut_flow is not None:
        document["efficiency"] *= float(table.cut_flow.shares()[0, 0, -1])
    document |= {"task": "point", "remarks": current.remarks}
    current.say(*point_tables(document))
    return document


def run_events(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=events: weighted events of one mass, with a weight for each coupling."""
    from hnlstat.run.files.event_files import FILES, best_format, write_events
    from hnlstat.simulation.events import EventJob, EventModel, Tally, divide, strata

    study = current.study
    assert given is None  # a Study with yields_from and this task is not valid
    mass, coupling = point_of(study)
    couplings = (coupling, *study.events.couplings)
    jobs = strata(study, EventModel.of(study, mass, couplings))
    spreads = current.map("planning", EventJob.spread, jobs)
    parts = list(divide(jobs, spreads, study.events.number))
    batches = (
        events
        for start in range(0, len(parts), BATCHES_IN_MEMORY)
        for events in current.map("events", EventJob.run, parts[start : start + BATCHES_IN_MEMORY])
    )
    tally = Tally(couplings)
    kind = study.events.format if study.events.format != "auto" else best_format()
    write_events(current.folder.file(FILES[kind]), tally.passing(batches), kind)
    found = tally.expectations()
    for row in found:
        current.say(
            "{channel}, d = {coupling_inv_gev:g} GeV^-1: {decays_to_ee:.4g} +- {mc_error:.2g} "
            "decays to e+ e- expected".format(**row)
        )
    return {"task": "events", "remarks": current.remarks, "file": FILES[kind],
            "rows": tally.rows, "mass_gev": mass, "expected": found}  # fmt: skip


BATCHES_IN_MEMORY = 16
"""Of events, between their making and the file: some 10 MB each."""

TASKS = {
    "contour": "hnlstat.tasks.running:run_contour",
    "yields": "hnlstat.tasks.running:run_yields",
    "workspace": "hnlstat.tasks.running:run_workspace",
    "point": "hnlstat.tasks.running:run_point",
    "events": "hnlstat.tasks.running:run_events",
    "coverage": "hnlstat.tasks.statistics:run_coverage",
    "inject": "hnlstat.tasks.statistics:run_inject",
    "fit": "hnlstat.tasks.statistics:run_fit",
    "combine": "hnlstat.tasks.statistics:run_combine",
    "compare": "hnlstat.tasks.compare:run_compare",
    "efficiency": "hnlstat.tasks.efficiency:run_efficiency",
    "benchmark": "hnlstat.tasks.benchmark:run_benchmark",
    "store": "hnlstat.tasks.store:run_store",
    "figures": "hnlstat.tasks.figures:run_figures",
    "collect": "hnlstat.tasks.collect:run_collect",
}
"""Where the function of each task is. It is loaded alone: others bring libraries of their own."""

WITHOUT_FOLDER = ("store", "figures", "collect")
"""Tasks that work on the files of earlier runs, and take nothing but the Study."""
