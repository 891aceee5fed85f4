"""Figures of a run, drawn for a journal's column without global state."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.labels import Label, freeze_layout, place_labels
from hnlstat.report.look import COLUMN, JOURNAL, SIZE, Look
from hnlstat.report.wording import coupling_label, level_text, plain, test_symbol
from hnlstat.run.contours import Region

FloatArray = NDArray[np.float64]

# M. Okabe and K. Ito, "Color Universal Design" (2008), and tints of their colours
BLUE, ORANGE, VERMILION, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#CC79A7"
BAND_1, BAND_2 = "#8CC4E6", "#CFE6F5"
GREY, DARK_GREY, LIGHT_GREY = "#7A7A7A", "#4D4D4D", "#E9E9E9"

WIDTH, HEIGHT = COLUMN, 3.6  # [inch]
TITLE_WIDTH = 50  # characters in a line
STRONG = 0.999  # levels from here on are drawn as 5 sigma is


Handle = tuple[str, tuple[Artist, ...]]  # an entry of the legend: its text, and what to show


class BandHandler(HandlerTuple):
    """Draws a band's patches inside one another, the line on top, as they lie in the figure."""

    def create_artists(self, legend, orig_handle, *args: Any) -> list[Artist]:  # type: ignore[no-untyped-def]
        """Shrink each patch after the first."""
        artists = super().create_artists(legend, orig_handle, *args)
        patches = [artist for artist in artists if isinstance(artist, Rectangle)]
        for number, patch in enumerate(patches):
            height = patch.get_height() * (1.3 if number == 0 else 0.65)
            patch.set_y(patch.get_y() + (patch.get_height() - height) / 2)
            patch.set_height(height)
        return list(artists)


def contour_figure(
    regions: Sequence[Region],
    bounds: Sequence[Bound] = (),
    *,
    axis: CouplingAxis,
    title: str = "",
    mass_range: tuple[float, float] = (0.01, 1.2),
    coupling_range: tuple[float, float] = (1e-8, 1e-4),
    look: Look = JOURNAL,
) -> Figure:
    """Draw what is excluded and what could be discovered in the (mass, coupling) plane.

    The first level gets its observed region shaded, its expected limit and bands; 5 sigma (or any
    level beyond 0.999) gets lines for exclusion by CLs and for discovery. Where a region ends with
    the grid it has no line.

    Parameters
    ----------
    regions : sequence of Region
        All regions of a run.
    bounds : sequence of Bound
        Bounds that hold for the same coupling (`hnlstat.bounds.comparable`).
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    mass_range, coupling_range : pair of float
        Limits of the axes [GeV], [unit of the coupling].
    look : Look
        Style and units.

    Returns
    -------
    matplotlib.figure.Figure
        Needs `FigureCanvasAgg` or `savefig` only, no pyplot.
    """
    regions, bounds = look.regions(regions, axis), look.bounds(bounds, axis)
    with look.settings():
        figure = look.canvas(WIDTH, HEIGHT)
        axes = figure.add_subplot()
        set_axes(axes, axis, mass_range, coupling_range, look)
        handles = _draw_main_level(axes, regions) + _draw_strong_levels(axes, regions)
        handles += draw_allowed(axes, [b for b in bounds if b.status == "allowed"])
        drawn = len(axes.get_lines())
        labels, own = draw_bounds(axes, [b for b in bounds if b.status != "allowed"])
        handles += own
        _draw_legend(figure, handles, title, look)
        freeze_layout(figure)
        limits, existing = axes.get_lines()[:drawn], axes.get_lines()[drawn:]
        tiers = (
            [line for line in limits if line.get_linestyle() != ":"],
            [line for line in axes.get_lines() if line.get_linestyle() == ":"],
            [line for line in existing if line.get_linestyle() != ":"],
        )
        place_labels(axes, labels, *([curve(line) for line in t] for t in tiers), size=SIZE - 0.5)
    return figure


