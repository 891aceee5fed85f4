"""Reading square tables of numbers."""

from __future__ import annotations

import re
from pathlib import Path

from hnlstat.errors import DataError
from hnlstat.system.reading import shortened
from hnlstat.tables.csv_table import csv_lines

LARGEST = 1000
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def read_matrix(path: Path) -> list[list[float]]:
    """Read rows of numbers, commas between; lines that begin with `#` are comments.

    Raises
    ------
    DataError
        If the file cannot be read, an entry is no number, or the rows are no square.
    """
    rows: list[list[float]] = []
    for number, line in csv_lines(path):
        if line.startswith("#"):
            continue
        entries = line.split(",")
        for entry in entries:
            if not _NUMBER.fullmatch(entry):
                raise DataError(f"{path}, line {number}: {shortened(entry)!r} is not a number")
        rows.append([float(entry) for entry in entries])
        if len(rows[-1]) != len(rows[0]):
            raise DataError(
                f"{path}, line {number}: has {len(rows[-1])} numbers, the first row {len(rows[0])}"
            )
        if len(rows) > LARGEST:
            raise DataError(f"{path}: has more than {LARGEST} rows")
    if not rows or len(rows) != len(rows[0]):
        columns = len(rows[0]) if rows else 0
        raise DataError(f"{path}: is no square matrix: {len(rows)} rows of {columns} numbers")
    return rows
