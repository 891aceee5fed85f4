"""Four-vectors of weak decays of N, polarised along its flight: two bodies, and N -> nu l- l'+.

All is drawn by inverse transforms, so that every event has weight 1. Polarisations are those for
decays of lepton number +1: helicity of N times the lepton number of the decay.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.decay_kinematics import Frame, axes, blocks, sample_linear, sample_quadratic
from hnlstat.physics.weak_decay import Angular, Contact, Pair, last_rapidity, spectrum

Array = NDArray[np.float64]

THREE_BODY_DIMENSIONS = 7
"""Rapidity, cos(theta), azimuth of the pair, and two each for c and phi."""
TWO_BODY_DIMENSIONS = 2

_CELLS = 4096


@lru_cache(maxsize=64)
def _rapidity_table(mass: float, contact: Contact) -> tuple[Array, Array]:
    """Distribution function of the rapidity between the leptons, and the rapidity.

    Between the nodes the density is constant to (1 / cells)^2, which is the accuracy of the table.
    """
    last = float(last_rapidity(mass, contact))
    nodes, weights = np.polynomial.legendre.leggauss(4)
    eta = np.linspace(0.0, last, _CELLS + 1)
    inner = eta[:-1, None] + (nodes + 1) / 2 * (last / _CELLS)
    distribution = np.append(0.0, np.cumsum(spectrum(inner, mass, contact) @ weights))
    return distribution / distribution[-1], eta


def three_body(
    points: Array, momentum: Array, mass: float, polarisation: ArrayLike, contact: Contact
) -> tuple[Array, Array]:
    """Four-vectors (N, 4), (E, px, py, pz) [GeV], of l- and l'+ of N -> nu l- l'+.

    Parameters
    ----------
    points : (N, THREE_BODY_DIMENSIONS) in [0, 1)
    momentum : (N, 3) of N in the laboratory [GeV]; N at rest are polarised along z
    mass : of N [GeV]
    polarisation : P along the flight, a number or (N,), from -1 to 1, for lepton number +1
    contact : couplings and masses

    Raises
    ------
    ValueError
        If N is too light.
    """
    _check_threshold(mass, contact.threshold)
    minus, plus = (np.empty((len(points), 4)) for _ in range(2))
    for part, polarised in blocks(len(points), polarisation):
        unit = np.ascontiguousarray(points[part].T)
        pair = Pair.of(np.interp(unit[0], *_rapidity_table(mass, contact)), mass, contact)
        cos_pair, momenta = _in_pair(unit, pair, mass, polarised, contact)
        along, theta, phi = axes(cos_pair, unit[2])
        to_laboratory = Frame.of(momentum[part], mass)
        for out, energy, m, sign in (
            (minus, pair.minus, contact.minus, 1), (plus, pair.plus, contact.plus, -1)
        ):  # fmt: skip
            x, y, z = sign * momenta
            k = (pair.n_energy * z + pair.nu_energy * energy) * along + x * theta + y * phi
            boosted = pair.n_energy * energy + pair.nu_energy * z
            to_laboratory(out[part], mass * k, mass * boosted, m)
    return minus, plus


def _in_pair(
    unit: Array, pair: Pair, mass: float, polarised: Array, contact: Contact
) -> tuple[Array, Array]:
    """Draw cos(theta) of the pair, and the momentum (3, N) of l- in its frame: z along the pair."""
    scale = contact.minus * contact.plus / mass**2
    zero = np.zeros_like(pair.mass)
    means = [
        angular.constant + angular.square / 3
        for angular in (
            Angular.of(pair, contact, scale, zero, zero),
            Angular.of(pair, contact, scale, zero + 1, zero),
        )
    ]
    cosine = sample_linear(unit[1], polarised * (means[1] / means[0] - 1))
    sine = np.sqrt((1 - cosine) * (1 + cosine))
    angular = Angular.of(pair, contact, scale, polarised * cosine, polarised * sine)
    c = sample_quadratic(unit[3], angular.square / angular.constant)
    even = angular.constant + angular.square * c**2
    c = _flipped(c, angular.linear * c / even, unit[4])
    s = np.sqrt((1 - c) * (1 + c))
    azimuth = 2 * np.pi * unit[5]
    asymmetry = (angular.side + angular.turn * c) * s / (even + angular.linear * c)
    sign = _flipped(np.ones_like(c), asymmetry * np.cos(azimuth), unit[6])
    momenta = (sign * s * np.cos(azimuth), sign * s * np.sin(azimuth), c)
    return cosine, pair.momentum * np.stack(momenta)


def _flipped(value: Array, asymmetry: Array, unit: Array) -> Array:
    """Turn values round with probability (1 - asymmetry) / 2, which the opposite ones have as +."""
    return np.where(2 * unit < 1 - asymmetry, -value, value)


def two_body(
    points: Array,
    momentum: Array,
    mass: float,
    slope: ArrayLike,
    products: tuple[float, float],
) -> tuple[Array, Array]:
    """Four-vectors (N, 4), (E, px, py, pz) [GeV], of both products of a decay into two.

    Parameters
    ----------
    points : (N, TWO_BODY_DIMENSIONS) in [0, 1)
    momentum : (N, 3) of N in the laboratory [GeV]; N at rest are polarised along z
    mass : of N [GeV]
    slope : of the first product's 1 + slope cos(theta), a number or (N,)
    products : masses [GeV]

    Raises
    ------
    ValueError
        If N is too light.
    """
    _check_threshold(mass, sum(products))
    first, second = (np.empty((len(points), 4)) for _ in range(2))
    m1, m2 = products
    energy = (mass**2 + m1**2 - m2**2) / (2 * mass)
    size = np.sqrt((energy - m1) * (energy + m1))
    for part, slopes in blocks(len(points), slope):
        along, _, _ = axes(sample_linear(points[part, 0], slopes), points[part, 1])
        to_laboratory = Frame.of(momentum[part], mass)
        to_laboratory(first[part], size * along, energy, m1)
        to_laboratory(second[part], -size * along, mass - energy, m2)
    return first, second


def _check_threshold(mass: float, threshold: float) -> None:
    if mass <= threshold:
        raise ValueError(f"N of {mass:g} GeV is too light to decay to {threshold:g} GeV")
