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
    """The same cross section 1e-38 cm^2 at all Q^2 up to 1 GeV^2, times the charge squared."""

    helicity: ClassVar[float] = -1

    def cross_section(self, q2, energy, mass, target):
        q2, _, _ = np.broadcast_arrays(q2, energy, mass)
        return 1e-38 * target.charge**2 * q2 * np.exp(-q2)  # Q^2 dsigma/dQ^2


class ContactModel(Model):
    """N -> nu e+ e- half the time, with a width that goes as mass^5 |U|^2."""

    coupling_axis: ClassVar = CouplingAxis(
        name="|U|^2", symbol="|U|^2", noun="mixing", unit="", column="coupling_u2",
        least=1e-14, most=1,
    )  # fmt: skip
    final_states: ClassVar = ("ee",)
    kind: Literal["contact"] = "contact"
    width: float = 1e-12  # GeV, at 1 GeV and |U|^2 = 1

    def strength(self, couplings):
        return couplings

    @property
    def source(self):
        return Contact()

    def flavour_weights(self):
        return {"mu": 1.0}

    def inverse_decay_length(self, masses, couplings):
        return np.outer(self.width * masses**5 / HBAR_C_GEV_M, couplings)

    def branching(self, masses, final_state):
        return np.full(np.shape(masses), 0.5)
