"""Weak decays of polarised N: |M|^2 against explicit traces, widths, and samples against |M|^2."""

import numpy as np
import pytest
from dirac_matrices import GAMMA, LEFT, ONE, RIGHT, contracted, polarised, slash, trace
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from hnlstat.physics.constants import LEPTON_MASS, NEUTRAL_PION_MASS, PION_MASS
from hnlstat.physics.mixing import pair, pion_slope
from hnlstat.physics.weak_decay import (
    FERMI_CONSTANT,
    Angular,
    Contact,
    Pair,
    fermi_width,
    last_rapidity,
    width,
)
from hnlstat.physics.weak_kinematics import (
    THREE_BODY_DIMENSIONS,
    TWO_BODY_DIMENSIONS,
    three_body,
    two_body,
)

E, MU = LEPTON_MASS["e"], LEPTON_MASS["mu"]
N = 200_000
SPIN = np.array([0.0, 0.0, 0.0, 1.0])

masses = st.sampled_from([(E, E), (MU, MU), (E, MU), (MU, E)])
unit = st.floats(0.01, 0.99)


def explicit(m, minus, plus, couplings, polarisation, fierz=True):
    """|M|^2 of N at rest, polarised along z, by traces; as it stands or with leptons paired."""
    left, right = couplings
    m1, m2 = (np.sqrt(max(v[0] ** 2 - v[1:] @ v[1:], 0)) for v in (minus, plus))
    rest = np.array([m, 0, 0, 0])
    heavy = sum((1 + sign * polarisation) / 2 * polarised(rest, m, sign * SPIN) for sign in (1, -1))
    neutrino, lepton = slash(rest - minus - plus), slash(minus) + m1 * ONE
    antilepton = slash(plus) - m2 * ONE
    vertex, conjugate = left * LEFT + right * RIGHT, left * RIGHT + right * LEFT
    first, second = (neutrino, lepton) if fierz else (lepton, neutrino)
    return contracted(
        lambda mu, nu: (first, GAMMA[mu], LEFT, heavy, RIGHT, GAMMA[nu]),
        lambda mu, nu: (second, GAMMA[mu], vertex, antilepton, conjugate, GAMMA[nu]),
    )


def event(m, contact, where):
    """Four-vectors of the leptons, and |M|^2 as calculated, at a rapidity, two angles, azimuth."""
    rapidity, theta, angle, azimuth, p = where
    one = Pair.of(np.array(rapidity), m, contact)
    scale = contact.minus * contact.plus / m**2
    angular = Angular.of(one, contact, scale, p * np.cos(theta), p * np.sin(theta))
    along = np.array([np.sin(theta), 0, np.cos(theta)])
    across = np.array([np.cos(theta), 0, -np.sin(theta)])
    k = one.momentum * np.array([np.sin(angle) * np.cos(azimuth), np.sin(angle) * np.sin(azimuth)])
    z = one.momentum * np.cos(angle)
    found = []
    for energy, sign in ((one.minus, 1), (one.plus, -1)):
        boosted = (one.n_energy * sign * z + one.nu_energy * energy) * along
        three = boosted + sign * (k[0] * across + k[1] * np.array([0, 1, 0]))
        four = one.n_energy * energy + one.nu_energy * sign * z
        found.append(m * np.append(four, three))
    value = angular(np.cos(angle), np.cos(azimuth)) * one.nu_energy
    return *found, 8 * m**4 * float(value)


@settings(max_examples=20, deadline=None)
@given(masses, st.floats(0.003, 0.4), st.tuples(*[unit] * 4), st.floats(-1, 1),
       st.tuples(st.floats(-1, 1), st.floats(-1, 1)))  # fmt: skip
def test_squared_amplitude_is_that_of_explicit_traces(pair_masses, above, points, p, couplings):
    left, right = couplings
    contact = Contact(left**2, right**2, left * right, *pair_masses)
    m = contact.threshold + above
    rapidity = points[0] * float(last_rapidity(m, contact))
    where = rapidity, np.pi * points[1], np.pi * points[2], 2 * np.pi * points[3], p
    minus, plus, found = event(m, contact, where)
    neutrino = np.array([m, 0, 0, 0]) - minus - plus
    assert neutrino[0] ** 2 == pytest.approx(neutrino[1:] @ neutrino[1:], abs=1e-9 * m**2)
    size = m**4 * (left**2 + right**2 + 1e-9)
    assert found == pytest.approx(explicit(m, minus, plus, couplings, p), abs=1e-6 * size)


def test_charged_currents_are_left_handed_contacts():
    """N -> l- W+, W+ -> l'+ nu, and nubar gamma N lbar gamma l', are one: Fierz."""
    m, contact = 0.3, Contact(1.0, 0.0, 0.0, MU, E)
    minus, plus, found = event(m, contact, (5.0, 1.0, 2.0, 0.7, 0.6))
    assert found == pytest.approx(explicit(m, minus, plus, (1, 0), 0.6, fierz=False), rel=1e-6)


