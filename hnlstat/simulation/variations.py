"""Other models of the cross section, as weights of the same rays."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hnlstat.physics import form_factors, upscattering
from hnlstat.simulation.sampling import Rays, Scatterer

Array = NDArray[np.float64]


class RayWeight(Protocol):
    """Weighs rays; hashable, so that columns with the same weight share its evaluation."""

    def __call__(self, rays: Rays, scatterer: Scatterer) -> Array:
        """Weight of each ray relative to the nominal one, (N,)."""


@dataclass(frozen=True)
class ScaledRadius:
    """All charge and magnetisation radii times `factor`: form factors at Q times it."""

    factor: float

    def __call__(self, rays: Rays, scatterer: Scatterer) -> Array:
        """Ratio of the cross sections at each ray's energy and Q^2, (N,)."""
        # rays below threshold count for nothing; their energy must only not divide by zero
        energy = np.where(rays.weight > 0, rays.energy, rays.mass + 1.0)
        varied = upscattering.reduced_cross_section(
            rays.q2, energy, rays.mass, scatterer.target, self.factor
        )
        nominal = rays.cross_section
        return np.divide(varied, nominal, out=np.ones_like(varied), where=nominal > 0)


@dataclass(frozen=True)
class ScaledFermiMomentum:
    """The Fermi momentum times `factor`."""

    factor: float

    def __call__(self, rays: Rays, scatterer: Scatterer) -> Array:
        """Ratio of the Pauli suppression of each ray, (N,); 1 where there is none."""
        if scatterer.fermi_momentum is None:
            return np.ones_like(rays.weight)
        q = np.sqrt(rays.q2)
        nominal, varied = (
            form_factors.pauli_suppression(q, k * scatterer.fermi_momentum)
            for k in (1.0, self.factor)
        )
        return np.asarray(varied / nominal)
