"""Weak decays of the mass-mixed HNL: N -> nu e+ e-, and its production in K+ -> l+ N.

N mixes with one flavour, |U_a|^2. Neutral current, and for the electron flavour charged current in
Fierz form, give the amplitude (nubar gamma_mu P_L N) (ebar gamma^mu (g_L P_L + g_R P_R) e) with
g_R = sin^2(theta_W), g_L = g_R - 1/2 (+ 1 for the electron flavour), so that for massless electrons

    |M|^2 ~ g_L^2 ((p - m s) k+) (k_nu k-) + g_R^2 ((p - m s) k-) (k_nu k+),

s the spin of N. D. Gorbunov, M. Shaposhnikov, JHEP 10 (2007) 015; K. Bondarenko et al., JHEP 11
(2018) 032. Terms of order (m_e / m)^2, 1e-5 at 150 MeV, are left out.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.constants import KAON_MASS, LEPTON_MASS
from hnlstat.physics.decay_kinematics import perpendicular, sample_linear
from hnlstat.physics.weak_decay import FERMI_CONSTANT, SIN2_THETA_W

Array = NDArray[np.float64]
Flavour = Literal["e", "mu", "tau"]

KAON_TO_NEUTRINO = {"e": 1.582e-5, "mu": 0.6356}
"""Branching ratios of K+ -> l+ nu (PDG)."""


def couplings(flavour: Flavour) -> tuple[float, float]:
    """g_L and g_R of electrons with the neutrino of this flavour."""
    left = SIN2_THETA_W - 0.5
    return (left + 1 if flavour == "e" else left), SIN2_THETA_W


def width_ee(mass: ArrayLike, flavour: Flavour) -> Array:
    """Width over |U_a|^2 [GeV] of a Dirac N: G_F^2 m^5 (g_L^2 + g_R^2) / (192 pi^3)."""
    left, right = couplings(flavour)
    strength = FERMI_CONSTANT**2 * (left**2 + right**2) / (192 * np.pi**3)
    return np.asarray(strength * np.asarray(mass, dtype=float) ** 5)


def decay_to_ee(
    n: int, flavour: Flavour, polarisation: ArrayLike, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Momenta of e- and e+, (3, N) each, over the mass of N and in its rest frame.

    The lepton that stands with p - m s, e+ in the first term and e- in the second, has an energy
    x m / 2 with density x^2 (1 - x), and 1 + P cos(theta); the energy of the other one is uniform
    between its limits, (1 - x) m / 2 and m / 2. Every decay has weight 1.

    Parameters
    ----------
    n : number of decays
    flavour : that N mixes with
    polarisation : P along z, a number or (N,); for anti-N its negative, and e- and e+ exchanged
    rng : five numbers for each decay
    """
    left, right = couplings(flavour)
    x = rng.beta(3, 2, n)
    other = 1 - x * rng.random(n)
    leading = (
        x / 2 * _directions(sample_linear(rng.random(n), np.asarray(polarisation)), rng.random(n))
    )
    # angle between the two leptons from the momentum of the neutrino, (2 - x - other) m / 2
    cosine = np.clip(((2 - x - other) ** 2 - x**2 - other**2) / (2 * x * other), -1.0, 1.0)
    second = other / 2 * _about(leading / (x / 2), cosine, rng.random(n))
    first_term = rng.random(n) < left**2 / (left**2 + right**2)
    return np.where(first_term, second, leading), np.where(first_term, leading, second)


