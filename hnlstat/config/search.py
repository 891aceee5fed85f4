"""How decays are selected: a published efficiency, or cuts on simulated electrons and positrons."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hnlstat.config.base import Assuming, Name, Section, problem, suggest, validate
from hnlstat.config.quantities import (
    ANGLE,
    ENERGY,
    Angle,
    Dimension,
    Exposed,
    Length,
    Mass,
    NotEmpty,
    Number,
    PositiveAngle,
    PositiveEnergy,
    PositiveLength,
    PositiveRatio,
    Ratio,
    Rising,
    inside,
    memory,
    parse,
    whole,
    within,
)
from hnlstat.config.sections import Events, Probability, not_negative

OBSERVABLES: dict[str, Dimension] = {
    "pair_mass": ENERGY,
    "pair_energy": ENERGY,
    "pair_angle": ANGLE,
    "opening_angle": ANGLE,
}
"""What can be histogrammed: mass and energy of the pair, its angle to the beam, that between its
tracks; all as reconstructed."""

MAX_BINS = 1000

SUM_TOLERANCE = 1e-3
"""Shares of the background whose sum is this close to 1 are scaled to it."""


def _known_observable(value: str) -> str:
    if value not in OBSERVABLES:
        raise ValueError(f"is not an observable; {suggest(value, OBSERVABLES)}")
    return value


def _cosine(value: float) -> float:
    if not -1 <= value < 1:
        raise ValueError("is not a cosine from -1 to 1, 1 excluded")
    return value


Cosine = Annotated[Number, AfterValidator(_cosine)]


class Efficiency(Section):
    """Efficiency (n,) at masses (n,) [GeV]; linear between them, constant beyond."""

    mass: Annotated[tuple[Mass, ...], NotEmpty, Rising]
    value: tuple[Probability, ...]

    @model_validator(mode="after")
    def _one_value_per_mass(self) -> Self:
        if len(self.value) != len(self.mass):
            raise problem("value", f"has {len(self.value)} entries for {len(self.mass)} masses")
        return self


class Background(Section):
    """Expected background events at an exposure [POT] of a horn mode (default: its own)."""

    events: Events
    pot: Exposed
    pot_of: str | None = None


class Observable(Section):
    """
    A histogram of selected decays, whose bins enter the likelihood.

    Attributes
    ----------
    name
        One of `OBSERVABLES`.
    edges
        Of the bins (n + 1,), [GeV] or [rad]; what lies beyond counts in the outermost bins.
    background
        Share of the background in each bin (n,), in every channel; they sum to 1.
    """

    name: Annotated[str, AfterValidator(_known_observable)]
    edges: Annotated[tuple[float, ...], Rising]
    background: tuple[PositiveRatio, ...]

    @field_validator("edges", mode="before")
    @classmethod
    def _in_the_units_of_the_observable(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list | tuple):
            return value
        dimension = OBSERVABLES.get(info.data.get("name", ""), ENERGY)
        edges = []
        for edge in value:
            try:
                edges.append(inside(parse(edge, dimension), -1e6, 1e6))
            except ValueError as error:
                raise ValueError(f"has the edge {edge}, which {error}") from None
        return tuple(edges)

    @model_validator(mode="after")
    def _one_share_per_bin(self) -> Self:
        if len(self.edges) < 2:
            raise problem("edges", f"has {len(self.edges)} entries; a bin needs two")
        if len(self.edges) > MAX_BINS + 1:
            raise problem(
                "edges", f"has {len(self.edges)} entries; {MAX_BINS} bins are the most here"
            )
        if len(self.background) != len(self.edges) - 1:
            raise problem(
                "background",
                f"has {len(self.background)} shares for {len(self.edges) - 1} bins of `edges`",
            )
        return self

    @field_validator("background")
    @classmethod
    def _shares_sum_to_one(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        total = sum(shares)
        if abs(total - 1) > SUM_TOLERANCE:
            raise ValueError(f"sums to {total:.6g}, not to 1")
        return tuple(share / total for share in shares)


class Selection(Assuming):
    """
    What every selection has.

    Attributes
    ----------
    channel
        The decay that is looked for.
    min_cos_theta
        N at larger angles to the beam are not simulated.
    background
        By horn mode.
    """

    kind: Literal["recast", "kinematic"]
    channel: Literal["ee"]
    min_cos_theta: Cosine
    background: dict[Name, Background]


class Recast(Selection):
    """Recast of a published search: acceptance in the angle of N, and the published efficiency."""

    kind: Literal["recast"]
    efficiency: Efficiency

    @property
    def observable(self) -> None:
        """A published efficiency knows no distribution: each channel is one number."""
        return None


class Smearing(Section):
    """
    Resolution of the TPCs.

    Attributes
    ----------
    momentum
        Of the momentum p_T across the field: sigma(p_T) / p_T at p_T = 1 GeV, proportional to p_T.
    angle
        Of each of the two projections of a track's direction [rad].
    """

    momentum: Annotated[Ratio, AfterValidator(not_negative), within(0, 100)]
    angle: Annotated[Angle, AfterValidator(not_negative)]


class Cuts(Section):
    """
    What a pair must pass, in this order; None: not asked for. All as reconstructed.

    Attributes
    ----------
    min_momentum
        Of both tracks [GeV].
    opposite_charge
        Whether the curvatures must have opposite signs.
    min_track_length
        Of both tracks in the gas around the fiducial box [m].
    min_separation
        Between the tracks [m], after the path `separation_path`.
    max_opening_angle
        Between the tracks [rad].
    min_pair_cos
        Cosine of the angle of the pair to the beam.
    max_pair_mass
        Of the pair [GeV].
    """

    min_momentum: PositiveEnergy | None
    opposite_charge: Annotated[bool, Field(strict=True)]
    min_track_length: PositiveLength | None
    min_separation: PositiveLength | None
    max_opening_angle: PositiveAngle | None
    min_pair_cos: Cosine | None
    max_pair_mass: PositiveEnergy | None

    @property
    def active(self) -> dict[str, float]:
        """The cuts that are made, in their order."""
        return {name: bound for name, bound in self if bound is not None and bound is not False}


class Kinematic(Selection):
    """
    Cuts on the electrons and positrons of simulated decays.

    Attributes
    ----------
    field
        Magnetic field along x [T].
    smearing, cuts
        Resolution, and what is asked for.
    separation_path
        Path from the decay [m] after which the separation of the tracks is taken.
    calibration
        Efficiency for decays that pass the cuts.
    decays
        Decays sampled for each N.
    observable
        What is histogrammed; None: each channel is one number.
    """

    kind: Literal["kinematic"]
    field: Annotated[Number, within(-100, 100, "T")]
    smearing: Smearing
    cuts: Cuts
    separation_path: Annotated[Length, AfterValidator(not_negative)]
    calibration: Probability
    decays: Annotated[int, whole(1, 10_000, memory(1e5))]
    observable: Observable | None


SELECTIONS: dict[str, type[Selection]] = {"recast": Recast, "kinematic": Kinematic}


def _by_kind(value: object) -> object:
    """Read a selection by its kind."""
    if not isinstance(value, Mapping):
        return value
    kind = str(value.get("kind"))
    if kind not in SELECTIONS:
        raise problem("kind", f"{kind} is not a kind of selection; {suggest(kind, SELECTIONS)}")
    return validate(SELECTIONS[kind], value, "selection")


AnySelection = Annotated[SerializeAsAny[Recast | Kinematic], BeforeValidator(_by_kind)]
