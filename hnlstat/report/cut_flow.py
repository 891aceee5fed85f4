"""The cut flow on the screen, and what a user should know of it."""

from collections.abc import Iterator

import numpy as np
from rich.table import Column, Table

from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.wording import mev_text
from hnlstat.search.table import CutFlow

SHOWN_MASSES = 6
BEYOND = 0.01
"""Share of the selected decays beyond the edges of the observable from which on it is said."""


def cut_flow_table(flow: CutFlow, axis: CouplingAxis) -> Table:
    """Share of the decays left after each cut, in all channels, at the lowest coupling.

    Of a grid some masses are shown.
    """
    shown = np.unique(np.linspace(0, flow.masses.size - 1, SHOWN_MASSES).astype(int))
    title = f"{flow.search}: share left after each cut, {axis.text(flow.couplings[0])}"
    masses = (f"{mev_text(flow.masses[i])} MeV" for i in shown)
    table = Table(Column("cut", no_wrap=True), *masses, title=title)
    for position, name in enumerate(flow.cuts, 1):
        shares = (flow.shares()[i, 0, position] for i in shown)
        table.add_row(name, *(f"{share:.3g}" for share in shares))
    return table


def cut_flow_remarks(flow: CutFlow) -> Iterator[str]:
    """Name cuts that keep nothing at some mass, and edges that much of the signal lies beyond."""
    left = flow.passing.sum(axis=(1, 2))
    for position, setting in enumerate(flow.settings, 1):
        empty = flow.masses[(left[:, position] == 0) & (left[:, position - 1] > 0)]
        if empty.size:
            yield f"search.{flow.search}.{setting} keeps no decay at {_masses(empty)}"
    selected, beyond = left[:, -1], flow.beyond.sum(axis=(1, 2))
    share = np.divide(beyond, selected, out=np.zeros_like(beyond), where=selected > 0)
    if np.any(share > BEYOND):
        worst = int(np.argmax(share))
        yield (
            f"search.{flow.search}.observable.edges: {share[worst]:.0%} of the selected decays at "
            f"{mev_text(flow.masses[worst])} MeV lie beyond them and count in the outermost bins"
        )


def _masses(values: np.typing.NDArray[np.float64]) -> str:
    if values.size == 1:
        return f"{mev_text(values[0])} MeV"
    return f"{values.size} masses, {mev_text(values[0])} to {mev_text(values[-1])} MeV"
