"""CLs against the coupling at one mass, with the bands of experiments without signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter
from numpy.typing import NDArray

from hnlstat.config.coupling import CouplingAxis
from hnlstat.errors import DataError
from hnlstat.inference.limits.posterior import CREDIBLE
from hnlstat.report.figures import (
    BAND_1,
    BAND_2,
    BLUE,
    DARK_GREY,
    WIDTH,
    BandHandler,
    Handle,
)
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import coupling_label, level_text, plain, test_symbol
from hnlstat.run.files.point_reader import PointTable

FloatArray = NDArray[np.float64]

LOWEST = 1e-3  # CLs at which the axis ends
FLAT, AROUND = 0.98, 1.4  # CLs from where on, and factor of the coupling beyond which, all is 1
FINE = 1200  # couplings along a curve
FAINTEST, ROUNDING = 1e-300, 1e-9  # CLs stays above the one and below 1 by the other
NO_DEPTH = 0.999 * np.log(ROUNDING)  # ln(-ln CLs) where CLs is 1


@dataclass(frozen=True, eq=False)
class BrazilCurves:
    """CLs along the coupling at one mass.

    Attributes
    ----------
    mass : float
        Mass of N [GeV].
    coupling : array, shape (D,)
        Couplings, rising.
    observed : array, shape (D,), or None
        CLs of the data, None without data.
    expected : array, shape (5, D)
        At the -2, -1, 0, 1, 2 sigma quantiles of experiments without signal.
    test : str
        "CLs", or that of a credible limit, whose tails these then are.
    """

    mass: float
    coupling: FloatArray
    observed: FloatArray | None
    expected: FloatArray
    test: str = "CLs"

    @classmethod
    def of(cls, points: PointTable, i: int) -> BrazilCurves:
        """Take the curves at the mass of index `i`; points without a test are passed over.

        Between the points ln(-ln CLs) is straight in ln(coupling), as for a signal that goes as a
        power of the coupling, with few events of background. Where counts are few, quantiles go
        from 1 in a step, halfway between the points that it lies between.

        Raises
        ------
        DataError
            If there are fewer than two tests at this mass.
        """
        cls_ = np.column_stack([points.cls_observed[i], points.cls_expected[i]])
        tested = np.isfinite(cls_[:, 1:]).all(axis=1)
        if tested.sum() < 2:
            raise DataError(f"points.csv: has no tests at mass_gev = {points.masses[i]:g}")
        known = points.couplings[tested]
        coupling = np.union1d(known, np.geomspace(known[0], known[-1], FINE))
        depth = np.log(-np.log(np.clip(cls_[tested], FAINTEST, 1 - ROUNDING)))
        places = np.log(known), np.log(coupling)
        curves = [np.exp(-np.exp(_between(*places, row))) for row in depth.T]
        observed = None if np.isnan(depth[:, 0]).any() else curves[0]
        words = str(points.method[i, 0]).replace(",", "").split()
        test = next((word for word in words if word.startswith(CREDIBLE)), "CLs")
        return cls(float(points.masses[i]), coupling, observed, np.array(curves[1:]), test)


def _between(known: FloatArray, at: FloatArray, depth: FloatArray) -> FloatArray:
    """Depths (N,) at places between known ones (D,), with steps from and to where CLs is 1."""
    places, found, one = [*known.tolist()], [*depth.tolist()], depth <= NO_DEPTH
    for i in np.flatnonzero(one[1:] != one[:-1])[::-1].tolist():
        # goes on, from the point beside the step, as between it and the next
        side, step = (i + 1, 1) if one[i] else (i, -1)
        middle, slope, further = (known[i] + known[i + 1]) / 2, 0.0, side + step
        if 0 <= further < known.size and not one[further]:
            slope = (depth[further] - depth[side]) / (known[further] - known[side])
        ends = [depth[side - step], depth[side] + slope * (middle - known[side])][::step]
        places[i + 1 : i + 1], found[i + 1 : i + 1] = [middle] * 2, ends
    return np.asarray(np.interp(at, places, found))


def brazil_figure(
    curves: BrazilCurves,
    levels: Sequence[float],
    *,
    axis: CouplingAxis,
    title: str = "",
    look: Look = JOURNAL,
) -> Figure:
    """Draw observed CLs, and the median and bands expected without signal.

    Parameters
    ----------
    curves : BrazilCurves
        What to draw.
    levels : sequence of float
        Confidence levels that get a line where CLs passes 1 - level.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    shown = look.coupling(axis)
    curves = replace(curves, coupling=shown.factor * curves.coupling)
    with look.settings():
        figure = look.canvas(WIDTH, 0.9 * WIDTH)
        axes = figure.add_subplot(xscale="log", yscale="log")
        low, high = _range(curves)
        axes.set_xlim(low, high)
        # within about a decade there are labels between its ends, but not at every tick
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 3.0) if high < 30 * low else (1.0,)))
        axes.xaxis.set_major_formatter(LogFormatterSciNotation(labelOnlyBase=False))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(LOWEST, 1.6)
        axes.set_xlabel(coupling_label(shown))
        tested = test_symbol(curves.test).replace("cred.", "Tail of the posterior, flat")
        axes.set_ylabel(f"{tested} at $m_N$ = {look.mass_text(curves.mass)}")
        handles = _draw(axes, curves)
        for level in (level for level in levels if 1 - level > LOWEST):
            axes.axhline(1 - level, color=DARK_GREY, lw=0.7, ls=":", zorder=3.5)
            axes.annotate(
                f"{level_text(level)} CL", (1, 1 - level), (3, 0), color=DARK_GREY,
                xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                va="center", fontsize=SIZE,
            )  # fmt: skip
        figure.legend(
            handles=[artists for _, artists in handles],
            labels=[text for text, _ in handles],
            handler_map={tuple: BandHandler(ndivide=1, pad=0)},
            loc="outside upper center",
            ncols=look.columns(2),
            title=plain(title) or None,
            frameon=False,
        )
    return figure


def _range(curves: BrazilCurves) -> tuple[float, float]:
    """Couplings between which some curve is neither 1 nor below the axis, and a little more."""
    cls_ = curves.expected if curves.observed is None else [*curves.expected, curves.observed]
    moving = np.flatnonzero(np.any((np.array(cls_) > LOWEST) & (np.array(cls_) < FLAT), axis=0))
    shown = curves.coupling[moving[[0, -1]]] if moving.size else curves.coupling[[0, -1]]
    low, high = shown / AROUND, shown * AROUND
    return max(low[0], curves.coupling[0]), min(high[-1], curves.coupling[-1])


def _draw(axes: Axes, curves: BrazilCurves) -> list[Handle]:
    """Draw the curves; CLs of 0 lies below the axis."""
    coupling = curves.coupling
    expected = np.maximum(curves.expected, 0.1 * LOWEST)
    for low, high, color in ((0, 4, BAND_2), (1, 3, BAND_1)):
        axes.fill_between(coupling, expected[low], expected[high], color=color, lw=0)
    (median,) = axes.plot(coupling, expected[2], color="black", lw=0.9, ls=(0, (4, 2)), zorder=3)
    handles: list[Handle] = []
    if curves.observed is not None:
        observed = np.maximum(curves.observed, 0.1 * LOWEST)
        (line,) = axes.plot(coupling, observed, color=BLUE, lw=1.3)
        handles.append(("observed", (line,)))
    bands = (Patch(color=BAND_2, lw=0), Patch(color=BAND_1, lw=0), median)
    return [*handles, ("expected without signal, ±1σ, ±2σ", bands)]
