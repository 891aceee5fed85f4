"""Data in bins beside background and best fit, as a figure and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnlstat.errors import DataError
from hnlstat.report.figures import (
    BLUE,
    GREY,
    LIGHT_GREY,
    TITLE_WIDTH,
    VERMILION,
    WIDTH,
)
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.wording import plain
from hnlstat.run.beside import Distribution
from hnlstat.tables.csv_table import CsvTable

LABELS = {
    "quasi_elastic_energy": r"$E_\nu^\mathrm{QE}$",
    "visible_energy": r"visible energy",
    "cos_angle": r"$\cos\theta$",
    "angle": r"$\theta$",
    "pair_mass": "mass of the pair",
    "pair_energy": "energy of the pair",
    "pair_angle": "angle of the pair",
    "opening_angle": "opening angle",
}
COLUMNS = (
    "channel", "observable", "in_likelihood", "low", "high", "observed", "background",
    "background_error", "signal", "prediction",
)  # fmt: skip


def spectrum_figure(found: Sequence[Distribution], title: str = "", look: Look = JOURNAL) -> Figure:
    """Draw each distribution in a panel: data, background, signal and both at the best fit.

    Energies are in MeV and angles in degrees, and so are the widths of bins that counts are divided
    by where these differ; the error of the background is that before the fit.
    """
    with look.settings():
        height = 0.62 * WIDTH * len(found) + 0.6
        figure = look.canvas(WIDTH, height)
        for axes, one in zip(figure.subplots(len(found), squeeze=False)[:, 0], found, strict=True):
            _draw(axes, one)
        figure.legend(
            *figure.axes[0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=look.columns(2),
            frameon=False,
            title=look.wrap(title, TITLE_WIDTH) or None,
            title_fontsize=SIZE + 1.5,
        )
    return figure


def _draw(axes: Axes, one: Distribution) -> None:
    scale, unit = _unit(one.observable)
    edges = scale * one.edges
    width = np.diff(edges)
    even = np.allclose(width, width[0])
    width = np.ones_like(width) if even else width
    middle = (edges[:-1] + edges[1:]) / 2
    b, error = one.background / width, one.background_error / width
    axes.stairs(b, edges, fill=True, color=LIGHT_GREY, label="background")
    axes.stairs(b, edges, color=GREY, linewidth=0.6)
    if one.fitted:
        axes.stairs(
            b + error, edges, baseline=b - error, fill=True, color=GREY, alpha=0.3, linewidth=0,
            label="its error before the fit",
        )  # fmt: skip
    axes.stairs(one.signal / width, edges, color=VERMILION, linewidth=0.9, label="signal, best fit")
    axes.stairs(one.prediction / width, edges, color=BLUE, linewidth=1.0, label="all, best fit")
    axes.errorbar(
        middle, one.observed / width, yerr=np.sqrt(one.observed) / width, fmt="o", color="black",
        markersize=2, linewidth=0.7, label="data",
    )  # fmt: skip
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    name = LABELS.get(one.observable, one.observable)
    axes.set_xlabel(f"{name} [{unit}]" if unit else name)
    axes.set_ylabel("Events / bin" if even else f"Events / {unit or 'unit'}")
    note = "" if one.fitted else "\nnot in the likelihood"
    right = one.observed[-1] / width[-1] < one.observed[0] / width[0]
    axes.text(
        0.97 if right else 0.03, 0.95, plain(one.channel) + note, transform=axes.transAxes,
        ha="right" if right else "left", va="top", fontsize=SIZE,
    )  # fmt: skip


def _unit(observable: str) -> tuple[float, str]:
    """Factor to the unit that an observable is shown in, and its name."""
    if observable == "cos_angle":
        return 1.0, ""
    return (180.0 / np.pi, "deg") if "angle" in observable else (1e3, "MeV")


def spectrum_rows(found: Sequence[Distribution]) -> Iterator[tuple[object, ...]]:
    """One row for each bin: its ends in GeV, rad or without a unit, and events."""
    for one in found:
        columns = (
            one.edges[:-1], one.edges[1:], one.observed, one.background, one.background_error,
            one.signal, one.prediction,
        )  # fmt: skip
        for row in zip(*(values.tolist() for values in columns), strict=True):
            head = (one.channel, one.observable, "yes" if one.fitted else "no")
            yield (*head, *(f"{value:.7g}" for value in row))


def read_spectrum(table: CsvTable) -> list[Distribution]:
    """Give what `spectrum_rows` has written, a distribution for each run of rows of one name.

    Raises
    ------
    DataError
        Names the file, line and column of what cannot be used.
    """
    names = [*zip(*(table.columns[name] for name in COLUMNS[:3]), strict=True)]
    values = np.array([table.numbers(name) for name in COLUMNS[3:]])
    found = []
    for (channel, observable, fitted), rows in groupby(range(len(names)), names.__getitem__):
        low, high, observed, background, error, signal, prediction = values[:, [*rows]]
        found.append(
            Distribution(
                channel, observable, np.append(low, high[-1]), observed, background, error, signal,
                prediction, fitted == "yes",
            )
        )  # fmt: skip
    if not found:
        raise DataError(f"{table.path}: has no bins")
    return found
