"""Whether one convex shape lies in another, or beside it, and so what two of them share.

Both answers are proofs but for rounding: what is said to be inside sticks out nowhere, and a plane
lies between what is said to be apart. Touching surfaces count as inside or apart.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.detector.shapes import Box, Shape

Array = NDArray[np.float64]
Corners: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Lower and upper corner of a box [m]."""

ROUNDING = 1e-9
"""Share of sizes and distances by which shapes may stick out of, or into, each other."""
_STEPS = 100


def tolerance(first: Shape, second: Shape) -> float:
    """Length [m] that is rounding for two shapes."""
    edges = np.array([first.extent, second.extent])
    return ROUNDING * float(np.max(np.abs(edges)))


def inside(inner: Shape, outer: Shape) -> bool:
    """Whether one shape lies wholly in another."""
    rounding = tolerance(inner, outer)
    offset = np.array(inner.centre) - np.array(outer.centre)
    for normal, half in zip(outer.normals, outer.half, strict=True):
        if abs(offset @ normal) + inner.width(normal) > half + rounding:
            return False
    return outer.wall is None or inner.reach(offset, outer) <= outer.wall + rounding


def apart(first: Shape, second: Shape) -> bool:
    """Whether two shapes share no point of their inner parts; False if no plane between is found.

    A plane across the shortest way from one to the other lies between them. That way is the point
    nearest to 0 of all differences of their points, found in the hull of ever more extreme ones.
    """
    rounding = tolerance(first, second)
    offset = np.array(second.centre) - np.array(first.centre)

    def nearest(direction: Array) -> Array:
        """The difference that lies least far along a direction."""
        return np.asarray(offset - first.support(direction) - second.support(direction))

    for direction in _likely(offset, first, second):
        size = float(np.linalg.norm(direction))
        towards = direction if direction @ offset > 0 else -direction
        if size > 0 and towards @ nearest(towards) >= -rounding * size:
            return True
    way, extremes = offset, []
    for _ in range(_STEPS):
        size = float(np.linalg.norm(way))
        if size <= rounding:
            return False
        extreme = nearest(way)
        if way @ extreme >= -rounding * size:
            return True
        extremes.append(extreme)
        way = _nearest_in_hull(np.array(extremes))
    return False


def _likely(offset: Array, first: Shape, second: Shape) -> Iterator[Array]:
    """Directions in which shapes that touch are told apart: across flats, walls and edges."""
    yield from (*first.normals, *second.normals, first.across(offset), second.across(offset))
    for edge in _edges(first):
        yield from np.cross(edge, _edges(second))


def _edges(shape: Shape) -> Array:
    """Directions (n, 3) along the edges and the axis of a shape, and others."""
    normals = [*shape.normals]
    crossed = [np.cross(a, b) for i, a in enumerate(normals) for b in normals[:i]]
    return np.array([*normals, *crossed]).reshape(-1, 3)


def _nearest_in_hull(points: Array) -> Array:
    """The point nearest to 0 of the convex hull of points (n, 3)."""
    scale = np.max(np.abs(points))
    # least squares with shares that are not negative; the last row makes them add up to one
    rows = np.vstack([points.T / scale, np.full(len(points), 1e3)])
    shares, _ = scipy.optimize.nnls(rows, np.array([0.0, 0.0, 0.0, 1e3]))
    return np.asarray(shares @ points / np.sum(shares))


class NotAShapeError(ValueError):
    """Two shapes share a part of both that is no box."""


def shared(first: Corners | Shape, second: Shape) -> Corners | Shape | None:
    """What a box or another shape shares with a shape that is no box; None if nothing.

    Raises
    ------
    NotAShapeError
        If that is neither of them, nor a box, or cannot be told.
    """
    part = first if isinstance(first, Shape) else clipped(first, second)
    if part is None:
        return None
    shape = part if isinstance(part, Shape) else box(part)
    if inside(second, shape):
        return second
    if inside(shape, second):
        return part
    if apart(shape, second):
        return None
    raise NotAShapeError


def clipped(corners: Corners, shape: Shape) -> Corners | None:
    """The part of a box within the extent of a shape; faces that touch are made the same."""
    low, high = [], []
    rounding = tolerance(box(corners), shape)
    for a, b, (first, last) in zip(*corners, shape.extent, strict=True):
        low.append(first if a <= first + rounding else a)
        high.append(last if b >= last - rounding else b)
    some = all(b - a > rounding for a, b in zip(low, high, strict=True))
    return (tuple(low), tuple(high)) if some else None


def box(corners: Corners) -> Box:
    """The box with some corners."""
    (x0, y0, z0), (x1, y1, z1) = corners
    return Box(((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2), (x1 - x0, y1 - y0, z1 - z0))
