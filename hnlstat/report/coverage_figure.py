"""The figure of task=coverage."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from matplotlib.figure import Figure

from hnlstat.errors import DataError
from hnlstat.inference.coverage import CoveragePoint, nuisances_of
from hnlstat.report.figures import BLUE, GREY, VERMILION, WIDTH
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import level_text, plain
from hnlstat.tables.csv_table import CsvTable

COLOURS = (BLUE, VERMILION, GREY)
LINES = {"drawn": "-", "nominal": ":"}
OTHER_LINES = (0, (6, 1)), (0, (4, 1, 1, 1)), (0, (2, 1)), (0, (1, 2))
"""Of signals off by some sigma."""
COLUMNS = ("signal", "level", "nuisances", "coverage", "error")
MANY_EVENTS = 10.0
"""Above, the axis of signals is logarithmic."""


def coverage_figure(
    points: Sequence[CoveragePoint], title: str = "", look: Look = JOURNAL
) -> Figure:
    """Draw coverage against the true signal, one colour for each level.

    Each treatment of the nuisance parameters has its line.

    Parameters
    ----------
    points : sequence of CoveragePoint
        All points of a run.
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    treatments = list(dict.fromkeys(point.treatment for point in points))
    others = itertools.cycle(OTHER_LINES)
    lines = {text: LINES[text] if text in LINES else next(others) for text in treatments}
    levels = dict.fromkeys(point.level for point in points)
    height = 0.85 + 0.03 * len(levels) * len(lines)
    with look.settings():
        figure = look.canvas(WIDTH, height * WIDTH)
        axes = figure.add_subplot()
        for number, level in enumerate(levels):
            colour = COLOURS[number % len(COLOURS)]
            axes.axhline(level, color=colour, linewidth=0.6, linestyle="--")
            for treatment, line in lines.items():
                mine = [p for p in points if (p.level, p.treatment) == (level, treatment)]
                axes.errorbar(
                    [p.signal for p in mine],
                    [p.coverage for p in mine],
                    [p.error for p in mine],
                    color=colour,
                    linestyle=line,
                    linewidth=1.0,
                    label=f"{level_text(level).replace('%', ' %')} CL, {treatment}",
                )
        if max(point.signal for point in points) > 2.0 * MANY_EVENTS:
            axes.set_xscale("symlog", linthresh=MANY_EVENTS)
            axes.set_xlim(left=0.0)
        axes.set_xlabel("True signal [events]")
        axes.set_ylabel("Coverage")
        lowest = min([*levels, *(point.coverage for point in points)])
        axes.set_ylim(max(lowest - 0.02, 0.0), 1.005)
        axes.set_title(plain(title), fontsize=SIZE + 1)
        figure.legend(frameon=False, loc="outside lower center", ncols=look.columns(2))
    return figure


def read_coverage(table: CsvTable) -> list[CoveragePoint]:
    """Give the points of coverage.csv.

    Raises
    ------
    DataError
        Names the file, line and column of what cannot be used.
    """
    signal = table.numbers("signal", at_least=0).tolist()
    level = table.numbers("level", above=0, at_most=1).tolist()
    share = table.numbers("coverage", at_least=0, at_most=1).tolist()
    error = table.numbers("error", at_least=0).tolist()
    found = []
    for i, text in enumerate(table.columns["nuisances"]):
        try:
            nuisances = nuisances_of(text)
        except ValueError as reason:
            raise table.error(i, "nuisances", str(reason)) from None
        found.append(CoveragePoint(signal[i], level[i], nuisances, share[i], error[i]))
    if not found:
        raise DataError(f"{table.path}: has no points")
    return found
