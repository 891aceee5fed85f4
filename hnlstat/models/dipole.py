"""The dipole portal: N couples to neutrinos by a transition magnetic moment d.

L = d_a nubar_a sigma_mn P_R N F^mn + h.c.; d in GeV^-1, mu_tr = 2 d in part of the literature.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.model import Model
from hnlstat.config.quantities import PositiveRatio, Ratio, inside
from hnlstat.physics import decay as widths
from hnlstat.physics import decay_kinematics, upscattering
from hnlstat.physics.constants import HBAR_C_GEV_M, LEPTON_CODE, LEPTON_MASS, SYMBOLS
from hnlstat.physics.processes import Decay, Product, Scattering, Upscattering, Variation
from hnlstat.physics.targets import Target

Array = NDArray[np.float64]


def _share(value: float) -> float:
    if value != 0:
        inside(abs(value), 1e-6, 1e3)
    return value


Share = Annotated[Ratio, AfterValidator(_share)]


class Flavours(Section):
    """
    Relative couplings d_a / d.

    Attributes
    ----------
    e, mu, tau
        To the neutrino of each flavour.
    """

    e: Share
    mu: Share
    tau: Share


class Dipole(Model):
    """
    The dipole portal; its coupling is d [GeV^-1].

    Attributes
    ----------
    width_factor
        Of the total width, in the lifetime; not 1 only to repeat arXiv:2412.15051.
    branching_ratio
        Which phase space of two leptons is used; not that of tree level only to repeat it.
    """

    coupling_axis: ClassVar = CouplingAxis(
        "d", "d", "dipole coupling", "GeV^-1", "coupling_inv_gev", 1e-12, 1.0, compared_at=1e-7
    )
    final_states: ClassVar = tuple(widths.CHANNELS)
    references: ClassVar = ("arXiv:1803.03262", "arXiv:2412.15051", "deVries:1987")

    kind: Literal["dipole"]
    flavours: Flavours
    width_factor: PositiveRatio
    branching_ratio: Literal["tree_level", "arxiv_2412_15051"]

    @model_validator(mode="after")
    def _beam_couples(self) -> Self:
        if self.flavours.e == 0 and self.flavours.mu == 0:
            raise problem("flavours", "e and mu are 0: the beam would produce no N")
        return self

    def strength(self, couplings: Array) -> Array:
        """Squares of the couplings [GeV^-2], (D,)."""
        return np.asarray(couplings**2)

    @property
    def source(self) -> Upscattering:
        """Upscattering by the exchange of a photon."""
        return DipoleUpscattering()

    def flavour_weights(self) -> dict[str, float]:
        """Squares of the relative couplings, by flavour."""
        return {name: float(share**2) for name, share in self.flavours}

    def inverse_decay_length(self, masses: Array, couplings: Array) -> Array:
        """Gamma / (hbar c) [1/m] of all flavours and channels, (M, D)."""
        width = widths.total_width(masses, self.nature) * sum(self.flavour_weights().values())
        return np.outer(width * self.width_factor / HBAR_C_GEV_M, couplings**2)

    def branching(self, masses: ArrayLike, final_state: str) -> Array:
        """Branching ratio as `branching_ratio` says, same shape as `masses`."""
        if self.branching_ratio == "tree_level":
            return widths.branching_ratio(masses, final_state)
        return widths.branching_ratio_2412_15051(masses, final_state)

    def decay(self, final_state: str) -> Decay:
        """Sampler of N -> nu gamma or N -> nu l+ l-."""
        weights = np.array(list(self.flavour_weights().values()))
        e, mu, tau = (weights / weights.sum()).tolist()
        lepton = widths.CHANNELS[final_state]
        return PhotonDecay((e, mu, tau)) if lepton is None else PairDecay((e, mu, tau), lepton)

    @property
    def axis(self) -> CouplingAxis:
        """Named by the couplings that are alike: "d_mu", "d_e = d_mu"; "d" if they differ."""
        active = {name: share for name, share in self.flavours if share != 0}
        alike = list(active) if set(active.values()) == {1.0} else []
        only = next(iter(active)) if len(active) == 1 else None
        return replace(
            self.coupling_axis,
            name=" = ".join(f"d_{flavour}" for flavour in alike) or "d",
            symbol="=".join(f"d_{{{SYMBOLS[flavour]}}}" for flavour in alike) or "d",
            flavour=only if only is not None and abs(active[only]) == 1 else None,
        )


@dataclass(frozen=True)
class DipoleUpscattering(Upscattering):
    """Neutrino to N on a nucleus or nucleon by a photon, which nearly always turns the helicity."""

    def cross_section(
        self, q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: Target
    ) -> Array:
        """Q^2 dsigma/dQ^2 over d^2 [cm^2 GeV^2]; broadcasts."""
        return upscattering.reduced_cross_section(q2, energy, mass, target)

    def polarisation(
        self, q2: ArrayLike, energy: ArrayLike, mass: ArrayLike, target: Target
    ) -> tuple[Array, Array]:
        """Of the N that neutrinos make, along their flight and across; broadcasts."""
        return upscattering.polarisation(q2, energy, mass, target)

    def variations(self, sizes: Mapping[str, float]) -> dict[str, Variation]:
        """Form factors and Pauli suppression, those of them that are switched on."""
        own: dict[str, Variation] = {}
        if "form_factor" in sizes:
            own["form_factor"] = ScaledRadius(1 + sizes["form_factor"])
        return own | super().variations(sizes)


@dataclass(frozen=True)
class ScaledRadius:
    """All charge and magnetisation radii times `factor`: form factors at Q times it."""

    factor: float

    def __call__(self, made: Scattering) -> Array:
        """Ratio of the cross sections, (N,)."""
        varied = upscattering.reduced_cross_section(
            made.q2, made.energy, made.mass, made.target, self.factor
        )
        nominal = made.cross_section
        return np.divide(varied, nominal, out=np.ones_like(varied), where=nominal > 0)


@dataclass(frozen=True)
class _NeutrinoDecay(Decay):
    """N -> nu X; `flavours` is the share of each flavour of the neutrino."""

    flavours: tuple[float, float, float]

    def neutrinos(self, mass: float) -> tuple[float, float, float]:  # noqa: ARG002
        """The shares of e, mu, tau, at any mass."""
        return self.flavours


@dataclass(frozen=True)
class PhotonDecay(_NeutrinoDecay):
    """N -> nu gamma."""

    @property
    def products(self) -> tuple[Product, ...]:
        """The photon."""
        return (Product("photon", 22, 0, 0.0),)

    @property
    def dimensions(self) -> int:
        """Random numbers that a decay takes."""
        return decay_kinematics.PHOTON_DIMENSIONS

    def sample(
        self, points: Array, momentum: Array, mass: float, polarisation: ArrayLike
    ) -> tuple[Array, ...]:
        """Four-vectors of the photons, (N, 4) [GeV]."""
        return (decay_kinematics.decay_to_photon(points, momentum, mass, polarisation).photon,)


@dataclass(frozen=True)
class PairDecay(_NeutrinoDecay):
    """N -> nu l- l+."""

    lepton: str

    @property
    def products(self) -> tuple[Product, ...]:
        """The leptons, l- first."""
        code, mass = LEPTON_CODE[self.lepton], LEPTON_MASS[self.lepton]
        return (
            Product(f"{self.lepton}minus", code, -1, mass),
            Product(f"{self.lepton}plus", -code, 1, mass),
        )

    @property
    def dimensions(self) -> int:
        """Random numbers that a decay takes."""
        return decay_kinematics.DILEPTON_DIMENSIONS

    def sample(
        self, points: Array, momentum: Array, mass: float, polarisation: ArrayLike
    ) -> tuple[Array, ...]:
        """Four-vectors of l- and l+, (N, 4) each [GeV]."""
        found = decay_kinematics.decay_to_dilepton(
            points, momentum, mass, polarisation, self.lepton
        )
        return found.minus, found.plus
