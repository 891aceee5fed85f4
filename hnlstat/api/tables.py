"""Tables of results: columns by name, for numpy, pandas, Arrow and the eye."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.base import suggest
from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.study import Study
from hnlstat.errors import DataError, HnlstatError
from hnlstat.inference.limits.limits import Limit
from hnlstat.report.keep import Points
from hnlstat.run.current import Rows
from hnlstat.run.files.limits import ERROR, limit_names
from hnlstat.run.files.point_table import p_values
from hnlstat.run.files.point_table import point_columns as point_names
from hnlstat.run.files.yields import CUT_FLOW_COLUMNS, MODIFIER_PREFIX, YIELD_LABELS, yield_axes
from hnlstat.search.masses import Simulation
from hnlstat.search.table import CutFlow, YieldTable

Column = NDArray[Any]

SHOWN = 10
"""Rows that are shown."""


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """
    A table: the columns of the file of its name, with the units in their names.

    Attributes
    ----------
    name
        What it is, as its file is called.
    data
        Columns of equal length, by name. What does not exist is NaN or an empty text.
    """

    name: str
    data: Mapping[str, Column]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.data)

    def keys(self) -> tuple[str, ...]:
        """Names of the columns, so that `dict(table)` has them."""
        return self.columns

    def __getitem__(self, column: str) -> Column:
        """
        Give a column.

        Raises
        ------
        DataError
            If there is none of that name.
        """
        try:
            return self.data[column]
        except (KeyError, TypeError):
            hint = suggest(str(column), self.columns)
            raise DataError(f"{self.name}: has no column {column!r:.100}; {hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __len__(self) -> int:
        """Count the rows."""
        return len(next(iter(self.data.values()))) if self.data else 0

    def where(self, **values: object) -> Table:
        """
        Give the rows in which columns have these values, as `limits.where(kind="observed")`.

        Raises
        ------
        DataError
            If there is no such column.
        """
        chosen = np.ones(len(self), dtype=bool)
        for column, value in values.items():
            chosen &= self[column] == value
        return Table(self.name, {name: column[chosen] for name, column in self.data.items()})

    def to_pandas(self) -> Any:
        """
        Give a pandas DataFrame.

        Raises
        ------
        HnlstatError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise _missing("to_pandas", "pandas", "pandas") from None
        return pd.DataFrame(dict(self.data))

    def to_arrow(self) -> Any:
        """
        Give an Arrow table.

        Raises
        ------
        HnlstatError
            If pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise _missing("to_arrow", "pyarrow", "'hnlstat[parquet]'") from None
        return pa.table({name: pa.array(column) for name, column in self.data.items()})

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Column:
        """Give the rows as a structured array."""
        if copy is False:
            raise ValueError("a table of columns has no array of rows to share")
        rows = np.empty(len(self), [(name, column.dtype) for name, column in self.data.items()])
        for name, column in self.data.items():
            rows[name] = column
        return rows if dtype is None else rows.astype(dtype)

    def _rows(self, number: int) -> list[list[str]]:
        return [[_text(column[i]) for column in self.data.values()] for i in range(number)]

    def __repr__(self) -> str:
        shown = min(len(self), SHOWN)
        rows = [list(self.columns), *self._rows(shown)]
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows
        ]
        return "\n".join([f"{self.name}: {len(self)} rows", *lines, *["..."] * (len(self) > shown)])

    def _repr_html_(self) -> str:
        """Show the first rows in a notebook."""
        shown = min(len(self), SHOWN)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>"
            for row in self._rows(shown)
        )
        more = f" (the first {shown})" if shown < len(self) else ""
        caption = f"{html.escape(self.name)}: {len(self)} rows{more}"
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Yields(Table):
    """
    Yields on a grid, or at a point: the table of yields.csv.

    Attributes
    ----------
    grid
        The same as arrays over masses, couplings and rows.
    source
        The simulation, which tells yields between the masses; None: there is none.
    remarks
        What to take with care.
    study
        That they were made for; None: not known.
    """

    grid: YieldTable
    source: Simulation | None = None
    remarks: tuple[str, ...] = ()
    study: Study | None = None


def _missing(method: str, package: str, name: str) -> HnlstatError:
    return HnlstatError(f"{method}: needs {package}, which is not installed; pip install {name}")


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def table_of(name: str, content: object, study: Study) -> Table | None:
    """Make a table of what the run of a study keeps; None if it is none."""
    axis = study.model.axis
    if isinstance(content, YieldTable):
        return Yields(name, yield_columns(content, axis), content, study=study)
    if isinstance(content, tuple) and content and isinstance(content[0], CutFlow):
        parts = [_cut_flow_columns(flow, axis) for flow in content]
        return Table(name, {key: np.concatenate([p[key] for p in parts]) for key in parts[0]})
    if isinstance(content, Points):
        return Table(name, point_columns(content, axis))
    if isinstance(content, Rows):
        return Table(name, _columns(content.columns, content.rows))
    if isinstance(content, tuple) and all(isinstance(item, Limit) for item in content):
        return Table(name, limit_columns(content))
    if isinstance(content, dict) and all(isinstance(item, np.ndarray) for item in content.values()):
        return Table(name, content)
    return None


def yield_columns(table: YieldTable, axis: CouplingAxis) -> dict[str, Column]:
    """Columns of yields.csv."""
    shape = table.events.shape
    between = np.zeros((), int)
    if table.interpolated is not None:
        between = table.interpolated[:, None].astype(int)
    labels = [np.array(getattr(table, name)) for name in YIELD_LABELS]
    axes = table.masses[:, None, None], table.couplings[:, None]
    columns = dict(zip((*YIELD_LABELS, *yield_axes(axis)), (*labels, *axes), strict=True)) | {
        "decays": table.decays,
        "events": table.events,
        "mc_error": table.mc_error,
        "precision": table.precision(),
        "interpolated": between,
        **{MODIFIER_PREFIX + name: change for name, change in table.modifiers.items()},
    }
    return {name: np.broadcast_to(values, shape).ravel() for name, values in columns.items()}


def _cut_flow_columns(flow: CutFlow, axis: CouplingAxis) -> dict[str, Column]:
    decays, share = flow.steps()
    values = (
        flow.masses[:, None, None, None], flow.couplings[:, None, None],
        np.array(flow.channel)[:, None], np.array(flow.step_names), decays,
        share,
    )  # fmt: skip
    return {
        name: np.broadcast_to(column, decays.shape).ravel()
        for name, column in zip((*yield_axes(axis), *CUT_FLOW_COLUMNS), values, strict=True)
    }


def limit_columns(limits: Sequence[Limit]) -> dict[str, Column]:
    """Columns of limits.csv."""
    names = limit_names(limits)
    columns = {name: np.array([getattr(limit, name) for limit in limits]) for name in names}
    if ERROR in columns:
        columns[ERROR] = columns[ERROR].astype(np.float64)
    return columns


def point_columns(points: Points, axis: CouplingAxis) -> dict[str, Column]:
    """Columns of points.csv."""
    rows = [
        (test.mass_gev, test.coupling, *test.signal, *p_values(test), test.method, test.validity)
        for test in points.tests
    ]
    return _columns(point_names(points.channels, axis), rows)


def rows_table(name: str, rows: Sequence[Mapping[str, object]]) -> Table:
    """Make a table of rows that have the same keys."""
    names = [*rows[0]] if rows else []
    return Table(name, _columns(names, [[*row.values()] for row in rows]))


def _columns(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, Column]:
    """Make columns of rows: of numbers where all that is there is one, else of text."""
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return {name: _column(values) for name, values in zip(names, columns, strict=True)}


def _column(values: Sequence[object]) -> Column:
    try:
        return np.array([np.nan if v is None or v == "" else float(v) for v in values])  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.array(["" if value is None else str(value) for value in values])
