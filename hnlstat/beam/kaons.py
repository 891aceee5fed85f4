"""N of kaons that decay along the beam: how many cross a detector, and with what energies."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.beam.curves import BINS, edges_of, integrals
from hnlstat.beam.flux import POT_UNIT, flux_file, load_flux
from hnlstat.config.flux import AnyFlux, Flux, KaonFlux, ScaledKaons, TabulatedKaons
from hnlstat.errors import ConfigError, DataError
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.physics.kaon_decay import KAON_TO_NEUTRINO, kaon_branching
from hnlstat.tables.csv_table import CsvTable, read_csv

Array = NDArray[np.float64]

LEPTONS = ("e", "mu")
M3_TO_CM3 = 1e6
CM_PER_M = 100.0


@dataclass(frozen=True, eq=False)
class KaonBeam(ABC):
    """N at a detector, of K -> l N with |U_l|^2 = 1.

    Attributes
    ----------
    edges
        (J + 1,) edges of bins of the energy [GeV].
    """

    edges: Array

    @property
    @abstractmethod
    def modes(self) -> tuple[str, ...]:
        """Horn modes."""

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """Least and largest mass of N [GeV] that it is for."""

    @property
    @abstractmethod
    def arrays(self) -> Sequence[Array]:
        """All its numbers."""

    @abstractmethod
    def flux(self, mode: str, lepton: str, mass: float) -> Array:
        """N per cm^2 and POT in each bin, (J,); 0 out of reach."""

    def bins(self, mass: float) -> Array:
        """Edges (J + 1,) of the bins [GeV]; those of lighter N are empty."""
        return np.maximum(self.edges, mass)

    def slow(self, mass: float) -> Array:
        """Mean m / p in each bin (J,), by which decays of long-lived N go; 0 in empty ones."""
        edges = self.bins(mass)
        width, rapidity = np.diff(edges), np.diff(np.arccosh(edges / mass))
        return np.divide(mass * rapidity, width, out=np.zeros_like(width), where=width > 0)


@dataclass(frozen=True, eq=False)
class KaonTable(KaonBeam):
    """N of tables.

    Attributes
    ----------
    masses
        (M,) [GeV], rising.
    decays
        (mode, lepton) -> (M,) decays of N that live for ever, over their width, the volume and the
        exposure [1/(GeV m^3 POT)].
    spectra
        lepton -> masses (C,) and N in each bin (C, J), in any unit.
    """

    masses: Array
    decays: dict[tuple[str, str], Array]
    spectra: dict[str, tuple[Array, Array]]

    @property
    def modes(self) -> tuple[str, ...]:
        """Horn modes."""
        return tuple(dict.fromkeys(mode for mode, _ in self.decays))

    @property
    def range(self) -> tuple[float, float]:
        """Least and largest mass of N [GeV] that it is for."""
        return float(self.masses[0]), float(self.masses[-1])

    @property
    def arrays(self) -> Sequence[Array]:
        """All its numbers."""
        spectra = [array for pair in self.spectra.values() for array in pair]
        return [self.masses, *self.decays.values(), self.edges, *spectra]

    def rate(self, mode: str, lepton: str, mass: float) -> float:
        """Decays at a mass, as `decays`; over the branching ratio they are smooth in the mass."""
        known = kaon_branching(self.masses, lepton)
        inside = (known > 0) & (self.decays[mode, lepton] > 0)
        ratio = self.decays[mode, lepton][inside] / known[inside]
        log_ratio = np.interp(mass, self.masses[inside], np.log(ratio))
        return float(kaon_branching(mass, lepton) * np.exp(log_ratio))

    def flux(self, mode: str, lepton: str, mass: float) -> Array:
        """N per cm^2 and POT in each bin, (J,); 0 out of reach.

        Spectra are linear in the mass between those of the table, and constant beyond.
        """
        known, spectra = self.spectra[lepton]
        shape = np.array([np.interp(mass, known, column) for column in spectra.T])
        shape *= np.divide(np.diff(self.bins(mass)), np.diff(self.edges))
        decays = np.sum(shape * self.slow(mass)) / (HBAR_C_GEV_M * CM_PER_M)
        return np.asarray(shape * self.rate(mode, lepton, mass) / M3_TO_CM3 / decays)


@dataclass(frozen=True, eq=False)
class ScaledNeutrinos(KaonBeam):
    """N as neutrinos of K -> mu nu, of their energy and as much rarer as the decay is.

    As in arXiv:2109.03831. Heavy N are not spread like neutrinos, so that they are too few.

    Attributes
    ----------
    neutrinos
        mode -> (J,) per cm^2 and POT in each bin.
    """

    neutrinos: dict[str, Array]

    @property
    def modes(self) -> tuple[str, ...]:
        """Horn modes."""
        return tuple(self.neutrinos)

    @property
    def range(self) -> tuple[float, float]:
        """Least and largest mass of N [GeV] that it is for."""
        return 0.0, np.inf

    @property
    def arrays(self) -> Sequence[Array]:
        """All its numbers."""
        return [self.edges, *self.neutrinos.values()]

    def flux(self, mode: str, lepton: str, mass: float) -> Array:
        """N per cm^2 and POT in each bin, (J,); 0 out of reach, and in modes without a table."""
        if mode not in self.neutrinos:
            return np.zeros(len(self.edges) - 1)
        ratio = kaon_branching(mass, lepton) / KAON_TO_NEUTRINO["mu"]
        heavy = np.diff(self.bins(mass)) / np.diff(self.edges)
        return np.asarray(ratio * heavy * self.neutrinos[mode])


def load_kaons(flux: KaonFlux) -> KaonBeam:
    """Read the tables of a flux of N.

    That of `source: tables` has columns `mass_gev` and `<lepton>_<mode>`, decays of long-lived N
    over their width [1/GeV] in the volume and with the exposure that the flux states; that of their
    spectra `lepton`, `mass_gev`, `energy_gev` and `flux`, points of curves. That of `rho_scaled`
    has points of curves, too, by `mode` and `flavour`: neutrinos / cm^2 / GeV / 1e21 POT.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks a column, or a row is not right.
    """
    if isinstance(flux, ScaledKaons):
        return _load_scaled(flux)
    assert isinstance(flux, TabulatedKaons)  # there is no third source
    return _load_tables(flux)


def _load_tables(flux: TabulatedKaons) -> KaonTable:
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
        for (mode, lepton), column in decays.items():
            if not np.any(column):
                raise DataError(f"{rates.path}: {lepton}_{mode} is 0 at all masses")
    except DataError as error:
        raise DataError(f"flux table {error}") from None
    try:
        edges, spectra = _spectra(read_csv(flux_file(flux.spectra), required=_SPECTRA))
    except DataError as error:
        raise DataError(f"flux spectra {error}") from None
    return KaonTable(edges, masses, decays, spectra)


def _load_scaled(flux: ScaledKaons) -> ScaledNeutrinos:
    try:
        table = read_csv(flux_file(flux.table), required=_NEUTRINOS)
        edges = edges_of(table)
        modes, flavours = (np.array(table.columns[name]) for name in ("mode", "flavour"))
        found = {}
        for mode in dict.fromkeys(modes.tolist()):
            found[mode] = np.zeros(BINS)
            for flavour in dict.fromkeys(flux.flavours):
                mine = (modes == mode) & (flavours == flavour)
                curve = integrals(table, mine, edges, f"{flavour} in {mode}")
                found[mode] += curve / POT_UNIT
    except DataError as error:
        raise DataError(f"flux table {error}") from None
    return ScaledNeutrinos(edges, found)


_NEUTRINOS = ("mode", "flavour", "energy_gev", "flux")
_SPECTRA = ("lepton", "mass_gev", "energy_gev", "flux")


def _column(table: CsvTable, name: str) -> str:
    if name not in table.columns:
        raise DataError(f"{table.path}: lacks the column {name!r}; it has {[*table.columns]}")
    return name


def _spectra(table: CsvTable) -> tuple[Array, dict[str, tuple[Array, Array]]]:
    """Edges of common bins, and the curves integrated over these."""
    lepton, mass = np.array(table.columns["lepton"]), table.numbers("mass_gev", at_least=0)
    edges = edges_of(table)
    found = {}
    for name in LEPTONS:
        # of massless N the curve is that of neutrinos, which spread otherwise
        known = np.unique(mass[(lepton == name) & (mass > 0)])
        if not known.size:
            raise DataError(f"{table.path}: has no curve of the lepton {name}")
        rows = [(lepton == name) & (mass == one) for one in known]
        found[name] = known, np.stack([integrals(table, mine, edges) for mine in rows])
    return edges, found


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
        yield from load_kaons(flux).arrays
    else:
        table = load_flux(flux.table, flux.unit)
        yield from (table.edges_gev, *table.flux.values())
