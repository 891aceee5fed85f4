"""collected.html: the limits of all scenarios of a sweep as layers of one plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.look import Look
from hnlstat.report.page import embedded, render, write_page
from hnlstat.report.plot_data import axes_data, bound_data, curve_data
from hnlstat.report.sweep_figure import LINES, Scenario, styles
from hnlstat.report.wording import level_text
from hnlstat.run.files.folder import RunFolder

REPORT = "collected.html"
STEPS = 61
"""Masses, and couplings, that the arrow keys go through."""

DASHES = dict(zip(LINES, ("", "7 3", "2 2", "9 2 2 2"), strict=True))


@dataclass(frozen=True)
class Row:
    """A job in the table: its cells, and where its own report is from the sweep's folder."""

    cells: tuple[str, ...]
    report: str | None


def comparison_data(
    scenarios: Sequence[Scenario],
    keys: Sequence[str],
    bounds: Sequence[Bound],
    *,
    axis: CouplingAxis,
    mass_range: tuple[float, float],
    coupling_range: tuple[float, float],
    look: Look,
) -> dict[str, Any]:
    """Give what the interactive plane shows, for JSON: a layer for each scenario.

    Parameters as of `hnlstat.report.sweep_figure.sweep_figure`.
    """
    names = [key.rpartition(".")[2] for key in keys]
    drawn = zip(scenarios, styles(scenarios), strict=True)
    return {
        **axes_data(axis, look),
        "masses": np.geomspace(*mass_range, STEPS).tolist(),
        "couplings": np.geomspace(*coupling_range, STEPS).tolist(),
        "grid": None,
        "limits": [
            {
                "name": ", ".join(map("=".join, zip(names, one.choice, strict=True))) or "limit",
                "kind": "scenario", "strong": False, "first": False, "color": color,
                "dash": DASHES[dashes], "rings": [],
                "lines": [curve_data(line) for line in one.lines],
            }
            for one, (color, dashes) in drawn
        ],
        "bounds": [bound_data(bound) for bound in bounds],
    }  # fmt: skip


def write_collected(
    sweep: RunFolder,
    limit: tuple[float, str],
    plot: dict[str, Any],
    heads: Sequence[str],
    rows: Sequence[Row],
    failed: Sequence[str],
) -> Path:
    """Write `collected.html` into the folder of a sweep, with its figure, which is there.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    text = render(
        REPORT,
        heading=f"{len(plot['limits'])} scenarios: {level_text(limit[0])} CL {limit[1]}",
        plot=plot, figure=embedded(sweep.path / "collected.png"), heads=heads, rows=rows,
        failed=failed,
    )  # fmt: skip
    return write_page(sweep.path / REPORT, text)
