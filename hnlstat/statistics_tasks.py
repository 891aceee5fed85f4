"""Tasks that study the statistics themselves."""

from dataclasses import asdict
from typing import Any

import numpy as np
from rich.table import Table

from hnlstat.config.task import CoverageTask
from hnlstat.errors import ConfigError
from hnlstat.inference.calculators import choose
from hnlstat.inference.coverage import CoveragePoint, coverage
from hnlstat.inference.model import CountingModel
from hnlstat.inference.toys import ToySettings
from hnlstat.simulation.table import YieldTable
from hnlstat.stages import Run, simulate, workspace

ALLOWED = 4.0  # standard errors that coverage may lie below its level by chance, in ~100 points


def point_model(current: Run, given: YieldTable | None) -> CountingModel:
    """Return the counting experiment at model.mass and model.coupling.

    Raises
    ------
    ConfigError
        If they are missing, or yields are given in place of the simulation.
    """
    study = current.study
    mass, coupling = study.model.mass, study.model.coupling
    if mass is None or coupling is None or given is not None:
        raise ConfigError(
            f"task={study.task.kind} needs model.mass and model.coupling, and no yields_from"
        )
    return workspace(current, simulate(current, np.array([mass]), np.array([coupling]))).at(0, 0)


def run_coverage(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=coverage: how often limits contain true signals of known size."""
    from hnlstat.report.coverage_figure import coverage_figure

    task, inference = current.study.task, current.study.inference
    assert isinstance(task, CoverageTask)
    model = point_model(current, given)
    if not model.signal.any():
        raise ConfigError("model.coupling: no signal there, so that channels have no shares of it")
    toys = ToySettings(inference.toys, inference.seed)
    name, calculator = choose(inference.calculator, model, toys)
    points = coverage(model, task.signals, task.levels, calculator, task.toys, inference.seed)
    columns = ("signal", "level", "nuisances", "coverage", "error")
    rows = [list(asdict(point).values()) for point in points]
    current.folder.write_csv("coverage.csv", columns, rows)
    figure = coverage_figure(points, f"limits by the {name} calculation")
    current.folder.write_figure("coverage", figure)
    lowest = [_lowest(points, level) for level in task.levels]
    current.console.print(_table(lowest))
    return {
        "task": "coverage",
        "remarks": current.remarks,
        "calculator": name,
        "covers": all(p.coverage >= p.level - ALLOWED * p.error for p in points),
        "lowest": [asdict(point) for point in lowest],
    }


def _lowest(points: tuple[CoveragePoint, ...], level: float) -> CoveragePoint:
    return min((p for p in points if p.level == level), key=lambda p: p.coverage)


def _table(lowest: list[CoveragePoint]) -> Table:
    """Return the lowest coverage of each level, for the screen."""
    table = Table("level", "lowest coverage", "at true signal", "nuisances", title="coverage")
    for point in lowest:
        found = f"{point.coverage:.4f} ± {point.error:.4f}"
        table.add_row(f"{point.level:.4g}", found, f"{point.signal:g}", point.nuisances)
    return table
