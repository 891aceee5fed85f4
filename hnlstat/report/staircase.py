"""The tables and the figure of task=compare."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.table import Table

from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.limits.limits import Limit
from hnlstat.report.figures import BLUE, GREY, ORANGE, PURPLE, VERMILION, WIDTH
from hnlstat.report.look import JOURNAL, Look
from hnlstat.report.wording import bracketed, level_text, mev_text, plain
from hnlstat.run.comparison import Comparison, Landing

FloatArray = NDArray[np.float64]

# the rest of Okabe and Ito's colours: bluish green and sky blue
COLOURS = (BLUE, VERMILION, "#009E73", PURPLE, ORANGE, "#56B4E9", "black")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
ROW = 0.24  # height of a step in the figure [inch]
WIDE = 5.0  # from this ratio on an axis is logarithmic
NONE = "-"


def markdown(comparison: Comparison, axis: CouplingAxis) -> str:
    """Write the limits and events of every step as a table, with what each step has changed."""
    head = ("step", "limit", *_mass_names(comparison), f"events at {_point(comparison)}")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for landing, cells in zip(comparison.landings, _cells(comparison), strict=True):
        row = (landing.name, _limit_text(landing), *cells, f"{landing.events:.3g}")
        lines.append(f"| {' | '.join(row)} |")
    lowest = bracketed("Lowest excluded coupling", axis)
    lines += ["", f"{lowest}, in brackets over that of the step before."]
    steps = comparison.landings[1:]
    lines += ["", *(f"- {s.name}: {', '.join(f'`{key}`' for key in s.keys)}" for s in steps)]
    return "\n".join([*lines, ""])


def screen_table(comparison: Comparison, axis: CouplingAxis) -> Table:
    """Make a table of limits and events for the screen."""
    table = Table(
        title=bracketed("lowest excluded coupling", axis),
        caption=f"events: at {_point(comparison)}",
        box=SIMPLE_HEAD,
        padding=0,
        collapse_padding=True,
    )
    table.add_column("step")
    for name in (*_mass_names(comparison), "events"):
        table.add_column(name, justify="right", no_wrap=True)
    for landing in comparison.landings:
        cells = (_cell(limit, np.nan) for limit in landing.limits)
        table.add_row(landing.name, *cells, f"{landing.events:.3g}")
    return table


def staircase_figure(comparison: Comparison, axis: CouplingAxis, look: Look = JOURNAL) -> Figure:
    """Draw limits relative to the first step, and the expected events, step below step.

    Parameters
    ----------
    comparison : Comparison
        The limits and events of each step.
    axis : CouplingAxis
        The coupling.
    look : Look
        Style and units.
    """
    shown = look.coupling(axis)
    names = [landing.name for landing in comparison.landings]
    with look.settings():
        figure = look.canvas(2 * WIDTH, 1.3 + ROW * len(names))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2.2, 1))
        _draw_limits(left, comparison, look)
        kinds = {landing.kind.capitalize() for landing in comparison.landings}
        limit = f"{kinds.pop()} limit" if len(kinds) == 1 else "Limit"
        left.set_xlabel(rf"{limit} on ${shown.symbol}$, relative to the first step")
        left.set_yticks(range(len(names)), list(map(plain, names)))
        left.set_ylim(len(names) - 0.5, -0.5)
        events = np.array([landing.events for landing in comparison.landings])
        _draw_stairs(right, np.where(events > 0, events, np.nan), "black", "o")
        power = f"{shown.factor * comparison.point.coupling:.1e}".replace("e-0", "e-").split("e")
        where = rf"{look.mass_text(comparison.point.mass)}, ${power[0]}\times10^{{{power[1]}}}$"
        right.set_xlabel(f"Events at ({where})")
        for axes in (left, right):
            _set_axes(axes)
        figure.legend(
            *left.get_legend_handles_labels(), loc="outside upper center",
            ncols=len(comparison.masses), frameon=False, handlelength=1.6, columnspacing=1.2,
        )  # fmt: skip
    return figure


def _draw_limits(axes: Axes, comparison: Comparison, look: Look) -> None:
    """Draw a staircase for each mass; it has a gap where nothing is excluded."""
    axes.axvline(1.0, color=GREY, lw=0.6, ls=":")
    for j, name in enumerate(map(look.mass_text, comparison.masses)):
        couplings = comparison.couplings()[:, j]
        known = couplings[np.isfinite(couplings)]
        relative = couplings / known[0] if known.size else couplings
        _draw_stairs(axes, relative, COLOURS[j % len(COLOURS)], MARKERS[j % len(MARKERS)], name)


def _draw_stairs(axes: Axes, values: FloatArray, color: str, marker: str, label: str = "") -> None:
    """Draw one value per step as a flight of stairs, the steps downwards."""
    edges = np.arange(values.size)[:, None] + np.array([-0.5, 0.5])
    axes.plot(np.repeat(values, 2), edges.ravel(), lw=0.9, color=color)
    axes.plot(
        values, np.arange(values.size), ls="", marker=marker, ms=3.2, color=color, label=label
    )


def _set_axes(axes: Axes) -> None:
    """Values on a scale that suits them, with ticks that can be read; a thin line between steps."""
    low, high = axes.dataLim.intervalx
    if low > 0 and high > WIDE * low:
        axes.set_xscale("log")
        subs = (1.0,) if high > 1000 * low else (1.0, 3.0) if high > 15 * low else (1.0, 2.0, 5.0)
        axes.xaxis.set_major_locator(LogLocator(10, subs=subs))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    for edge in np.arange(0.5, max(axes.get_ylim()) - 0.6):
        axes.axhline(edge, color="#E9E9E9", lw=0.5, zorder=0)


def _cells(comparison: Comparison) -> list[list[str]]:
    """Limits of each step and mass, with their ratio to the step before."""
    ratios = comparison.ratios()
    return [
        [_cell(limit, ratio) for limit, ratio in zip(landing.limits, row, strict=True)]
        for landing, row in zip(comparison.landings, ratios.tolist(), strict=True)
    ]


def _cell(limit: Limit | None, ratio: float) -> str:
    if limit is None:
        return NONE
    text = f"{'≤ ' * limit.open}{limit.coupling:.3g}"
    return text if np.isnan(ratio) else f"{text} (×{ratio:#.3g})"


def _mass_names(comparison: Comparison) -> list[str]:
    return [f"{mev_text(mass)} MeV" for mass in comparison.masses]


def _point(comparison: Comparison) -> str:
    point = comparison.point
    return f"({mev_text(point.mass)} MeV, {point.coupling:.3g})"


def _limit_text(landing: Landing) -> str:
    return f"{level_text(landing.level)} {landing.kind}"
