"""The figure of task=collect: one limit of all scenarios of a sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.figures import (
    BLUE,
    HEIGHT,
    ORANGE,
    PURPLE,
    VERMILION,
    WIDTH,
    curve,
    draw_bounds,
    set_axes,
)
from hnlstat.report.labels import freeze_layout, place_labels
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import level_text, plain

FloatArray = NDArray[np.float64]

# with the other colours of Okabe and Ito that are dark enough for lines
COLOURS = (BLUE, VERMILION, "#009E73", PURPLE, "black", ORANGE, "#56B4E9")
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2)))

FEW = 6
"""Scenarios that a legend above a column has room for; of more it stands beside a wide figure."""


@dataclass(frozen=True, eq=False)
class Scenario:
    """A job of a sweep.

    Attributes
    ----------
    choice : tuple of str
        What differs from the others, in the same order for all.
    lines : tuple of array, shape (V, 2)
        Its contours [GeV], [unit of the coupling].
    """

    choice: tuple[str, ...]
    lines: tuple[FloatArray, ...]


def sweep_figure(
    scenarios: Sequence[Scenario],
    keys: Sequence[str],
    limit: tuple[float, str],
    bounds: Sequence[Bound] = (),
    *,
    axis: CouplingAxis,
    mass_range: tuple[float, float],
    coupling_range: tuple[float, float],
    look: Look = JOURNAL,
) -> Figure:
    """Draw one limit of each scenario, over the bounds in grey.

    Parameters
    ----------
    scenarios : sequence of Scenario
        In the order of the legend.
    keys : sequence of str
        What the choices of the scenarios are of.
    limit : (float, str)
        Level and kind of the limit.
    bounds : sequence of Bound
        Bounds on the coupling that all scenarios have in common.
    axis : CouplingAxis
        The coupling.
    mass_range, coupling_range : pair of float
        Limits of the axes [GeV], [unit of the coupling].
    look : Look
        Style and units.
    """
    few = len(scenarios) <= FEW
    bounds = look.bounds([bound for bound in bounds if bound.status != "allowed"], axis)
    with look.settings():
        figure = look.canvas(WIDTH if few else 2 * WIDTH, HEIGHT)
        axes = figure.add_subplot()
        set_axes(axes, axis, mass_range, coupling_range, look)
        labels, _ = draw_bounds(axes, bounds)
        gap = np.full((1, 2), np.nan)
        for scenario, (colour, line) in zip(scenarios, styles(scenarios), strict=True):
            parts = [gap, *(part for one in scenario.lines for part in (one, gap))]
            lines = np.vstack(parts)
            mass, coupling = look.place(lines[:, 0], lines[:, 1], axis)
            text = plain(", ".join(scenario.choice)) or " "  # a legend needs one
            width = 1.1 if few else 0.8
            axes.plot(mass, coupling, color=colour, ls=line, lw=width, zorder=3, label=text)
        level, kind = limit
        names = ", ".join(key.rpartition(".")[2].replace("_", " ") for key in keys)
        title = f"{level_text(level)} CL {kind}"
        if names:
            title += f"{' ' if few else chr(10)}by {plain(names)}"
        legend = figure.legend(
            loc="outside upper center" if few else "outside right upper",
            ncols=look.columns(2) if few else 1 + (len(scenarios) - 1) // 24,
            title=title,
            title_fontsize=SIZE + 1,
            frameon=False,
            handlelength=2.2,
            labelspacing=0.3,
            columnspacing=1.0,
        )
        legend.get_title().set(multialignment="left", linespacing=1.0)
        freeze_layout(figure)
        place_labels(axes, labels, [curve(one) for one in axes.get_lines()], size=SIZE - 0.5)
    return figure


def styles(scenarios: Sequence[Scenario]) -> list[tuple[str, Any]]:
    """Colour and line of each scenario.

    Of many, the first choice gives the colour and the others the line, where that tells all apart.
    Many numbers get shades in their order.
    """
    first = list(dict.fromkeys(scenario.choice[:1] for scenario in scenarios))
    rest = list(dict.fromkeys(scenario.choice[1:] for scenario in scenarios))
    if len(scenarios) > len(COLOURS) and len(first) <= len(COLOURS) and len(rest) <= len(LINES):
        return [(COLOURS[first.index(s.choice[:1])], LINES[rest.index(s.choice[1:])])
                for s in scenarios]  # fmt: skip
    n = len(scenarios)
    if n > len(COLOURS) and all(_is_number(scenario.choice) for scenario in scenarios):
        return [(to_hex(mpl.colormaps["viridis"](0.95 * i / (n - 1))), "-") for i in range(n)]
    size = len(COLOURS)
    return [(COLOURS[i % size], LINES[i // size % len(LINES)]) for i in range(n)]


def _is_number(choice: tuple[str, ...]) -> bool:
    """Whether a choice is of one number, with or without a unit."""
    return len(choice) == 1 and re.match(r"[-+]?\.?\d", choice[0]) is not None
