"""What the interactive contour of the report shows, as plain numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.look import JOURNAL, Look
from hnlstat.report.summary import STRONG
from hnlstat.report.wording import bracketed, level_text
from hnlstat.run.contours import Region
from hnlstat.run.files.point_reader import PointTable

DIGITS = 5  # of masses, couplings and CLs
BAND = "expected_"


def plot_data(
    regions: Sequence[Region],
    bounds: Sequence[Bound],
    points: PointTable,
    axis: CouplingAxis,
    look: Look = JOURNAL,
) -> dict[str, Any]:
    """Collect regions, bounds and the tests of the grid.

    Parameters
    ----------
    regions : sequence of Region
        Of the run.
    bounds : sequence of Bound
        Bounds that hold for the same coupling.
    points : PointTable
        Tests of the grid.
    axis : CouplingAxis
        The coupling.
    look : Look
        Units of the axes.

    Returns
    -------
    dict
        For JSON: `grid` with one entry per mass and coupling (the coupling runs fastest), `limits`
        and `bounds` with their lines as lists of [mass, coupling], in GeV and the coupling's unit.
    """
    return {
        **axes_data(axis, look),
        "masses": _numbers(points.masses, 10),
        "couplings": _numbers(points.couplings, 10),
        "grid": {
            "channels": list(points.channels),
            "signal": [_numbers(points.signal[..., k]) for k in range(len(points.channels))],
            "observed": _numbers(points.cls_observed),
            "expected": [_numbers(points.cls_expected[..., k]) for k in range(5)],
            "significance": _numbers(points.significance),
            "method": _coded(points.method),
            "validity": _coded(points.validity),
        },
        "limits": list(_limits(regions)),
        "bounds": [bound_data(bound) for bound in bounds],
    }


def axes_data(axis: CouplingAxis, look: Look) -> dict[str, Any]:
    """Name the axes, with the factors from GeV and the coupling's unit to what they show."""
    shown = look.coupling(axis)
    name = axis.name if shown.factor == 1.0 else re.sub(r"\bd\b|d(?=_)", "μ_tr", axis.name)
    return {
        "mass": {"unit": look.mass_axis, "factor": look.mass_factor},
        "coupling": {"name": bracketed(name, shown), "factor": shown.factor},
    }


def _limits(regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Limits by level and kind, each with its regions and the lines that bound them.

    Of the first level bands are kept, of levels beyond that the observed or expected one.
    """
    shown = [r for r in regions if "CLs+b" not in r.method]
    first = min((r.level for r in shown if r.kind != "discovery"), default=None)
    groups: dict[tuple[float, str], list[Region]] = {}
    for region in shown:
        if region.level == first or not region.kind.startswith(BAND):
            groups.setdefault((region.level, region.kind), []).append(region)
    return [
        {
            "name": _limit_name(found[0]),
            "kind": kind,
            "strong": level >= STRONG,
            "first": level == first and kind != "discovery",
            "rings": [curve_data(ring) for r in found for ring in (r.outline, *r.holes)],
            "lines": [curve_data(line) for r in found for line in r.lines],
        }
        for (level, kind), found in groups.items()
    ]


def _limit_name(region: Region) -> str:
    test = "" if region.kind == "discovery" else f"{region.method.rpartition(' ')[2]} "
    return f"{level_text(region.level)} {test}{region.kind.replace('_', ' ')}"


def bound_data(bound: Bound) -> dict[str, Any]:
    """Give a bound for JSON: its names, its look and its line."""
    vertices = np.column_stack([bound.mass, bound.coupling])
    if bound.kind == "region":
        vertices = np.vstack([vertices, vertices[:1]])
    from matplotlib.colors import to_hex  # loaded by the figure, which tasks without one need not

    level = "" if bound.level is None else f" {level_text(bound.level)}"
    return {
        "name": f"{bound.label}{level}",
        "label": bound.label,
        "status": bound.status,
        "kind": bound.kind,
        "color": None if bound.color is None else to_hex(bound.color),
        "style": bound.line,
        "line": curve_data(vertices),
    }


def curve_data(points: NDArray[np.float64]) -> list[list[float]]:
    """Give points (V, 2) for JSON, to four digits."""
    return [_numbers(point, 4) for point in points]


def _numbers(values: NDArray[np.float64], digits: int = DIGITS) -> list[Any]:
    """Flat list of rounded numbers, None for NaN."""
    flat = values.ravel().tolist()
    return [None if x != x else float(f"{x:.{digits}g}") for x in flat]


def _coded(values: NDArray[np.str_]) -> dict[str, Any]:
    """Distinct texts, and which of them each entry has."""
    texts, code = np.unique(values, return_inverse=True)
    return {"texts": texts.tolist(), "code": code.ravel().tolist()}
