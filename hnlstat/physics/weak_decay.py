"""Three-body weak decays N -> nu l- l'+, at energies far below the masses of W and Z.

With charged currents in Fierz form the amplitude is
(nubar gamma_mu P_L N) (lbar gamma^mu (g_L P_L + g_R P_R) l'), so that

    |M|^2 ~ g_L^2 (K k+)(k_nu k-) + g_R^2 (K k-)(k_nu k+) + g_L g_R m- m+ (K k_nu),  K = p - m s,

s the spin of N. That is for decays of lepton number +1; those of lepton number -1 have the
antiparticles and -s. Sums over flavours are sums of the three products of couplings.
D. Gorbunov, M. Shaposhnikov, JHEP 10 (2007) 015; K. Bondarenko et al., JHEP 11 (2018) 032;
tensors of polarised N: arXiv:2104.05719.

In the rest frame of N the pair of leptons goes out at the angle theta to the spin; in that of the
pair l- goes out at arccos(c) to the pair's direction, with phi = 0 in the plane of pair and spin,
on the side away from the spin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

FERMI_CONSTANT = 1.1663788e-5
"""GeV^-2 (CODATA 2018)."""
SIN2_THETA_W = 0.23122
"""Effective weak mixing (PDG, MS-bar at m_Z)."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


@dataclass(frozen=True)
class Contact:
    """Couplings, and masses of the charged leptons [GeV].

    Attributes
    ----------
    left, right, mixed : g_L^2, g_R^2 and g_L g_R, each summed over flavours of the neutrino
    minus, plus : masses of l- and l'+
    """

    left: float
    right: float
    mixed: float
    minus: float
    plus: float

    @property
    def threshold(self) -> float:
        """Mass [GeV] that N must exceed."""
        return self.minus + self.plus


def fermi_width(mass: ArrayLike) -> Array:
    """G_F^2 m^5 / (192 pi^3) [GeV], same shape as the masses [GeV]."""
    return np.asarray(FERMI_CONSTANT**2 * np.asarray(mass, dtype=float) ** 5 / (192 * np.pi**3))


def width(mass: ArrayLike, contact: Contact) -> Array:
    """Width [GeV] of N of lepton number +1, same shape as the masses [GeV]; 0 below threshold.

    The spectrum is integrated over the rapidity of the leptons; with massless ones it gives
    g_L^2 + g_R^2 times `fermi_width`.
    """
    mass = np.asarray(mass, dtype=float)
    above = mass > contact.threshold
    m = np.where(above, mass, 2 * contact.threshold)[..., None]
    last = last_rapidity(m, contact)
    found = np.sum(_WEIGHTS * spectrum(last * (_NODES + 1) / 2, m, contact), axis=-1)
    return np.asarray(np.where(above, fermi_width(mass) * found * last[..., 0] / 2, 0.0))


def last_rapidity(mass: ArrayLike, contact: Contact) -> Array:
    """Largest rapidity between the leptons, of N above threshold; same shape as the masses."""
    mass = np.asarray(mass, dtype=float)
    apart = (mass - contact.threshold) * (mass + contact.threshold)
    return np.asarray(2 * np.arcsinh(np.sqrt(apart / (contact.minus * contact.plus)) / 2))


def spectrum(rapidity: Array, mass: ArrayLike, contact: Contact) -> Array:
    """Density of the rapidity eta between the leptons, over `fermi_width`; broadcasts.

    The squared mass of their pair is m-^2 + m+^2 + 2 m- m+ cosh(eta). Nothing cancels at threshold.
    """
    pair = Pair.of(rapidity, mass, contact)
    # m^2 (1 - x) = 2 m- m+ (cosh(eta_max) - cosh(eta)), twice over: phase space and neutrino
    more = last_rapidity(mass, contact) - rapidity
    scale = contact.minus * contact.plus / np.square(mass)
    rest = 4 * scale * np.sinh(more / 2) * np.sinh(more / 2 + rapidity)
    both = contact.left + contact.right
    mean = both * (pair.n_energy * pair.energies - pair.nu_energy * pair.momentum**2 / 3)
    mean += contact.mixed * scale * pair.mass
    # dx = 2 m- m+ / m^2 sinh(eta) deta, and the root of lambda over x is as much
    jacobian = (2 * scale * np.sinh(rapidity)) ** 2 / pair.mass**3
    return np.asarray(24 * rest**2 * jacobian * mean)


@dataclass(frozen=True)
class Pair:
    """The pair in its own rest frame, in units of the mass of N.

    Attributes
    ----------
    mass : of the pair, the root of x
    n_energy, nu_energy : of N and of the neutrino; the latter is the momentum of both, too
    minus, plus : energies of the leptons
    momentum : of each of them
    """

    mass: Array
    n_energy: Array
    nu_energy: Array
    minus: Array
    plus: Array
    momentum: Array

    @classmethod
    def of(cls, rapidity: Array, mass: ArrayLike, contact: Contact) -> "Pair":
        """The pair of leptons with a rapidity between them; broadcasts."""
        m1, m2 = (m / np.asarray(mass, dtype=float) for m in (contact.minus, contact.plus))
        x = np.minimum((m1 + m2) ** 2 + 4 * m1 * m2 * np.sinh(rapidity / 2) ** 2, 1.0)
        root = np.sqrt(x)
        return cls(
            root,
            (1 + x) / (2 * root),
            (1 - x) / (2 * root),
            (x + m1**2 - m2**2) / (2 * root),
            (x + m2**2 - m1**2) / (2 * root),
            m1 * m2 * np.sinh(rapidity) / root,
        )

    @property
    def energies(self) -> Array:
        """Product of the energies of the leptons."""
        return self.minus * self.plus


@dataclass(frozen=True)
class Angular:
    """Coefficients of |M|^2 ~ constant + linear c + square c^2 + (side + turn c) s cos(phi).

    With s = sin(arccos(c)); arrays that broadcast.
    """

    constant: Array
    linear: Array
    square: Array
    side: Array
    turn: Array

    @classmethod
    def of(
        cls, pair: Pair, contact: Contact, scale: float, along: Array, across: Array
    ) -> "Angular":
        """Those of pairs at an angle theta to the spin.

        Parameters
        ----------
        pair, contact : energies, and couplings
        scale : product of the masses of the leptons over the squared mass of N
        along, across : P cos(theta) and P sin(theta)
        """
        both, k = contact.left + contact.right, pair.momentum
        # components of p - m s in the frame of the pair: time, against the pair, along theta
        time = pair.n_energy + pair.nu_energy * along
        against = pair.nu_energy + pair.n_energy * along
        left = time * pair.plus - against * pair.minus
        right = against * pair.plus - time * pair.minus
        return cls(
            both * time * pair.energies + contact.mixed * scale * pair.mass * (1 - along),
            k * (contact.left * left + contact.right * right),
            -both * against * k**2,
            across * k * (contact.left * pair.minus - contact.right * pair.plus),
            across * k**2 * both,
        )

    def __call__(self, cosine: Array, cos_azimuth: Array) -> Array:
        """|M|^2 over the energy of the neutrino in the frame of the pair, and over a constant."""
        sine = np.sqrt((1 - cosine) * (1 + cosine))
        even = self.constant + self.linear * cosine + self.square * cosine**2
        return np.asarray(even + (self.side + self.turn * cosine) * sine * cos_azimuth)
