"""Spheres and cylinders."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.shapes import AXES, Point, Shape

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sphere(Shape):
    """Centre and radius."""

    centre: Point
    radius: float

    @property
    def wall(self) -> float:  # type: ignore[override]
        """The radius."""
        return self.radius

    @property
    def volume(self) -> float:
        """Its volume [m3]."""
        return float(4 / 3 * np.pi * self.radius**3)

    def points(self, unit: Array) -> Array:
        """Uniform points; see `Shape`."""
        radius, cosine = self.radius * np.cbrt(unit[:, 0]), 2 * unit[:, 1] - 1
        sine, azimuth = np.sqrt((1 - cosine) * (1 + cosine)), 2 * np.pi * unit[:, 2]
        direction = np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)
        return np.asarray(self.centre + radius[:, None] * direction)

    def support(self, direction: Array) -> Array:
        """Farthest point along a direction; see `Shape`."""
        return np.asarray(self.radius / np.linalg.norm(direction) * direction)

    def reach(self, offset: Array, other: Shape) -> float:
        """Largest distance from the wall's centre or axis; see `Shape`."""
        return float(np.linalg.norm(other.across(offset))) + self.radius


@dataclass(frozen=True)
class Cylinder(Shape):
    """Centre, radius, full length and the unit vector along its axis."""

    centre: Point
    radius: float
    length: float
    axis: Point

    @property
    def wall(self) -> float:  # type: ignore[override]
        """The radius."""
        return self.radius

    @cached_property
    def normals(self) -> Array:  # type: ignore[override]
        """(1, 3) the axis."""
        return np.array([self.axis])

    @cached_property
    def half(self) -> Array:  # type: ignore[override]
        """(1,) half the length."""
        return np.array([self.length / 2])

    @cached_property
    def _frame(self) -> Array:
        """(3, 3) two unit vectors across the axis, and the axis."""
        axis = self.normals[0]
        first = AXES[np.argmin(np.abs(axis))]
        first = first - (first @ axis) * axis
        first /= np.linalg.norm(first)
        return np.array([first, np.cross(axis, first), axis])

    @property
    def volume(self) -> float:
        """Its volume [m3]."""
        return float(np.pi * self.radius**2 * self.length)

    def points(self, unit: Array) -> Array:
        """Uniform points; see `Shape`."""
        radius, azimuth = self.radius * np.sqrt(unit[:, 0]), 2 * np.pi * unit[:, 1]
        height = self.length * (unit[:, 2] - 0.5)
        place = np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=1)
        return np.asarray(self.centre + place @ self._frame)

    def across(self, vectors: Array) -> Array:
        """Part of vectors (..., 3) across the axis."""
        axis = self.normals[0]
        return np.asarray(vectors - (vectors @ axis)[..., None] * axis)

    def support(self, direction: Array) -> Array:
        """Farthest point along a direction; see `Shape`."""
        axis, across = self.normals[0], self.across(direction)
        size = float(np.linalg.norm(across))
        end = np.copysign(self.half[0], direction @ axis) * axis
        # along the axis the whole end is as far, and rounding leaves a part across of any direction
        if size < 1e-12 * np.linalg.norm(direction):
            return np.asarray(end)
        return np.asarray(end + self.radius / size * across)

    def reach(self, offset: Array, other: Shape) -> float:
        """Largest distance from the wall's centre or axis; see `Shape`."""
        first, second = self.radius * other.across(self._frame[:2])
        ends = other.across(offset + np.outer([-self.half[0], self.half[0]], self.axis))
        return max(_farthest(end, first, second) for end in ends)


def _farthest(centre: Array, first: Array, second: Array) -> float:
    """Largest |centre + cos(t) first + sin(t) second|, at one of the roots of its derivative."""
    a, b = centre @ second, -centre @ first
    d, e = (second @ second - first @ first) / 2, first @ second
    # a cos(t) + b sin(t) + d sin(2 t) + e cos(2 t) as a polynomial of exp(i t)
    polynomial = np.array([e - 1j * d, a - 1j * b, 0, a + 1j * b, e + 1j * d])
    angle = np.append(0.0, np.angle(np.roots(polynomial)))
    rim = centre + np.outer(np.cos(angle), first) + np.outer(np.sin(angle), second)
    return float(np.max(np.linalg.norm(rim, axis=1)))
