"""The figure of task=explained: what a fit prefers, and what other data test of it."""

from __future__ import annotations

import itertools
import textwrap
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
    SIZE,
    STRONG,
    TITLE_WIDTH,
    VERMILION,
    WIDTH,
    Handle,
    curve,
    draw_bounds,
    fill,
    outline,
    own_style,
    set_axes,
)
from hnlstat.report.labels import freeze_layout, place_labels
from hnlstat.report.wording import fit_level_text, level_text, plain
from hnlstat.run.contours import regions
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
    """
    with own_style():
        figure = Figure(figsize=(1.45 * WIDTH, 1.35 * HEIGHT), dpi=300, layout="constrained")
        axes = figure.add_subplot()
        ends = [(float(a[0]), float(a[-1])) for a in (found.masses, found.couplings)]
        set_axes(axes, axis, *ends)
        handles = [*_draw_regions(axes, found), *_draw_probes(axes, probes)]
        drawn = len(axes.get_lines())
        labels, more = draw_bounds(axes, established(bounds))
        handles += more
        figure.legend(
            handles=[artist for _, (artist, *_) in handles],
            labels=[text for text, _ in handles],
            loc="outside upper center",
            ncols=2,
            title=textwrap.fill(plain(title), TITLE_WIDTH) or None,
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


def _draw_regions(axes: Axes, found: Fitted) -> list[Handle]:
    """Shade the regions, each over the larger ones, and mark the best fit."""
    handles: list[Handle] = []
    levels = sorted({region.level for region in found.regions})
    for level, colour in reversed([*zip(levels, itertools.cycle(SHADES), strict=False)]):
        mine = [region for region in found.regions if region.level == level]
        fill(axes, mine, [], color=colour, zorder=1)  # below the lines of bounds
        handles.insert(0, (f"preferred, {fit_level_text(level)}", (Patch(color=colour, lw=0),)))
    (star,) = axes.plot(
        1e3 * found.best["mass"].value, found.best["coupling"].value,
        marker="*", color=DARK_GREY, linestyle="", zorder=4,
    )  # fmt: skip
    return [*handles, ("best fit", (star,))]


def _draw_probes(axes: Axes, probes: Sequence[Probe]) -> list[Handle]:
    """Outline what other data exclude, and what they could discover."""
    handles: list[Handle] = []
    for one, colour in zip(probes, itertools.cycle(COLOURS), strict=False):
        exclusions = [f for f in one.fields if f.kind != DISCOVERY and f.level < STRONG]
        discoveries = [f for f in one.fields if f.kind == DISCOVERY]
        for fields, style in ((exclusions[:1], "-"), (discoveries[:1], DASHES)):
            for field in fields:
                line = outline(axes, regions(field), color=colour, lw=1.1, ls=style)
                what = f"{level_text(field.level)} {field.kind}"
                handles.append((plain(f"{one.label}, {what}"), (line,)))
    return handles
