"""Further figures of a finished run, by task=figures alone, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.task import FiguresTask
from hnlstat.errors import ConfigError, DataError
from hnlstat.report.brazil_figure import BrazilCurves, brazil_figure
from hnlstat.report.kaon_figures import spectra_figure
from hnlstat.report.look import Look
from hnlstat.report.plane_figures import decay_length_figure, yields_figure
from hnlstat.report.production_figures import production_figure, vertices_figure
from hnlstat.run.contours import Region
from hnlstat.run.current import Run
from hnlstat.run.files.finished import FinishedRun, main_limit
from hnlstat.run.files.folder import RunFolder
from hnlstat.run.files.point_reader import read_points
from hnlstat.run.stages import title
from hnlstat.search.kept import looked_for
from hnlstat.search.table import YieldTable
from hnlstat.simulation.production import Production, ProductionJob

Array = NDArray[np.float64]
Drawn = Iterator[tuple[str, Figure]]
"""Names of files without suffix, with what they show."""

MORE = 10
"""Times as many events are sampled for the vertices as for a mass of the other figures."""


class NotDrawnError(ConfigError):
    """A figure for which a run has too little; of all figures it is left out."""


@dataclass(frozen=True)
class Album:
    """A finished run with what its figures are made of, each read or sampled when first needed."""

    task: FiguresTask
    finished: FinishedRun
    current: Run
    folder: RunFolder

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """Regions of the run, none if it has no limits."""
        return self.finished.regions() if self.finished.has("contours.json") else ()

    @property
    def limit(self) -> list[Region]:
        """Regions of the first level's limit."""
        return main_limit(self.regions)

    @cached_property
    def table(self) -> YieldTable:
        """Yields of the run."""
        return self.finished.table()

    @property
    def axis(self) -> CouplingAxis:
        """The coupling of the run's model."""
        return self.finished.study.model.axis

    @property
    def look(self) -> Look:
        """Style and units: those asked for, else those of the run."""
        return Look.of(self.finished.study.report)

    @cached_property
    def title(self) -> str:
        """What was studied."""
        return title(self.finished.study)

    @cached_property
    def place(self) -> tuple[float, float]:
        """Mass and coupling that the task asks for, else where the first limit is strongest."""
        mass, coupling = self.task.mass, self.task.coupling
        if mass is None or coupling is None:
            usual = self._usual_place()
            for key, given, value in zip(
                ("mass", "coupling"), (mass, coupling), usual, strict=True
            ):
                if given is None and value is None:
                    raise NotDrawnError(
                        f"task.{key}: is missing; {self.finished.path} has no limit to take it from"
                    )
            mass = usual[0] if mass is None else mass
            coupling = usual[1] if coupling is None else coupling
        assert mass is not None
        assert coupling is not None
        return mass, coupling

    def _usual_place(self) -> tuple[float | None, float | None]:
        """Where the first limit is strongest, else the only mass and coupling of a run."""
        if self.limit:
            outline = np.vstack([region.outline for region in self.limit])
            mass, coupling = outline[np.argmin(outline[:, 1])].tolist()
            return mass, coupling
        mass, coupling = (
            float(axis[0]) if axis.size == 1 else None
            for axis in (self.table.masses, self.table.couplings)
        )
        return mass, coupling

    def need_plane(self) -> None:
        """Make sure that the run has a plane of masses and couplings."""
        if min(self.table.masses.size, self.table.couplings.size) < 2:
            raise NotDrawnError(
                f"task.folder: {self.finished.path} has a grid of {self.table.masses.size} x "
                f"{self.table.couplings.size} masses and couplings; the plane needs 2 x 2"
            )

    @cached_property
    def productions(self) -> list[Production]:
        """Production at masses over the grid, without those at which no N passes."""
        low, high = self.table.masses[[0, -1]].tolist()
        if low == high:
            raise NotDrawnError(
                f"task.folder: {self.finished.path} has a single mass; production needs several"
            )
        jobs = [
            ProductionJob(self.finished.study, float(mass), self.place[1], self.task.number, True)
            for mass in np.geomspace(low, high, self.task.masses)
        ]
        found = [one for one in self.current.map("production", ProductionJob.run, jobs) if one]
        if len(found) < 2:
            raise NotDrawnError(f"task.coupling: {self.place[1]:g} leaves no N that are selected")
        return found


