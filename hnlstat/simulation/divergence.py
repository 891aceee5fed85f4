"""Flux along the ray of an N where the beam diverges from a point, rather than being parallel.

The flux goes as 1 / distance^2 from a source on the z axis, `distance` upstream of the origin,
where the flux table holds. It scales the number of neutrinos alone: their spectrum is that of the
table, and they run along z. Neutrinos come from a decay volume, not from a point: within some times
its length this is a rough guide, and upstream of the source there is none.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def flux_scale(points: Array, distance: float) -> Array:
    """Flux at points (N, 3) [m] over that at the origin, (N,).

    Parameters
    ----------
    points : such as where N were made
    distance : of the source, upstream of the origin [m]

    Raises
    ------
    ValueError
        If a point is not downstream of the source.
    """
    _check(points[:, 2], distance)
    x, y, z = points.T
    return np.asarray(distance**2 / (x**2 + y**2 + (z + distance) ** 2))


def mean_flux_scale(
    origin: Array, direction: Array, near: Array, far: Array, distance: float
) -> Array:
    """Mean of the flux over pieces of rays, over the flux at the origin; shape as `near`.

    The integral of distance^2 / ((l + b)^2 + h^2), h the distance at which the ray passes the
    source and -b where, is an arctan; for pieces without length it is the scale at that point.

    Parameters
    ----------
    origin, direction : (N, 3) starting points [m] and unit vectors
    near, far : (N, ...) distances [m] along the rays, near <= far
    distance : of the source, upstream of the origin of the coordinates [m]

    Raises
    ------
    ValueError
        If a piece is not downstream of the source.
    """
    start = origin + np.array([0.0, 0.0, distance])
    each = (-1, *[1] * (near.ndim - 1))
    b = np.sum(start * direction, axis=1).reshape(each)
    h = np.linalg.norm(np.cross(start, direction), axis=1).reshape(each)
    for place in (near, far):
        _check(origin[:, 2].reshape(each) + direction[:, 2].reshape(each) * place, distance)
    length = far - near
    # tan of the angle under which the source sees the piece
    sine, cosine = h * length, h**2 + (near + b) * (far + b)
    narrow = sine < 1e-8 * np.abs(cosine)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.arctan2(sine, cosine) / sine
        return np.asarray(distance**2 * np.where(narrow, 1 / cosine, wide))


def slice_edges(upstream: float, distance: float, change: float) -> Array:
    """Distances [m] upstream of where N decay that bound slices of the beam, (K + 1,).

    The flux may be taken as its mean in each: slices grow with the distance, at which decay lengths
    of that size matter, and shrink towards the source, so that neither the survival of N nor the
    flux changes much within one, and yields are wrong by less than change^2 / 8.

    Parameters
    ----------
    upstream : where the last slice ends [m], less than `distance`
    distance : of the source [m]
    change : relative change within a slice, at most

    Raises
    ------
    ValueError
        If `upstream` is not between 0 and `distance`.
    """
    if not 0 < upstream < distance:
        raise ValueError(
            f"matter up to {upstream:g} m upstream is not downstream of the source of the beam, "
            f"{distance:g} m upstream"
        )
    edges = [0.0, distance * change**2 / 12]
    while edges[-1] < upstream:
        last = edges[-1]
        edges.append(last + change * min(last, (distance - last) / 2))
    return np.array([*edges[:-1], upstream])


def sliced(near: Array, far: Array, direction: Array, edges: Array) -> tuple[Array, Array]:
    """Cut pieces of rays (N, B) at planes across the beam; (N, B, K), equal for none.

    What lies beyond the last plane is lost.

    Parameters
    ----------
    near, far : (N, B) distances [m] along the rays
    direction : (N, 3) unit vectors
    edges : (K + 1,) of the planes from the start of each ray, along the beam [m]
    """
    place = edges / np.maximum(np.abs(direction[:, 2, None]), 1e-9)
    low, high = place[:, None, :-1], place[:, None, 1:]
    return np.clip(near[..., None], low, high), np.clip(far[..., None], low, high)


def _check(z: Array, distance: float) -> None:
    """Refuse places (any shape) along z [m] that are not downstream of the source."""
    if np.any(z <= -distance):
        raise ValueError(
            f"z = {np.min(z):g} m is not downstream of the source of the beam, {distance:g} m "
            "upstream"
        )
