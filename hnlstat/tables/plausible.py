"""What numbers of a table cannot be: most likely they are in another unit, or there twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.quantities import NEAR
from hnlstat.errors import DataError
from hnlstat.tables.csv_table import CsvTable

FloatArray = NDArray[np.float64]

HIGHEST_MASS = 100.0  # [GeV]; a table that goes beyond is most likely in MeV
LIGHT = 1.0  # [GeV]; likewise one that has nothing below
LOWEST = 1e-3  # [GeV]; one that has nothing above is in TeV: N decay to e+ e- from there on
HIGHEST_ENERGY = 1000.0  # [GeV], of neutrinos of a beam
HIGHEST_BIN = 10.0  # [GeV], of the upper edge of the lowest bin
MOST_EVENTS = 1e30  # yields go as coupling^4, at which no experiment looks any more
MOST_OBSERVED = 1e9
LARGE, MOST_RELATIVE = 1.0, 10.0  # relative changes per sigma: strange, and impossible


def check_masses(table: CsvTable, mass: FloatArray, column: str = "mass_gev") -> None:
    """Refuse masses [GeV] that can only be in another unit.

    Raises
    ------
    DataError
        Names the line. A table of heavy or light masses alone must give its `mass_unit`.
    """
    heavy, sure = mass > HIGHEST_MASS, "mass" in table.units
    reason = "; give masses in GeV, not MeV, or say in the head '# mass_unit: MeV' (or GeV)"
    if np.any(heavy):
        raise table.error(int(np.argmax(heavy)), column, f"is above {HIGHEST_MASS:g} GeV" + reason)
    if np.all(mass > LIGHT) and not sure:
        raise table.error(int(np.argmin(mass)), column, "is the lowest mass of the table" + reason)
    if np.all(mass < LOWEST) and not sure:
        raise table.error(
            int(np.argmax(mass)),
            column,
            "is the highest mass of the table; give masses in GeV, or say in the head "
            "'# mass_unit: TeV' (or GeV)",
        )


def check_couplings(table: CsvTable, coupling: FloatArray, axis: CouplingAxis) -> None:
    """Refuse couplings that can only be in another unit.

    Raises
    ------
    DataError
        Names the line.
    """
    strange = (coupling < axis.least) | (coupling > axis.most)
    if np.any(strange):
        reason = f"is not between {axis.least:g} and {axis.most:g}"
        reason += f"; give couplings in {axis.unit}" if axis.unit else ""
        raise table.error(int(np.argmax(strange)), axis.column, reason)


def check_relative(table: CsvTable, column: str, change: FloatArray) -> None:
    """Refuse relative changes that can only be percentages.

    Raises
    ------
    DataError
        Names the line; those of 1 to 10 may have `rel_unit`.
    """
    large = np.abs(change) > (MOST_RELATIVE if "rel" in table.units else LARGE)
    if np.any(large):
        reason = "is no relative change at +1 sigma: 30 % is 0.3, or has the head '# rel_unit: %'"
        raise table.error(int(np.argmax(large)), column, reason)


def check_mc_error(table: CsvTable, error: FloatArray, events: FloatArray) -> None:
    """Refuse Monte Carlo errors that can only be percentages.

    Raises
    ------
    DataError
        Names the line.
    """
    # weights are positive: even one sample has no more than 100 %
    large = (events >= 0.1) & (error > 3.0 * events)
    if np.any(large):
        reason = "is several times the events of the line: give events, not per cent"
        raise table.error(int(np.argmax(large)), "mc_error", reason)


def check_distinct(table: CsvTable, column: str, values: FloatArray) -> None:
    """Refuse values of an axis that are equal but for rounding.

    Raises
    ------
    DataError
        Names both lines.
    """
    different, first = np.unique(values, return_index=True)
    near = np.flatnonzero(different[1:] < different[:-1] * (1.0 + NEAR))
    if near.size:
        i, j = sorted(first[near[0] : near[0] + 2].tolist())
        text = table.columns[column]
        raise DataError(
            f"{table.path}, lines {table.lines[i]} and {table.lines[j]}: {column} = "
            f"{text[i].strip()} and {text[j].strip()} are nearly equal; write both the same, or "
            f"further apart than 1 part in {1 / NEAR:g}"
        )
