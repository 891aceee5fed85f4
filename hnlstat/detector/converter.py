"""Photons on straight paths through a detector: where they convert, and what their pairs cross."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.conversion import conversion_depth, conversion_probability
from hnlstat.detector.geometry import SignedShapes
from hnlstat.detector.shapes import Shape

Array = NDArray[np.float64]

_ROUNDING = 1e-9
"""Lengths [m] below this are what is left when signed shapes cancel."""


@dataclass(frozen=True)
class Converter:
    """What is asked of a photon's e+ e- pair.

    Attributes
    ----------
    matter : all that photons meet between where they are made and where they convert
    density : of its media [g/cm^3], (M,)
    compositions : nuclide -> mass fraction of its media, (M,)
    volumes : in which photons convert, each with what their pairs cross afterwards; None: nothing.
        No two of them overlap
    min_track_length : of the pair in that [m]
    """

    matter: SignedShapes
    density: tuple[float, ...]
    compositions: tuple[Mapping[str, float], ...]
    volumes: tuple[tuple[Shape, Shape | None], ...]
    min_track_length: float

    def probabilities(self, momentum: Array, origin: Array) -> tuple[Array, Array]:
        """Probabilities (N,) to convert in one of the volumes, and that the pair is seen after it.

        The pair keeps the direction of the photon, which does not convert before.

        Parameters
        ----------
        momentum : (N, 4) of the photons [GeV]
        origin : (N, 3) where they are made [m]
        """
        energy, direction = momentum[:, 0], momentum[:, 1:] / momentum[:, :1]
        converts, seen = np.zeros(len(energy)), np.zeros(len(energy))
        for volume, after in self.volumes:
            near, far = volume.crossings(origin, direction)
            hit = np.flatnonzero(far > near)
            path = origin[hit], direction[hit]
            found = self._within(energy[hit], *path, near[hit], far[hit])
            converts[hit] += found
            if after is not None:
                first, last = after.crossings(*path)
                length = last - np.maximum(first, far[hit])
                found *= (length > 0) & (length >= self.min_track_length)
            seen[hit] += found
        return converts, seen

    def _within(
        self, energy: Array, origin: Array, direction: Array, near: Array, far: Array
    ) -> Array:
        """Probability (N,) to convert between two distances [m], and not before the first."""
        terms = np.arange(len(self.matter.coefficients))
        first, last = self.matter.crossings(origin, direction, terms)
        zero = np.zeros_like(near)
        inside, before = (
            conversion_depth(
                energy, self._lengths(first, last, a, b), self.density, self.compositions
            )
            for a, b in ((near, far), (zero, near))
        )
        return conversion_probability(inside, before)

    def _lengths(self, first: Array, last: Array, near: Array, far: Array) -> Array:
        """Lengths [m] in each medium (N, M) between two distances (N,)."""
        near, far = near[:, None], far[:, None]
        found = (np.clip(last, near, far) - np.clip(first, near, far)) @ self.matter.coefficients
        return np.asarray(np.where(found > _ROUNDING, found, 0.0))
