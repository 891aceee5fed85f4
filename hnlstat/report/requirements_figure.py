"""The figure of task=requirements: what is excluded or discovered, by efficiency and background."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import NDArray
from scipy.special import ndtri

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.task import RequirementsTask
from hnlstat.errors import DataError
from hnlstat.report.figures import (
    BLUE,
    DARK_GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    WIDTH,
)
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import level_text, plain
from hnlstat.tables.csv_table import CsvTable

FloatArray = NDArray[np.float64]

COLOURS = BLUE, ORANGE, VERMILION, PURPLE, DARK_GREY
COLUMNS = 2
TITLE_WIDTH = 45  # characters in a line over a panel
MANY_DECADES = 1e3


@dataclass(frozen=True, eq=False)
class PointMap:
    """Significances of a point.

    Attributes
    ----------
    name, mass, coupling
        Of the point [GeV], [unit of the coupling].
    decays, efficiency
        Decays in the fiducial volumes, and the share that the searches select themselves.
    exclusion, discovery
        Standard deviations by uncertainty, background and efficiency, shape (U, B, E).
    """

    name: str
    mass: float
    coupling: float
    decays: float
    efficiency: float
    exclusion: FloatArray
    discovery: FloatArray


def requirements_figure(
    points: Sequence[PointMap],
    efficiencies: FloatArray,
    backgrounds: FloatArray,
    uncertainties: Sequence[float],
    *,
    level: float,
    sigma: float,
    own_background: float,
    axis: CouplingAxis,
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw, for each point, where it is excluded and discovered, one colour for an uncertainty.

    Parameters
    ----------
    points : sequence of PointMap
        A panel each.
    efficiencies, backgrounds : array, shape (E,), (B,)
        The map.
    uncertainties : sequence of float
        Of the background.
    level, sigma : float
        Of the exclusion and of the discovery.
    own_background : float
        Of the searches as they are, whose place is marked.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above all.
    look : Look
        Style and units.
    """
    columns = min(len(points), COLUMNS)
    rows = -(-len(points) // columns)
    with look.settings():
        figure = look.canvas(WIDTH * columns, 0.95 * WIDTH * rows + 0.5)
        panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
        for spare in panels[len(points) :]:
            spare.remove()
        thresholds = (float(ndtri(level)), "--"), (sigma, "-")
        for panel, point in zip(panels, points, strict=False):
            _set_axes(panel, efficiencies, backgrounds, point)
            panel.set_title(_heading(point, axis, look), fontsize=SIZE + 1)
            for colour, maps in zip(
                itertools.cycle(COLOURS), zip(point.exclusion, point.discovery, strict=True)
            ):  # fmt: skip
                for values, (threshold, line) in zip(maps, thresholds, strict=True):
                    _contour(panel, efficiencies, backgrounds, values, threshold, colour, line)
            panel.plot(point.efficiency, own_background, "k*", markersize=7, zorder=4)
        head = look.wrap(title, TITLE_WIDTH * columns, WIDTH * columns)
        entries = look.columns(3 if columns > 1 else 2, WIDTH * columns)
        _legend(figure, uncertainties, level, sigma, head, entries)
    return figure


def _contour(
    panel: Axes,
    efficiencies: FloatArray,
    backgrounds: FloatArray,
    values: FloatArray,
    threshold: float,
    colour: str,
    line: str,
) -> None:
    """Draw where a significance is reached, if it is somewhere and not everywhere."""
    if values.min() < threshold <= values.max():
        style: Any = {"colors": [colour], "linestyles": [line], "linewidths": 1.1}
        panel.contour(efficiencies, backgrounds, values, levels=[threshold], **style)


def _set_axes(
    panel: Axes,
    efficiencies: FloatArray,
    backgrounds: FloatArray,
    point: PointMap,
) -> None:
    panel.set(xscale="log", yscale="log")
    panel.set_xlim(efficiencies[0], efficiencies[-1])
    panel.set_ylim(backgrounds[0], backgrounds[-1])
    panel.set_xlabel("Efficiency for decays in the fiducial volumes")
    panel.set_ylabel("Background [events]")
    _ticks(panel.xaxis, efficiencies, lambda share, _: f"{100 * share:.4g} %")
    panel.tick_params(which="both", top=False)
    above = panel.secondary_xaxis(
        "top",
        functions=(partial(np.multiply, point.decays), partial(np.multiply, 1.0 / point.decays)),
    )
    above.set_xlabel("Signal [events]", fontsize=SIZE + 1)
    above.tick_params(labelsize=SIZE)
    _ticks(above.xaxis, efficiencies, lambda events, _: f"{events:.4g}")


def _heading(point: PointMap, axis: CouplingAxis, look: Look) -> str:
    name = f"{plain(point.name)}: " if point.name else ""
    return f"{name}{look.mass_text(point.mass)}, {look.coupling_text(point.coupling, axis)}"


def _ticks(side: Axis, efficiencies: FloatArray, text: Callable[[float, int], str]) -> None:
    """Write plain numbers, of few decades also those between."""
    few = efficiencies[-1] < MANY_DECADES * efficiencies[0]
    side.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if few else (1.0,)))
    side.set_minor_locator(LogLocator(10, subs=range(1, 10)))
    side.set_major_formatter(FuncFormatter(text))
    side.set_minor_formatter(FuncFormatter(lambda *_: ""))


def _legend(
    figure: Figure,
    uncertainties: Sequence[float],
    level: float,
    sigma: float,
    title: str,
    columns: int,
) -> None:
    kinds = (
        ("--", f"{level_text(level)} CL$_s$ exclusion, below"),
        ("-", f"{sigma:g}σ discovery, below"),
    )
    handles = [Line2D([], [], color="black", lw=1.1, ls=line, label=text) for line, text in kinds]
    star: Any = {"marker": "*", "color": "black", "ls": "", "markersize": 7}
    handles.append(Line2D([], [], label="the searches as they are", **star))
    handles += [
        Line2D([], [], color=colour, lw=2.5, label=f"background ± {100 * size:.3g} %")
        for colour, size in zip(itertools.cycle(COLOURS), uncertainties)
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=columns, frameon=False,
        title=title or None,
        title_fontsize=SIZE + 1.5, handlelength=1.8, labelspacing=0.3, columnspacing=1.0,
    )  # fmt: skip


def read_maps(
    table: CsvTable, summary: Mapping[str, Any], task: RequirementsTask, axis: CouplingAxis
) -> list[PointMap]:
    """Give the maps of requirements.csv, and what the summary says of their points.

    Raises
    ------
    DataError
        Names the file, line and column of what cannot be used.
    """
    efficiencies, backgrounds = task.axes()
    names = {point.label: point.name for point in task.points}
    shape = len(task.uncertainties), len(backgrounds), len(efficiencies)
    points = summary["points"]
    exclusion, discovery = (
        table.numbers(f"{kind}_sigma", at_least=0) for kind in ("exclusion", "discovery")
    )
    if exclusion.size != len(points) * np.prod(shape):
        raise DataError(f"{table.path}: is incomplete, or not of these points")
    maps = zip(
        points, exclusion.reshape(-1, *shape), discovery.reshape(-1, *shape), strict=True
    )  # fmt: skip
    return [
        PointMap(
            names[point["name"]], point["mass_gev"], point[axis.column], point["decays"],
            point["own_efficiency"], *sigmas,
        )
        for point, *sigmas in maps
    ]  # fmt: skip
