"""Photons from the N of each ray, and the shares of them that are selected and fall into bins.

As for pairs of tracks, a share is a weight of its ray: one sample serves all couplings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.photons import Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.detector.showers import ShowerResolution, Showers, measure
from hnlstat.models.checks import photon_sampler
from hnlstat.search.decays import DecaySelection
from hnlstat.search.layout import Layout
from hnlstat.simulation.sampling import Rays
from hnlstat.tables.efficiency import EfficiencyTable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PhotonSelection(DecaySelection):
    """Selection of the showers of sampled decays to one photon.

    Attributes
    ----------
    resolution, efficiency : by the photon's true energy
    min_visible_energy : of what is selected, as measured [GeV]
    binding : energy that binds the neutron [GeV], for the quasi-elastic energy
    outermost : whether what lies beyond the edges counts in the outermost bins
    only : ranges in which what is measured has to lie, by its name
    """

    resolution: ShowerResolution
    efficiency: EfficiencyTable
    min_visible_energy: float
    binding: float
    outermost: bool
    only: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, search: Search, layout: Layout) -> PhotonSelection | None:
        """What a search asks of photons; None where it does not look at them."""
        if not isinstance(search, Photons):
            return None
        table, observable = search.efficiency, search.observable
        return cls(
            resolution=ShowerResolution(**search.smearing.model_dump()),
            efficiency=EfficiencyTable(
                np.array(table.energy), np.array(table.value), table.below, table.above
            ),
            min_visible_energy=search.min_visible_energy,
            binding=search.binding,
            outermost=observable is None or observable.beyond == "outermost",
            only={} if observable is None else observable.only,
            **cls.settings(study, search, photon_sampler(study.model, search.final_state), layout),
        )

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
        (photon,) = self.sampled(rays, alive, rng)
        showers = measure(photon[:, 1:].T.copy(), self.resolution, rng)
        weight = self.efficiency(photon[:, 0]) / self.decays
        weight *= showers.visible_energy >= self.min_visible_energy
        for name, (low, high) in self.only.items():
            value = self._value(showers, name)
            weight *= (value >= low) & (value < high)
        place, beyond = self.binned(self._value(showers, self.observable))
        ray = np.repeat(np.arange(alive.size), self.decays)
        inside = weight if self.outermost else np.where(beyond, 0.0, weight)
        bins = len(self.edges) - 1
        found = np.bincount(ray * bins + place, inside, alive.size * bins)
        shares[:-1, alive] = found.reshape(alive.size, bins).T
        shares[-1, alive] = np.bincount(ray, weight * beyond, alive.size)
        return shares

    def _value(self, showers: Showers, name: str | None) -> Array:
        """What is measured of that name, (n,)."""
        if name is None:
            return np.zeros_like(showers.visible_energy)
        if name == "quasi_elastic_energy":
            return showers.quasi_elastic_energy(self.binding)
        return np.asarray(getattr(showers, name))
