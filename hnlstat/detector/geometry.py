"""Axis-aligned boxes in painter's order as a signed sum of boxes, and straight rays through it.

A later box overrides an earlier one where they overlap. The medium at a point is written as
sum_i c_i [point in box i]: painting a box adds it with its own medium and takes away every earlier
term on its intersection with the new box, which is again a box. A line integral over the detector
is then a plain sum over terms, with no sorting of crossings along the ray.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Corners = tuple[tuple[float, ...], tuple[float, ...]]
"""Lower and upper corner of a box [m]."""


@dataclass(frozen=True)
class PaintedBox:
    """A box filled with one medium: lower and upper corner (3,) [m], index of the medium."""

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    medium: int


@dataclass(frozen=True)
class SignedBoxes:
    """Sum of boxes with signed coefficients per medium.

    Attributes
    ----------
    lower, upper : (B, 3) corners [m]
    coefficients : (B, n_media) how often each medium counts in each box
    """

    lower: Array
    upper: Array
    coefficients: Array

    def at(self, points: Array) -> Array:
        """Medium at points (..., 3): (..., n_media), one 1 per point, all 0 outside the world."""
        inside = np.all(
            (points[..., None, :] >= self.lower) & (points[..., None, :] < self.upper), axis=-1
        )
        return np.asarray(inside @ self.coefficients)


def paint(boxes: Sequence[PaintedBox], n_media: int) -> SignedBoxes:
    """Resolve overlaps: later boxes override earlier ones.

    Parameters
    ----------
    boxes : in painter's order
    n_media : number of media
    """
    terms: dict[Corners, NDArray[np.int64]] = {}
    for box in boxes:
        for (lower, upper), coefficient in list(terms.items()):
            low = tuple(map(max, lower, box.lower))
            high = tuple(map(min, upper, box.upper))
            if all(a < b for a, b in zip(low, high, strict=True)):
                key = low, high
                terms[key] = terms.get(key, np.zeros(n_media, dtype=np.int64)) - coefficient
        own = box.lower, box.upper
        terms[own] = terms.get(own, np.zeros(n_media, dtype=np.int64))
        terms[own][box.medium] += 1
    kept: dict[Corners, Array] = {}
    for medium in range(n_media):
        counts = [(corners, int(c[medium])) for corners, c in terms.items() if c[medium]]
        for axis in range(3):
            counts = _joined(counts, axis)
        for corners, count in counts:
            kept.setdefault(corners, np.zeros(n_media))[medium] += count
    return SignedBoxes(
        np.array([lower for lower, _ in kept]).reshape(-1, 3),
        np.array([upper for _, upper in kept]).reshape(-1, 3),
        np.array(list(kept.values())).reshape(-1, n_media),
    )


def _joined(counts: Sequence[tuple[Corners, int]], axis: int) -> list[tuple[Corners, int]]:
    """Join boxes that count equally and touch along an axis, as the air that layers displace."""
    joined: list[tuple[Corners, int]] = []
    ends: dict[tuple[Corners, int, float], int] = {}
    for (lower, upper), count in sorted(counts, key=lambda term: term[0][0][axis]):
        across = lower[:axis] + lower[axis + 1 :], upper[:axis] + upper[axis + 1 :]
        place = ends.pop((across, count, lower[axis]), len(joined))
        if place < len(joined):
            joined[place] = (joined[place][0][0], upper), count
        else:
            joined.append(((lower, upper), count))
        ends[across, count, upper[axis]] = place
    return joined


def ray_segments(
    origin: Array, direction: Array, lower: Array, upper: Array
) -> tuple[Array, Array]:
    """Distances [m] at which rays enter and leave boxes, both at least 0 and equal for a miss.

    Parameters
    ----------
    origin, direction : (N, 3) starting points [m] and unit vectors
    lower, upper : (B, 3) corners of the boxes [m], or (N, B, 3) if each ray has its own

    Returns
    -------
    near, far : (N, B)
    """
    near = np.zeros((len(origin), lower.shape[-2]))
    far = np.full_like(near, np.inf)
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1.0 / direction
    # a ray in the plane of a face would give 0 * inf; it is moved off by less than rounding
    inverse = np.clip(inverse, -1e300, 1e300)
    for axis in range(3):
        to_lower = (lower[..., axis] - origin[:, axis, None]) * inverse[:, axis, None]
        to_upper = (upper[..., axis] - origin[:, axis, None]) * inverse[:, axis, None]
        np.maximum(near, np.minimum(to_lower, to_upper), out=near)
        np.minimum(far, np.maximum(to_lower, to_upper), out=far)
    return near, np.maximum(far, near)


def interval_within(
    origin: Array, direction: Array, radius: float | None, upstream: Array | float | None
) -> tuple[Array, Array]:
    """Part of each ray within a cylinder around the z axis and downstream of z = -upstream.

    Parameters
    ----------
    origin, direction : (N, 3) starting points [m] and unit vectors
    radius, upstream : of the cylinder and of the plane, which may be one per ray (N,) [m]; None for
        no limit

    Returns
    -------
    near, far : (N,) distances [m] along the ray, equal where nothing of it lies within
    """
    near, far = np.zeros(len(origin)), np.full(len(origin), np.inf)
    if radius is not None:
        a = np.sum(direction[:, :2] ** 2, axis=1) + 1e-300
        b = np.sum(direction[:, :2] * origin[:, :2], axis=1)
        c = np.sum(origin[:, :2] ** 2, axis=1) - radius**2
        discriminant = b**2 - a * c
        # the root that does not cancel is -(b + sign(b) sqrt(..)); the other is c / that
        large = -(b + np.copysign(np.sqrt(np.maximum(discriminant, 0.0)), b))
        with np.errstate(over="ignore"):  # a ray along the axis meets the cylinder nowhere
            first, second = large / a, c / np.where(large == 0, 1e-300, large)
        hit = discriminant > 0
        near = np.where(hit, np.maximum(np.minimum(first, second), 0.0), 0.0)
        far = np.where(hit, np.maximum(first, second), 0.0)
    if upstream is not None:
        height = origin[:, 2] + upstream
        with np.errstate(divide="ignore", over="ignore"):
            crossing = np.where(direction[:, 2] == 0, np.inf, -height / direction[:, 2])
        far = np.where(direction[:, 2] < 0, np.minimum(far, crossing), far)
        near = np.where(height < 0, np.maximum(near, crossing), near)
    return near, np.maximum(far, near)
