"""The figure of a run as a unit of work: one that is in the store is not drawn again."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds import Bound
from hnlstat.config.coupling import CouplingAxis
from hnlstat.run.contours import Region
from hnlstat.run.files.folder import figure_files
from hnlstat.run.store.packing import code_digest

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
    drawn_with: str = field(default_factory=drawn_with)

    def run(self) -> dict[str, NDArray[np.uint8]]:
        """Draw it; gives the bytes of the files by their suffix."""
        from hnlstat.report.figures import contour_figure  # only now: matplotlib is slow to load

        figure = contour_figure(
            self.regions, self.bounds, axis=self.axis, title=self.title,
            mass_range=self.mass_range, coupling_range=self.coupling_range,
        )  # fmt: skip
        files = figure_files(figure)
        return {suffix: np.frombuffer(content, np.uint8) for suffix, content in files.items()}
