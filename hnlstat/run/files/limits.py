"""`limits.csv`: the ends of excluded intervals of couplings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast, get_args

import numpy as np

from hnlstat.inference.limits.limits import Limit
from hnlstat.inference.limits.roots import Branch
from hnlstat.run.files.folder import write_csv
from hnlstat.tables.csv_table import CsvTable, read_csv

LIMIT_COLUMNS = ("mass_gev", "level", "kind", "branch", "method", "coupling", "open")
ERROR = "error"
"""The column of errors, where limits have any."""


def limit_names(limits: Sequence[Limit]) -> tuple[str, ...]:
    """Names of the columns for these limits."""
    known = any(limit.error is not None for limit in limits)
    return (*LIMIT_COLUMNS, ERROR) if known else LIMIT_COLUMNS


def write_limits(path: Path, limits: Iterable[Limit]) -> None:
    """Write limits as csv: a line for each end of an excluded interval of couplings.

    A mass may have several intervals of one level, kind and method: its lines then are lower,
    upper, lower, upper ... in rising order, and what lies between two pairs is not excluded.
    `coupling` is in the unit of the model, and `open` true where it is the grid's end. Credible
    limits have their relative `error` from the integration, too, empty where there is none.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    found = tuple(limits)
    names = limit_names(found)
    rows = (
        (
            f"{limit.mass_gev:.10g}",
            f"{limit.level:.12g}",
            limit.kind,
            limit.branch,
            limit.method,
            f"{limit.coupling:.7g}",
            str(limit.open).lower(),
            "" if limit.error is None else f"{limit.error:.2g}",
        )[: len(names)]
        for limit in found
    )
    write_csv(path, names, rows)


def read_limits(path: Path) -> tuple[Limit, ...]:
    """Read limits as `write_limits` writes them.

    Raises
    ------
    DataError
        Names the file, line and column of what cannot be used.
    """
    table = read_csv(path, required=LIMIT_COLUMNS)
    branch = _one_of(table, "branch", get_args(Branch))
    is_open = _one_of(table, "open", ("true", "false"))
    mass = table.numbers("mass_gev", above=0).tolist()
    level = table.numbers("level", above=0, at_most=1).tolist()
    coupling = table.numbers("coupling", above=0).tolist()
    error: list[float | None] = [None] * len(coupling)
    if ERROR in table.columns:
        values = table.numbers(ERROR, at_least=0, empty=np.nan).tolist()
        error = [None if np.isnan(value) else value for value in values]
    return tuple(
        Limit(
            mass[i],
            level[i],
            table.columns["kind"][i],
            cast(Branch, branch[i]),
            table.columns["method"][i],
            coupling[i],
            is_open[i] == "true",
            error[i],
        )
        for i in range(len(table.lines))
    )


def _one_of(table: CsvTable, column: str, choices: Sequence[str]) -> Sequence[str]:
    for index, entry in enumerate(table.columns[column]):
        if entry not in choices:
            raise table.error(index, column, f"is not one of {', '.join(choices)}")
    return table.columns[column]
