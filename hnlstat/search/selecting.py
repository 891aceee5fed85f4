"""Decays of the N of each ray, and the shares of them that pass cuts and fall into bins.

A share is a weight of its ray like any other: times a column of the apparatus it is one more
column, so that one sample gives the selected yield, and the cut flow, at every coupling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.channels import Channels
from hnlstat.config.detector import Detector
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.config.tracks import Tracks
from hnlstat.detector.response import Pairs, Response, first_failed, reconstruct
from hnlstat.models.checks import from_kaons, pair_sampler
from hnlstat.search.channels import LeptonSelection
from hnlstat.search.decays import DecaySelection
from hnlstat.search.layout import Layout
from hnlstat.search.showers import PhotonSelection
from hnlstat.search.stations import Station
from hnlstat.simulation.apparatus import Selection
from hnlstat.simulation.sampling import Rays

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PairSelection(DecaySelection):
    """Cuts on the pairs of tracks of sampled decays.

    Attributes
    ----------
    response : field and resolution
    cuts : name -> bound, in their order
    gas : (V, 2, 3) lower and upper corner of the gas around each fiducial box [m]

    Of the products of a decay two are charged, one positive and one negative; what is histogrammed
    is a property of `Pairs`.
    """

    response: Response
    cuts: Mapping[str, float]
    gas: Array

    @classmethod
    def of(
        cls,
        study: Study,
        detector: Detector,
        volumes: Sequence[str],
        search: Search,
        layout: Layout,
    ) -> "PairSelection | None":
        """What a search asks of the pairs; None where it does not look at them."""
        if not isinstance(search, Tracks):
            return None
        smearing = search.smearing
        gas = [detector.around(name) for name in volumes]
        return cls(
            response=Response(
                search.field, smearing.momentum, smearing.angle, search.separation_path
            ),
            cuts=search.cuts.active,
            gas=np.array(gas).swapaxes(1, 2),
            **cls.settings(study, search, pair_sampler(study.model, search.final_state), layout),
        )

    def shares(self, rays: Rays, volume: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Shares of each ray's decays, (B + C + 1, N); see `DecaySelection`."""
        n_cuts, n_bins = len(self.cuts), len(self.edges) - 1
        shares = np.zeros((n_bins + len(self.steps) + 1, rays.weight.size))
        alive = np.flatnonzero(rays.weight)
        if rays.mass <= sum(product.mass for product in self.decay.products):
            return shares
        minus, plus, origin = self._decay(rays, alive, rng)
        lower, upper = np.repeat(self.gas[volume[alive]], self.decays, axis=0).T.swapaxes(0, 1)
        pairs = reconstruct(
            minus, plus, origin, (lower, upper), self.response, rng, self._track_masses
        )
        failed = first_failed(pairs, self.cuts)
        place, beyond = self.binned(self._value(pairs))
        passes = failed == n_cuts
        ray = np.repeat(np.arange(alive.size), self.decays)
        kind = ray * (n_cuts + n_bins) + np.where(passes, n_cuts + place, failed)
        weight = self._mapped(passes, pairs, minus, plus, rays.mass)
        count = np.bincount(kind, weight, alive.size * (n_cuts + n_bins))
        share = count.reshape(alive.size, -1).T / self.decays
        shares[:n_bins, alive] = share[n_cuts:]
        shares[n_bins : n_bins + n_cuts, alive] = 1 - np.cumsum(share[:n_cuts], axis=0)
        if weight is not None:
            shares[-2, alive] = share[n_cuts:].sum(axis=0)
        seen = passes & beyond
        mine = None if weight is None else weight[seen]
        shares[-1, alive] = np.bincount(ray[seen], mine, alive.size) / self.decays
        return shares

    def _mapped(
        self, passes: NDArray[np.bool_], pairs: Pairs, minus: Array, plus: Array, mass: float
    ) -> Array | None:
        """Efficiency of each pair that passes, 1 of others, (n,); None without a map."""
        if self.efficiency_map is None:
            return None
        true = replace(pairs, first=minus, second=plus)

        def value(name: str) -> Array:
            measured = name.removeprefix("true_")
            return np.asarray(getattr(pairs if measured == name else true, measured))

        found = self.efficiency_map(passes.astype(float), value, mass)
        return np.where(passes, found, 1.0)

    def _decay(
        self, rays: Rays, alive: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        """Momenta of the tracks, the negative first [GeV], and decay points [m], (3, n) each."""
        found = self.sampled(rays, alive, rng)
        origin = np.repeat(rays.origin[alive], self.decays, axis=0).T
        minus, plus = (found[place][:, 1:].T.copy() for place in self.decay.tracks)
        return minus, plus, origin

    @property
    def _track_masses(self) -> tuple[float, float]:
        first, second = (self.decay.products[place].mass for place in self.decay.tracks)
        return first, second

    def _value(self, pairs: Pairs) -> Array:
        """What is histogrammed, (n,)."""
        if self.observable is None:
            return np.zeros_like(pairs.length)
        return np.asarray(getattr(pairs, self.observable))


def selection(study: Study, station: Station, layout: Layout) -> Selection | None:
    """What a station's searches ask of the products of decays; None: they do not look at them."""
    search = station.search
    if isinstance(search, Channels):
        modes = from_kaons(study.model).modes
        return LeptonSelection((*(mode.lepton for mode in modes), "none"), layout.products)
    where = study, station.detector, station.volumes
    return PhotonSelection.of(*where, search, layout) or PairSelection.of(*where, search, layout)
