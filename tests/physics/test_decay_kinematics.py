"""Sampled decays against spectra, explicit spinors, conservation laws and Lorentz symmetry."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from hnlstat.physics import decay
from hnlstat.physics import decay_kinematics as kinematics
from hnlstat.physics.constants import ALPHA, LEPTON_MASS

METRIC = np.diag([1.0, -1, -1, -1])
N = 200_000


def dot(p, q):
    return np.einsum("...m,mn,...n->...", p, METRIC, q)


def decays(mass, polarisation, lepton="e", momentum=(0, 0, 0), n=N, seed=1):
    points = np.random.default_rng(seed).random((n, kinematics.DILEPTON_DIMENSIONS))
    momenta = np.broadcast_to(np.asarray(momentum, dtype=float), (n, 3))
    return kinematics.decay_to_dilepton(points, momenta, mass, polarisation, lepton)


def pair_cosine(event):
    pair = event.minus + event.plus
    return pair[:, 3] / np.linalg.norm(pair[:, 1:], axis=1)


def mean_within_errors(values, expected, sigmas=4.5):
    assert np.mean(values) == pytest.approx(
        expected, abs=sigmas * np.std(values) / np.sqrt(len(values))
    )


@pytest.mark.parametrize(
    ("mass", "quantiles"),
    [(0.1, (1.37, 7.8, 52)), (0.4, (1.49, 15.6, 187)), (1.0, (1.56, 24.6, 437))],
)
def test_quantiles_of_the_pair_mass(mass, quantiles):
    event = decays(mass, 1.0)
    found = np.sqrt(dot(event.minus + event.plus, event.minus + event.plus))
    assert np.quantile(found, (0.05, 0.5, 0.95)) * 1e3 == pytest.approx(quantiles, rel=0.02)


@pytest.mark.parametrize(
    ("mass", "lepton"),
    [(0.00103, "e"), (0.01, "e"), (1.2, "e"), (0.212, "mu"), (0.5, "mu"), (10, "tau")],
)
def test_inverse_transform_is_exact(mass, lepton):
    threshold = 4 * LEPTON_MASS[lepton] ** 2

    def spectrum(u):
        # q^2 = threshold + u^4 takes away the root; the formula shares nothing with the table
        both = kinematics.dilepton_spectrum(threshold + u**4, mass, lepton)
        return float(sum(both)) * 4 * u**3

    unit = np.array([1e-3, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.999])
    eta = kinematics.sample_pair_rapidity(unit, mass, lepton)
    u = (threshold * np.sinh(eta) ** 2) ** 0.25
    edges = np.concatenate([[0], u, [(mass**2 - threshold) ** 0.25]])
    pieces = [quad(spectrum, a, b, epsrel=1e-10)[0] for a, b in pairwise(edges)]
    assert np.cumsum(pieces)[:-1] / sum(pieces) == pytest.approx(unit, abs=3e-6)
    assert sum(pieces) == pytest.approx(float(decay.width_dilepton(mass, lepton)), rel=1e-7)


def test_parts_of_the_spectrum():
    transverse, longitudinal = kinematics.dilepton_spectrum([0.01, 0.1, 0.2], 0.5, "e")
    assert longitudinal / transverse == pytest.approx(np.array([0.01, 0.1, 0.2]) / 0.25 / 2)
    outside = kinematics.dilepton_spectrum([0.0, 0.03, 0.3], 0.5, "mu")
    assert np.all(np.array(outside) == 0)


@pytest.mark.parametrize("polarisation", [-1.0, 0.0, 0.6, 1.0])
def test_photon_goes_against_the_spin(polarisation):
    points = np.random.default_rng(1).random((N, kinematics.PHOTON_DIMENSIONS))
    event = kinematics.decay_to_photon(points, np.zeros((N, 3)), 0.3, polarisation)
    cosine = event.photon[:, 3] / event.photon[:, 0]
    mean_within_errors(cosine, -polarisation / 3)
    mean_within_errors(cosine**2, 1 / 3)
    assert np.allclose(event.photon[:, 0], 0.15, rtol=1e-12, atol=0)


@pytest.mark.parametrize(("mass", "lepton"), [(0.05, "e"), (1.0, "e"), (0.3, "mu")])
@pytest.mark.parametrize("polarisation", [-1.0, 0.0, 1.0])
def test_asymmetry_of_the_pair(mass, lepton, polarisation):
    threshold = 4 * LEPTON_MASS[lepton] ** 2

    def part(index):
        return quad(
            lambda u: kinematics.dilepton_spectrum(np.exp(u), mass, lepton)[index] * np.exp(u),
            np.log(threshold), 2 * np.log(mass), epsrel=1e-8, limit=200,
        )[0]  # fmt: skip

    transverse, longitudinal = part(0), part(1)
    expected = -polarisation / 3 * (transverse - longitudinal) / (transverse + longitudinal)
    mean_within_errors(pair_cosine(decays(mass, polarisation, lepton)), expected)


def test_asymmetry_near_threshold_is_a_third_of_that_of_the_photon():
    # near q^2 = m^2 the parts are as 2 to 1: the asymmetry is a third of the photon's
    event = decays(0.2115, 1.0, "mu")
    mean_within_errors(pair_cosine(event), -1 / 9, sigmas=6)


def lepton_cosine(event):
    """Cosine of l- to the pair's flight in the pair's rest frame, from invariants."""
    pair = event.minus + event.plus
    q2 = dot(pair, pair)
    energy, momentum = pair[:, 0], np.linalg.norm(pair[:, 1:], axis=1)
    mass2 = dot(event.minus, event.minus)
    beta = np.sqrt(1 - 4 * mass2 / q2)
    return (2 * event.minus[:, 0] - energy) / (momentum * beta), q2, beta


@pytest.mark.parametrize(("mass", "lepton"), [(0.4, "e"), (0.3, "mu"), (0.8, "mu")])
def test_lepton_angle(mass, lepton):
    cosine, q2, beta = lepton_cosine(decays(mass, 0.0, lepton))
    # integrals of c^2 over (1 - beta^2 (1 - c^2) / 2) and (1 - beta^2 c^2), each normalised
    transverse = (1 / 3 - beta**2 / 15) / (1 - beta**2 / 3)
    longitudinal = (1 / 3 - beta**2 / 5) / (1 - beta**2 / 3)
    share = q2 / mass**2 / 2
    mean_within_errors(cosine**2 - (transverse + share * longitudinal) / (1 + share), 0)
    mean_within_errors(cosine, 0)


I2, O2 = np.eye(2), np.zeros((2, 2))
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
GAMMA = np.array([np.block([[O2, I2], [I2, O2]])] + [np.block([[O2, s], [-s, O2]]) for s in SIGMA])
GAMMA5 = np.diag([-1, -1, 1, 1])
LOWERED = np.einsum("mn,nab->mab", METRIC, GAMMA)
TENSOR = 0.5j * (
    np.einsum("mab,nbc->mnac", GAMMA, GAMMA) - np.einsum("nab,mbc->mnac", GAMMA, GAMMA)
)


def slash(p):
    return np.einsum("...m,mab->...ab", p, LOWERED)


def squared_amplitude(mass, spin, neutrino, minus, plus, lepton):
    """Tree-level |M|^2 / (d^2 alpha), N at rest, spin along +-z: traces of Dirac matrices.

    sigma_mn F^mn gives 2 sigma_mn q^m eps^n, and the lepton pair e gamma_n / q^2.
    """
    m_l = LEPTON_MASS[lepton]
    q = minus + plus
    right, left = (np.eye(4) + GAMMA5) / 2, (np.eye(4) - GAMMA5) / 2
    vertex = np.einsum("mnab,en->emab", TENSOR, q @ METRIC)
    density = slash(np.array([mass, 0, 0, 0])) + mass * np.eye(4)
    density = density @ (np.eye(4) + GAMMA5 @ slash(np.array([0, 0, 0, spin]))) / 2
    middle = right @ density @ left
    hadron = np.einsum(
        "eab,embc,cd,enda->emn", slash(neutrino), vertex, middle, vertex, optimize=True
    )
    one, two = slash(minus) + m_l * np.eye(4), slash(plus) - m_l * np.eye(4)
    pair = np.einsum("eab,mbc,ecd,nda->emn", one, LOWERED, two, LOWERED, optimize=True)
    return 16 * np.pi * np.einsum("emn,emn->e", hadron, pair).real / dot(q, q) ** 2


def flat_decays(mass, lepton, n, rng):
    """Decays flat in ln(q^2) and all angles, with their weights in phase space."""
    m_l = LEPTON_MASS[lepton]
    log_q2 = rng.uniform(2 * np.log(2 * m_l), 2 * np.log(mass), n)
    q2 = np.exp(log_q2)
    energy, p = (mass**2 + q2) / (2 * mass), (mass**2 - q2) / (2 * mass)
    beta = np.sqrt(1 - 4 * m_l**2 / q2)

    def sphere():
        c, phi = rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n)
        s = np.sqrt(1 - c**2)
        return np.stack([s * np.cos(phi), s * np.sin(phi), c], axis=1)

    k, lepton_axis = sphere(), np.sqrt(q2)[:, None] / 2 * beta[:, None] * sphere()
    pair = np.concatenate([energy[:, None], p[:, None] * k], axis=1)
    rest = np.concatenate([np.sqrt(q2)[:, None] / 2, lepton_axis], axis=1)
    minus = boosted(rest, pair)
    neutrino = np.concatenate([p[:, None], -p[:, None] * k], axis=1)
    return neutrino, minus, pair - minus, p * beta * q2


def boosted(p, frame):
    """Textbook boost of p (N, 4) from the rest frame of `frame` (N, 4)."""
    mass = np.sqrt(dot(frame, frame))[:, None]
    velocity = frame[:, 1:] / frame[:, :1]
    gamma = frame[:, :1] / mass
    along = np.sum(velocity * p[:, 1:], axis=1, keepdims=True)
    energy = gamma * (p[:, :1] + along)
    momentum = p[:, 1:] + (gamma**2 / (gamma + 1) * along + gamma * p[:, :1]) * velocity
    return np.concatenate([energy, momentum], axis=1)


def observables(mass, minus, plus):
    """What the distribution is made of, and the correlation of spin and lepton plane."""
    pair = minus + plus
    size = np.linalg.norm(pair[:, 1:], axis=1)
    x = dot(pair, pair) / mass**2
    cosine = pair[:, 3] / size
    apart = (minus - plus)[:, 1:] / mass
    along = np.sum(apart * pair[:, 1:], axis=1) / size
    across = apart[:, 2] - along * cosine
    return {
        "x": x, "cosine": cosine, "x cosine": x * cosine, "along^2": along**2,
        "along^2 cosine": along**2 * cosine, "across^2": across**2,
        "across along": across * along, "energies": minus[:, 0] * plus[:, 0] / mass**2,
        "l- along spin": minus[:, 3] / mass, "cubes": along * across * cosine,
    }  # fmt: skip


@pytest.mark.parametrize(("mass", "lepton"), [(0.05, "e"), (0.3, "mu"), (0.6, "mu")])
@pytest.mark.parametrize("spin", [1, -1])
def test_all_correlations_are_those_of_explicit_spinors(mass, lepton, spin):
    flat = flat_decays(mass, lepton, 40_000, np.random.default_rng(5))
    weight = flat[3] * squared_amplitude(mass, spin, *flat[:3], lepton)
    assert np.all(weight > -1e-12 * weight.max())
    event = decays(mass, float(spin), lepton)
    ours = observables(mass, event.minus, event.plus)
    for name, values in observables(mass, *flat[1:3]).items():
        mean = np.sum(weight * values) / np.sum(weight)
        error = np.sqrt(np.sum((weight * (values - mean)) ** 2)) / np.sum(weight)
        error = np.hypot(error, np.std(ours[name]) / np.sqrt(N))
        assert np.mean(ours[name]) == pytest.approx(mean, abs=4.5 * error), name


def test_widths_are_those_of_explicit_spinors():
    # absolute, to tell a factor 2 or 4 in the convention of d
    mass = 0.3
    for lepton in ("e", "mu"):
        *momenta, weight = flat_decays(mass, lepton, 40_000, np.random.default_rng(6))
        weight = weight * squared_amplitude(mass, 1, *momenta, lepton)
        # dPhi_3 = dq^2 / 2 pi * p / (4 pi m) * beta / (8 pi), averaged over the angles
        log_range = 2 * np.log(mass / (2 * LEPTON_MASS[lepton]))
        width = ALPHA * weight * log_range / (2 * mass) / (2 * np.pi * 4 * np.pi * mass * 8 * np.pi)
        mean_within_errors(width, float(decay.width_dilepton(mass, lepton)))
        assert np.std(width) < 2 * np.mean(width)
    k = np.array([mass / 2, 0, 0, mass / 2])
    vertex = np.einsum("mnab,n->mab", TENSOR, METRIC @ k)
    rest = slash(np.array([mass, 0, 0, 0])) + mass * np.eye(4)
    middle = (np.eye(4) + GAMMA5) / 2 @ rest / 2 @ (np.eye(4) - GAMMA5) / 2
    away = slash(k * [1, 1, 1, -1])
    squared = -4 * np.einsum("ab,mbc,cd,nda,mn->", away, vertex, middle, vertex, METRIC).real
    assert squared / (16 * np.pi * mass) == pytest.approx(float(decay.width_photon(mass)))


def test_spin_and_lepton_plane_are_correlated():
    # the interference of the two parts, which averages out over the azimuth
    event = decays(0.6, 1.0, "mu")
    values = observables(0.6, event.minus, event.plus)["across along"]
    assert abs(np.mean(values)) > 10 * np.std(values) / np.sqrt(N)
    none = decays(0.6, 0.0, "mu")
    mean_within_errors(observables(0.6, none.minus, none.plus)["across along"], 0)


def test_without_polarisation_nothing_points_along_the_spin():
    event = decays(0.2, 0.0)
    for particle in (event.minus, event.plus, event.neutrino):
        mean_within_errors(particle[:, 3] / particle[:, 0], 0)


def test_polarisation_event_by_event():
    sign = np.where(np.arange(N) % 2, 1.0, -1.0)
    cosine = pair_cosine(decays(0.05, sign))
    assert np.mean(cosine[sign > 0]) == pytest.approx(-np.mean(cosine[sign < 0]), abs=0.01)
    assert np.mean(cosine[sign > 0]) == pytest.approx(-1 / 3, abs=0.02)


DIRECTIONS = st.tuples(st.floats(-1, 1), st.floats(0, 2 * np.pi))


def vector(size, direction):
    cosine, phi = direction
    sine = np.sqrt(1 - cosine**2)
    return size * np.array([sine * np.cos(phi), sine * np.sin(phi), cosine])


@settings(max_examples=60, deadline=None)
@given(
    log_mass=st.floats(-2.9, 1),
    log_momentum=st.floats(-6, 3),
    direction=DIRECTIONS,
    polarisation=st.floats(-1, 1),
)
def test_energy_momentum_and_masses_are_kept(log_mass, log_momentum, direction, polarisation):
    mass, momentum = 10**log_mass, vector(10**log_momentum, direction)
    parent = kinematics.four_momentum(momentum, mass)
    event = decays(mass, polarisation, "e", momentum, n=200)
    # energies above 1e3 GeV with m_e: E^2 - p^2 is exact to some 1e-16 E^2
    total = event.minus + event.plus + event.neutrino
    assert np.max(np.abs(total - parent)) < 1e-13 * parent[0]
    for particle, m in ((event.minus, LEPTON_MASS["e"]), (event.plus, LEPTON_MASS["e"]),
                        (event.neutrino, 0.0)):  # fmt: skip
        off_shell = np.abs(dot(particle, particle) - m**2)
        assert np.all(off_shell <= 4e-15 * particle[:, 0] ** 2)
    photon = kinematics.decay_to_photon(
        np.random.default_rng(2).random((200, 2)), np.tile(momentum, (200, 1)), mass, polarisation
    )
    assert np.max(np.abs(photon.photon + photon.neutrino - parent)) < 1e-13 * parent[0]


def test_narrow_pairs_of_high_energy():
    # pairs just above threshold, 5000 times as energetic as they are heavy
    points = np.random.default_rng(4).random((1000, kinematics.DILEPTON_DIMENSIONS))
    points[:, 0] *= 1e-6
    momenta = np.tile([3.0, -2.0, 8.0], (1000, 1))
    event = kinematics.decay_to_dilepton(points, momenta, 0.4, 1.0)
    pair = event.minus + event.plus
    q2 = 4 * LEPTON_MASS["e"] ** 2 * np.cosh(
        kinematics.sample_pair_rapidity(points[:, 0], 0.4, "e")
    ) ** 2  # fmt: skip
    # a double keeps q^2 to some 1e-16 E^2
    assert dot(pair, pair) == pytest.approx(q2, abs=1e-14 * pair[:, 0].max() ** 2)
    assert np.all(q2 < 1.01 * 4 * LEPTON_MASS["e"] ** 2)
    total = pair + event.neutrino
    assert total == pytest.approx(kinematics.four_momentum(momenta, 0.4), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    mass=st.sampled_from([0.0015, 0.1, 0.4, 1.2]),
    log_momentum=st.floats(-3, 1.5),
    direction=DIRECTIONS,
    polarisation=st.floats(-1, 1),
)
def test_invariants_do_not_depend_on_the_flight_of_n(mass, log_momentum, direction, polarisation):
    still = decays(mass, polarisation, "e", n=100)
    momentum = vector(10**log_momentum, direction)
    moving = decays(mass, polarisation, "e", momentum, n=100)
    parent = kinematics.four_momentum(momentum, mass)
    at_rest = kinematics.four_momentum(np.zeros(3), mass)
    size = np.linalg.norm(momentum)
    # the spin: along z at rest, boosted along the flight
    spin_at_rest = np.array([0.0, 0, 0, 1])
    spin = np.append(size / mass, momentum / size * parent[0] / mass)
    first = [still.minus, still.plus, still.neutrino]
    second = [moving.minus, moving.plus, moving.neutrino]
    rounding = 1e-13 * parent[0] ** 2
    for i, p in enumerate(second):
        assert dot(p, parent) == pytest.approx(dot(first[i], at_rest), abs=rounding)
        assert dot(p, spin) == pytest.approx(dot(first[i], spin_at_rest), abs=rounding / mass)
        for j in range(i):
            assert dot(p, second[j]) == pytest.approx(dot(first[i], first[j]), abs=rounding)


def test_decays_in_flight_are_boosted_decays_at_rest():
    momentum = np.array([0.0, 0.0, 0.7])
    still, moving = decays(0.3, 1.0, n=1000), decays(0.3, 1.0, momentum=momentum, n=1000)
    frame = kinematics.four_momentum(np.tile(momentum, (1000, 1)), 0.3)
    assert moving.plus == pytest.approx(boosted(still.plus, frame), abs=1e-14)
    assert moving.neutrino == pytest.approx(boosted(still.neutrino, frame), abs=1e-14)


def test_edges_of_the_unit_cube_are_safe():
    corners = np.stack(np.meshgrid(*[[0.0, 0.5, 1 - 2**-53]] * 6), axis=-1).reshape(-1, 6)
    for polarisation in (-1.0, 0.0, 1.0):
        momenta = np.broadcast_to([0.0, 0.0, -1.0], (len(corners), 3))
        event = kinematics.decay_to_dilepton(corners, momenta, 0.1, polarisation)
        total = event.minus + event.plus + event.neutrino
        assert total == pytest.approx(kinematics.four_momentum(momenta, 0.1), abs=1e-14)


def test_too_light_or_unknown():
    with pytest.raises(ValueError, match="too light to decay to a pair of mu"):
        decays(0.2, 1.0, "mu", n=1)
    with pytest.raises(ValueError, match="unknown lepton 'x'"):
        decays(0.2, 1.0, "x", n=1)
