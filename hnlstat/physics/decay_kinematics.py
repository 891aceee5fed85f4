"""Four-vectors of N -> nu gamma and N -> nu l+ l- at tree level, for N of any helicity.

In the rest frame of N let x = q^2 / m^2 be the squared mass of the (virtual) photon over that of N,
theta its angle to the direction of flight of N, and arccos(c), phi the polar and azimuthal angle of
l- in the rest frame of the pair (about the pair's direction; phi = 0 is in the plane of pair and N,
on the side away from N). The neutrino is left-handed, so the photon has helicity -1 (transverse) or
0 (longitudinal), and

    dGamma ~ dq^2/q^2 (1-x)^2 beta { (1 - P cos theta) (1 - beta^2 sin^2/2)
             + (x/2) (1 + P cos theta) (1 - beta^2 c^2)
             + P sqrt(x) sin theta beta^2 c sin cos phi } dcos theta dc dphi,

sin^2 = 1 - c^2, beta the velocity of the leptons in the pair. A real photon has the first term
only. P is the polarisation along the flight times the lepton number: near +1 for the dipole's N of
neutrinos and for the anti-N of antineutrinos, which have the opposite helicity; 0 for a Majorana N,
which decays to neutrino and antineutrino alike. `Decay.with_spin` has N polarised along any axis.
All is drawn by inverse transforms, so that every event has weight 1.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.constants import ALPHA, LEPTON_MASS
from hnlstat.physics.decay import width_photon

Array = NDArray[np.float64]

PHOTON_DIMENSIONS = 2
DILEPTON_DIMENSIONS = 6
"""q^2, cos(theta), azimuth of the pair, c, and two for phi."""

_CELLS = 4096
_BLOCK = 8192


@dataclass(frozen=True)
class PhotonDecay:
    """Four-vectors (N, 4), (E, px, py, pz) [GeV], of N -> nu gamma."""

    neutrino: Array
    photon: Array


@dataclass(frozen=True)
class DileptonDecay:
    """Four-vectors (N, 4), (E, px, py, pz) [GeV], of N -> nu l+ l-."""

    neutrino: Array
    minus: Array
    plus: Array


def dilepton_spectrum(q2: ArrayLike, mass: float, lepton: str) -> tuple[Array, Array]:
    """Transverse and longitudinal part of dGamma/dq^2 [GeV, per d^2], one neutrino flavour, Dirac.

    Their ratio is 1 to x/2; their sum integrates to `decay.width_dilepton`. 0 outside the limits.

    Parameters
    ----------
    q2 : squared mass of the pair [GeV^2], any shape
    mass : of N [GeV]
    lepton : "e", "mu" or "tau"
    """
    q2 = np.asarray(q2, dtype=float)
    threshold = 4 * LEPTON_MASS[lepton] ** 2
    inside = (q2 > threshold) & (q2 < mass**2)
    q2 = np.where(inside, q2, mass**2)
    x, ratio = q2 / mass**2, threshold / q2
    transverse = (1 - x) ** 2 * np.sqrt(np.maximum(1 - ratio, 0.0)) * (1 + ratio / 2) / q2
    transverse *= width_photon(mass) * ALPHA / (3 * np.pi)
    return np.where(inside, transverse, 0.0), np.where(inside, x / 2 * transverse, 0.0)


@lru_cache(maxsize=64)
def _rapidity_table(mass: float, lepton: str) -> tuple[Array, Array]:
    """Distribution function of the leptons' rapidity eta in the pair's frame, and eta.

    With q^2 = 4 m_l^2 cosh^2(eta) the spectrum has neither the peak nor the root at threshold;
    between the nodes the density is constant to (1 / cells)^2, which is the accuracy of the table.
    """
    m_l = LEPTON_MASS[lepton]
    last = np.arcsinh(np.sqrt((mass - 2 * m_l) * (mass + 2 * m_l)) / (2 * m_l))
    eta = np.linspace(0.0, last, _CELLS + 1)
    nodes, weights = np.polynomial.legendre.leggauss(4)
    inner = eta[:-1, None] + (nodes + 1) / 2 * (last / _CELLS)
    x = (2 * m_l / mass * np.cosh(inner)) ** 2
    beta2 = np.tanh(inner) ** 2
    density = (1 - x) ** 2 * (1 + x / 2) * beta2 * (1.5 - beta2 / 2)
    distribution = np.append(0.0, np.cumsum(density @ weights))
    return distribution / distribution[-1], eta


def sample_pair_rapidity(unit: Array, mass: float, lepton: str) -> Array:
    """Rapidity eta of the leptons in the pair's frame, from points in [0, 1); same shape.

    The pair's mass is 2 m_l cosh(eta), the velocity of the leptons tanh(eta).

    Raises
    ------
    ValueError
        If N is too light for the pair, or the lepton is unknown.
    """
    if lepton not in LEPTON_MASS:
        raise ValueError(f"unknown lepton {lepton!r}; use one of {', '.join(LEPTON_MASS)}")
    if mass <= 2 * LEPTON_MASS[lepton]:
        raise ValueError(f"N of {mass:g} GeV is too light to decay to a pair of {lepton}")
    return np.interp(unit, *_rapidity_table(float(mass), lepton))


def four_momentum(momentum: Array, mass: ArrayLike) -> Array:
    """Four-vectors (N, 4) of particles with momenta (N, 3) and masses that broadcast [GeV]."""
    energy = np.sqrt(np.sum(momentum**2, axis=-1) + np.square(mass))
    return np.concatenate([energy[..., None], momentum], axis=-1)


def decay_to_photon(
    points: Array, momentum: Array, mass: float, polarisation: ArrayLike
) -> PhotonDecay:
    """Decay N -> nu gamma: 1 - P cos(theta) for the photon.

    Parameters
    ----------
    points : (N, PHOTON_DIMENSIONS) in [0, 1)
    momentum : (N, 3) of N in the laboratory [GeV]; N at rest are polarised along z
    mass : of N [GeV]
    polarisation : P, a number or (N,), from -1 to 1; see the head of this module
    """
    n = len(points)
    photon, neutrino = np.empty((n, 4)), np.empty((n, 4))
    for part, polarised in blocks(n, polarisation):
        to_laboratory = Frame.of(momentum[part], mass)
        cosine = sample_linear(points[part, 0], -polarised)
        sine, azimuth = np.sqrt((1 - cosine) * (1 + cosine)), 2 * np.pi * points[part, 1]
        k = mass / 2 * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])
        to_laboratory(photon[part], k, mass / 2, 0.0)
        to_laboratory(neutrino[part], -k, mass / 2, 0.0)
    return PhotonDecay(neutrino, photon)


def decay_to_dilepton(
    points: Array, momentum: Array, mass: float, polarisation: ArrayLike, lepton: str = "e"
) -> DileptonDecay:
    """Decay N -> nu l+ l-, with all correlations of the tree level.

    Parameters
    ----------
    points : (N, DILEPTON_DIMENSIONS) in [0, 1)
    momentum : (N, 3) of N in the laboratory [GeV]; N at rest are polarised along z
    mass : of N [GeV]
    polarisation : P, a number or (N,), from -1 to 1; see the head of this module
    lepton : "e", "mu" or "tau"

    Raises
    ------
    ValueError
        If N is too light for the pair, or the lepton is unknown.
    """
    n, m_l = len(points), LEPTON_MASS.get(lepton, 0.0)
    minus, plus, neutrino = (np.empty((n, 4)) for _ in range(3))
    for part, polarised in blocks(n, polarisation):
        unit = np.ascontiguousarray(points[part].T)
        eta = sample_pair_rapidity(unit[0], mass, lepton)
        half = m_l * np.cosh(eta)
        beta = np.tanh(eta)
        x = np.minimum((2 * half / mass) ** 2, 1.0)
        angles = _angles(unit[1:], x, beta, polarised)
        along, theta, phi = axes(angles.cos_pair, unit[2])
        # half the pair's momentum, and what l- has above and l+ below half of the pair's
        mean = mass * (1 - x) / 4 * along
        transverse = half * beta * angles.sin_lepton
        apart = (
            mass * (1 + x) / 4 * beta * angles.cos_lepton * along
            + transverse * angles.cos_azimuth * theta
            + transverse * angles.sin_azimuth * phi
        )
        energy, more = mass * (1 + x) / 4, mass * (1 - x) / 4 * beta * angles.cos_lepton
        to_laboratory = Frame.of(momentum[part], mass)
        to_laboratory(minus[part], mean + apart, energy + more, m_l)
        to_laboratory(plus[part], mean - apart, energy - more, m_l)
        to_laboratory(neutrino[part], -2 * mean, mass * (1 - x) / 2, 0.0)
    return DileptonDecay(neutrino, minus, plus)


@dataclass(frozen=True)
class _Angles:
    """Angles of the pair to N, and of l- in the frame of the pair; each (N,)."""

    cos_pair: Array
    cos_lepton: Array
    sin_lepton: Array
    cos_azimuth: Array
    sin_azimuth: Array


def _angles(unit: Array, x: Array, beta: Array, polarised: Array) -> _Angles:
    """Draw the angles one after the other, each from its distribution given those before."""
    cos_pair = sample_linear(unit[0], -polarised * (1 - x / 2) / (1 + x / 2))
    sin_pair = np.sqrt((1 - cos_pair) * (1 + cos_pair))
    transverse = 1 - polarised * cos_pair
    longitudinal = x / 2 * (1 + polarised * cos_pair)
    beta2 = beta**2
    constant = transverse * (1 - beta2 / 2) + longitudinal
    square = beta2 * (transverse / 2 - longitudinal)
    c = sample_quadratic(unit[2], square / constant)
    s = np.sqrt((1 - c) * (1 + c))
    interference = polarised * np.sqrt(x) * sin_pair * beta2 * c * s
    azimuth = 2 * np.pi * unit[3]
    cos_azimuth, sin_azimuth = np.cos(azimuth), np.sin(azimuth)
    # 1 + a cos(phi): turn by 180 degrees with probability (1 - a cos(phi)) / 2
    asymmetry = interference / (constant + square * c**2) * cos_azimuth
    sign = np.where(2 * unit[4] < 1 - asymmetry, -1.0, 1.0)
    return _Angles(cos_pair, c, s, sign * cos_azimuth, sign * sin_azimuth)


def sample_linear(unit: Array, slope: Array) -> Array:
    """Points in [-1, 1] with density 1 + slope c, |slope| <= 1, from points in [0, 1)."""
    rest = 4 * unit - 2 + slope
    root = np.sqrt(np.maximum(1 + slope * rest, 0.0))
    return np.asarray(np.clip(rest / (1 + root), -1.0, 1.0))


def sample_quadratic(unit: Array, curvature: Array) -> Array:
    """Points in [-1, 1] with density 1 + curvature c^2, -1 <= curvature.

    Solves c + curvature c^3 / 3 = y by the formulae for the triple angle, 3 s - 4 s^3 = sin(3 phi)
    and 3 s + 4 s^3 = sinh(3 phi).
    """
    root = np.sqrt(np.maximum(np.abs(curvature), 1e-30))
    y = 1.5 * root * (2 * unit - 1) * (1 + curvature / 3)
    down = np.sin(np.arcsin(np.clip(y, -1.0, 1.0)) / 3)
    up = np.sinh(np.arcsinh(y) / 3)
    return np.asarray(np.clip(2 / root * np.where(curvature < 0, down, up), -1.0, 1.0))


def axes(cosine: Array, unit_azimuth: Array) -> tuple[Array, Array, Array]:
    """Unit vectors (3, N) along a direction and along growing theta and azimuth."""
    sine, azimuth = np.sqrt((1 - cosine) * (1 + cosine)), 2 * np.pi * unit_azimuth
    cos_a, sin_a = np.cos(azimuth), np.sin(azimuth)
    return (
        np.stack([sine * cos_a, sine * sin_a, cosine]),
        np.stack([cosine * cos_a, cosine * sin_a, -sine]),
        np.stack([-sin_a, cos_a, np.zeros_like(sine)]),
    )


def perpendicular(direction: Array) -> tuple[Array, Array]:
    """Two unit vectors (3, N) that make right-handed axes with unit vectors (3, N).

    T. Duff et al., J. Comput. Graph. Tech. 6 (2017) 1: stable everywhere.
    """
    x, y, z = direction
    sign = np.copysign(1.0, z)
    a = -1 / (sign + z)
    b = x * y * a
    return (
        np.stack([1 + sign * x * x * a, sign * b, -sign * x]),
        np.stack([b, sign + y * y * a, -y]),
    )


@dataclass(frozen=True)
class Frame:
    """Rest frames of N, z along its flight: axes (3, N) in the laboratory, gamma, beta gamma."""

    first: Array
    second: Array
    flight: Array
    gamma: Array
    beta_gamma: Array

    @classmethod
    def of(cls, momentum: Array, mass: float) -> "Frame":
        """Frames of N with momenta (N, 3); N at rest have the axes of the laboratory."""
        size = np.sqrt(np.sum(momentum**2, axis=1))
        moving = size > 0
        flight = momentum.T / np.where(moving, size, 1.0)
        flight[2] = np.where(moving, flight[2], 1.0)
        beta_gamma = size / mass
        return cls(*perpendicular(flight), flight, np.sqrt(1 + beta_gamma**2), beta_gamma)

    def __call__(self, out: Array, momentum: Array, energy: Array | float, mass: float) -> None:
        """Fill `out` (N, 4) with laboratory four-vectors, each on its mass shell."""
        x, y, z = momentum
        z = self.gamma * z + self.beta_gamma * energy
        out[:, 1:] = (x * self.first + y * self.second + z * self.flight).T
        out[:, 0] = np.sqrt(x * x + y * y + z * z + mass**2)


def blocks(n: int, polarisation: ArrayLike) -> list[tuple[slice, Array]]:
    """Slices of events that fit into the cache, each with its polarisation."""
    polarised = np.broadcast_to(np.asarray(polarisation, dtype=float), (n,))
    parts = [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]
    return [(part, polarised[part]) for part in parts]
