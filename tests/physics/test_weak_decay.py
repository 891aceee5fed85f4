"""Weak decays of the mass-mixed N: conservation, spectra, polarisation, boosts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.physics.constants import KAON_MASS, LEPTON_MASS
from hnlstat.physics.kaon_decay import (
    FERMI_CONSTANT,
    KaonDecays,
    boosted,
    decay_to_ee,
    kaon_polarisation,
    width_ee,
)

N = 200_000


def size(vector):
    return np.sqrt(np.sum(vector**2, axis=0))


@pytest.mark.parametrize("flavour", ["e", "mu"])
def test_neutrino_has_what_the_leptons_leave(flavour):
    minus, plus = decay_to_ee(1000, flavour, 0.7, np.random.default_rng(1))
    neutrino = 1 - size(minus) - size(plus)
    assert size(minus + plus) == pytest.approx(neutrino, abs=1e-7)


@pytest.mark.parametrize("flavour", ["e", "mu"])
def test_mean_energies_follow_from_the_couplings(flavour):
    """x^2 (1 - x) has the mean 3/5; the other two share the rest: 7/10 each, of m / 2."""
    minus, plus = decay_to_ee(N, flavour, 0.0, np.random.default_rng(2))
    sin2 = 0.23122
    left2 = (sin2 + (0.5 if flavour == "e" else -0.5)) ** 2
    first = left2 / (left2 + sin2**2)
    for lepton, leading in ((plus, first), (minus, 1 - first)):
        expected = (leading * 0.6 + (1 - leading) * 0.7) / 2
        spread = np.std(size(lepton)) / np.sqrt(N)
        assert abs(size(lepton).mean() - expected) < 4 * spread


def test_leading_lepton_follows_the_spin():
    """With P: 1 + P cos(theta) for e+ of the first term, so that its mean cosine is P / 3."""
    _, plus = decay_to_ee(N, "e", 0.9, np.random.default_rng(3))
    _, mirror = decay_to_ee(N, "e", -0.9, np.random.default_rng(3))
    cosine, other = plus[2] / size(plus), mirror[2] / size(mirror)
    assert cosine.mean() > 0.2
    assert cosine.mean() + other.mean() == pytest.approx(0.0, abs=4 / np.sqrt(N))


def test_decay_of_the_muon_is_the_limit_of_one_coupling():
    """mu- -> nu_mu e- anti-nu_e has G_F^2 m^5 / 192 pi^3: the lifetime of the muon to 0.5 %."""
    rate = width_ee(LEPTON_MASS["mu"], "e") / ((0.5 + 0.23122) ** 2 + 0.23122**2)
    assert 6.582e-25 / rate == pytest.approx(2.197e-6, rel=0.005)
    assert pytest.approx(1.16638e-5, rel=1e-5) == FERMI_CONSTANT


def test_helicity_in_kaon_decay():
    assert kaon_polarisation(0.0, LEPTON_MASS["mu"]) == pytest.approx(-1.0)
    assert kaon_polarisation(0.3, 0.0) == pytest.approx(1.0)
    assert kaon_polarisation(LEPTON_MASS["mu"], LEPTON_MASS["mu"]) == 0.0


@given(st.floats(0.01, 20), st.floats(0.1, 0.35), st.sampled_from(["e", "mu"]))
def test_kaon_decay_conserves_mass_and_energy(momentum, mass, lepton):
    """N has its mass, and so has what is left to the charged lepton."""
    kaon = np.array([0.3, -0.4, 1.0])[:, None] * np.full((3, 20), momentum)
    decays = KaonDecays.sample(kaon, mass, LEPTON_MASS[lepton], np.random.default_rng(4))
    energy = np.sqrt(size(decays.momentum) ** 2 + mass**2)
    rest = np.sqrt(size(kaon) ** 2 + KAON_MASS**2) - energy
    left = rest**2 - size(kaon - decays.momentum) ** 2
    assert left == pytest.approx(LEPTON_MASS[lepton] ** 2, abs=1e-10 * (1 + momentum**2))


def test_pairs_of_a_moving_n_have_invariant_masses_of_one_at_rest():
    rng = np.random.default_rng(5)
    kaon = np.full((3, N), 1.5)
    decays = KaonDecays.sample(kaon, 0.3, LEPTON_MASS["e"], rng)
    minus, plus = decays.pairs("e", rng)
    moving = 2 * (size(minus) * size(plus) - np.sum(minus * plus, axis=0))
    minus, plus = 0.3 * np.array(decay_to_ee(N, "e", 0.0, rng))
    rest = 2 * (size(minus) * size(plus) - np.sum(minus * plus, axis=0))
    quantiles = np.linspace(0.05, 0.95, 7)
    assert np.quantile(moving, quantiles) == pytest.approx(np.quantile(rest, quantiles), rel=0.01)
    within = np.sqrt(size(decays.momentum) ** 2 + 0.3**2) - size(minus + plus)
    assert np.all(np.isfinite(within))


def test_boost_and_back_is_nothing():
    rng = np.random.default_rng(6)
    momentum, velocity = rng.normal(size=(3, 50)), rng.normal(size=(3, 50))
    there = boosted(momentum, np.sqrt(1 + size(momentum) ** 2), velocity)
    back = boosted(there, np.sqrt(1 + size(there) ** 2), -velocity)
    assert back == pytest.approx(momentum, abs=1e-12)
