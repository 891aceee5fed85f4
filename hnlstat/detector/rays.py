"""Straight rays and where they enter and leave slabs, round walls, boxes and the sampled volume."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
    inverse = _inverse(direction)
    for axis in range(3):
        to_lower = (lower[..., axis] - origin[:, axis, None]) * inverse[:, axis, None]
        to_upper = (upper[..., axis] - origin[:, axis, None]) * inverse[:, axis, None]
        np.maximum(near, np.minimum(to_lower, to_upper), out=near)
        np.minimum(far, np.maximum(to_lower, to_upper), out=far)
    return near, np.maximum(far, near)


def _inverse(along: Array) -> Array:
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1.0 / along
    # a ray in the plane of a face would give 0 * inf; it is moved off by less than rounding
    return np.clip(inverse, -1e300, 1e300)


def within_slab(height: Array, along: Array, half: float) -> tuple[Array, Array]:
    """Distances (N,) between which |height + distance * along| <= half; both arrays (N,)."""
    inverse = _inverse(along)
    first, second = (-half - height) * inverse, (half - height) * inverse
    return np.minimum(first, second), np.maximum(first, second)


def within_round_wall(offset: Array, along: Array, radius: float) -> tuple[Array, Array]:
    """Distances (N,) from 0 on between which |offset + distance * along| < radius.

    Parameters
    ----------
    offset, along : (N, k) parts of the starting points [m] and directions that the wall is around
    radius : of the wall [m]

    Returns
    -------
    near, far : (N,), both 0 for a miss
    """
    a = np.sum(along**2, axis=1) + 1e-300
    b = np.sum(along * offset, axis=1)
    c = np.sum(offset**2, axis=1) - radius**2
    discriminant = b**2 - a * c
    # the root that does not cancel is -(b + sign(b) sqrt(..)); the other is c / that
    large = -(b + np.copysign(np.sqrt(np.maximum(discriminant, 0.0)), b))
    with np.errstate(over="ignore"):  # a ray along the axis meets the wall nowhere
        first, second = large / a, c / np.where(large == 0, 1e-300, large)
    hit = discriminant > 0
    near = np.where(hit, np.maximum(np.minimum(first, second), 0.0), 0.0)
    far = np.where(hit, np.maximum(first, second), 0.0)
    return near, far


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
        near, far = within_round_wall(origin[:, :2], direction[:, :2], radius)
    if upstream is not None:
        height = origin[:, 2] + upstream
        with np.errstate(divide="ignore", over="ignore"):
            crossing = np.where(direction[:, 2] == 0, np.inf, -height / direction[:, 2])
        far = np.where(direction[:, 2] < 0, np.minimum(far, crossing), far)
        near = np.where(height < 0, np.maximum(near, crossing), near)
    return near, np.maximum(far, near)
