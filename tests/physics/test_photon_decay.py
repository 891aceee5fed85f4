"""Photons of N -> nu gamma: sampled four-vectors against closed forms, and these alone."""

import numpy as np
import pytest

from hnlstat.physics import photon_decay
from hnlstat.physics.decay_kinematics import PHOTON_DIMENSIONS, decay_to_photon, four_momentum

N = 100_000
POLARISATIONS = (-1.0, -0.3, 0.0, 1.0)
"""The wrong sign, part of it, Majorana N, Dirac N."""


def photons(momentum, mass, polarisation, n=N, seed=3):
    points = np.random.default_rng(seed).random((n, PHOTON_DIMENSIONS))
    momenta = np.broadcast_to(np.asarray(momentum, dtype=float), (n, 3))
    return decay_to_photon(points, momenta, mass, polarisation)


def mean_within_errors(values, expected, sigmas=4.5):
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(expected, abs=sigmas * error)


@pytest.mark.parametrize("polarisation", POLARISATIONS)
def test_moments(polarisation):
    mass, size = 0.47, 0.8
    flight = np.array([2.0, -1.0, 2.0]) / 3
    found = photons(size * flight, mass, polarisation).photon
    n_energy = np.hypot(size, mass)
    # <c> = -P / 3, <c^2> = 1 / 3, <c^3> = -P / 5 with E = (E_N + p c) / 2
    mean = n_energy / 2 - polarisation * size / 6
    square = (n_energy**2 - 2 * n_energy * size * polarisation / 3 + size**2 / 3) / 4
    cube = (
        n_energy**3 - n_energy**2 * size * polarisation + n_energy * size**2
        - size**3 * polarisation / 5
    ) / 8  # fmt: skip
    for power, expected in ((1, mean), (2, square), (3, cube)):
        mean_within_errors(found[:, 0] ** power, expected)
    # k.p_N in the laboratory: the momentum along the flight is (p + E_N c) / 2
    mean_within_errors(found[:, 1:] @ flight, size / 2 - polarisation * n_energy / 6)


@pytest.mark.parametrize("polarisation", POLARISATIONS)
@pytest.mark.parametrize(("size", "mass"), [(0.05, 0.5), (0.8, 0.47), (3.0, 0.02)])
def test_spectrum_and_angle_are_the_closed_forms(size, mass, polarisation):
    flight = np.array([-1.0, 2.0, 2.0]) / 3
    found = photons(size * flight, mass, polarisation).photon
    low, high = photon_decay.energy_limits(size, mass)
    assert np.all((found[:, 0] >= low * (1 - 1e-9)) & (found[:, 0] <= high * (1 + 1e-9)))
    cosine = found[:, 1:] @ flight / found[:, 0]
    for quantile in (0.1, 0.4, 0.7, 0.95):
        energy = low + quantile * (high - low)
        angle = np.quantile(cosine, quantile)
        for sampled, share in (
            (found[:, 0] > energy, photon_decay.share_above_energy),
            (cosine > angle, photon_decay.share_above_cosine),
        ):
            bound = energy if share is photon_decay.share_above_energy else angle
            expected = float(share(bound, size, mass, polarisation))
            error = np.sqrt(expected * (1 - expected) / N)
            assert np.mean(sampled) == pytest.approx(expected, abs=4.5 * error)


@pytest.mark.parametrize("polarisation", POLARISATIONS)
def test_closed_forms_agree_with_one_another(polarisation):
    size, mass = 1.3, 0.6
    low, high = map(float, photon_decay.energy_limits(size, mass))

    def density(energy):
        return float(photon_decay.energy_density(energy, size, mass, polarisation))

    # linear in E, so that the middle is the mean
    assert density((low + high) / 2) * (high - low) == pytest.approx(1, rel=1e-12)
    assert density(0.25 * low + 0.75 * high) == pytest.approx(
        0.25 * density(low) + 0.75 * density(high), rel=1e-12
    )
    assert density(low) - density(high) == pytest.approx(2 * polarisation / size, abs=1e-12)
    assert density(low * 0.99) == density(high * 1.01) == 0
    for cosine in (-1.0, -0.2, 0.7, 0.999, 1.0):
        # two-body kinematics: m^2 = 2 k.p_N
        energy = mass**2 / 2 / (np.hypot(size, mass) - size * cosine)
        share = float(photon_decay.share_above_energy(energy, size, mass, polarisation))
        assert share == pytest.approx(density((energy + high) / 2) * (high - energy), abs=1e-12)
        assert share == pytest.approx(
            float(photon_decay.share_above_cosine(cosine, size, mass, polarisation)), abs=1e-12
        )


def test_beyond_the_limits_nothing_and_all():
    assert photon_decay.share_above_energy([0.0, 9.0], 1.0, 0.1, 1.0) == pytest.approx([1, 0])
    assert photon_decay.share_above_cosine([-1.0, 1.0], 1.0, 0.1, 1.0) == pytest.approx([1, 0])


def test_limits_of_slow_and_fast():
    # at rest: a line at m / 2, and 1 - P cos
    low, high = photon_decay.energy_limits(0.0, 0.3)
    assert (low, high) == (0.15, 0.15)
    share = photon_decay.share_above_cosine([0.0, 0.5], 0.0, 0.3, 1.0)
    assert share == pytest.approx([0.25, 0.0625], rel=1e-14)
    # fast: the spectrum is 2 (1 - x) / E_N of x = E / E_N, and its lower limit does not cancel
    low, high = photon_decay.energy_limits(1e5, 1e-3)
    assert low == pytest.approx(1e-6 / 4e5, rel=1e-12)
    x = np.array([0.1, 0.5, 0.9])
    fast = photon_decay.energy_density(1e5 * x, 1e5, 1e-3, 1.0)
    assert fast * 1e5 == pytest.approx(2 * (1 - x), rel=1e-9)
    # all photons within some m / p
    assert photon_decay.share_above_cosine(np.cos(1e-3), 1e5, 1e-3, 1.0) == pytest.approx(1)


@pytest.mark.parametrize("polarisation", [-1.0, 0.0, 1.0])
def test_energy_and_momentum_are_kept(polarisation):
    momenta = np.random.default_rng(1).normal(size=(500, 3))
    points = np.random.default_rng(2).random((500, PHOTON_DIMENSIONS))
    event = decay_to_photon(points, momenta, 0.2, polarisation)
    assert event.photon + event.neutrino == pytest.approx(four_momentum(momenta, 0.2), abs=1e-14)


def test_turned_n_give_turned_photons():
    # not point by point, as the axes across the flight are chosen anew, but along the flight
    # and in the distribution of the azimuth
    angle = 0.7
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    flight = np.array([0.3, -0.5, 0.9])
    first, second = (photons(p, 0.4, 1.0, n=20_000).photon for p in (flight, turn @ flight))
    assert first[:, 0] == pytest.approx(second[:, 0], rel=1e-13)
    assert first[:, 1:] @ flight == pytest.approx(second[:, 1:] @ (turn @ flight), abs=1e-13)
    aside = np.cross(flight, [0.0, 0.0, 1.0])
    mean_within_errors(first[:, 1:] @ aside, 0)
    mean_within_errors(second[:, 1:] @ (turn @ aside), 0)


def test_axial_symmetry():
    photon = photons([0.0, 0.0, 0.6], 0.4, 1.0).photon
    azimuth = np.arctan2(photon[:, 2], photon[:, 1])
    for k in (1, 2):
        mean_within_errors(np.cos(k * azimuth), 0)
        mean_within_errors(np.sin(k * azimuth), 0)
