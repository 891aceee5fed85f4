"""`limits.csv`: the ends of excluded intervals of couplings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast, get_args

from hnlstat.inference.limits.limits import Limit
from hnlstat.inference.limits.roots import Branch
from hnlstat.run.files.folder import write_csv
from hnlstat.tables.csv_table import CsvTable, read_csv

LIMIT_COLUMNS = ("mass_gev", "level", "kind", "branch", "method", "coupling", "open")


def write_limits(path: Path, limits: Iterable[Limit]) -> None:
    """Write limits as csv: a line for each end of an excluded interval of couplings.

    A mass may have several intervals of one level, kind and method: its lines then are lower,
    upper, lower, upper ... in rising order, and what lies between two pairs is not excluded.
    `coupling` is in the unit of the model, and `open` true where it is the grid's end.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    rows = (
        (
            f"{limit.mass_gev:.10g}",
            f"{limit.level:.12g}",
            limit.kind,
            limit.branch,
            limit.method,
            f"{limit.coupling:.7g}",
            str(limit.open).lower(),
        )
        for limit in limits
    )
    write_csv(path, LIMIT_COLUMNS, rows)


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
    return tuple(
        Limit(
            mass[i],
            level[i],
            table.columns["kind"][i],
            cast(Branch, branch[i]),
            table.columns["method"][i],
            coupling[i],
            is_open[i] == "true",
        )
        for i in range(len(table.lines))
    )


def _one_of(table: CsvTable, column: str, choices: Sequence[str]) -> Sequence[str]:
    for index, entry in enumerate(table.columns[column]):
        if entry not in choices:
            raise table.error(index, column, f"is not one of {', '.join(choices)}")
    return table.columns[column]
