"""Shapes of volumes and fiducial volumes, chosen by their keys, or by `shape: sphere`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from hnlstat.config.base import Section, closest, problem, suggest
from hnlstat.config.quantities import Length, NotEmpty, PositiveDensity, PositiveLength, whole
from hnlstat.config.solids import BoxShape, CylinderShape, Extent, PrismShape, SphereShape
from hnlstat.detector import shapes

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


class _Filled(Section):
    """
    A volume of one material.

    Attributes
    ----------
    material, density
        One of `materials`, and its density [g/cm3].
    """

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
    """
    A layer of a stack.

    Attributes
    ----------
    material, density, thickness
        One of `materials`, its density [g/cm3], how far it reaches along z [m].
    """

    material: str
    density: PositiveDensity
    thickness: PositiveLength


class Stack(Section):
    """
    Layers along z, repeated.

    Attributes
    ----------
    start
        z of the upstream face of the first layer [m].
    center, size
        (x, y) [m].
    repeat, layers
        How often, and what.
    """

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
