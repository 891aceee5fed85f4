"""The one way into the tasks: `task.kind` names a module beside this one, whose `run` does it.

It runs the stages that it needs, keeps what comes of them, and gives the content of summary.json.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnlstat.config.executor import shared_folder
from hnlstat.config.study import Study
from hnlstat.config.task import ON_FOLDERS
from hnlstat.errors import FigureError, OutputError
from hnlstat.report.citations import FILE as CITATIONS
from hnlstat.report.citations import Sources, bibtex
from hnlstat.report.html import write_report
from hnlstat.report.summary_text import notes
from hnlstat.run import stages
from hnlstat.run.current import Kept, Run
from hnlstat.run.executors.executors import work_executor
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.files.folder import RunFolder, json_text
from hnlstat.run.files.provenance import provenance
from hnlstat.run.store.resume import CONFIG, run_folder
from hnlstat.run.store.run_store import RunStore
from hnlstat.run.store.units import UnitStore
from hnlstat.search.table import YieldTable
from hnlstat.studies.saved import content_hash, to_yaml
from hnlstat.system.memory import reserve
from hnlstat.system.screen import Screen, line_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

TaskFunction = Callable[[Run, YieldTable | None], dict[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    study, summary
        What was run, and the content of summary.json.
    kept, figures
        Results by the names of their files, and what draws each figure.
    undrawn
        Figures that could not be made, while all else is in the folder.
    folder
        Where the files are; None: nowhere.
    spent
        Time that it took [s].
    """

    study: Study
    summary: dict[str, Any]
    kept: Mapping[str, Kept]
    figures: Mapping[str, Callable[[], Figure]]
    undrawn: tuple[str, ...]
    folder: Path | None
    spent: float

    @property
    def remarks(self) -> list[str]:
        """What the user should know."""
        return [*self.summary.get("remarks", ())]

    def check_drawn(self) -> None:
        """Raise a FigureError if a figure could not be made."""
        if self.undrawn:
            folder = self.folder or Path(self.summary["folder"])
            raise FigureError(
                f"{', '.join(self.undrawn)} could not be made, see "
                f"{'run.log' if self.folder else 'above'}; all else is in {folder}/",
                folder,
            )


def run(
    study: Study,
    *,
    keep: bool = True,
    screen: Screen | None = None,
    progress: Console | None = None,
) -> Outcome:
    """Run the task of a Study.

    Parameters
    ----------
    study
        What to run.
    keep
        Leave its files in a folder below `runs`.
    screen
        What is said at the end; None: nothing.
    progress
        Where bars of progress are shown; None: nowhere.

    Raises
    ------
    HnlstatError
        For everything that a user can put right.
    """
    function: TaskFunction = import_module(f"hnlstat.tasks.{study.task.kind}").run
    started = time.perf_counter()
    with screen or Screen.silent() as screen:
        current = Run(study=study, screen=screen, progress=progress)
        if study.task.kind in ON_FOLDERS:
            summary = function(current, None)
            current.remarks.extend(study.remarks)  # what is in them is of the runs
            current.say(*notes(study.remarks))
            return _outcome(current, summary, started)
        reserve()
        identity = content_hash(study)
        given = stages.given(study)
        if keep or study.resume is not None:
            return _run_in_folder(current, function, given, identity, started)
        with work_executor(study.executor) as executor:
            current = replace(current, executor=executor, store=unit_store(study, None))
            summary = _done(current, function, given)
        _say_notes(current)
        return _outcome(current, summary, started)


def _run_in_folder(
    current: Run, function: TaskFunction, given: YieldTable | None, identity: str, started: float
) -> Outcome:
    """Run a task that leaves its files in a run folder, a new one or that of an unfinished run."""
    study = current.study
    with (
        run_folder(study, identity) as folder,
        folder.log() as log,
        work_executor(study.executor) as executor,
    ):
        log.info("task %s, content hash %s", study.task.kind, identity)
        store = unit_store(study, folder)
        current = replace(current, folder=folder, executor=executor, log=log, store=store)
        summary = _done(current, function, given)
        spent = time.perf_counter() - started
        _finish(current, folder, identity, summary, spent)
        log.info("finished in %.1f s", spent)
        _say_notes(current)
        current.say(line_of(f"{folder.path}/ ({spent:.1f} s)"))
    return _outcome(current, summary, started)


def _say_notes(current: Run) -> None:
    """Show the first remarks; the summary of contours has them."""
    if current.study.task.kind != "contour":
        current.say(*notes(current.remarks))


def _done(current: Run, function: TaskFunction, given: YieldTable | None) -> dict[str, Any]:
    """Do the task, and add the settings without a source; combined runs have made theirs."""
    study = current.study
    for text in study.remarks:
        current.remark(text)
    summary = function(current, given)
    if study.task.kind == "combine":
        return summary
    return summary | {"assumed": study.assumptions() | summary.get("assumed", {})}


def _outcome(current: Run, summary: dict[str, Any], started: float) -> Outcome:
    return Outcome(
        current.study,
        summary | {"remarks": current.remarks},
        current.kept,
        current.figures,
        tuple(current.undrawn),
        None if current.folder is None else current.folder.path,
        time.perf_counter() - started,
    )


def _finish(
    current: Run, folder: RunFolder, identity: str, summary: dict[str, Any], spent: float
) -> None:
    """Write what every run leaves; summary.json is the last, and marks it as complete."""
    study = current.study
    folder.write_json("provenance.json", provenance(identity, study.simulation.seed, spent))
    finished = FinishedRun(folder.path, study, json.loads(json_text(summary)))
    rests_on = Sources.of(finished)
    with current.drawing("report.html", passing=OutputError):
        write_report(finished, rests_on)
    uses = rests_on.uses
    folder.write_text(CITATIONS, bibtex(uses))
    folder.write_json("summary.json", summary | {"remarks": current.remarks, "citations": uses})


def save(outcome: Outcome, path: Path) -> None:
    """Write the files of a run that has left none into a folder, which is made.

    Raises
    ------
    OutputError
        If there is something in it, or it cannot be written.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(f"{path}: is there already; name a new folder, or an empty one")
    study, folder = outcome.study, RunFolder(path)
    folder.write_text(CONFIG, to_yaml(study.model_copy(update={"resume": None})))
    current = Run(study=study, screen=Screen.silent(), folder=folder, remarks=[*outcome.remarks])
    for name, kept in outcome.kept.items():
        current.keep(name, kept.content, kept.write)
    for name, make in outcome.figures.items():
        current.draw(name, make)
    _finish(current, folder, content_hash(study), outcome.summary, outcome.spent)


def unit_store(study: Study, folder: RunFolder | None) -> RunStore | None:
    """Where a run keeps the results of its units of work, None for nowhere."""
    shared = None if study.store == "off" else shared_folder(study.store)
    own = None if study.store == "off" or folder is None else folder.path / "units"
    if shared is not None:
        return RunStore(UnitStore.open(shared), own)
    return None if own is None else RunStore(UnitStore.open(own))
