"""Efficiency of showers by their true energy, from a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import DataError
from hnlstat.system.shipped import shipped_table
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.plausible import HIGHEST_ENERGY
from hnlstat.tables.root import as_table, histogram, split

Array = NDArray[np.float64]
Beyond = Literal["zero", "constant"]
"""What the efficiency is beyond an end of the table: 0, or what it is at that end."""

GAP = 1.6
"""A step of the energies that is this many times both its neighbours has lost a row."""


@dataclass(frozen=True)
class EfficiencyTable:
    """Efficiency (n,) at true energies (n,) [GeV]; linear between them.

    Attributes
    ----------
    energy, value : the rows of the table
    below, above : what holds beyond its ends
    """

    energy: Array
    value: Array
    below: Beyond
    above: Beyond

    def __call__(self, energy: ArrayLike) -> Array:
        """Efficiency at true energies [GeV], any shape."""
        ends = {"left": self.below, "right": self.above}
        kept = {side: 0.0 for side, beyond in ends.items() if beyond == "zero"}
        return np.asarray(np.interp(np.asarray(energy), self.energy, self.value, **kept))


def load_efficiency(
    table: str,
    below: Beyond | None = None,
    above: Beyond | None = None,
    unit: Mapping[str, str] | None = None,
) -> EfficiencyTable:
    """Read an efficiency table shipped with hnlstat (by name) or of the user's own (by path).

    The csv has columns `energy_gev` (rising, without gaps) and `efficiency` (from 0 to 1); others
    are left alone; lines that begin with # are comments, of which `# energy_unit: MeV` counts.
    A TH1 of a ROOT file, `file.root:name`, holds at the middles of its bins.

    Parameters
    ----------
    table : name or path
    below, above : what holds beyond the first and the last row; where that row is 0 it is "zero",
        elsewhere it must be said
    unit : of the energies, where the table does not say it: {"energy": "MeV"}

    Raises
    ------
    DataError
        If the file cannot be read, a row is not right, or the table does not say what lies beyond.
    """
    try:
        return _read(_rows(table).measured_in(unit or {}), below, above)
    except DataError as error:
        raise DataError(f"efficiency table {error}") from None


def bin_error(table: str) -> float:
    """Give errors over efficiencies of a table of the user's own, on average; 0 without any.

    They are those of a histogram, or the column `error` of a csv.
    """
    if split(table) is not None:
        return histogram(table).error
    return 0.0 if shipped_table(table) else _rows(table).mean_error("efficiency")


def efficiency_file(table: str) -> Path:
    """Give the file of a table, shipped or the user's own; see `load_efficiency`."""
    return shipped_table(table) or Path(table)


def _rows(table: str) -> CsvTable:
    """The columns of a csv file, or of the histogram of a ROOT file."""
    if split(table) is None:
        return read_csv(efficiency_file(table), required=("energy_gev", "efficiency"))
    found = histogram(table)
    middles = (found.edges[0][1:] + found.edges[0][:-1]) / 2
    return as_table(table, {"energy_gev": middles, "efficiency": found.values})


def _read(table: CsvTable, below: Beyond | None, above: Beyond | None) -> EfficiencyTable:
    path = table.path
    energy = table.numbers("energy_gev", at_least=0)
    value = table.numbers("efficiency", at_least=0, at_most=1)
    _check_energies(table, energy)
    if not np.any(value):
        raise DataError(f"{path}: is 0 in every row")
    return EfficiencyTable(
        energy, value, _beyond(table, 0, value, below), _beyond(table, -1, value, above)
    )


def _check_energies(table: CsvTable, energy: Array) -> None:
    """Refuse energies that do not rise, leave a gap or are in another unit."""
    if energy.size < 2:
        raise DataError(f"{table.path}: has one row; an efficiency needs two energies or more")
    step = np.diff(energy)
    if np.any(step <= 0):
        raise table.error(int(np.argmax(step <= 0)) + 1, "energy_gev", "energies must rise")
    if energy[-1] > HIGHEST_ENERGY:
        reason = f"is above {HIGHEST_ENERGY:g} GeV; give energies in GeV, not MeV, or say in the "
        raise table.error(energy.size - 1, "energy_gev", reason + "head '# energy_unit: MeV'")
    wide = (step[1:-1] > GAP * step[:-2]) & (step[1:-1] > GAP * step[2:])
    if np.any(wide):
        index = int(np.argmax(wide)) + 2
        before = table.columns["energy_gev"][index - 1].strip()
        reason = f"leaves a gap after {before}, wider than the steps beside it; give rows within"
        raise table.error(index, "energy_gev", reason)


def _beyond(table: CsvTable, row: int, value: Array, said: Beyond | None) -> Beyond:
    """What lies beyond the first or last row."""
    if said is not None:
        return said
    if value[row] == 0:
        return "zero"
    key, end = ("below", "first") if row == 0 else ("above", "last")
    index = row % value.size
    reason = f"is not 0 in the {end} row, {table.columns['energy_gev'][index].strip()} GeV; "
    reason += f"add a row of 0, or say what holds {key} it: {key}: zero or {key}: constant"
    raise table.error(index, "efficiency", reason)