@dataclass(frozen=True)
class KaonDecays:
    """K+ -> l+ N in flight.

    Attributes
    ----------
    kaon : (3, N) momenta of the kaons [GeV]
    mass : of N [GeV]
    lepton : mass of the charged lepton [GeV]
    direction : (3, N) of N in the rest frame of the kaon
    """

    kaon: Array
    mass: float
    lepton: float
    direction: Array

    @classmethod
    def sample(
        cls, kaon: Array, mass: float, lepton: float, rng: np.random.Generator
    ) -> "KaonDecays":
        """Isotropic decays, of weight 1."""
        cosine, azimuth = rng.random((2, kaon.shape[1]))
        return cls(kaon, mass, lepton, _directions(2 * cosine - 1, azimuth))

    def __getitem__(self, index: NDArray[np.bool_]) -> "KaonDecays":
        """Some of the decays."""
        return replace(self, kaon=self.kaon[:, index], direction=self.direction[:, index])

    @property
    def momentum(self) -> Array:
        """Momenta of N in the laboratory (3, N) [GeV]."""
        energy, size = self._in_rest_frame()
        return boosted(size * self.direction, energy, self.kaon / KAON_MASS)

    def pairs(self, flavour: Flavour, rng: np.random.Generator) -> tuple[Array, Array]:
        """Momenta of e- and e+ of N -> nu e+ e- in the laboratory, (3, N) each [GeV].

        N decays with its polarisation along its flight in the rest frame of the kaon; boosts go
        the same way back, so that the spin turns as it should.
        """
        n = self.direction.shape[1]
        _, size = self._in_rest_frame()
        first, second = perpendicular(self.direction)
        found = []
        for x, y, z in decay_to_ee(n, flavour, kaon_polarisation(self.mass, self.lepton), rng):
            own = self.mass * (x * first + y * second + z * self.direction)
            there = boosted(own, _size(own), self.direction * (size / self.mass))
            found.append(boosted(there, _size(there), self.kaon / KAON_MASS))
        return found[0], found[1]

    def _in_rest_frame(self) -> tuple[float, float]:
        """Energy and momentum of N in the rest frame of the kaon [GeV]."""
        energy = (KAON_MASS**2 + self.mass**2 - self.lepton**2) / (2 * KAON_MASS)
        return energy, float(np.sqrt(max(energy**2 - self.mass**2, 0.0)))


def kaon_branching(mass: ArrayLike, lepton: str) -> Array:
    """Branching ratio of K+ -> l+ N over |U_l|^2, same shape as the masses [GeV]; 0 above reach.

    That to a neutrino times rho(a, b) / (a (1 - a)^2), a and b the squared masses of l and N over
    that of K. R. Shrock, Phys. Rev. D 24 (1981) 1232.
    """
    a, b = (LEPTON_MASS[lepton] / KAON_MASS) ** 2, (np.asarray(mass, dtype=float) / KAON_MASS) ** 2
    left = np.maximum(1 - np.sqrt(a) - np.sqrt(b), 0.0)
    right = (1 + np.sqrt(a)) ** 2 - b
    root = np.sqrt(left * (1 - np.sqrt(a) + np.sqrt(b)) * right * (left > 0))
    rho = root * (a + b - (a - b) ** 2)
    return np.asarray(KAON_TO_NEUTRINO[lepton] * rho / (a * (1 - a) ** 2))


def kaon_polarisation(mass: ArrayLike, lepton: float) -> Array:
    """Helicity P of the N of K+ -> l+ N in the rest frame of the kaon, from -1 (massless) to 1.

    With massless l+, which is right-handed, N has to be so, too. For K- -> l- anti-N its negative.
    R. Shrock, Phys. Rev. D 24 (1981) 1232.
    """
    n, m_l, kaon = (np.asarray(m, dtype=float) ** 2 for m in (mass, lepton, KAON_MASS))
    root = np.sqrt(np.maximum((kaon - n - m_l) ** 2 - 4 * n * m_l, 0.0))
    return np.asarray((n - m_l) * root / (kaon * (n + m_l) - (n - m_l) ** 2))


def _directions(cosine: Array, unit: Array) -> Array:
    sine, azimuth = np.sqrt((1 - cosine) * (1 + cosine)), 2 * np.pi * unit
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])


def _about(axis: Array, cosine: Array, unit: Array) -> Array:
    """Unit vectors (3, N) at an angle to unit vectors, at azimuths 2 pi unit about them."""
    first, second = perpendicular(axis)
    u, v, w = _directions(cosine, unit)
    return np.asarray(u * first + v * second + w * axis)


def boosted(momentum: Array, energy: Array | float, velocity: Array) -> Array:
    """Momenta (3, N) in a frame in which theirs moves, `velocity` being its beta gamma (3, N)."""
    gamma = np.sqrt(1 + np.sum(velocity**2, axis=0))
    along = np.sum(momentum * velocity, axis=0)
    return np.asarray(momentum + velocity * (along / (gamma + 1) + energy))


def _size(vector: Array) -> Array:
    return np.asarray(np.sqrt(np.sum(vector**2, axis=0)))
