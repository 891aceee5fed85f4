"""From limits on a grid of masses to regions in the (mass, coupling) plane.

The strength of a curve over the plane is a field that is 0 on the contour. Between two masses it
goes with the sensitivity there, which yields tell at any mass, and is linear in ln(mass) at one
sensitivity beyond that; without a sensitivity it is linear alone, which it is for a signal that
goes as a power of the mass. The couplings of the field contain all limits: at the masses of the
grid the contour passes through these exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from hnlstat.inference.limits.curves import DISCOVERY
from hnlstat.inference.limits.limits import Limit, MassLimits, Profile
from hnlstat.inference.limits.sensitivity import SensitivityField

FloatArray = NDArray[np.float64]

COUPLINGS = 120  # of the field, beside the limits
SLIVER = 1e-9  # relative width of the region of a scan with one mass
EDGE = 1e-12  # distance in ln from an edge of the grid that is rounding
SCHEMA, PLANE_SCHEMA = "hnlstat contours 2", "hnlstat plane 1"
EDGES = ("low_mass", "high_mass", "low_coupling", "high_coupling")
"""Of a grid, as `open` of a contour names them; of a plane of mixings see `plane_edges`."""


@dataclass(frozen=True, eq=False)
class LimitField:
    """The strength of one level, kind and method over the plane.

    Attributes
    ----------
    level : float
        Confidence level, 0.90 for 90 %.
    kind : str
        "observed", "expected", "expected_-2" ... "expected_+2" or "discovery".
    method : str
        Calculator and test behind the p-values.
    mass : array, shape (M,)
        Masses [GeV], rising.
    coupling : array, shape (X,)
        Couplings, rising; all limits of the curve are among them.
    strength : array, shape (M, X)
        ln(ln p / ln alpha): positive inside the region, 0 at limits.

    Raises
    ------
    ValueError
        If the shapes do not agree, or masses or couplings do not rise.
    """

    level: float
    kind: str
    method: str
    mass: FloatArray
    coupling: FloatArray
    strength: FloatArray

    def __post_init__(self) -> None:
        if self.strength.shape != (self.mass.size, self.coupling.size):
            raise ValueError(
                f"strength has the shape {self.strength.shape}, expected (mass, coupling) = "
                f"({self.mass.size}, {self.coupling.size})"
            )
        if np.any(np.diff(self.mass) <= 0) or np.any(np.diff(self.coupling) <= 0):
            raise ValueError("mass and coupling must rise")


@dataclass(frozen=True, eq=False)
class Region:
    """One connected region of the (mass, coupling) plane; points are mass [GeV] and coupling.

    Attributes
    ----------
    level, kind, method
        As in `LimitField`.
    outline : array, shape (V, 2)
        Outer boundary, closed, anticlockwise.
    holes : tuple of array, shape (V, 2)
        Boundaries of what is not part of the region, closed, clockwise.
    lines : tuple of array, shape (V, 2)
        The parts of these boundaries that are limits, without the edges of the grid.
    low_mass_open, high_mass_open, coupling_low_open, coupling_high_open : bool
        The region runs to this edge of the grid, and perhaps beyond.
    """

    level: float
    kind: str
    method: str
    outline: FloatArray
    holes: tuple[FloatArray, ...]
    lines: tuple[FloatArray, ...]
    low_mass_open: bool
    high_mass_open: bool
    coupling_low_open: bool
    coupling_high_open: bool


def limit_fields(
    results: Sequence[MassLimits], sensitivity: SensitivityField | None = None
) -> tuple[LimitField, ...]:
    """Join the profiles of all masses to fields.

    A mass whose limits could not be calculated is left out, so that the fields pass over it; its
    `validity` says why.

    Parameters
    ----------
    results : sequence of MassLimits
        Limits at different masses on one grid of couplings, in any order.
    sensitivity : SensitivityField, optional
        At the masses of those results that have limits, and at others between these.

    Returns
    -------
    tuple of LimitField
        One for each level, kind and test (CLs, CLs+b, p0).
    """
    ordered = sorted(results, key=lambda result: result.mass_gev)
    profiles: dict[tuple[float, str, str], list[Profile]] = {}
    for profile in (profile for result in ordered for profile in result.profiles):
        profiles.setdefault(_key(profile), []).append(profile)
    limits: dict[tuple[float, str, str], list[float]] = {key: [] for key in profiles}
    for limit in (limit for result in ordered for limit in result.limits):
        limits[_key(limit)].append(limit.coupling)
    fields = (_field(profiles[key], limits[key]) for key in profiles)
    return tuple(field if sensitivity is None else _along(field, sensitivity) for field in fields)


def _key(item: Limit | Profile) -> tuple[float, str, str]:
    """Level, kind and test; the calculator before the test may differ from mass to mass."""
    return item.level, item.kind, item.method.rpartition(" ")[2]


def _field(profiles: Sequence[Profile], limits: Sequence[float]) -> LimitField:
    ends = profiles[0].coupling[[0, -1]]
    between = np.geomspace(ends[0], ends[1], COUPLINGS)[1:-1]
    coupling = np.unique(np.concatenate([ends, between, limits]))
    rows = [np.interp(np.log(coupling), np.log(p.coupling), p.strength) for p in profiles]
    return LimitField(
        profiles[0].level,
        profiles[0].kind,
        ", ".join(sorted({profile.method for profile in profiles})),
        np.array([profile.mass_gev for profile in profiles]),
        coupling,
        np.array(rows),
    )


def _along(field: LimitField, sensitivity: SensitivityField) -> LimitField:
    """Fill in the masses between those of a field: strength less ln(sensitivity) is linear there.

    At one sensitivity, not at one coupling, whose signal jumps at a threshold.
    """
    table = sensitivity.discovery if field.kind == DISCOVERY else sensitivity.exclusion
    x, mass = np.log(field.coupling), sensitivity.mass
    height = make_interp_spline(sensitivity.log_coupling, table, k=1, axis=1)(x)
    own = np.flatnonzero(np.isin(mass, field.mass))
    strength = np.empty_like(height)
    strength[own] = field.strength
    for first, last in pairwise(own.tolist()):
        for m in range(first + 1, last):
            left, right = (_at_height(height[m], height[k], strength[k]) for k in (first, last))
            share = np.log(mass[m] / mass[first]) / np.log(mass[last] / mass[first])
            strength[m] = height[m] + (1.0 - share) * left + share * right
    return replace(field, mass=mass, strength=strength)


def _at_height(wanted: FloatArray, height: FloatArray, strength: FloatArray) -> FloatArray:
    """Return strength less height where another mass has such heights, on its side of the top."""
    top, other = int(wanted.argmax()), int(height.argmax())
    rest = strength - height
    up = np.interp(wanted[:top], np.maximum.accumulate(height[: other + 1]), rest[: other + 1])
    falling = np.maximum.accumulate(height[other:][::-1])
    return np.append(up, np.interp(wanted[top:], falling, rest[other:][::-1]))


def regions(field: LimitField) -> tuple[Region, ...]:
    """Find the connected regions of positive strength, in order of their lowest masses.

    Parameters
    ----------
    field : LimitField
        At least one mass, and two couplings.

    Returns
    -------
    tuple of Region
        Empty if the strength is positive nowhere.
    """
    mass, strength = field.mass, field.strength
    if mass.size == 1:
        mass, strength = mass * [1 - SLIVER, 1 + SLIVER], np.repeat(strength, 2, axis=0)
    x, y = np.log(mass), np.log(field.coupling)
    generator = contour_generator(x, y, strength.T, fill_type=FillType.OuterOffset)
    polygons: Any = generator.filled(0.0, max(0.0, strength.max()) + 1.0)
    found = [
        _region(field, np.split(vertices, offsets[1:-1]), x[[0, -1]], y[[0, -1]])
        for vertices, offsets in zip(*polygons, strict=True)
    ]
    return tuple(sorted(found, key=lambda region: region.outline[:, 0].min()))


def _region(
    field: LimitField, rings: Sequence[FloatArray], x_ends: FloatArray, y_ends: FloatArray
) -> Region:
    """Make a region of its outline and holes in the plane of logarithms."""
    rings = [ring[np.append(True, np.any(np.diff(ring, axis=0) != 0.0, axis=1))] for ring in rings]
    on_edges = _on_edges(rings[0], x_ends, y_ends)
    low_mass, high_mass, low_coupling, high_coupling = (bool(on.any()) for on in on_edges.T)
    return Region(
        field.level,
        field.kind,
        field.method,
        np.exp(rings[0]),
        tuple(np.exp(ring) for ring in rings[1:]),
        tuple(np.exp(line) for ring in rings for line in _lines(ring, x_ends, y_ends)),
        low_mass,
        high_mass,
        low_coupling,
        high_coupling,
    )


def _on_edges(ring: FloatArray, x_ends: FloatArray, y_ends: FloatArray) -> NDArray[np.bool_]:
    """Tell which vertices lie on each of the four edges of the grid, to rounding, shape (V, 4)."""
    distance = np.hstack([ring[:, 0, None] - x_ends, ring[:, 1, None] - y_ends])
    return np.abs(distance) < EDGE


def _lines(ring: FloatArray, x_ends: FloatArray, y_ends: FloatArray) -> list[FloatArray]:
    """Cut the edges of the grid out of a closed ring, shape (V, 2)."""
    on_edge = _on_edges(ring, x_ends, y_ends)
    along_edge = np.any(on_edge[1:] & on_edge[:-1], axis=1)
    if not along_edge.any():
        return [ring]
    first = int(np.argmax(along_edge))
    turned = np.roll(ring[:-1], -first, axis=0)
    free = np.flatnonzero(~np.roll(along_edge, -first))
    runs = np.split(free, np.flatnonzero(np.diff(free) > 1) + 1) if free.size else []
    closed = np.vstack([turned, turned[:1]])
    return [closed[run[0] : run[-1] + 2] for run in runs]


def contours_document(found: Sequence[Region]) -> dict[str, Any]:
    """Content of `contours.json`.

    The document has `schema` and `contours`, a list with one entry per connected region:

    - `level` (0.90 for 90 %), `kind` ("observed", "expected", "expected_-2" ... "expected_+2",
      "discovery") and `method` (calculator and test);
    - `polygon`: lists of points [mass in GeV, coupling in its unit]. The first is the outer
      boundary, anticlockwise, any others are holes, clockwise; each repeats its first point at the
      end;
    - `lines`: the parts of these boundaries that are limits; the rest is the edge of the grid;
    - `open`: `low_mass`, `high_mass`, `low_coupling`, `high_coupling`, true where the region runs
      to that edge of the grid, and perhaps beyond.

    Parameters
    ----------
    found : sequence of Region
        All the regions of a run.
    """
    return {"schema": SCHEMA, "contours": [_entry(region) for region in found]}


def _entry(region: Region) -> dict[str, Any]:
    return {
        "level": region.level,
        "kind": region.kind,
        "method": region.method,
        "polygon": [_points(ring) for ring in (region.outline, *region.holes)],
        "lines": [_points(line) for line in region.lines],
        "open": {
            "low_mass": region.low_mass_open,
            "high_mass": region.high_mass_open,
            "low_coupling": region.coupling_low_open,
            "high_coupling": region.coupling_high_open,
        },
    }


def plane_edges(flavours: Sequence[str]) -> tuple[str, ...]:
    """Name the edges of the plane of two mixings, in the order of `EDGES`."""
    return tuple(f"{end}_{flavour}" for flavour in flavours for end in ("low", "high"))


def _points(curve: FloatArray) -> list[list[float]]:
    return [[float(f"{value:.7g}") for value in point] for point in curve.tolist()]
