"""Flux of a beam from a point against exact integrals."""

import numpy as np
import pytest
from scipy.integrate import quad

from hnlstat.simulation import divergence


def rays(n, seed=1):
    """Rays from around the origin to upstream, within 60 degrees of the beam."""
    rng = np.random.default_rng(seed)
    origin = rng.uniform(-3, 3, (n, 3))
    cosine, azimuth = rng.uniform(0.5, 1, n), rng.uniform(0, 2 * np.pi, n)
    sine = np.sqrt(1 - cosine**2)
    return origin, np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), -cosine], axis=1)


def test_scale_at_points():
    points = np.array([[0, 0, 0], [0, 0, -270.5], [3, 4, -541 + 12], [0, 0, 541]])
    found = divergence.flux_scale(points, 541.0)
    assert found == pytest.approx([1, 4, 541**2 / 169, 0.25], rel=1e-14)


def test_number_of_neutrinos_is_kept():
    # through every sphere about the source goes the same: flux times area of a cone
    distance, angle = 280.0, 0.05
    for radius in (118.0, 280.0, 500.0):
        point = radius * np.array([[np.sin(angle), 0, np.cos(angle)]]) - [0, 0, distance]
        area = 2 * np.pi * radius**2 * (1 - np.cos(angle))
        through = divergence.flux_scale(point, distance) * area
        assert through == pytest.approx(2 * np.pi * distance**2 * (1 - np.cos(angle)), rel=1e-10)


def test_mean_along_rays_is_the_integral():
    distance = 110.0
    origin, direction = rays(20)
    near = np.tile([0.0, 5.0, 90.0], (20, 1))
    far = np.tile([5.0, 90.0, 90.0], (20, 1))
    found = divergence.mean_flux_scale(origin, direction, near, far, distance)

    def scale(length, i):
        point = origin[i : i + 1] + length * direction[i]
        return float(divergence.flux_scale(point, distance)[0])

    for i in range(20):
        for k in (0, 1):
            integral = quad(scale, near[i, k], far[i, k], args=(i,), epsrel=1e-11)[0]
            assert found[i, k] == pytest.approx(integral / (far[i, k] - near[i, k]), rel=1e-9)
        assert found[i, 2] == pytest.approx(scale(90.0, i), rel=1e-12)
    pieces = near.reshape(20, 3, 1), far.reshape(20, 3, 1)
    again = divergence.mean_flux_scale(origin, direction, *pieces, distance)
    np.testing.assert_array_equal(again[..., 0], found)


def test_mean_along_the_axis():
    # D^2 (1 / (D - far) - 1 / (D - near)) / (far - near), where the arctan has no angle
    near, far = np.array([[0.0, 100.0]]), np.array([[100.0, 474.0]])
    origin, direction = np.zeros((1, 3)), np.array([[0.0, 0.0, -1.0]])
    found = divergence.mean_flux_scale(origin, direction, near, far, 541.0)
    assert found == pytest.approx(541**2 / ((541 - near) * (541 - far)), rel=1e-13)
    tilted = np.array([[1e-6, 0.0, -1.0]])
    almost = divergence.mean_flux_scale(origin, tilted, near, far, 541.0)
    assert almost == pytest.approx(found, rel=1e-8)


def test_far_sources_are_parallel_beams():
    origin, direction = rays(50)
    near, far = np.zeros((50, 1)), np.full((50, 1), 100.0)
    found = divergence.mean_flux_scale(origin, direction, near, far, 1e9)
    assert found == pytest.approx(1, abs=3e-7)


def test_slices():
    edges = divergence.slice_edges(474.0, 541.0, 0.3)
    assert edges[0] == 0
    assert edges[-1] == 474
    assert np.all(np.diff(edges) > 0)
    scale = (541 / (541 - edges)) ** 2
    assert np.all(scale[1:] / scale[:-1] < 1 / (1 - 0.15) ** 2 + 1e-9)
    assert np.all(edges[2:] / edges[1:-1] < 1.3 + 1e-9)
    assert len(edges) < 35


def test_cut_pieces_are_the_whole():
    near, far = np.array([[0.0, 3.0, 7.0]]), np.array([[12.0, 3.0, 9.0]])
    edges = np.array([0.0, 4, 8, 20])
    along = np.array([[0.0, 0, -1]])
    low, high = divergence.sliced(near, far, along, edges)
    assert low.shape == (1, 3, 3)
    np.testing.assert_array_equal((high - low)[0], [[4, 4, 4], [0, 0, 0], [0, 1, 1]])
    # planes are as far along a ray as it is tilted, also for one that runs across
    origin, direction = rays(30)
    direction[0], direction[1] = (1, 0, 0), -direction[1]
    near, far = np.zeros((30, 1)), np.full((30, 1), 19.0)
    low, high = divergence.sliced(near, far, direction, edges)
    assert np.sum(high - low, axis=2) == pytest.approx(19)
    z = origin[2, 2] + low[2, 0] * direction[2, 2]
    assert z[:-1] == pytest.approx(origin[2, 2] - edges[:-2])


@pytest.mark.parametrize("length", [0.1, 1.0, 5.0, 20.0, 60.0, 300.0, 1e3, 1e6])
@pytest.mark.parametrize("change", [0.5, 0.3, 0.1])
@pytest.mark.parametrize("aside", [0.06, 0.8])
def test_decays_of_n_from_earth_in_slices(length, change, aside):
    """N that live for some length, made all along a ray, decay at its start."""
    distance, first, last = 541.0, 0.0, 470.0
    origin, along = np.array([[1.0, 2.0, 3.0]]), -np.sqrt(1 - aside**2)
    direction = np.array([[aside, 0.0, along]])
    last /= -along

    def rate(place):
        point = origin + place * direction
        return float(divergence.flux_scale(point, distance)[0]) * np.exp((first - place) / length)

    knots = first + length * np.array([0.3, 1, 3, 10])
    exact = quad(rate, first, last, points=knots[knots < last], limit=200, epsrel=1e-10)[0]
    edges = divergence.slice_edges(474.0, distance, change)
    near, far = divergence.sliced(np.array([[first]]), np.array([[last]]), direction, edges)
    near, far = near[:, 0], far[:, 0]
    scale = divergence.mean_flux_scale(origin, direction, near, far, distance)
    survival = np.exp((first - near) / length) - np.exp((first - far) / length)
    found = length * float(np.sum(scale * survival))
    assert found == pytest.approx(exact, rel=change**2 / 8)


def test_upstream_of_the_source_there_is_no_beam():
    with pytest.raises(ValueError, match=r"z = -120 m is not downstream of the source .* 110 m"):
        divergence.flux_scale(np.array([[0.0, 0, -5], [0, 0, -120]]), 110.0)
    down = np.array([[0.0, 0, -1]])
    with pytest.raises(ValueError, match=r"z = -110 m is not downstream"):
        divergence.mean_flux_scale(0 * down, down, np.zeros((1, 1)), np.full((1, 1), 110.0), 110.0)
    for upstream in (110.0, 0.0):
        with pytest.raises(ValueError, match=f"matter up to {upstream:g} m upstream is not"):
            divergence.slice_edges(upstream, 110.0, 0.1)
