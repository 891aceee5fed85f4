"""Where along its ray an N was made: true segments of matter, and points drawn in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROUNDING = 1e-9
"""Densities below this share of the largest are what is left when signed boxes cancel."""


@dataclass(frozen=True)
class Segments:
    """Pieces of constant density along rays, in order.

    Attributes
    ----------
    edges : (N, S + 1) distances [m] from the decay point, rising
    density : (N, S) of targets between them [1/cm^3]
    """

    edges: Array
    density: Array


@dataclass(frozen=True)
class Vertices:
    """Points at which N were made.

    Attributes
    ----------
    distance : (N,) from the decay point [m]
    weight : (N, D) expected S int n kappa exp(-kappa s) ds [S / cm^3] that the point stands for at
        each coupling, S the strength; 0 where N from no matter on the ray survive
    """

    distance: Array
    weight: Array


def matter_segments(near: Array, far: Array, density: Array) -> Segments:
    """Resolve a signed sum of boxes into segments of their true density.

    Parameters
    ----------
    near, far : (N, B) distances [m] at which rays enter and leave boxes, equal for a miss
    density : (B,) signed density of each box [1/cm^3]
    """
    hit = np.any(far > near, axis=0)
    hit[0] = True  # rays that miss everything have a segment, too: an empty one
    near, far, density = near[:, hit], far[:, hit], density[hit]
    place = np.concatenate([near, far], axis=1)
    step = np.broadcast_to(np.concatenate([density, -density]), place.shape)
    order = np.argsort(place, axis=1)
    total = np.cumsum(np.take_along_axis(step, order, axis=1), axis=1)[:, :-1]
    total[total < _ROUNDING * np.max(np.abs(density), initial=0.0)] = 0.0
    return Segments(np.take_along_axis(place, order, axis=1), total)


def draw_vertices(
    segments: Segments, scale: Array, strength: Array, kappa: Array, unit: Array
) -> Vertices:
    """Draw one vertex on each ray, for all couplings together.

    At one coupling the density of vertices in proper length s is n kappa exp(-kappa s), and every
    vertex of a ray has the same weight, its integral. With several couplings the density drawn
    from is the mean of theirs, each normalised; weights are the ratio to it, so that reweighting
    is exact and no weight exceeds D times that of a sample made for its coupling alone.

    Parameters
    ----------
    segments : matter along the rays
    scale : (N,) m / p of N, proper length over distance
    strength : (D,) what the production is proportional to, at each coupling
    kappa : (D,) inverse proper decay length at each coupling [1/m]
    unit : (N, 2) points in [0, 1)
    """
    integral = np.stack([np.sum(_terms(segments, k * scale), axis=1) for k in kappa], axis=1)
    possible = integral > 0
    chosen = _choose(possible, unit[:, 0])
    rate = kappa[chosen] * scale
    distance = _place(segments, _terms(segments, rate), rate, unit[:, 1])
    density = kappa * np.exp(-np.outer(scale * distance, kappa))
    shares = np.divide(density, integral, out=np.zeros_like(density), where=possible)
    proposal = shares.sum(axis=1, keepdims=True) / np.maximum(possible.sum(axis=1), 1)[:, None]
    weight = np.divide(strength * density, proposal, out=np.zeros_like(density), where=proposal > 0)
    return Vertices(distance, weight)


def _terms(segments: Segments, rate: Array) -> Array:
    """Density times probability to decay after each segment's length (N, S), for 1/lambda (N,)."""
    depth = segments.edges * rate[:, None]
    survival = np.exp(-depth[:, :-1])
    return np.asarray(segments.density * survival * -np.expm1(-np.diff(depth, axis=1)))


def _choose(possible: NDArray[np.bool_], unit: Array) -> NDArray[np.int64]:
    """Draw a column (N,) among those that are possible (N, D), the first where none is."""
    wanted = np.floor(unit * possible.sum(axis=1)) + 1
    return np.asarray(np.argmax(np.cumsum(possible, axis=1) >= wanted[:, None], axis=1))


def _place(segments: Segments, terms: Array, rate: Array, unit: Array) -> Array:
    """Draw a distance (N,): the segment by its term, the point within it by the exponential."""
    cumulative = np.cumsum(terms, axis=1)
    target = unit * cumulative[:, -1]
    row = np.arange(len(unit))
    # the last segment with a term takes what rounding leaves beyond the end
    index = np.minimum(np.sum(cumulative <= target[:, None], axis=1), np.argmax(cumulative, axis=1))
    term = terms[row, index]
    within = np.clip(
        np.divide(target - (cumulative[row, index] - term), term, out=np.zeros_like(term),
                  where=term > 0), 0.0, np.nextafter(1.0, 0.0),
    )  # fmt: skip
    start, end = segments.edges[row, index], segments.edges[row, index + 1]
    step = -np.log1p(within * np.expm1(-rate * (end - start))) / rate
    return np.asarray(np.minimum(start + step, end))
