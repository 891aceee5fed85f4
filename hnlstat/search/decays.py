"""Decays of the N of each ray, and the shares of them that a search selects, bin by bin.

A share is a weight of its ray like any other: times a column of the apparatus it is one more
column, so that one sample gives the selected yield at every coupling.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.photons import Photons
from hnlstat.config.study import Study
from hnlstat.config.tracks import Tracks
from hnlstat.physics.processes import Decay
from hnlstat.search.layout import Layout
from hnlstat.search.maps import EfficiencyMap
from hnlstat.simulation.sampling import Rays

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DecaySelection(ABC):
    """What is asked of the products of sampled decays.

    Attributes
    ----------
    decay : sampler
    number : mean lepton number of decays, 1 of a Dirac N and 0 of a Majorana N; anti-N are taken
        for N, whose products have the other charges, as selections treat both alike
    decays : sampled for each N
    observable : what is histogrammed; None: all in one bin
    edges : (B + 1,) of its bins; 0 and infinity without an observable
    efficiency_map : of decays that are else selected
    products : as `Layout.products`
    steps : names of the cuts, in their order
    """

    decay: Decay
    number: float
    decays: int
    observable: str | None
    edges: Array
    efficiency_map: EfficiencyMap | None
    products: tuple[tuple[int, int], ...]
    steps: tuple[str, ...]

    @staticmethod
    def settings(
        study: Study, search: Tracks | Photons, decay: Decay, layout: Layout
    ) -> dict[str, Any]:
        """The attributes above, of a search whose decays a sampler makes."""
        observable = search.observable
        return {
            "decay": decay,
            "number": 1.0 if study.model.nature == "dirac" else 0.0,
            "decays": search.decays,
            "observable": None if observable is None else observable.name,
            "edges": np.array((0.0, np.inf) if observable is None else observable.edges),
            "efficiency_map": EfficiencyMap.of(search),
            "products": layout.products,
            "steps": layout.cuts,
        }

    @property
    def added(self) -> int:
        """Number of columns of selected decays."""
        return len(self.products)

    def columns(
        self, columns: Array, rays: Rays, volume: NDArray[np.int64], rng: np.random.Generator
    ) -> Array:
        """The columns (K, N) of all decays, followed by their products with the shares."""
        column, share = np.array(self.products).T
        return np.concatenate([columns, columns[column] * self.shares(rays, volume, rng)[share]])

    @abstractmethod
    def shares(self, rays: Rays, volume: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Shares of each ray's decays, (B + C + 1, N), in volumes (N,).

        In each bin; after each of the C cuts; selected, but beyond the edges (and counted in the
        outermost bins). Rays without weight have none.
        """

    def sampled(
        self, rays: Rays, alive: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Array, ...]:
        """Four-momenta (n, 4) [GeV] of the products of all decays of some rays."""
        flight = -rays.direction[alive] * rays.momentum[alive, None]
        return self.decay.with_spin(
            rng.random((alive.size * self.decays, self.decay.dimensions)),
            np.repeat(flight, self.decays, axis=0),
            rays.mass,
            np.repeat(self.number * rays.spin(alive), self.decays, axis=0),
        )

    def binned(self, value: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Bin of each value of the observable (n,), and whether it lies beyond the edges.

        The last bin has both its edges; beyond them the outermost bin is given.
        """
        place = np.searchsorted(self.edges, value, side="right") - 1
        last = len(self.edges) - 2
        return np.clip(place, 0, last), np.asarray((place < 0) | (value > self.edges[-1]))
