"""The figures that runs draw of what they find, each from what the run has left.

Both the run itself and task=figures draw them by `own_figures`. What draws is loaded only then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnlstat.bounds import chosen_bounds, comparable
from hnlstat.config.task import RequirementsTask
from hnlstat.report.figure_job import ContourFigureJob
from hnlstat.report.look import Look
from hnlstat.run.comparison import COLUMNS, Comparison
from hnlstat.run.current import Run
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.stages import title
from hnlstat.system.reading import read_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Shown:
    """A figure: the files that it is made of beside the summary, and what makes it of a run."""

    needs: tuple[str, ...]
    make: Callable[[FinishedRun], Figure]


def draw(current: Run, summary: Mapping[str, Any] | None = None) -> None:
    """Draw the figures of a run, which has kept what they show."""
    kept = {name: one.content for name, one in current.kept.items()}
    place = Path() if current.folder is None else current.folder.path
    run = FinishedRun(place, current.study, dict(summary or {}), kept)
    for name, shown in own_figures(run).items():
        if run.lacking(shown.needs) is None:
            current.draw(name, partial(shown.make, run))


def own_figures(run: FinishedRun) -> Mapping[str, Shown]:
    """Give the figures of a run's task by their names."""
    return GALLERY.get(run.kind, {})


def _common(run: FinishedRun) -> dict[str, Any]:
    """What all figures of a coupling take."""
    study = run.study
    return {"axis": study.model.axis, "title": title(study), "look": Look.of(study.report)}


def _over_grid(run: FinishedRun) -> dict[str, Any]:
    """What figures over the plane of the yields take, too."""
    table = run.table()
    ends = {
        f"{name}_range": (float(grid[0]), float(grid[-1]))
        for name, grid in (("mass", table.masses), ("coupling", table.couplings))
    }
    return _common(run) | ends


def _contours(run: FinishedRun) -> Figure:
    table = run.table() if run.has("yields.csv") else None
    return ContourFigureJob.of(run.study, table, run.regions()).figure()


def _plane(run: FinishedRun) -> Figure:
    from hnlstat.report.mixings import plane_figure

    scan, mass, common = run.study.scan, run.study.model.mass, _common(run)
    assert scan.plane is not None
    assert mass is not None  # else the study is not valid
    common["title"] += f", {common['look'].mass_text(mass)}"
    grid = scan.coupling.array()
    return plane_figure(run.regions(), scan.plane, (float(grid[0]), float(grid[-1])), **common)


def _fit(run: FinishedRun) -> Figure:
    from hnlstat.report.fit_figures import fit_figure, read_fit

    bounds = chosen_bounds(run.study.bounds, run.study.model.axis)
    return fit_figure(run.regions(), run.told(read_fit), bounds=bounds, **_over_grid(run))


def _pulls(run: FinishedRun) -> Figure:
    from hnlstat.report.fit_figures import pulls_figure, read_fit

    return pulls_figure(run.told(read_fit), Look.of(run.study.report))


def _spectrum(run: FinishedRun) -> Figure:
    from hnlstat.report.spectrum_figure import COLUMNS, read_spectrum, spectrum_figure

    found = read_spectrum(run.rows("spectrum.csv", COLUMNS))
    return spectrum_figure(found, title(run.study), Look.of(run.study.report))


def _explained(run: FinishedRun) -> Figure:
    from hnlstat.report.explained_figure import explained_figure, read_probes

    axis, path = run.study.model.axis, run.path / "explained.json"
    tests = read_probes(run.content("explained.json", read_json), str(path))
    bounds = comparable(chosen_bounds(run.study.bounds, axis), axis)

    def best(summary: Mapping[str, Any]) -> tuple[float, float]:
        place = summary["best_fit"]
        return float(place["mass_gev"]), float(place[axis.column])

    return explained_figure(run.regions(), run.told(best), tests, bounds, **_over_grid(run))


def _requirements(run: FinishedRun) -> Figure:
    from hnlstat.report.requirements_figure import read_maps, requirements_figure

    task, axis = run.study.task, run.study.model.axis
    assert isinstance(task, RequirementsTask)
    table = run.rows("requirements.csv", ("exclusion_sigma", "discovery_sigma"))
    maps = run.told(lambda summary: read_maps(table, summary, task, axis))
    own: float = run.told(lambda summary: float(summary["own_background"]))
    return requirements_figure(
        maps, *task.axes(), task.uncertainties, level=task.level, sigma=task.sigma,
        own_background=own, **_common(run),
    )  # fmt: skip


def _compare(run: FinishedRun) -> Figure:
    from hnlstat.report.staircase import staircase_figure

    study = run.study
    comparison = Comparison.read(run.rows("compare.csv", COLUMNS), study.compare)
    return staircase_figure(comparison, study.model.axis, Look.of(study.report))


def _coverage(run: FinishedRun) -> Figure:
    from hnlstat.report.coverage_figure import COLUMNS, coverage_figure, read_coverage

    points = read_coverage(run.rows("coverage.csv", COLUMNS))
    name: str = run.told(lambda summary: str(summary["calculator"]))
    look = Look.of(run.study.report)
    return coverage_figure(points, f"limits by the {name} calculation", look)


GALLERY: Mapping[str, Mapping[str, Shown]] = {
    "contour": {"contours": Shown(("contours.json",), _contours)},
    "plane": {"plane": Shown(("contours.json",), _plane)},
    "fit": {
        "fit": Shown(("contours.json", "yields.csv"), _fit),
        "pulls": Shown((), _pulls),
        "spectrum": Shown(("spectrum.csv",), _spectrum),
    },
    "explained": {
        "explained": Shown(("contours.json", "explained.json", "yields.csv"), _explained)
    },
    "requirements": {"requirements": Shown(("requirements.csv",), _requirements)},
    "compare": {"compare": Shown(("compare.csv",), _compare)},
    "coverage": {"coverage": Shown(("coverage.csv",), _coverage)},
}
"""Figures by the kind of a run and their names."""
