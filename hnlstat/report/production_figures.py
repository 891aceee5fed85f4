"""Where the N were made: acceptance and materials by mass, and vertices in the detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.dataset import Dataset
from hnlstat.config.detector import Detector
from hnlstat.config.shapes import Fiducial, Stack, Volume
from hnlstat.config.solids import BoxShape
from hnlstat.report.figures import (
    BLUE,
    DARK_GREY,
    GREY,
    LIGHT_GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    set_masses,
)
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import plain
from hnlstat.simulation.production import PARENTS, Production

FloatArray = NDArray[np.float64]

COLOURS = {
    "rock": "#A6A6A6",
    "ecal": "#E69F00",
    "scintillator": "#0072B2",
    "gas": "#56B4E9",
    "lead": "#CC79A7",
    "water": "#009E73",
    "iron": "#D55E00",
    "water_scintillator": "#F0E442",
}  # Okabe and Ito again, for the materials that make most N
OF_KAONS = dict(zip(PARENTS.values(), (ORANGE, BLUE), strict=True))
OTHER, OTHER_COLOUR = "other", "#333333"
MARGIN = 0.5  # [m] around the detector in the close view
NEAR = 25.0  # [m] a volume that is longer belongs to the surroundings
POINTS = 4000  # vertices drawn in each view, at most
FAR = 0.01  # share of the vertices that may lie beyond the far view
OUTLINE = 180  # points around a shape that is no box
ROW = 6  # entries of a key in one row
VIEWS = (("the side", 1, "y"), ("above", 0, "x"))  # name, axis that points up, its name


def colours(productions: Sequence[Production]) -> dict[str, str]:
    """Colour of each material, in the order of their largest shares; the smallest are other."""
    largest: dict[str, float] = {}
    for production in productions:
        for name, share in production.shares().items():
            largest[name] = max(largest.get(name, 0.0), share)
    names = sorted(largest, key=lambda name: -largest[name])
    own = names[: len(COLOURS)]
    free = [colour for name, colour in COLOURS.items() if name not in own]
    found = {name: COLOURS.get(name) or OF_KAONS.get(name) or free.pop() for name in own}
    return found | {OTHER: OTHER_COLOUR} if len(names) > len(own) else found


def production_figure(
    productions: Sequence[Production],
    efficiency: FloatArray | None = None,
    *,
    axis: CouplingAxis,
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw the acceptance, and below it the share of each material, by mass.

    Parameters
    ----------
    productions : sequence of Production, length P
        At rising masses and one coupling.
    efficiency : array, shape (P,), optional
        Of the selection for decays that pass the cut on the angle.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    mass = np.array([look.mass_factor * production.mass for production in productions])
    palette = colours(productions)
    with look.settings():
        figure = look.canvas(1.2 * WIDTH, 1.25 * WIDTH)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.7))
        set_masses(lower, (productions[0].mass, productions[-1].mass), look)
        _draw_acceptance(upper, mass, productions, efficiency)
        draw_shares(lower, mass, productions, palette)
        where = look.coupling_text(productions[0].coupling, axis, named=True)
        heading = "\n".join(filter(None, (look.wrap(title, 60, 1.2 * WIDTH), where)))
        figure.suptitle(heading, fontsize=SIZE + 1, linespacing=1.2)
    return figure


def _draw_acceptance(
    axes: Axes,
    mass: FloatArray,
    productions: Sequence[Production],
    efficiency: FloatArray | None,
) -> None:
    """Draw the share of decays within the cut on the angle, and of those selected."""
    within = np.array([production.acceptance() for production in productions])
    cut = productions[0].min_cos_theta
    lines: dict[str, tuple[FloatArray, str, Any]] = {
        rf"$\cos\theta_N$ > {cut:g}": (within, BLUE, "-")
    }
    if efficiency is not None:
        lines["selected"] = within * efficiency, VERMILION, (0, (4, 2))
    for label, (share, color, dashes) in lines.items():
        axes.plot(mass, share, color=color, lw=1.3, ls=dashes, label=label)
    smallest = min(np.min(share[share > 0], initial=1.0) for share, _, _ in lines.values())
    axes.set_yscale("log")
    axes.set_ylim(min(0.01, 0.5 * smallest), 1.5)
    axes.set_ylabel("Share of decays")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.legend(frameon=False, loc="best", ncols=2)


def draw_shares(
    axes: Axes, mass: FloatArray, productions: Sequence[Production], palette: Mapping[str, str]
) -> None:
    """Stack the materials, or parents; each is named at the right, beside its layer."""
    shares = {name: np.array([p.shares().get(name, 0.0) for p in productions]) for name in palette}
    if OTHER in shares:
        shares[OTHER] = 1.0 - sum(shares.values(), np.zeros(len(mass)))
    axes.stackplot(
        mass, list(shares.values()), colors=list(palette.values()), lw=0.3, edgecolor="white"
    )
    axes.set_ylim(0, 1)
    axes.set_ylabel("Share by material of production")
    last = np.array([share[-1] for share in shares.values()])
    middle = np.cumsum(last) - 0.5 * last
    for name, start, end in zip(shares, middle, spread(middle, 0.07), strict=True):
        axes.plot(
            [1.005, 1.05], [start, end], color=palette[name], lw=1.2, transform=axes.transAxes,
            clip_on=False,
        )  # fmt: skip
        axes.text(
            1.06, end, name.replace("_", " "), transform=axes.transAxes, fontsize=SIZE,
            color=DARK_GREY, va="center_baseline",
        )  # fmt: skip


def spread(places: FloatArray, gap: float) -> FloatArray:
    """Move rising places (n,) within 0 to 1 as little as needed to stand `gap` apart."""
    gap = min(gap, 1.0 / max(len(places), 1))
    steps = gap * np.arange(len(places))
    moved = np.maximum.accumulate(np.maximum(places, 0.5 * gap) - steps) + steps
    below = 1.0 - 0.5 * gap - gap * np.arange(len(places))[::-1]
    return np.asarray(np.minimum(moved, below))


def vertices_figure(
    production: Production,
    dataset: Dataset,
    *,
    axis: CouplingAxis,
    rng: np.random.Generator,
    look: Look = JOURNAL,
) -> Figure:
    """Draw vertices on the outline of a detector: from the side and from above, far and close.

    Of N of kaons, whose vertices are far, the close views have the decays.

    Parameters
    ----------
    production : Production
        Of one mass and coupling; its decays that pass, in the dataset, are drawn.
    dataset : Dataset
        Whose detector is outlined, with the fiducial volumes that its searches use.
    axis : CouplingAxis
        The coupling.
    rng : Generator
        Draws the points, each in proportion to its weight.
    look : Look
        Style and units.
    """
    mine = np.flatnonzero(production.passes & (production.dataset == dataset.name))
    detector = dataset.detector
    close = close_view(detector)
    z = production.vertex[:, 2]
    near = production.decay if production.of_kaons else production.vertex
    inside = mine[(near[mine, 2] > close[0][0]) & (near[mine, 2] < close[0][1])]
    chosen = [_draw_lots(production, among, rng) for among in (mine, inside)]
    drawn_in = production.vertex, near
    drawn = production.material[np.concatenate(chosen)]
    palette = {n: c for n, c in colours([production]).items() if n == OTHER or n in drawn}
    start = min([*np.quantile(z[chosen[0]], [FAR]), 1.5 * close[0][0]])
    views = ((start, close[0][1]), _common(detector.world)), close
    with look.settings():
        figure = look.canvas(2.1 * WIDTH, 1.5 * WIDTH, dpi=200)
        rows = figure.subplots(2, 2, sharex="col", width_ratios=(1, 1.2))
        for (name, up, letter), row in zip(VIEWS, rows, strict=True):
            for axes, points, at, (along, across) in zip(row, chosen, drawn_in, views, strict=True):
                _draw_outline(axes, dataset, up)
                colour = [palette.get(n, OTHER_COLOUR) for n in production.material[points]]
                axes.scatter(
                    at[points, 2], at[points, up], s=1.5, c=colour, lw=0, zorder=2,
                    rasterized=True,
                )  # fmt: skip
                axes.set(xlim=along, ylim=across, ylabel=f"{letter} [m]")
            row[1].set_aspect("equal")
            row[0].set_title(f"from {name}, all", fontsize=SIZE + 1, loc="left")
            what = "their decays" if production.of_kaons else "those in the detector"
            row[1].set_title(what, fontsize=SIZE + 1, loc="left")
        for axes in rows[1]:
            axes.set_xlabel("z along the beam [m]")
        _draw_key(figure, palette)
        where = look.coupling_text(production.coupling, axis, named=True)
        figure.suptitle(
            f"{plain(dataset.name)}: $m_N$ = {look.mass_text(production.mass)}, {where}",
            fontsize=SIZE + 1,
        )
    return figure


def _draw_lots(
    production: Production, among: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw points among some of the events, in proportion to their weights."""
    weight = production.weight[among]
    if not weight.sum() > 0:
        return among[:0]
    return np.unique(rng.choice(among, POINTS, p=weight / weight.sum()))


