"""Electromagnetic form factors of nuclei and nucleons, and Pauli suppression in a Fermi gas."""

import csv
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.physics.constants import HBAR_C_GEV_FM
from hnlstat.physics.targets import Target

Array = NDArray[np.float64]

DIPOLE_MASS_SQUARED = 0.843**2
"""Square of the mass scale of the nucleons' dipole form factor [GeV^2]."""
PROTON_MOMENT = 2.793
NEUTRON_MOMENT = -1.913
FERMI_SKIN_FM = 0.523
"""Surface thickness a of the symmetrised Fermi charge density [fm]."""
FERMI_RADIUS_FM = 1.03
"""Half-density radius of the symmetrised Fermi charge density over A^(1/3) [fm]."""


@cache
def fourier_bessel_table() -> dict[str, tuple[float, Array]]:
    """Fourier-Bessel charge densities: nuclide -> (cut-off radius R [fm], coefficients a_n)."""
    path = resources.files("hnlstat") / "data" / "nuclear_charge_fourier_bessel.csv"
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {
            row["nuclide"]: (
                float(row["radius_fm"]),
                np.array([float(a) for a in row["coefficients"].split()]),
            )
            for row in rows
        }


def nuclear_charge(q: ArrayLike, nucleus: Target) -> Array:
    """Charge form factor F(q) of a nucleus, F(0) = 1, same shape as `q`.

    A Fourier-Bessel density where one is tabulated (de Vries et al., At. Data Nucl. Data Tables 36
    (1987) 495; Fricke et al., ibid. 60 (1995) 177), else the symmetrised Fermi density.

    Parameters
    ----------
    q : momentum transfer sqrt(Q^2) [GeV], any shape
    nucleus : the target
    """
    q_fm = np.asarray(q, dtype=float) / HBAR_C_GEV_FM
    if nucleus.name in fourier_bessel_table():
        return _fourier_bessel(q_fm, *fourier_bessel_table()[nucleus.name])
    return _symmetrised_fermi(q_fm, FERMI_RADIUS_FM * nucleus.nucleons ** (1 / 3))


def _fourier_bessel(q: Array, radius: float, coefficients: Array) -> Array:
    """F(q) = sum_n a_n (-1)^n sin(qR)/(qR) / ((n pi)^2 - (qR)^2), over its value at q = 0."""
    n = np.arange(1, len(coefficients) + 1)
    signed = coefficients * (-1.0) ** n
    x = q * radius
    # x = n pi is a removable singularity: step off it by far less than F varies
    nearest = np.pi * np.rint(x / np.pi)
    x = np.where(np.abs(x - nearest) < 1e-6, nearest + 1e-6, x)
    x2 = x * x
    total = np.zeros_like(x)
    for sign_a, pole in zip(signed, (n * np.pi) ** 2, strict=True):
        total += sign_a / (pole - x2)
    return np.asarray(np.sin(x) / x * total / np.sum(signed / (n * np.pi) ** 2))


def _symmetrised_fermi(q: Array, radius: float) -> Array:
    """Form factor of the density sinh(R/a) / (cosh(r/a) + cosh(R/a)), in closed form."""
    pi_a = np.pi * FERMI_SKIN_FM
    # below q_small the bracket cancels and the first term of the series is exact to 1e-10
    q_small = 1e-3
    series = 1 - q**2 / 6 * (3 * radius**2 + 7 * pi_a**2) / 5
    q = np.maximum(q, q_small)
    decay = np.exp(-2 * pi_a * q)
    one_over_sinh = 2 * np.exp(-pi_a * q) / (1 - decay)
    coth = (1 + decay) / (1 - decay)
    bracket = pi_a * coth * np.sin(q * radius) - radius * np.cos(q * radius)
    norm = 3 * pi_a / (q * radius * (radius**2 + pi_a**2))
    return np.where(q > q_small, norm * bracket * one_over_sinh, series)


def nucleon_sachs(q2: ArrayLike, nucleon: Target) -> tuple[Array, Array]:
    """Sachs form factors (G_E, G_M) of the proton or neutron, same shape as `q2`.

    Dipole forms, and S. Galster et al., Nucl. Phys. B 32 (1971) 221, for the neutron's G_E.

    Parameters
    ----------
    q2 : Q^2 [GeV^2], any shape
    nucleon : the proton or the neutron
    """
    q2 = np.asarray(q2, dtype=float)
    dipole = (1 + q2 / DIPOLE_MASS_SQUARED) ** -2
    if nucleon.charge:
        return dipole, PROTON_MOMENT * dipole
    tau = q2 / (4 * nucleon.mass**2)
    return -NEUTRON_MOMENT * tau * dipole / (1 + 5.6 * tau), NEUTRON_MOMENT * dipole


def pauli_suppression(q: ArrayLike, fermi_momentum: float) -> Array:
    """Share of the bound nucleons that can take up momentum `q` in a Fermi gas, same shape as `q`.

    The part of the Fermi sphere that, moved by q, leaves the sphere: (3/2) x - (1/2) x^3 with
    x = q / (2 k_F), and 1 above x = 1.

    Parameters
    ----------
    q : momentum transfer [GeV], any shape
    fermi_momentum : k_F [GeV]
    """
    x = np.minimum(np.asarray(q, dtype=float) / (2 * fermi_momentum), 1.0)
    return np.asarray(1.5 * x - 0.5 * x**3)
