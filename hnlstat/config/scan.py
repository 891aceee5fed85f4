"""The grid in mass and coupling."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.quantities import PositiveCoupling, PositiveEnergy, Rising


class Grid(Section):
    """Points between min and max, or given values; mass [GeV] or coupling [GeV^-1]."""

    min: float | None = None
    max: float | None = None
    points: int | None = None
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
        return self

    @property
    def _points(self) -> int:
        return self.points or 0

    @property
    def _range(self) -> tuple[float, float]:
        return self.min or 0.0, self.max or 0.0

    def array(self) -> NDArray[np.float64]:
        """Give the points of the grid, rising, shape (points,)."""
        if self.values is not None:
            return np.array(self.values)
        make = np.geomspace if self.spacing == "log" else np.linspace
        return np.asarray(make(*self._range, self._points), dtype=np.float64)


class MassGrid(Grid):
    """Masses [GeV]."""

    min: PositiveEnergy | None = None
    max: PositiveEnergy | None = None
    values: Annotated[tuple[PositiveEnergy, ...], Rising] | None = None


class CouplingGrid(Grid):
    """Couplings d [GeV^-1]."""

    min: PositiveCoupling | None = None
    max: PositiveCoupling | None = None
    values: Annotated[tuple[PositiveCoupling, ...], Rising] | None = None


class TableGrid(Section):
    """A grid that is simulated in place of another one."""

    mass: MassGrid
    coupling: CouplingGrid


class Scan(Section):
    """
    The grid of yields; limits are found between its couplings.

    Attributes
    ----------
    table
        What is simulated in place of the grid, which must lie within. The grid's decays are linear
        between these points, in the logarithms of decays, mass and coupling.
    """

    mass: MassGrid
    coupling: CouplingGrid
    table: TableGrid | None = None
