"""The table of yields of a Study: each station is simulated once, then scaled to exposures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.beam.flux import load_flux
from hnlstat.beam.kaons import load_kaons
from hnlstat.config.channels import Channels
from hnlstat.config.dataset import Dataset
from hnlstat.config.flux import KaonFlux
from hnlstat.config.photons import Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.config.tracks import Tracks
from hnlstat.models.checks import rates
from hnlstat.physics.processes import Kaons
from hnlstat.search.channels import Found, Recipe, by_mode, recipes
from hnlstat.search.kept import branching_and_efficiency, branching_ratio
from hnlstat.search.layout import Layout
from hnlstat.search.selecting import selection
from hnlstat.search.stations import Station, stations
from hnlstat.search.table import CutFlow, YieldTable
from hnlstat.simulation import setup
from hnlstat.simulation.apparatus import Apparatus, WeightedColumn
from hnlstat.simulation.kaons import Tunnel
from hnlstat.simulation.sample import MassSample, Precision, simulate
from hnlstat.simulation.tabulated import from_table

Array = NDArray[np.float64]

RELEVANT_EVENTS = 0.1
"""Yields below this many events are sampled without a precision goal: no contour passes there."""

TOLERATED = 1.5
"""Times the precision asked for: what errors may reach before anything is done about it."""


@dataclass(frozen=True)
class Job:
    """One station at one mass; simulated in whichever process."""

    apparatus: Apparatus | Tunnel
    mass: float
    strength: Array
    kappa: Array
    precision: Precision
    seed: int

    def run(self) -> MassSample:
        """Simulate all couplings with the same rays."""
        return simulate(
            self.apparatus, self.mass, self.strength, self.kappa, self.precision, self.seed
        )


@dataclass(frozen=True)
class Plan:
    """The simulation of a Study, cut into jobs.

    Attributes
    ----------
    study : what is simulated
    stations : what is sampled; jobs run over these, and for each over the masses
    masses, couplings : the grid [GeV], [unit of the coupling]; what is simulated is `scan.table` if
        there is one
    """

    study: Study
    stations: tuple[Station, ...]
    masses: Array
    couplings: Array

    @classmethod
    def of(cls, study: Study, masses: Array, couplings: Array) -> "Plan":
        """Plan the simulation of a Study on a grid of masses and couplings."""
        return cls(study, stations(study), masses, couplings)

    def jobs(self) -> Iterator[Job]:
        """One job for each station and mass."""
        study = self.study
        masses, couplings = self._simulated()
        strength, kappa = rates(study.model, masses, couplings)
        for station in self.stations:
            apparatus, weights = self._apparatus(station), self._weights(station, masses)
            for i, mass in enumerate(masses):
                asked = study.simulation
                precision = Precision(
                    asked.precision, weights[i], RELEVANT_EVENTS, asked.max_points
                )
                yield Job(
                    apparatus(float(mass)), float(mass), strength, kappa[i], precision,
                    study.simulation.seed,
                )  # fmt: skip

    def _apparatus(self, station: Station) -> Callable[[float], Apparatus | Tunnel]:
        """What is simulated at a mass [GeV]."""
        study, modes, flux = self.study, station.modes, station.flux
        chosen = selection(study, station, self._layout(station))
        if isinstance(flux, KaonFlux):
            parts = study, station.detector, station.volumes, flux, load_kaons(flux), modes
            return lambda mass: setup.tunnel(*parts, mass, chosen)
        table = load_flux(flux.table, flux.unit).only(flux.flavours_in)
        weighted = tuple(
            WeightedColumn(k, weight)
            for weight in setup.variations(study).values()
            for k in range(len(modes))
        )
        same = setup.apparatus(
            study, station.detector, station.volumes, station.min_cos_theta,
            setup.flux_columns(study, flux, table, modes), table.edges_gev, weighted,
            chosen, study.systematics.rock_length, flux.distance,
        )  # fmt: skip
        return lambda _: same

    def _layout(self, station: Station) -> Layout:
        return Layout.of(self.study, station.search, len(station.modes))

    def _weights(self, station: Station, masses: Array) -> Array:
        """Events per decay (M, K, V); columns at +1 sigma share the sample: they have none."""
        layout = self._layout(station)
        found = np.zeros((masses.size, layout.columns, len(station.volumes)))
        for dataset, search in station.members:
            kept = branching_and_efficiency(self.study, search, masses)
            recipe = self._recipes(search, masses)
            places = [station.volumes.index(name) for name in dataset.volumes(search)]
            for mode, pot in dataset.exposure.pot.items():
                share = np.ones((layout.bins or 1, 1))
                if recipe:
                    share = recipe[mode].share.sum(axis=2).T
                for column, part in zip(
                    layout.nominal(station.modes.index(mode)), share, strict=True
                ):
                    found[:, column, places] += pot * (kept * part)[:, None]
        return found

    def _recipes(self, search: Search, masses: Array) -> dict[str, Recipe]:
        """What becomes of decays by mode, by horn mode; none of other searches."""
        return recipes(self.study, search, masses) if isinstance(search, Channels) else {}

    def table(self, samples: Sequence[MassSample]) -> YieldTable:
        """Assemble the samples of all jobs, in their order."""
        samples = self._on_grid(samples)
        n = len(self.masses)
        mine = {id(s): samples[n * i : n * (i + 1)] for i, s in enumerate(self.stations)}
        rows: list[_Row] = []
        for dataset, search in self.study.searches:
            station = self._station(dataset, search)
            rows += self._rows(station, dataset, search, mine[id(station)])
        return YieldTable(
            masses=self.masses,
            couplings=self.couplings,
            dataset=tuple(row.dataset for row in rows),
            mode=tuple(row.mode for row in rows),
            volume=tuple(row.volume for row in rows),
            channel=tuple(row.channel for row in rows),
            bin=tuple(row.bin for row in rows),
            decays=np.stack([row.decays for row in rows], axis=-1),
            events=np.stack([row.events for row in rows], axis=-1),
            mc_error=np.stack([row.mc_error for row in rows], axis=-1),
            interpolated=np.stack([row.interpolated for row in rows], axis=-1),
            modifiers={
                name: np.stack(
                    [row.modifiers.get(name, np.zeros_like(row.events)) for row in rows], axis=-1
                )
                for name in dict.fromkeys(name for row in rows for name in row.modifiers)
            },
            cut_flows=tuple(self._cut_flows(mine)),
        )

    def _station(self, dataset: Dataset, search: Search) -> Station:
        return next(s for s in self.stations if s.serves(dataset, search))

    def _simulated(self) -> tuple[Array, Array]:
        """Masses and couplings of the jobs."""
        table = self.study.scan.table
        if table is None:
            return self.masses, self.couplings
        return table.mass.array(), table.coupling.array()

    def _on_grid(self, samples: Sequence[MassSample]) -> Sequence[MassSample]:
        """Samples at the masses and couplings of the grid, from those of the jobs."""
        if self.study.scan.table is None:
            return samples
        known, grid = self._simulated(), (self.masses, self.couplings)
        n = len(known[0])
        return [
            sample
            for first in range(0, len(samples), n)
            for sample in from_table(samples[first : first + n], *known, *grid)
        ]

    def _rows(
        self, station: Station, dataset: Dataset, search: Search, samples: Sequence[MassSample]
    ) -> Iterator["_Row"]:
        layout = self._layout(station)
        kept = branching_and_efficiency(self.study, search, self.masses)[:, None]
        recipe = self._recipes(search, self.masses)
        for mode, pot in dataset.exposure.pot.items():
            k = station.modes.index(mode)
            for volume in dataset.volumes(search):
                v = station.volumes.index(volume)
                made = pot * np.array([s.decays[layout.all_decays(k), v] for s in samples])
                for bin_ in range(search.bins):
                    if recipe:
                        parts = [
                            self._plain(samples, layout.selected(k, i), v)
                            for i in range(layout.bins)
                        ]
                        found = by_mode(recipe[mode], bin_, parts)
                    else:
                        found = self._plain(samples, layout.selected(k, bin_), v)
                    yield _Row(
                        dataset.name, mode, volume, *dataset.bins(search, mode)[bin_], made,
                        kept * (pot * found.decays), kept * pot * found.error,
                        np.array([s.interpolated for s in samples]), found.modifiers,
                    )  # fmt: skip

    def _plain(self, samples: Sequence[MassSample], columns: slice, v: int) -> Found:
        """Decays in a column and its variations, in a volume."""
        decays = np.array([s.decays[columns, v] for s in samples])
        rock, beyond = (
            np.array([part[columns.start, v] for part in parts])
            for parts in zip(*((s.rock, s.beyond) for s in samples), strict=True)
        )
        error = np.array([s.error[columns.start, v] for s in samples])
        return Found(decays[:, 0], error, self._modifiers(decays, rock, beyond))

    def _modifiers(self, decays: Array, rock: Array, beyond: Array) -> dict[str, Array]:
        """Relative changes (M, D) from decays (M, 1 + variations, D), and those from more rock."""
        nominal = decays[:, 0]
        # the columns: nominal, then each of these at +1 sigma
        shifts = zip(
            ("flux", *setup.variations(self.study)), decays[:, 1:].swapaxes(0, 1), strict=True
        )
        sizes = self.study.systematics
        if isinstance(self.study.model.source, Kaons):
            return {name: _ratio(up - nominal, nominal) for name, up in shifts}
        found = {"rock_density": sizes.rock_density * _ratio(rock, nominal)}
        if sizes.rock_length:
            found["rock_length"] = _ratio(beyond, nominal)
        return found | {name: _ratio(up - nominal, nominal) for name, up in shifts}

    def _cut_flows(self, samples: dict[int, Sequence[MassSample]]) -> Iterator[CutFlow]:
        """Decays to the final state that pass the cuts, over all volumes of each dataset."""
        done: list[Search] = []
        for _, search in self.study.searches:
            if isinstance(search, Tracks | Photons) and search not in done:
                done.append(search)
                yield self._cut_flow(search, samples)

    def _cut_flow(self, search: Search, samples: dict[int, Sequence[MassSample]]) -> CutFlow:
        branching = branching_ratio(self.study, search, self.masses)
        passing, beyond = {}, {}
        for dataset in (d for d, other in self.study.searches if other == search):
            station = self._station(dataset, search)
            layout = self._layout(station)
            places = [station.volumes.index(name) for name in dataset.volumes(search)]
            total = [s.decays[:, places].sum(axis=1) for s in samples[id(station)]]
            for mode, pot in dataset.exposure.pot.items():
                k = station.modes.index(mode)
                scale = pot * branching[:, None, None]
                flow = scale * np.array([t[layout.flow(k)] for t in total])
                made = scale * np.array([t[[layout.all_decays(k)]] for t in total])
                name = dataset.channel(search, mode)
                passing[name] = np.concatenate([made, flow[:, :-1]], axis=1).swapaxes(1, 2)
                beyond[name] = flow[:, -1]
        return CutFlow(
            search.name, self.masses, self.couplings, tuple(passing),
            (*search.cut_flow,), (*search.cut_flow.values(),),
            np.stack([*passing.values()], axis=2), np.stack([*beyond.values()], axis=2),
        )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """One bin of one volume in one mode of one search of a dataset; arrays (M, D)."""

    dataset: str
    mode: str
    volume: str
    channel: str
    bin: int
    decays: Array
    events: Array
    mc_error: Array
    interpolated: NDArray[np.bool_]
    modifiers: dict[str, Array]


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
