"""What a simulation asks of the physics of a model: how N are made, and how they decay.

Models give such objects. They are frozen dataclasses of plain values, for they travel to other
processes, and what they hold, their code too, stands for the results that are kept.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics import decay_kinematics, form_factors, kaon_decay
from hnlstat.physics.constants import KAON_MASS, LEPTON_MASS
from hnlstat.physics.targets import Target

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scattering:
    """Neutrinos that scatter on one kind of target; arrays (N,).

    Attributes
    ----------
    q2, energy : Q^2 [GeV^2] and neutrino energy [GeV]
    mass : of N [GeV]
    target : the nucleus or nucleon
    fermi_momentum : k_F [GeV] for Pauli suppression, or None
    cross_section : as `Upscattering.cross_section`
    """

    q2: Array
    energy: Array
    mass: float
    target: Target
    fermi_momentum: float | None
    cross_section: Array


class Variation(Protocol):
    """An uncertainty of how N are made, at +1 sigma; hashable, so that columns can share it."""

    def __call__(self, made: Scattering) -> Array:
        """Rate relative to the nominal one, (N,)."""


@dataclass(frozen=True)
class ScaledFermiMomentum:
    """The Fermi momentum times `factor`."""

    factor: float

    def __call__(self, made: Scattering) -> Array:
        """Ratio of the Pauli suppression, (N,); 1 where there is none."""
        if made.fermi_momentum is None:
            return np.ones_like(made.q2)
        q = np.sqrt(made.q2)
        nominal, varied = (
            form_factors.pauli_suppression(q, k * made.fermi_momentum) for k in (1.0, self.factor)
        )
        return np.asarray(varied / nominal)


@dataclass(frozen=True)
class Upscattering(ABC):
    """Neutrinos of the beam that become N on matter."""

    @abstractmethod
    def cross_section(
        self, q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: Target
    ) -> Array:
        """Q^2 dsigma/dQ^2 [cm^2] over the model's strength; broadcasts.

        Parameters
        ----------
        q2, energy, mass : Q^2 [GeV^2], neutrino energy [GeV] and mass of N [GeV]
        target : the nucleus (coherent) or nucleon, without Pauli suppression
        """

    @abstractmethod
    def polarisation(
        self, q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: Target
    ) -> tuple[Array, Array]:
        """Of the N that neutrinos make; those of antineutrinos have the opposite ones; broadcasts.

        In the rest frame of N, along its flight, -1 to 1, and at right angles to it towards the
        direction of the neutrino. Parameters as for `cross_section`.
        """

    def variations(self, sizes: Mapping[str, float]) -> dict[str, Variation]:
        """Those of the uncertainties that act here, at +1 sigma.

        Parameters
        ----------
        sizes : relative size of each that is switched on: "form_factor", of the radii of charge and
            magnetisation, and "pauli", of the Fermi momentum
        """
        return {"pauli": ScaledFermiMomentum(1 + sizes["pauli"])} if "pauli" in sizes else {}


@dataclass(frozen=True)
class KaonMode:
    """K+ -> l+ N, and K- -> l- N (anti-N of a Dirac N), whose N have the opposite polarisation.

    Attributes
    ----------
    lepton : "e" or "mu"
    share : `|U_l|^2` over the model's strength
    """

    lepton: str
    share: float

    @property
    def heaviest(self) -> float:
        """Mass of N [GeV] that is out of reach."""
        return KAON_MASS - LEPTON_MASS[self.lepton]

    def branching(self, masses: ArrayLike) -> Array:
        """Branching ratio over the strength, same shape as the masses [GeV]; 0 out of reach."""
        return self.share * kaon_decay.kaon_branching(masses, self.lepton)

    def polarisation(self, masses: ArrayLike) -> Array:
        """Of N of K+ along their flight in the rest frame of K, same shape as the masses [GeV]."""
        return kaon_decay.kaon_polarisation(masses, LEPTON_MASS[self.lepton])


@dataclass(frozen=True)
class Kaons:
    """Charged kaons of the beam that decay to N.

    Attributes
    ----------
    modes : each has N of its own rate, spectrum and polarisation; none for N that mix with the tau
        neutrino alone, for which kaons are too light
    """

    modes: tuple[KaonMode, ...]

    lightest: ClassVar[float] = 0.14
    """Mass of N [GeV] where tables begin; below, pi -> e N exceeds K -> e N by 10 to 470."""


Source = Upscattering | Kaons
"""How N are made, per strength."""


@dataclass(frozen=True)
class Product:
    """A particle that N decays to and that can be seen.

    Attributes
    ----------
    name : "eminus"; the columns of event files begin with it
    code : number of the Particle Data Group
    charge : in units of the positron's
    mass : [GeV]
    """

    name: str
    code: int
    charge: int
    mass: float


@dataclass(frozen=True)
class Decay(ABC):
    """A decay of N, sampled."""

    @property
    @abstractmethod
    def products(self) -> tuple[Product, ...]:
        """What can be seen, in the order of `sample`."""

    @property
    def number(self) -> int | None:
        """Lepton number, +1 or -1; None: that of a Dirac N, or both of a Majorana N."""
        return None

    def neutrinos(self, mass: float) -> tuple[float, float, float] | None:  # noqa: ARG002
        """Share of each flavour e, mu, tau of a neutrino that escapes, of N of a mass [GeV].

        None: there is none.
        """
        return None

    @property
    def tracks(self) -> tuple[int, int]:
        """Places of the negative and the positive track among the products.

        Raises
        ------
        ValueError
            If these are not all charged products.
        """
        charges = [product.charge for product in self.products]
        if sorted(charge for charge in charges if charge) != [-1, 1]:
            raise ValueError("its products are not one negative and one positive track")
        return charges.index(-1), charges.index(1)

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Random numbers that a decay takes."""

    @abstractmethod
    def sample(
        self, points: Array, momentum: Array, mass: float, polarisation: ArrayLike
    ) -> tuple[Array, ...]:
        """Four-vectors (N, 4), (E, px, py, pz) [GeV], of each of the products.

        Parameters
        ----------
        points : (N, dimensions) in [0, 1)
        momentum : (N, 3) of N in the laboratory [GeV]; N at rest are polarised along z
        mass : of N [GeV], above the sum of the products' masses
        polarisation : helicity of N times the lepton number of the decay, from -1 to 1, (N,) or a
            number; 0 for the mean over both numbers, which a Majorana N has. Products are those of
            lepton number +1, unless `number` is another: decays of -1 have their antiparticles
        """

    def with_spin(
        self, points: Array, momentum: Array, mass: float, spin: Array
    ) -> tuple[Array, ...]:
        """As `sample`, of N that are polarised along any axis.

        Parameters
        ----------
        points, momentum, mass : as for `sample`
        spin : (N, 3) polarisation of N in their rest frames times the lepton number of the decay
        """
        size = np.sqrt(np.sum(spin**2, axis=1))
        axis = spin.T / np.where(size > 0, size, 1.0)
        axis[2, size == 0] = 1.0
        first, second = decay_kinematics.perpendicular(axis)
        at_rest = self.sample(points, np.zeros_like(momentum), mass, np.minimum(size, 1.0))
        found = []
        for product, vector in zip(self.products, at_rest, strict=True):
            energy, x, y, z = vector.T
            turned = x * first + y * second + z * axis
            moving = kaon_decay.boosted(turned, energy, momentum.T / mass)
            found.append(decay_kinematics.four_momentum(moving.T, product.mass))
        return tuple(found)
