"""Two-body kinematics of upscattering, nu(E) + target(M) -> N(m) + target, target at rest."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def threshold_energy(mass: ArrayLike, target_mass: ArrayLike) -> Array:
    """Neutrino energy [GeV] above which N can be made: s > (m + M)^2, so E > m + m^2 / (2 M)."""
    mass = np.asarray(mass, dtype=float)
    return np.asarray(mass + mass**2 / (2 * np.asarray(target_mass)))


def q2_limits(energy: ArrayLike, mass: ArrayLike, target_mass: ArrayLike) -> tuple[Array, Array]:
    """Smallest and largest Q^2 [GeV^2]; broadcasts, NaN at and below threshold.

    The smallest comes from the product of the two, not from their difference, which cancels.

    Parameters
    ----------
    energy, mass, target_mass : E, m and M [GeV]
    """
    energy, mass, m_t = (np.asarray(a, dtype=float) for a in (energy, mass, target_mass))
    s = m_t * (m_t + 2 * energy)
    above = energy > threshold_energy(mass, m_t)
    # p3^2 = (s - (m+M)^2)(s - (m-M)^2) / (4 s), each factor without the cancellation in M^2
    to_threshold = np.where(above, 2 * m_t * (energy - mass) - mass**2, np.nan)
    p3 = np.sqrt(to_threshold * (2 * m_t * (energy + mass) - mass**2) / (4 * s))
    e1 = m_t * energy / np.sqrt(s)
    e3 = (2 * m_t * energy + mass**2) / (2 * np.sqrt(s))
    q2_max = 2 * e1 * (e3 + p3) - mass**2
    return np.asarray(mass**4 * m_t**2 / (s * q2_max)), np.asarray(q2_max)


def momentum(q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target_mass: ArrayLike) -> Array:
    """Laboratory momentum [GeV] of N, from E_N = E - Q^2 / (2 M)."""
    e_n = np.asarray(energy) - np.asarray(q2) / (2 * np.asarray(target_mass))
    mass = np.asarray(mass, dtype=float)
    return np.asarray(np.sqrt(np.maximum((e_n - mass) * (e_n + mass), 0.0)))


def cos_theta(q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target_mass: ArrayLike) -> Array:
    """Cosine of the laboratory angle between N and the neutrino; broadcasts."""
    energy, q2 = np.asarray(energy, dtype=float), np.asarray(q2, dtype=float)
    e_n = energy - q2 / (2 * np.asarray(target_mass))
    p_n = momentum(q2, energy, mass, target_mass)
    cosine = (2 * energy * e_n - np.asarray(mass) ** 2 - q2) / (2 * energy * p_n)
    return np.asarray(np.clip(cosine, -1.0, 1.0))


def q2_at_angle(
    cosine: float, energy: ArrayLike, mass: ArrayLike, target_mass: ArrayLike
) -> tuple[Array, Array]:
    """Q^2 [GeV^2] of the fast and of the slow N that goes out at a given angle.

    The roots of (2 E E_N - m^2 - Q^2)^2 = 4 E^2 p_N^2 cos^2(theta): cos(theta_N) is larger than
    `cosine` below the first and (where N can be slower than the centre of mass) above the second.
    NaN where no N goes out at that angle; broadcasts.

    Parameters
    ----------
    cosine : cos(theta_N), positive
    energy, mass, target_mass : E, m and M [GeV]
    """
    energy, mass, m_t = (np.asarray(a, dtype=float) for a in (energy, mass, target_mass))
    b = 1 + energy / m_t
    a = 2 * energy**2 - mass**2
    c2 = cosine**2
    quadratic = b**2 - c2 * (energy / m_t) ** 2
    half_linear = a * b - 2 * c2 * energy**3 / m_t
    # a^2 - 4 c^2 E^2 (E^2 - m^2), arranged so that small m and small angles do not cancel
    constant = 4 * (1 - c2) * energy**2 * (energy**2 - mass**2) + mass**4
    discriminant = half_linear**2 - quadratic * constant
    upper = half_linear + np.sqrt(np.where(discriminant >= 0, discriminant, np.nan))
    fast, slow = constant / upper, upper / quadratic
    # squaring has let in the angles of opposite sign: there a - b Q^2 = 2 E p_N cos is negative
    return np.where(a - b * fast >= 0, fast, np.nan), np.where(a - b * slow >= 0, slow, np.nan)
