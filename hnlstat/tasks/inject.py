"""task=inject: pseudo-data with the signal of a point."""

from typing import Any

import numpy as np
from rich.table import Table

from hnlstat.config.task import InjectTask
from hnlstat.report import keep
from hnlstat.run.current import Rows, Run
from hnlstat.run.files.data import DATA_COLUMNS, data_rows
from hnlstat.run.stages import build, point_of, with_data
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Make data that have the signal of the point."""
    study, task = current.study, current.study.task
    assert isinstance(task, InjectTask)
    assert given is None  # a Study with yields_from and this task is not valid
    mass, coupling = point_of(study)
    table = keep.simulation(current).table
    experiment = build(study, table, current)
    model = experiment.at(0, 0)
    expected = model.signal + model.background
    observed = expected
    if task.data == "poisson":
        observed = np.random.default_rng(task.seed).poisson(expected).astype(float)
    keep.workspace(current, table, with_data(experiment, observed))
    rows = data_rows(model.channels, model.bins, observed)
    current.keep_rows("data.csv", Rows(DATA_COLUMNS, tuple(rows)))
    shown = Table("channel", "expected", "pseudo-data", title=f"{task.data} data")
    for name, mean, n in zip(model.labels, expected, observed, strict=True):
        shown.add_row(name, f"{mean:.4g}", f"{n:.4g}")
    current.say(shown)
    return {
        "task": "inject",
        "remarks": current.remarks,
        "mass_gev": mass,
        current.study.model.axis.column: coupling,
        "data": task.data,
        "seed": task.seed,
        "signal": dict(zip(model.labels, model.signal, strict=True)),
        "observed": dict(zip(model.labels, observed, strict=True)),
    }
