"""What is counted: the bins of a search, and the background in them."""

from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    Discriminator,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hnlstat.config.base import Name, Section, problem, suggest
from hnlstat.config.quantities import (
    ANGLE,
    ENERGY,
    Dimension,
    Exposed,
    NotEmpty,
    Number,
    PositiveRatio,
    Rising,
    inside,
    parse,
)
from hnlstat.config.sections import Events, Observed, Size

T = TypeVar("T")

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


def _one_or_bins(value: object) -> str:
    return "<bins>" if isinstance(value, list | tuple) else "<all>"


PerBin = Annotated[
    Annotated[T, Tag("<all>")] | Annotated[tuple[T, ...], Tag("<bins>")],
    Discriminator(_one_or_bins),
]
"""One number for all bins of a channel together, or one for each of them."""


class Background(Section):
    """
    Expected background of a horn mode.

    Attributes
    ----------
    events
        In all bins together, or in each of them (n,).
    pot
        The exposure that has them [POT].
    pot_of
        Horn mode with whose exposure they grow; None: their own.
    error
        Relative uncertainty, that of the whole channel, or of each bin (n,) by itself.
    mc_error
        Relative statistical uncertainty of each bin (n,) by itself, beside all others. In a file
        `true` takes the errors of the bins that `events` are read from, `false` leaves them out.
    """

    events: PerBin[Events]
    pot: Exposed
    pot_of: str | None = None
    error: PerBin[Size] = 0.0
    mc_error: tuple[Size, ...] | None = None


class Covariance(Section):
    """
    Covariance [events^2] of the background, at the exposures that `background` is for.

    Attributes
    ----------
    modes
        Horn modes; the bins of the first come first.
    matrix
        (n, n) over the bins of these modes, those of a mode followed by its side bands. In a file:
        a path of a csv table of numbers; with `columns`, those of these names (or of these names
        and a number), which its first row tells.
    relative
        Whether it is in fractions of both predictions.
    """

    modes: Annotated[tuple[Name, ...], NotEmpty]
    matrix: tuple[tuple[Number, ...], ...]
    relative: bool = False

    @model_validator(mode="after")
    def _is_square(self) -> Self:
        for i, row in enumerate(self.matrix):
            if len(row) != len(self.matrix):
                raise problem(f"matrix.{i}", f"has {len(row)} entries; rows are {len(self.matrix)}")
        return self

    @model_validator(mode="after")
    def _modes_differ(self) -> Self:
        for mode in self.modes:
            if self.modes.count(mode) > 1:
                raise problem("modes", f"{mode} appears twice")
        return self


class SideBands(Section):
    """
    Bins without signal that constrain the background of a horn mode, by the covariance.

    Attributes
    ----------
    predicted, observed
        Events (n,) at the exposure that `background` is for.
    """

    predicted: Annotated[tuple[Events, ...], NotEmpty]
    observed: tuple[Observed, ...]

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len(self.observed) != len(self.predicted):
            raise problem(
                "observed", f"has {len(self.observed)} entries for {len(self.predicted)} predicted"
            )
        return self


class Observable(Section):
    """
    A histogram of selected decays, whose bins enter the likelihood.

    Attributes
    ----------
    name
        pair_mass, pair_energy, pair_angle or opening_angle, as reconstructed.
    edges
        Of the bins (n + 1,), [GeV] or [rad]; what lies beyond counts in the outermost bins.
    background
        Share of the background in each bin (n,), in every channel whose background is given for
        all bins together; they sum to 1.
    """

    dimensions: ClassVar[dict[str, Dimension]] = OBSERVABLES

    name: str
    edges: Annotated[tuple[float, ...], Rising]
    background: tuple[PositiveRatio, ...] | None = None

    @field_validator("name")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in cls.dimensions:
            raise ValueError(f"is not an observable; {suggest(value, cls.dimensions)}")
        return value

    @field_validator("edges", mode="before")
    @classmethod
    def _in_the_units_of_the_observable(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list | tuple):
            return value
        dimension = cls.dimensions.get(info.data.get("name", ""), ENERGY)
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
        if self.background is not None and len(self.background) != self.bins:
            raise problem(
                "background",
                f"has {len(self.background)} shares for {self.bins} bins of `edges`",
            )
        return self

    @property
    def bins(self) -> int:
        """Number of bins."""
        return len(self.edges) - 1

    @field_validator("background")
    @classmethod
    def _shares_sum_to_one(cls, shares: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if shares is None:
            return None
        total = sum(shares)
        if abs(total - 1) > SUM_TOLERANCE:
            raise ValueError(f"sums to {total:.6g}, not to 1")
        return tuple(share / total for share in shares)
