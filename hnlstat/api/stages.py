"""What the stages of a run give to scripts and notebooks."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hnlstat.api.results import drawn
from hnlstat.api.tables import Table, Yields, rows_table
from hnlstat.config.base import suggest
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.likelihood.experiment import Experiment
from hnlstat.likelihood.workspace import background_only
from hnlstat.report.figure_job import ContourFigureJob
from hnlstat.report.keep import Patches, patches
from hnlstat.report.look import Look
from hnlstat.run.stages import title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hnlstat.inference.fit.fit import FitResult
    from hnlstat.run.contours import Region
    from hnlstat.run.fitting import Fitted

FIT_FIGURES = ("fit", "pulls")


@dataclass(frozen=True, eq=False, repr=False)
class Likelihood:
    """
    The likelihood of a study over the points of its yields.

    Attributes
    ----------
    study
        Whose likelihood it is.
    yields
        The signal.
    experiment
        Backgrounds, data and uncertainties, as arrays.
    remarks
        What to take with care.
    """

    study: Study
    yields: Yields
    experiment: Experiment
    remarks: tuple[str, ...]

    @property
    def channels(self) -> Table:
        """Background and data of every bin."""
        base = self.experiment.base
        observed = np.full(base.background.shape, np.nan)
        return Table(
            "channels",
            {
                "channel": np.array(base.channels),
                "bin": np.array(base.bins),
                "background": base.background,
                "observed": observed if base.observed is None else base.observed,
            },
        )

    @property
    def workspace(self) -> dict[str, Any]:
        """The likelihood without signal, as a pyhf workspace."""
        return background_only(self.experiment.base)

    @property
    def patchset(self) -> dict[str, Any]:
        """The signal of every grid point, as a patch set for pyhf."""
        found: Patches = patches(self.yields.grid, self.experiment, self.study)
        return found.document()

    def __repr__(self) -> str:
        grid = self.yields.grid
        size = f"{grid.masses.size} masses x {grid.couplings.size} couplings"
        return f"likelihood of {self.study.name} at {size}\n{self.channels!r}"

    def _repr_html_(self) -> str:
        """Show the channels in a notebook."""
        return self.channels._repr_html_()


@dataclass(frozen=True, eq=False, repr=False)
class Limits(Table):
    """
    Limits on the coupling by mass: the table of limits.csv.

    Attributes
    ----------
    points
        Tests of every grid point, as in points.csv.
    job
        What draws the figure.
    remarks
        What to take with care.
    """

    points: Table
    job: ContourFigureJob
    remarks: tuple[str, ...]

    @property
    def contours(self) -> tuple[Region, ...]:
        """The regions of each limit in the plane of mass and coupling."""
        return self.job.regions

    def figure(self) -> Figure:
        """Draw the limits, with the bounds that the study names."""
        return drawn("contours", self.job.figure)


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """
    Best fit of mass and coupling.

    Attributes
    ----------
    study
        What was fitted.
    fitted
        All of it, as objects.
    remarks
        What to take with care.
    """

    study: Study
    fitted: Fitted
    remarks: tuple[str, ...]

    @property
    def best(self) -> FitResult:
        """Parameters, impacts, -ln L and whether to trust them."""
        return self.fitted.best

    @property
    def parameters(self) -> Table:
        """Best fit of each parameter, with its errors; mass [GeV], coupling [GeV^-1]."""
        return rows_table("parameters", [asdict(p) for p in self.best.parameters])

    @property
    def contours(self) -> tuple[Region, ...]:
        """Regions of mass and coupling."""
        return self.fitted.regions

    def figure(self, name: str = "fit") -> Figure:
        """
        Draw the contours ("fit"), or pulls and impacts ("pulls").

        Raises
        ------
        ConfigError
            If there is none of that name.
        FigureError
            If it cannot be drawn.
        """
        from hnlstat.report.fit_figures import fit_figure, pulls_figure

        look = Look.of(self.study.report)
        if name == "pulls":
            return drawn(name, partial(pulls_figure, self.best, look))
        if name != "fit":
            raise ConfigError(f"figure: {name!r:.100} is none; {suggest(str(name), FIT_FIGURES)}")
        found = self.fitted
        shown: Any = {
            "axis": self.study.model.axis, "title": title(self.study), "look": look,
            "mass_range": (found.masses[0], found.masses[-1]),
            "coupling_range": (found.couplings[0], found.couplings[-1]),
        }  # fmt: skip
        return drawn("fit", partial(fit_figure, found.regions, self.best, **shown))

    def __repr__(self) -> str:
        better = f"-2 Delta ln L to no signal {self.best.improvement:.2f}"
        return f"fit of {self.study.name}: {better}; {self.best.validity}\n{self.parameters!r}"

    def _repr_html_(self) -> str:
        """Show the parameters in a notebook."""
        text = html.escape(self.best.validity)
        return f"<p>{text}</p>{self.parameters._repr_html_()}"
