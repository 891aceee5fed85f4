"""Neutrino flux tables: integrals over energy bins, by horn mode and flavour."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.flux import FluxUnit
from hnlstat.errors import DataError
from hnlstat.system.reading import shortened
from hnlstat.system.shipped import shipped_table
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.plausible import HIGHEST_BIN, HIGHEST_ENERGY
from hnlstat.tables.root import INNER, Histogram, as_table, histograms, split

Array = NDArray[np.float64]

FLAVOURS = ("numu", "numubar", "nue", "nuebar")
"""Flavours that a flux table can hold; a missing column means that this flavour is absent."""

POT_UNIT = 1e21
"""Protons on target that a flux table refers to."""

TOTAL = 1.0, 1e22
"""Neutrinos / cm^2 / 1e21 POT in all bins, between those far from a weak beam and ten a proton."""

_EDGES = ("e_low_gev", "e_high_gev")


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

    def only(self, flavours_in: Callable[[str], Collection[str]]) -> "FluxTable":
        """The table with the columns of those flavours that a function gives for each mode."""
        kept = {key: values for key, values in self.flux.items() if key[1] in flavours_in(key[0])}
        return FluxTable(self.edges_gev, kept)

    def coupled(self, mode: str, weights: Mapping[str, float]) -> Array:
        """Flux (J,) of neutrinos and antineutrinos, each flavour times its weight.

        Parameters
        ----------
        mode : horn mode
        weights : by flavour "e", "mu", "tau" (the beam has no tau neutrinos)
        """
        total = np.zeros(len(self.edges_gev) - 1)
        for (table_mode, flavour), values in self.flux.items():
            if table_mode == mode:
                weight = weights.get(flavour.removeprefix("nu").removesuffix("bar"), 0.0)
                total += weight * values
        return total


def load_flux(table: str, unit: FluxUnit | None = None) -> FluxTable:
    """Read a flux table shipped with hnlstat (by name) or of the user's own (by path).

    The csv has columns `e_low_gev`, `e_high_gev` and `<mode>_<flavour>`, contiguous bins, integrals
    over each bin in neutrinos / cm^2 / 1e21 POT; lines that begin with # are comments, of which
    `# energy_unit: MeV` counts. Of a ROOT file, `file.root:NAME`, the TH1 are taken whose names are
    NAME with a horn mode and a flavour in place of `{mode}` and `{flavour}`.

    Parameters
    ----------
    table : name or path
    unit : of the table, as far as it does not say so itself

    Raises
    ------
    DataError
        If the file cannot be read or a row or column is not right.
    """
    try:
        return _read_flux(_columns(table), unit or FluxUnit())
    except DataError as error:
        raise DataError(f"flux table {error}") from None


def flux_file(table: str) -> Path:
    """Give the file of a flux table, shipped or the user's own; see `load_flux`."""
    return shipped_table(table) or Path(table)


def _columns(table: str) -> CsvTable:
    """The columns of a csv file, or of the histograms of a ROOT file."""
    if (parts := split(table)) is None:
        return read_csv(flux_file(table), required=_EDGES)
    found = _histograms(table, parts[1])
    first = next(iter(found.values()))
    (edges,) = first.edges
    columns = {"e_low_gev": edges[:-1], "e_high_gev": edges[1:]}
    for match, one in found.items():
        if not np.array_equal(one.edges[0], edges):
            raise DataError(f"{parts[0]}: {one.name} has other bins than {first.name}")
        columns[f"{match['mode']}_{match['flavour']}"] = one.values
    return as_table(parts[0], columns)


def bin_error(table: str) -> float:
    """Give errors over contents of the histograms of a flux, on average; 0 where it has none."""
    if (parts := split(table)) is None:
        return 0.0
    found = _histograms(table, parts[1]).values()
    errors = sum(float(one.errors.sum()) for one in found if one.errors is not None)
    return errors / sum(float(one.values.sum()) for one in found)


def _histograms(table: str, names: str | None) -> dict[re.Match[str], Histogram]:
    """The histograms of a flux in a ROOT file."""
    name = (names or "").removesuffix(INNER)
    if names is not None and not ("{mode}" in name and "{flavour}" in name):
        raise DataError(f"{table}: give the names of its histograms as NAME_{{mode}}_{{flavour}}")
    pattern = re.escape(name).replace(r"\{mode\}", r"(?P<mode>\w+?)")
    return histograms(table, pattern.replace(r"\{flavour\}", f"(?P<flavour>{'|'.join(FLAVOURS)})"))


def _read_flux(table: CsvTable, unit: FluxUnit) -> FluxTable:
    path = table.path
    if unit.energy is not None:
        table = table.measured_in({"energy": unit.energy})
    edges, (factor, by_energy) = _edges(table), unit.scale
    width = np.diff(edges) if by_energy else 1.0
    flux: dict[tuple[str, str], Array] = {}
    for column in (name for name in table.columns if name not in _EDGES):
        mode, _, flavour = column.rpartition("_")
        if not mode or flavour not in FLAVOURS:
            raise DataError(
                f"{path}: column {shortened(column)!r} is not <mode>_<flavour> with a flavour of "
                + ", ".join(FLAVOURS)
            )
        content = table.numbers(column, at_least=0, at_most=TOTAL[1] / factor)
        flux[mode, flavour] = factor * width * content
    total = float(sum(content.sum() for content in flux.values()))
    if total == 0.0:
        raise DataError(f"{path}: no flux above zero in any column")
    if not TOTAL[0] <= total <= TOTAL[1]:
        raise DataError(
            f"{path}: {total:.3g} neutrinos in all bins are not between {TOTAL[0]:g} and "
            f"{TOTAL[1]:g}; give neutrinos / cm^2 / 1e21 POT in each bin, or flux.unit.flux"
        )
    return FluxTable(edges, flux)


def _edges(table: CsvTable) -> Array:
    """Edges of the bins [GeV], checked."""
    low, high = (table.numbers(column, at_least=0) for column in _EDGES)
    wrong = (high <= low) | (np.append(low[1:], high[-1]) != high)
    if np.any(wrong):
        raise table.error(int(np.argmax(wrong)), "e_high_gev", "bins must rise without gaps")
    head = "in the head '# energy_unit: MeV' (or GeV)"
    where = head if table.row == "line" else "flux.unit.energy=MeV (or GeV)"
    reason = f"; give energies in GeV, not MeV, or say {where}"
    if high[-1] > HIGHEST_ENERGY:
        raise table.error(high.size - 1, "e_high_gev", f"is above {HIGHEST_ENERGY:g} GeV{reason}")
    if high[0] > HIGHEST_BIN and "energy" not in table.units:
        raise table.error(0, "e_high_gev", f"ends the first bin{reason}")
    return np.append(low, high[-1])
