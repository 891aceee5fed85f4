"""Runs and their stages for scripts and notebooks, without files, words or bars unless asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING

from hnlstat.api.matching import check_made_for
from hnlstat.api.results import Result, folder
from hnlstat.api.stages import Fit, Likelihood, Limits
from hnlstat.api.tables import Table, Yields, limit_columns, point_columns, yield_columns
from hnlstat.config.study import MIN_COUPLINGS, Study
from hnlstat.config.task import FitTask
from hnlstat.errors import ConfigError, memory_in_a_line
from hnlstat.report.cut_flow import cut_flow_remarks
from hnlstat.report.figure_job import ContourFigureJob
from hnlstat.report.keep import Points
from hnlstat.run import stages
from hnlstat.run.executors.executors import work_executor
from hnlstat.run.work import Work
from hnlstat.search.table import YieldTable
from hnlstat.studies.loading import checked
from hnlstat.system.guest import as_guest
from hnlstat.system.memory import reserve
from hnlstat.system.screen import Screen, Words
from hnlstat.tasks import running

if TYPE_CHECKING:
    from rich.console import Console


def run(
    study: Study,
    *,
    keep: bool | str | PathLike[str] = False,
    progress: bool = False,
    verbose: bool = False,
) -> Result:
    """
    Run the task of a study, as the command line does.

    Parameters
    ----------
    study
        What to run; see `hnlstat.study`.
    keep
        Leave the files of the run: True below the study's `runs`, as the command line does, a
        folder: below that. Otherwise results are in memory only; `save` writes them.
    progress
        Show bars of progress, in a terminal or a notebook.
    verbose
        Print what the command line prints at the end.

    Returns
    -------
    Result
        Tables, figures and the summary.

    Raises
    ------
    HnlstatError
        In one line, for everything that can be put right.
    """
    _check_study("run", study)
    if not isinstance(keep, bool):
        study = study.model_copy(update={"runs": folder("keep", keep)})
    screen = Screen() if verbose else None
    with as_guest(), memory_in_a_line():
        return Result(
            running.run(study, keep=bool(keep), screen=screen, progress=_console(progress))
        )


def simulate(study: Study, *, progress: bool = False) -> Yields:
    """
    Simulate the yields of a study where its task works: on its grid, or at its point.

    Parameters
    ----------
    study
        With `yields_from` its table is taken in place of a simulation.
    progress
        Show a bar.

    Returns
    -------
    table
        `Yields`: that of yields.csv.

    Raises
    ------
    HnlstatError
        In one line, for everything that can be put right.
    """
    _check_study("simulate", study)
    with _work(study, progress) as work:
        table = stages.given(study)
        source = None
        if table is None:
            source = stages.simulate(study, *stages.place(study), work)
            table = source.table
        for flow in table.cut_flows:
            for text in cut_flow_remarks(flow):
                work.remark(text)
        columns = yield_columns(table, study.model.axis)
        return Yields("yields", columns, table, source, tuple(work.remarks), study)


def likelihood(study: Study, yields: Yields) -> Likelihood:
    """
    Build the likelihood of a study: yields, backgrounds, data and their uncertainties.

    Parameters
    ----------
    study
        Its backgrounds, systematics and data.
    yields
        Of the same model, datasets and selections.

    Returns
    -------
    Likelihood
        Over the points of the yields.

    Raises
    ------
    HnlstatError
        In one line, for everything that can be put right.
    """
    _check_study("likelihood", study)
    _check_stage("likelihood", yields, Yields, "yields, as simulate(study) gives them")
    stages.check_channels(study, yields.grid)
    check_made_for(study, yields.study)
    with _work(study, False) as work:
        experiment = stages.build(study, yields.grid, work)
        return Likelihood(study, yields, experiment, (*yields.remarks, *work.remarks))


def limits(study: Study, likelihood: Likelihood, *, progress: bool = False) -> Limits:
    """
    Test every point of the grid, and find limits and discoveries by mass.

    Parameters
    ----------
    study
        Its `inference`: levels, sigmas, calculator.
    likelihood
        Over a grid.
    progress
        Show bars.

    Returns
    -------
    Limits
        The table of limits.csv, with `points` and `contours`.

    Raises
    ------
    HnlstatError
        In one line, for everything that can be put right.
    """
    _check_likelihood("limits", study, likelihood)
    if study.scan.plane is not None or study.inference.marginal is not None:
        raise ConfigError("limits: scan.plane and inference.marginal are of run(study), in one go")
    table, experiment = likelihood.yields.grid, likelihood.experiment
    _check_grid("limits", table, 1)
    with _work(study, progress) as work:
        tests = stages.point_tests(study, table, experiment, work)
        results = stages.limits(study, table, experiment, work, tests)
        found = tuple(limit for result in results for limit in result.limits)
        points = Points.of(experiment, tests)
        regions = stages.contours(study, likelihood.yields.source, experiment, results)
        columns = limit_columns(found)
        remarks = (*likelihood.remarks, *work.remarks)
        job = ContourFigureJob.of(study, table, regions)
        tested = Table("points", point_columns(points, study.model.axis))
        return Limits("limits", columns, tested, job, remarks)


def fit(study: Study, likelihood: Likelihood, *, progress: bool = False) -> Fit:
    """
    Fit mass and coupling to the data of a likelihood.

    Parameters
    ----------
    study
        With task=fit, which has the levels of the contours.
    likelihood
        With data, over a grid.
    progress
        As for the other stages; a fit has no bar.

    Returns
    -------
    Fit
        Best fit of the parameters, and contours.

    Raises
    ------
    HnlstatError
        In one line, for everything that can be put right.
    """
    from hnlstat.run.fitting import fit as fitted  # only now: it brings Minuit

    _check_likelihood("fit", study, likelihood)
    if not isinstance(study.task, FitTask):
        raise ConfigError(f"fit: the study has task={study.task.kind}; make it with task='fit'")
    if likelihood.experiment.base.observed is None:
        raise ConfigError("fit: the likelihood is a projection, which has no data to fit")
    _check_grid("fit", likelihood.yields.grid, MIN_COUPLINGS)
    with _work(study, progress) as work:
        found = fitted(study.task, likelihood.yields.grid, likelihood.experiment, work)
        return Fit(study, found, (*likelihood.remarks, *work.remarks))


@contextmanager
def _work(study: Study, progress: bool) -> Iterator[Work]:
    """Give what does the work of a stage, in which nothing of a caller's process changes."""
    with as_guest(), memory_in_a_line():
        reserve()
        with work_executor(study.executor) as executor:
            store = running.unit_store(study, None)
            yield Work(executor=executor, store=store, progress=_console(progress))


