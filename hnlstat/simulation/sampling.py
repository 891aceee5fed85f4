"""Quasi-random sampling of N rays that end in a fiducial volume.

Points are drawn where N decays, uniformly in the fiducial volume, and followed back to where it was
made. That map has unit Jacobian (vertex = decay point - l * direction), so every ray counts and the
far rock and the centimetres before the gas are covered alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.shapes import Shape
from hnlstat.errors import ConfigError
from hnlstat.physics import form_factors, kinematics
from hnlstat.physics.processes import KaonMode, Upscattering
from hnlstat.physics.targets import Target

Array = NDArray[np.float64]

DIMENSIONS = 6
"""Energy, Q^2, azimuth, decay point (3)."""
M3_TO_CM3 = 1e6
_NODES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
"""Shares of the logarithmic range of Q^2 at which cross sections are added up."""


@dataclass(frozen=True)
class Scatterer:
    """A kind of scattering target in the detector.

    Attributes
    ----------
    name : unique name, such as "C12", "p" or "bound n"
    target : the nucleus or nucleon
    fermi_momentum : k_F [GeV] for Pauli suppression, or None
    density : (n_media,) number density in each medium [1/cm^3]
    """

    name: str
    target: Target
    fermi_momentum: float | None
    density: Array


@dataclass(frozen=True)
class Rays:
    """N rays, followed back from their decay points.

    Attributes
    ----------
    origin : (N, 3) decay points [m]
    direction : (N, 3) unit vectors from the decay point back to the vertex
    energy_bin : (N,) index of the flux bin
    energy : (N,) of the neutrino [GeV]
    q2 : (N,) [GeV^2]
    mass : of N [GeV]
    cross_section : (N,) Q^2 dsigma/dQ^2 [cm^2] over the strength, without Pauli suppression
    momentum : (N,) of N [GeV]
    weight : (N,) [cm^5]: volume times cross section over the strength, per unit flux in the bin;
        of N of kaons [cm^3]
    first, last : (N,) distances [m] from the decay points between which these rays count; None: all
    kaons : what made N that neutrinos did not; `energy` is then that of N, `q2` and
        `cross_section` are 0
    """

    origin: Array
    direction: Array
    energy_bin: NDArray[np.int64]
    energy: Array
    q2: Array
    mass: float
    cross_section: Array
    momentum: Array
    weight: Array
    first: Array | None = None
    last: Array | None = None
    kaons: KaonMode | None = None


def q2_ranges(
    energy: Array, mass: float, target_mass: float, min_cos_theta: float
) -> tuple[Array, Array, Array, Array]:
    """Q^2 ranges [GeV^2] with cos(theta_N) above the cut: fast N [a, b] and slow N [c, d].

    Without a cut, or with one that lets N go backwards, the first range is all and the second
    empty. NaN below threshold. Shapes as `energy`.
    """
    low, high = kinematics.q2_limits(energy, mass, target_mass)
    if min_cos_theta <= 0:
        return low, high, high, high
    fast, slow = kinematics.q2_at_angle(min_cos_theta, energy, mass, target_mass)
    # where no N reaches that angle all of them are within it
    fast = np.where(np.isfinite(fast), np.clip(fast, low, high), high)
    slow = np.where(np.isfinite(slow), np.clip(slow, fast, high), high)
    return low, fast, slow, high


def energy_proposal(
    edges: Array,
    flux: Array,
    mass: float,
    source: Upscattering,
    scatterer: Scatterer,
    min_cos_theta: float,
) -> Array:
    """Probability (J,) with which each flux bin is sampled.

    Half goes by flux times cross section, half by that times E^2: the fast N that survive from far
    away carry the yield at short lifetimes.
    """
    energy = np.stack([edges[:-1] + f * np.diff(edges) for f in (0.25, 0.5, 0.75, 1.0)])
    low, fast, _, _ = q2_ranges(energy, mass, scatterer.target.mass, min_cos_theta)
    possible = np.isfinite(low) & (low < fast)
    log_range = np.where(possible, np.log(np.where(possible, fast / low, 1.0)), 0.0)
    q2 = np.where(possible, low, 1.0) * np.exp(np.multiply.outer(_NODES, log_range))
    value = source.cross_section(q2, energy, mass, scatterer.target)
    total = np.sum(np.where(possible, value, 0.0), axis=0) * log_range
    _check(total, source)
    rate = flux * np.mean(total, axis=0)
    if not np.any(rate > 0):
        return np.zeros_like(flux)
    centre = energy[1]
    mixed = rate / rate.sum() + rate * centre**2 / np.sum(rate * centre**2)
    # a floor keeps weights bounded where five nodes miss most of the cross section
    mixed = np.maximum(mixed, 1e-3 * mixed.max()) * ((rate > 0) | (possible[-1] & (flux > 0)))
    return np.asarray(mixed / mixed.sum())


def sample_rays(
    points: Array,
    edges: Array,
    proposal: Array,
    mass: float,
    source: Upscattering,
    scatterer: Scatterer,
    min_cos_theta: float,
    fiducial: Sequence[Shape],
    volume: NDArray[np.int64],
) -> Rays:
    """Turn points of the unit cube into rays that decay in fiducial volumes.

    Parameters
    ----------
    points : (N, DIMENSIONS) in [0, 1)
    edges, proposal : (J + 1,) flux bin edges [GeV] and (J,) probability of each bin
    mass : of N [GeV]
    source, scatterer : how the neutrino becomes N, and what it scatters on
    min_cos_theta : cut on the angle of N to the beam
    fiducial : shapes of the fiducial volumes
    volume : (N,) index of the one each ray ends in
    """
    cumulative = np.append(0.0, np.cumsum(proposal))
    cumulative[-1] = 1.0
    place = np.searchsorted(cumulative, points[:, 0], side="right") - 1
    energy_bin = np.clip(place, 0, len(proposal) - 1)
    within = (points[:, 0] - cumulative[energy_bin]) / proposal[energy_bin]
    energy = edges[energy_bin] + within * np.diff(edges)[energy_bin]

    q2, log_range = _sample_q2(points[:, 1], energy, mass, scatterer.target.mass, min_cos_theta)
    energy_n = np.where(log_range > 0, energy, mass + 1.0)
    target, m_t = scatterer.target, scatterer.target.mass
    cross_section = source.cross_section(q2, energy_n, mass, target)
    _check(cross_section, source)
    weight = cross_section * log_range
    if scatterer.fermi_momentum is not None:
        weight *= form_factors.pauli_suppression(np.sqrt(q2), scatterer.fermi_momentum)
    size = np.array([shape.volume for shape in fiducial])
    weight *= size[volume] * M3_TO_CM3 / proposal[energy_bin]

    cosine = kinematics.cos_theta(q2, energy_n, mass, m_t)
    weight *= cosine >= min_cos_theta - 1e-12
    sine, azimuth = np.sqrt((1 - cosine) * (1 + cosine)), 2 * np.pi * points[:, 2]
    direction = -np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)
    momentum = np.maximum(kinematics.momentum(q2, energy_n, mass, m_t), 1e-9 * mass)
    origin = np.empty((len(points), 3))
    for v in np.unique(volume):
        origin[volume == v] = fiducial[v].points(points[volume == v, 3:])
    return Rays(
        origin, direction, energy_bin, energy, q2, mass, cross_section, momentum, weight
    )  # fmt: skip


def _check(cross_section: Array, source: Upscattering) -> None:
    """Refuse cross sections that are negative or not finite, as a user's model may have."""
    if not (np.min(cross_section) >= 0 and np.max(cross_section) < np.inf):
        name = type(source).__name__
        raise ConfigError(f"model.kind: {name} has cross sections that are negative or not finite")


def _sample_q2(
    unit: Array, energy: Array, mass: float, target_mass: float, min_cos_theta: float
) -> tuple[Array, Array]:
    """Q^2 uniform in its logarithm over both ranges, and their logarithmic length (0: none)."""
    low, fast, slow, high = q2_ranges(energy, mass, target_mass, min_cos_theta)
    possible = np.isfinite(low)
    low, fast, slow, high = (np.where(possible, a, 1.0) for a in (low, fast, slow, high))
    first, second = np.log(fast / low), np.log(high / slow)
    place = unit * (first + second)
    q2 = np.where(place < first, low * np.exp(place), slow * np.exp(place - first))
    return q2, np.where(possible, first + second, 0.0)
