"""Tables with a line for every point of a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import DataError
from hnlstat.tables.csv_table import CsvTable


def first_missing(
    table: CsvTable, place: NDArray[np.intp], shape: tuple[int, ...], labels: str
) -> tuple[int, ...] | None:
    """
    Give the first point of a grid that has no line, None if all have one.

    Parameters
    ----------
    table
        The table.
    place
        Index of the point of each line in the flattened grid.
    shape
        Of the grid.
    labels
        What tells its points apart: "mass and coupling".

    Raises
    ------
    DataError
        Names the line that repeats a point.
    """
    count = np.bincount(place, minlength=int(np.prod(shape)))
    if np.any(count > 1):
        index = int(np.flatnonzero(place == np.argmax(count > 1))[1])
        raise DataError(
            f"{table.path}, line {table.lines[index]}: repeats the {labels} of an earlier line"
        )
    if np.all(count):
        return None
    return tuple(int(i) for i in np.unravel_index(np.argmin(count), shape))
