"""Decays from a volume that reaches further upstream the longer N live, for every coupling at once.

Rays and the boxes they pass are found once; at each coupling they are cut where its volume ends.
What is left of them is no longer a histogram that serves all couplings, but few rays are enough.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.rays import interval_within
from hnlstat.simulation.apparatus import Apparatus, chords
from hnlstat.simulation.sampling import Rays

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Passages:
    """Boxes that rays pass, one after the other.

    Attributes
    ----------
    ray : (H,) which ray
    near, far : (H,) distances back along it at which it enters and leaves the box [m]
    density : (H,) of targets in the box
    """

    ray: NDArray[np.intp]
    near: Array
    far: Array
    density: Array

    @classmethod
    def of(cls, lengths: tuple[Array, Array], density: Array) -> "Passages":
        """Those of `matter_behind`, (N, B), with the density (B,) in each box."""
        near, far = lengths
        ray, box = np.nonzero(far > near)
        return cls(ray, near[ray, box], far[ray, box], density[box])

    def within(self, first: Array, last: Array) -> "Passages":
        """Cut to the part of each ray between two distances, (N,) each."""
        first, last = first[self.ray], last[self.ray]
        near, far = np.clip(self.near, first, last), np.clip(self.far, first, last)
        return Passages(self.ray, near, far, self.density)

    def sum(self, values: Array, n_rays: int) -> Array:
        """Sum values (H,) times the density for each ray, (N,)."""
        return np.asarray(np.bincount(self.ray, values * self.density, n_rays), dtype=np.float64)


def decays_within_reach(
    apparatus: Apparatus,
    rays: Rays,
    kappa: Array,
    volume: NDArray[np.int64],
    lengths: tuple[Array, Array],
    density: Array,
) -> Array:
    """Decays over the strength of each ray at each coupling, (N, D), before the rays' own weights.

    Parameters
    ----------
    apparatus : with `upstream` and `decay_lengths`
    rays : N of them
    kappa : (D,) inverse proper decay lengths [1/m]
    volume : (N,) index of the fiducial volume each ends in
    lengths : distances (N, B) from `matter_behind`, as far as the volume ever reaches
    density : (B,) of targets in each box
    """
    assert apparatus.upstream is not None
    assert apparatus.decay_lengths is not None
    n = len(rays.weight)
    passages = Passages.of(lengths, density)
    back, onward = chords(apparatus, rays, volume)
    found = np.empty((n, len(kappa)))
    fastest = np.sqrt(np.maximum(rays.energy**2 - rays.mass**2, 0.0)) / rays.mass
    for i, each in enumerate(kappa):
        inverse = each * rays.mass / rays.momentum  # decay length [1/m]
        depth = np.minimum(apparatus.decay_lengths * fastest / each, apparatus.upstream)
        ends = interval_within(rays.origin, rays.direction, None, apparatus.upstream_offset + depth)
        mine = passages.within(*ends)
        if apparatus.survival:
            rate = inverse[mine.ray]
            found[:, i] = mine.sum(np.exp(-rate * mine.near) - np.exp(-rate * mine.far), n)
        else:
            before = mine.far - np.maximum(mine.near, back[mine.ray])
            here = mine.sum((mine.near == 0) & (mine.far > 0), n)
            column = mine.sum(np.maximum(before, 0.0), n) / (back + onward)
            found[:, i] = -column * np.expm1(-inverse * (back + onward))
            found[:, i] -= here * np.expm1(-inverse * onward)
    return found
