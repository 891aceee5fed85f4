"""Physical constants (CODATA, from scipy) and particle masses (PDG, from particle)."""

import math

from particle import Particle, literals
from scipy import constants as codata

ALPHA: float = codata.fine_structure
"""Fine-structure constant at zero momentum transfer."""

HBAR_C_GEV_M: float = codata.hbar * codata.c / codata.e * 1e-9
"""hbar c [GeV m]."""

HBAR_C_SQUARED_GEV2_CM2: float = (HBAR_C_GEV_M * 1e2) ** 2
"""(hbar c)^2 [GeV^2 cm^2]."""

HBAR_C_GEV_FM: float = HBAR_C_GEV_M * 1e15
"""hbar c [GeV fm]."""

AVOGADRO: float = codata.N_A
"""Avogadro's number [1/mol]."""

ATOMIC_MASS_GEV: float = codata.value("atomic mass constant energy equivalent in MeV") * 1e-3
"""Atomic mass constant [GeV]."""


def _mass_gev(particle: Particle) -> float:
    if particle.mass is None:
        raise ValueError(f"{particle.name} has no mass in the particle table")
    return float(particle.mass) * 1e-3


PROTON_MASS: float = _mass_gev(literals.proton)
NEUTRON_MASS: float = _mass_gev(literals.neutron)
KAON_MASS: float = _mass_gev(literals.K_plus)
PION_MASS: float = _mass_gev(literals.pi_plus)
NEUTRAL_PION_MASS: float = _mass_gev(literals.pi_0)
LEPTON_MASS: dict[str, float] = {
    "e": _mass_gev(literals.e_minus),
    "mu": _mass_gev(literals.mu_minus),
    "tau": _mass_gev(literals.tau_minus),
}
"""Charged-lepton masses [GeV]."""

SYMBOLS = {"e": "e", "mu": r"\mu", "tau": r"\tau"}
"""Flavours in mathtext."""

BOHR_MAGNETON_INV_GEV: float = (4 * math.pi * ALPHA) ** 0.5 / (2 * LEPTON_MASS["e"])
"""e / 2 m_e [GeV^-1]."""

NEUTRINO_CODE: dict[str, int] = {
    "e": int(literals.nu_e.pdgid),
    "mu": int(literals.nu_mu.pdgid),
    "tau": int(literals.nu_tau.pdgid),
}
"""PDG numbers of the neutrinos."""
LEPTON_CODE: dict[str, int] = {
    "e": int(literals.e_minus.pdgid),
    "mu": int(literals.mu_minus.pdgid),
    "tau": int(literals.tau_minus.pdgid),
}
"""PDG numbers of the negative charged leptons."""
