"""Neutrino flux tables: integrals over energy bins, by horn mode and flavour."""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import DataError

Array = NDArray[np.float64]

FLAVOURS = ("numu", "numubar", "nue", "nuebar")
"""Flavours that a flux table can hold; a missing column means that this flavour is absent."""

POT_UNIT = 1e21
"""Protons on target that a flux table refers to."""

MAX_FLUX = 1e20
"""Neutrinos / cm^2 / 1e21 POT in a bin: far beyond the most intense beams."""


@dataclass(frozen=True)
class FluxTable:
    """Flux of a neutrino beam that runs parallel to z, uniform across the detector.

    Attributes
    ----------
    edges_gev : (J + 1,) edges of the energy bins [GeV]
    flux : (mode, flavour) -> (J,) neutrinos / cm^2 / 1e21 POT in each bin
    """

    edges_gev: Array
    flux: dict[tuple[str, str], Array]

    @property
    def modes(self) -> tuple[str, ...]:
        """Horn modes, in the order of the table."""
        return tuple(dict.fromkeys(mode for mode, _ in self.flux))

    @property
    def max_energy(self) -> float:
        """Upper edge [GeV] of the last bin with any flux."""
        total = np.sum(list(self.flux.values()), axis=0)
        return float(self.edges_gev[1:][total > 0][-1])

    def only(self, flavours: Collection[str]) -> "FluxTable":
        """The table with the columns of these flavours."""
        kept = {key: values for key, values in self.flux.items() if key[1] in flavours}
        return FluxTable(self.edges_gev, kept)

    def coupled(self, mode: str, couplings: dict[str, float]) -> Array:
        """Flux (J,) of neutrinos and antineutrinos, each flavour times its (d_a / d)^2.

        Parameters
        ----------
        mode : horn mode
        couplings : flavour "e", "mu", "tau" -> d_a / d (the beam has no tau neutrinos)
        """
        total = np.zeros(len(self.edges_gev) - 1)
        for (table_mode, flavour), values in self.flux.items():
            if table_mode == mode:
                relative = couplings.get(flavour.removeprefix("nu").removesuffix("bar"), 0.0)
                total += relative**2 * values
        return total


def load_flux(table: str) -> FluxTable:
    """Read a flux table shipped with hnlstat (by name) or of the user's own (by path).

    The csv has columns `e_low_gev`, `e_high_gev` and `<mode>_<flavour>`, contiguous bins, integrals
    over each bin in neutrinos / cm^2 / 1e21 POT; lines that begin with # are comments.

    Raises
    ------
    DataError
        If the file cannot be read or a row or column is not right.
    """
    shipped = resources.files("hnlstat") / "data" / f"{table}.csv"
    path = shipped if shipped.is_file() else Path(table)
    try:
        with path.open(encoding="utf-8") as file:
            rows = list(csv.reader(line for line in file if line.strip() and line[0] != "#"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"flux table {table}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}"
        ) from None
    if len(rows) < 2:
        raise DataError(f"flux table {table}: needs a header and one row per energy bin")
    header, *body = (tuple(cell.strip() for cell in row) for row in rows)
    if header[:2] != ("e_low_gev", "e_high_gev"):
        raise DataError(f"flux table {table}: begins with {header[:2]}, not e_low_gev, e_high_gev")
    return _checked_table(table, header[2:], _numbers(table, len(header), body))


def _numbers(table: str, width: int, body: list[tuple[str, ...]]) -> Array:
    values = np.empty((len(body), width))
    for i, row in enumerate(body):
        try:
            values[i] = [float(cell) for cell in row]
        except ValueError:
            raise DataError(
                f"flux table {table}, bin {i + 1}: {','.join(row)!r} is not {width} numbers"
            ) from None
        if not np.all(np.isfinite(values[i]) & (values[i] >= 0)):
            raise DataError(f"flux table {table}, bin {i + 1}: a value is negative or not finite")
        if np.any(values[i] > MAX_FLUX):
            raise DataError(f"flux table {table}, bin {i + 1}: {values[i].max():g} is not possible")
    return values


def _checked_table(table: str, columns: tuple[str, ...], values: Array) -> FluxTable:
    flux: dict[tuple[str, str], Array] = {}
    for column, content in zip(columns, values[:, 2:].T, strict=True):
        mode, _, flavour = column.rpartition("_")
        if not mode or flavour not in FLAVOURS:
            raise DataError(
                f"flux table {table}: column {column!r} is not <mode>_<flavour> with a flavour of "
                + ", ".join(FLAVOURS)
            )
        flux[mode, flavour] = content
    low, high = values[:, 0], values[:, 1]
    wrong = np.flatnonzero((high <= low) | (np.append(low[1:], high[-1]) != high))
    if wrong.size:
        raise DataError(f"flux table {table}, bin {wrong[0] + 1}: bins must rise without gaps")
    if not any(np.any(content > 0) for content in flux.values()):
        raise DataError(f"flux table {table}: no flux above zero in any column")
    return FluxTable(np.append(low, high[-1]), flux)
