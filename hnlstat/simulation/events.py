"""Weighted events: neutrino, vertex, N, decay point and products, at one mass and some couplings.

Rays are drawn as for the yields: backwards, from decay points uniform in a fiducial volume. Each
gets one vertex, one neutrino and one decay, so that it is an event of weight

    flux * volume * dsigma/dQ^2 * BR * S int n kappa exp(-kappa s) ds,

S the model's strength, and the sum of weights is the expected number of decays to the final state
before the selection's efficiency.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.models.checks import branching_ratio, from_neutrinos, rates
from hnlstat.physics.constants import NEUTRINO_CODE
from hnlstat.physics.decay_kinematics import four_momentum
from hnlstat.physics.processes import Decay, Kaons
from hnlstat.simulation.apparatus import Apparatus, matter_behind
from hnlstat.simulation.divergence import bent, neutrino_direction, pieces
from hnlstat.simulation.sampling import DIMENSIONS, Rays, Scatterer, sample_rays
from hnlstat.simulation.vertices import Vertices, draw_vertices, matter_segments

Array = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
"""Events by column name; docs/events.md lists them."""

N_CODE = 9900012
"""Number of N (of the anti-N, negative): PDG reserves it for a right-handed neutrino."""

_PILOT_RAYS = 512
_CHUNK = 2048
AXES = "xyz"


@dataclass(frozen=True)
class EventModel:
    """What is decayed, and at which couplings.

    Attributes
    ----------
    mass : of N [GeV]
    couplings : (D,) in the unit of the model
    strength : (D,) what the production is proportional to, at each coupling
    kappa : (D,) inverse proper decay length at each coupling [1/m]
    majorana : whether N is its own antiparticle
    helicity : of the N that a neutrino makes; 1 of those of kaons, which have their own
    branching : branching ratio to the final state
    decay : sampler of that decay; None: N only, without its products
    """

    mass: float
    couplings: Array
    strength: Array
    kappa: Array
    majorana: bool
    helicity: float
    branching: float
    decay: Decay | None

    @classmethod
    def of(cls, study: Study, mass: float, couplings: Sequence[float]) -> "EventModel":
        """Take the model and the decay channel from a Study."""
        values, model = np.array(couplings), study.model
        _, search = next(study.searches)
        strength, kappa = rates(model, np.array([mass]), values)
        kaons = isinstance(model.source, Kaons)
        return cls(
            mass,
            values,
            strength,
            kappa[0],
            model.nature == "majorana",
            1.0 if kaons else from_neutrinos(model).helicity,
            float(branching_ratio(model, mass, search.final_state)),
            model.decay(search.final_state),
        )


class Batches(ABC):
    """Events of one kind, a batch of which a worker makes."""

    model: EventModel
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

    def weights(self, weight: Array) -> Columns:
        """Columns of the weights (n, D)."""
        names = weight_names(self.model.couplings)
        return {name: weight[:, i] for i, name in enumerate(names)}

    @abstractmethod
    def _rays(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Rays, Vertices, Array, NDArray[np.int64]]:
        """Rays, their vertices, weights (n, D) and flux columns (n,)."""

    @abstractmethod
    def _events(
        self,
        rays: Rays,
        vertices: Vertices,
        weight: Array,
        column: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Columns:
        """Decay the N of rays that have a weight, and put all into columns."""


@dataclass(frozen=True)
class EventJob(Batches):
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
    directed : whether events have momenta of their neutrinos, which need not run along z
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
    directed: bool = False

    def _rays(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Rays, Vertices, Array, NDArray[np.int64]]:
        """Rays, their vertices, weights (n, D) and flux columns (n,)."""
        app, model = self.apparatus, self.model
        rays = sample_rays(
            rng.random((n, DIMENSIONS)), app.edges, self.proposal, model.mass, app.source,
            self.scatterer, app.min_cos_scattering, app.fiducial, np.full(n, self.place),
        )  # fmt: skip
        density = app.boxes.coefficients @ self.scatterer.density
        boxes = np.flatnonzero(density)
        slices = [
            matter_behind(app, piece, boxes)
            for piece in pieces(rays, app.distance, app.min_cos_theta)
        ]
        near, far = (np.hstack(ends) for ends in zip(*slices, strict=True))
        vertices = draw_vertices(
            matter_segments(near, far, np.tile(density[boxes], len(slices))),
            model.mass / rays.momentum, model.strength, model.kappa, rng.random((n, 2)),
        )  # fmt: skip
        if app.distance is not None:
            rays = bent(rays, app.distance, vertices.distance, app.min_cos_theta)
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
        model, sign = self.model, np.sign(neutrino)
        momentum = rays.momentum[kept, None] * direction
        code = np.full(n, N_CODE) if model.majorana else N_CODE * sign
        columns: Columns = {
            "dataset": np.full(n, self.dataset),
            "mode": np.array(self.modes)[column[kept]],
            "volume": np.full(n, self.volume),
            "target": np.full(n, self.scatterer.name),
            "target_pdg": np.full(n, self.scatterer.target.pdg_code),
            "nu_pdg": neutrino,
            "nu_e": rays.energy[kept],
            **(self._neutrino(rays.energy[kept], vertex) if self.directed else {}),
            **{f"vertex_{axis}": vertex[:, i] for i, axis in enumerate(AXES)},
            **{f"decay_{axis}": origin[:, i] for i, axis in enumerate(AXES)},
            "n_pdg": code,
            "n_helicity": sign * model.helicity,
            **four_vector("n", four_momentum(momentum, model.mass)),
        }
        if model.decay is not None:
            columns |= self._products(model.decay, momentum, sign, rng)
        return columns | self.weights(weight[kept])

    def _neutrino(self, energy: Array, vertex: Array) -> Columns:
        """Momenta of neutrinos with energies (n,) at vertices (n, 3)."""
        distance = self.apparatus.distance
        along = np.array([[0.0, 0.0, 1.0]])
        if distance is not None:
            along = neutrino_direction(vertex, distance)
        return {f"nu_p{axis}": energy * along[:, i] for i, axis in enumerate(AXES)}

    def _products(
        self, decay: Decay, momentum: Array, sign: NDArray[Any], rng: np.random.Generator
    ) -> Columns:
        """Products of the N (n, 3) that neutrinos or antineutrinos, by their sign (n,), make."""
        model, n = self.model, len(sign)
        # the lepton number of the decay
        number = rng.choice([-1, 1], n) if model.majorana else sign
        unit = rng.random((n, decay.dimensions))
        found = decay.sample(unit, momentum, model.mass, sign * model.helicity * number)
        columns: Columns = {}
        for product, vector in zip(decay.products, found, strict=True):
            columns |= four_vector(product.name, vector)
        shares = decay.neutrinos(model.mass)
        if shares is not None:
            flavour = rng.choice(list(NEUTRINO_CODE.values()), n, p=shares)
            columns["decay_nu_pdg"] = flavour * number
        return columns


def four_vector(name: str, vector: Array) -> Columns:
    """Columns of a four-vector (n, 4) [GeV]."""
    columns = {f"{name}_e": vector[:, 0]}
    return columns | {f"{name}_p{axis}": vector[:, 1 + i] for i, axis in enumerate(AXES)}


def weight_names(couplings: Sequence[float] | Array) -> list[str]:
    """Names of the columns of weights, such as weight_4em07 for 4e-7; the first is weight."""
    tags = [f"{d:.6g}".replace(".", "p").replace("-", "m").replace("+", "") for d in couplings[1:]]
    return ["weight", *(f"weight_{tag}" for tag in tags)]


def join(batches: Sequence[Columns]) -> Columns:
    """Join events column by column."""
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
