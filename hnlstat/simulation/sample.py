"""Yields of one detector at one mass for all couplings, to a requested precision.

Randomised quasi-Monte Carlo: independent random shifts of one Sobol sequence give replicas whose
scatter is the error. Scatterers whose share of the error is large get more points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.simulation.apparatus import Apparatus, matter_behind, ray_columns, without_survival
from hnlstat.simulation.propagation import Steps, collect_steps, decays, survival_kernel
from hnlstat.simulation.reach import decays_within_reach
from hnlstat.simulation.sampling import (
    DIMENSIONS,
    Rays,
    Scatterer,
    energy_proposal,
    sample_rays,
    sobol,
)

Array = NDArray[np.float64]

REPLICAS = 8
FIRST_POINTS = 64
_CHUNK = 2048


@dataclass(frozen=True)
class MassSample:
    """N decays in each fiducial volume at one mass, before branching ratio and efficiency.

    Attributes
    ----------
    decays : (K, V, D) for each column of the apparatus, volume and coupling
    error : (K, V, D) one standard deviation of `decays` from the scatter of replicas
    rock : (K, V, D) the part of `decays` whose N were made in rock
    rays : number of rays followed
    interpolated : whether it was made from samples at other masses
    """

    decays: Array
    error: Array
    rock: Array
    rays: int
    interpolated: bool = False


@dataclass(frozen=True)
class Precision:
    """When a sample is good enough.

    Attributes
    ----------
    relative : relative error asked of the weighted total
    weight : (K,) events per decay in each column; the total is over columns and volumes
    relevant : totals below this many events need no precision
    max_rays : most rays to follow at one mass
    """

    relative: float
    weight: Array
    relevant: float
    max_rays: int


def simulate(
    apparatus: Apparatus,
    mass: float,
    couplings: Array,
    kappa: Array,
    precision: Precision,
    seed: int,
) -> MassSample:
    """Sample until the total is known well enough at every coupling that matters.

    Parameters
    ----------
    apparatus : detector and beam
    mass : of N [GeV]
    couplings : (D,) production coupling d [GeV^-1]
    kappa : (D,) inverse proper decay length Gamma / (hbar c) at each coupling [1/m]
    precision : when to stop
    seed : with the mass and the scatterer it fixes the random numbers
    """
    flux, kernel = apparatus.flux.sum(axis=0), survival_kernel(kappa)
    samples: list[_ScattererSample] = []
    for index, scatterer in enumerate(apparatus.scatterers):
        proposal = energy_proposal(apparatus.edges, flux, mass, scatterer, apparatus.min_cos_theta)
        if np.any(proposal > 0):
            key = [seed, int(np.float64(mass).view(np.uint64)), index]
            samples.append(
                _ScattererSample(apparatus, mass, kappa, kernel, scatterer, proposal, key)
            )
    for sample in samples:
        sample.extend(FIRST_POINTS)
    while samples:
        chosen = _to_extend(samples, couplings, precision)
        if not chosen:
            break
        for sample in chosen:
            sample.extend(2 * sample.points)
    return _combine(samples, apparatus, couplings)


class _ScattererSample:
    """Running sums of the replicas of one scatterer."""

    def __init__(
        self,
        apparatus: Apparatus,
        mass: float,
        kappa: Array,
        kernel: Array,
        scatterer: Scatterer,
        proposal: Array,
        key: list[int],
    ) -> None:
        self.apparatus, self.mass = apparatus, mass
        self.kappa, self.kernel = kappa, kernel
        self.scatterer, self.proposal, self.key = scatterer, proposal, key
        size = (len(apparatus.size), REPLICAS, DIMENSIONS)
        self.shift = np.random.default_rng(key).random(size)
        self.points = 0
        density = apparatus.boxes.coefficients * scatterer.density
        parts = np.stack([density[:, ~apparatus.rock].sum(1), density[:, apparatus.rock].sum(1)])
        self.parts = [(np.flatnonzero(part), part[np.flatnonzero(part)]) for part in parts]
        volumes, columns = len(apparatus.size), apparatus.columns
        # other media and rock apart: (2, V, R, K, D)
        self.total = np.zeros((2, volumes, REPLICAS, columns, kernel.shape[-1]))

    def extend(self, points: int) -> None:
        """Add the points of the sequence up to `points`."""
        new = sobol(points)[self.points :]
        for volume in range(len(self.apparatus.size)):
            self.total[:, volume] += self._decays(new, volume)
        self.points = points

    def _decays(self, new: Array, volume: int) -> Array:
        """Decays over d^2 from new points in all replicas, of each part (2, R, K, D)."""
        app = self.apparatus
        points = (new + self.shift[volume][:, None]).reshape(-1, DIMENSIONS) % 1.0
        replica = np.repeat(np.arange(REPLICAS), len(new))
        total = np.zeros_like(self.total[:, volume])
        steps: list[Steps | None] = [None for _ in self.parts]
        decay_rng = np.random.default_rng([*self.key, volume, self.points])
        for start in range(0, len(points), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            rays = sample_rays(
                points[chunk], app.edges, self.proposal, self.mass, self.scatterer,
                app.min_cos_theta, app.centre[volume], app.size[volume],
            )  # fmt: skip
            columns = ray_columns(app, rays, self.scatterer)
            if app.selection is not None:
                columns = app.selection.columns(columns, rays, volume, decay_rng)
            for part, (boxes, density) in enumerate(self.parts):
                if not boxes.size:
                    continue
                lengths = matter_behind(app, rays, boxes)
                if app.decay_lengths is not None:
                    found = decays_within_reach(app, rays, self.kappa, volume, lengths, density)
                    for r in np.unique(replica[chunk]):
                        mine = replica[chunk] == r
                        total[part, r] += columns[:, mine] @ found[mine]
                    continue
                new_steps = self._steps(rays, volume, lengths, density, columns, replica[chunk])
                before = steps[part]
                steps[part] = new_steps if before is None else before + new_steps
        for part, sums in enumerate(steps):
            if sums is not None:
                total[part] += decays(sums, self.kernel)
        return total

    def _steps(
        self,
        rays: Rays,
        volume: int,
        lengths: tuple[Array, Array],
        density: Array,
        columns: Array,
        replica: NDArray[np.int64],
    ) -> Steps:
        """Density steps of rays in some of the boxes, moments (3, R, K, S)."""
        app = self.apparatus
        if app.survival:
            near, far = lengths
            weight = rays.weight[:, None] * density
        else:
            near, far, weight = without_survival(app, rays, volume, lengths, density)
        proper = (self.mass / rays.momentum)[:, None]
        return collect_steps(near * proper, far * proper, weight, columns, replica, REPLICAS)

    @property
    def rays(self) -> int:
        """Number of rays followed."""
        return self.points * REPLICAS * len(self.apparatus.size)

    def mean(self) -> Array:
        """Decays over d^2 for each part, (2, V, K, D)."""
        return np.asarray(self.total.mean(axis=2) / self.points)

    def variance(self, weight: Array | None = None) -> Array:
        """Variance of the mean: (V, K, D), or (D,) of the weighted total."""
        replicas = self.total.sum(axis=0) / self.points
        if weight is not None:
            replicas = np.einsum("vrkd,k->rd", replicas, weight)[None]
        return np.asarray(replicas.var(axis=1, ddof=1) / REPLICAS).squeeze(
            axis=() if weight is None else 0
        )


def _to_extend(
    samples: list[_ScattererSample], couplings: Array, precision: Precision
) -> list[_ScattererSample]:
    """Samples that dominate the error where it is largest; none where it is small enough."""
    total = sum(np.einsum("pvkd,k->d", s.mean(), precision.weight) for s in samples)
    variances = np.array([s.variance(precision.weight) for s in samples])
    relevant = total * couplings**2 >= precision.relevant
    if not np.any(relevant):
        return []
    relative = np.sqrt(variances.sum(axis=0)) / np.where(relevant, total, np.inf)
    worst = int(np.argmax(relative))
    if relative[worst] <= precision.relative:
        return []
    share = variances[:, worst]
    chosen = [s for s, own in zip(samples, share, strict=True) if own >= 0.1 * share.max()]
    rays = sum(s.rays for s in samples) + sum(s.rays for s in chosen)
    return chosen if rays <= precision.max_rays else []


def _combine(samples: list[_ScattererSample], apparatus: Apparatus, couplings: Array) -> MassSample:
    shape = (len(apparatus.size), apparatus.columns, len(couplings))
    parts, variance, rays = np.zeros((2, *shape)), np.zeros(shape), 0
    for sample in samples:
        parts += sample.mean()
        variance += sample.variance()
        rays += sample.rays
    parts, error = parts * couplings**2, np.sqrt(variance) * couplings**2
    axes = (1, 0, 2)
    return MassSample(
        parts.sum(axis=0).transpose(axes), error.transpose(axes), parts[1].transpose(axes), rays
    )
