"""Neutrinos that diverge from a point on the z axis, rather than running along z.

The source lies `distance` upstream of the origin, where the flux table holds, and shines alike in
all directions. An N decays at d from it, was made l further back, and was scattered by theta. In
the triangle of source, vertex and decay theta is the outer angle at the vertex; that at the source
is

    sin(psi) = (l / d) sin(theta),

and N flies at theta - psi to the line from the source to its decay. Turning all about the source
changes nothing; at given l and theta there remain the radii, r of the vertex and d. With the flux
at the vertex, that of the table times (distance / r)^2, a decay point counts

    (distance / r)^2 r^2 dr / (d^2 dd) = (distance / d)^2 / cos(psi).

The flux near the source has cancelled: as many more neutrinos as there are, as many fewer of their
N turn to a given place. What is left is the direction of N, and that rays bend towards the axis.
They are straight within slices, ten of which are right to 0.5 %. In truth neutrinos come from a
decay volume, and are fewer and slower aside: near to it, and at wide angles, this is a guide.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hnlstat.simulation.sampling import Rays

Array = NDArray[np.float64]

SLICES = 10
"""Pieces of a ray from its decay point to the source; they grow with the distance."""


def pieces(rays: Rays, distance: float | None, min_cos_theta: float) -> Iterator[Rays]:
    """Pieces of rays that were sampled about z, each with the direction of N made in its middle.

    Parameters
    ----------
    rays : N at all angles
    distance : of the source, upstream of the origin [m]; None: a parallel beam, whole rays
    min_cos_theta : N at larger angles to z lose their weight
    """
    if distance is None:
        yield rays
        return
    length = _from_source(rays, distance)[1]
    for k in range(SLICES):
        first, last = (length * (i / SLICES) ** 2 for i in (k, k + 1))
        middle = bent(rays, distance, (first + last) / 2, min_cos_theta)
        yield replace(middle, first=first, last=last)


def bent(rays: Rays, distance: float, place: Array, min_cos_theta: float) -> Rays:
    """Rays with the directions and weights of N that were made at one place on each.

    Parameters
    ----------
    rays : their directions are those about z that N have in a parallel beam
    distance : of the source, upstream of the origin [m]
    place : (N,) distance from the decay point back [m], nearer than the source
    min_cos_theta : N at larger angles to z lose their weight
    """
    axis, length = _from_source(rays, distance)
    cosine, sine = -rays.direction[:, 2], np.linalg.norm(rays.direction[:, :2], axis=1)
    psi = np.arcsin(place / length * sine)
    angle = np.arctan2(sine, cosine) - psi
    across = -rays.direction[:, :2] / np.where(sine > 0, sine, 1.0)[:, None]
    flight = np.concatenate([np.sin(angle)[:, None] * across, np.cos(angle)[:, None]], axis=1)
    direction = -_turned(flight, axis)
    weight = rays.weight * (distance / length) ** 2 / np.cos(psi)
    weight *= -direction[:, 2] >= min_cos_theta
    return replace(rays, direction=direction, weight=weight, beam=axis)


def neutrino_direction(vertex: Array, distance: float) -> Array:
    """Unit vectors (N, 3) from the source to vertices (N, 3) [m]."""
    way = vertex + np.array([0.0, 0.0, distance])
    return np.asarray(way / np.linalg.norm(way, axis=1)[:, None])


def _from_source(rays: Rays, distance: float) -> tuple[Array, Array]:
    """Unit vectors (N, 3) from the source to the decay points, and distances (N,) [m]."""
    way = rays.origin + np.array([0.0, 0.0, distance])
    length = np.linalg.norm(way, axis=1)
    return way / length[:, None], length


def _turned(vectors: Array, axis: Array) -> Array:
    """Vectors (N, 3) turned as z is turned the shortest way to axes (N, 3), not -z."""
    x, y, z = axis.T
    along = vectors[:, 2]
    tilt = (vectors[:, 0] * x + vectors[:, 1] * y) / (1 + z)
    turned = vectors[:, :2] + (along - tilt)[:, None] * axis[:, :2]
    return np.concatenate([turned, (along * z - tilt * (1 + z))[:, None]], axis=1)
