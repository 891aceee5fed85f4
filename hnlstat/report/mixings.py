"""The plane of two mixings: its figure, its table of limits, and what it found in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.limits.curves import DISCOVERY
from hnlstat.inference.limits.limits import Limit
from hnlstat.physics.constants import SYMBOLS
from hnlstat.report.look import Look
from hnlstat.report.wording import level_text, mev_text
from hnlstat.run.contours import Region
from hnlstat.run.planes import Plane, shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plane_figure(
    regions: Sequence[Region],
    flavours: Sequence[str],
    ends: tuple[float, float],
    *,
    axis: CouplingAxis,
    title: str,
    look: Look,
) -> Figure:
    """Draw what is excluded, and could be discovered, by |U_a|^2 and |U_b|^2, between two ends."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

    from hnlstat.report.figures import contour_figure  # only now: matplotlib is slow to load
    from hnlstat.report.labels import freeze_layout

    axis = replace(axis, noun="mixing", symbol=_symbol(flavours[1]))
    figure = contour_figure(
        regions, axis=axis, title=title, mass_range=ends, coupling_range=ends,
        look=replace(look, mass_axis="GeV"),  # |U_a|^2 stands in place of masses, as it is
    )  # fmt: skip
    (axes,) = figure.axes
    axes.set_xlabel(f"Mixing ${_symbol(flavours[0])}$")
    for one in (axes.xaxis, axes.yaxis):
        one.set_major_locator(LogLocator(10, numticks=7))
        one.set_minor_locator(LogLocator(10, subs=(1.0,), numticks=99))
        one.set_major_formatter(LogFormatterSciNotation())
        one.set_minor_formatter(NullFormatter())
    figure.set_layout_engine("constrained")  # anew, with these names
    freeze_layout(figure)
    return figure


def _symbol(flavour: str) -> str:
    return f"|U_{{{SYMBOLS[flavour]}}}|^2"


def limit_columns(plane: Plane) -> tuple[str, ...]:
    """Names of the columns of limits.csv."""
    a, b = plane.flavours
    return ("mass_gev", "level", "kind", "branch", "method", f"u2_{a}", f"u2_{b}", "open", "error")


def limit_rows(plane: Plane) -> Iterator[tuple[object, ...]]:
    """Limits in all directions, the ends of their intervals."""
    for limit in plane.limits:
        a, b = (limit.coupling * share for share in shares(limit.mass_gev))
        yield (
            f"{plane.mass:.10g}", f"{limit.level:.12g}", limit.kind, limit.branch, limit.method,
            f"{a:.7g}", f"{b:.7g}", str(limit.open).lower(),
            "" if limit.error is None else f"{limit.error:.2g}",
        )  # fmt: skip


def plane_reaches(plane: Plane) -> list[dict[str, Any]]:
    """Limits where one of the mixings is all but alone, and where both are equal, by curve."""
    middle = plane.ratios[np.argmin(np.abs(np.log(plane.ratios)))]
    found: dict[tuple[float, str, str], dict[str, Any]] = {}
    for limit in plane.limits:
        if limit.kind.startswith("expected_"):
            continue
        key = limit.level, limit.kind, limit.method
        row = found.setdefault(key, _empty(limit, plane.flavours))
        a, b = (limit.coupling * share for share in shares(limit.mass_gev))
        places = {plane.ratios[0]: ("a", a), middle: ("equal", a), plane.ratios[-1]: ("b", b)}
        name, value = places.get(limit.mass_gev, ("", 0.0))
        names = {"a": f"u2_{plane.flavours[0]}_alone", "b": f"u2_{plane.flavours[1]}_alone",
                 "equal": "u2_each_if_equal"}  # fmt: skip
        if name and limit.branch == "lower" and row[names[name]] is None:
            row[names[name]] = None if limit.open else float(value)
    return list(found.values())


def _empty(limit: Limit, flavours: tuple[str, ...]) -> dict[str, Any]:
    a, b = flavours
    head = {"level": limit.level, "kind": limit.kind, "method": limit.method}
    return head | dict.fromkeys((f"u2_{a}_alone", f"u2_{b}_alone", "u2_each_if_equal"))


def plane_sentences(document: Mapping[str, Any], _: CouplingAxis) -> list[str]:
    """Say what limits are on the edges and on the diagonal of a plane."""
    a, b = document["flavours"]
    if not document["limits"]:
        return ["Nothing is excluded in this plane."]
    lines = []
    for row in document["limits"]:
        test = "" if row["kind"] == DISCOVERY else f"{row['method'].rpartition(' ')[2]} "
        verb = "can be discovered" if row["kind"] == DISCOVERY else "are excluded"
        parts = (
            (f"|U_{a}|^2 = |U_{b}|^2", row["u2_each_if_equal"]),
            (f"|U_{a}|^2 alone", row[f"u2_{a}_alone"]),
            (f"|U_{b}|^2 alone", row[f"u2_{b}_alone"]),
        )
        told = ", ".join(
            f"{name} nowhere" if value is None else f"{name} from {value:.3g} on"
            for name, value in parts
        )
        lines.append(f"{level_text(row['level'])} {test}{row['kind']}, at "
                     f"{mev_text(document['mass_gev'])} MeV {verb}: {told}.")  # fmt: skip
    return lines
