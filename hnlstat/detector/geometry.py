"""Shapes in painter's order as a signed sum of shapes, and straight rays through it.

A later shape overrides an earlier one where they overlap. The medium at a point is written as
sum_i c_i [point in shape i]: painting a shape adds it with its own medium and takes away every
earlier term on its intersection with the new one. That of two boxes is again a box; any other two
shapes must be one within the other, or apart. A line integral over the detector is then a plain sum
over terms, with no sorting of crossings along the ray.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.rays import ray_segments
from hnlstat.detector.relations import (
    Corners,
    NotAShapeError,
    apart,
    box,
    clipped,
    inside,
    shared,
)
from hnlstat.detector.shapes import Box, Shape

Array = NDArray[np.float64]
Term: TypeAlias = Corners | Shape
"""A shape that is summed over: a box by its corners, or another."""


@dataclass(frozen=True)
class PaintedBox:
    """A box filled with one medium: lower and upper corner (3,) [m], index of the medium."""

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    medium: int


@dataclass(frozen=True)
class PaintedShape:
    """A shape other than a box, filled with one medium: its index."""

    shape: Shape
    medium: int


class CutError(ValueError):
    """Two painted shapes, not both boxes, are neither one within the other nor apart.

    Attributes
    ----------
    earlier, later : their places in the painter's order
    """

    def __init__(self, earlier: int, later: int) -> None:
        super().__init__(f"shapes {earlier} and {later} cut each other")
        self.earlier, self.later = earlier, later


@dataclass(frozen=True)
class SignedShapes:
    """Sum of shapes with signed coefficients per medium.

    Attributes
    ----------
    lower, upper : (B, 3) corners of the boxes [m]
    coefficients : (B + S, n_media) how often each medium counts in each box, and each other shape
    shapes : (S) the others
    """

    lower: Array
    upper: Array
    coefficients: Array
    shapes: tuple[Shape, ...] = ()

    def at(self, points: Array) -> Array:
        """Medium at points (..., 3): (..., n_media), one 1 per point, all 0 outside the world."""
        inside = np.all(
            (points[..., None, :] >= self.lower) & (points[..., None, :] < self.upper), axis=-1
        )
        if self.shapes:
            others = np.stack([shape.contains(points) for shape in self.shapes], axis=-1)
            inside = np.concatenate([inside, others], axis=-1)
        return np.asarray(inside @ self.coefficients)

    def crossings(
        self, origin: Array, direction: Array, terms: NDArray[np.int64]
    ) -> tuple[Array, Array]:
        """Distances (N, T) [m] at which rays enter and leave some of the terms.

        Parameters
        ----------
        origin, direction : (N, 3) starting points [m] and unit vectors
        terms : (T,) rising indices: boxes first
        """
        boxes = terms[terms < len(self.lower)]
        near, far = ray_segments(origin, direction, self.lower[boxes], self.upper[boxes])
        if len(boxes) == len(terms):
            return near, far
        others = [self.shapes[i - len(self.lower)] for i in terms[len(boxes) :]]
        found = np.array([shape.crossings(origin, direction) for shape in others])
        return np.hstack([near, found[:, 0].T]), np.hstack([far, found[:, 1].T])


def paint(painted: Sequence[PaintedBox | PaintedShape], n_media: int) -> SignedShapes:
    """Resolve overlaps: later shapes override earlier ones.

    Parameters
    ----------
    painted : in painter's order
    n_media : number of media

    Raises
    ------
    CutError
        If two shapes would have to be cut that are not both boxes.
    """
    terms: dict[Term, NDArray[np.int64]] = {}
    for place, one in enumerate(painted):
        own = _term(one)
        try:
            found = _shared_with(own, terms)
        except NotAShapeError:
            raise CutError(_which_is_cut(own, painted[:place]), place) from None
        for key, coefficient in found:
            terms[key] = terms.get(key, np.zeros(n_media, dtype=np.int64)) - coefficient
        terms[own] = terms.get(own, np.zeros(n_media, dtype=np.int64))
        terms[own][one.medium] += 1
    kept: dict[Corners, Array] = {}
    boxes = [(key, c) for key, c in terms.items() if isinstance(key, tuple)]
    for medium in range(n_media):
        counts = [(corners, int(c[medium])) for corners, c in boxes if c[medium]]
        for axis in range(3):
            counts = _joined(counts, axis)
        for corners, count in counts:
            kept.setdefault(corners, np.zeros(n_media))[medium] += count
    others = {key: c for key, c in terms.items() if not isinstance(key, tuple) and np.any(c)}
    return SignedShapes(
        np.array([lower for lower, _ in kept]).reshape(-1, 3),
        np.array([upper for _, upper in kept]).reshape(-1, 3),
        np.array([*kept.values(), *others.values()], dtype=np.float64).reshape(-1, n_media),
        tuple(others),
    )


def within(
    painted: Sequence[PaintedBox | PaintedShape], region: Box
) -> list[PaintedBox | PaintedShape]:
    """Those of painted shapes that show within a box, in painter's order."""
    found: list[PaintedBox | PaintedShape] = []
    for one in reversed(painted):
        shape = box(_corners(one)) if isinstance(one, PaintedBox) else one.shape
        if not apart(shape, region):
            found.append(one)
            if inside(region, shape):
                break
    return found[::-1]


def _term(painted: PaintedBox | PaintedShape) -> Term:
    if isinstance(painted, PaintedBox):
        return _corners(painted)
    return painted.shape


def _corners(painted: PaintedBox) -> Corners:
    return painted.lower, painted.upper


def _shared_with(
    own: Term, terms: dict[Term, NDArray[np.int64]]
) -> list[tuple[Term, NDArray[np.int64]]]:
    """What a new shape shares with each term, and the coefficient of the term."""
    found: list[tuple[Term, NDArray[np.int64]]] = []
    pieces: dict[Corners, NDArray[np.int64]] = {}
    for term, coefficient in terms.items():
        if not isinstance(term, tuple):
            # what has been painted over altogether may be cut
            part = shared(own, term) if np.any(coefficient) else None
            if part is not None:
                found.append((part, coefficient))
        elif not isinstance(own, tuple):
            # parts of boxes of which nothing is left here cancel, once all are cut to its extent
            if (piece := clipped(term, own)) is not None:
                pieces[piece] = pieces.get(piece, 0) + coefficient
        elif (both := _overlap(term, own)) is not None:
            found.append((both, coefficient))
    if not isinstance(own, tuple):
        parts = [(shared(piece, own), c) for piece, c in pieces.items() if np.any(c)]
        found += [(part, coefficient) for part, coefficient in parts if part is not None]
    return found


def _overlap(first: Corners, second: Corners) -> Corners | None:
    """The intersection of two boxes; None if there is none."""
    low = tuple(map(max, first[0], second[0]))
    high = tuple(map(min, first[1], second[1]))
    return (low, high) if all(a < b for a, b in zip(low, high, strict=True)) else None


def _which_is_cut(own: Term, earlier: Sequence[PaintedBox | PaintedShape]) -> int:
    """Place of the last of the earlier shapes that is neither within the new one nor apart."""
    for place in reversed(range(len(earlier))):
        other = _term(earlier[place])
        try:
            if not isinstance(other, tuple):
                shared(own, other)
            elif not isinstance(own, tuple):
                shared(other, own)
        except NotAShapeError:
            return place
    return len(earlier) - 1  # not reached but by rounding


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
