"""Photons from the N of each ray, and the shares of them that are selected and fall into bins.

As for pairs of tracks, a share is a weight of its ray: one sample serves all couplings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.photons import Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.detector.showers import ShowerResolution, Showers, measure
from hnlstat.models.checks import photon_sampler
from hnlstat.physics.processes import Decay
from hnlstat.search.layout import Layout
from hnlstat.simulation.sampling import Rays
from hnlstat.tables.efficiency import EfficiencyTable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PhotonSelection:
    """Selection of the showers of sampled decays.

    Attributes
    ----------
    resolution, efficiency : by the photon's true energy
    decay : sampler, of one photon
    polarisation : of N along its flight, times its lepton number
    min_visible_energy : of what is selected, as measured [GeV]
    binding : energy that binds the neutron [GeV], for the quasi-elastic energy
    decays : sampled for each N
    observable : what is histogrammed, of `Showers`; None: all in one bin
    edges : (B + 1,) of its bins
    outermost : whether what lies beyond the edges counts in the outermost bins
    products : as `Layout.products`
    """

    resolution: ShowerResolution
    efficiency: EfficiencyTable
    decay: Decay
    polarisation: float
    min_visible_energy: float
    binding: float
    decays: int
    observable: str | None
    edges: Array
    outermost: bool
    products: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, study: Study, search: Search, layout: Layout) -> PhotonSelection | None:
        """What a search asks of photons; None where it does not look at them."""
        if not isinstance(search, Photons):
            return None
        table, observable = search.efficiency, search.observable
        return cls(
            ShowerResolution(**search.smearing.model_dump()),
            EfficiencyTable(
                np.array(table.energy), np.array(table.value), table.below, table.above
            ),
            photon_sampler(study.model, search.final_state),
            0.0 if study.model.nature == "majorana" else study.model.source.helicity,
            search.min_visible_energy,
            search.binding,
            search.decays,
            None if observable is None else observable.name,
            np.array((0.0, np.inf) if observable is None else observable.edges),
            observable is None or observable.beyond == "outermost",
            layout.products,
        )

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

    def shares(
        self,
        rays: Rays,
        volume: NDArray[np.int64],  # noqa: ARG002
        rng: np.random.Generator,
    ) -> Array:
        """Shares of each ray's decays, (B + 1, N): in each bin, and selected beyond the edges.

        Rays without weight have none.
        """
        shares = np.zeros((len(self.edges), rays.weight.size))
        alive = np.flatnonzero(rays.weight)
        if alive.size == 0:
            return shares
        flight = -rays.direction[alive] * rays.momentum[alive, None]
        (photon,) = self.decay.sample(
            rng.random((alive.size * self.decays, self.decay.dimensions)),
            np.repeat(flight, self.decays, axis=0),
            rays.mass,
            self.polarisation,
        )
        showers = measure(photon[:, 1:].T.copy(), self.resolution, rng)
        weight = self.efficiency(photon[:, 0]) / self.decays
        weight *= showers.visible_energy >= self.min_visible_energy
        place, beyond = self._bin(showers)
        ray = np.repeat(np.arange(alive.size), self.decays)
        inside = weight if self.outermost else np.where(beyond, 0.0, weight)
        bins = len(self.edges) - 1
        found = np.bincount(ray * bins + place, inside, alive.size * bins)
        shares[:-1, alive] = found.reshape(alive.size, bins).T
        shares[-1, alive] = np.bincount(ray, weight * beyond, alive.size)
        return shares

    def _bin(self, showers: Showers) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Bin of each shower, and whether it lies beyond the edges."""
        if self.observable is None:
            size = showers.visible_energy.shape
            return np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.bool_)
        value = (
            showers.quasi_elastic_energy(self.binding)
            if self.observable == "quasi_elastic_energy"
            else getattr(showers, self.observable)
        )
        place = np.searchsorted(self.edges, value, side="right") - 1
        # the last bin has both its edges, as a cosine may be 1
        place[value == self.edges[-1]] -= 1
        beyond = (place < 0) | (place > len(self.edges) - 2)
        return np.clip(place, 0, len(self.edges) - 2), np.asarray(beyond)
