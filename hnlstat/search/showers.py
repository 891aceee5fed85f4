"""Photons from the N of each ray, and the shares of them that are selected and fall into bins.

As for pairs of tracks, a share is a weight of its ray: one sample serves all couplings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.detector import Detector
from hnlstat.config.photons import Conversion, Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.detector.converter import Converter
from hnlstat.detector.geometry import paint, within
from hnlstat.detector.relations import box
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
    resolution, efficiency : by the photon's true energy; None: as the map has it
    converter : where photons convert, and what their pairs cross; None: not asked for
    min_visible_energy : of what is selected, as measured [GeV]
    binding : energy that binds the neutron [GeV], for the quasi-elastic energy
    only : ranges in which what is measured has to lie, by its name
    """

    resolution: ShowerResolution
    efficiency: EfficiencyTable | None
    converter: Converter | None
    min_visible_energy: float
    binding: float
    only: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        study: Study,
        detector: Detector,
        volumes: Sequence[str],
        search: Search,
        layout: Layout,
    ) -> PhotonSelection | None:
        """What a search asks of photons; None where it does not look at them."""
        if not isinstance(search, Photons):
            return None
        table, asked = search.efficiency, search.conversion
        efficiency = None if table is None else EfficiencyTable(
            np.array(table.energy), np.array(table.value), table.below, table.above
        )  # fmt: skip
        return cls(
            resolution=ShowerResolution(**search.smearing.model_dump()),
            efficiency=efficiency,
            converter=None if asked is None else converter(detector, volumes, asked),
            min_visible_energy=search.min_visible_energy,
            binding=search.binding,
            only={} if search.observable is None else search.observable.only,
            **cls.settings(study, search, photon_sampler(study.model, search.final_state), layout),
        )

    def shares(
        self,
        rays: Rays,
        volume: NDArray[np.int64],  # noqa: ARG002
        rng: np.random.Generator,
    ) -> Array:
        """Shares of each ray's decays, (B + C + 1, N); see `DecaySelection`."""
        bins = len(self.edges) - 1
        shares = np.zeros((bins + len(self.steps) + 1, rays.weight.size))
        alive = np.flatnonzero(rays.weight)
        if alive.size == 0:
            return shares
        (photon,) = self.sampled(rays, alive, rng)
        showers = measure(photon[:, 1:].T.copy(), self.resolution, rng)
        place, beyond = self.binned(self._value(showers, self.observable))
        ray = np.repeat(np.arange(alive.size), self.decays)
        kept = self._kept(photon, rays.origin[alive[ray]], showers) | {"edges": ~beyond}
        weight = np.full(ray.size, 1 / self.decays)
        for name, (low, high) in self.only.items():
            value = self._value(showers, name)
            weight *= (value >= low) & (value < high)
        for row, step in enumerate(self.steps, bins):
            if step == "efficiency_map":
                weight = weight * self._mapped(weight, photon, showers, rays.mass)
            else:
                weight = weight * kept[step]
            shares[row, alive] = np.bincount(ray, weight, alive.size)
        found = np.bincount(ray * bins + place, weight, alive.size * bins)
        shares[:bins, alive] = found.reshape(alive.size, bins).T
        shares[-1, alive] = np.bincount(ray, weight * beyond, alive.size)
        return shares

    def _kept(self, photon: Array, origin: Array, showers: Showers) -> dict[str, Array]:
        """What each step leaves of each photon, (n,)."""
        energy = photon[:, 0]
        enough = showers.visible_energy >= self.min_visible_energy
        kept: dict[str, Array] = {"min_visible_energy": enough.astype(float)}
        if self.efficiency is not None:
            kept["threshold"] = energy >= self.efficiency.energy[0]
            kept["efficiency"] = self.efficiency(energy)
        if self.converter is not None:
            converts, seen = self.converter.probabilities(photon, origin)
            some = converts > 0
            crossing = np.divide(seen, converts, out=np.zeros_like(seen), where=some)
            kept |= {"conversion": converts, "crossing": crossing}
        return kept

    def _mapped(self, weight: Array, photon: Array, showers: Showers, mass: float) -> Array:
        """Efficiency of each photon by the map, (n,)."""
        assert self.efficiency_map is not None  # it is a step
        energy = photon[:, 0]
        true = Showers(energy, photon[:, 1:].T / energy)

        def value(name: str) -> Array:
            if name == "true_energy":
                return energy
            measured = name.removeprefix("true_")
            return self._value(showers if measured == name else true, measured)

        return self.efficiency_map(weight, value, mass)

    def _value(self, showers: Showers, name: str | None) -> Array:
        """What is measured of that name, (n,)."""
        if name is None:
            return np.zeros_like(showers.visible_energy)
        if name == "quasi_elastic_energy":
            return showers.quasi_elastic_energy(self.binding)
        return np.asarray(getattr(showers, name))


def converter(detector: Detector, volumes: Sequence[str], asked: Conversion) -> Converter:
    """What photons from decays in some fiducial volumes must do."""
    painted, media, _ = detector.painted()
    start = [detector.fiducial[name].solid.extent for name in volumes]
    end = [detector.volumes[name].solid.extent for name in asked.volumes]
    edges = np.array([*start, *end])  # all paths lie within these
    region = box((tuple(edges[..., 0].min(axis=0)), tuple(edges[..., 1].max(axis=0))))
    solid = {name: volume.solid for name, volume in detector.volumes.items()}
    return Converter(
        paint(within(painted, region), len(media)),
        tuple(density for _, density in media),
        tuple(detector.materials[material] for material, _ in media),
        tuple(
            (solid[name], None if after is None else solid[after])
            for name, after in asked.volumes.items()
        ),
        asked.min_track_length,
    )
