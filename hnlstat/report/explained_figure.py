"""The figure of task=explained: what a fit prefers, and what other data test of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hnlstat.bounds import Bound, established
from hnlstat.config.coupling import CouplingAxis
from hnlstat.errors import DataError
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
from hnlstat.run.contours import Region, contours_document, regions
from hnlstat.run.explaining import Probe
from hnlstat.run.files.finished import regions_of

SHADES = ("#4F9CCB", "#8CC4E6", "#CFE6F5")  # of the regions, the smallest first
COLOURS = (VERMILION, "#009E73", PURPLE, ORANGE, "black", "#8A5A00")  # of the tests
DASHES = (0, (3, 1.5))


@dataclass(frozen=True)
class Curve:
    """What other data do: exclude by the data ("observed"), or are expected to, or discover."""

    label: str
    level: float
    kind: str
    regions: tuple[Region, ...]


def explained_figure(
    preferred: Sequence[Region],
    best: tuple[float, float],
    tests: Sequence[Sequence[Curve]],
    bounds: Sequence[Bound] = (),
    *,
    axis: CouplingAxis,
    mass_range: tuple[float, float],
    coupling_range: tuple[float, float],
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw what a fit prefers, shaded, and over it what other data exclude and could discover.

    Of each test there is a line for its first level of exclusion, and a dashed one for discovery.

    Parameters
    ----------
    preferred : sequence of Region
        What the fit prefers, of all levels.
    best : pair of float
        Mass [GeV] and coupling of the best fit.
    tests : sequence of sequences of Curve
        What each of the other data do, by rising level.
    bounds : sequence of Bound
        Bounds on the same coupling; those that exclude at a stated level are drawn.
    axis : CouplingAxis
        The coupling.
    mass_range, coupling_range : pair of float
        Limits of the axes [GeV], [unit of the coupling].
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    width = 1.45 * WIDTH
    with look.settings():
        figure = look.canvas(width, 1.35 * HEIGHT)
        axes = figure.add_subplot()
        set_axes(axes, axis, mass_range, coupling_range, look)
        handles = _draw_regions(axes, look.regions(preferred, axis))
        place = look.place(*best, axis)
        (star,) = axes.plot(*place, marker="*", color=DARK_GREY, linestyle="", zorder=4)
        handles += [("best fit", (star,)), *_draw_tests(axes, tests, axis, look)]
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


def _draw_tests(
    axes: Axes, tests: Sequence[Sequence[Curve]], axis: CouplingAxis, look: Look
) -> list[Handle]:
    """Outline what other data exclude, and what they could discover."""
    handles: list[Handle] = []
    for curves, colour in zip(tests, itertools.cycle(COLOURS), strict=False):
        exclusions = [c for c in curves if c.kind != DISCOVERY and c.level < STRONG]
        discoveries = [c for c in curves if c.kind == DISCOVERY]
        for found, style in ((exclusions[:1], "-"), (discoveries[:1], DASHES)):
            for one in found:
                shown = look.regions(one.regions, axis)
                line = outline(axes, shown, color=colour, lw=1.1, ls=style)
                what = f"{level_text(one.level)} {one.kind}"
                handles.append((plain(f"{one.label}, {what}"), (line,)))
    return handles


def probes_document(probes: Sequence[Probe]) -> dict[str, Any]:
    """Content of explained.json: for each test the document of its contours.

    `curves` has the level and kind of all that were looked for, also where they reach nothing.
    """
    return {
        one.name: {
            "label": one.label,
            "data": one.title,
            "curves": [{"level": field.level, "kind": field.kind} for field in one.fields],
        }
        | contours_document([region for field in one.fields for region in regions(field)])
        for one in probes
    }


def read_probes(document: Any, path: str) -> list[list[Curve]]:
    """Give the tests of an explained.json that stands at `path`.

    Raises
    ------
    DataError
        Names the entry of what cannot be used.
    """
    found = []
    try:
        for name, test in document.items():
            regions = regions_of(test, f"{path}, {name}")
            found.append(
                [
                    Curve(str(test["label"]), float(level), kind, tuple(
                        r for r in regions if (r.level, r.kind) == (level, kind)
                    ))
                    for level, kind in ((c["level"], str(c["kind"])) for c in test["curves"])
                ]
            )  # fmt: skip
    except KeyError as error:
        raise DataError(f"{path}: lacks {error}") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{path}: is not that of a task=explained: {error}") from None
    return found
