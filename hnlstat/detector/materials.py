"""Number densities of scattering targets in a material."""

from collections.abc import Mapping

from hnlstat.physics.constants import AVOGADRO
from hnlstat.physics.targets import target

BOUND_PROTON, BOUND_NEUTRON = "bound p", "bound n"
"""Nucleons inside nuclei: free-nucleon cross sections, subject to Pauli suppression."""


def target_densities(composition: Mapping[str, float], density: float) -> dict[str, float]:
    """Scattering targets per volume [1/cm^3]: nuclides (coherent), free protons, bound nucleons.

    Parameters
    ----------
    composition : nuclide -> mass fraction (normalised here)
    density : of the material [g/cm^3]

    Raises
    ------
    ValueError
        If a nuclide is not known.
    """
    total = sum(composition.values())
    result: dict[str, float] = {}
    for name, fraction in composition.items():
        found = target(name)
        atoms = density * fraction / total * AVOGADRO / found.molar_mass
        shares = {found.name: 1}
        if not found.is_nucleon:
            shares |= {BOUND_PROTON: found.charge, BOUND_NEUTRON: found.nucleons - found.charge}
        for share, number in shares.items():
            result[share] = result.get(share, 0.0) + number * atoms
    return result
