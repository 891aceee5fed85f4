"""How fast the N of kaons are that decay in a detector, and which decays of kaons they are of."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.figures import WIDTH, set_masses
from hnlstat.report.look import JOURNAL, SIZE, Look
from hnlstat.report.production_figures import colours, draw_shares
from hnlstat.simulation.production import Production

LINES = 6
"""Masses of which the momenta are drawn, at most."""

BINS = 40
FASTEST = 0.995
"""Share of the N, of each mass, that the axis of momenta has room for."""


def spectra_figure(
    productions: Sequence[Production], *, axis: CouplingAxis, title: str = "", look: Look = JOURNAL
) -> Figure:
    """Draw the momenta of N at some masses, and below them by mass the decays that they are of.

    Of one decay of kaons alone there is no more to tell, and the second panel is left out.

    Parameters
    ----------
    productions : sequence of Production, length P
        At rising masses and one coupling.
    axis : CouplingAxis
        The coupling.
    title : str
        Line above the axes.
    look : Look
        Style and units.
    """
    palette = colours(productions)
    places = np.unique(np.linspace(0, len(productions) - 1, LINES).round().astype(int))
    shown = [productions[i] for i in places.tolist()]
    end = max(_quantile(production, FASTEST) for production in shown)
    shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(shown)))
    several = len(palette) > 1
    with look.settings():
        figure = look.canvas(1.2 * WIDTH, (1.6 if several else 1.0) * WIDTH)
        upper, *lower = figure.subplots(1 + several, 1, squeeze=False)[:, 0]
        for production, shade in zip(shown, shades, strict=True):
            share, edges = np.histogram(
                production.momentum, BINS, (0.0, end), weights=production.weight
            )
            share = share / np.sum(production.weight) / np.diff(edges)
            label = look.mass_text(production.mass)
            upper.stairs(share, edges, color=shade, lw=1.1, label=label)
        upper.set_xlim(0, end)
        upper.set_ylim(bottom=0)
        upper.set_xlabel("Momentum of N [GeV]")
        upper.set_ylabel("Share of decays / GeV")
        upper.legend(frameon=False, title="$m_N$", loc="upper right")
        if several:
            mass = np.array([look.mass_factor * production.mass for production in productions])
            set_masses(lower[0], (productions[0].mass, productions[-1].mass), look)
            draw_shares(lower[0], mass, productions, palette)
            lower[0].set_ylabel("Share by decay of kaons")
        where = look.coupling_text(productions[0].coupling, axis, named=True)
        heading = "\n".join(filter(None, (look.wrap(title, 60, 1.2 * WIDTH), where)))
        figure.suptitle(heading, fontsize=SIZE + 1, linespacing=1.2)
    return figure


def _quantile(production: Production, share: float) -> float:
    """Momentum [GeV] below which this share of the N is."""
    order = np.argsort(production.momentum)
    below = np.cumsum(production.weight[order])
    place = np.searchsorted(below, share * below[-1])
    return float(production.momentum[order][min(place, len(order) - 1)])
