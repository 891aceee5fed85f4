"""Maps of the (mass, coupling) plane, with a limit on top: expected events and decay lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.figures import (
    HEIGHT,
    VERMILION,
    WIDTH,
    limit_text,
    outline,
    set_axes,
)
from hnlstat.report.labels import Label, freeze_layout, place_labels
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import length_text, plain
from hnlstat.run.contours import Region

FloatArray = NDArray[np.float64]

FEWEST_EVENTS = 1e-3  # where the colours of the map of events begin
EVENTS = (1.0, 10.0, 100.0)  # of its lines
LENGTHS = (1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6)  # of the lines of decay lengths [m]
LINES: Any = {"colors": "white", "linewidths": 0.7, "linestyles": "solid"}
HALO = withStroke(linewidth=2.0, foreground="white")


def yields_figure(
    masses: FloatArray,
    couplings: FloatArray,
    events: FloatArray,
    limit: Sequence[Region] = (),
    *,
    axis: CouplingAxis,
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw the expected signal events over the plane, with lines of 1, 10 and 100 events.

    Parameters
    ----------
    masses, couplings : array, shape (M,), (D,)
        The grid [GeV], [unit of the coupling].
    events : array, shape (M, D)
        Expected events, all channels together.
    limit : sequence of Region
        What one limit excludes.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    norm = LogNorm(FEWEST_EVENTS, max(float(events.max()), 10 * FEWEST_EVENTS))
    ends = (masses[0], masses[-1]), (couplings[0], couplings[-1])
    masses, couplings = look.place(masses, couplings, axis)
    with look.settings():
        figure, axes = _plane(*ends, axis, look)
        shown = np.maximum(events, FEWEST_EVENTS)
        mesh = axes.pcolormesh(
            edges(masses), edges(couplings), shown.T, norm=norm, cmap="cividis",
            rasterized=True,
        )  # fmt: skip
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, extend="min", label="Expected signal events")
        bar.ax.tick_params(which="both", direction="out")
        lines = axes.contour(masses, couplings, shown.T, levels=EVENTS, **LINES)
        _draw_limit(figure, axes, look.regions(limit, axis), title)
        _label(figure, axes, lines, [f"{n:g}" for n in EVENTS])
    return figure


def decay_length_figure(
    masses: FloatArray,
    couplings: FloatArray,
    length: FloatArray,
    limit: Sequence[Region] = (),
    *,
    axis: CouplingAxis,
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw the decay length in the laboratory over the plane, with lines at powers of 100.

    Parameters
    ----------
    masses, couplings : array, shape (M,), (D,)
        The grid [GeV], [unit of the coupling].
    length : array, shape (M, D)
        beta gamma c tau [m].
    limit, axis, title, look
        As in `yields_figure`.
    """
    ends = (masses[0], masses[-1]), (couplings[0], couplings[-1])
    masses, couplings = look.place(masses, couplings, axis)
    with look.settings():
        figure, axes = _plane(*ends, axis, look)
        exponent = np.log10(length)
        mesh = axes.pcolormesh(
            edges(masses), edges(couplings), exponent.T, cmap="cividis", rasterized=True
        )  # fmt: skip
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, label="Decay length [m]")
        bar.ax.yaxis.set_major_formatter(lambda power, _: f"$10^{{{power:.0f}}}$")
        bar.ax.tick_params(which="both", direction="out")
        lines = axes.contour(masses, couplings, exponent.T, levels=np.log10(LENGTHS), **LINES)
        _draw_limit(figure, axes, look.regions(limit, axis), title)
        _label(figure, axes, lines, [length_text(length) for length in LENGTHS])
    return figure


def edges(points: FloatArray) -> FloatArray:
    """Edges (n + 1,) of cells around points (n,), halfway in their logarithms; no half cells."""
    between = np.sqrt(points[1:] * points[:-1])
    return np.concatenate([points[:1], between, points[-1:]])


def _plane(
    masses: tuple[float, float], couplings: tuple[float, float], axis: CouplingAxis, look: Look
) -> tuple[Figure, Axes]:
    figure = look.canvas(1.15 * WIDTH, 0.95 * HEIGHT)
    axes = figure.add_subplot()
    set_axes(axes, axis, masses, couplings, look)
    axes.tick_params(which="both", color="white")
    return figure, axes


def _draw_limit(figure: Figure, axes: Axes, limit: Sequence[Region], title: str) -> None:
    """Draw the limit, named above the axes, with the title."""
    handles: list[Line2D] = []
    if limit:
        style: Any = {"color": VERMILION, "lw": 1.4, "path_effects": [HALO]}
        line = outline(axes, limit, **style)
        line.set_label(f"{limit_text(limit[0])} {limit[0].kind}")
        handles = [line]
    if handles or title:
        figure.legend(
            handles=handles, loc="outside upper center", frameon=False, title=plain(title) or None
        )


def _label(figure: Figure, axes: Axes, lines: QuadContourSet, names: Sequence[str]) -> None:
    """Write the name of each contour line beside it."""
    freeze_layout(figure)
    found = zip(names, lines.get_paths(), strict=True)
    curves = {name: _curve(path) for name, path in found if np.size(path.vertices)}
    labels = [Label(name, "white", *curve) for name, curve in curves.items()]
    limits = [np.asarray(line.get_data(), dtype=float) for line in axes.get_lines()]
    obstacles = [*curves.values(), *((mass, coupling) for mass, coupling in limits)]
    place_labels(axes, labels, obstacles, size=SIZE)


def _curve(path: Path) -> tuple[FloatArray, FloatArray]:
    """Vertices of a path, NaN between its parts."""
    vertices = np.asarray(path.vertices, dtype=float)
    starts = np.flatnonzero(np.asarray(path.codes) == Path.MOVETO)
    x, y = np.insert(vertices, starts[1:], np.nan, axis=0).T
    return x, y
