"""From limits on a grid of masses to closed regions in the (mass, coupling) plane.

At each mass of the grid the region is the interval between the lower and the upper limit. Between
the last mass with an interval and the next one without, the region ends in a tip, found from the
p-value of the strongest coupling, which passes through alpha there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import DataError
from hnlstat.inference.limits import Limit, MassLimits, Peak

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TIP_STEPS = 12  # masses between the last interval and the tip: enough for a smooth line in print
TIP_SHORTEST = 1e-3  # of a grid step, so that masses keep increasing
NO_SIGNAL = 0.01  # -ln p below this part of -ln alpha is as good as none
SCHEMA = "hnlstat contours 1"


@dataclass(frozen=True, eq=False)
class LimitCurve:
    """The limits of one level, kind and method over the masses of a scan.

    Attributes
    ----------
    level : float
        Confidence level, 0.90 for 90 %.
    kind : str
        "observed", "expected", "expected_-2" ... "expected_+2" or "discovery".
    method : str
        Calculator behind the p-values.
    mass : array, shape (M,)
        Masses [GeV], increasing.
    lower, upper : array, shape (M,)
        Ends of the interval in coupling [GeV^-1], NaN where there is none.
    lower_open, upper_open : bool array, shape (M,)
        The interval runs to this end of the coupling grid, and perhaps beyond.
    peak : array, shape (M,)
        Strength ln(alpha/p) at the coupling where it is largest; positive inside the region.
    peak_coupling : array, shape (M,)
        That coupling [GeV^-1].

    Raises
    ------
    ValueError
        If the shapes differ or the masses do not increase.
    """

    level: float
    kind: str
    method: str
    mass: FloatArray
    lower: FloatArray
    upper: FloatArray
    lower_open: BoolArray
    upper_open: BoolArray
    peak: FloatArray
    peak_coupling: FloatArray

    def __post_init__(self) -> None:
        names = ("lower", "upper", "lower_open", "upper_open", "peak", "peak_coupling")
        for name in names:
            if getattr(self, name).shape != self.mass.shape:
                raise ValueError(f"{name} must have the shape of mass, {self.mass.shape}")
        if self.mass.ndim != 1 or np.any(np.diff(self.mass) <= 0):
            raise ValueError("mass must be a one-dimensional increasing array")


@dataclass(frozen=True, eq=False)
class Region:
    """One connected region of the (mass, coupling) plane.

    Attributes
    ----------
    level, kind, method
        As in `LimitCurve`.
    mass : array, shape (V,)
        Masses of the edges [GeV], increasing; the tips are its ends.
    lower, upper : array, shape (V,)
        Lower and upper edge [GeV^-1]; equal at a tip.
    lower_open, upper_open : bool array, shape (V,)
        The edge is the end of the coupling grid, not a limit.
    low_mass_open, high_mass_open : bool
        The region runs to this end of the mass grid, and perhaps beyond: no tip there.
    """

    level: float
    kind: str
    method: str
    mass: FloatArray
    lower: FloatArray
    upper: FloatArray
    lower_open: BoolArray
    upper_open: BoolArray
    low_mass_open: bool
    high_mass_open: bool

    def polygon(self) -> FloatArray:
        """Give the closed outline, shape (2 V + 1, 2): the lower edge, then back the upper one."""
        lower = np.column_stack([self.mass, self.lower])
        upper = np.column_stack([self.mass, self.upper])[::-1]
        return np.vstack([lower, upper, lower[:1]])


def limit_curves(results: Sequence[MassLimits]) -> list[LimitCurve]:
    """Order the limits of all masses by curve.

    A mass whose limits could not be calculated is left out of the curves, so that they pass over
    it; its `validity` says why.

    Parameters
    ----------
    results : sequence of MassLimits
        Limits at different masses, in any order.

    Returns
    -------
    list of LimitCurve
        One for each level, kind and test (CLs, CLs+b, p0).
    """
    ordered = sorted(results, key=lambda result: result.mass_gev)
    keys = dict.fromkeys(_key(peak) for result in ordered for peak in result.peaks)
    return [_limit_curve(ordered, key) for key in keys]


def _key(item: Limit | Peak) -> tuple[float, str, str]:
    """Level, kind and test; the calculator before the test may differ from mass to mass."""
    return item.level, item.kind, item.method.rpartition(" ")[2]


def _limit_curve(ordered: Sequence[MassLimits], key: tuple[float, str, str]) -> LimitCurve:
    rows = []
    methods = set()
    for result in ordered:
        limits = {limit.branch: limit for limit in result.limits if _key(limit) == key}
        for peak in (peak for peak in result.peaks if _key(peak) == key):
            methods.add(peak.method)
            ends = [limits.get("lower"), limits.get("upper")]
            couplings = [np.nan if end is None else end.coupling for end in ends]
            flags = [end is not None and end.open for end in ends]
            rows.append((result.mass_gev, *couplings, *flags, peak.strength, peak.coupling))
    mass, lower, upper, lower_open, upper_open, strength, coupling = np.array(rows, dtype=float).T
    return LimitCurve(
        key[0],
        key[1],
        ", ".join(sorted(methods)),
        mass,
        lower,
        upper,
        lower_open.astype(bool),
        upper_open.astype(bool),
        strength,
        coupling,
    )


def regions(curve: LimitCurve) -> list[Region]:
    """Find the connected regions of a limit curve, in order of mass.

    The mass of a tip is where the p-value of the strongest coupling reaches alpha, with -ln p a
    power law of the mass between the two masses around it: -ln p grows as a power of the expected
    signal, and at n = 0 is the signal. The tip's coupling is interpolated alike. Towards the tip
    the edges close as the square root of ln(ln p / ln alpha), as at any smooth maximum.

    Parameters
    ----------
    curve : LimitCurve
        Limits on the grid of masses.

    Returns
    -------
    list of Region
        Empty if there is no interval at any mass.
    """
    inside = np.isfinite(curve.lower) & np.isfinite(curve.upper)
    numbers = np.flatnonzero(inside)
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1) if numbers.size else []
    return [_region(curve, int(run[0]), int(run[-1])) for run in runs]


def _region(curve: LimitCurve, first: int, last: int) -> Region:
    """Build the region over the masses `first` to `last` of the grid, with its tips."""
    low_mass_open = first == 0
    high_mass_open = last == curve.mass.size - 1
    grid = slice(first, last + 1)
    middle = np.array([curve.mass[grid], curve.lower[grid], curve.upper[grid]])
    parts = [middle]
    if not low_mass_open:
        parts.insert(0, _tip(curve, first, first - 1)[:, ::-1])
    if not high_mass_open:
        parts.append(_tip(curve, last, last + 1))
    mass, lower, upper = np.hstack(parts)
    before = 0 if low_mass_open else parts[0].shape[1]
    after = mass.size - before - middle.shape[1]
    return Region(
        curve.level,
        curve.kind,
        curve.method,
        mass,
        lower,
        upper,
        np.pad(curve.lower_open[grid], (before, after)),
        np.pad(curve.upper_open[grid], (before, after)),
        low_mass_open,
        high_mass_open,
    )


def _tip(curve: LimitCurve, inner: int, outer: int) -> FloatArray:
    """Mass, lower and upper edge from behind the mass `inner` to the tip, shape (3, TIP_STEPS)."""
    relative = 1 - curve.peak[[inner, outer]] / np.log1p(-curve.level)  # ln p / ln alpha
    high, low = np.log(np.clip(np.nan_to_num(relative), NO_SIGNAL, None))
    length = high / (high - low) if high > 0 > low else float(high > 0)
    # quadratic steps, as the edges turn fastest at the tip
    fraction = 1 - np.linspace(1, 0, TIP_STEPS + 1)[1:] ** 2
    step = fraction * max(length, TIP_SHORTEST)
    width = np.sqrt(1 - fraction)

    def along(values: FloatArray) -> FloatArray:
        start, end = np.log(values[[inner, outer]])
        return np.asarray(start + step * (end - start))

    centre = np.log(curve.peak_coupling[inner])
    ridge = along(curve.peak_coupling)
    lower = ridge + width * (np.log(curve.lower[inner]) - centre)
    upper = ridge + width * (np.log(curve.upper[inner]) - centre)
    return np.asarray(np.exp([along(curve.mass), lower, upper]))


def contours_document(found: Sequence[Region]) -> dict[str, Any]:
    """Content of `contours.json`.

    The document has `schema` and `contours`, a list with one entry per region:

    - `level` (0.90 for 90 %), `kind` ("observed", "expected", "expected_-2" ... "expected_+2",
      "discovery") and `method` (the calculator);
    - `vertices`: the closed outline as [mass in GeV, coupling in GeV^-1], along the lower edge to
      higher masses and back along the upper edge, the first vertex repeated at the end;
    - `open`: `low_mass` and `high_mass`, true where the outline ends with the mass grid instead of
      a tip; `lower` and `upper`, with a flag for each mass of `vertices` on the way out, true
      where that edge is the end of the coupling grid instead of a limit.

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
        "vertices": [[float(f"{x:.7g}") for x in vertex] for vertex in region.polygon()],
        "open": {
            "low_mass": region.low_mass_open,
            "high_mass": region.high_mass_open,
            "lower": region.lower_open.tolist(),
            "upper": region.upper_open.tolist(),
        },
    }


def regions_from_document(document: dict[str, Any]) -> list[Region]:
    """Regions of a `contours.json`, the inverse of `contours_document`.

    Raises
    ------
    DataError
        If the document is not one of this schema.
    """
    if document.get("schema") != SCHEMA:
        raise DataError(f"contours.json: schema = {document.get('schema')!r}, expected {SCHEMA!r}")
    try:
        return [_from_entry(entry) for entry in document["contours"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"contours.json: not as its schema says: {error!r}") from error


def _from_entry(entry: dict[str, Any]) -> Region:
    mass, coupling = np.array(entry["vertices"], dtype=float)[:-1].T
    size = mass.size // 2
    flags = entry["open"]
    return Region(
        entry["level"],
        entry["kind"],
        entry["method"],
        mass[:size],
        coupling[:size],
        coupling[size:][::-1],
        np.array(flags["lower"], dtype=bool),
        np.array(flags["upper"], dtype=bool),
        flags["low_mass"],
        flags["high_mass"],
    )
