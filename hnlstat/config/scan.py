"""The grid in mass and coupling, or of mixings."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.coupling import PositiveCoupling
from hnlstat.config.quantities import (
    NEAR,
    Apart,
    Mass,
    PositiveNumber,
    memory,
    nearly_equal,
    whole,
    within,
)

KB_PER_POINT = 2.0
"""Memory that a point of the grid takes, about, from its yields to its place in the tables."""

Flavour = Literal["e", "mu", "tau"]

MAX_POINTS = 10_000_000
"""Of the grid of masses and couplings."""


Bound = Annotated[PositiveNumber, within(1e-9, 1.0)]


class MixingBounds(Section):
    """
    Upper bounds of the priors of |U_e|^2, |U_mu|^2 and |U_tau|^2.

    Attributes
    ----------
    e, mu, tau
        Where the prior ends; it is flat from 0.
    """

    e: Bound
    mu: Bound
    tau: Bound


class Grid(Section):
    """
    Points of an axis.

    Attributes
    ----------
    min, max, points, spacing
        The first and the last, how many there are, and whether at equal ratios or distances.
    values
        The points themselves, rising, in place of these; None: these.
    """

    min: float | None = None
    max: float | None = None
    points: Annotated[int, whole(-(10**6), 10**6, memory(KB_PER_POINT * 1e3))] | None = None
    spacing: Literal["log", "linear"] = "log"
    values: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _holds_points(self) -> Self:
        if self.values is not None:
            if not self.values:
                raise problem("values", "[] is an empty grid; give at least one value")
            return self
        for key in ("min", "max", "points"):
            if getattr(self, key) is None:
                raise problem(key, "is missing (or give values)")
        if self._points < 1:
            raise problem("points", f"{self.points} is an empty grid; give at least one point")
        low, high = self._range
        if high < low or (high == low) != (self._points == 1):
            wrong = "is not above" if high <= low else "differs, for one point, from"
            raise problem("max", f"{high:g} {wrong} min, {low:g}")
        if self._points > 1 and nearly_equal(*self._last_two):
            raise problem(
                "points",
                f"{self.points} between {low!r} and {high!r} are nearly equal, closer than 1 part "
                f"in {1 / NEAR:g}",
            )
        return self

    @property
    def size(self) -> int:
        """Number of points."""
        return self._points if self.values is None else len(self.values)

    @property
    def _points(self) -> int:
        return self.points or 0

    @property
    def _range(self) -> tuple[float, float]:
        return self.min or 0.0, self.max or 0.0

    @property
    def _last_two(self) -> tuple[float, float]:
        """The last two of several points, which are closest."""
        low, high = self._range
        steps = self._points - 1
        if self.spacing == "log":
            return high, high * (high / low) ** (1.0 / steps)
        return high - (high - low) / steps, high

    def array(self) -> NDArray[np.float64]:
        """Give the points of the grid, rising, shape (points,)."""
        if self.values is not None:
            return np.array(self.values)
        make = np.geomspace if self.spacing == "log" else np.linspace
        return np.asarray(make(*self._range, self._points), dtype=np.float64)


class MassGrid(Grid):
    """Masses [GeV]."""

    min: Mass | None = None
    max: Mass | None = None
    values: Annotated[tuple[Mass, ...], Apart] | None = None


class CouplingGrid(Grid):
    """Couplings of the model."""

    min: PositiveCoupling | None = None
    max: PositiveCoupling | None = None
    values: Annotated[tuple[PositiveCoupling, ...], Apart] | None = None


class TableGrid(Section):
    """Masses and couplings, all of them with each other."""

    mass: MassGrid
    coupling: CouplingGrid

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        masses, couplings = self.mass.size, self.coupling.size
        if masses * couplings > MAX_POINTS:
            raise problem(
                "mass",
                f"{masses} masses with {couplings} couplings would take about "
                f"{masses * couplings * KB_PER_POINT / 1e6:.3g} GB of memory; "
                f"{MAX_POINTS} points are the most here",
            )
        return self


class Scan(TableGrid):
    """
    The grid of yields; limits are found between its couplings.

    Attributes
    ----------
    table
        What is simulated in place of the grid, which must lie within. The grid's decays are linear
        between these points, in the logarithms of decays, mass and coupling.
    plane
        Two flavours, |U_a|^2 of which are the axes in place of mass and coupling. The mass is that
        of the model, the ends of both axes those of the coupling, other flavours do not mix.
    """

    table: TableGrid | None = None
    plane: tuple[Flavour, ...] | None = None

    @model_validator(mode="after")
    def _plane_is_of_two(self) -> Self:
        if self.plane is None:
            return self
        if len(self.plane) != 2:
            raise problem("plane", f"has {len(self.plane)} flavours; a plane has two, as [e, mu]")
        if self.plane[0] == self.plane[1]:
            raise problem("plane", f"has {self.plane[0]} twice; it is of two flavours, as [e, mu]")
        if self.table is not None:
            raise problem("plane", "cannot go with scan.table; leave one of them null")
        if self.coupling.values is not None:
            raise problem("plane", "goes from scan.coupling.min to max; leave values null")
        return self
