"""The figure of task=coverage."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from hnlstat.inference.coverage import CoveragePoint
from hnlstat.report.figures import BLUE, GREY, STYLE, VERMILION, WIDTH, own_style
from hnlstat.report.wording import level_text, plain

COLOURS = (BLUE, VERMILION, GREY)
LINES = {"drawn": "-", "nominal": ":"}


def coverage_figure(points: Sequence[CoveragePoint], title: str = "") -> Figure:
    """Draw coverage against the true signal, one colour for each level.

    Nuisance parameters of the pseudo-experiments are drawn or nominal.

    Parameters
    ----------
    points : sequence of CoveragePoint
        All points of a run.
    title : str
        Line above the axes.
    """
    with own_style():
        figure = Figure(figsize=(WIDTH, 0.9 * WIDTH), dpi=300, layout="constrained")
        axes = figure.add_subplot()
        levels = dict.fromkeys(point.level for point in points)
        for number, level in enumerate(levels):
            colour = COLOURS[number % len(COLOURS)]
            axes.axhline(level, color=colour, linewidth=0.6, linestyle="--")
            for nuisances, line in LINES.items():
                mine = [p for p in points if (p.level, p.nuisances) == (level, nuisances)]
                axes.errorbar(
                    [p.signal for p in mine],
                    [p.coverage for p in mine],
                    [p.error for p in mine],
                    color=colour,
                    linestyle=line,
                    linewidth=1.0,
                    label=f"{level_text(level).replace('%', ' %')} CL, {nuisances}",
                )
        axes.set_xlabel("True signal [events]")
        axes.set_ylabel("Coverage")
        lowest = min([*levels, *(point.coverage for point in points)])
        axes.set_ylim(max(lowest - 0.02, 0.0), 1.005)
        axes.set_title(plain(title), fontsize=STYLE["font.size"])
        figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return figure
