"""How far a limit goes beyond the existing bounds, and how much of a region it excludes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds.curves import Bound, established

FloatArray = NDArray[np.float64]

BESIDE = 1e-9  # relative distance at which a curve is looked at on both sides of its vertices
STRIPS = 4000  # in ln(mass), to find an area


@dataclass(frozen=True)
class LeadingRange:
    """Masses at which a limit lies below all bounds.

    Attributes
    ----------
    mass_low, mass_high : float
        Ends [GeV].
    low_set_by, high_set_by : str or None
        Label of the bound that ends the range; None where the limit itself ends.
    """

    mass_low: float
    mass_high: float
    low_set_by: str | None
    high_set_by: str | None


def lower_envelope(bounds: Sequence[Bound], mass: FloatArray) -> FloatArray:
    """Lowest coupling that the established bounds exclude at each mass.

    Parameters
    ----------
    bounds : sequence of Bound
        Bounds comparable with each other (`comparable`).
    mass : array, shape (M,)
        Masses [GeV].

    Returns
    -------
    array, shape (M,)
        Couplings, infinite where nothing is excluded.
    """
    lowest = np.full(mass.shape, np.inf)
    for bound in established(bounds):
        lowest = np.minimum(lowest, bound.edges(mass)[0])
    return lowest


def world_leading_ranges(
    mass: FloatArray, coupling: FloatArray, bounds: Sequence[Bound]
) -> list[LeadingRange]:
    """Ranges of mass in which a limit lies below the lower envelope of the established bounds.

    The comparison takes each bound at its own confidence level. Its ends are exact for curves that
    are straight between their points in the logarithms of mass and coupling.

    Parameters
    ----------
    mass : array, shape (M,)
        Masses [GeV], increasing.
    coupling : array, shape (M,)
        Lower edge of what is excluded; NaN or infinite where there is no limit.
    bounds : sequence of Bound
        Bounds comparable with the limit (`comparable`).
    """
    numbers = np.flatnonzero(np.isfinite(coupling))
    ranges: list[LeadingRange] = []
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1):
        if run.size > 1:
            ranges += _free_ranges(mass[run], coupling[run], established(bounds))
    return ranges


def _free_ranges(
    mass: FloatArray, coupling: FloatArray, bounds: Sequence[Bound]
) -> list[LeadingRange]:
    """Take the masses at which a bound is stronger out of those of a limit."""
    taken = sorted(
        (low, high, bound.label)
        for bound in bounds
        for low, high in _stronger(bound, mass, coupling)
    )
    ranges = []
    start, set_by = float(mass[0]), None
    for low, high, label in taken:
        if low > start * (1 + 2 * BESIDE):
            ranges.append(LeadingRange(start, low, set_by, label))
        if high >= start:
            start, set_by = high, label
    if start < mass[-1] * (1 - 2 * BESIDE):
        ranges.append(LeadingRange(start, float(mass[-1]), set_by, None))
    return ranges


def _stronger(bound: Bound, mass: FloatArray, coupling: FloatArray) -> list[tuple[float, float]]:
    """Intervals of mass in which `bound` lies at or below the limit."""
    vertices = np.concatenate([bound.mass * (1 - BESIDE), bound.mass, bound.mass * (1 + BESIDE)])
    inside = vertices[(vertices > mass[0]) & (vertices < mass[-1])]
    nodes = np.unique(np.concatenate([mass, inside]))
    limit = np.interp(np.log(nodes), np.log(mass), np.log(coupling))
    above = np.log(bound.edges(nodes)[0]) - limit
    stronger = above <= 0
    turns = np.flatnonzero(stronger[1:] != stronger[:-1])
    ends = [_crossing(nodes[i : i + 2], above[i : i + 2]) for i in turns]
    if stronger[0]:
        ends.insert(0, float(nodes[0]))
    if stronger[-1]:
        ends.append(float(nodes[-1]))
    return list(zip(ends[::2], ends[1::2], strict=True))


def _crossing(mass: FloatArray, above: FloatArray) -> float:
    """Find where `above` passes through zero between two nodes, or its end if one is infinite."""
    if not np.all(np.isfinite(above)):
        return float(mass[np.isfinite(above)][0])
    fraction = above[0] / (above[0] - above[1])
    return float(mass[0] * (mass[1] / mass[0]) ** fraction)


def overlap(region: Bound, rings: Sequence[FloatArray]) -> float:
    """Share of a closed region that lies in a set, by area in ln(mass) and ln(coupling).

    Parameters
    ----------
    region : Bound
        Of the kind "region".
    rings : sequence of array, shape (V, 2)
        Closed boundaries, mass [GeV] and coupling, of the set and of its holes; inside is what an
        odd number of them surrounds.

    Returns
    -------
    float
        From 0 to 1, to about 1e-3.

    Raises
    ------
    ValueError
        If only an edge of the region is known.
    """
    if region.kind != "region":
        raise ValueError(f"{region.label} is a {region.kind}, which has no area")
    outline = np.column_stack([region.mass, region.coupling])
    outline = np.vstack([outline, outline[:1]])
    x = np.log(outline[:, 0])
    ends = np.linspace(x.min(), x.max(), STRIPS + 1)
    middle = (ends[1:] + ends[:-1]) / 2
    mine, theirs = _chords([outline], middle), _chords(rings, middle)
    low = np.maximum(mine[:, :, None, 0], theirs[:, None, :, 0])
    high = np.minimum(mine[:, :, None, 1], theirs[:, None, :, 1])
    return float(np.clip(high - low, 0.0, None).sum() / np.ptp(mine, axis=2).sum())


def _chords(rings: Sequence[FloatArray], at: FloatArray) -> FloatArray:
    """Intervals (M, P, 2) of ln(coupling) inside rings at rising ln(mass); empty ones are [0,0]."""
    lines = [np.log(ring) for ring in rings]
    start = np.vstack([np.empty((0, 2)), *(line[:-1] for line in lines)])
    end = np.vstack([np.empty((0, 2)), *(line[1:] for line in lines)])
    first, last = np.searchsorted(at, np.sort([start[:, 0], end[:, 0]], axis=0))
    count = last - first  # of the lines that each edge meets; none for an upright one
    edge = np.repeat(np.arange(len(start)), count)
    row = np.arange(edge.size) - (np.cumsum(count) - count - first)[edge]
    run = np.where(end[:, 0] == start[:, 0], np.inf, end[:, 0] - start[:, 0])
    slope = (end[:, 1] - start[:, 1]) / run
    height = start[edge, 1] + (at[row] - start[edge, 0]) * slope[edge]
    order = np.lexsort((height, row))
    meets = np.bincount(row, minlength=len(at))
    column = np.arange(edge.size) - np.repeat(np.cumsum(meets) - meets, meets)
    found = np.zeros((len(at), int(meets.max(initial=0))))
    found[row[order], column] = height[order]
    return found.reshape(len(at), -1, 2)
