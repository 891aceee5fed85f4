"""The parts of a Study other than detector and scan. Values are in GeV, m, GeV^-1 and POT."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from hnlstat.config.base import Assuming, Section, problem
from hnlstat.config.detector import Detector
from hnlstat.config.quantities import (
    LENGTH,
    Energy,
    Length,
    NotEmpty,
    Number,
    PositiveCoupling,
    PositiveEnergy,
    PositiveNumber,
    Rising,
    parse,
    positive,
)

MAX_RELATIVE = 10.0
"""Relative uncertainties from here on are taken for percentages without their sign."""

MAX_SHIFT = 1000.0
"""Longest uncertainty of where the rock begins [m]; beams are some hundred metres long."""


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("is negative")
    return value


def _relative(value: float) -> float:
    if not 0 <= value < MAX_RELATIVE:
        raise ValueError(f"is not a relative size from 0 to {MAX_RELATIVE:g}; 30 % is 0.3")
    return value


def _shift(value: float) -> float:
    if not 0 <= value <= MAX_SHIFT:
        raise ValueError(f"is not a length from 0 to {MAX_SHIFT:g} m")
    return value


def _up_to_one(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("is not between 0 and 1")
    return value


def _inside_unit_interval(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError("is not between 0 and 1, both excluded")
    return value


def _resolvable(value: float) -> float:
    if value > 7:
        raise ValueError("is above 7 standard deviations, which p-values do not resolve")
    return value


def _length_or_auto(value: object) -> float | str:
    return "auto" if value == "auto" else positive(parse(value, LENGTH))


Events = Annotated[Number, AfterValidator(_not_negative)]
Size = Annotated[Number, AfterValidator(_relative)]
Probability = Annotated[Number, AfterValidator(_up_to_one)]
OpenProbability = Annotated[Number, AfterValidator(_inside_unit_interval)]
Significance = Annotated[PositiveNumber, AfterValidator(_resolvable)]
LengthOrAuto = Annotated[float | Literal["auto"], BeforeValidator(_length_or_auto)]


_Counts = dict[str, Annotated[int, Field(ge=0)]]


class Exposure(Section):
    """Protons on target by horn mode, and the events observed.

    None: projected. "asimov": projected, too, but beside data of other datasets the expected
    background counts as its data; without any, it is as None.
    """

    name: str
    description: str = ""
    pot: Annotated[dict[str, PositiveNumber], NotEmpty]
    observed: (
        Annotated[
            Annotated[_Counts, Tag("<events>")] | Annotated[Literal["asimov"], Tag("<asimov>")],
            Discriminator(lambda value: "<asimov>" if isinstance(value, str) else "<events>"),
        ]
        | None
    )

    @model_validator(mode="after")
    def _observed_fits_pot(self) -> Self:
        if isinstance(self.observed, dict) and self.observed.keys() != self.pot.keys():
            raise problem(
                "observed", f"has {list(self.observed)}, but pot has the modes {list(self.pot)}"
            )
        return self


class Dataset(Section):
    """A detector with an exposure; `name` is unique in a Study."""

    name: str
    detector: Detector
    exposure: Exposure


class FluxUncertainty(Section):
    """Relative size (n,) between energy edges (n + 1,) [GeV]; constant beyond them."""

    edges: Annotated[tuple[Energy, ...], NotEmpty, Rising]
    size: tuple[Size, ...]

    @model_validator(mode="after")
    def _one_size_per_bin(self) -> Self:
        if len(self.size) != len(self.edges) - 1:
            raise problem(
                "size", f"has {len(self.size)} values for {len(self.edges) - 1} bins of `edges`"
            )
        return self


FluxFlavours = Annotated[tuple[Literal["numu", "numubar", "nue", "nuebar"], ...], NotEmpty]


class Flux(Section):
    """A flux table, shipped (by name) or the user's own (by path), and its uncertainty.

    Of the table the columns of `flavours` are used; in the horn modes that `flavours_by_mode` names
    only those that are in both.
    """

    name: str
    table: str
    flavours: FluxFlavours
    flavours_by_mode: dict[str, FluxFlavours] | None = None
    uncertainty: FluxUncertainty

    def flavours_in(self, mode: str) -> tuple[str, ...]:
        """Flavours that are used in a horn mode."""
        allowed = (self.flavours_by_mode or {}).get(mode, self.flavours)
        return tuple(flavour for flavour in self.flavours if flavour in allowed)


class Flavours(Section):
    """Relative couplings d_a / d."""

    e: Number
    mu: Number
    tau: Number


class Model(Section):
    """The dipole portal; mass [GeV] and coupling d [GeV^-1] are for task=point and task=events.

    `width_factor` multiplies the total width in the lifetime and `branching_ratio` says which
    dilepton phase space is used: both leave tree level only to repeat arXiv:2412.15051.
    """

    kind: Literal["dipole"]
    flavours: Flavours
    nature: Literal["dirac", "majorana"]
    mass: PositiveEnergy | None
    coupling: PositiveCoupling | None
    width_factor: PositiveNumber
    branching_ratio: Literal["tree_level", "arxiv_2412_15051"]

    @model_validator(mode="after")
    def _beam_couples(self) -> Self:
        if self.flavours.e == 0 and self.flavours.mu == 0:
            raise problem("flavours", "e and mu are 0: the beam would produce no N")
        return self


class Systematics(Assuming):
    """
    Relative uncertainties; flux and mc_statistics switch those that come with the numbers.

    Attributes
    ----------
    rock_density, rock_length
        Of all rock; by how much [m] it may begin further upstream, or less far, than described.
    form_factor, pauli
        Of the charge and magnetisation radii of all targets; of the Fermi momentum.
    """

    background: dict[str, Size]
    efficiency: Size
    flux: bool
    rock_density: Size
    rock_length: Annotated[Length, AfterValidator(_shift)]
    form_factor: Size
    pauli: Size
    mc_statistics: bool


class Simulation(Section):
    """
    Sampling of N production and decay.

    Attributes
    ----------
    radius, upstream
        Vertices lie within this distance [m] of the beam axis, and up to this far upstream of the
        detector's centre; "auto": all described volumes.
    upstream_offset, decay_lengths
        With `decay_lengths` k, vertices lie up to offset + min(k decay lengths, upstream) upstream,
        decay lengths being those of N with the energy of the neutrino.
    survival
        Whether N must survive from its production to the fiducial volume.
    bound_nucleons, pauli, fermi_momentum
        Nucleons in nuclei that scatter on their own, their Pauli suppression, Fermi momentum [GeV].
    precision
        Relative Monte Carlo error asked for.
    max_points
        Sampled points per mass at most.
    interpolate_masses
        Whether fine grids are sampled at some masses only, and the precision is proven at others.
    """

    radius: LengthOrAuto
    upstream: LengthOrAuto
    upstream_offset: Length
    decay_lengths: PositiveNumber | None
    survival: bool
    bound_nucleons: tuple[Literal["p", "n"], ...]
    pauli: Literal["fermi_gas", "none"]
    fermi_momentum: PositiveEnergy
    seed: Annotated[int, Field(ge=0)]
    precision: OpenProbability
    max_points: Annotated[int, Field(ge=1)]
    interpolate_masses: bool

    @model_validator(mode="after")
    def _reach_has_an_end(self) -> Self:
        if self.decay_lengths is not None and self.upstream == "auto":
            raise problem("upstream", "auto cannot go with decay_lengths; give a length")
        return self


class Inference(Section):
    """
    Confidence levels of exclusion, significances in standard deviations, and the method.

    Attributes
    ----------
    toys, seed
        Toys for each test of a point, where toys are used, and the seed of their random numbers.
    """

    calculator: Literal["auto", "exact", "convolution", "toys", "asymptotic", "published"]
    toys: Annotated[int, Field(ge=1000)]
    seed: Annotated[int, Field(ge=0)]
    levels: Annotated[tuple[OpenProbability, ...], NotEmpty]
    sigmas: tuple[Significance, ...]


class EventFile(Section):
    """
    What task=events writes.

    Attributes
    ----------
    number
        Events to sample, about; they are weighted.
    couplings
        Further couplings [GeV^-1] for which each event gets a weight.
    format
        Of the file; auto: parquet if pyarrow is installed, else hepmc if pyhepmc is, else npz.
    """

    number: Annotated[int, Field(ge=1)]
    couplings: tuple[PositiveCoupling, ...]
    format: Literal["auto", "npz", "parquet", "hepmc"]

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        columns = [f"{coupling:.6g}" for coupling in self.couplings]
        if repeated := [column for column in columns if columns.count(column) > 1]:
            raise problem("couplings", f"{repeated[0]} appears twice, to six digits")
        return self


def existing_file(value: Path) -> Path:
    """Pass paths of existing files only."""
    if not value.is_file():
        raise ValueError("is not a file")
    return value
