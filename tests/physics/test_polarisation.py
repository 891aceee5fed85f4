"""Spin of the N that neutrinos make by a dipole moment: explicit traces, limits."""

import numpy as np
import pytest
from dirac_matrices import GAMMA, LEFT, METRIC, ONE, polarised, slash, trace
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.models.dipole import PairDecay
from hnlstat.physics import form_factors, kinematics
from hnlstat.physics.decay_kinematics import four_momentum
from hnlstat.physics.kaon_decay import boosted
from hnlstat.physics.targets import target
from hnlstat.physics.upscattering import polarisation, reduced_cross_section

CASES = [
    ("C12", 1.0, 0.47), ("Pb208", 0.3, 0.1), ("p", 1.0, 0.47), ("p", 3.0, 0.05), ("n", 0.6, 0.4)
]  # fmt: skip
PLACES = np.array([0.1, 0.4, 0.7, 0.95])
"""Of the logarithmic range of Q^2."""


def moment(momentum):
    """sigma^mn q_n, (4, 4, 4)."""
    return np.array([1j * (GAMMA[i] @ slash(momentum) - momentum[i] * ONE) for i in range(4)])


def conjugate(matrix):
    return GAMMA[0] @ matrix.conj().T @ GAMMA[0]


def made(name, energy, mass, q2):
    """Four-momenta of neutrino and N, which flies along z: the neutrino comes from x < 0."""
    m_t = target(name).mass
    n_energy, size = energy - q2 / (2 * m_t), kinematics.momentum(q2, energy, mass, m_t)
    cosine = (2 * energy * n_energy - mass**2 - q2) / (2 * energy * size)
    neutrino = energy * np.array([1, np.sqrt(1 - cosine**2), 0, cosine])
    return neutrino, np.array([n_energy, 0, 0, size])


def recoiling(name, transfer, q2):
    """Tensor of the target, both spins of a nucleon."""
    found = target(name)
    before = np.array([found.mass, 0, 0, 0])
    after = before + transfer
    if not found.is_nucleon:
        return np.outer(before + after, before + after)
    g_e, g_m = form_factors.nucleon_sachs(q2, found)
    tau = q2 / (4 * found.mass**2)
    dirac, pauli = (g_e + tau * g_m) / (1 + tau), (g_m - g_e) / (1 + tau)
    vertex = dirac * GAMMA + 1j * pauli / (2 * found.mass) * moment(transfer)
    outer, inner = (slash(p) + found.mass * ONE for p in (after, before))
    return np.array(
        [[trace(outer, one, inner, conjugate(two)) for two in vertex] for one in vertex]
    )


def currents(name, energy, mass, where):
    """Q^2, momenta, and nubar to N: the vertex (mu) with a lowered index, and the target."""
    low, high = kinematics.q2_limits(energy, mass, target(name).mass)
    q2 = float(low * (high / low) ** where)
    neutrino, heavy = made(name, energy, mass, q2)
    transfer = neutrino - heavy
    vertex = METRIC[:, None, None] * (moment(transfer) @ LEFT)
    return q2, neutrino, heavy, vertex, recoiling(name, transfer, q2)


PAIRS = [(a, b) for a in range(4) for b in range(4)]


@pytest.mark.parametrize(("name", "energy", "mass"), CASES)
def test_spin_and_rate_are_those_of_explicit_traces(name, energy, mass):
    found, ratio = target(name), []
    for where in PLACES:
        q2, neutrino, heavy, vertex, struck = currents(name, energy, mass, where)

        def rate(spin, of=(neutrino, heavy, vertex, struck)):
            light, n, current, tensor = of
            return sum(
                tensor[a, b]
                * trace(polarised(n, mass, spin), current[a], slash(light), conjugate(current[b]))
                for a, b in PAIRS
            ).real

        along = np.array([heavy[3], 0, 0, heavy[0]]) / mass
        expected = []
        for spin in (along, np.array([0.0, 1, 0, 0])):
            up, down = rate(spin), rate(-spin)
            expected.append((up - down) / (up + down))
        assert polarisation(q2, energy, mass, found) == pytest.approx(expected, abs=1e-9)
        form = 1 if found.is_nucleon else form_factors.nuclear_charge(np.sqrt(q2), found) ** 2
        ratio.append(reduced_cross_section(q2, energy, mass, found) / form * q2 / (up + down))
    # so the cross section counts both helicities
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]), rel=1e-8)


