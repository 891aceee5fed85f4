"""Figures of task=fit: regions in (mass, coupling), and pulls with impacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.fit.fit import FitResult, Impact, Parameter
from hnlstat.report.figures import (
    BLUE,
    DARK_GREY,
    TITLE_WIDTH,
    VERMILION,
    WIDTH,
    draw_allowed,
    set_axes,
)
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import fit_level_text, plain
from hnlstat.run.contours import Region

SHADES = ("#0072B2", "#4F9CCB", "#8CC4E6", "#E69F00", "#D55E00")


def fit_figure(
    regions: Sequence[Region],
    best: FitResult,
    *,
    axis: CouplingAxis,
    title: str = "",
    mass_range: tuple[float, float],
    coupling_range: tuple[float, float],
    bounds: Sequence[Bound] = (),
    look: Look = JOURNAL,
) -> Figure:
    """Draw the best fit and the contours of each level, beside regions that others published.

    Parameters
    ----------
    regions : sequence of Region
        Of all levels.
    best : FitResult
        Its mass and coupling get a star.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    mass_range, coupling_range : pair of float
        Limits of the axes [GeV], [unit of the coupling].
    bounds : sequence of Bound
        Existing ones; those are drawn that are regions which an excess prefers.
    look : Look
        Style and units.
    """
    regions, bounds = look.regions(regions, axis), look.bounds(bounds, axis)
    with look.settings():
        figure = look.canvas(WIDTH, WIDTH)
        axes = figure.add_subplot()
        set_axes(axes, axis, mass_range, coupling_range, look)
        published = draw_allowed(axes, [b for b in bounds if b.status == "allowed"])
        for number, level in enumerate(sorted({region.level for region in regions})):
            colour, label = SHADES[number % len(SHADES)], fit_level_text(level)
            for line in (line for r in regions if r.level == level for line in r.lines):
                axes.plot(*line.T, color=colour, linewidth=1.0, label=label)
                label = "_nolegend_"
        place = look.place(best["mass"].value, best["coupling"].value, axis)
        axes.plot(*place, marker="*", color=DARK_GREY, linestyle="", label="best fit")
        axes.set_title(look.wrap(title, TITLE_WIDTH), fontsize=SIZE + 1)
        handles, labels = axes.get_legend_handles_labels()
        handles += [artists[0] for _, artists in published]
        labels += [text for text, _ in published]
        figure.legend(
            handles, labels, frameon=False, loc="outside lower center", ncols=look.columns(2)
        )
    return figure


def pulls_figure(best: FitResult, look: Look = JOURNAL) -> Figure:
    """Draw the pull of each nuisance parameter and its impact on the coupling, largest first."""
    order = sorted(best.impacts, key=lambda impact: abs(impact.up) + abs(impact.down))
    height = 0.9 + 0.17 * len(order)
    with look.settings():
        figure = look.canvas(1.3 * WIDTH, height)
        pulls, impacts = figure.subplots(1, 2, sharey=True)
        rows = np.arange(len(order))
        fitted = [best[impact.name] for impact in order]
        pulls.axvspan(-1.0, 1.0, color="#E9E9E9")
        pulls.errorbar(
            [p.value for p in fitted], rows, xerr=[p.error for p in fitted],
            fmt="o", color="black", markersize=2.5, linewidth=0.8,
        )  # fmt: skip
        pulls.set_xlim(-2.5, 2.5)
        pulls.set_xlabel("Pull")
        pulls.set_yticks(rows, [plain(impact.name) for impact in order])
        _draw_impacts(impacts, rows, [i.up for i in order], [i.down for i in order])
        figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return figure


def _draw_impacts(
    axes: Axes, rows: np.ndarray[tuple[int], np.dtype[np.int64]], up: list[float], down: list[float]
) -> None:
    """Draw bars of the relative change of the coupling [%]."""
    for changes, colour, label in ((up, VERMILION, r"$+1\sigma$"), (down, BLUE, r"$-1\sigma$")):
        axes.barh(
            rows, [100.0 * change for change in changes], 0.6, color=colour, alpha=0.7, label=label
        )
    axes.axvline(0.0, color="black", linewidth=0.6)
    axes.set_xlabel("Coupling [%]")


def read_fit(summary: Mapping[str, Any]) -> FitResult:
    """Give the best fit that the summary of task=fit tells."""
    return FitResult(
        tuple(Parameter(**one) for one in summary["parameters"]),
        tuple(Impact(**one) for one in summary["impacts"]),
        np.array([*summary["expected"].values()], dtype=float),
        summary["nll"],
        summary["improvement"],
        summary["validity"],
    )
