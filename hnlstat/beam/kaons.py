"""N of kaons that decay along the beam: how many cross a detector, and with what energies."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.beam.flux import flux_file, load_flux
from hnlstat.config.flux import AnyFlux, Flux, KaonFlux
from hnlstat.errors import ConfigError, DataError
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.physics.kaon_decay import kaon_branching
from hnlstat.tables.csv_table import CsvTable, read_csv

Array = NDArray[np.float64]

LEPTONS = ("e", "mu")
BINS = 80
"""Bins of the spectra, of one width in the logarithm of the energy."""

M3_TO_CM3 = 1e6
CM_PER_M = 100.0


@dataclass(frozen=True, eq=False)
class KaonTable:
    """N at a detector, of K -> l N with |U_l|^2 = 1.

    Attributes
    ----------
    masses
        (M,) [GeV], rising.
    decays
        (mode, lepton) -> (M,) decays of N that live for ever, over their width, the volume and the
        exposure [1/(GeV m^3 POT)].
    edges
        (J + 1,) edges of bins of the energy [GeV].
    spectra
        lepton -> masses (C,) and N in each bin (C, J), in any unit.
    """

    masses: Array
    decays: dict[tuple[str, str], Array]
    edges: Array
    spectra: dict[str, tuple[Array, Array]]

    @property
    def modes(self) -> tuple[str, ...]:
        """Horn modes."""
        return tuple(dict.fromkeys(mode for mode, _ in self.decays))

    def rate(self, mode: str, lepton: str, mass: float) -> float:
        """Decays at a mass, as `decays`; over the branching ratio they are smooth in the mass."""
        known = kaon_branching(self.masses, lepton)
        inside = (known > 0) & (self.decays[mode, lepton] > 0)
        ratio = self.decays[mode, lepton][inside] / known[inside]
        log_ratio = np.interp(mass, self.masses[inside], np.log(ratio))
        return float(kaon_branching(mass, lepton) * np.exp(log_ratio))

    def bins(self, mass: float) -> Array:
        """Edges (J + 1,) of the bins [GeV]; those of lighter N are empty."""
        return np.maximum(self.edges, mass)

    def flux(self, mode: str, lepton: str, mass: float) -> Array:
        """N per cm^2 and POT in each bin, (J,); 0 out of reach.

        Spectra are linear in the mass between those of the table, and constant beyond.
        """
        known, spectra = self.spectra[lepton]
        shape = np.array([np.interp(mass, known, column) for column in spectra.T])
        edges = self.bins(mass)
        width, rapidity = np.diff(edges), np.diff(np.arccosh(edges / mass))
        shape *= np.divide(width, np.diff(self.edges))
        # decays of long-lived N over their width go by m / p
        slow = np.divide(mass * rapidity, width, out=np.zeros_like(width), where=width > 0)
        decays = np.sum(shape * slow) / (HBAR_C_GEV_M * CM_PER_M)
        return np.asarray(shape * self.rate(mode, lepton, mass) / M3_TO_CM3 / decays)


def load_kaons(flux: KaonFlux) -> KaonTable:
    """Read the tables of a flux of N.

    That of the rates has columns `mass_gev` and `<lepton>_<mode>`, decays of long-lived N over
    their width [1/GeV] in the volume and with the exposure that the flux states; that of the
    spectra `lepton`, `mass_gev`, `energy_gev` and `flux`, points of curves.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks a column, or a row is not right.
    """
    try:
        rates = read_csv(flux_file(flux.table), required=("mass_gev",))
        masses = rates.numbers("mass_gev", above=0)
        if np.any(np.diff(masses) <= 0):
            raise rates.error(int(np.argmax(np.diff(masses) <= 0)) + 1, "mass_gev", "must rise")
        decays = {
            (mode, lepton): rates.numbers(name, at_least=0) / (flux.volume * pot)
            for mode, pot in flux.pot.items()
            for lepton in LEPTONS
            for name in [_column(rates, f"{lepton}_{mode}")]
        }
    except DataError as error:
        raise DataError(f"flux table {error}") from None
    try:
        edges, spectra = _spectra(read_csv(flux_file(flux.spectra), required=_SPECTRA))
    except DataError as error:
        raise DataError(f"flux spectra {error}") from None
    return KaonTable(masses, decays, edges, spectra)


_SPECTRA = ("lepton", "mass_gev", "energy_gev", "flux")


def _column(table: CsvTable, name: str) -> str:
    if name not in table.columns:
        raise DataError(f"{table.path}: lacks the column {name!r}; it has {[*table.columns]}")
    return name


def _spectra(table: CsvTable) -> tuple[Array, dict[str, tuple[Array, Array]]]:
    """Edges of common bins, and the curves integrated over these."""
    lepton, mass = np.array(table.columns["lepton"]), table.numbers("mass_gev", at_least=0)
    energy, flux = table.numbers("energy_gev", above=0), table.numbers("flux", at_least=0)
    edges = np.geomspace(energy.min(), energy.max(), BINS + 1)
    found = {}
    for name in LEPTONS:
        # of massless N the curve is that of neutrinos, which spread otherwise
        known = np.unique(mass[(lepton == name) & (mass > 0)])
        if not known.size:
            raise DataError(f"{table.path}: has no curve of the lepton {name}")
        curves = []
        for one in known:
            mine = (lepton == name) & (mass == one)
            if np.any(np.diff(energy[mine]) <= 0):
                row = np.flatnonzero(mine)[int(np.argmax(np.diff(energy[mine]) <= 0)) + 1]
                raise table.error(int(row), "energy_gev", "must rise along a curve")
            curves.append(_integrals(energy[mine], flux[mine], edges))
        found[name] = known, np.stack(curves)
    return edges, found


def _integrals(energy: Array, flux: Array, edges: Array) -> Array:
    """Integral over each bin (J,) of straight lines between points, 0 beyond the ends."""
    nodes = np.unique(np.concatenate([energy, edges[(edges > energy[0]) & (edges < energy[-1])]]))
    value = np.interp(nodes, energy, flux)
    steps = np.diff(nodes) * (value[1:] + value[:-1]) / 2
    total = np.append(0.0, np.cumsum(steps))
    return np.diff(np.interp(edges, nodes, total))


def of_neutrinos(flux: AnyFlux) -> Flux:
    """The flux, which a model needs whose N neutrinos make.

    Raises
    ------
    ConfigError
        If it is another.
    """
    if isinstance(flux, KaonFlux):
        raise ConfigError(
            f"flux: {flux.name} has N of kaons; those of the model are made by neutrinos, choose "
            "such as flux=t2k_nd280"
        )
    return flux


def of_kaons(flux: AnyFlux) -> KaonFlux:
    """The flux, which a model needs whose N are made by kaons; errors as `of_neutrinos`."""
    if isinstance(flux, Flux):
        raise ConfigError(
            f"flux: {flux.name} has neutrinos; N of the model are made in decays of kaons, choose "
            "such as flux=t2k_kaons"
        )
    return flux


def arrays(flux: AnyFlux) -> Iterator[Array]:
    """The numbers in the tables of a flux."""
    if isinstance(flux, KaonFlux):
        kaons = load_kaons(flux)
        spectra = [array for pair in kaons.spectra.values() for array in pair]
        yield from (kaons.masses, *kaons.decays.values(), kaons.edges, *spectra)
    else:
        table = load_flux(flux.table, flux.unit)
        yield from (table.edges_gev, *table.flux.values())
