"""What task=requirements looks at: points, efficiencies, backgrounds and their uncertainties."""

from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.coupling import PositiveCoupling, unit_at_hand
from hnlstat.config.quantities import Apart, Mass, NotEmpty, PositiveNumber, Rising, whole, within
from hnlstat.config.sections import Level, Probability, Significance, Size

MOST_TESTS = 1_000_000
"""Of points, efficiencies, backgrounds and uncertainties, all with each other."""


def _not_nothing(value: float) -> float:
    if value < 1e-6:
        raise ValueError("is below 1e-6, the least here")
    return value


PositiveProbability = Annotated[Probability, AfterValidator(_not_nothing)]


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has letters that cannot be printed")
    return value


class Point(Section):
    """
    N of a mass and a coupling.

    Attributes
    ----------
    name, mass, coupling
        What it is called, "" if not at all; mass [GeV] and coupling in the unit of the model.
    """

    name: Annotated[str, Field(max_length=60), AfterValidator(_printable)] = ""
    mass: Mass
    coupling: PositiveCoupling

    @property
    def label(self) -> str:
        """The name, or what tells points apart."""
        return self.name or f"{1e3 * self.mass:.6g} MeV, {self.coupling:.6g}"


class LogRange(Section):
    """
    Points at equal ratios.

    Attributes
    ----------
    min, max, points
        The first, the last, and how many there are.
    """

    min: float
    max: float
    points: Annotated[int, whole(2, 1000)]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.max < 1.01 * self.min:
            raise problem("max", f"{self.max:g} is not above min, {self.min:g}")
        return self

    def array(self) -> NDArray[np.float64]:
        """Give the points, rising."""
        found = np.geomspace(self.min, self.max, self.points)
        found[[0, -1]] = self.min, self.max
        return np.asarray(found)


class Efficiencies(LogRange):
    """Share of the decays in the fiducial volumes that is selected."""

    min: PositiveProbability
    max: PositiveProbability


class Backgrounds(LogRange):
    """Expected events."""

    min: Annotated[PositiveNumber, within(1e-6, 1e7, "events")]
    max: Annotated[PositiveNumber, within(1e-6, 1e7, "events")]


def _of_this_model(value: object) -> object:
    """Refuse points of another model, such as those that come with the task."""
    unit, entries = unit_at_hand(), value if isinstance(value, list | tuple) else []
    for i, point in enumerate(entries if unit is not None else ()):
        given = str(point.get("coupling")) if isinstance(point, dict) else ""
        if given.endswith("GeV^-1") and unit != "GeV^-1":
            name = point.get("name") or given
            raise problem(
                i,
                f"{name} is of a dipole coupling; give points of this model, such as "
                "task.points='[{mass: 0.3, coupling: 1e-6}]'",
            )
    return value


class Requirements(Section):
    """
    The settings of task=requirements.

    Attributes
    ----------
    points
        N whose exclusion and discovery are asked for.
    efficiency
        Of all searches together: selected decays over decays to their final states in their
        fiducial volumes; channels share the selected ones as they do with the efficiency that the
        searches have themselves.
    background
        Of all channels together; they share it as they do the searches' own.
    uncertainties
        Of the background of each channel, in place of what the searches state.
    level, sigma
        Of exclusion, and of discovery.
    quoted
        Efficiencies for which the summary says how much background is allowed.
    """

    points: Annotated[tuple[Point, ...], NotEmpty, BeforeValidator(_of_this_model)]
    efficiency: Efficiencies
    background: Backgrounds
    uncertainties: Annotated[tuple[Size, ...], NotEmpty, Rising]
    level: Level
    sigma: Significance
    quoted: Annotated[tuple[PositiveProbability, ...], NotEmpty, Apart]

    @property
    def masses(self) -> NDArray[np.float64]:
        """Masses of the points, each once, rising."""
        return np.unique([point.mass for point in self.points])

    @property
    def couplings(self) -> NDArray[np.float64]:
        """Couplings of the points, each once, rising."""
        return np.unique([point.coupling for point in self.points])

    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the efficiencies, with those that are quoted, and the backgrounds of the map."""
        return np.union1d(self.efficiency.array(), self.quoted), self.background.array()

    @model_validator(mode="after")
    def _points_differ(self) -> Self:
        names = [point.label for point in self.points]
        for name in names:
            if names.count(name) > 1:
                raise problem("points", f"{name} appears twice; give each entry its own")
        return self

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        tests = len(self.points) * len(self.uncertainties)
        tests *= (self.efficiency.points + len(self.quoted)) * self.background.points
        if tests > MOST_TESTS:
            raise problem("points", f"{tests} tests in all; {MOST_TESTS} are the most here")
        return self
