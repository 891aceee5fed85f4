"""K+ -> l+ N: branching ratio, polarisation of N, and N of kaons in flight with their decays.

R. Shrock, Phys. Rev. D 24 (1981) 1232.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.constants import KAON_MASS, LEPTON_MASS
from hnlstat.physics.weak_decay import Contact
from hnlstat.physics.weak_kinematics import THREE_BODY_DIMENSIONS, three_body

Array = NDArray[np.float64]

KAON_TO_NEUTRINO = {"e": 1.582e-5, "mu": 0.6356}
"""Branching ratios of K+ -> l+ nu (PDG)."""


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

    @property
    def polarisation(self) -> Array:
        """Of N along their flight in the laboratory (N,); what boosts turn aside is left out."""
        energy, size = self._in_rest_frame()
        velocity = self.kaon / KAON_MASS
        gamma = np.sqrt(1 + np.sum(velocity**2, axis=0))
        # the time component of the spin is the momentum over the mass times that along the flight
        time = gamma * size + energy * np.sum(velocity * self.direction, axis=0)
        flight = np.sqrt(np.sum(self.momentum**2, axis=0))
        return np.asarray(kaon_polarisation(self.mass, self.lepton) * time / flight)

    def leptons(self, contact: Contact, rng: np.random.Generator) -> tuple[Array, Array]:
        """Momenta of l- and l'+ of N -> nu l- l'+ in the laboratory, (3, N) each [GeV].

        N decays with its polarisation along its flight in the rest frame of the kaon; boosts go
        the same way back, so that the spin turns as it should.
        """
        _, size = self._in_rest_frame()
        points = rng.random((self.direction.shape[1], THREE_BODY_DIMENSIONS))
        flight, polarised = size * self.direction.T, kaon_polarisation(self.mass, self.lepton)
        minus, plus = (
            boosted(vector[:, 1:].T, vector[:, 0], self.kaon / KAON_MASS)
            for vector in three_body(points, flight, self.mass, polarised, contact)
        )
        return minus, plus

    def _in_rest_frame(self) -> tuple[float, float]:
        """Energy and momentum of N in the rest frame of the kaon [GeV]."""
        energy = (KAON_MASS**2 + self.mass**2 - self.lepton**2) / (2 * KAON_MASS)
        return energy, float(np.sqrt(max(energy**2 - self.mass**2, 0.0)))


def kaon_branching(mass: ArrayLike, lepton: str) -> Array:
    """Branching ratio of K+ -> l+ N over |U_l|^2, same shape as the masses [GeV]; 0 above reach.

    That to a neutrino times rho(a, b) / (a (1 - a)^2), a and b the squared masses of l and N over
    that of K; `lepton` is "e" or "mu".
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
    `lepton` is the mass of l [GeV].
    """
    n, m_l, kaon = (np.asarray(m, dtype=float) ** 2 for m in (mass, lepton, KAON_MASS))
    root = np.sqrt(np.maximum((kaon - n - m_l) ** 2 - 4 * n * m_l, 0.0))
    return np.asarray((n - m_l) * root / (kaon * (n + m_l) - (n - m_l) ** 2))


def _directions(cosine: Array, unit: Array) -> Array:
    sine, azimuth = np.sqrt((1 - cosine) * (1 + cosine)), 2 * np.pi * unit
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])


def boosted(momentum: Array, energy: Array | float, velocity: Array) -> Array:
    """Momenta (3, N) in a frame in which theirs moves, `velocity` being its beta gamma (3, N)."""
    gamma = np.sqrt(1 + np.sum(velocity**2, axis=0))
    along = np.sum(momentum * velocity, axis=0)
    return np.asarray(momentum + velocity * (along / (gamma + 1) + energy))
