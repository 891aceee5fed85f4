"""The table of yields of a Study: every detector simulated once, then scaled to each exposure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.beam.flux import load_flux
from hnlstat.config.detector import Detector
from hnlstat.config.search import Kinematic
from hnlstat.config.sections import Dataset
from hnlstat.config.study import Study
from hnlstat.models import checks as model_checks
from hnlstat.models.checks import rates
from hnlstat.search.layout import Layout
from hnlstat.search.selecting import PairSelection
from hnlstat.search.table import CutFlow, YieldTable
from hnlstat.simulation import setup
from hnlstat.simulation.apparatus import Apparatus, WeightedColumn
from hnlstat.simulation.sample import MassSample, Precision, simulate
from hnlstat.simulation.tabulated import from_table

Array = NDArray[np.float64]

RELEVANT_EVENTS = 0.1
"""Yields below this many events are sampled without a precision goal: no contour passes there."""

TOLERATED = 1.5
"""Times the precision asked for: what errors may reach before anything is done about it."""


@dataclass(frozen=True)
class Job:
    """One detector at one mass; simulated in whichever process."""

    apparatus: Apparatus
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
    modes : horn modes, in the order of the flux columns
    detectors : distinct detectors; jobs run over these, and for each over the masses
    masses, couplings : the grid [GeV], [unit of the coupling]; what is simulated is `scan.table` if
        there is one
    """

    study: Study
    modes: tuple[str, ...]
    detectors: tuple[Detector, ...]
    masses: Array
    couplings: Array

    @classmethod
    def of(cls, study: Study, masses: Array, couplings: Array) -> "Plan":
        """Plan the simulation of a Study on a grid of masses and couplings."""
        modes = tuple(dict.fromkeys(m for d in study.datasets for m in d.exposure.pot))
        detectors: list[Detector] = []
        for dataset in study.datasets:
            if dataset.detector not in detectors:
                detectors.append(dataset.detector)
        return cls(study, modes, tuple(detectors), masses, couplings)

    def jobs(self) -> Iterator[Job]:
        """One job for each detector and mass."""
        study = self.study
        masses, couplings = self._simulated()
        table = load_flux(study.flux.table).only(study.flux.flavours_in)
        flux = setup.flux_columns(study, table, self.modes)
        strength, kappa = rates(study.model, masses, couplings)
        efficiency = branching_and_efficiency(study, masses)
        weighted = tuple(
            WeightedColumn(k, weight)
            for weight in setup.variations(study).values()
            for k in range(len(self.modes))
        )
        layout = Layout.of(study, len(self.modes))
        for detector in self.detectors:
            apparatus = setup.apparatus(
                study, detector, flux, table.edges_gev, weighted,
                PairSelection.of(study, detector, layout), study.systematics.rock_length,
            )  # fmt: skip
            pot = self._total_pot(detector)
            for i, mass in enumerate(masses):
                # columns at +1 sigma share the sample and need no precision of their own
                weight = np.zeros(apparatus.columns)
                for k in range(len(self.modes)):
                    for nominal in layout.nominal(k):
                        weight[nominal] = pot[k] * efficiency[i]
                precision = Precision(
                    study.simulation.precision,
                    weight,
                    RELEVANT_EVENTS,
                    study.simulation.max_points,
                )
                yield Job(
                    apparatus, float(mass), strength, kappa[i], precision,
                    study.simulation.seed,
                )  # fmt: skip

    def table(self, samples: Sequence[MassSample]) -> YieldTable:
        """Assemble the samples of all jobs, in their order."""
        samples = self._on_grid(samples)
        n = len(self.masses)
        efficiency = branching_and_efficiency(self.study, self.masses)
        rows: list[_Row] = []
        for dataset in self.study.datasets:
            first = n * self.detectors.index(dataset.detector)
            mine = samples[first : first + n]
            rows += self._rows(dataset, mine, efficiency)
        return YieldTable(
            masses=self.masses,
            couplings=self.couplings,
            dataset=tuple(row.dataset for row in rows),
            mode=tuple(row.mode for row in rows),
            volume=tuple(row.volume for row in rows),
            channel=tuple(f"{row.dataset}_{row.mode}" for row in rows),
            bin=tuple(row.bin for row in rows),
            decays=np.stack([row.decays for row in rows], axis=-1),
            events=np.stack([row.events for row in rows], axis=-1),
            mc_error=np.stack([row.mc_error for row in rows], axis=-1),
            interpolated=np.stack([row.interpolated for row in rows], axis=-1),
            modifiers={
                name: np.stack([row.modifiers[name] for row in rows], axis=-1)
                for name in rows[0].modifiers
            },
            cut_flow=self._cut_flow(samples),
        )

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

    def _total_pot(self, detector: Detector) -> Array:
        """Sum of the exposures of all datasets with this detector, by mode."""
        mine = [d.exposure.pot for d in self.study.datasets if d.detector == detector]
        return np.array([sum(pot.get(mode, 0.0) for pot in mine) for mode in self.modes])

    def _rows(
        self, dataset: Dataset, samples: Sequence[MassSample], efficiency: Array
    ) -> Iterator["_Row"]:
        layout = Layout.of(self.study, len(self.modes))
        for mode, pot in dataset.exposure.pot.items():
            k = self.modes.index(mode)
            for v, volume in enumerate(dataset.detector.fiducial):
                made = pot * np.array([s.decays[layout.all_decays(k), v] for s in samples])
                for bin_ in range(max(layout.bins, 1)):
                    columns = layout.selected(k, bin_)
                    decays = np.array([s.decays[columns, v] for s in samples])
                    rock, beyond = (
                        np.array([part[columns.start, v] for part in parts])
                        for parts in zip(*((s.rock, s.beyond) for s in samples), strict=True)
                    )
                    error = np.array([s.error[columns.start, v] for s in samples])
                    kept = efficiency[:, None]
                    yield _Row(
                        dataset.name, mode, volume, bin_, made, kept * (pot * decays[:, 0]),
                        kept * pot * error, np.array([s.interpolated for s in samples]),
                        self._modifiers(decays, rock, beyond),
                    )  # fmt: skip

    def _modifiers(self, decays: Array, rock: Array, beyond: Array) -> dict[str, Array]:
        """Relative changes (M, D) from decays (M, 1 + variations, D), and those from more rock."""
        nominal = decays[:, 0]
        # the columns: nominal, then each of these at +1 sigma
        shifts = zip(
            ("flux", *setup.variations(self.study)), decays[:, 1:].swapaxes(0, 1), strict=True
        )
        sizes = self.study.systematics
        found = {"rock_density": sizes.rock_density * _ratio(rock, nominal)}
        if sizes.rock_length:
            found["rock_length"] = _ratio(beyond, nominal)
        return found | {name: _ratio(up - nominal, nominal) for name, up in shifts}

    def _cut_flow(self, samples: Sequence[MassSample]) -> CutFlow | None:
        """Decays to the selected channel that pass the cuts, over all volumes of each dataset."""
        layout = Layout.of(self.study, len(self.modes))
        if not layout.bins:
            return None
        n, branching = len(self.masses), branching_ratio(self.study, self.masses)
        passing, beyond = {}, {}
        for dataset in self.study.datasets:
            first = n * self.detectors.index(dataset.detector)
            for mode, pot in dataset.exposure.pot.items():
                k = self.modes.index(mode)
                total = [s.decays.sum(axis=1) for s in samples[first : first + n]]
                scale = pot * branching[:, None, None]
                flow = scale * np.array([t[layout.flow(k)] for t in total])
                made = scale * np.array([t[[layout.all_decays(k)]] for t in total])
                name = f"{dataset.name}_{mode}"
                passing[name] = np.concatenate([made, flow[:, :-1]], axis=1).swapaxes(1, 2)
                beyond[name] = flow[:, -1]
        return CutFlow(
            self.masses, self.couplings, tuple(passing), layout.cuts,
            np.stack([*passing.values()], axis=2), np.stack([*beyond.values()], axis=2),
        )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """One bin of one volume in one mode of one dataset; arrays (M, D)."""

    dataset: str
    mode: str
    volume: str
    bin: int
    decays: Array
    events: Array
    mc_error: Array
    interpolated: NDArray[np.bool_]
    modifiers: dict[str, Array]


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def branching_and_efficiency(study: Study, masses: Array) -> Array:
    """Branching ratio to the selected channel times efficiency, (M,)."""
    return branching_ratio(study, masses) * efficiency(study, masses)


def efficiency(study: Study, masses: ArrayLike) -> Array:
    """Efficiency for decays to the selected channel, same shape as `masses`.

    That of a recast is linear between the tabulated masses and constant outside them; that of a
    kinematic selection is its calibration, for decays that pass the cuts.
    """
    selection = study.selection
    if isinstance(selection, Kinematic):
        return np.full(np.shape(masses), selection.calibration)
    table = selection.efficiency
    return np.asarray(np.interp(np.asarray(masses), table.mass, table.value))


def branching_ratio(study: Study, masses: ArrayLike) -> Array:
    """Branching ratio to the selected channel, as the model has it, same shape as `masses`."""
    return model_checks.branching_ratio(study.model, masses, study.selection.channel)
