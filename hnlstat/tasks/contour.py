"""task=contour: limits, regions, the figure and the summary."""

from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from hnlstat.bounds import chosen_bounds
from hnlstat.report import keep
from hnlstat.report.existing import left_out, level_remarks, not_compared
from hnlstat.report.figure_job import ContourFigureJob
from hnlstat.report.gallery import draw
from hnlstat.report.summary import summarise
from hnlstat.report.summary_text import notes, render
from hnlstat.run import stages
from hnlstat.run.current import Rows, Run
from hnlstat.run.executors.executors import SerialExecutor
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Find limits over the plane, and draw and summarise them."""
    study = current.study
    if study.scan.plane is not None:
        return _plane(current)
    if study.inference.marginal is not None:
        return _marginal(current)
    current = replace(current, meanwhile=_load_drawing)
    source = None if given is not None else keep.simulation(current)
    table = keep.simulated_or_given(current, given) if source is None else source.table
    experiment = keep.likelihood(current, table)
    tests = stages.point_tests(study, table, experiment, current)
    keep.points(current, experiment, tests)
    results = stages.limits(study, table, experiment, current, tests)
    keep.limits(current, results)
    found = stages.contours(study, source, experiment, results)
    keep.contours(current, found)
    files = ["report.html", "contours.pdf", "limits.csv", "points.csv", "summary.json"]
    return _shown(current, ContourFigureJob.of(study, table, found), files)


def _load_drawing() -> None:
    """Load what draws and writes figures, half a second's work, which these would wait for."""
    for name in ("hnlstat.report.figures", "matplotlib.backends.backend_pdf", "fontTools.subset"):
        import_module(name)


def _shown(current: Run, job: ContourFigureJob, files: list[str]) -> dict[str, Any]:
    """Draw and summarise regions of the plane of mass and coupling."""
    study = current.study
    chosen = chosen_bounds(study.bounds, job.axis)
    for text in (
        *level_remarks(job.bounds, study.bounds.level),
        *left_out(chosen, study.bounds.named, job.axis),
        *not_compared(study.bounds, job.axis),
    ):
        current.remark(text)
    _draw(current, job)
    summary = summarise(
        job.regions, chosen, axis=job.axis, title=job.title,
        grid=(job.mass_range, job.coupling_range), remarks=current.remarks,
    )  # fmt: skip
    for text in summary.remarks:  # those of before among them
        current.remark(text)
    if current.undrawn:
        files.remove("contours.pdf")
    current.say(render(summary, files if current.folder else ()))
    return summary.document()


def _marginal(current: Run) -> dict[str, Any]:
    """Find limits on one mixing, the others integrated over."""
    from hnlstat.run.contours import limit_fields, regions  # contourpy is for these alone
    from hnlstat.run.marginal import find_marginal

    study, flavour = current.study, str(current.study.inference.marginal)
    results = find_marginal(study, current)
    current.remark(
        f"existing bounds are on N that mix with {flavour} alone, the limit is not: where it is "
        "lower it need not be stronger for any such N"
    )
    keep.limits(current, results)
    found = tuple(region for one in limit_fields(results) for region in regions(one))
    keep.contours(current, found)
    job = ContourFigureJob.of(study, None, found)
    return _shown(current, job, ["report.html", "contours.pdf", "limits.csv", "summary.json"])


def _plane(current: Run) -> dict[str, Any]:
    """Find limits over the plane of two mixings of N of one mass."""
    from hnlstat.report import mixings as report
    from hnlstat.run.joint import find_joint  # contourpy is for these alone
    from hnlstat.run.planes import find_plane, write_plane

    study = current.study
    credible = study.inference.calculator == "bayesian"
    plane = find_joint(study, current) if credible else find_plane(study, current)
    rows = Rows(report.limit_columns(plane), tuple(report.limit_rows(plane)))
    current.keep_rows("limits.csv", rows)
    current.keep("contours.json", plane.regions, partial(write_plane, plane))
    title = stages.title(study)
    draw(current)
    summary = {
        "task": "plane", "remarks": current.remarks, "title": title, "mass_gev": plane.mass,
        "flavours": [*plane.flavours], "limits": report.plane_reaches(plane),
    }  # fmt: skip
    current.say(title, *report.plane_sentences(summary, study.model.axis), *notes(current.remarks))
    return summary


def _draw(current: Run, job: ContourFigureJob) -> None:
    """Draw the figure, or take it from the store."""
    current.figures["contours"] = job.figure
    if current.folder is not None:
        here = replace(current, executor=SerialExecutor())
        with current.drawing("the figure contours"):
            (drawn,) = here.map_stored("figure", ContourFigureJob.run, [job])
            files = {suffix: file.tobytes() for suffix, file in drawn.items()}
            current.folder.write_files("contours", files)
