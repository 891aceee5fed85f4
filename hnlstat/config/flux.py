"""Beams: tables of neutrinos, or of N from kaons, at the detector."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, model_validator

from hnlstat.config.base import Assuming, Cited, Name, Section, home, problem, validate
from hnlstat.config.quantities import (
    ENERGY,
    Energy,
    Exposed,
    Length,
    NotEmpty,
    PositiveLength,
    PositiveRatio,
    Rising,
    inverse,
    parse,
)
from hnlstat.config.sections import Size
from hnlstat.errors import ConfigError


class FluxUncertainty(Section):
    """
    Relative uncertainty by energy of the neutrino, common to all energies of a horn mode.

    Attributes
    ----------
    edges, size
        Edges (n + 1,) [GeV] and the size (n,) between them; constant beyond them.
    """

    edges: Annotated[tuple[Energy, ...], NotEmpty, Rising]
    size: tuple[Size, ...]

    @model_validator(mode="after")
    def _one_size_per_bin(self) -> Self:
        if len(self.size) != len(self.edges) - 1:
            raise problem(
                "size", f"has {len(self.size)} values for {len(self.edges) - 1} bins of `edges`"
            )
        return self


KaonSource = Literal["tables", "rho_scaled"]
FluxFlavours = Annotated[tuple[Literal["numu", "numubar", "nue", "nuebar"], ...], NotEmpty]


def _table(value: str) -> str:
    return str(home(Path(value)))


_PER_BIN, _PER_ENERGY = (0, -2, 0, 0, -1), (-1, -2, 0, 0, -1)
_USUAL = inverse("1/cm2/1e21POT")[0]
_GEV = inverse("1/GeV")[0]


def _energy(value: str) -> str:
    parse(f"1 {value}", ENERGY)
    return value


def _flux(value: str) -> str:
    if inverse(value)[1] not in (_PER_BIN, _PER_ENERGY):
        raise ValueError("is no flux: neutrinos by area and POT, such as 1/cm2/1e21POT, or by "
                         "energy, too: 1/m^2/50MeV/1e21POT")  # fmt: skip
    return value


class FluxUnit(Section):
    """
    Units of a flux table that does not say them itself.

    Attributes
    ----------
    energy
        Of the edges of its bins; None: GeV, or as its head says.
    flux
        By area, POT and perhaps energy; None: 1/cm2/1e21POT in each bin.
    """

    energy: Annotated[str, AfterValidator(_energy)] | None = None
    flux: Annotated[str, AfterValidator(_flux)] | None = None

    @property
    def scale(self) -> tuple[float, bool]:
        """Factor to neutrinos / cm^2 / 1e21 POT; whether this is for each GeV."""
        if self.flux is None:
            return 1.0, False
        size, powers = inverse(self.flux)
        by_energy = powers == _PER_ENERGY
        return size / _USUAL / (_GEV if by_energy else 1.0), by_energy


class Flux(Cited):
    """A table of neutrinos, shipped (by name) or the user's own (by path), and its uncertainty.

    Attributes
    ----------
    name
        Of its uncertainties, too.
    table
        Name of a shipped table, or the path of a csv with columns <mode>_<flavour>.
    flavours, flavours_by_mode
        Columns that are used; in the horn modes that are named there, only those that are in both.
    beam
        Which this is, and where; remarked on where exposures are of another one. None: any.
    unit
        Of the table; None: GeV and neutrinos / cm^2 / 1e21 POT in each bin, or as its head says.
    distance
        From the point that neutrinos come from to the detector's origin, along z [m]; None: they
        run along z.
    """

    name: Name
    table: Annotated[str, AfterValidator(_table)]
    beam: str | None = None
    flavours: FluxFlavours
    flavours_by_mode: dict[str, FluxFlavours] | None = None
    unit: FluxUnit | None = None
    uncertainty: FluxUncertainty
    distance: PositiveLength | None = None

    def flavours_in(self, mode: str) -> tuple[str, ...]:
        """Flavours that are used in a horn mode."""
        allowed = (self.flavours_by_mode or {}).get(mode, self.flavours)
        return tuple(flavour for flavour in self.flavours if flavour in allowed)

    @property
    def tables(self) -> dict[str, str]:
        """Keys of the tables, and these by name or path."""
        return {"table": self.table}

    def parameter(self, mode: str) -> str:
        """Name of the uncertainty in a horn mode."""
        return f"flux_{self.name}_{mode}"


class KaonFlux(Assuming):
    """N of kaons that decay along a beam, which runs along z.

    Attributes
    ----------
    name
        Of its uncertainty, too.
    source
        What tells their number and spectrum: tables of N, or neutrinos that are scaled.
    table
        Name of a shipped table, or the path of a csv.
    beam
        Which this is, and where; remarked on where exposures are of another one. None: any.
    tunnel
        z where kaons begin and end to decay, evenly between [m].
    uncertainty
        Relative, common to all horn modes.
    """

    name: Name
    kind: Literal["kaons"]
    source: KaonSource = "tables"
    table: Annotated[str, AfterValidator(_table)]
    beam: str | None = None
    tunnel: Annotated[tuple[Length, Length], Rising]
    uncertainty: Size

    @property
    def tables(self) -> dict[str, str]:
        """Keys of the tables, and these by name or path."""
        return {"table": self.table}

    def parameter(self, mode: str) -> str:  # noqa: ARG002
        """Name of the uncertainty in a horn mode: one for all."""
        return f"flux_{self.name}"


class TabulatedKaons(KaonFlux):
    """N of tables.

    Attributes
    ----------
    table
        Decays of long-lived N over |U_l|^2 and width, by mass: `beam.kaons.load_kaons`.
    spectra
        Shapes of their spectra by lepton and mass, in all horn modes.
    volume, pot
        What `table` is for [m^3], [POT].
    """

    spectra: Annotated[str, AfterValidator(_table)]
    volume: PositiveRatio
    pot: Annotated[dict[Name, Exposed], NotEmpty]

    @property
    def tables(self) -> dict[str, str]:
        """Keys of the tables, and these by name or path."""
        return {"table": self.table, "spectra": self.spectra}


class ScaledKaons(KaonFlux):
    """N as neutrinos of K -> mu nu, of their energy and as much rarer as the decay is.

    Attributes
    ----------
    table
        Neutrinos of kaons: `beam.kaons.load_kaons`.
    flavours
        Which of them.
    caveat
        What every run says.
    """

    flavours: Annotated[tuple[Literal["numu", "numubar"], ...], NotEmpty]
    caveat: str | None = None


AnyFlux = Flux | TabulatedKaons | ScaledKaons


def read_flux(settings: object, where: str) -> AnyFlux:
    """Read a flux, of neutrinos or with a `kind`; errors as `validate`."""
    if isinstance(settings, dict) and "kind" in settings:
        source, known = settings.get("source", "tables"), get_args(KaonSource)
        if source not in known:
            raise ConfigError(f"{where}.source: {source} is not one of {' or '.join(known)}")
        if source == "rho_scaled":
            return validate(ScaledKaons, settings, where)
        return validate(TabulatedKaons, settings, where)
    return validate(Flux, settings, where)
