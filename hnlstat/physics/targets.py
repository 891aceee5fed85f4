"""What a neutrino scatters on: nuclei by name ("C12"), the free nucleons "p" ("H1") and "n"."""

from dataclasses import dataclass
from functools import cache

from particle import Particle

from hnlstat.physics.constants import ATOMIC_MASS_GEV, LEPTON_MASS, NEUTRON_MASS, PROTON_MASS

NUCLEI = 1_000_000_000
"""PDG numbers of nuclei are above."""


@dataclass(frozen=True)
class Target:
    """A scattering target.

    Attributes
    ----------
    name : "p", "n" or a nuclide such as "Pb208"
    mass : mass of the bare nucleus or nucleon [GeV]
    charge : number of protons
    nucleons : mass number
    molar_mass : mass of the neutral atom [g/mol]
    """

    name: str
    mass: float
    charge: int
    nucleons: int
    molar_mass: float

    @property
    def is_nucleon(self) -> bool:
        """Whether the target is a single proton or neutron."""
        return self.nucleons == 1

    @property
    def pdg_code(self) -> int:
        """PDG number: 2212, 2112, or 10LZZZAAAI of the nucleus."""
        if self.is_nucleon:
            return 2212 if self.charge else 2112
        return NUCLEI + 10_000 * self.charge + 10 * self.nucleons


@cache
def _nuclides() -> dict[str, Particle]:
    """All nuclides by name; looking each up in `particle` would search its whole table anew."""
    return {p.pdg_name: p for p in Particle.all() if p.pdgid > NUCLEI}


@cache
def target(name: str) -> Target:
    """Return the target called `name`, its mass and charge from the `particle` library.

    Raises
    ------
    ValueError
        If the name is neither "p", "H1", "n" nor a nuclide that `particle` knows.
    """
    if name in ("p", "H1"):
        atom = PROTON_MASS + LEPTON_MASS["e"]
        return Target("p", PROTON_MASS, 1, 1, atom / ATOMIC_MASS_GEV)
    if name == "n":
        return Target("n", NEUTRON_MASS, 0, 1, NEUTRON_MASS / ATOMIC_MASS_GEV)
    nuclide = _nuclides().get(name)
    if nuclide is None or nuclide.mass is None:
        raise ValueError(f"unknown target {name!r}; use p, n or a nuclide such as C12 or Pb208")
    charge, nucleons = int(nuclide.pdgid.Z or 0), int(nuclide.pdgid.A or 0)
    atom = nuclide.mass * 1e-3
    return Target(name, atom - charge * LEPTON_MASS["e"], charge, nucleons, atom / ATOMIC_MASS_GEV)
