"""Decays of the N of each ray, and the shares of them that pass cuts and fall into bins.

A share is a weight of its ray like any other: times a column of the apparatus it is one more
column, so that one sample gives the selected yield, and the cut flow, at every coupling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.detector import Detector
from hnlstat.config.search import Search, Tracks
from hnlstat.config.study import Study
from hnlstat.detector.response import Pairs, Response, first_failed, reconstruct
from hnlstat.models.checks import pair_sampler
from hnlstat.physics.processes import Decay
from hnlstat.search.layout import Layout
from hnlstat.search.showers import PhotonSelection
from hnlstat.search.stations import Station
from hnlstat.simulation.apparatus import Selection
from hnlstat.simulation.sampling import Rays

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PairSelection:
    """Cuts on the pairs of tracks of sampled decays.

    Attributes
    ----------
    response : field and resolution
    decay : sampler, of which two products are charged, one positive and one negative
    cuts : name -> bound, in their order
    gas : (V, 2, 3) lower and upper corner of the gas around each fiducial box [m]
    polarisation : of N along its flight, times its lepton number; anti-N are taken for N, whose
        tracks have the other charges, as the cuts treat both alike
    decays : sampled for each N
    observable : what is histogrammed, a property of `Pairs`; None: all in one bin
    edges : (B + 1,) of its bins
    products : as `Layout.products`
    """

    response: Response
    decay: Decay
    cuts: Mapping[str, float]
    gas: Array
    polarisation: float
    decays: int
    observable: str | None
    edges: Array
    products: tuple[tuple[int, int], ...]

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
        observable, smearing = search.observable, search.smearing
        gas = [detector.around(name) for name in volumes]
        return cls(
            Response(search.field, smearing.momentum, smearing.angle, search.separation_path),
            pair_sampler(study.model, search.final_state),
            search.cuts.active,
            np.array(gas).swapaxes(1, 2),
            0.0 if study.model.nature == "majorana" else study.model.source.helicity,
            search.decays,
            None if observable is None else observable.name,
            np.array((0.0, np.inf) if observable is None else observable.edges),
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

    def shares(self, rays: Rays, volume: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Shares of each ray's decays, (B + C + 1, N), in volumes (N,).

        In each bin; after each of the C cuts; selected, but beyond the edges (and counted in the
        outermost bins). Rays without weight have none.
        """
        n_cuts, n_bins = len(self.cuts), len(self.edges) - 1
        shares = np.zeros((n_bins + n_cuts + 1, rays.weight.size))
        alive = np.flatnonzero(rays.weight)
        if rays.mass <= sum(product.mass for product in self.decay.products):
            return shares
        minus, plus, origin = self._decay(rays, alive, rng)
        lower, upper = np.repeat(self.gas[volume[alive]], self.decays, axis=0).T.swapaxes(0, 1)
        pairs = reconstruct(
            minus, plus, origin, (lower, upper), self.response, rng, self._track_masses
        )
        failed = first_failed(pairs, self.cuts)
        place, beyond = self._bin(pairs)
        passes = failed == n_cuts
        ray = np.repeat(np.arange(alive.size), self.decays)
        kind = ray * (n_cuts + n_bins) + np.where(passes, n_cuts + place, failed)
        count = np.bincount(kind, minlength=alive.size * (n_cuts + n_bins))
        share = count.reshape(alive.size, -1).T / self.decays
        shares[:n_bins, alive] = share[n_cuts:]
        shares[n_bins:-1, alive] = 1 - np.cumsum(share[:n_cuts], axis=0)
        shares[-1, alive] = np.bincount(ray[passes & beyond], minlength=alive.size) / self.decays
        return shares

    def _decay(
        self, rays: Rays, alive: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Array, Array, Array]:
        """Momenta of the tracks, the negative first [GeV], and decay points [m], (3, n) each."""
        flight = -rays.direction[alive] * rays.momentum[alive, None]
        n = alive.size * self.decays
        found = self.decay.sample(
            rng.random((n, self.decay.dimensions)),
            np.repeat(flight, self.decays, axis=0),
            rays.mass,
            self.polarisation,
        )
        origin = np.repeat(rays.origin[alive], self.decays, axis=0).T
        minus, plus = (found[place][:, 1:].T.copy() for place in self.decay.tracks)
        return minus, plus, origin

    @property
    def _track_masses(self) -> tuple[float, float]:
        first, second = (self.decay.products[place].mass for place in self.decay.tracks)
        return first, second

    def _bin(self, pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Bin of each pair, and whether it lies beyond the edges and so in an outermost one."""
        if self.observable is None:
            size = pairs.length.shape
            return np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.bool_)
        value = getattr(pairs, self.observable)
        place = np.searchsorted(self.edges, value, side="right") - 1
        n = len(self.edges) - 1
        return np.clip(place, 0, n - 1), np.asarray((place < 0) | (value > self.edges[-1]))


def selection(study: Study, station: Station, layout: Layout) -> Selection | None:
    """What a station's searches ask of the products of decays; None: they do not look at them."""
    search = station.search
    return PhotonSelection.of(study, search, layout) or PairSelection.of(
        study, station.detector, station.volumes, search, layout
    )
