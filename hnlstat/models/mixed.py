"""The mass-mixed N: mixes with nu_e, nu_mu and nu_tau, made in decays of kaons, decays weakly."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, Field, model_validator

from hnlstat.config.base import Section, problem
from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.model import Model
from hnlstat.config.search import CHARGED as PAIRS
from hnlstat.config.sections import not_negative
from hnlstat.models.dipole import Share
from hnlstat.physics import mixing as widths
from hnlstat.physics import weak_kinematics
from hnlstat.physics.constants import (
    HBAR_C_GEV_M,
    LEPTON_CODE,
    LEPTON_MASS,
    NEUTRAL_PION_MASS,
    PION_MASS,
    SYMBOLS,
)
from hnlstat.physics.mixing import CHARGED
from hnlstat.physics.processes import Decay, KaonMode, Kaons, Product

Array = NDArray[np.float64]

PION_CODE, NEUTRAL_PION_CODE = 211, 111
"""Numbers of the Particle Data Group."""

VISIBLE = ("ee", "mumu", "emu", "epi", "mupi")
"""Decays to two charged particles, `PAIRS` all at once."""

Weight = Annotated[Share, AfterValidator(not_negative)]


class Mixing(Section):
    """
    Ratios |U_e|^2 : |U_mu|^2 : |U_tau|^2.

    Attributes
    ----------
    e, mu, tau
        With the neutrino of each flavour.
    """

    e: Weight
    mu: Weight
    tau: Weight


class Mixed(Model):
    """
    Mass mixing; its coupling is |U|^2, the sum over flavours.

    Attributes
    ----------
    release_widths
        Gives N -> l pi the widths of T2K's data release of 2018, to repeat its limits: its
        f_pi V_ud, and in l+ pi- the masses of lepton and pion are exchanged.
    """

    coupling_axis: ClassVar = CouplingAxis(
        "|U|^2", "|U|^2", "mixing", "", "coupling_u2", 1e-14, 1.0, prior_power=1.0
    )
    final_states: ClassVar = (*(name for name in widths.WIDTHS if name != "nununu"), *CHARGED)
    references: ClassVar = ("arXiv:1805.08567", "arXiv:2007.03701", "Shrock:1981")

    kind: Literal["mixed"]
    mixing: Mixing
    release_widths: Annotated[bool, Field(strict=True)]

    @model_validator(mode="after")
    def _mixes(self) -> Self:
        if not any(share for _, share in self.mixing):
            raise problem("mixing", "e, mu and tau are 0: N would neither be made nor decay")
        if self.release_widths and self.nature == "dirac":
            raise problem("release_widths", "is true; the release is of model.nature=majorana")
        return self

    def strength(self, couplings: Array) -> Array:
        """The couplings themselves, (D,)."""
        return np.asarray(couplings)

    @property
    def source(self) -> Kaons:
        """Decays of kaons to N and those charged leptons that N mixes with."""
        shares = self.flavour_weights()
        return Kaons(tuple(KaonMode(name, shares[name]) for name in ("e", "mu") if shares[name]))

    def flavour_weights(self) -> dict[str, float]:
        """Shares |U_a|^2 / |U|^2 by flavour, 1 in all."""
        total = sum(share for _, share in self.mixing)
        return {name: share / total for name, share in self.mixing}

    def inverse_decay_length(self, masses: Array, couplings: Array) -> Array:
        """Gamma / (hbar c) [1/m] of all channels, (M, D)."""
        width = sum(self._width(masses, channel) for channel in widths.WIDTHS)
        return np.outer(width / HBAR_C_GEV_M, couplings)

    def branching(self, masses: ArrayLike, final_state: str) -> Array:
        """Branching ratio of N, or of one charge, same shape as `masses`."""
        total = sum(self._width(masses, channel) for channel in widths.WIDTHS)
        return np.asarray(self._width(masses, final_state) / total)

    def partial(self, masses: Array, decay: str, flavours: tuple[str, ...], numbers: int) -> Array:
        """Branching ratio by mixing with some flavours, of 1 or 2 lepton numbers; (M,) at (M,)."""
        total = sum(self._width(masses, channel) for channel in widths.WIDTHS)
        if decay in CHARGED:
            return np.asarray(self._width(masses, decay) / total)
        shares = {name: self.flavour_weights()[name] for name in flavours}
        return np.asarray(numbers * widths.WIDTHS[decay](masses, shares) / total)

    def _width(self, masses: ArrayLike, final_state: str) -> Array:
        """Width over |U|^2 [GeV], same shape as `masses`."""
        shares = self.flavour_weights()
        if final_state == PAIRS:
            return np.asarray(sum(self._width(masses, name) for name in VISIBLE))
        if final_state in CHARGED:
            lepton, number = CHARGED[final_state]
            if self.nature == "dirac" and number < 0:  # of anti-N
                return np.zeros(np.shape(masses))
            width = widths.width_pion(masses, lepton)
            if self.release_widths:
                width = widths.width_pion(masses, lepton, number < 0, widths.RELEASE_PION)
            return np.asarray(shares[lepton] * width)
        if self.nature == "majorana" and final_state in ("epi", "mupi"):
            lepton = final_state.removesuffix("pi")
            parts = (name for name, (flavour, _) in CHARGED.items() if flavour == lepton)
            return np.asarray(sum(self._width(masses, name) for name in parts))
        numbers = 2 if self.nature == "majorana" else 1
        return np.asarray(numbers * widths.WIDTHS[final_state](masses, shares))

    def lacks(self, final_state: str) -> str | None:
        """Charges apart are of a Majorana N: of a Dirac N they tell K+ from K-."""
        if self.nature == "dirac" and final_state in (*CHARGED, PAIRS):
            hint, alone = "model.nature=majorana or a search such as tpc_mupi_tracks", ""
            if final_state in CHARGED:
                hint, alone = f"{CHARGED[final_state][0]}pi, both charges", " alone"
            return (
                f"{final_state}{alone} takes K+ and K- apart for model.nature=dirac, which no "
                f"table has; choose {hint}"
            )
        if final_state == PAIRS:
            return None
        return super().lacks(final_state)

    def decay(self, final_state: str) -> Decay | None:
        """Sampler of one of the final states; of all pairs of charged particles at once none."""
        if final_state == PAIRS:
            return None
        shares = self.flavour_weights()
        if final_state in widths.CONTACTS:
            return LeptonDecay(final_state, (shares["e"], shares["mu"], shares["tau"]))
        if final_state == "nupi0":
            return NeutralPionDecay((shares["e"], shares["mu"], shares["tau"]))
        lepton, number = CHARGED.get(final_state, (final_state.removesuffix("pi"), None))
        return PionDecay(lepton, number)

    @property
    def axis(self) -> CouplingAxis:
        """Named by the only flavour, "|U_mu|^2"; "|U|^2", the sum, if there are more."""
        axis = replace(self.coupling_axis, nature=self.nature)
        active = [name for name, share in self.mixing if share != 0]
        if len(active) > 1:
            return axis
        (only,) = active
        return replace(
            axis,
            name=f"|U_{only}|^2",
            symbol=f"|U_{{{SYMBOLS[only]}}}|^2",
            flavour=only,
        )

    @property
    def ratios(self) -> str:
        """Those of the mixings, if there are more than one: "e:mu:tau = 1:1:0"."""
        shares = [share for _, share in self.mixing]
        if sum(share > 0 for share in shares) < 2:
            return ""
        return f"e:mu:tau = {':'.join(f'{share:g}' for share in shares)}"


def _lepton(flavour: str, charge: int) -> Product:
    name = flavour + ("plus" if charge > 0 else "minus")
    return Product(name, -charge * LEPTON_CODE[flavour], charge, LEPTON_MASS[flavour])


@dataclass(frozen=True)
class LeptonDecay(Decay):
    """N -> nu l- l'+ of a channel; `shares` are |U_a|^2 of e, mu, tau over the strength."""

    channel: str
    shares: tuple[float, float, float]

    @property
    def products(self) -> tuple[Product, ...]:
        """The leptons, negative first; mu- e+ are taken for e- mu+."""
        minus, plus = {"ee": ("e", "e"), "mumu": ("mu", "mu"), "emu": ("e", "mu")}[self.channel]
        return _lepton(minus, -1), _lepton(plus, 1)

    @property
    def dimensions(self) -> int:
        """Random numbers that a decay takes."""
        return weak_kinematics.THREE_BODY_DIMENSIONS

    def neutrinos(self, mass: float) -> tuple[float, float, float]:
        """By the widths of each flavour; in e- mu+ nu_mu it is that of the other lepton."""
        width = widths.WIDTHS[self.channel]
        mixed = zip(widths.FLAVOURS, self.shares, strict=True)
        e, mu, tau = (float(width(mass, {flavour: share})) for flavour, share in mixed)
        total = e + mu + tau
        if self.channel == "emu":
            e, mu = mu, e
        return e / total, mu / total, tau / total

    def sample(
        self, points: Array, momentum: Array, mass: float, polarisation: ArrayLike
    ) -> tuple[Array, ...]:
        """Four-vectors of l- and l'+, (N, 4) each [GeV]."""
        shares = dict(zip(widths.FLAVOURS, self.shares, strict=True))
        contact = widths.CONTACTS[self.channel](shares)
        return weak_kinematics.three_body(points, momentum, mass, polarisation, contact)