@pytest.mark.parametrize(("name", "energy", "mass"), CASES[1:])
def test_photons_go_against_the_spin_as_one_trace_over_making_and_decay_says(name, energy, mass):
    """N is then summed over, not asked for its spin."""
    rng = np.random.default_rng(2)
    q2, neutrino, heavy, vertex, struck = currents(name, energy, mass, 0.3)
    inner = slash(heavy) + mass * ONE
    spin = sum(
        struck[a, b] * inner @ vertex[a] @ slash(neutrino) @ conjugate(vertex[b]) @ inner
        for a, b in PAIRS
    )
    rest = rng.normal(size=(3, 6))
    rest /= np.linalg.norm(rest, axis=0)
    photons = four_momentum(boosted(mass / 2 * rest, mass / 2, heavy[1:, None] / mass).T, 0.0)
    rates = []
    for photon in photons:
        emitted = moment(photon) @ (ONE - LEFT)
        rates.append(
            -sum(
                METRIC[i] * trace(slash(heavy - photon), emitted[i], spin, conjugate(emitted[i]))
                for i in range(4)
            ).real
        )
    along, across = polarisation(q2, energy, mass, target(name))
    expected = 1 - along * rest[2] - across * rest[0]
    assert rates / expected == pytest.approx(np.full(6, rates[0] / expected[0]), rel=1e-7)


@given(
    st.floats(0.05, 30.0), st.floats(0.002, 3.0), st.sampled_from(["p", "n", "C12", "Pb208"]),
    st.floats(0.0, 1.0),
)  # fmt: skip
def test_n_of_nuclei_are_a_pure_state_and_others_at_most(energy, mass, name, where):
    found = target(name)
    if energy <= 1.001 * kinematics.threshold_energy(mass, found.mass):
        return
    low, high = kinematics.q2_limits(energy, mass, found.mass)
    size = np.hypot(*polarisation(low * (high / low) ** where, energy, mass, found))
    if found.is_nucleon:
        assert size <= 1 + 1e-9
    else:
        assert size == pytest.approx(1, abs=1e-9)


def test_limits():
    carbon, proton = target("C12"), target("p")
    # without mass, and at high energies, the helicity has turned round: by m^2 / Q, and its square
    for found in (carbon, proton):
        along, across = polarisation(0.02, 1.0, [1e-3, 1e-4], found)
        assert 1 - along == pytest.approx([0, 0], abs=1e-6)
        assert across == pytest.approx([0, 0], abs=1e-3)
    assert 1 - np.array(polarisation(0.02, 1e4, 0.3, carbon)[0]) < 1e-6
    # magnetism turns it where N is slow in the frame of both, too: by m^2 / E^2
    turned = 1 - np.array([polarisation(0.02, e, 0.3, proton)[0] for e in (5.0, 50.0)])
    assert turned[1] < 0.02 * turned[0]
    # along the beam angular momentum keeps the helicity on a nucleus, backwards it turns it
    low, high = kinematics.q2_limits(0.6, 0.4, carbon.mass)
    assert polarisation(low, 0.6, 0.4, carbon)[0] == pytest.approx(-1, abs=1e-6)
    assert polarisation(high, 0.6, 0.4, carbon)[0] == pytest.approx(1, abs=1e-6)


def test_spins_along_the_flight_are_what_samplers_take():
    rng, decay = np.random.default_rng(3), PairDecay((0, 1, 0), "mu")
    points, momentum = rng.random((50, decay.dimensions)), rng.normal(size=(50, 3))
    flight = momentum / np.linalg.norm(momentum, axis=1)[:, None]
    found = decay.with_spin(points, momentum, 0.4, 0.7 * flight)
    for one, two in zip(found, decay.sample(points, momentum, 0.4, 0.7), strict=True):
        assert one == pytest.approx(two, abs=1e-9)


def test_n_at_rest_have_the_spin_of_the_neutrino():
    """At the threshold of a heavy nucleus; across and along make up the axis of the beam."""
    lead, mass = target("Pb208"), 0.1
    energy = 1.000001 * float(kinematics.threshold_energy(mass, lead.mass))
    low, high = kinematics.q2_limits(energy, mass, lead.mass)
    q2 = np.linspace(low, high, 7)[1:-1]
    cosine = kinematics.cos_theta(q2, energy, mass, lead.mass)
    along, across = polarisation(q2, energy, mass, lead)
    assert np.ptp(cosine) > 0.5
    spin = along * cosine + across * np.sqrt(1 - cosine**2)
    assert spin == pytest.approx(np.full(5, -1.0), abs=0.01)
