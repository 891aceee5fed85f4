"""Weighted events: neutrino, vertex, N, decay point, e+ and e-, for one mass and several couplings.

Rays are drawn as for the yields: backwards, from decay points uniform in a fiducial volume. Each
gets one vertex, one neutrino and one decay, so that it is an event of weight

    flux * volume * dsigma/dQ^2 * BR * d^2 int n kappa exp(-kappa s) ds,

and the sum of weights is the expected number of decays to e+ e- before the selection's efficiency.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.beam.flux import POT_UNIT, FluxTable, load_flux
from hnlstat.config.sections import Dataset
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.physics.constants import NEUTRINO_CODE
from hnlstat.physics.decay_kinematics import DILEPTON_DIMENSIONS, decay_to_dilepton, four_momentum
from hnlstat.search.yields import branching_ratio, inverse_decay_lengths
from hnlstat.simulation import setup
from hnlstat.simulation.apparatus import Apparatus, matter_behind
from hnlstat.simulation.sampling import DIMENSIONS, Rays, Scatterer, energy_proposal, sample_rays
from hnlstat.simulation.vertices import Vertices, draw_vertices, matter_segments

Array = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
"""Events by column name; docs/events.md lists them."""

N_CODE = 9900012
"""Number of N (of the anti-N, negative): PDG reserves it for a right-handed neutrino."""

_PILOT_RAYS = 512
_MOST_RAYS = 16384
_CHUNK = 2048
_AXES = "xyz"


@dataclass(frozen=True)
class EventModel:
    """What is decayed, and at which couplings.

    Attributes
    ----------
    mass : of N [GeV]
    couplings : (D,) d [GeV^-1]
    kappa : (D,) inverse proper decay length at each coupling [1/m]
    majorana : whether N is its own antiparticle
    branching : branching ratio to e+ e-
    flavours : (3,) share of each neutrino flavour, e, mu, tau, in the decays
    """

    mass: float
    couplings: Array
    kappa: Array
    majorana: bool
    branching: float
    flavours: Array

    @classmethod
    def of(cls, study: Study, mass: float, couplings: Sequence[float]) -> "EventModel":
        """Take nature, flavours and decay channel from a Study."""
        d = np.array(couplings)
        squares = np.array([study.model.flavours.model_dump()[f] ** 2 for f in NEUTRINO_CODE])
        return cls(
            mass,
            d,
            float(inverse_decay_lengths(study, np.array([mass]))[0]) * d**2,
            study.model.nature == "majorana",
            float(branching_ratio(study, mass)),
            squares / squares.sum(),
        )


@dataclass(frozen=True)
class EventJob:
    """Events of one dataset in one fiducial volume on one kind of target.

    Attributes
    ----------
    model : mass, couplings and decays of N
    apparatus : detector; its flux (K, J) is one column per horn mode and flavour, times POT
    modes, codes : (K,) horn mode and PDG code of the neutrino of each column
    dataset, volume : names
    place : index of the volume
    scatterer : what the neutrinos scatter on
    proposal : (J,) probability of each flux bin
    rays, all_rays : number to sample, here and in all jobs on the same dataset, volume and target
    seed : fixes the random numbers
    """

    model: EventModel
    apparatus: Apparatus
    modes: tuple[str, ...]
    codes: tuple[int, ...]
    dataset: str
    volume: str
    place: int
    scatterer: Scatterer
    proposal: Array
    rays: int
    all_rays: int
    seed: tuple[int, ...]

    def run(self) -> Columns:
        """Sample; rays of weight 0 are left out."""
        rng = np.random.default_rng(self.seed)
        sizes = [min(_CHUNK, self.rays - start) for start in range(0, self.rays, _CHUNK)]
        return join([self._events(*self._rays(size, rng), rng) for size in sizes])

    def spread(self) -> Array:
        """Root mean square of the weights (D,), from a small sample with numbers of its own."""
        rng = np.random.default_rng((*self.seed, 0))
        _, _, weight, _ = self._rays(_PILOT_RAYS, rng)
        return np.asarray(np.sqrt(np.mean(np.square(weight * self.all_rays), axis=0)))

    def _rays(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Rays, Vertices, Array, NDArray[np.int64]]:
        """Rays, their vertices, weights (n, D) and flux columns (n,)."""
        app, model = self.apparatus, self.model
        rays = sample_rays(
            rng.random((n, DIMENSIONS)), app.edges, self.proposal, model.mass, self.scatterer,
            app.min_cos_theta, app.fiducial, np.full(n, self.place),
        )  # fmt: skip
        density = app.boxes.coefficients @ self.scatterer.density
        boxes = np.flatnonzero(density)
        near, far = matter_behind(app, rays, boxes)
        vertices = draw_vertices(
            matter_segments(near, far, density[boxes]), model.mass / rays.momentum,
            model.couplings, model.kappa, rng.random((n, 2)),
        )  # fmt: skip
        flux = np.cumsum(app.flux[:, rays.energy_bin], axis=0)
        column = np.sum(flux <= rng.random(n) * flux[-1], axis=0)
        scale = rays.weight * flux[-1] * model.branching / self.all_rays
        return rays, vertices, vertices.weight * scale[:, None], column

    def _events(
        self,
        rays: Rays,
        vertices: Vertices,
        weight: Array,
        column: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Columns:
        """Decay the N of rays that have a weight, and put all into columns."""
        kept = np.any(weight > 0, axis=1)
        n = int(np.sum(kept))
        direction, origin = -rays.direction[kept], rays.origin[kept]
        vertex = origin - vertices.distance[kept, None] * direction
        neutrino = np.array(self.codes)[column[kept]]
        helicity = np.sign(neutrino)
        momentum = rays.momentum[kept, None] * direction
        # the lepton number of the decay
        number = rng.choice([-1, 1], n) if self.model.majorana else helicity
        event = decay_to_dilepton(
            rng.random((n, DILEPTON_DIMENSIONS)), momentum, self.model.mass, helicity * number
        )
        outgoing = rng.choice(list(NEUTRINO_CODE.values()), n, p=self.model.flavours) * number
        code = np.full(n, N_CODE) if self.model.majorana else N_CODE * helicity
        columns: Columns = {
            "dataset": np.full(n, self.dataset),
            "mode": np.array(self.modes)[column[kept]],
            "volume": np.full(n, self.volume),
            "target": np.full(n, self.scatterer.name),
            "target_pdg": np.full(n, self.scatterer.target.pdg_code),
            "nu_pdg": neutrino,
            "nu_e": rays.energy[kept],
            **{f"vertex_{axis}": vertex[:, i] for i, axis in enumerate(_AXES)},
            **{f"decay_{axis}": origin[:, i] for i, axis in enumerate(_AXES)},
            "n_pdg": code,
            "n_helicity": helicity,
            **_four_vector("n", four_momentum(momentum, self.model.mass)),
            **_four_vector("eminus", event.minus),
            **_four_vector("eplus", event.plus),
            "decay_nu_pdg": outgoing,
        }
        names = weight_names(self.model.couplings)
        return columns | {name: weight[kept, i] for i, name in enumerate(names)}


def _four_vector(name: str, vector: Array) -> Columns:
    columns = {f"{name}_e": vector[:, 0]}
    return columns | {f"{name}_p{axis}": vector[:, 1 + i] for i, axis in enumerate(_AXES)}


def weight_names(couplings: Sequence[float] | Array) -> list[str]:
    """Names of the columns of weights, such as weight_4em07 for d = 4e-7; the first is weight."""
    tags = [f"{d:.6g}".replace(".", "p").replace("-", "m").replace("+", "") for d in couplings[1:]]
    return ["weight", *(f"weight_{tag}" for tag in tags)]


def join(batches: Sequence[Columns]) -> Columns:
    """Join events column by column."""
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def strata(study: Study, model: EventModel) -> list[EventJob]:
    """One job for each dataset, fiducial volume and kind of target that can make N."""
    table = load_flux(study.flux.table).only(study.flux.flavours_in)
    jobs: list[EventJob] = []
    for i, dataset in enumerate(study.datasets):
        modes, codes, flux = _sources(study, dataset, table)
        app = setup.apparatus(study, dataset.detector, flux, table.edges_gev)
        for k, scatterer in enumerate(app.scatterers):
            proposal = energy_proposal(
                app.edges, flux.sum(axis=0), model.mass, scatterer, app.min_cos_theta
            )
            if not np.any(proposal > 0) or not np.any(app.boxes.coefficients @ scatterer.density):
                continue
            key = study.simulation.seed, int(np.float64(model.mass).view(np.uint64)), i, k
            jobs += [
                EventJob(
                    model, app, modes, codes, dataset.name, volume, v, scatterer, proposal,
                    rays=1, all_rays=1, seed=(*key, v),
                )
                for v, volume in enumerate(dataset.detector.fiducial)
            ]  # fmt: skip
    return jobs


def _sources(
    study: Study, dataset: Dataset, table: FluxTable
) -> tuple[tuple[str, ...], tuple[int, ...], Array]:
    """Mode, neutrino and flux (K, J) per cm^2 in the exposure, times (d_a / d)^2."""
    relative = study.model.flavours.model_dump()
    found = []
    for mode, pot in dataset.exposure.pot.items():
        for (table_mode, name), flux in table.flux.items():
            flavour = name.removeprefix("nu").removesuffix("bar")
            if table_mode == mode and relative[flavour] != 0:
                sign = -1 if name.endswith("bar") else 1
                scaled = flux * pot / POT_UNIT * relative[flavour] ** 2
                found.append((mode, sign * NEUTRINO_CODE[flavour], scaled))
    modes, codes, fluxes = zip(*found, strict=True)
    return modes, codes, np.array(fluxes)


def divide(jobs: Sequence[EventJob], spreads: Sequence[Array], number: int) -> Iterator[EventJob]:
    """Share out rays by the spread of the weights, and cut large jobs into pieces.

    A twentieth goes to all alike, so that no job is left without for what its pilot missed.

    Parameters
    ----------
    jobs : from `strata`
    spreads : (D,) of each job, from `EventJob.spread`
    number : of rays in all, about

    Raises
    ------
    ConfigError
        If no N decays in any fiducial volume at any coupling.
    """
    spread = np.array(spreads).reshape(len(jobs), -1)
    total = spread.sum(axis=0)
    if not np.any(total > 0):
        raise ConfigError("model.mass, model.coupling: no N decays in any fiducial volume")
    share = np.mean(spread[:, total > 0] / total[total > 0], axis=1)
    rays = np.ceil(number * (0.95 * share + 0.05 / len(jobs))).astype(int)
    for job, own in zip(jobs, rays.tolist(), strict=True):
        for piece, start in enumerate(range(0, own, _MOST_RAYS), 1):
            size = min(_MOST_RAYS, own - start)
            yield replace(job, rays=size, all_rays=own, seed=(*job.seed, piece))


class Tally:
    """Running sums of weights while events pass by, by channel and coupling.

    Attributes
    ----------
    rows : number of events so far
    """

    def __init__(self, couplings: Sequence[float]) -> None:
        self.rows = 0
        self._couplings = dict(zip(weight_names(couplings), couplings, strict=True))
        self._sums: dict[str, dict[str, Array]] = {name: {} for name in self._couplings}

    def passing(self, batches: Iterable[Columns]) -> Iterator[Columns]:
        """Hand events on, batch by batch, and count them."""
        for events in batches:
            self.rows += len(events["weight"])
            channel = np.char.add(np.char.add(events["dataset"], "_"), events["mode"])
            for name, sums in self._sums.items():
                for one in np.unique(channel).tolist():
                    weight = events[name][channel == one]
                    new = np.array([np.sum(weight), np.sum(weight**2)])
                    sums[one] = sums.get(one, 0.0) + new
            yield events

    def expectations(self) -> list[dict[str, Any]]:
        """Sums of the weights by channel at each coupling, with their errors, as plain numbers.

        `effective_events` is the number of events of equal weight that would be as precise.
        """
        return [
            {
                "coupling_inv_gev": self._couplings[name],
                "column": name,
                "channel": channel,
                "decays_to_ee": total,
                "mc_error": squares**0.5,
                "effective_events": total**2 / squares if squares > 0 else 0.0,
            }
            for name, sums in self._sums.items()
            for channel, (total, squares) in sorted((c, s.tolist()) for c, s in sums.items())
        ]