@dataclass(frozen=True)
class _TwoBody(Decay):
    @property
    def dimensions(self) -> int:
        """Random numbers that a decay takes."""
        return weak_kinematics.TWO_BODY_DIMENSIONS


@dataclass(frozen=True)
class PionDecay(_TwoBody):
    """N -> l- pi+, or of lepton number -1, l+ pi-; without one, of both, as l- pi+."""

    lepton: str
    lepton_number: int | None

    @property
    def number(self) -> int | None:
        """Lepton number."""
        return self.lepton_number

    @property
    def products(self) -> tuple[Product, ...]:
        """Lepton and pion."""
        charge = self.lepton_number or 1
        pion = Product("piplus" if charge > 0 else "piminus", charge * PION_CODE, charge, PION_MASS)
        return _lepton(self.lepton, -charge), pion

    def sample(
        self, points: Array, momentum: Array, mass: float, polarisation: ArrayLike
    ) -> tuple[Array, ...]:
        """Four-vectors of lepton and pion, (N, 4) each [GeV]."""
        slope = -widths.pion_slope(mass, self.lepton) * np.asarray(polarisation)
        products = LEPTON_MASS[self.lepton], PION_MASS
        return weak_kinematics.two_body(points, momentum, mass, slope, products)


@dataclass(frozen=True)
class NeutralPionDecay(_TwoBody):
    """N -> nu pi0; `shares` are those of the flavours of the neutrino."""

    shares: tuple[float, float, float]

    @property
    def products(self) -> tuple[Product, ...]:
        """The pion."""
        return (Product("pizero", NEUTRAL_PION_CODE, 0, NEUTRAL_PION_MASS),)

    def neutrinos(self, mass: float) -> tuple[float, float, float]:  # noqa: ARG002
        """The shares, at any mass."""
        return self.shares

    def sample(
        self, points: Array, momentum: Array, mass: float, polarisation: ArrayLike
    ) -> tuple[Array, ...]:
        """Four-vectors of the pion, (N, 4) [GeV]."""
        products = NEUTRAL_PION_MASS, 0.0
        return weak_kinematics.two_body(points, momentum, mass, polarisation, products)[:1]
