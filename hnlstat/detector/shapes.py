"""Convex shapes, boxes and hexagonal prisms: points in them, and rays through them.

Each is its own mirror image at its centre, and is what lies within slabs,
|normal (x - centre)| <= half, and, if it is round, within a wall, |across(x - centre)| <= wall.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.rays import ray_segments, within_round_wall, within_slab

Array = NDArray[np.float64]
Point: TypeAlias = tuple[float, float, float]
"""A point [m] or a unit vector along x, y and z."""

AXES = np.eye(3)
"""Unit vectors along x, y and z."""
_HEXAGON = np.pi / 3 * np.arange(6)


class Shape(ABC):
    """A convex shape; all lengths [m]."""

    centre: Point
    wall: float | None = None
    """Radius of its round wall."""
    normals: Array = AXES[:0]
    """(S, 3) unit vectors across its slabs."""
    half: Array = np.zeros(0)
    """(S,) half the thickness of each slab."""

    @property
    @abstractmethod
    def volume(self) -> float:
        """Its volume [m3]."""

    @abstractmethod
    def points(self, unit: Array) -> Array:
        """Points uniform in it (N, 3) [m], from points (N, 3) uniform in [0, 1)."""

    @abstractmethod
    def support(self, direction: Array) -> Array:
        """Point (3,) of it, seen from its centre, that lies farthest along a direction (3,)."""

    @abstractmethod
    def reach(self, offset: Array, other: "Shape") -> float:
        """Largest distance from the other's round wall's centre or axis to a point of this shape.

        `offset` (3,) leads from the other's centre to this one's.
        """

    def across(self, vectors: Array) -> Array:
        """Part of vectors (..., 3) that the round wall is around."""
        return vectors

    def contains(self, points: Array) -> NDArray[np.bool_]:
        """Whether points (..., 3) [m] lie in it."""
        offset = points - np.array(self.centre)
        inside = np.all(np.abs(offset @ self.normals.T) <= self.half, axis=-1)
        if self.wall is not None:
            inside &= np.sum(self.across(offset) ** 2, axis=-1) <= self.wall**2
        return np.asarray(inside)

    def crossings(self, origin: Array, direction: Array) -> tuple[Array, Array]:
        """Distances (N,) at which rays enter and leave it, at least 0 and equal for a miss.

        Parameters
        ----------
        origin, direction : (N, 3) starting points [m] and unit vectors
        """
        offset = origin - np.array(self.centre)
        near, far = np.zeros(len(origin)), np.full(len(origin), np.inf)
        if self.wall is not None:
            near, far = within_round_wall(self.across(offset), self.across(direction), self.wall)
        for normal, half in zip(self.normals, self.half, strict=True):
            first, last = within_slab(offset @ normal, direction @ normal, half)
            near, far = np.maximum(near, first), np.minimum(far, last)
        return near, np.maximum(far, near)

    def width(self, direction: Array) -> float:
        """How far it reaches from its centre along a direction (3,)."""
        return float(direction @ self.support(direction))

    @cached_property
    def extent(self) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
        """Lower and upper edge along x, y and z."""
        x, y, z = (
            (c - self.width(e), c + self.width(e)) for c, e in zip(self.centre, AXES, strict=True)
        )
        return x, y, z


class _Polyhedron(Shape):
    """A shape with corners."""

    corners: Array
    """(C, 3) seen from the centre."""

    def support(self, direction: Array) -> Array:
        """Farthest point along a direction; see `Shape`."""
        return np.asarray(self.corners[np.argmax(self.corners @ direction)])

    def reach(self, offset: Array, other: Shape) -> float:
        """Largest distance from the wall's centre or axis; see `Shape`."""
        return float(np.max(np.linalg.norm(other.across(offset + self.corners), axis=1)))


@dataclass(frozen=True)
class Box(_Polyhedron):
    """Along the axes: centre and full size."""

    centre: Point
    size: Point
    normals = AXES

    @cached_property
    def half(self) -> Array:  # type: ignore[override]
        """(3,) half the size."""
        return np.array(self.size) / 2

    @cached_property
    def corners(self) -> Array:  # type: ignore[override]
        """(8, 3) seen from the centre."""
        signs = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), axis=-1).reshape(-1, 3)
        return np.asarray(signs * self.half)

    @property
    def volume(self) -> float:
        """Its volume [m3]."""
        return self.size[0] * self.size[1] * self.size[2]

    def points(self, unit: Array) -> Array:
        """Uniform points; see `Shape`."""
        return np.asarray(np.array(self.centre) + np.array(self.size) * (unit - 0.5))

    def crossings(self, origin: Array, direction: Array) -> tuple[Array, Array]:
        """As those of all boxes, to the last digit; see `Shape`."""
        centre = np.array(self.centre)
        lower, upper = (centre - self.half)[None], (centre + self.half)[None]
        near, far = ray_segments(origin, direction, lower, upper)
        return near[:, 0], far[:, 0]


@dataclass(frozen=True)
class HexagonalPrism(_Polyhedron):
    """A regular hexagon of some apothem (centre to flat), extruded along an axis.

    `axis` and `flat`, across one of the flats, are unit vectors, one across the other.
    """

    centre: Point
    apothem: float
    length: float
    axis: Point
    flat: Point

    @cached_property
    def _frame(self) -> Array:
        """(3, 3) across a flat, along it, and the axis."""
        return np.array([self.flat, np.cross(self.axis, self.flat), self.axis])

    @cached_property
    def normals(self) -> Array:  # type: ignore[override]
        """(4, 3) across three of the flats, and the axis."""
        flats = np.stack([np.cos(_HEXAGON), np.sin(_HEXAGON)], axis=1)[:3]
        return np.vstack([flats @ self._frame[:2], self._frame[2]])

    @cached_property
    def half(self) -> Array:  # type: ignore[override]
        """(4,) the apothem thrice, and half the length."""
        return np.array([*[self.apothem] * 3, self.length / 2])

    @cached_property
    def _rim(self) -> Array:
        """(6, 3) corners of the hexagon, in order, seen from the centre."""
        angle, radius = _HEXAGON + np.pi / 6, self.apothem / np.cos(np.pi / 6)
        return np.asarray(
            radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ self._frame[:2]
        )

    @cached_property
    def corners(self) -> Array:  # type: ignore[override]
        """(12, 3) seen from the centre."""
        end = self.half[-1] * self._frame[2]
        return np.concatenate([self._rim - end, self._rim + end])

    @property
    def volume(self) -> float:
        """Its volume [m3]."""
        return float(np.sqrt(12) * self.apothem**2 * self.length)

    def points(self, unit: Array) -> Array:
        """Uniform points; see `Shape`."""
        # three rhombi, each between the centre and two corners next but one to each other
        place = 3 * unit[:, 0]
        rhombus = np.minimum(place.astype(int), 2)
        first, second = self._rim[2 * rhombus], self._rim[(2 * rhombus + 2) % 6]
        flat = (place - rhombus)[:, None] * first + unit[:, 1, None] * second
        height = self.length * (unit[:, 2] - 0.5)
        return np.asarray(self.centre + flat + np.outer(height, self.axis))
