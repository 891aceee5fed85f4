"""Spectra that tables have as points of curves, integrated over bins."""

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import DataError
from hnlstat.tables.csv_table import CsvTable
from hnlstat.tables.plausible import HIGHEST_ENERGY

Array = NDArray[np.float64]

BINS = 80
"""Bins of the spectra, of one width in the logarithm of the energy."""


def edges_of(table: CsvTable) -> Array:
    """Edges (BINS + 1,) of bins from the least energy of the curves to the largest [GeV]."""
    energy = table.numbers("energy_gev", above=0)
    if energy.max() > HIGHEST_ENERGY:
        row = int(np.argmax(energy > HIGHEST_ENERGY))
        raise table.error(row, "energy_gev", f"is above {HIGHEST_ENERGY:g} GeV; give GeV, not MeV")
    return np.geomspace(energy.min(), energy.max(), BINS + 1)


def integrals(table: CsvTable, mine: NDArray[np.bool_], edges: Array, what: str = "") -> Array:
    """Integral of a curve, of some rows, over each bin (J,)."""
    energy, flux = table.numbers("energy_gev", above=0), table.numbers("flux", at_least=0)
    if not np.any(mine):
        raise DataError(f"{table.path}: has no curve of {what}")
    if np.any(np.diff(energy[mine]) <= 0):
        row = np.flatnonzero(mine)[int(np.argmax(np.diff(energy[mine]) <= 0)) + 1]
        raise table.error(int(row), "energy_gev", "must rise along a curve")
    if not np.any(flux[mine][1:] + flux[mine][:-1]):
        row = np.flatnonzero(mine)[0]
        raise table.error(int(row), "flux", "begins a curve of no area")
    return _integrals(energy[mine], flux[mine], edges)


def _integrals(energy: Array, flux: Array, edges: Array) -> Array:
    """Integral over each bin (J,) of straight lines between points, 0 beyond the ends."""
    nodes = np.unique(np.concatenate([energy, edges[(edges > energy[0]) & (edges < energy[-1])]]))
    value = np.interp(nodes, energy, flux)
    steps = np.diff(nodes) * (value[1:] + value[:-1]) / 2
    total = np.append(0.0, np.cumsum(steps))
    return np.diff(np.interp(edges, nodes, total))
