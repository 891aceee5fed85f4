"""task=figures: figures of a finished run, in its folder, and its report with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hnlstat.config.study import Study
from hnlstat.config.task import CollectTask, FiguresTask
from hnlstat.errors import ConfigError
from hnlstat.report.album import DRAW, Album, NotDrawnError
from hnlstat.report.citations import Sources
from hnlstat.report.gallery import own_figures
from hnlstat.report.html import write_report
from hnlstat.run.current import Run
from hnlstat.run.executors.executors import work_executor
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.files.folder import RunFolder
from hnlstat.run.sweep import is_sweep
from hnlstat.search.table import YieldTable
from hnlstat.system.screen import line_of
from hnlstat.tasks import collect

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FURTHER = {
    "yields": ("yields.csv",),
    "brazil": ("points.csv",),
    "production": ("yields.csv",),
    "decay_length": ("yields.csv",),
    "vertices": ("yields.csv",),
}
"""Figures that no run draws by itself, with the files that they cannot be drawn without."""

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
    if task.folder is not None and is_sweep(task.folder):
        return _of_sweep(current, task)
    finished = _as_asked(FinishedRun.asked(task), current.study)
    wanted = _wanted(task, finished)
    folder = RunFolder(finished.path)
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


def _of_sweep(current: Run, task: FiguresTask) -> dict[str, Any]:
    """Draw the figure of a sweep anew, as task=collect does of the files of its jobs."""
    if task.figures != "all":
        raise ConfigError(
            f"task.figures: {', '.join(task.figures)}: {task.folder} is of a sweep, which has one "
            "figure of its own; leave it out, or name the folder of a job"
        )
    study = current.study.model_copy(
        update={"task": CollectTask.model_validate({"kind": "collect", "folder": task.folder})}
    )
    return collect.run(replace(current, study=study), None)


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
                for stem, figure in _figures(album, name):
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


def _figures(album: Album, name: str) -> Iterator[tuple[str, Figure]]:
    """Draw what a name stands for: a figure of the run's task, or further ones."""
    own = own_figures(album.finished)
    if name in own:
        yield name, own[name].make(album.finished)
    else:
        yield from DRAW[name](album)


def _wanted(task: FiguresTask, finished: FinishedRun) -> list[str]:
    """Names of the figures to draw, each of which the run has the files for."""
    study, kind = finished.study, finished.kind
    needed = {name: shown.needs for name, shown in own_figures(finished).items()} | FURTHER
    simulation = study.simulation
    no_events = not simulation.survival or simulation.decay_lengths is not None
    lacking = {name: finished.lacking(files) for name, files in needed.items()}
    if task.figures == "all":
        found = [n for n, file in lacking.items() if not (file or (no_events and n in SAMPLED))]
        if not found:
            files = sorted({file for file in lacking.values() if file})
            raise ConfigError(
                f"task.folder: {finished.path} has no {' or '.join(files)}: nothing to draw"
            )
        return found
    for name in task.figures:
        if name not in lacking:
            raise ConfigError(
                f"task.figures: {name} is none of {kind}, which {finished.path} is of; it may have "
                f"{', '.join(needed)}"
            )
        if lacking[name]:
            raise ConfigError(
                f"task.figures: {name} needs {lacking[name]}, which {finished.path} lacks"
            )
        if no_events and name in SAMPLED:
            raise ConfigError(
                f"task.figures: {name} needs a run with simulation.survival=true and "
                "simulation.decay_lengths=null"
            )
    return list(task.figures)
