"""Reading csv tables with comments at their head, so that every complaint names file and line."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import DataError
from hnlstat.system.reading import open_regular, shortened
from hnlstat.tables.units import quantity_of, units_of

MOST_LINE = 10_000  # characters; the widest tables have a few hundred
MOST_LINES = 8_000_000
MOST_KNOWN = 100_000  # different entries that are kept once only
CHUNK = 10_000  # lines that are looked at together
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
"""What tables of others have between their columns."""

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A csv table as text, with the file's line numbers.

    Attributes
    ----------
    path : Path
        The file.
    head : dict
        The `# key: value` comments.
    columns : dict of sequences, length N
        Entries of each column.
    lines : sequence, length N
        Line of the file behind each entry.
    units : dict
        What numbers of a quantity ("mass", "energy", "coupling", "rel") are multiplied by, for
        those that the head gives a unit of.
    row : str
        What `lines` count: lines of a file, or bins of a histogram.
    """

    path: Path
    head: dict[str, str]
    columns: dict[str, list[str]]
    lines: Sequence[int]
    units: dict[str, float]
    row: str = "line"

    def error(self, index: int, column: str, reason: str) -> DataError:
        """Make the error to raise for entry `index` of `column`."""
        value = shortened(self.columns[column][index])
        return DataError(
            f"{self.path}, {self.row} {self.lines[index]}: {column} = {value!r} {reason}"
        )

    def numbers(
        self,
        column: str,
        *,
        above: float = -np.inf,
        at_least: float = -np.inf,
        at_most: float = np.inf,
        empty: float | None = None,
    ) -> NDArray[np.float64]:
        """Give the entries of `column` as finite numbers in GeV, GeV^-1 or as they are, shape (N,).

        Parameters
        ----------
        column : str
            Name of the column.
        above, at_least, at_most : float
            Limits that the numbers must keep, strictly or not.
        empty : float, optional
            What an empty entry stands for; by default it is an error.

        Raises
        ------
        DataError
            Names the first line whose entry is no such number.
        """
        text = self.columns[column]
        left_out = np.zeros(len(text), dtype=bool)
        if empty is not None:
            left_out = np.array([not entry.strip() for entry in text], dtype=bool)
            text = [entry if entry.strip() else "0" for entry in text]
        # of float() alone 1_0 would be 10
        if not _like_numbers(text):
            index = next(i for i, entry in enumerate(text) if not _NUMBER.fullmatch(entry))
            kind = re.fullmatch(r"\s*[+-]?(nan|inf|infinity)\s*", text[index], re.IGNORECASE)
            raise self.error(index, column, "is not finite" if kind else "is not a number")
        try:
            values = np.fromiter(map(float, text), np.float64, len(text))
        except ValueError:
            index = next(i for i, entry in enumerate(text) if not _NUMBER.fullmatch(entry))
            raise self.error(index, column, "is not a number") from None
        values *= self.units.get(quantity_of(column), 1.0)
        for bad, reason in (
            (~np.isfinite(values), "is not finite"),
            (values <= above, f"must be above {above:g}"),
            (values < at_least, f"must be at least {at_least:g}"),
            (values > at_most, f"must be at most {at_most:g}"),
        ):
            if np.any(bad & ~left_out):
                raise self.error(int(np.argmax(bad & ~left_out)), column, reason)
        if empty is not None:
            values[left_out] = empty
        return values

    def mean_error(self, of: str) -> float:
        """Give the column `error` over another one, on average; 0 where there is none.

        Raises
        ------
        DataError
            Names the first line whose error is negative, or no number.
        """
        if "error" not in self.columns:
            return 0.0
        total = float(self.numbers(of).sum())
        return float(self.numbers("error", at_least=0).sum()) / total if total else 0.0

    def whole(self, column: str) -> list[int]:
        """Give the entries of `column` as whole numbers from 0.

        Raises
        ------
        DataError
            Names the first line whose entry is none, or above a million.
        """
        for index, entry in enumerate(self.columns[column]):
            if not re.fullmatch(r"\s*\d{1,6}\s*", entry, re.ASCII):
                raise self.error(index, column, "must be a whole number from 0")
        return [int(entry) for entry in self.columns[column]]

    def measured_in(self, units: Mapping[str, str], where: str = "unit") -> CsvTable:
        """Give the table with the units that a configuration says of files that do not.

        Raises
        ------
        DataError
            If it is of no column, of another dimension, or the head says another.
        """
        said = {f"{quantity}_unit": unit for quantity, unit in units.items()}
        found = units_of(self.path, said, list(self.columns), where)
        for quantity, scale in found.items():
            if self.units.get(quantity, scale) != scale:
                raise DataError(
                    f"{self.path}: {where}.{quantity} = {units[quantity]!r} is not the unit that "
                    f"its head gives, {self.head[f'{quantity}_unit']}"
                )
        return replace(self, units=self.units | found)


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
        If the file cannot be read, has no lines, lacks a column, a line has too many or too few
        entries, or the head gives a unit that is none.
    """
    head: dict[str, str] = {}
    names: list[str] = []
    table = _Growing(path)
    for number, line in csv_lines(path):
        if line.startswith("#"):
            head |= [_pair(line)] if ":" in line else []
            continue
        row = _entries(path, number, line)
        if names:
            table.add(number, row)
        else:
            names = [name.strip() for name in row]
            _check_names(path, number, names, required)
            table.names = names
    table.join()
    if not table.lines:
        raise DataError(f"{path}: has no table: expected a line of column names and numbers below")
    columns = dict(zip(names, table.columns, strict=True))
    return CsvTable(path, head, columns, table.lines, units_of(path, head, names))


class _Growing:
    """The columns of a table as it is read; what can be no table is refused early."""

    def __init__(self, path: Path) -> None:
        self.path, self.names = path, list[str]()
        self.columns: list[list[str]] = []
        self.lines = array("L")
        self._rows: list[list[str]] = []
        self._known: dict[str, str] = {}  # equal entries are kept once

    def add(self, number: int, row: list[str]) -> None:
        """Take in a line."""
        if len(row) != len(self.names):
            reason = f"{len(row)} entries, expected {len(self.names)}"
            raise DataError(f"{self.path}, line {number}: {reason}")
        if len(self.lines) == MOST_LINES:
            raise DataError(f"{self.path}: has more than {MOST_LINES} lines")
        self._rows.append(row)
        self.lines.append(number)
        if len(self._rows) == CHUNK:
            self.join()

    def join(self) -> None:
        """Put the lines of late to their columns."""
        if not self._rows:
            return
        self.columns = self.columns or [[] for _ in self.names]
        first, known = len(self.lines) - len(self._rows), self._known
        once = known.setdefault if len(known) < MOST_KNOWN else known.get
        entries = zip(*self._rows, strict=True)
        for name, column, mine in zip(self.names, self.columns, entries, strict=True):
            if name.endswith("_gev") and not _like_numbers(mine):
                i = next(i for i, entry in enumerate(mine) if not _like_numbers([entry]))
                where = f"{self.path}, line {self.lines[first + i]}"
                raise DataError(f"{where}: {name} = {shortened(mine[i])!r} is not a number")
            column.extend(map(once, mine, mine))
        self._rows.clear()


def csv_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Give the lines that are not empty, with their numbers."""
    with open_regular(path) as file:
        stream = io.TextIOWrapper(file, encoding="utf-8-sig")
        number = 0
        try:
            while line := stream.readline(MOST_LINE + 1):
                number += 1
                if len(line) > MOST_LINE:
                    raise DataError(
                        f"{path}, line {number}: is longer than {MOST_LINE} characters; is this a "
                        "table?"
                    )
                if line.strip():
                    yield number, line.rstrip("\n")
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: cannot be read: not UTF-8 text") from error
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _entries(path: Path, number: int, line: str) -> list[str]:
    if '"' not in line:
        row = line.split(",")
        return row if " " not in line else [entry.strip() for entry in row]
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:
        raise DataError(
            f"{path}, line {number}: has a quoted entry that does not end on its line, or text "
            "behind it"
        ) from None


def _check_names(path: Path, number: int, names: list[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in names]
    twice = [name for name in names if names.count(name) > 1]
    if missing or twice:
        problem = f"lacks the column {missing[0]!r}" if missing else f"repeats a column, {twice[0]}"
        other = next(
            (kind for sign, kind in SEPARATORS.items() if [names[0]] == names and sign in names[0]),
            None,
        )
        hint = "" if other is None else f", divided by {other}, where commas belong"
        raise DataError(
            f"{path}, line {number}: {problem}; it has {shortened(', '.join(names), 200)}{hint}"
        )


def _like_numbers(text: Sequence[str]) -> bool:
    return set("0123456789+-.eE \t").issuperset("".join(set(text)))


def _pair(comment: str) -> tuple[str, str]:
    key, _, value = comment.lstrip("# ").partition(":")
    return key.strip(), value.strip()
