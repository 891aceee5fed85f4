"""Reading `points.csv`, the tests of every grid point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.coupling import CouplingAxis
from hnlstat.errors import DataError
from hnlstat.inference.limits.curves import EXPECTED
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.grids import first_missing
from hnlstat.tables.plausible import check_distinct

FloatArray = NDArray[np.float64]

SIGNAL = "signal_"


@dataclass(frozen=True, eq=False)
class PointTable:
    """The tests of a grid; what is not known is NaN.

    Attributes
    ----------
    masses, couplings : array, shape (M,), (D,)
        The grid [GeV], [unit of the coupling], rising.
    channels : tuple, length C
        Names of the channels.
    signal : array, shape (M, D, C)
        Expected events.
    cls_observed : array, shape (M, D)
        CLs of the data.
    cls_expected : array, shape (M, D, 5)
        CLs at the -2, -1, 0, 1, 2 sigma quantiles of experiments without signal.
    significance : array, shape (M, D)
        Median expected significance.
    method, validity : array of str, shape (M, D)
        The calculator; "ok" or a remark.
    """

    masses: FloatArray
    couplings: FloatArray
    channels: tuple[str, ...]
    signal: FloatArray
    cls_observed: FloatArray
    cls_expected: FloatArray
    significance: FloatArray
    method: NDArray[np.str_]
    validity: NDArray[np.str_]


def read_points(path: Path, axis: CouplingAxis) -> PointTable:
    """Read points as `hnlstat.run.files.point_table.write_points` writes them.

    Raises
    ------
    DataError
        Names the file, line and column of what cannot be used.
    """
    bands = [f"cls_{kind}" for kind in EXPECTED]
    names = "mass_gev", axis.column
    needed = (*names, "cls_observed", *bands, "significance_expected", "method", "validity")
    table = read_csv(path, required=needed)
    axes = [table.numbers(name, above=0) for name in names]
    for name, values in zip(names, axes, strict=True):
        check_distinct(table, name, values)
    (masses, i), (couplings, j) = (np.unique(values, return_inverse=True) for values in axes)
    place = i * couplings.size + j
    _check_grid(table, place, masses, couplings, axis)
    shape = masses.size, couplings.size

    def on_grid(column: str, at_most: float = np.inf) -> FloatArray:
        values = np.empty(shape)
        values.flat[place] = table.numbers(column, at_least=0, at_most=at_most, empty=np.nan)
        return values

    def text(column: str) -> NDArray[np.str_]:
        values = np.empty(shape, dtype=object)
        values.flat[place] = table.columns[column]
        return values.astype(str)

    signals = [name for name in table.columns if name.startswith(SIGNAL)]
    return PointTable(
        masses,
        couplings,
        tuple(name.removeprefix(SIGNAL) for name in signals),
        np.stack([on_grid(name) for name in signals], axis=-1)
        if signals
        else np.empty((*shape, 0)),
        on_grid("cls_observed", 1.0),
        np.stack([on_grid(name, 1.0) for name in bands], axis=-1),
        on_grid("significance_expected"),
        text("method"),
        text("validity"),
    )


def _check_grid(
    table: CsvTable,
    place: NDArray[np.intp],
    masses: FloatArray,
    couplings: FloatArray,
    axis: CouplingAxis,
) -> None:
    """Make sure that every mass and coupling occurs exactly once."""
    shape = masses.size, couplings.size
    if (missing := first_missing(table, place, shape, "mass and coupling")) is not None:
        m, d = missing
        raise DataError(
            f"{table.path}: is incomplete: no line for mass_gev = {masses[m]:g}, "
            f"{axis.column} = {couplings[d]:g}"
        )
