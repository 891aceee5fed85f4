"""Tasks that study the statistics themselves."""

import itertools
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from hnlstat.config.task import CombineTask, CoverageTask, FitTask, InjectTask
from hnlstat.errors import ConfigError, DataError
from hnlstat.inference.coverage import CoveragePoint, coverage
from hnlstat.inference.engines.calculators import choose
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.fit.fit import FitProblem, FitResult, fit, scan, sigma_level, threshold
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.likelihood.combine import PublishedLikelihood, combine
from hnlstat.run.contours import LimitField, contours_document, regions
from hnlstat.run.files.tables import write_data
from hnlstat.run.stages import (
    Run,
    build,
    point_of,
    point_yields,
    title,
    with_data,
    workspace,
    write_workspace,
    yields,
)
from hnlstat.search.table import YieldTable
from hnlstat.studies.inputs import LIKELIHOOD
from hnlstat.system.reading import read_json

ALLOWED = 4.0  # standard errors that coverage may lie below its level by chance, in ~100 points


def run_coverage(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=coverage: how often limits contain true signals of known size."""
    from hnlstat.report.coverage_figure import coverage_figure

    task, inference = current.study.task, current.study.inference
    assert isinstance(task, CoverageTask)
    assert given is None  # a Study with yields_from and this task is not valid
    model = workspace(current, point_yields(current)).at(0, 0)
    if not model.signal.any():
        raise ConfigError("model.coupling: no signal there, so that channels have no shares of it")
    toys = ToySettings(inference.toys, inference.seed)
    name, calculator = choose(inference.calculator, model, toys)
    points = coverage(
        model, task.signals, task.levels, calculator, task.toys, inference.seed, task.nuisances
    )
    columns = ("signal", "level", "nuisances", "coverage", "error")
    rows = [(p.signal, p.level, p.treatment, p.coverage, p.error) for p in points]
    current.folder.write_csv("coverage.csv", columns, rows)
    heading = f"limits by the {name} calculation"
    current.draw("coverage", lambda: coverage_figure(points, heading))
    lowest = [
        min((p for p in points if (p.level, p.nuisances) == pair), key=lambda p: p.coverage)
        for pair in itertools.product(task.levels, task.nuisances)
    ]
    current.say(_table(lowest))
    promised = [p for p in lowest if isinstance(p.nuisances, str)] or lowest
    return {
        "task": "coverage",
        "remarks": current.remarks,
        "calculator": name,
        "covers": all(p.coverage >= p.level - ALLOWED * p.error for p in promised),
        "lowest": [asdict(point) | {"nuisances": point.treatment} for point in lowest],
    }


def _table(lowest: list[CoveragePoint]) -> Table:
    """Return the lowest coverage of each level and kind of nuisances, for the screen."""
    table = Table("level", "lowest coverage", "at true signal", "nuisances", title="coverage")
    for point in lowest:
        found = f"{point.coverage:.4f} ± {point.error:.4f}"
        table.add_row(f"{point.level:.4g}", found, f"{point.signal:g}", point.treatment)
    return table


def run_inject(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=inject: pseudo-data with the signal of a point."""
    task = current.study.task
    assert isinstance(task, InjectTask)
    assert given is None  # a Study with yields_from and this task is not valid
    mass, coupling = point_of(current.study)
    table = point_yields(current)
    experiment = build(current, table)
    model = experiment.at(0, 0)
    expected = model.signal + model.background
    observed = expected
    if task.data == "poisson":
        observed = np.random.default_rng(task.seed).poisson(expected).astype(float)
    write_workspace(current, table, with_data(experiment, observed))
    write_data(current.folder.file("data.csv"), model.channels, model.bins, observed)
    shown = Table("channel", "expected", "pseudo-data", title=f"{task.data} data")
    for name, mean, n in zip(model.labels, expected, observed, strict=True):
        shown.add_row(name, f"{mean:.4g}", f"{n:.4g}")
    current.say(shown)
    return {
        "task": "inject",
        "remarks": current.remarks,
        "mass_gev": mass,
        "coupling_inv_gev": coupling,
        "data": task.data,
        "seed": task.seed,
        "signal": dict(zip(model.labels, model.signal, strict=True)),
        "observed": dict(zip(model.labels, observed, strict=True)),
    }


def run_fit(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=fit: best fit and contours of mass and coupling."""
    from hnlstat.report.fit_figures import fit_figure, pulls_figure

    study, folder, task = current.study, current.folder, current.study.task
    assert isinstance(task, FitTask)
    table = yields(current, given)
    experiment = workspace(current, table)
    axes = table.masses, table.couplings
    surface = YieldSurface.build(
        *axes, experiment.signal, experiment.modifiers, experiment.mc_error
    )
    problem = FitProblem(surface, experiment.base)
    masses, couplings = (np.geomspace(axis[0], axis[-1], task.points) for axis in axes)
    best = fit(problem, masses, couplings)
    if best.validity != "ok":
        current.remark(best.validity)
    above = 2.0 * (scan(problem, masses, couplings) - best.nll)
    levels = (*task.levels, *(sigma_level(sigma) for sigma in task.sigmas))
    found = [
        region
        for level in levels
        for region in regions(
            LimitField(
                level, "fit", "profile likelihood", masses, couplings, threshold(level) - above
            )
        )
    ]
    folder.write_json("contours.json", contours_document(found), indent=None)
    shown: Any = {
        "flavours": study.model.flavours.model_dump(), "title": title(study),
        "mass_range": (masses[0], masses[-1]), "coupling_range": (couplings[0], couplings[-1]),
    }  # fmt: skip
    current.draw("fit", lambda: fit_figure(found, best, **shown))
    current.draw("pulls", lambda: pulls_figure(best))
    current.say(_fit_table(best))
    return {
        "task": "fit",
        "remarks": current.remarks,
        "validity": best.validity,
        "improvement": best.improvement,
        "nll": best.nll,
        "parameters": [asdict(parameter) for parameter in best.parameters],
        "impacts": [asdict(impact) for impact in best.impacts],
        "expected": dict(zip(experiment.base.labels, best.expected, strict=True)),
        "delta_2nll": {f"{level:.8g}": threshold(level) for level in levels},
    }


def _fit_table(best: FitResult) -> Table:
    """Return the best fit for the screen."""
    title = f"best fit, -2 Delta ln L to no signal {best.improvement:.2f}"
    shown = Table("parameter", "best fit", "error", "MINOS 68 %", title=title)
    for p in best.parameters:
        ends = ("open" if end is None else f"{end:.4g}" for end in (p.lower, p.upper))
        interval = " .. ".join(ends) if p.name in ("mass", "coupling") else ""
        shown.add_row(p.name, f"{p.value:.4g}", f"{p.error:.2g}", interval)
    return shown


def run_combine(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=combine: one likelihood from those of several runs."""
    task = current.study.task
    assert isinstance(task, CombineTask)
    assert given is None  # a Study with yields_from and this task is not valid
    parts = [_published(folder) for folder in task.folders]
    found = combine(parts, current.study.name)
    for text in found.remarks:
        current.remark(text)
    if found.left_out:
        current.remark(f"{found.left_out} grid points are not in every run and are left out")
    for part in parts:
        observed = [n for entry in part.workspace["observations"] for n in entry["data"]]
        if any(n != round(n) for n in observed):
            current.remark(f"{part.name}: its observations are expectations, not data")
    current.folder.write_json("workspace/BkgOnly.json", found.workspace, strict=True)
    current.folder.write_json("workspace/patchset.json", found.patches, indent=None, strict=True)
    channels = [channel["name"] for channel in found.workspace["channels"]]
    patches = len(found.patches["patches"])
    current.say(
        f"{len(channels)} channels, {patches} grid points; correlated: "
        f"{', '.join(found.correlated) or 'nothing'}"
    )
    return {
        "task": "combine",
        "remarks": current.remarks,
        "folders": [str(folder) for folder in task.folders],
        "channels": channels,
        "correlated": list(found.correlated),
        "patches": patches,
    }


def _published(folder: Path) -> PublishedLikelihood:
    """Read the likelihood in a run's folder."""
    try:
        contents = [read_json(folder / "workspace" / name) for name in LIKELIHOOD]
    except DataError as error:
        raise DataError(f"task.folders: {error}") from None
    return PublishedLikelihood(str(folder), *contents)
