"""Detectors: materials, volumes and the fiducial boxes in which decays are looked for."""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from hnlstat.config.base import Assuming, Section, problem, suggest
from hnlstat.config.quantities import (
    Length,
    NotEmpty,
    PositiveDensity,
    PositiveLength,
    PositiveNumber,
)

Extent = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Lower and upper edge [m] along x, y and z."""


Fractions = dict[str, PositiveNumber]


class _CenteredBox(Section):
    center: tuple[Length, Length, Length]
    size: tuple[PositiveLength, PositiveLength, PositiveLength]

    @property
    def extent(self) -> Extent:
        """Edges [m] along x, y and z."""
        x, y, z = ((c - s / 2, c + s / 2) for c, s in zip(self.center, self.size, strict=True))
        return x, y, z


class Box(_CenteredBox):
    """A box of one material: density [g/cm3], centre and full size (x, y, z) [m]."""

    material: str
    density: PositiveDensity


class FiducialBox(_CenteredBox):
    """A box in which decays are looked for: centre and full size (x, y, z) [m]."""


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
    repeat: Annotated[int, Field(ge=1)]
    layers: Annotated[tuple[Layer, ...], NotEmpty]

    @property
    def extent(self) -> Extent:
        """Edges [m] along x, y and z of all layers together."""
        x, y = ((c - s / 2, c + s / 2) for c, s in zip(self.center, self.size, strict=True))
        depth = self.repeat * sum(layer.thickness for layer in self.layers)
        return x, y, (self.start, self.start + depth)


def _shape(data: Any) -> str:
    keys = data if isinstance(data, dict) else getattr(type(data), "model_fields", ())
    return "<stack>" if "layers" in keys or "repeat" in keys else "<box>"


Volume = Annotated[
    Annotated[Box, Tag("<box>")] | Annotated[Stack, Tag("<stack>")], Discriminator(_shape)
]


class Detector(Assuming):
    """
    A detector and all material around it that neutrinos meet.

    Attributes
    ----------
    materials
        Material -> nuclide ("Si28") -> mass fraction.
    volumes
        Boxes and stacks in painter's order: where they overlap, the later one counts.
    fiducial
        Boxes in which decays are looked for; they do not overlap.
    background_factor
        Background relative to that of the selection at the same exposure.
    """

    name: str
    description: str = ""
    materials: dict[str, Fractions]
    volumes: Annotated[dict[str, Volume], NotEmpty]
    fiducial: Annotated[dict[str, FiducialBox], NotEmpty]
    background_factor: PositiveNumber

    def around(self, name: str) -> Extent | None:
        """Edges [m] of the volume that holds a fiducial box, None if it is not in a single one."""
        inner = self.fiducial[name].extent
        holding = [
            volume
            for volume in self.volumes.values()
            if all(
                a < (low + high) / 2 < b
                for (a, b), (low, high) in zip(volume.extent, inner, strict=True)
            )
        ]
        if not holding or not isinstance(holding[-1], Box):
            return None
        outer = holding[-1].extent
        inside = all(
            a <= low and high <= b for (a, b), (low, high) in zip(outer, inner, strict=True)
        )
        return outer if inside else None

    @property
    def world(self) -> Extent:
        """Edges [m] along x, y and z of the smallest box around all volumes."""
        x, y, z = (
            (min(low for low, _ in edges), max(high for _, high in edges))
            for edges in zip(*(v.extent for v in self.volumes.values()), strict=True)
        )
        return x, y, z

    @model_validator(mode="after")
    def _materials_are_whole(self) -> Self:
        for name, fractions in self.materials.items():
            total = sum(fractions.values())
            if abs(total - 1) > 0.01:
                raise problem(f"materials.{name}", f"mass fractions sum to {total:.4g}, not 1")
        return self

    @model_validator(mode="after")
    def _materials_are_known(self) -> Self:
        for name, volume in self.volumes.items():
            parts = (
                {"": volume}
                if isinstance(volume, Box)
                else {f".layers.{i}": layer for i, layer in enumerate(volume.layers)}
            )
            for key, part in parts.items():
                if part.material not in self.materials:
                    raise problem(
                        f"volumes.{name}{key}.material",
                        f"{part.material} is not in detector.materials; "
                        + suggest(part.material, self.materials),
                    )
        return self

    @model_validator(mode="after")
    def _fiducial_boxes_lie_in_the_world(self) -> Self:
        for name, box in self.fiducial.items():
            for axis, (low, high), (first, last) in zip("xyz", box.extent, self.world, strict=True):
                if low < first or high > last:
                    raise problem(
                        f"fiducial.{name}",
                        f"reaches from {low:.6g} to {high:.6g} m in {axis}, outside the volumes "
                        f"({first:.6g} to {last:.6g} m)",
                    )
        return self

    @model_validator(mode="after")
    def _fiducial_boxes_are_apart(self) -> Self:
        boxes = list(self.fiducial.items())
        for i, (name, box) in enumerate(boxes):
            for other, second in boxes[:i]:
                pairs = zip(box.extent, second.extent, strict=True)
                if all(min(a[1], b[1]) > max(a[0], b[0]) for a, b in pairs):
                    raise problem(f"fiducial.{name}", f"overlaps {other}: decays would count twice")
        return self
