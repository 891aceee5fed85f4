"""Energy and angle of the photon of N -> nu gamma in the laboratory, in closed form.

Four-vectors are drawn by `decay_kinematics.decay_to_photon`; these are the distributions that it
has for N of one momentum. In the rest frame of N the photon has half of its mass and the angle
1 - P cos(theta*) to the flight of N. P is helicity times lepton number: +1 for Dirac N of neutrinos
whose helicity has turned round and their antiparticles, whose photons go backwards and take less of
the energy; 0 for Majorana N, at all angles alike; -1 is the wrong sign, which some codes have.

In the laboratory E = (E_N + p_N cos(theta*)) / 2 and cos(theta) = (beta + cos(theta*)) / (1 + beta
cos(theta*)), so that the spectrum is linear in E between (E_N -+ p_N) / 2.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def energy_limits(momentum: ArrayLike, mass: ArrayLike) -> tuple[Array, Array]:
    """Smallest and largest energy [GeV] of the photon; broadcasts.

    The smallest comes from the product of the two, m^2 / 4, not from their difference.

    Parameters
    ----------
    momentum, mass : of N [GeV]
    """
    momentum, mass = np.asarray(momentum, dtype=float), np.asarray(mass, dtype=float)
    high = (np.hypot(momentum, mass) + momentum) / 2
    return np.asarray(mass**2 / (4 * high)), np.asarray(high)


def energy_density(
    energy: ArrayLike, momentum: ArrayLike, mass: ArrayLike, polarisation: ArrayLike
) -> Array:
    """Density [1/GeV] of the photon's energy, (1 - P cos(theta*)) / p_N; 0 outside its limits.

    Parameters
    ----------
    energy : of the photon [GeV]
    momentum, mass : of N [GeV], the momentum above 0; all broadcast
    polarisation : P, from -1 to 1
    """
    low, high = energy_limits(momentum, mass)
    energy, momentum = np.asarray(energy, dtype=float), np.asarray(momentum, dtype=float)
    cosine = (2 * energy - (low + high)) / momentum
    inside = (energy >= low) & (energy <= high)
    density = (1 - np.asarray(polarisation, dtype=float) * cosine) / momentum
    return np.asarray(np.where(inside, density, 0.0))


def share_above_energy(
    energy: ArrayLike, momentum: ArrayLike, mass: ArrayLike, polarisation: ArrayLike
) -> Array:
    """Share of photons with more than an energy [GeV]; parameters as for `energy_density`."""
    low, high = energy_limits(momentum, mass)
    above = high - np.clip(np.asarray(energy, dtype=float), low, high)
    return _share_forward(2 * above / np.asarray(momentum, dtype=float), polarisation)


def share_above_cosine(
    cosine: ArrayLike, momentum: ArrayLike, mass: ArrayLike, polarisation: ArrayLike
) -> Array:
    """Share of photons closer to the flight of N than an angle, given by its cosine; broadcasts.

    Parameters
    ----------
    cosine : of the angle of photon and N in the laboratory, from -1 to 1
    momentum, mass : of N [GeV]; N at rest are polarised along the axis
    polarisation : P, from -1 to 1
    """
    aside = 1 - np.asarray(cosine, dtype=float)
    momentum, mass = np.asarray(momentum, dtype=float), np.asarray(mass, dtype=float)
    energy = np.hypot(momentum, mass)
    # (E - p cos(theta)) without the cancellation of E and p
    across = mass**2 / (energy + momentum) + momentum * aside
    return _share_forward((energy + momentum) * aside / across, polarisation)


def _share_forward(rest: Array, polarisation: ArrayLike) -> Array:
    """Integral of (1 - P c) / 2 over c from 1 - rest to 1."""
    polarisation = np.asarray(polarisation, dtype=float)
    return np.asarray(rest / 2 - polarisation * rest * (2 - rest) / 4)