@pytest.mark.parametrize("lepton", ["e", "mu"])
@pytest.mark.parametrize("mass", [0.26, 0.38, 0.49])
def test_slopes_of_decays_to_pions_are_those_of_traces(lepton, mass):
    """lbar gamma^mu P_L N times the pion's momentum: 1 - A P cos(theta); neutrinos and pi0: 1."""
    for m1, m2, slope in (
        (LEPTON_MASS[lepton], PION_MASS, -pion_slope(mass, lepton)),
        (0.0, NEUTRAL_PION_MASS, -1.0),  # of the neutrino, so + 1 of the pion
    ):
        energy = (mass**2 + m1**2 - m2**2) / (2 * mass)
        size = np.sqrt(energy**2 - m1**2)
        rest = np.array([mass, 0, 0, 0])
        ahead, back = (np.array([energy, 0, 0, sign * size]) for sign in (1, -1))
        found = [
            trace(slash(v) + m1 * ONE, slash(rest - v), LEFT, polarised(rest, mass, SPIN), RIGHT,
                  slash(rest - v)).real
            for v in (ahead, back)
        ]  # fmt: skip
        asymmetry = (found[0] - found[1]) / (found[0] + found[1])
        assert slope == pytest.approx(asymmetry, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-4, 0.35))
def test_widths_are_the_closed_forms(above):
    m, contact = 2 * MU + above, Contact(1.0, 0.0, 0.0, MU, MU)
    x = MU / m
    r = np.sqrt(1 - 4 * x**2)
    log = np.log((1 - 3 * x**2 - (1 - x**2) * r) / (x**2 * (1 + r)))
    f1 = (1 - 14 * x**2 - 2 * x**4 - 12 * x**6) * r + 12 * x**4 * (x**4 - 1) * log
    f2 = 4 * (x**2 * (2 + 10 * x**2 - 12 * x**4) * r + 6 * x**4 * (1 - 2 * x**2 + 2 * x**4) * log)
    # the closed forms cancel at threshold
    assert width(m, contact) / fermi_width(m) == pytest.approx(f1, rel=1e-9, abs=1e-12)
    contact = Contact(0.0, 0.0, 1.0, MU, MU)
    assert width(m, contact) / fermi_width(m) == pytest.approx(f2, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("m", [0.107, 0.12, 0.2, 0.45])
def test_charged_current_with_two_masses_is_an_integral(m):
    a, b = (E / m) ** 2, (MU / m) ** 2
    least = (np.sqrt(a) + np.sqrt(b)) ** 2

    def density(s):
        root = np.sqrt(max((s - a - b) ** 2 - 4 * a * b, 0.0))
        return 12 / s * (s - a - b) * (1 - s) ** 2 * root

    expected = quad(density, least, 1, epsabs=0, epsrel=1e-10)[0]
    for contact in (Contact(1, 0, 0, E, MU), Contact(1, 0, 0, MU, E), Contact(0, 1, 0, E, MU)):
        assert width(m, contact) == pytest.approx(expected * fermi_width(m), rel=1e-8)


def test_limits_of_the_widths():
    contact = Contact(0.7, 0.3, 0.1, MU, MU)
    assert list(width([0.1, 2 * MU, 2 * MU - 1e-12], contact)) == [0, 0, 0]
    # towards threshold as the power 7/2 of the distance
    near = width(2 * MU + np.array([1e-6, 2e-6]), Contact(0.0, 0.0, 1.0, MU, MU))
    assert near[1] / near[0] == pytest.approx(2**3.5, rel=1e-3)
    assert width(1e3, contact) == pytest.approx(fermi_width(1e3), rel=1e-6)
    # mu- -> nu_mu e- anti-nu_e: the lifetime of the muon
    electrons = Contact(1.0, 0.0, 0.0, E, E)
    assert 6.582e-25 / width(MU, electrons) == pytest.approx(2.197e-6, rel=0.005)
    assert pytest.approx(1.16638e-5, rel=1e-5) == FERMI_CONSTANT


@pytest.mark.parametrize(
    ("contact", "m"),
    [
        (pair("mu", {"e": 1.0}), 0.24),  # negative interference, near threshold
        (pair("mu", {"mu": 1.0}), 0.4),
        (pair("e", {"mu": 1.0}), 0.3),
        (Contact(0.8, 0.2, 0.0, E, MU), 0.2),
    ],
)
@pytest.mark.parametrize("p", [0.0, 1.0, -0.6])
def test_samples_follow_the_squared_amplitude(contact, m, p):
    """Means over samples against those over phase space with |M|^2, within 4 errors of both."""
    rng = np.random.default_rng(1)
    points, rest = rng.random((N, THREE_BODY_DIMENSIONS)), np.zeros((N, 3))
    minus, plus = three_body(points, rest, m, p, contact)
    found = observables(minus, plus, m)
    # flat in rapidity and angles, weighted
    last = float(last_rapidity(m, contact))
    rapidity, (c, d) = last * rng.random(N), 2 * rng.random((2, N)) - 1
    azimuth = 2 * np.pi * rng.random(N)
    one = Pair.of(rapidity, m, contact)
    scale = contact.minus * contact.plus / m**2
    angular = Angular.of(one, contact, scale, p * c, p * np.sqrt(1 - c**2))
    # dx by rapidity, and the momenta of neutrino and leptons over the mass of the pair
    space = np.sinh(rapidity) * one.nu_energy * one.momentum
    weight = space * one.nu_energy * angular(d, np.cos(azimuth))
    expected = observables(*vectors(one, m, c, d, azimuth), m)
    for name, value in found.items():
        other = np.average(expected[name], weights=weight)
        spread = np.sum((weight * (expected[name] - other)) ** 2) / np.sum(weight) ** 2
        assert abs(value.mean() - other) < 4 * np.sqrt(value.var() / N + spread), name


def vectors(one, m, c, d, azimuth):
    """Four-vectors of many leptons, by components along the pair and across."""
    s, t = np.sqrt(1 - c**2), np.sqrt(1 - d**2)
    for energy, sign in ((one.minus, 1), (one.plus, -1)):
        x, y = (sign * one.momentum * t * f(azimuth) for f in (np.cos, np.sin))
        z = sign * one.momentum * d
        ahead = one.n_energy * z + one.nu_energy * energy
        yield m * np.stack(
            [one.n_energy * energy + one.nu_energy * z, ahead * s + x * c, y, ahead * c - x * s], 1
        )


def observables(minus, plus, m):
    """Energies, cosines to the spin, opening and a quantity of the plane of the three."""
    size = [np.sqrt(np.sum(v[:, 1:] ** 2, axis=1)) for v in (minus, plus)]
    both = np.sum(minus[:, 1:] * plus[:, 1:], axis=1) / size[0] / size[1]
    return {
        "E-": minus[:, 0] / m, "E+": plus[:, 0] / m, "E-^2": (minus[:, 0] / m) ** 2,
        "cos-": minus[:, 3] / size[0], "cos+": plus[:, 3] / size[1], "opening": both,
        "E- cos-": minus[:, 3] / m, "E+ cos+": plus[:, 3] / m,
        "pair": (minus[:, 3] + plus[:, 3]) / m * (minus[:, 0] - plus[:, 0]) / m,
        "product": minus[:, 3] * plus[:, 3] / size[0] / size[1],
    }  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-4, 0.5), masses, st.floats(-1, 1))
