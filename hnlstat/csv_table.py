"""Reading csv tables with comments at their head, so that every complaint names file and line."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import DataError


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A csv table as text, with the file's line numbers.

    Attributes
    ----------
    path : Path
        The file.
    head : dict
        The `# key: value` comments before the column names.
    columns : dict of tuples, length N
        Entries of each column.
    lines : tuple, length N
        Line of the file behind each entry.
    """

    path: Path
    head: dict[str, str]
    columns: dict[str, tuple[str, ...]]
    lines: tuple[int, ...]

    def error(self, index: int, column: str, reason: str) -> DataError:
        """Make the error to raise for entry `index` of `column`."""
        value = self.columns[column][index]
        return DataError(f"{self.path}, line {self.lines[index]}: {column} = {value!r} {reason}")

    def numbers(
        self,
        column: str,
        *,
        above: float = -np.inf,
        at_least: float = -np.inf,
        empty: float | None = None,
    ) -> NDArray[np.float64]:
        """Give the entries of `column` as finite numbers, shape (N,).

        Parameters
        ----------
        column : str
            Name of the column.
        above, at_least : float
            Limits that the numbers must keep, strictly or not.
        empty : float, optional
            What an empty entry stands for; by default it is an error.

        Raises
        ------
        DataError
            Names the first line whose entry is no such number.
        """
        text = self.columns[column]
        if empty is not None:
            text = tuple(entry.strip() or str(empty) for entry in text)
        try:
            values = np.array(text, dtype=np.float64)
        except ValueError:
            index = next(i for i, entry in enumerate(text) if not _is_number(entry))
            raise self.error(index, column, "is not a number") from None
        left_out = np.zeros(values.shape, dtype=bool)
        if empty is not None:
            left_out = np.array([not entry.strip() for entry in self.columns[column]], dtype=bool)
        for bad, reason in (
            (~np.isfinite(values), "is not finite"),
            (values <= above, f"must be above {above:g}"),
            (values < at_least, f"must be at least {at_least:g}"),
        ):
            if np.any(bad & ~left_out):
                raise self.error(int(np.argmax(bad & ~left_out)), column, reason)
        return values


def read_csv(path: Path, required: Sequence[str] = ()) -> CsvTable:
    """Read a csv table; lines that begin with `#` are comments, empty lines are left out.

    Parameters
    ----------
    path : Path
        The file.
    required : sequence of str
        Columns that must be there.

    Raises
    ------
    DataError
        If the file cannot be read, has no lines, lacks a column, or a line has too many or too few
        entries.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise DataError(f"{path}: cannot be read: {reason}") from error
    head = dict(_pair(line) for line in text if line.startswith("#") and ":" in line)
    lines = [n for n, line in enumerate(text, 1) if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(text[n - 1] for n in lines))
    if len(rows) < 2:
        raise DataError(f"{path}: has no table: expected a line of column names and numbers below")
    names = [name.strip() for name in rows[0]]
    missing = [name for name in required if name not in names]
    if missing or len(set(names)) < len(names):
        problem = f"lacks the column {missing[0]!r}" if missing else "repeats a column"
        raise DataError(f"{path}, line {lines[0]}: {problem}; it has {', '.join(names)}")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(names):
            raise DataError(f"{path}, line {line}: {len(row)} entries, expected {len(names)}")
    columns = dict(zip(names, zip(*rows[1:], strict=True), strict=True))
    return CsvTable(path, head, columns, tuple(lines[1:]))


def _pair(comment: str) -> tuple[str, str]:
    key, _, value = comment.lstrip("# ").partition(":")
    return key.strip(), value.strip()


def _is_number(entry: str) -> bool:
    try:
        float(entry)
    except ValueError:
        return False
    return True
