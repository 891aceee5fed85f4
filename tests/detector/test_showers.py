"""Resolution of showers and E_QE against closed forms."""

import numpy as np
import pytest
from scipy.special import dawsn

from hnlstat.detector.showers import ShowerResolution, Showers, measure, quasi_elastic_energy
from hnlstat.physics.constants import LEPTON_MASS, NEUTRON_MASS, PROTON_MASS

N = 200_000
DEGREE = np.pi / 180
MINIBOONE = ShowerResolution(0.12, 0.0, 0.01, 2.7 * DEGREE, 0.0, DEGREE, 0.5 * DEGREE)


def measured(momentum, resolution, seed=1):
    momenta = np.tile(np.asarray(momentum, dtype=float)[:, None], N)
    return measure(momenta, resolution, np.random.default_rng(seed))


def test_resolution_by_energy():
    energy = np.array([0.1, 1.0, 4.0])
    assert MINIBOONE.of_energy(energy) == pytest.approx([0.12 * np.sqrt(0.1) + 0.01, 0.13, 0.25])
    expected = np.array([np.log(10) + 2.7, 2.7, 2.7 - np.log(4)]) * DEGREE
    assert MINIBOONE.of_angle(energy) == pytest.approx(expected)
    # ln(1/E) + 2.7 is negative above 14.9 GeV
    assert MINIBOONE.of_angle(100.0) == pytest.approx(0.5 * DEGREE)
    other = ShowerResolution(0.0, 0.05, 0.002, 0.01, 0.02, 0.0, 0.0)
    assert other.of_energy(energy) == pytest.approx([0.007, 0.052, 0.202])
    assert other.of_angle(energy) == pytest.approx(0.01 + 0.02 / np.sqrt(energy))


@pytest.mark.parametrize("flight", [[0, 0, 1], [0, 0, -1], [2 / 3, -1 / 3, 2 / 3]])
@pytest.mark.parametrize("energy", [0.3, 1.5])
def test_measured_energy_and_direction(flight, energy):
    flight = np.array(flight, dtype=float)
    found = measured(energy * flight, MINIBOONE)
    sigma = 0.12 * np.sqrt(energy) + 0.01
    pull = (found.visible_energy - energy) / sigma
    assert np.mean(pull) == pytest.approx(0, abs=4.5 / np.sqrt(N))
    assert np.mean(pull**2) == pytest.approx(1, abs=4.5 * np.sqrt(2 / N))
    assert np.linalg.norm(found.direction, axis=0) == pytest.approx(1, abs=1e-14)
    # the angle has a Rayleigh distribution: <cos> = 1 - sqrt(2) s D(s / sqrt(2)), D Dawson's
    width = (2.7 - np.log(energy)) * DEGREE
    cosine = flight @ found.direction
    expected = 1 - np.sqrt(2) * width * dawsn(width / np.sqrt(2))
    assert np.mean(cosine) == pytest.approx(expected, abs=4.5 * np.std(cosine) / np.sqrt(N))
    assert np.mean(cosine > np.cos(width)) == pytest.approx(1 - np.exp(-0.5), abs=5e-3)
    # about the true direction, on all sides alike
    aside = np.cross(flight, [0.6, 0.8, 0.0])
    assert np.mean(aside @ found.direction) == pytest.approx(0, abs=5 * width / np.sqrt(N))


def test_without_resolution_the_truth():
    momentum = np.random.default_rng(2).normal(size=(3, 1000))
    none = ShowerResolution(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    found = measure(momentum, none, np.random.default_rng(3))
    size = np.linalg.norm(momentum, axis=0)
    assert found.visible_energy == pytest.approx(size, rel=1e-14)
    assert found.direction == pytest.approx(momentum / size, abs=1e-14)
    assert found.cos_angle == pytest.approx(momentum[2] / size, abs=1e-14)
    assert np.cos(found.angle) == pytest.approx(found.cos_angle, abs=1e-14)


def test_each_photon_has_its_own_resolution():
    energy = np.repeat([0.1, 2.0], N)
    momenta = np.stack([0 * energy, 0 * energy, energy])
    found = measure(momenta, MINIBOONE, np.random.default_rng(4))
    low, high = found.visible_energy[:N], found.visible_energy[N:]
    # 0.1 GeV has 2 sigma to 0, where what would be negative stays
    assert np.std(high) == pytest.approx(0.12 * np.sqrt(2) + 0.01, rel=0.01)
    assert np.quantile(low, 0.8413) - np.median(low) == pytest.approx(
        0.12 * np.sqrt(0.1) + 0.01, rel=0.02
    )
    assert np.min(low) == 0
    assert np.mean(found.angle[:N]) > 2 * np.mean(found.angle[N:])


@pytest.mark.parametrize("binding", [0.0, 0.034])
def test_quasi_elastic_energy_of_electrons_from_quasi_elastic_scattering(binding):
    # two-body kinematics of nu n -> e- p, the neutron lighter by what binds it
    mass, m_e = NEUTRON_MASS - binding, LEPTON_MASS["e"]
    neutrino = np.array([0.25, 0.6, 1.2, 3.0])[:, None]
    s = mass * (mass + 2 * neutrino)
    # angles in the centre of mass
    cosine = np.linspace(-1, 1, 9)
    in_cm = (s + m_e**2 - PROTON_MASS**2) / (2 * np.sqrt(s))
    p_cm = np.sqrt(in_cm**2 - m_e**2)
    beta, gamma = neutrino / (neutrino + mass), (neutrino + mass) / np.sqrt(s)
    energy = gamma * (in_cm + beta * p_cm * cosine)
    along = gamma * (p_cm * cosine + beta * in_cm)
    found = quasi_elastic_energy(energy, along / np.sqrt(energy**2 - m_e**2), binding)
    assert found == pytest.approx(np.broadcast_to(neutrino, found.shape), rel=1e-9)


def test_quasi_elastic_energy_where_there_is_none():
    # backwards an electron has at most some M / 2, however energetic the neutrino
    assert quasi_elastic_energy([0.4699, 0.48, 2.0], -1.0)[0] > 100
    assert np.all(np.isinf(quasi_elastic_energy([0.48, 2.0, 0.8], [-1.0, 0.0, -0.5])))
    assert np.all(np.isfinite(quasi_elastic_energy([0.0, 0.2, 5.0], [1.0, -1.0, 1.0])))
    forward = Showers(np.array([0.5]), np.array([[0.0], [0.0], [1.0]]))
    # forward it is E and some
    assert forward.quasi_elastic_energy() == pytest.approx([0.5], rel=5e-3)
    assert forward.quasi_elastic_energy(0.034) > forward.quasi_elastic_energy()
