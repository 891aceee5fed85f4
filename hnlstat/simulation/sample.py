"""Yields of one detector at one mass for all couplings, to a requested precision.

Randomised quasi-Monte Carlo: independent random shifts of one Sobol sequence give replicas whose
scatter is the error. Scatterers whose share of the error is large get more points, in the volumes
where it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.simulation.apparatus import Apparatus, matter_behind, ray_columns, without_survival
from hnlstat.simulation.divergence import pieces
from hnlstat.simulation.kaons import KaonSample, Tunnel
from hnlstat.simulation.propagation import decays, survival_table
from hnlstat.simulation.reach import decays_within_reach
from hnlstat.simulation.replicas import COUNTED, REPLICAS, Replicas
from hnlstat.simulation.sampling import Rays, Scatterer, energy_proposal, sample_rays

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MassSample:
    """N decays in each fiducial volume at one mass, before branching ratio and efficiency.

    Attributes
    ----------
    decays : (K, V, D) for each column of the apparatus, volume and coupling
    error : (K, V, D) one standard deviation of `decays` from the scatter of replicas
    rock : (K, V, D) the part of `decays` whose N were made in rock
    beyond : (K, V, D) decays besides them, of N made in rock beyond where it begins
    rays : number of rays followed
    interpolated : whether it was made from samples at other masses
    """

    decays: Array
    error: Array
    rock: Array
    beyond: Array
    rays: int
    interpolated: bool = False


@dataclass(frozen=True)
class Precision:
    """When a sample is good enough.

    Attributes
    ----------
    relative : relative error asked of the weighted total
    weight : (K, V) events per decay in each column and volume, over which the total is
    relevant : totals below this many events need no precision
    max_rays : most rays to follow at one mass
    """

    relative: float
    weight: Array
    relevant: float
    max_rays: int


def simulate(
    apparatus: Apparatus | Tunnel,
    mass: float,
    strength: Array,
    kappa: Array,
    precision: Precision,
    seed: int,
) -> MassSample:
    """Sample until the total is known well enough at every coupling that matters.

    Parameters
    ----------
    apparatus : detector and beam, or what is seen of decays of kaons
    mass : of N [GeV]
    strength : (D,) what the production is proportional to, at each coupling
    kappa : (D,) inverse proper decay length Gamma / (hbar c) at each coupling [1/m]
    precision : when to stop
    seed : with the mass and the scatterer it fixes the random numbers
    """
    key = [seed, int(np.float64(mass).view(np.uint64))]
    samples = _samples(apparatus, mass, kappa, key)
    volumes = len(apparatus.fiducial)
    replicas = np.zeros((len(samples), volumes, REPLICAS, len(kappa)))
    chosen = np.ones((len(samples), volumes), dtype=np.bool_)
    while chosen.any():
        for i in np.flatnonzero(chosen.any(axis=1)):
            samples[i].extend(chosen[i])
            replicas[i] = samples[i].replicas(precision.weight)
        chosen = _to_extend(samples, replicas * strength, precision)
    return _combine(samples, apparatus, strength)


def _samples(
    apparatus: Apparatus | Tunnel, mass: float, kappa: Array, key: list[int]
) -> list[Replicas]:
    """A sample for each way in which N are made; `key` begins what fixes its random numbers."""
    table = survival_table(kappa)
    if isinstance(apparatus, Tunnel):
        return [
            KaonSample(apparatus, mass, table, index, [*key, index])
            for index, flux in enumerate(apparatus.flux)
            if np.any(flux > 0)
        ]
    flux, samples = apparatus.flux.sum(axis=0), list[Replicas]()
    for index, scatterer in enumerate(apparatus.scatterers):
        proposal = energy_proposal(
            apparatus.edges, flux, mass, apparatus.source, scatterer, apparatus.min_cos_scattering
        )
        if np.any(proposal > 0):
            samples.append(
                _ScattererSample(apparatus, mass, kappa, table, scatterer, proposal, [*key, index])
            )
    return samples


class _ScattererSample(Replicas):
    """N that neutrinos make on one kind of scatterer; parts as `COUNTED` has them."""

    def __init__(
        self,
        apparatus: Apparatus,
        mass: float,
        kappa: Array,
        table: Array,
        scatterer: Scatterer,
        proposal: Array,
        key: list[int],
    ) -> None:
        super().__init__(len(apparatus.fiducial), apparatus.columns, table.shape[-1], key)
        self.apparatus, self.mass = apparatus, mass
        self.kappa, self.table = kappa, table
        self.scatterer, self.proposal = scatterer, proposal
        density = apparatus.boxes.coefficients * scatterer.density
        rock, beyond = apparatus.rock, apparatus.beyond
        beyond = np.zeros_like(rock) if beyond is None else beyond
        parts = [density[:, media].sum(axis=1) for media in (~rock & ~beyond, rock, beyond)]
        self.parts = [(np.flatnonzero(part), part[np.flatnonzero(part)]) for part in parts]

    def decays(self, new: Array, volumes: NDArray[np.int64]) -> Array:
        """Decays over the strength from new points in some volumes, by part (3, V, R, K, D)."""
        app = self.apparatus
        points, volume = self.shifted(new, volumes)
        rays = sample_rays(
            points, app.edges, self.proposal, self.mass, app.source, self.scatterer,
            app.min_cos_scattering, app.fiducial, volume,
        )  # fmt: skip
        rng = np.random.default_rng([*self.key, *volumes, self.points[volumes[0]]])
        total = np.zeros((3, len(volumes), *self.total.shape[2:]))
        for piece in pieces(rays, app.distance, app.min_cos_theta):
            self._add_decays(total, piece, volume, rng)
        return total

    def _add_decays(
        self, total: Array, rays: Rays, volume: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        """Add what rays see, replica by replica, to the decays by part (3, V, R, K, D)."""
        app, n = self.apparatus, len(rays.weight) // (total.shape[1] * REPLICAS)
        columns = ray_columns(app, rays, self.scatterer)
        if app.selection is not None:
            columns = app.selection.columns(columns, rays, volume, rng)
        # (V R, K, n)
        weight = (columns * rays.weight).reshape(len(columns), -1, n).swapaxes(0, 1)
        for part, (boxes, density) in zip(total, self.parts, strict=True):
            if boxes.size:
                lengths = matter_behind(app, rays, boxes)
                found = self._decays_by_ray(rays, volume, lengths, density)
                part += (weight @ found.reshape(len(weight), n, -1)).reshape(part.shape)

    def _decays_by_ray(
        self,
        rays: Rays,
        volume: NDArray[np.int64],
        lengths: tuple[Array, Array],
        density: Array,
    ) -> Array:
        """Decays over the strength behind some boxes (N, D), before the rays' own weights."""
        app = self.apparatus
        if app.decay_lengths is not None:
            return decays_within_reach(app, rays, self.kappa, volume, lengths, density)
        (near, far), weight = lengths, density
        if not app.survival:
            near, far, weight = without_survival(app, rays, volume, lengths, density)
        proper = (self.mass / rays.momentum)[:, None]
        return decays(near * proper, far * proper, weight, self.table)


