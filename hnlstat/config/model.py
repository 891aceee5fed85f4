"""What a model of N says: how N are made and decay, and what its coupling is.

`Model` is the part of the configuration that all models share, and the protocol that each fills.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.config.base import Section
from hnlstat.config.quantities import Dimension, Mass, PositiveCoupling

if TYPE_CHECKING:
    from hnlstat.physics.processes import Decay, Upscattering

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CouplingAxis:
    r"""What the coupling of a model is called, measured in, and can be.

    Attributes
    ----------
    name, symbol : in a line of text, "d_mu", and in mathtext without the dollars, "d_{\mu}"
    noun : "dipole coupling"
    dimension : with the base unit, "GeV^-1"
    column : of tables, "coupling_inv_gev"; bounds in a column of this name are on this coupling
    least, most : beyond these it can only be in another unit
    flavour : the only neutrino that it is for, with its full strength: "e", "mu", "tau"; None: not
        one alone, so that bounds on one do not hold for it
    """

    name: str
    symbol: str
    noun: str
    dimension: Dimension
    column: str
    least: float
    most: float
    flavour: str | None = None

    @property
    def unit(self) -> str:
        """The base unit, empty for a plain number."""
        return self.dimension.base_unit

    def amount(self, value: float, digits: int = 3) -> str:
        """Write a coupling with its unit: "4e-07 GeV^-1"."""
        return f"{value:.{digits}g} {self.unit}".rstrip()

    def text(self, value: float, digits: int = 3) -> str:
        """Write which coupling it is, too: "d = 4e-07 GeV^-1"."""
        return f"{self.name} = {self.amount(value, digits)}"


class Model(Section, ABC):
    """
    How N are made and decay; `kind` names the model.

    Attributes
    ----------
    mass, coupling
        Of N [GeV] and in the unit of the model, for tasks at a point.
    """

    coupling_axis: ClassVar[CouplingAxis]
    final_states: ClassVar[tuple[str, ...]]
    """What N decays to, by name, that a search can look for: "ee"."""

    kind: str
    nature: Literal["dirac", "majorana"]
    mass: Mass | None
    coupling: PositiveCoupling | None

    @abstractmethod
    def strength(self, couplings: Array) -> Array:
        """What the production of N is proportional to, at each coupling (D,)."""

    @property
    @abstractmethod
    def source(self) -> Upscattering:
        """How N are made, per strength."""

    @abstractmethod
    def flavour_weights(self) -> dict[str, float]:
        """Weight of the neutrinos of each flavour, "e", "mu" and "tau", in making N."""

    @abstractmethod
    def inverse_decay_length(self, masses: Array, couplings: Array) -> Array:
        """Gamma / (hbar c) [1/m] at masses (M,) [GeV] and couplings (D,), shape (M, D)."""

    @abstractmethod
    def branching(self, masses: ArrayLike, final_state: str) -> Array:
        """Branching ratio to one of the `final_states`, same shape as `masses` [GeV]."""

    @abstractmethod
    def decay(self, final_state: str) -> Decay:
        """Sampler of the decay to one of the `final_states`."""

    @property
    def axis(self) -> CouplingAxis:
        """The coupling as it is called with the settings of this model."""
        return self.coupling_axis

    @property
    def label(self) -> str:
        """The model in a few words: "Dirac N"."""
        return f"{self.nature.capitalize()} N"
