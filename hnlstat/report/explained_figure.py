"""The figure of task=explained: what a fit prefers, and what other data test of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hnlstat.bounds import Bound, established
from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.limits.curves import DISCOVERY
from hnlstat.report.figures import (
    DARK_GREY,
    HEIGHT,
    ORANGE,
    PURPLE,
    STRONG,
    TITLE_WIDTH,
    VERMILION,
    WIDTH,
    Handle,
    curve,
    draw_bounds,
    fill,
    outline,
    set_axes,
)
from hnlstat.report.labels import freeze_layout, place_labels
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import fit_level_text, level_text, plain
from hnlstat.run.contours import Region, regions
from hnlstat.run.explaining import Probe
from hnlstat.run.fitting import Fitted

SHADES = ("#4F9CCB", "#8CC4E6", "#CFE6F5")  # of the regions, the smallest first
COLOURS = (VERMILION, "#009E73", PURPLE, ORANGE, "black", "#8A5A00")  # of the tests
DASHES = (0, (3, 1.5))


def explained_figure(
    found: Fitted,
    probes: Sequence[Probe],
    bounds: Sequence[Bound] = (),
    *,
    axis: CouplingAxis,
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw what a fit prefers, shaded, and over it what other data exclude and could discover.

    Of each test there is a line for its first level of exclusion, and a dashed one for discovery.

    Parameters
    ----------
    found : Fitted
        The fit.
    probes : sequence of Probe
        Other data.
    bounds : sequence of Bound
        Bounds on the same coupling; those that exclude at a stated level are drawn.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    width = 1.45 * WIDTH
    with look.settings():
        figure = look.canvas(width, 1.35 * HEIGHT)
        axes = figure.add_subplot()
        masses, couplings = (
            (float(ends[0]), float(ends[-1])) for ends in (found.masses, found.couplings)
        )
        set_axes(axes, axis, masses, couplings, look)
        handles = _draw_regions(axes, look.regions(found.regions, axis))
        place = look.place(found.best["mass"].value, found.best["coupling"].value, axis)
        (star,) = axes.plot(*place, marker="*", color=DARK_GREY, linestyle="", zorder=4)
        handles += [("best fit", (star,)), *_draw_probes(axes, probes, axis, look)]
        drawn = len(axes.get_lines())
        labels, more = draw_bounds(axes, look.bounds(established(bounds), axis))
        handles += more
        figure.legend(
            handles=[artist for _, (artist, *_) in handles],
            labels=[text for text, _ in handles],
            loc="outside upper center",
            ncols=look.columns(2, width),
            title=look.wrap(title, TITLE_WIDTH, width) or None,
            title_fontsize=SIZE + 1.5,
            frameon=False,
            labelspacing=0.3,
            columnspacing=1.0,
        )
        freeze_layout(figure)
        lines = axes.get_lines()
        tiers = ([curve(line) for line in part] for part in (lines[:drawn], lines[drawn:]))
        place_labels(axes, labels, *tiers, size=SIZE - 0.5)
    return figure


def _draw_regions(axes: Axes, regions: Sequence[Region]) -> list[Handle]:
    """Shade the regions, each over the larger ones."""
    handles: list[Handle] = []
    levels = sorted({region.level for region in regions})
    for level, colour in reversed([*zip(levels, itertools.cycle(SHADES), strict=False)]):
        mine = [region for region in regions if region.level == level]
        fill(axes, mine, [], color=colour, zorder=1)  # below the lines of bounds
        handles.insert(0, (f"preferred, {fit_level_text(level)}", (Patch(color=colour, lw=0),)))
    return handles


def _draw_probes(
    axes: Axes, probes: Sequence[Probe], axis: CouplingAxis, look: Look
) -> list[Handle]:
    """Outline what other data exclude, and what they could discover."""
    handles: list[Handle] = []
    for one, colour in zip(probes, itertools.cycle(COLOURS), strict=False):
        exclusions = [f for f in one.fields if f.kind != DISCOVERY and f.level < STRONG]
        discoveries = [f for f in one.fields if f.kind == DISCOVERY]
        for fields, style in ((exclusions[:1], "-"), (discoveries[:1], DASHES)):
            for field in fields:
                line = outline(
                    axes, look.regions(regions(field), axis), color=colour, lw=1.1, ls=style
                )
                what = f"{level_text(field.level)} {field.kind}"
                handles.append((plain(f"{one.label}, {what}"), (line,)))
    return handles
