"""Upscattering nu + target -> N + target through the transition dipole moment.

Tree level, both helicities of N summed, Dirac N, per squared coupling d^2 with
L = d nubar sigma_mn P_R N F^mn + h.c. (d in GeV^-1; mu_tr = 2 d in part of the literature).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics import form_factors, kinematics
from hnlstat.physics.constants import ALPHA, HBAR_C_SQUARED_GEV2_CM2
from hnlstat.physics.targets import Target
from hnlstat.physics.targets import target as find_target

Array = NDArray[np.float64]

_PANELS, _NODES = 24, 8


def reduced_cross_section(
    q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: Target, radius_scale: float = 1.0
) -> Array:
    """Q^2 dsigma/dQ^2 [cm^2 GeV^2, per d^2]; broadcasts; not limited to the kinematic range.

    With T = Q^2 / (2 M) the brackets of the spin-0 target, T B0, and of the magnetic part of a
    spin-1/2 target, T D (Brdar, Greljo, Kopp, Opferkuch, JCAP 01 (2021) 039; Magill, Plestid,
    Pospelov, Tsai, PRD 98 (2018) 115015), in the form free of cancelling m^4 / M^2 terms:

        T B0 = (1 - T/2E)^2 - (m^2/4E^2) (1 + (2E - T/2)/M) - m^4 / (4 E^2 Q^2)
        T D  = (m^2 + Q^2)(m^2 - Q^2/2) / (8 M^2 E^2)

    Parameters
    ----------
    q2, energy, mass : Q^2 [GeV^2], E [GeV] and m [GeV]
    target : the nucleus (coherent) or nucleon
    radius_scale : of the target's charge and magnetisation: form factors are taken at Q times this
    """
    q2, energy, mass = (np.asarray(a, dtype=float) for a in (q2, energy, mass))
    m_t = target.mass
    recoil = q2 / (2 * m_t)
    four_e2 = 4 * energy**2
    spin0 = (
        (1 - recoil / (2 * energy)) ** 2
        - mass**2 / four_e2 * (1 + (2 * energy - recoil / 2) / m_t)
        - mass**4 / (four_e2 * q2)
    )
    if target.is_nucleon:
        g_e, g_m = form_factors.nucleon_sachs(q2 * radius_scale**2, target)
        tau = recoil / (2 * m_t)
        magnetic = (mass**2 + q2) * (mass**2 - q2 / 2) / (2 * m_t**2 * four_e2)
        strength = (g_e**2 + tau * g_m**2) / (1 + tau) * spin0 + g_m**2 * magnetic
    else:
        q = np.sqrt(q2) * radius_scale
        charge = target.charge * form_factors.nuclear_charge(q, target)
        strength = charge**2 * spin0
    # at the forward edge the bracket is a rounding error around zero
    return np.asarray(4 * ALPHA * HBAR_C_SQUARED_GEV2_CM2 * np.maximum(strength, 0.0))


def polarisation(
    q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: Target
) -> tuple[Array, Array]:
    """Polarisation of the N that a neutrino makes: along its flight, and across it; broadcasts.

    Of the bracket of the spin-0 target, with c = cos(theta_N) in the laboratory, N that turn
    their helicity round have

        T B0+ = (E_N + p) (E + p)^2 (1 - c) / (4 E Q^2),

    those that keep it the same with -p and -c, and twice the geometric mean is the size of the part
    across. What magnetism adds are, for the same three,

        T D+ = (2 m^2 (m^2 + Q^2) - (2 m^2 + Q^2) (E_N + p) E (1 - c)) / (16 M^2 E^2)

    and (2 m^2 + Q^2) m sin(theta) / (8 M^2 E). Forward N of a spin-0 target keep their helicity. As
    the target is not polarised, N have no spin off the plane of neutrino and flight.

    Parameters
    ----------
    q2, energy, mass : Q^2 [GeV^2], E [GeV] and m [GeV], above threshold; the charge's form factor
        and Pauli suppression drop out
    target : the nucleus (coherent) or nucleon

    Returns
    -------
    Along the flight, 1 for a helicity that has turned round; and towards the neutrino's direction,
    at right angles to the flight. An antineutrino's N have the opposite ones.
    """
    q2, energy, mass = (np.asarray(a, dtype=float) for a in (q2, energy, mass))
    m_t = target.mass
    recoil = q2 / (2 * m_t)
    size = kinematics.momentum(q2, energy, mass, m_t)
    fast = energy - recoil + size
    slow = mass**2 / fast
    # 1 - cos(theta) and 1 + cos(theta), from 2 E p (1 - c) = Q^2 + m^2 - 2 E (E_N - p)
    aside = np.clip((q2 - slow * (2 * recoil + slow)) / (2 * energy * size), 0.0, 2.0)
    ahead = 2 - aside
    sine = np.sqrt(aside * ahead)
    unit = 4 * energy * q2
    turned = fast * aside * (energy + size) ** 2 / unit
    kept = slow * ahead * (energy - size) ** 2 / unit
    across = -2 * mass * sine * (energy + size) * (energy - size) / unit
    if target.is_nucleon:
        g_e, g_m = form_factors.nucleon_sachs(q2, target)
        tau = recoil / (2 * m_t)
        electric, magnetic = (g_e**2 + tau * g_m**2) / (1 + tau), g_m**2 / (4 * m_t * energy) ** 2
        both, each = 2 * mass**2 * (mass**2 + q2), 2 * mass**2 + q2
        turned = electric * turned + magnetic * (both - each * fast * energy * aside)
        kept = electric * kept + magnetic * (both - each * slow * energy * ahead)
        across = electric * across + 2 * magnetic * each * mass * energy * sine
    return np.asarray((turned - kept) / (turned + kept)), np.asarray(across / (turned + kept))


def differential_cross_section(
    q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: str
) -> Array:
    """dsigma/dQ^2 [cm^2, per d^2 in GeV^-2]; broadcasts, 0 outside the kinematic range.

    Parameters
    ----------
    q2 : Q^2 [GeV^2]
    energy : neutrino energy [GeV]
    mass : mass of N [GeV]
    target : "p" (or "H1"), "n", or a nuclide such as "C12" (coherent on the whole nucleus)

    Raises
    ------
    ValueError
        If the target is not known.
    """
    found = find_target(target)
    q2 = np.asarray(q2, dtype=float)
    low, high = kinematics.q2_limits(energy, mass, found.mass)
    inside = (q2 >= low) & (q2 <= high)
    safe = np.where(inside, q2, 1.0)
    return np.where(inside, reduced_cross_section(safe, energy, mass, found) / safe, 0.0)


def total_cross_section(energy: ArrayLike, mass: ArrayLike, target: str) -> Array:
    """Total cross section [cm^2 GeV^2, per d^2]; broadcasts, 0 below threshold.

    Gauss-Legendre quadrature in ln Q^2, on panels short enough for the form factor's zeros.

    Parameters
    ----------
    energy : neutrino energy [GeV]
    mass : mass of N [GeV], positive
    target : "p" (or "H1"), "n", or a nuclide such as "C12" (coherent on the whole nucleus)

    Raises
    ------
    ValueError
        If the target is not known.
    """
    found = find_target(target)
    energy, mass = np.broadcast_arrays(
        np.asarray(energy, dtype=float), np.asarray(mass, dtype=float)
    )
    low, high = kinematics.q2_limits(energy, mass, found.mass)
    above = np.isfinite(low)
    return np.where(above, _integral(np.where(above, low, 1.0), np.where(above, high, 1.0),
                                     np.where(above, energy, 1.0), mass, found), 0.0)  # fmt: skip


def _integral(low: Array, high: Array, energy: Array, mass: Array, target: Target) -> Array:
    """Integral of the cross section over Q^2 in [low, high], elementwise."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    unit = ((np.arange(_PANELS)[:, None] + (nodes + 1) / 2) / _PANELS).ravel()
    unit_weights = np.tile(weights / (2 * _PANELS), _PANELS)
    span = np.log(high / low)[..., None]
    q2 = low[..., None] * np.exp(unit * span)
    values = reduced_cross_section(q2, energy[..., None], mass[..., None], target)
    return np.asarray(np.sum(values * unit_weights, axis=-1) * span[..., 0])
