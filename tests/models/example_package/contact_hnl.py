"""A model of one's own in one file: N made by a contact interaction, with a coupling |U|^2."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.model import Model
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.physics.processes import Upscattering


@dataclass(frozen=True)
class Contact(Upscattering):
    def cross_section(self, q2, energy, mass, target):
        """Q^2 dsigma/dQ^2 [cm^2] at |U|^2 = 1."""
        q2, _, _ = np.broadcast_arrays(q2, energy, mass)
        return 1e-36 * target.charge**2 * q2 * np.exp(-q2)

    def polarisation(self, q2, energy, mass, _):
        return np.multiply.outer((-1, 0), np.ones_like(q2 * energy * mass))  # along, across


class ContactModel(Model):
    coupling_axis: ClassVar = CouplingAxis("U2", "|U|^2", "mixing", "", "coupling_u2", 1e-14, 1)
    final_states: ClassVar = ("ee",)
    kind: Literal["contact"]
    width: float = 1e-12  # GeV, of N of 1 GeV at |U|^2 = 1

    def strength(self, couplings):
        return couplings

    @property
    def source(self):
        return Contact()

    def flavour_weights(self):
        return {"mu": 1.0}

    def inverse_decay_length(self, masses, couplings):
        return np.outer(self.width * masses**5 / HBAR_C_GEV_M, couplings)

    def branching(self, masses, _):
        return np.full(np.shape(masses), 0.5)
