"""Neutrinos from a point: against a plain forward Monte Carlo, the parallel beam, and geometry."""

from itertools import pairwise

import numpy as np
import pytest

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.models.dipole import DipoleUpscattering
from hnlstat.physics import kinematics
from hnlstat.physics.processes import KaonMode
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


def apparatus(distance, cut, rock=ROCK, fiducial=FIDUCIAL, name=TARGET):
    """One kind of target in one block, decays in one box."""
    return Apparatus(
        boxes=paint([PaintedBox(*rock, 0)], 1), source=DipoleUpscattering(),
        scatterers=(Scatterer(name, target(name), None, np.array([DENSITY])),),
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


def forward_monte_carlo(distance, kappa, cut, n=1_000_000):
    """Vertices uniform in the block, neutrinos from the source to them, N onwards from there."""
    rng = np.random.default_rng(5)
    lower, upper = np.array(ROCK)
    vertex = rng.uniform(lower, upper, (n, 3))
    way = vertex + np.array([0.0, 0.0, distance])
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
    assert found == pytest.approx(expected, abs=3.5 * np.hypot(error, other) + 0.003 * expected)
    assert other < 0.012 * expected


def test_the_beam_matters_where_it_is_tested():
    for kappa, cut in ((0.002, -1.0), (0.3, 0.99)):
        parallel, _ = decays(apparatus(None, cut), kappa)
        assert decays(apparatus(DISTANCE, cut), kappa)[0] > 1.15 * parallel


def test_far_sources_are_parallel_beams():
    found, _ = decays(apparatus(1e6, 0.9), 0.1)
    expected, error = decays(apparatus(None, 0.9), 0.1)
    assert found == pytest.approx(expected, abs=4 * error)


def test_in_a_wide_slab_of_rock_as_many_n_arrive_as_from_a_parallel_beam():
    """Many more neutrinos near the source, but fewer of their N turn towards the detector."""
    wide = (-300.0, -300.0, -50.0), (300.0, 300.0, -6.0)
    small = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    parallel, error = decays(apparatus(None, -1.0, wide, small, "Pb208"), 0.01)
    found, other = decays(apparatus(DISTANCE, -1.0, wide, small, "Pb208"), 0.01)
    assert found == pytest.approx(parallel, abs=4 * np.hypot(error, other) + 0.005 * parallel)


def test_n_that_decay_at_once_have_the_flux_of_their_place():
    block = (-9.0, -9.0, -30.0), (9.0, 9.0, 30.0)
    long = Box((0.0, 0.0, 0.0), (2.0, 2.0, 40.0))
    found, error = decays(apparatus(DISTANCE, -1.0, block, long), 1e5)
    parallel, other = decays(apparatus(None, -1.0, block, long), 1e5)
    # of (L / d)^2 along the box; its width changes 2e-4
    mean = DISTANCE**2 / (DISTANCE**2 - 20.0**2)
    assert found / parallel == pytest.approx(mean, abs=1e-3 + 4 * np.hypot(error, other) / parallel)


def ray(n=500):
    """Rays that decay about the origin, at all angles."""
    rng = np.random.default_rng(3)
    cosine, azimuth = rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n)
    direction = -turned_about(np.tile([0.0, 0.0, 1.0], (n, 1)), cosine, azimuth)
    one = np.ones(n)
    return cosine, Rays(
        rng.uniform(-3, 3, (n, 3)), direction, np.zeros(n, dtype=int), one, one, MASS, one, one,
        one, KaonMode("mu", 1.0),
    )  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_bent_rays_keep_the_angle_to_their_neutrinos(share):
    cosine, rays = ray()
    place = np.full(len(cosine), share * (DISTANCE - 6))
    made = divergence.bent(rays, DISTANCE, place, -1.0)
    vertex = made.origin + place[:, None] * made.direction
    neutrino = divergence.neutrino_direction(vertex, DISTANCE)
    assert np.sum(-made.direction * neutrino, axis=1) == pytest.approx(cosine, abs=1e-9)
    assert np.linalg.norm(made.direction, axis=1) == pytest.approx(1)
    # the side on which N has its neutrino, or where it would have it if it came straight here
    ways = [way - np.sum(way * made.direction, axis=1)[:, None] * made.direction
            for way in (neutrino, made.beam)]  # fmt: skip
    one, two = (way / np.linalg.norm(way, axis=1)[:, None] for way in ways)
    assert one == pytest.approx(two, abs=1e-6)
    # the distribution about the line from the source stays even
    assert np.all(made.weight >= (DISTANCE / (DISTANCE + 6)) ** 2 * 0.99)


def test_pieces_make_up_the_ray_and_lose_what_is_cut():
    _, rays = ray()
    pieces = [*divergence.pieces(rays, DISTANCE, 0.5)]
    assert np.all(pieces[0].first == 0)
    for one, two in pairwise(pieces):
        assert np.array_equal(one.last, two.first)
    way = rays.origin + np.array([0, 0, DISTANCE])
    assert pieces[-1].last == pytest.approx(np.linalg.norm(way, axis=1))
    for one in pieces:
        assert np.array_equal(one.weight > 0, -one.direction[:, 2] >= 0.5)
    assert [*divergence.pieces(rays, None, 0.5)] == [rays]