def _to_extend(samples: list[Replicas], events: Array, precision: Precision) -> NDArray[np.bool_]:
    """Volumes of samples (S, V) that dominate the error where it is largest.

    None where it is small enough.

    Parameters
    ----------
    samples : S of them
    events : (S, V, R, D) by replica
    precision : that is asked for
    """
    total = events.mean(axis=2).sum(axis=(0, 1))
    variance = events.var(axis=2, ddof=1) / REPLICAS
    relevant = total >= precision.relevant
    relative = np.sqrt(variance.sum(axis=(0, 1))) / np.where(relevant, total, np.inf)
    worst = int(np.argmax(relative))
    share = variance[..., worst]
    chosen = share >= 0.1 * share.max(initial=0.0)
    rays = np.array([s.rays for s in samples])
    most = precision.max_rays - rays.sum()
    if relative[worst] <= precision.relative or rays[chosen].sum() > most:
        return np.zeros_like(chosen)
    return np.asarray(chosen)


def _combine(samples: list[Replicas], apparatus: Apparatus | Tunnel, strength: Array) -> MassSample:
    shape = (len(apparatus.fiducial), apparatus.columns, len(strength))
    parts, variance, rays = np.zeros((3, *shape)), np.zeros(shape), 0
    for sample in samples:
        parts += sample.mean()
        variance += sample.variance()
        rays += int(sample.rays.sum())
    parts, error = parts * strength, np.sqrt(variance) * strength
    found = parts[COUNTED].sum(axis=0), error, parts[1], parts[2]
    decays, error, rock, beyond = (array.transpose(1, 0, 2) for array in found)
    return MassSample(decays, error, rock, beyond, rays)
