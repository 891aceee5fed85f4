"""What a detector makes of photons: energy and angle of the shower, and what is derived of them.

A photon that is seen gives one shower, as an electron of its energy would. Momenta are (3, N), rows
x, y, z, the beam is along z; every photon keeps its place, so that weights stay outside.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.constants import LEPTON_MASS, NEUTRON_MASS, PROTON_MASS
from hnlstat.physics.decay_kinematics import perpendicular

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ShowerResolution:
    """Resolution by true energy E [GeV], terms added (not in quadrature).

    Attributes
    ----------
    energy_root, energy_linear, energy_constant : of sigma_E = a sqrt(E) + b E + c
        [GeV^(1/2)], [1], [GeV]
    angle, angle_root, angle_log : of the sigma of each projection of the direction,
        angle + angle_root / sqrt(E) + angle_log ln(1 GeV / E) [rad]
    angle_least : what the angle's is at least [rad]; with angle_log it would become negative
    """

    energy_root: float
    energy_linear: float
    energy_constant: float
    angle: float
    angle_root: float
    angle_log: float
    angle_least: float

    def of_energy(self, energy: ArrayLike) -> Array:
        """sigma_E [GeV] at true energies [GeV], any shape."""
        energy = np.asarray(energy, dtype=float)
        root = self.energy_root * np.sqrt(energy)
        return np.asarray(root + self.energy_linear * energy + self.energy_constant)

    def of_angle(self, energy: ArrayLike) -> Array:
        """Sigma [rad] of each projection of the direction at true energies [GeV] above 0."""
        energy = np.asarray(energy, dtype=float)
        sigma = self.angle + self.angle_root / np.sqrt(energy) - self.angle_log * np.log(energy)
        return np.asarray(np.maximum(sigma, self.angle_least))


@dataclass(frozen=True)
class Showers:
    """Measured showers: visible energy (N,) [GeV] and direction (3, N), unit vectors."""

    visible_energy: Array
    direction: Array

    @property
    def cos_angle(self) -> Array:
        """Cosine of the angle to the beam (N,)."""
        return np.asarray(np.clip(self.direction[2], -1.0, 1.0))

    @property
    def angle(self) -> Array:
        """Angle to the beam (N,) [rad]."""
        x, y, z = self.direction
        return np.asarray(np.arctan2(np.hypot(x, y), z))

    def quasi_elastic_energy(self, binding: float = 0.0) -> Array:
        """Neutrino energy (N,) [GeV] if this were nu_e n -> e- p; see the function of that name."""
        return quasi_elastic_energy(self.visible_energy, self.cos_angle, binding)


def measure(momentum: Array, resolution: ShowerResolution, rng: np.random.Generator) -> Showers:
    """Measure photons: the energy is normal about the true one, the direction about its own.

    Energies that would come out negative are 0. The direction is turned by an angle whose two
    projections are normal, exactly on the sphere.

    Parameters
    ----------
    momentum : (3, N) true momenta [GeV], none of them 0
    resolution : by true energy
    rng : three normal numbers for each photon
    """
    energy = np.sqrt(np.einsum("in,in->n", momentum, momentum))
    draw = rng.standard_normal(momentum.shape)
    flight = momentum / energy
    first, second = perpendicular(flight)
    x, y = resolution.of_angle(energy) * draw[:2]
    turn = np.hypot(x, y)
    aside = np.sinc(turn / np.pi)
    return Showers(
        np.maximum(energy + resolution.of_energy(energy) * draw[2], 0.0),
        np.cos(turn) * flight + aside * (x * first + y * second),
    )


def quasi_elastic_energy(energy: ArrayLike, cosine: ArrayLike, binding: float = 0.0) -> Array:
    """Energy [GeV] that a neutrino would have if the shower came from nu_e n -> e- p.

    (M E - (M^2 + m_e^2 - M_p^2) / 2) / (M - E + p cos(theta)), M the mass of the neutron less what
    binds it; for any neutrino, as MiniBooNE has it in both horn modes (A. A. Aguilar-Arevalo et
    al., Phys. Rev. D 103, 052002). Infinite where no energy would do, E - p cos(theta) >= M;
    broadcasts.

    Parameters
    ----------
    energy : total energy of the electron [GeV], as measured
    cosine : of its angle to the beam
    binding : energy that binds the neutron [GeV]
    """
    energy, m_e = np.asarray(energy, dtype=float), LEPTON_MASS["e"]
    mass = NEUTRON_MASS - binding
    momentum = np.sqrt(np.maximum((energy - m_e) * (energy + m_e), 0.0))
    rest = mass - energy + momentum * np.asarray(cosine, dtype=float)
    above = mass * energy - ((mass - PROTON_MASS) * (mass + PROTON_MASS) + m_e**2) / 2
    return np.asarray(np.where(rest > 0, above / np.where(rest > 0, rest, 1.0), np.inf))