def _yields(album: Album) -> Drawn:
    album.need_plane()
    table = album.table
    yield "yields", yields_figure(
        table.masses, table.couplings, table.events.sum(axis=-1), album.limit,
        axis=album.axis, title=album.title, look=album.look,
    )  # fmt: skip


def _brazil(album: Album) -> Drawn:
    points = read_points(album.finished.path / "points.csv", album.axis)
    mass, ends = album.place[0], points.masses[[0, -1]]
    if not ends[0] <= mass <= ends[1]:
        raise ConfigError(
            f"task.mass: {mass:g} GeV is not within the run's {ends[0]:g} to {ends[1]:g} GeV"
        )
    i = int(np.argmin(np.abs(np.log(points.masses / mass))))
    try:
        curves = BrazilCurves.of(points, i)
    except DataError as error:
        raise NotDrawnError(str(error)) from None
    yield "brazil", brazil_figure(
        curves, album.finished.study.inference.levels,
        axis=album.axis, title=album.title, look=album.look,
    )  # fmt: skip


def _production(album: Album) -> Drawn:
    shown: Any = {"axis": album.axis, "title": album.title, "look": album.look}
    if album.productions[0].of_kaons:
        yield "momenta", spectra_figure(album.productions, **shown)
    else:
        yield "production", production_figure(album.productions, _efficiency(album), **shown)


def _efficiency(album: Album) -> Array | None:
    """Share of the decays within the cut on the angle that are selected, (P,)."""
    table, coupling = album.table, album.productions[0].coupling
    j = int(np.argmin(np.abs(np.log(table.couplings / coupling))))
    decays = looked_for(album.finished.study, table)[:, j]
    known = np.isfinite(decays) & (decays > 0)
    if not known.any():
        return None
    share = table.events[known, j].sum(axis=-1) / decays[known]
    mass = [production.mass for production in album.productions]
    return np.asarray(np.interp(np.log(mass), np.log(table.masses[known]), share))


def _decay_length(album: Album) -> Drawn:
    album.need_plane()
    table = album.table
    known = np.array([(one.mass, one.median_momentum()) for one in album.productions])
    mass = np.clip(table.masses, *known[[0, -1], 0])
    momentum = np.exp(PchipInterpolator(*np.log(known).T)(np.log(mass)))
    kappa = album.finished.study.model.inverse_decay_length(table.masses, table.couplings)
    length = (momentum / table.masses)[:, None] / kappa
    yield "decay_length", decay_length_figure(
        table.masses, table.couplings, length, album.limit,
        axis=album.axis, title=album.title, look=album.look,
    )  # fmt: skip


def _vertices(album: Album) -> Drawn:
    study, (mass, coupling) = album.finished.study, album.place
    production = ProductionJob(study, mass, coupling, MORE * album.task.number, False).run()
    if production is None:
        raise NotDrawnError(f"task.mass, task.coupling: no N of {mass:g} GeV are selected")
    for dataset in (d for d in study.datasets if d.name in production.dataset[production.passes]):
        rng = np.random.default_rng(study.simulation.seed)
        figure = vertices_figure(production, dataset, axis=album.axis, rng=rng, look=album.look)
        stem = "decays" if production.of_kaons else "vertices"
        yield f"{stem}_{dataset.name}", figure


DRAW: dict[str, Callable[[Album], Drawn]] = {
    "yields": _yields,
    "brazil": _brazil,
    "production": _production,
    "decay_length": _decay_length,
    "vertices": _vertices,
}
