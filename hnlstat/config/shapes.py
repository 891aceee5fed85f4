"""Shapes of volumes and fiducial volumes, chosen by their keys, or by `shape: sphere`."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from hnlstat.config.base import Section, closest, problem, suggest
from hnlstat.config.quantities import (
    PLAIN,
    Length,
    NotEmpty,
    PositiveDensity,
    PositiveLength,
    parse,
    whole,
)
from hnlstat.detector import round_shapes, shapes

Extent = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Lower and upper edge [m] along x, y and z."""

_KINDS = {
    "layers": "stack",
    "repeat": "stack",
    "apothem": "hexagonal_prism",
    "flat": "hexagonal_prism",
    "size": "box",
    "length": "cylinder",
    "axis": "cylinder",
    "radius": "sphere",
}
"""Shape that each key tells, the most telling first."""


def _kind(data: Any) -> str:
    """Tag of the shape of a volume: its name, else what its keys tell, even misspelt ones."""
    keys = [str(key) for key in data] if isinstance(data, Mapping) else []
    named = data.get("shape") if isinstance(data, Mapping) else getattr(data, "shape", None)
    if named is None:
        told = [key for key in _KINDS if key in keys]
        told = told or [key for own in keys if (key := closest(own, _KINDS, 0.8))]
        named = _KINDS[told[0]] if told else "box"
    return f"<{named}>"


def _known(*names: str) -> BeforeValidator:
    """Make the validator that refuses other shapes than these."""

    def check(data: Any) -> Any:
        named = data.get("shape", names[0]) if isinstance(data, Mapping) else names[0]
        if named not in names:
            raise problem("shape", f"{named} is no shape here; {suggest(str(named), names)}")
        kind = _kind(data).strip("<>")
        if kind not in names:
            raise problem("shape", f"it has the keys of a {kind}; {suggest(kind, names)}")
        return data

    return BeforeValidator(check)


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


class _Solid(Section, ABC):
    """A shape around its centre (x, y, z) [m]."""

    center: tuple[Length, Length, Length]

    @property
    @abstractmethod
    def solid(self) -> shapes.Shape:
        """The shape as geometry has it."""

    @property
    def extent(self) -> Extent:
        """Edges [m] along x, y and z."""
        return self.solid.extent


class BoxShape(_Solid):
    """A box: centre and full size (x, y, z) [m]."""

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


class SphereShape(_Solid):
    """A sphere: centre and radius [m]."""

    radius: PositiveLength
    shape: Literal["sphere"] = Field("sphere", exclude=True)

    @property
    def solid(self) -> round_shapes.Sphere:
        """The sphere as geometry has it."""
        return round_shapes.Sphere(self.center, self.radius)


class CylinderShape(_Solid):
    """A cylinder: centre, radius, full length [m] and axis."""

    radius: PositiveLength
    length: PositiveLength
    axis: Direction
    shape: Literal["cylinder"] = Field("cylinder", exclude=True)

    @property
    def solid(self) -> round_shapes.Cylinder:
        """The cylinder as geometry has it."""
        return round_shapes.Cylinder(self.center, self.radius, self.length, _unit(*self.axis))


class PrismShape(_Solid):
    """
    A hexagonal prism.

    Attributes
    ----------
    apothem
        From the axis to each of the six flats [m]; corners are 2 / sqrt(3) as far.
    length
        From end to end [m].
    axis
        Along it.
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


class _Filled(Section):
    """A volume of one material: density [g/cm3]."""

    material: str
    density: PositiveDensity


class Box(_Filled, BoxShape):
    """A box of one material."""


class Sphere(_Filled, SphereShape):
    """A sphere of one material."""


class Cylinder(_Filled, CylinderShape):
    """A cylinder of one material."""


class Prism(_Filled, PrismShape):
    """A hexagonal prism of one material."""


class _Fiducial(Section):
    """
    A shape in which decays are looked for.

    Attributes
    ----------
    by_name
        Only by searches that name it, not by those for all volumes.
    """

    by_name: Annotated[bool, Field(strict=True)] = False


class FiducialBox(_Fiducial, BoxShape):
    """A box in which decays are looked for."""


class FiducialSphere(_Fiducial, SphereShape):
    """A sphere in which decays are looked for."""


class FiducialCylinder(_Fiducial, CylinderShape):
    """A cylinder in which decays are looked for."""


class FiducialPrism(_Fiducial, PrismShape):
    """A hexagonal prism in which decays are looked for."""


class Layer(Section):
    """A layer of a stack: density [g/cm3] and thickness along z [m]."""

    material: str
    density: PositiveDensity
    thickness: PositiveLength


class Stack(Section):
    """Layers along z, repeated: `start` is the upstream face of the first layer, z [m]."""

    start: Length
    center: tuple[Length, Length]
    size: tuple[PositiveLength, PositiveLength]
    repeat: Annotated[int, whole(1, 10_000)]
    layers: Annotated[tuple[Layer, ...], NotEmpty]
    shape: Literal["stack"] = Field("stack", exclude=True)

    @property
    def extent(self) -> Extent:
        """Edges [m] along x, y and z of all layers together."""
        x, y = ((c - s / 2, c + s / 2) for c, s in zip(self.center, self.size, strict=True))
        depth = self.repeat * sum(layer.thickness for layer in self.layers)
        return x, y, (self.start, self.start + depth)

    @property
    def solid(self) -> shapes.Box:
        """The box around all layers as geometry has it."""
        x, y, z = self.extent
        centre = (x[0] + x[1]) / 2, (y[0] + y[1]) / 2, (z[0] + z[1]) / 2
        return shapes.Box(centre, (x[1] - x[0], y[1] - y[0], z[1] - z[0]))


Solid = Box | Sphere | Cylinder | Prism
Volume = Annotated[
    Annotated[Box, Tag("<box>")]
    | Annotated[Sphere, Tag("<sphere>")]
    | Annotated[Cylinder, Tag("<cylinder>")]
    | Annotated[Prism, Tag("<hexagonal_prism>")]
    | Annotated[Stack, Tag("<stack>")],
    Discriminator(_kind),
    _known("box", "sphere", "cylinder", "hexagonal_prism", "stack"),
]
Fiducial = Annotated[
    Annotated[FiducialBox, Tag("<box>")]
    | Annotated[FiducialSphere, Tag("<sphere>")]
    | Annotated[FiducialCylinder, Tag("<cylinder>")]
    | Annotated[FiducialPrism, Tag("<hexagonal_prism>")],
    Discriminator(_kind),
    _known("box", "sphere", "cylinder", "hexagonal_prism"),
]
