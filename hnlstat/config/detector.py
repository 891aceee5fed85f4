"""Detectors: materials, volumes and the fiducial volumes in which decays are looked for."""

from typing import Annotated, Self

import numpy as np
from pydantic import model_validator

from hnlstat.config.base import Assuming, Name, problem, suggest
from hnlstat.config.quantities import NotEmpty, PositiveRatio
from hnlstat.config.shapes import Box, Fiducial, Stack, Volume
from hnlstat.config.solids import BoxShape, Extent
from hnlstat.detector.geometry import CutError, PaintedBox, PaintedShape, paint
from hnlstat.detector.relations import ROUNDING, apart, inside

Fractions = dict[str, PositiveRatio]
Medium = tuple[str, float]
"""Material and density [g/cm^3]."""


class Detector(Assuming):
    """
    A detector and all material around it that neutrinos meet.

    Attributes
    ----------
    name, description
        In files and figures; in words.
    materials
        Material -> nuclide ("Si28") -> mass fraction.
    volumes
        Shapes in painter's order: where they overlap, the later one counts. Only boxes (and layers)
        may overlap partly; of others, one lies in the other or beside it.
    fiducial
        Shapes in which decays are looked for; they do not overlap. Some are `by_name`: only for
        searches that name them.
    background_factor
        Background relative to that of the selection at the same exposure.
    """

    name: Name
    description: str = ""
    materials: dict[Name, Fractions]
    volumes: Annotated[dict[Name, Volume], NotEmpty]
    fiducial: Annotated[dict[Name, Fiducial], NotEmpty]
    background_factor: PositiveRatio

    def around(self, name: str) -> Extent | None:
        """Edges [m] of the box that holds a fiducial box, None if it is not in a single one."""
        inner = self.fiducial[name]
        centre = np.array([(low + high) / 2 for low, high in inner.extent])
        holding = [volume for volume in self.volumes.values() if volume.solid.contains(centre)]
        if not holding or not isinstance(holding[-1], Box) or not isinstance(inner, BoxShape):
            return None
        outer = holding[-1].extent
        within = all(
            a <= low and high <= b for (a, b), (low, high) in zip(outer, inner.extent, strict=True)
        )
        return outer if within else None

    def painted(self) -> tuple[list[PaintedBox | PaintedShape], list[Medium], list[str]]:
        """All volumes in painter's order, layers of stacks one by one, their media, and names."""
        media: dict[Medium, int] = {}
        painted: list[PaintedBox | PaintedShape] = []
        names: list[str] = []
        for name, volume in self.volumes.items():
            if not isinstance(volume, Stack):
                medium = media.setdefault((volume.material, volume.density), len(media))
                painted.append(
                    _painted_box(*volume.extent, medium)
                    if isinstance(volume, Box)
                    else PaintedShape(volume.solid, medium)
                )
                names.append(name)
                continue
            x, y, (z, _) = volume.extent
            for layer in volume.repeat * volume.layers:
                medium = media.setdefault((layer.material, layer.density), len(media))
                painted.append(_painted_box(x, y, (z, z + layer.thickness), medium))
                names.append(name)
                z += layer.thickness
        return painted, list(media), names

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
                {f".layers.{i}": layer for i, layer in enumerate(volume.layers)}
                if isinstance(volume, Stack)
                else {"": volume}
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
    def _only_boxes_are_cut(self) -> Self:
        if self._has_boxes_only(*self.volumes.values()):
            return self
        painted, media, names = self.painted()
        try:
            paint(painted, len(media))
        except CutError as cut:
            raise problem(f"volumes.{names[cut.later]}", cut_by(names[cut.earlier])) from None
        return self

    @model_validator(mode="after")
    def _fiducial_volumes_lie_in_the_world(self) -> Self:
        for name, region in self.fiducial.items():
            edges = zip("xyz", region.extent, self.world, strict=True)
            for axis, (low, high), (first, last) in edges:
                rounding = ROUNDING * max(abs(first), abs(last))
                if low < first - rounding or high > last + rounding:
                    raise problem(
                        f"fiducial.{name}",
                        f"reaches from {low:.6g} to {high:.6g} m in {axis}, outside the volumes "
                        f"({first:.6g} to {last:.6g} m)",
                    )
        return self

    @model_validator(mode="after")
    def _fiducial_volumes_lie_in_matter(self) -> Self:
        """Of round shapes, the edges tell too little; points tell the rest."""
        if self._has_boxes_only(*self.volumes.values(), *self.fiducial.values()):
            return self
        painted, media, _ = self.painted()
        world, unit = paint(painted, len(media)), np.random.default_rng(1).random((4096, 3))
        for name, region in self.fiducial.items():
            if not any(inside(region.solid, volume.solid) for volume in self.volumes.values()):
                lost = np.mean(~np.any(world.at(region.solid.points(unit)) > 0.5, axis=1))
                if lost > 0:
                    raise problem(f"fiducial.{name}", f"lies outside the volumes with {lost:.2%}")
        return self

    @model_validator(mode="after")
    def _fiducial_volumes_are_apart(self) -> Self:
        regions = list(self.fiducial.items())
        for i, (name, region) in enumerate(regions):
            for other, second in regions[:i]:
                edges = zip(region.extent, second.extent, strict=True)
                beside = any(a[1] <= b[0] or b[1] <= a[0] for a, b in edges)  # seen at once
                if not beside and not apart(region.solid, second.solid):
                    raise problem(f"fiducial.{name}", f"overlaps {other}: decays would count twice")
        return self

    @staticmethod
    def _has_boxes_only(*shapes: Volume | Fiducial) -> bool:
        return all(isinstance(shape, BoxShape | Stack) for shape in shapes)


def cut_by(other: str) -> str:
    """Say that a volume cuts another, which is not possible."""
    return f"overlaps {other} partly; only boxes may, other shapes lie inside each other or apart"


def _painted_box(
    x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], medium: int
) -> PaintedBox:
    return PaintedBox((x[0], y[0], z[0]), (x[1], y[1], z[1]), medium)
