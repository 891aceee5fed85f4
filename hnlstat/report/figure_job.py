"""The figure of a run as a unit of work: one that is in the store is not drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds import Bound, chosen_bounds, comparable
from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.study import Study
from hnlstat.report.look import JOURNAL, Look
from hnlstat.run.contours import Region
from hnlstat.run.files.folder import figure_files
from hnlstat.run.stages import title
from hnlstat.run.store.packing import code_digest
from hnlstat.search.table import YieldTable
from hnlstat.studies.mixings import limited

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWING = ("report", "run", "run/files")
"""Parts of the package that draw and write figures."""


def drawn_with() -> str:
    """Name what the look of figures depends on beside what they show."""
    return f"matplotlib {version('matplotlib')}, {code_digest(DRAWING)}"


@dataclass(frozen=True, eq=False)
class ContourFigureJob:
    """What `contour_figure` shows, with the same names, and what draws it."""

    regions: tuple[Region, ...]
    bounds: tuple[Bound, ...]
    axis: CouplingAxis
    title: str
    mass_range: tuple[float, float]
    coupling_range: tuple[float, float]
    look: Look = JOURNAL
    drawn_with: str = field(default_factory=drawn_with)

    @classmethod
    def of(
        cls, study: Study, table: YieldTable | None, regions: Sequence[Region]
    ) -> ContourFigureJob:
        """Show regions over the grid of a table, else of a study, with the bounds that compare."""
        axis = limited(study)
        shown = comparable(chosen_bounds(study.bounds, axis), axis)
        scan = study.scan
        grid = (
            (scan.mass.array(), scan.coupling.array())
            if table is None
            else (table.masses, table.couplings)
        )
        mass_range, coupling_range = ((float(values[0]), float(values[-1])) for values in grid)
        look = Look.of(study.report)
        return cls(tuple(regions), shown, axis, title(study), mass_range, coupling_range, look)

    def figure(self) -> Figure:
        """Draw it."""
        from hnlstat.report.figures import contour_figure  # only now: matplotlib is slow to load

        return contour_figure(
            self.regions, self.bounds, axis=self.axis, title=self.title,
            mass_range=self.mass_range, coupling_range=self.coupling_range, look=self.look,
        )  # fmt: skip

    def run(self) -> dict[str, NDArray[np.uint8]]:
        """Draw it; gives the bytes of the files by their suffix."""
        files = figure_files(self.figure())
        return {suffix: np.frombuffer(content, np.uint8) for suffix, content in files.items()}
