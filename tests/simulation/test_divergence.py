"""Neutrinos from a point: against a plain forward Monte Carlo, the parallel beam, and geometry."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.models.dipole import DipoleUpscattering
from hnlstat.physics import kinematics
from hnlstat.physics.targets import target
from hnlstat.simulation import divergence
from hnlstat.simulation.apparatus import Apparatus
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Rays, Scatterer

MASS, DISTANCE, DENSITY = 0.15, 60.0, 5e22
EDGES, FLUX = np.array([0.5, 1.0, 2.0]), np.array([[3e10, 2e10]])
TARGET = "p"
"""Light, so that N go aside."""
ROCK = (-4.0, -4.0, -50.0), (4.0, 4.0, -6.0)
"""Corners of what N are made in [m]."""
FIDUCIAL = Box((1.0, 0.0, 0.0), (4.0, 4.0, 2.0))


def apparatus(distance, cut, rock=ROCK, fiducial=FIDUCIAL):
    """Protons in one block, decays in one box."""
    return Apparatus(
        boxes=paint([PaintedBox(*rock, 0)], 1), source=DipoleUpscattering(),
        scatterers=(Scatterer(TARGET, target(TARGET), None, np.array([DENSITY])),),
        rock=np.array([False]), fiducial=(fiducial,), edges=EDGES, flux=FLUX, min_cos_theta=cut,
        radius=None, upstream=None, survival=True, distance=distance,
    )  # fmt: skip


def decays(made, kappa, precision=0.003, mass=MASS):
    """Decays and their error at some 1/(c tau) [1/m]."""
    goal = Precision(precision, np.ones((1, 1)), 0.0, 2**19)
    sample = simulate(made, mass, np.array([1e-12]), np.array([kappa]), goal, 1)
    return sample.decays[0, 0, 0], sample.error[0, 0, 0]


def turned_about(axis, cosine, azimuth):
    """Unit vectors at an angle to axes (N, 3), in a frame of the test's own."""
    first = np.cross(axis, [1.0, 0.0, 0.0])
    first /= np.linalg.norm(first, axis=1)[:, None]
    second = np.cross(axis, first)
    sine = np.sqrt(1 - cosine**2)
    around = np.cos(azimuth)[:, None] * first + np.sin(azimuth)[:, None] * second
    return cosine[:, None] * axis + sine[:, None] * around


def forward_monte_carlo(distance, kappa, cut, n=2_000_000):
    """Vertices uniform in the block, neutrinos from the source to them, N onwards from there."""
    rng = np.random.default_rng(5)
    lower, upper = np.array(ROCK)
    vertex = rng.uniform(lower, upper, (n, 3))
    way = vertex + [0.0, 0.0, distance]
    far = np.linalg.norm(way, axis=1)
    energy_bin = rng.integers(0, 2, n)
    energy = rng.uniform(EDGES[energy_bin], EDGES[energy_bin + 1])
    m_t = target(TARGET).mass
    low, high = kinematics.q2_limits(energy, MASS, m_t)
    q2 = np.exp(rng.uniform(np.log(low), np.log(high)))
    weight = DipoleUpscattering().cross_section(q2, energy, MASS, target(TARGET)) * 1e-12
    weight *= np.log(high / low) * FLUX[0][energy_bin] * 2 * (distance / far) ** 2
    weight *= DENSITY * np.prod(upper - lower) * 1e6 / n
    cosine = kinematics.cos_theta(q2, energy, MASS, m_t)
    flight = turned_about(way / far[:, None], cosine, rng.uniform(0, 2 * np.pi, n))
    a = (np.array(FIDUCIAL.centre) - FIDUCIAL.half - vertex) / flight
    b = (np.array(FIDUCIAL.centre) + FIDUCIAL.half - vertex) / flight
    entry = np.maximum(np.minimum(a, b).max(axis=1), 0)
    leave = np.maximum(np.maximum(a, b).min(axis=1), entry)
    rate = kappa * MASS / kinematics.momentum(q2, energy, MASS, m_t)
    terms = weight * (np.exp(-entry * rate) - np.exp(-leave * rate)) * (flight[:, 2] > cut)
    return terms.sum(), np.sqrt(np.sum(terms**2))


@pytest.mark.parametrize("cut", [-1.0, 0.99])
@pytest.mark.parametrize("kappa", [0.002, 0.3])
def test_forward_monte_carlo_agrees(kappa, cut):
    found, error = decays(apparatus(DISTANCE, cut), kappa)
    expected, other = forward_monte_carlo(DISTANCE, kappa, cut)
    print(found / expected, error/found, other / expected, found/decays(apparatus(None, cut), kappa)[0])
    assert found == pytest.approx(expected, abs=3.5 * np.hypot(error, other) + 0.003 * expected)
    assert other < 0.01 * expected
