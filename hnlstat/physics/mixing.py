"""Decays of an N that mixes with neutrinos, by |U_a|^2: widths of all channels below 500 MeV.

Widths are of decays of lepton number +1, which a Dirac N has (its antiparticle those of -1); a
Majorana N has both, twice the width. P. Coloma et al., Eur. Phys. J. C 81 (2021) 78,
arXiv:2007.03701; K. Bondarenko et al., JHEP 11 (2018) 032, arXiv:1805.08567. Pairs of pions, one
part in 1e5, are left out, and what opens above 500 MeV (eta, rho).
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.constants import LEPTON_MASS, NEUTRAL_PION_MASS, PION_MASS
from hnlstat.physics.weak_decay import FERMI_CONSTANT, SIN2_THETA_W, Contact, fermi_width, width

Array = NDArray[np.float64]

FLAVOURS = ("e", "mu", "tau")

CHARGED = {
    "eminus_piplus": ("e", 1), "eplus_piminus": ("e", -1),
    "muminus_piplus": ("mu", 1), "muplus_piminus": ("mu", -1),
}  # fmt: skip
"""Lepton and lepton number of the decays to one charge alone."""

PION_CONSTANT = 0.1302
"""f_pi [GeV] (PDG)."""
V_UD = 0.97373
"""Element of the CKM matrix (PDG 2022)."""
RELEASE_PION = 0.131 * 0.9742
"""f_pi V_ud [GeV] of T2K's data release of 2018: inferred, as it states neither. Its decays to l pi
over those to leptons need 0.12761 +- 0.00003."""


def pair(lepton: str, shares: Mapping[str, float]) -> Contact:
    """Couplings of N -> nu l- l+; charged currents act where N mixes with the flavour of l.

    Parameters
    ----------
    lepton : "e" or "mu"
    shares : |U_a|^2 by flavour
    """
    m, right = LEPTON_MASS[lepton], SIN2_THETA_W
    left = {flavour: right - 0.5 + (flavour == lepton) for flavour in shares}
    return Contact(
        sum(share * left[flavour] ** 2 for flavour, share in shares.items()),
        sum(shares.values()) * right**2,
        sum(share * left[flavour] * right for flavour, share in shares.items()),
        m,
        m,
    )


def electron_muon(shares: Mapping[str, float]) -> Contact:
    """Couplings of N -> e- mu+ nu_mu, by |U_e|^2, and of N -> mu- e+ nu_e, by |U_mu|^2.

    With e for the negative lepton of both, as selections treat charges alike, the first has g_L
    alone and the second g_R.
    """
    e, mu = shares.get("e", 0.0), shares.get("mu", 0.0)
    return Contact(e, mu, 0.0, LEPTON_MASS["e"], LEPTON_MASS["mu"])


def width_invisible(mass: ArrayLike, shares: Mapping[str, float]) -> Array:
    """Width of N -> nu nu nubar [GeV], same shape as the masses [GeV]."""
    return np.asarray(sum(shares.values()) * fermi_width(mass))


def width_neutral_pion(mass: ArrayLike, shares: Mapping[str, float]) -> Array:
    """Width of N -> nu pi0 [GeV], same shape as the masses [GeV]."""
    mass = np.asarray(mass, dtype=float)
    rest = np.maximum(1 - (NEUTRAL_PION_MASS / mass) ** 2, 0.0)
    strength = sum(shares.values()) * (FERMI_CONSTANT * PION_CONSTANT) ** 2
    return np.asarray(strength * mass**3 * rest**2 / (32 * np.pi))


def width_pion(
    mass: ArrayLike, lepton: str, exchanged: bool = False, constant: float = PION_CONSTANT * V_UD
) -> Array:
    """Width of N -> l- pi+ over |U_l|^2 [GeV], same shape as the masses [GeV].

    Parameters
    ----------
    mass : of N [GeV]
    lepton : "e" or "mu"
    exchanged : masses of lepton and pion exchanged, as in T2K's data release (l+ pi- only)
    constant : f_pi V_ud [GeV]
    """
    mass = np.asarray(mass, dtype=float)
    x, y = _squares(mass, lepton)
    if exchanged:
        x, y = y, x
    shape = (1 - x) ** 2 - y * (1 + x)
    strength = (FERMI_CONSTANT * constant) ** 2
    return np.asarray(strength * mass**3 / (16 * np.pi) * shape * _root(x, y))


def pion_slope(mass: ArrayLike, lepton: str) -> Array:
    """A of N -> l- pi+, 1 - A P cos(theta) for l-; same shape as the masses, 0 below threshold."""
    x, y = _squares(np.asarray(mass, dtype=float), lepton)
    root = _root(x, y)
    return np.asarray(np.where(root > 0, (1 - x) * root / ((1 - x) ** 2 - y * (1 + x)), 0.0))


def _squares(mass: Array, lepton: str) -> tuple[Array, Array]:
    """Squared masses of lepton and pion over that of N."""
    return (LEPTON_MASS[lepton] / mass) ** 2, (PION_MASS / mass) ** 2


def _root(x: Array, y: Array) -> Array:
    """Root of lambda(1, x, y); 0 below threshold."""
    a, b = np.sqrt(x), np.sqrt(y)
    above = np.maximum(1 - a - b, 0.0)
    return np.asarray(np.sqrt(above * (1 + a + b) * (1 - a + b) * (1 + a - b) * (above > 0)))


Couplings = Callable[[Mapping[str, float]], Contact]
Widths = Callable[[ArrayLike, Mapping[str, float]], Array]

CONTACTS: dict[str, Couplings] = {
    "ee": lambda shares: pair("e", shares),
    "mumu": lambda shares: pair("mu", shares),
    "emu": electron_muon,
}
"""Couplings of the three-body channels, by |U_a|^2."""


def _three_body(contact: Couplings) -> Widths:
    return lambda mass, shares: width(mass, contact(shares))


WIDTHS: dict[str, Widths] = {
    **{name: _three_body(contact) for name, contact in CONTACTS.items()},
    "epi": lambda mass, shares: shares.get("e", 0.0) * width_pion(mass, "e"),
    "mupi": lambda mass, shares: shares.get("mu", 0.0) * width_pion(mass, "mu"),
    "nupi0": width_neutral_pion,
    "nununu": width_invisible,
}
"""Width [GeV] of each channel at masses [GeV], by |U_a|^2: lepton number +1."""
