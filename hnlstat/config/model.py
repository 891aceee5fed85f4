"""What a model of N says: how N are made and decay, and what its coupling is.

`Model` is the part of the configuration that all models share, and the protocol that each fills.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ModelWrapValidatorHandler, model_validator

from hnlstat.config.base import Section, suggest
from hnlstat.config.coupling import CouplingAxis, PositiveCoupling, measured_on
from hnlstat.config.quantities import Mass

if TYPE_CHECKING:
    from hnlstat.physics.processes import Decay, Source

Array = NDArray[np.float64]


class Model(Section, ABC):
    """
    How N are made and decay; `kind` names the model.

    Attributes
    ----------
    nature
        Of N: a Majorana N decays to the charge conjugates, too, with twice the width.
    mass, coupling
        Of N [GeV] and in the unit of the model, for tasks at a point.
    """

    coupling_axis: ClassVar[CouplingAxis]
    final_states: ClassVar[tuple[str, ...]]
    """What N decays to, by name, that a search can look for: "ee"."""

    references: ClassVar[tuple[str, ...]] = ()
    """Publications of the model, for citations.bib: as `cite`, or in words."""

    kind: str
    nature: Literal["dirac", "majorana"] = "dirac"
    mass: Mass | None = None
    coupling: PositiveCoupling | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _in_its_unit(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # what is no mapping comes here without the class of a kind, and is refused
        if isinstance(data, Model) or not isinstance(data, Mapping):
            return handler(data)
        with measured_on(cls.coupling_axis):
            return handler(data)

    @abstractmethod
    def strength(self, couplings: Array) -> Array:
        """What the production of N is proportional to, at each coupling (D,)."""

    @property
    @abstractmethod
    def source(self) -> Source:
        """How N are made, per strength."""

    @abstractmethod
    def flavour_weights(self) -> dict[str, float]:
        """Weight of the neutrinos of each flavour, "e", "mu" and "tau", in making N.

        Of kaons it is `|U_a|^2` over the strength.
        """

    @abstractmethod
    def inverse_decay_length(self, masses: Array, couplings: Array) -> Array:
        """Gamma / (hbar c) [1/m] at masses (M,) [GeV] and couplings (D,), shape (M, D)."""

    @abstractmethod
    def branching(self, masses: ArrayLike, final_state: str) -> Array:
        """Branching ratio to one of the `final_states`, same shape as `masses` [GeV]."""

    def decay(self, final_state: str) -> Decay | None:  # noqa: ARG002
        """Sampler of the decay to one of the `final_states`; None: only recasts can look for it."""
        return None

    def lacks(self, final_state: str) -> str | None:
        """Say so, and what there is, if N does not decay to a final state."""
        if final_state in self.final_states:
            return None
        hint = suggest(final_state, self.final_states)
        return f"{final_state} is no final state of the model {self.kind}; {hint}"

    @property
    def axis(self) -> CouplingAxis:
        """The coupling as it is called with the settings of this model."""
        return self.coupling_axis

    @property
    def label(self) -> str:
        """The model in a few words: "Dirac N"."""
        return f"{self.nature.capitalize()} N"

    @property
    def ratios(self) -> str:
        """Those of its couplings in a few words; "" where there is one coupling."""
        return ""