def close_view(detector: Detector) -> tuple[tuple[float, float], tuple[float, float]]:
    """Edges [m] along z, and along both x and y, of the detector without its surroundings."""
    extents = [volume.extent for volume in detector.volumes.values()]
    near = [extent for extent in extents if max(high - low for low, high in extent) < NEAR]
    near += [region.extent for region in detector.fiducial.values()]
    x, y, (start, end) = (
        (min(low for low, _ in edge), max(high for _, high in edge))
        for edge in zip(*near, strict=True)
    )
    low, high = _common((x, y))
    return (start - MARGIN, end + MARGIN), (low - MARGIN, high + MARGIN)


def _common(extent: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Edges that hold both x and y."""
    return min(extent[0][0], extent[1][0]), max(extent[0][1], extent[1][1])


def _draw_outline(axes: Axes, dataset: Dataset, up: int) -> None:
    """Draw all volumes as thin outlines, and the fiducial volumes that are used on top."""
    thin = {"ec": GREY, "fc": "none", "lw": 0.4, "zorder": 1}
    thick = {"ec": "black", "fc": LIGHT_GREY, "lw": 0.9, "zorder": 1.5}
    for volume in dataset.detector.volumes.values():
        axes.add_patch(_outline(volume, up, thin))
    for name in dataset.used_volumes:
        axes.add_patch(_outline(dataset.detector.fiducial[name], up, thick))


def _outline(volume: Volume | Fiducial, up: int, look: dict[str, Any]) -> Patch:
    """Draw what is seen of a volume along the axis that is neither z nor `up`."""
    if isinstance(volume, BoxShape | Stack):
        (z, end), (low, high) = volume.extent[2], volume.extent[up]
        return Rectangle((z, low), end - z, high - low, **look)
    angle, directions = np.linspace(0, 2 * np.pi, OUTLINE, endpoint=False), np.zeros((OUTLINE, 3))
    directions[:, 2], directions[:, up] = np.cos(angle), np.sin(angle)
    points = np.array([volume.solid.support(direction) for direction in directions])
    return Polygon(points[:, [2, up]] + np.array(volume.solid.centre)[[2, up]], **look)


def _draw_key(figure: Figure, palette: Mapping[str, str]) -> None:
    """Name the colours of the points and the outlines below the figure."""
    points = [
        Line2D(
            [],
            [],
            ls="",
            marker="o",
            ms=3.5,
            mew=0,
            color=color,
            label=plain(name.replace("_", " ")),
        )
        for name, color in palette.items()
    ]
    box = Patch(ec="black", fc=LIGHT_GREY, lw=0.9, label="fiducial volume")
    entries = len(points) + 1
    figure.legend(
        handles=[*points, box], loc="outside lower center",
        ncols=entries if entries <= ROW else (entries + 1) // 2, frameon=False,
        handletextpad=0.3, columnspacing=1.2,
    )  # fmt: skip