def _console(progress: bool) -> Console | None:
    return Words() if progress else None


def _check_study(name: str, study: object) -> None:
    if not isinstance(study, Study):
        raise ConfigError(
            f"{name}: {study!r:.100} is no study; make one with hnlstat.study('key=value', ...)"
        )
    checked(study)  # it may have been changed since it was composed


def _check_stage(name: str, value: object, kind: type, wanted: str) -> None:
    if not isinstance(value, kind):
        raise ConfigError(
            f"{name}: takes {wanted}, not {' '.join(repr(value).split()):.60} "
            f"({type(value).__name__})"
        )


def _check_likelihood(name: str, study: Study, likelihood: Likelihood) -> None:
    """Refuse what is no study, no likelihood, or not the likelihood of that study."""
    _check_study(name, study)
    _check_stage(name, likelihood, Likelihood, "the likelihood(study, yields)")
    check_made_for(study, likelihood.yields.study)


def _check_grid(name: str, table: YieldTable, masses: int) -> None:
    """Refuse yields at too few points, such as those of a task at a point."""
    for noun, axis, least in (
        ("masses", table.masses, masses), ("couplings", table.couplings, MIN_COUPLINGS)
    ):  # fmt: skip
        if axis.size < least:
            raise ConfigError(
                f"{name}: the yields are at {axis.size} {noun}, which takes {least}; simulate a "
                "study with a grid, such as one with task='contour'"
            )
