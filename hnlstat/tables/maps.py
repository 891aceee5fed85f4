"""Efficiency maps: histograms of one variable or two, of ROOT files or of csv files by bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.quantities import ANGLE, ENERGY, Dimension
from hnlstat.errors import DataError
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.plausible import HIGHEST_BIN, HIGHEST_ENERGY
from hnlstat.tables.root import as_table, histogram, split
from hnlstat.tables.units import quantity_of

Array = NDArray[np.float64]

HIGHEST_ANGLE = 4.0  # [rad]
HIGHEST_COSINE = 1.5  # axes may go on a little beyond 1


@dataclass(frozen=True)
class BinnedMap:
    """Edges (n + 1,) along one axis or two [GeV], [rad], efficiency by bins, and its error.

    `error` is relative, on average; 0: it is not known.
    """

    edges: tuple[Array, ...]
    value: Array
    error: float


def load_map(
    table: str, axes: Mapping[str, Dimension], unit: Mapping[str, str] | None = None
) -> BinnedMap:
    """Read an efficiency by bins of one variable or two.

    Of a ROOT file, `file.root:name`, a TH1 or TH2 whose axes are these, x first. A csv has a row
    for each bin: `NAME_low`, `NAME_high` of each axis, with `_gev` or `_rad` behind them where it
    is an energy or an angle, `efficiency`, and perhaps `error`; `# energy_unit: MeV` counts.

    Parameters
    ----------
    table : path of the csv, or of the histogram
    axes : dimension of each variable, by its name
    unit : of energies, masses, momenta or angles, where the table does not say it

    Raises
    ------
    DataError
        If it cannot be read, bins do not join, overlap or are missing, or an efficiency is none.
    """
    columns = [[f"{name}_{end}{_suffix(of)}" for end in ("low", "high")]
               for name, of in axes.items()]  # fmt: skip
    try:
        if split(table) is None:
            required = (*(name for both in columns for name in both), "efficiency")
            rows, error = read_csv(Path(table), required=required), 0.0
        else:
            rows, error = _bins(table, columns)
        return _read(rows.measured_in(unit or {}), columns, [*axes.values()], error)
    except DataError as problem:
        raise DataError(f"efficiency map {problem}") from None


def _suffix(of: Dimension) -> str:
    return {ENERGY: "_gev", ANGLE: "_rad"}.get(of, "")


def _bins(table: str, columns: Sequence[Sequence[str]]) -> tuple[CsvTable, float]:
    """The bins of a histogram as rows, and their relative error."""
    found = histogram(table, len(columns))
    wrong = np.argwhere((found.values < 0) | (found.values > 1))
    if wrong.size:
        place = ", ".join(str(i + 1) for i in wrong[0])
        raise DataError(f"{table}: bin {place} is {found.values[tuple(wrong[0])]:g}, not from 0 "
                        "to 1")  # fmt: skip
    rows: dict[str, Array] = {}
    for (low, high), *ends in zip(
        columns,
        np.meshgrid(*(edges[:-1] for edges in found.edges), indexing="ij"),
        np.meshgrid(*(edges[1:] for edges in found.edges), indexing="ij"),
        strict=True,
    ):
        rows |= {low: ends[0].ravel(), high: ends[1].ravel()}
    return as_table(table, rows | {"efficiency": found.values.ravel()}), found.error


def _read(
    table: CsvTable, columns: Sequence[Sequence[str]], axes: Sequence[Dimension], error: float
) -> BinnedMap:
    value = table.numbers("efficiency", at_least=0, at_most=1)
    if not value.any():
        raise DataError(f"{table.path}: is 0 in every bin")
    error = error or table.mean_error("efficiency")
    edges, places = [], []
    for (low, high), of in zip(columns, axes, strict=True):
        mine, place = _axis(table, low, high, of)
        edges.append(mine)
        places.append(place)
    shape = tuple(len(one) - 1 for one in edges)
    flat = np.ravel_multi_index(tuple(places), shape)
    count = np.bincount(flat, minlength=int(np.prod(shape)))
    if count.max() > 1:
        again = next(i for i in range(flat.size) if flat[i] in flat[:i])
        raise table.error(again, columns[0][0], "begins a bin that is there twice")
    if count.min() == 0:
        i = np.unravel_index(int(np.argmin(count)), shape)
        where = " and ".join(
            f"{low} = {one[k]:g}" for (low, _), one, k in zip(columns, edges, i, strict=True)
        )
        raise DataError(f"{table.path}: has no row of {where}; give all bins, 0 where it is 0")
    found = np.zeros(count.size)
    found[flat] = value
    return BinnedMap(tuple(edges), found.reshape(shape), error)


def _axis(table: CsvTable, low: str, high: str, of: Dimension) -> tuple[Array, NDArray[np.intp]]:
    """Edges along an axis, and the bin of each row."""
    first, last = table.numbers(low), table.numbers(high)
    if np.any(wrong := last <= first):
        raise table.error(int(np.argmax(wrong)), high, f"is not above {low}")
    quantity = quantity_of(high)
    unit = f"give GeV, not MeV, or say efficiency_map.unit.{quantity}=MeV"
    least, most, hint = 0.0, HIGHEST_ENERGY, unit
    if of == ANGLE:
        most, hint = HIGHEST_ANGLE, "give rad, or efficiency_map.unit.angle=deg"
    elif of != ENERGY:
        least, most, hint = -HIGHEST_COSINE, HIGHEST_COSINE, "this is the axis of a cosine"
    for values, column in ((first, low), (last, high)):
        if np.any(wrong := (values < least) | (values > most)):
            reason = f"is not from {least:g} to {most:g}; {hint}"
            raise table.error(int(np.argmax(wrong)), column, reason)
    edges = np.unique([first, last])
    if of == ENERGY and edges[1] > HIGHEST_BIN and quantity not in table.units:
        raise table.error(int(np.argmin(last)), high, f"ends the first bin; {unit} (or GeV)")
    place = np.searchsorted(edges, first)
    if np.any(wrong := edges[place + 1] != last):
        i = int(np.argmax(wrong))
        raise table.error(i, high, f"does not end its bin: another one has an edge at "
                                   f"{edges[place[i] + 1]:g}")  # fmt: skip
    return edges, place
