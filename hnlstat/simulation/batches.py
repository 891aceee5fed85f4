"""What weighted events of all sources share: rays in batches, decays of N, and their columns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.models.checks import branching_ratio, rates
from hnlstat.physics.constants import NEUTRINO_CODE
from hnlstat.physics.decay_kinematics import four_momentum
from hnlstat.physics.processes import Decay
from hnlstat.simulation.sampling import Rays
from hnlstat.simulation.vertices import Vertices

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
    branching : branching ratio to the final state
    decay : sampler of that decay; None: N only, without its products
    """

    mass: float
    couplings: Array
    strength: Array
    kappa: Array
    majorana: bool
    branching: float
    decay: Decay | None

    @classmethod
    def of(cls, study: Study, mass: float, couplings: Sequence[float]) -> "EventModel":
        """Take the model and the decay channel from a Study."""
        values, model = np.array(couplings), study.model
        _, search = next(study.searches)
        strength, kappa = rates(model, np.array([mass]), values)
        return cls(
            mass,
            values,
            strength,
            kappa[0],
            model.nature == "majorana",
            float(branching_ratio(model, mass, search.final_state)),
            model.decay(search.final_state),
        )


@dataclass(frozen=True, eq=False)
class Maker:
    """What made the N of n events.

    Attributes
    ----------
    mode : (n,) horn modes
    columns : what is told of it
    sign : (n,) 1 of neutrinos and K+, else -1
    """

    mode: NDArray[np.str_]
    columns: Columns
    sign: NDArray[np.int64]


class Batches(ABC):
    """Events of one kind, a batch of which a worker makes."""

    model: EventModel
    dataset: str
    volume: str
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

    @abstractmethod
    def _rays(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Rays, Vertices, Array, NDArray[np.int64]]:
        """Rays, their vertices, weights (n, D) and flux columns (n,)."""

    def _drawn(
        self, rays: Rays, vertices: Vertices, flux: Array, rng: np.random.Generator
    ) -> tuple[Array, NDArray[np.int64]]:
        """Weights (n, D), and columns (n,) that are drawn from a flux (K, n)."""
        total = np.cumsum(flux, axis=0)
        column = np.sum(total <= rng.random(len(rays.weight)) * total[-1], axis=0)
        scale = rays.weight * total[-1] * self.model.branching / self.all_rays
        return vertices.weight * scale[:, None], column

    def _events(
        self,
        rays: Rays,
        vertices: Vertices,
        weight: Array,
        column: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Columns:
        """Decay the N of rays that have a weight, and put all into columns."""
        kept, model = np.any(weight > 0, axis=1), self.model
        n = int(np.sum(kept))
        direction, origin = -rays.direction[kept], rays.origin[kept]
        vertex = origin - vertices.distance[kept, None] * direction
        momentum = rays.momentum[kept, None] * direction
        maker = self._maker(column[kept], rays.energy[kept], vertex)
        spin = maker.sign[:, None] * rays.spin(kept)
        columns: Columns = {
            "dataset": np.full(n, self.dataset),
            "mode": maker.mode,
            "volume": np.full(n, self.volume),
            **maker.columns,
            **{f"vertex_{axis}": vertex[:, i] for i, axis in enumerate(AXES)},
            **{f"decay_{axis}": origin[:, i] for i, axis in enumerate(AXES)},
            "n_pdg": np.full(n, N_CODE) if model.majorana else N_CODE * maker.sign,
            "n_helicity": np.sum(spin * direction, axis=1),
            **four_vector("n", four_momentum(momentum, model.mass)),
        }
        if model.decay is not None:
            columns |= self._products(model.decay, momentum, spin, maker.sign, rng)
        names = weight_names(model.couplings)
        return columns | {name: weight[kept, i] for i, name in enumerate(names)}

    def _products(
        self,
        decay: Decay,
        momentum: Array,
        spin: Array,
        sign: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Columns:
        """Products of N (n, 3); a Majorana N decays to both lepton numbers."""
        n = len(momentum)
        number = rng.choice([-1, 1], n) if self.model.majorana else sign
        if decay.number is not None:
            number = np.full(n, decay.number)
        unit = rng.random((n, decay.dimensions))
        found = decay.with_spin(unit, momentum, self.model.mass, spin * number[:, None])
        columns = self._named(decay, found, number)
        shares = decay.neutrinos(self.model.mass)
        if shares is not None:
            columns["decay_nu_pdg"] = rng.choice([*NEUTRINO_CODE.values()], n, p=shares) * number
        return columns

    @abstractmethod
    def _maker(self, column: NDArray[np.int64], energy: Array, vertex: Array) -> Maker:
        """What made N, of flux columns (n,), energies of the rays (n,) and vertices (n, 3)."""

    @abstractmethod
    def _named(self, decay: Decay, found: Sequence[Array], number: NDArray[np.int64]) -> Columns:
        """Columns of the products (n, 4) of decays of a lepton number (n,)."""


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
