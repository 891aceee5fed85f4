"""Shapes without what they are made of: box, sphere, cylinder, hexagonal prism."""

import math
from abc import ABC, abstractmethod
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.quantities import PLAIN, Length, PositiveLength, parse
from hnlstat.detector import round_shapes, shapes

Extent = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Lower and upper edge [m] along x, y and z."""


def _direction(value: object) -> tuple[float, float, float]:
    if isinstance(value, str) and value in "xyz" and len(value) == 1:
        return tuple(float(value == axis) for axis in "xyz")  # type: ignore[return-value]
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError("is no direction; write x, y, z or a vector such as [0, 1, 1]")
    try:
        x, y, z = (parse(each, PLAIN) for each in value)
    except ValueError as error:
        raise ValueError(f"is no direction: one of its numbers {error}") from None
    if not 1e-6 <= math.hypot(x, y, z) <= 1e6:
        raise ValueError("is no direction; write a vector of about length 1")
    return x, y, z


Direction = Annotated[tuple[float, float, float], BeforeValidator(_direction)]


def _unit(x: float, y: float, z: float) -> shapes.Point:
    size = math.hypot(x, y, z)
    return x / size, y / size, z / size


class Solid(Section, ABC):
    """
    A shape around its centre.

    Attributes
    ----------
    shape
        Its name; without it, the keys tell which it is.
    center, size, radius, length
        Centre (x, y, z); full size (x, y, z); radius; from end to end; all in m.
    axis
        Along it: x, y, z or a vector such as [0, 1, 1].
    """

    center: tuple[Length, Length, Length]

    @property
    @abstractmethod
    def solid(self) -> shapes.Shape:
        """The shape as geometry has it."""

    @property
    def extent(self) -> Extent:
        """Edges [m] along x, y and z."""
        return self.solid.extent


class BoxShape(Solid):
    """A box."""

    size: tuple[PositiveLength, PositiveLength, PositiveLength]
    shape: Literal["box"] = Field("box", exclude=True)

    @property
    def solid(self) -> shapes.Box:
        """The box as geometry has it."""
        return shapes.Box(self.center, self.size)

    @property
    def extent(self) -> Extent:
        """Edges [m] along x, y and z."""
        x, y, z = ((c - s / 2, c + s / 2) for c, s in zip(self.center, self.size, strict=True))
        return x, y, z


class SphereShape(Solid):
    """A sphere."""

    radius: PositiveLength
    shape: Literal["sphere"] = Field("sphere", exclude=True)

    @property
    def solid(self) -> round_shapes.Sphere:
        """The sphere as geometry has it."""
        return round_shapes.Sphere(self.center, self.radius)


class CylinderShape(Solid):
    """A cylinder."""

    radius: PositiveLength
    length: PositiveLength
    axis: Direction
    shape: Literal["cylinder"] = Field("cylinder", exclude=True)

    @property
    def solid(self) -> round_shapes.Cylinder:
        """The cylinder as geometry has it."""
        return round_shapes.Cylinder(self.center, self.radius, self.length, _unit(*self.axis))


class PrismShape(Solid):
    """
    A hexagonal prism.

    Attributes
    ----------
    apothem
        From the axis to each of the six flats [m]; corners are 2 / sqrt(3) as far.
    flat
        From the axis to the middle of a flat, as seen along the axis: with axis z and flat x, two
        corners point up and down.
    """

    apothem: PositiveLength
    length: PositiveLength
    axis: Direction
    flat: Direction
    shape: Literal["hexagonal_prism"] = Field("hexagonal_prism", exclude=True)

    @property
    def solid(self) -> shapes.HexagonalPrism:
        """The prism as geometry has it."""
        axis, flat = _unit(*self.axis), self._across()
        return shapes.HexagonalPrism(self.center, self.apothem, self.length, axis, _unit(*flat))

    def _across(self) -> shapes.Point:
        """The part of `flat` across the axis."""
        axis, flat = _unit(*self.axis), _unit(*self.flat)
        along = sum(a * f for a, f in zip(axis, flat, strict=True))
        x, y, z = (f - along * a for a, f in zip(axis, flat, strict=True))
        return x, y, z

    @model_validator(mode="after")
    def _flat_leaves_the_axis(self) -> Self:
        if math.hypot(*self._across()) < 1e-3:
            raise problem("flat", "lies along the axis; give a direction across it")
        return self