def set_axes(
    axes: Axes,
    axis: CouplingAxis,
    mass_range: tuple[float, float],
    coupling_range: tuple[float, float],
    look: Look,
) -> None:
    """Scales, limits, ticks and names of the axes."""
    shown = look.coupling(axis)
    set_masses(axes, mass_range, look)
    axes.set_yscale("log")
    axes.set_ylim(*(shown.factor * coupling for coupling in coupling_range))
    axes.set_ylabel(coupling_label(shown))


def set_masses(axes: Axes, mass_range: tuple[float, float], look: Look) -> None:
    """Scale, limits [GeV], ticks and name of the axis of masses."""
    axes.set_xscale("log")
    axes.set_xlim(*(look.mass_factor * mass for mass in mass_range))
    axes.set_xlabel(look.mass_label)
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(LogLocator(10, subs=range(1, 10)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda mass, _: f"{mass:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def draw_bounds(axes: Axes, bounds: Sequence[Bound]) -> tuple[list[Label], list[Handle]]:
    """Draw excluded bounds in grey, below everything else, and projected ones dotted.

    They are in the units of the axes. Those with a colour of their own lie above, and with those at
    another level than published they have an entry in the legend.
    """
    labels: list[Label] = []
    handles: list[Handle] = []
    bottom, top = axes.get_ylim()[0] / 10, axes.get_ylim()[1] * 10
    ends = {"limit": top, "below": bottom}  # to which what is open is filled
    for bound in bounds:
        mass, coupling = _closed(bound)
        if bound.status == "excluded" and bound.level and bound.kind != "edge":
            filled = np.clip(coupling, bottom, top)
            if (end := ends.get(bound.kind)) is not None:
                mass, filled = np.append(mass, mass[[-1, 0]]), np.append(filled, [end, end])
            axes.fill(mass, filled, color=LIGHT_GREY, lw=0, zorder=0.5)
        mass, coupling = _closed(bound)
        style = ":" if bound.status == "projected" else "-." if bound.level is None else "-"
        (line,) = axes.plot(
            mass, coupling, color=bound.color or GREY, lw=0.9 if bound.color else 0.6,
            ls=bound.line or style, zorder=2.5 if bound.color else 1.5,
        )  # fmt: skip
        labels.append(Label(plain(bound.label), bound.color or DARK_GREY, mass, coupling))
        if bound.color or bound.rescaled_from:
            handles.append((plain(bound.label), (line,)))
    return labels, handles


def draw_allowed(axes: Axes, bounds: Sequence[Bound]) -> list[Handle]:
    """Tint the regions that an excess prefers, one colour for each analysis."""
    handles: list[Handle] = []
    analyses = list(dict.fromkeys(bound.label for bound in bounds))
    for label, usual in zip(analyses, itertools.cycle((ORANGE, PURPLE)), strict=False):
        for bound in bounds:
            if bound.label == label:
                color = bound.color or usual
                mass, coupling = _closed(bound)
                if bound.kind == "region":
                    axes.fill(mass, coupling, color=color, alpha=0.25, lw=0, zorder=1.2)
                axes.plot(mass, coupling, color=color, lw=0.6, ls=bound.line or "-", zorder=1.3)
        levels = sorted({bound.level for bound in bounds if bound.label == label and bound.level})
        text = plain(f"{label} {', '.join(map(level_text, levels))}".rstrip())
        handles.append((text, (Patch(facecolor=color, edgecolor=color, alpha=0.4),)))
    return handles


def _closed(bound: Bound) -> tuple[FloatArray, FloatArray]:
    """Masses and couplings of a bound's curve, a region's outline closed."""
    mass, coupling = bound.mass, bound.coupling
    if bound.kind == "region":
        mass, coupling = np.append(mass, mass[0]), np.append(coupling, coupling[0])
    return mass, coupling


def curve(line: Line2D) -> tuple[FloatArray, FloatArray]:
    """Points of a line in data coordinates."""
    return np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)


def _draw_main_level(axes: Axes, regions: Sequence[Region]) -> list[Handle]:
    """Shade and outline the observed region of the first level, with its expected bands."""
    main = [r for r in regions if r.kind != "discovery" and r.level < STRONG]
    kinds = {
        kind: [r for r in main if r.kind == kind and r.level == main[0].level]
        for kind in dict.fromkeys(r.kind for r in main)
    }
    patches = []
    for width, color in ((2, BAND_2), (1, BAND_1)):
        edges = [kinds.get(f"expected_{sign}{width}", []) for sign in "-+"]
        if any(edges):
            fill(axes, edges[0], edges[1], color=color)
            patches.append(Patch(color=color, lw=0))
    handles: list[Handle] = []
    if observed := kinds.get("observed"):
        fill(axes, observed, [], color=BLUE, alpha=0.15)
        line = outline(axes, observed, color=BLUE, lw=1.3)
        shade = Patch(color=BLUE, alpha=0.15, lw=0)
        handles.append((f"{limit_text(main[0])} observed", (shade, line)))
    if expected := kinds.get("expected"):
        line = outline(axes, expected, color="black", lw=0.9, ls=(0, (4, 2)))
        named = limit_text(main[0], whole=not observed)
        text = f"{named} expected{', ±1σ, ±2σ' if patches else ''}"
        handles.append((text, (*patches, line)))
    return handles


def limit_text(region: Region, whole: bool = True) -> str:
    """Name the level and the test of an exclusion: 90% CLs, LR, cred. (with its prior if whole)."""
    test = test_symbol(region.method.rpartition(" ")[2])
    return f"{level_text(region.level)} {test if whole else test.partition(' ')[0]}"


def _draw_strong_levels(axes: Axes, regions: Sequence[Region]) -> list[Handle]:
    """Outline the regions of exclusion (by the data, if there are any) and discovery at 5 sigma."""
    strong = [r for r in regions if r.level >= STRONG and "CLs+b" not in r.method]
    handles: list[Handle] = []
    for kind in ("observed", "expected"):
        if excluded := [r for r in strong if r.kind == kind]:
            line = outline(axes, excluded, color=VERMILION, lw=0.9)
            handles.append((f"{limit_text(excluded[0])} {kind}", (line,)))
            break
    if discovery := [r for r in strong if r.kind == "discovery"]:
        line = outline(axes, discovery, color=VERMILION, lw=0.9, ls=(0, (1.5, 1.2)))
        handles.append((f"{level_text(discovery[0].level)} discovery", (line,)))
    return handles


def _draw_legend(figure: Figure, handles: Sequence[Handle], title: str, look: Look) -> None:
    """Set the legend above the axes, where it covers nothing, with the title as its head."""
    head = look.wrap(title, TITLE_WIDTH)
    if not handles:  # nothing excluded, and no region that an excess prefers; a legend has entries
        figure.suptitle(head, fontsize=SIZE + 1.5, linespacing=1.0)
        return
    legend = figure.legend(
        handles=[artists for _, artists in handles],
        labels=[text for text, _ in handles],
        handler_map={tuple: BandHandler(ndivide=1, pad=0)},
        loc="outside upper center",
        ncols=look.columns(2),
        title=head or None,
        title_fontsize=SIZE + 1.5,
        frameon=False,
        handlelength=1.8,
        labelspacing=0.3,
        columnspacing=1.0,
    )
    legend.get_title().set(multialignment="center", linespacing=1.0)


def outline(axes: Axes, regions: Sequence[Region], **style: Any) -> Line2D:
    """Draw the boundaries that are limits, not ends of the grid, as one line; in axes' units."""
    gap = np.full((1, 2), np.nan)
    lines = [part for region in regions for line in region.lines for part in (line, gap)]
    mass, coupling = np.vstack([gap, *lines]).T
    (line,) = axes.plot(mass, coupling, zorder=3, **style)
    return line


def fill(axes: Axes, first: Sequence[Region], second: Sequence[Region], **style: Any) -> None:
    """Fill what lies in one of two nested sets of regions, but not in both.

    Paths are filled where they wind around a point. Outlines and holes wind in opposite directions,
    and so does the whole second set, taken backwards.
    """
    rings = [ring for region in first for ring in (region.outline, *region.holes)]
    rings += [ring[::-1] for region in second for ring in (region.outline, *region.holes)]
    paths = [Path(ring, closed=True) for ring in rings]
    style = {"lw": 0, "zorder": 2} | style
    axes.add_patch(PathPatch(Path.make_compound_path(*paths), **style))
