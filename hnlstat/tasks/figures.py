"""task=figures: figures of a finished run, in its folder, and its report with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hnlstat.config.study import Study
from hnlstat.config.task import FIGURES, FiguresTask
from hnlstat.errors import ConfigError
from hnlstat.physics.processes import Kaons
from hnlstat.report.album import DRAW, Album, NotDrawnError
from hnlstat.report.citations import Sources
from hnlstat.report.html import write_report
from hnlstat.run.current import Run
from hnlstat.run.executors.executors import work_executor
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.files.folder import RunFolder
from hnlstat.search.table import YieldTable
from hnlstat.system.screen import line_of

NEEDED = {
    "contours": "contours.json",
    "yields": "yields.csv",
    "brazil": "points.csv",
    "production": "yields.csv",
    "decay_length": "yields.csv",
    "vertices": "yields.csv",
}
"""The file of a run without which a figure cannot be drawn."""

SAMPLED = ("production", "decay_length", "vertices")
"""Figures for which N are sampled."""


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Draw the figures of a finished run into its folder and renew its report.

    Raises
    ------
    HnlstatError
        For everything that a user can put right.
    """
    task = current.study.task
    assert isinstance(task, FiguresTask)
    assert given is None  # they are those of the run
    assert task.folder is not None  # a task without it is not valid
    finished = _as_asked(FinishedRun.open(task.folder), current.study)
    wanted = _wanted(task, finished)
    folder = RunFolder(task.folder)
    with folder.log() as log, work_executor(current.study.executor) as executor:
        current = replace(current, folder=folder, executor=executor, log=log)
        drawn = _draw(Album(task, finished, current, folder), wanted)
        with current.drawing("report.html"):
            write_report(finished, Sources.of(finished))
        log.info("figures drawn: %s", ", ".join(drawn))
        current.say(
            *(f"Not drawn: {remark}" for remark in current.remarks), f"Figures: {', '.join(drawn)}"
        )
        current.say(line_of(f"{folder.path}/report.html"))
    return {"task": "figures", "folder": str(folder.path), "figures": drawn}


def _as_asked(finished: FinishedRun, study: Study) -> FinishedRun:
    """Give the run in the look that is asked for."""
    report = study.report.over(finished.study.report).check(finished.study.model.axis)
    return replace(finished, study=finished.study.model_copy(update={"report": report}))


def _draw(album: Album, wanted: Sequence[str]) -> list[str]:
    """Draw figures into the run's folder, each by itself; gives the stems of their files.

    Raises
    ------
    NotDrawnError
        If the run has too little for a figure that is asked for by name, or for any.
    """
    current, drawn, reasons = album.current, list[str](), list[NotDrawnError]()
    for name in wanted:
        try:
            with current.drawing(f"the figure {name}"):
                for stem, figure in DRAW[name](album):
                    album.folder.write_figure(f"figures/{stem}", figure)
                    drawn.append(stem)
        except NotDrawnError as error:
            if album.task.figures != "all":
                raise
            reasons.append(error)
            current.remark(f"{name}: {error}")
    if not drawn and reasons:
        raise reasons[0]
    return drawn


def _wanted(task: FiguresTask, finished: FinishedRun) -> list[str]:
    """Names of the figures to draw, each of which the run has the files for."""
    study = finished.study
    if study.scan.plane is not None or study.inference.marginal is not None:
        raise ConfigError(
            f"task.folder: {finished.path} has limits of many mixings, and no yields to draw; for "
            "another look of its figure run it again"
        )
    simulation, kaons = study.simulation, isinstance(study.model.source, Kaons)
    no_events = kaons or not simulation.survival or simulation.decay_lengths is not None
    lacking = {name: file for name, file in NEEDED.items() if not finished.has(file)}
    if task.figures == "all":
        found = [n for n in FIGURES if n not in lacking and not (no_events and n in SAMPLED)]
        if not found:
            raise ConfigError(
                f"task.folder: {finished.path} has no {' or '.join(sorted(set(NEEDED.values())))}: "
                "nothing to draw"
            )
        return found
    for name in task.figures:
        if name in lacking:
            raise ConfigError(
                f"task.figures: {name} needs {lacking[name]}, which {finished.path} lacks"
            )
        if kaons and name in SAMPLED:
            raise ConfigError(
                f"task.figures: {name} is of N that are made in matter; those of "
                f"{finished.path} are of kaons, see task=events"
            )
        if no_events and name in SAMPLED:
            raise ConfigError(
                f"task.figures: {name} needs a run with simulation.survival=true and "
                "simulation.decay_lengths=null"
            )
    return list(task.figures)