def test_three_bodies_are_conserved_and_on_shell(seed, above, pair_masses, p):
    contact, rng = Contact(0.3, 0.5, -0.1, *pair_masses), np.random.default_rng(seed)
    m, momentum = contact.threshold + above, rng.normal(size=(50, 3))
    found = three_body(rng.random((50, THREE_BODY_DIMENSIONS)), momentum, m, p, contact)
    energy = np.sqrt(m**2 + np.sum(momentum**2, axis=1))
    rest = np.column_stack([energy, momentum]) - sum(found)
    for vector, mass in (*found,) and zip((*found, rest), (*pair_masses, 0.0), strict=True):
        square = vector[:, 0] ** 2 - np.sum(vector[:, 1:] ** 2, axis=1)
        assert square == pytest.approx(mass**2, abs=1e-12 * np.max(energy) ** 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-4, 0.3), st.floats(-1, 1))
def test_two_bodies_are_conserved_and_follow_the_slope(seed, above, slope):
    rng, m = np.random.default_rng(seed), MU + PION_MASS + above
    points = rng.random((20_000, TWO_BODY_DIMENSIONS))
    lepton, pion = two_body(points, np.zeros((20_000, 3)), m, slope, (MU, PION_MASS))
    assert np.allclose(lepton + pion, [m, 0, 0, 0], rtol=0, atol=1e-12)
    cosine = lepton[:, 3] / np.sqrt(np.sum(lepton[:, 1:] ** 2, axis=1))
    assert cosine.mean() == pytest.approx(slope / 3, abs=5 * 0.58 / np.sqrt(20_000))


def test_n_that_are_too_light_do_not_decay():
    points = np.zeros((1, THREE_BODY_DIMENSIONS))
    with pytest.raises(ValueError, match=r"N of 0.2 GeV is too light to decay to 0.2113"):
        three_body(points, np.zeros((1, 3)), 0.2, 0.0, Contact(1, 0, 0, MU, MU))
    with pytest.raises(ValueError, match=r"N of 0.2 GeV is too light to decay to 0.245"):
        two_body(points, np.zeros((1, 3)), 0.2, 0.0, (MU, PION_MASS))
