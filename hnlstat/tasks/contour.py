"""task=contour: limits, regions, the figure and the summary."""

from dataclasses import replace
from typing import Any

from hnlstat.bounds import chosen_bounds
from hnlstat.report import keep
from hnlstat.report.existing import left_out, level_remarks
from hnlstat.report.figure_job import ContourFigureJob
from hnlstat.report.summary import summarise
from hnlstat.report.summary_text import render
from hnlstat.run import stages
from hnlstat.run.current import Run
from hnlstat.run.executors.executors import SerialExecutor
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Find limits over the plane, and draw and summarise them."""
    study = current.study
    source = None if given is not None else keep.simulation(current)
    table = keep.simulated_or_given(current, given) if source is None else source.table
    experiment = keep.likelihood(current, table)
    tests = stages.point_tests(study, table, experiment, current)
    keep.points(current, experiment, tests)
    results = stages.limits(study, table, experiment, current, tests)
    keep.limits(current, results)
    found = stages.contours(study, source, experiment, results)
    keep.contours(current, found)
    job = ContourFigureJob.of(study, table, found)
    chosen = chosen_bounds(study.bounds, job.axis)
    for text in (
        *level_remarks(job.bounds, study.bounds.level),
        *left_out(chosen, study.bounds.named, job.axis),
    ):
        current.remark(text)
    _draw(current, job)
    summary = summarise(
        found, chosen, axis=job.axis, title=job.title,
        grid=(job.mass_range, job.coupling_range), remarks=current.remarks,
    )  # fmt: skip
    for text in summary.remarks:
        if text not in current.remarks:
            current.remark(text)
    files = ["report.html", "contours.pdf", "limits.csv", "points.csv", "summary.json"]
    if current.undrawn:
        files.remove("contours.pdf")
    current.say(render(summary, files if current.folder else ()))
    return summary.document()


def _draw(current: Run, job: ContourFigureJob) -> None:
    """Draw the figure, or take it from the store."""
    current.figures["contours"] = job.figure
    if current.folder is not None:
        here = replace(current, executor=SerialExecutor())
        with current.drawing("the figure contours"):
            (drawn,) = here.map_stored("figure", ContourFigureJob.run, [job])
            files = {suffix: file.tobytes() for suffix, file in drawn.items()}
            current.folder.write_files("contours", files)
