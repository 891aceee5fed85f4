"""task=coverage: how often limits contain true signals of known size."""

import itertools
from dataclasses import asdict
from typing import Any

from rich.table import Table

from hnlstat.config.task import CoverageTask
from hnlstat.errors import ConfigError
from hnlstat.inference.coverage import CoveragePoint, coverage
from hnlstat.inference.engines.calculators import choose
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.report import keep
from hnlstat.report.coverage_figure import COLUMNS
from hnlstat.report.gallery import draw
from hnlstat.run.current import Rows, Run
from hnlstat.search.table import YieldTable

ALLOWED = 4.0  # standard errors that coverage may lie below its level by chance, in ~100 points


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Draw pseudo-experiments, and count the limits that contain what is true."""
    task, inference = current.study.task, current.study.inference
    assert isinstance(task, CoverageTask)
    assert given is None  # a Study with yields_from and this task is not valid
    model = keep.likelihood(current, keep.simulation(current).table).at(0, 0)
    if not model.signal.any():
        raise ConfigError("model.coupling: no signal there, so that channels have no shares of it")
    toys = ToySettings(inference.toys, inference.seed)
    name, calculator = choose(inference.calculator, model, toys)
    points = coverage(
        model, task.signals, task.levels, calculator, task.toys, inference.seed, task.nuisances
    )
    rows = tuple((p.signal, p.level, p.treatment, p.coverage, p.error) for p in points)
    current.keep_rows("coverage.csv", Rows(COLUMNS, rows))
    lowest = [
        min((p for p in points if (p.level, p.nuisances) == pair), key=lambda p: p.coverage)
        for pair in itertools.product(task.levels, task.nuisances)
    ]
    current.say(_table(lowest))
    promised = [p for p in lowest if isinstance(p.nuisances, str)] or lowest
    summary = {
        "task": "coverage",
        "remarks": current.remarks,
        "calculator": name,
        "covers": all(p.coverage >= p.level - ALLOWED * p.error for p in promised),
        "lowest": [asdict(point) | {"nuisances": point.treatment} for point in lowest],
    }
    draw(current, summary)
    return summary


def _table(lowest: list[CoveragePoint]) -> Table:
    """Return the lowest coverage of each level and kind of nuisances, for the screen."""
    table = Table("level", "lowest coverage", "at true signal", "nuisances", title="coverage")
    for point in lowest:
        found = f"{point.coverage:.4f} ± {point.error:.4f}"
        table.add_row(f"{point.level:.4g}", found, f"{point.signal:g}", point.treatment)
    return table
