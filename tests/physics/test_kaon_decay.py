"""N of kaons: rate, conservation, polarisation, boosts."""

import numpy as np
import pytest
from dirac_matrices import LEFT, ONE, RIGHT, polarised, slash, trace
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.physics.constants import KAON_MASS, LEPTON_MASS
from hnlstat.physics.kaon_decay import (
    KAON_TO_NEUTRINO,
    KaonDecays,
    boosted,
    kaon_branching,
    kaon_polarisation,
)
from hnlstat.physics.mixing import pair
from hnlstat.physics.weak_kinematics import THREE_BODY_DIMENSIONS, three_body

N = 200_000


def size(vector):
    return np.sqrt(np.sum(vector**2, axis=0))


def test_helicity_in_kaon_decay():
    assert kaon_polarisation(0.0, LEPTON_MASS["mu"]) == pytest.approx(-1.0)
    assert kaon_polarisation(0.3, 0.0) == pytest.approx(1.0)
    assert kaon_polarisation(LEPTON_MASS["mu"], LEPTON_MASS["mu"]) == 0.0


@pytest.mark.parametrize("lepton", ["e", "mu"])
@pytest.mark.parametrize("mass", [0.15, 0.3, 0.38])
def test_rate_and_polarisation_are_those_of_explicit_traces(lepton, mass):
    """Decays of a spin-0 particle: q_mu lbar gamma^mu P_L N, with N along z of spin up or down."""
    m_l = LEPTON_MASS[lepton]
    energy = (KAON_MASS**2 + mass**2 - m_l**2) / (2 * KAON_MASS)
    size = np.sqrt(energy**2 - mass**2)
    heavy, light = np.array([energy, 0, 0, size]), np.array([KAON_MASS - energy, 0, 0, -size])
    spin = np.array([size, 0, 0, energy]) / mass
    vertex, conjugate = slash(heavy + light) @ LEFT, RIGHT @ slash(heavy + light)
    up, down = (
        trace(polarised(heavy, mass, sign * spin), vertex, slash(light) - m_l * ONE, conjugate).real
        for sign in (1, -1)
    )
    assert kaon_polarisation(mass, m_l) == pytest.approx((up - down) / (up + down), abs=1e-6)
    # to a massless neutrino
    other = (KAON_MASS**2 - m_l**2) / (2 * KAON_MASS)
    heavy, light = np.array([other, 0, 0, other]), np.array([KAON_MASS - other, 0, 0, -other])
    neutrino = trace(slash(heavy), vertex, slash(light) - m_l * ONE, conjugate).real
    ratio = kaon_branching(mass, lepton) / KAON_TO_NEUTRINO[lepton]
    assert ratio == pytest.approx((up + down) * size / (neutrino * other), rel=1e-6)


@pytest.mark.parametrize("lepton", ["e", "mu"])
def test_massless_n_are_neutrinos_and_heavy_ones_are_out_of_reach(lepton):
    assert kaon_branching(0.0, lepton) == pytest.approx(KAON_TO_NEUTRINO[lepton], rel=1e-12)
    reach = KAON_MASS - LEPTON_MASS[lepton]
    below, at, above = kaon_branching([reach - 1e-9, reach, reach + 1e-3], lepton)
    assert at == above == 0
    assert 0 < below < 1e-3 * kaon_branching(0.9 * reach, lepton)


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
    rng, contact = np.random.default_rng(5), pair("e", {"e": 1.0})
    decays = KaonDecays.sample(np.full((3, N), 1.5), 0.3, LEPTON_MASS["e"], rng)
    minus, plus = decays.leptons(contact, rng)
    moving = 2 * (size(minus) * size(plus) - np.sum(minus * plus, axis=0))
    points = rng.random((N, THREE_BODY_DIMENSIONS))
    minus, plus = (v[:, 1:].T for v in three_body(points, np.zeros((N, 3)), 0.3, 0.0, contact))
    rest = 2 * (size(minus) * size(plus) - np.sum(minus * plus, axis=0))
    quantiles = np.linspace(0.05, 0.95, 7)
    assert np.quantile(moving, quantiles) == pytest.approx(np.quantile(rest, quantiles), rel=0.02)


@pytest.mark.parametrize("momentum", [0.05, 0.3, 2.0])
def test_polarisation_in_the_laboratory_gives_the_same_energies(momentum):
    """Energies of the leptons by two ways: spins boosted with N, and along the flight alone."""
    rng, contact, mass = np.random.default_rng(7), pair("mu", {"mu": 1.0}), 0.25
    decays = KaonDecays.sample(np.full((3, N), momentum), mass, LEPTON_MASS["e"], rng)
    assert np.max(np.abs(decays.polarisation)) <= 1
    flight = decays.momentum
    energy = np.sqrt(size(flight) ** 2 + mass**2)
    points = rng.random((N, THREE_BODY_DIMENSIONS))
    one = decays.leptons(contact, rng)
    two = three_body(points, flight.T, mass, decays.polarisation, contact)
    none = three_body(points, flight.T, mass, 0.0, contact)
    shift = []
    for boosted_one, along, unpolarised in zip(one, two, none, strict=True):
        first = np.sqrt(size(boosted_one) ** 2 + LEPTON_MASS["mu"] ** 2) / energy
        second, third = along[:, 0] / energy, unpolarised[:, 0] / energy
        assert abs(first.mean() - second.mean()) < 4 * np.sqrt(2 / N) * first.std()
        shift.append(second.mean() - third.mean())
    if momentum < 0.1:  # slow kaons: N keep their helicity, and the leptons tell
        assert abs(shift[0] - shift[1]) > 20 * np.sqrt(2 / N) * first.std()


def test_boost_and_back_is_nothing():
    rng = np.random.default_rng(6)
    momentum, velocity = rng.normal(size=(3, 50)), rng.normal(size=(3, 50))
    there = boosted(momentum, np.sqrt(1 + size(momentum) ** 2), velocity)
    back = boosted(there, np.sqrt(1 + size(there) ** 2), -velocity)
    assert back == pytest.approx(momentum, abs=1e-12)
