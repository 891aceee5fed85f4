"""Vertices along rays against closed forms and the yields' own sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.rays import ray_segments
from hnlstat.simulation.propagation import decays, survival_table
from hnlstat.simulation.vertices import draw_vertices, matter_segments

ROCK, AIR, IRON = 0, 1, 2
WORLD = paint(
    [
        PaintedBox((-6, -6, -40), (6, 6, 4), ROCK),
        PaintedBox((-4, -4, -6), (4, 4, 4), AIR),
        PaintedBox((-2, -2, -5), (2, 2, -1), IRON),
        PaintedBox((-1, -1, -4), (1, 1, -2), AIR),
    ],
    3,
)
DENSITY = np.array([2.0, 0.0, 7.0])
SIGNED = WORLD.coefficients @ DENSITY


def rays(n, seed=1):
    rng = np.random.default_rng(seed)
    origin = rng.uniform(-0.5, 0.5, (n, 3))
    direction = rng.normal((0, 0, -1), 0.3, (n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return origin, direction


def segments_of(origin, direction):
    return matter_segments(*ray_segments(origin, direction, WORLD.lower, WORLD.upper), SIGNED)


def test_segments_have_the_density_of_the_painted_medium():
    origin, direction = rays(300)
    segments = segments_of(origin, direction)
    assert np.all(np.diff(segments.edges, axis=1) >= 0)
    middle = (segments.edges[:, 1:] + segments.edges[:, :-1]) / 2
    points = origin[:, None] + middle[..., None] * direction[:, None]
    real = np.diff(segments.edges, axis=1) > 1e-9
    assert segments.density[real] == pytest.approx((WORLD.at(points) @ DENSITY)[real], abs=1e-9)
    # every ray crosses rock beyond the hall
    assert np.all(np.sum((segments.density == 2.0) & real, axis=1) >= 1)


@settings(max_examples=50, deadline=None)
@given(
    kappa=arrays.arrays(float, 3, elements=st.floats(-4, 4)).map(lambda power: 10**power),
    seed=st.integers(0, 1000),
)
def test_weights_add_up_to_the_decays(kappa, seed):
    # one coupling at a time every vertex has its ray's integral, whatever the point drawn
    origin, direction = rays(50, seed)
    near, far = ray_segments(origin, direction, WORLD.lower, WORLD.upper)
    segments = matter_segments(near, far, SIGNED)
    scale = np.random.default_rng(seed).uniform(0.1, 3, 50)
    unit = np.random.default_rng(seed).random((50, 2))
    proper = near * scale[:, None], far * scale[:, None]
    for d, k in zip((1e-6, 2e-6, 3e-6), kappa, strict=True):
        vertices = draw_vertices(segments, scale, np.array([d**2]), np.array([k]), unit)
        expected = decays(*proper, SIGNED, survival_table(np.array([k])))[:, 0]
        # the sums of the yields interpolate exp: 1e-4 of a step before cancellation
        tolerance = 1e-4 * np.sum(np.abs(SIGNED) * (far > near), axis=1)
        assert np.all(np.abs(vertices.weight[:, 0] / d**2 - expected) < tolerance)


def test_points_at_the_end_of_matter_are_finite():
    """Rounding may leave the whole of a segment, behind which hardly any N of 4 mm survive."""
    n = 200
    unit = np.column_stack([np.full(n, 0.5), np.full(n, np.nextafter(1.0, 0.0))])
    vertices = draw_vertices(
        segments_of(*rays(n, 0)), np.full(n, 2.0), np.ones(1), np.array([245.0]), unit
    )
    assert np.all(np.isfinite(vertices.distance))
    assert np.all(np.isfinite(vertices.weight))


@pytest.mark.parametrize("kappa", [1e-3, 0.2, 5.0])
def test_points_follow_the_exponential_in_matter(kappa):
    n = 100_000
    origin, direction = np.zeros((n, 3)), np.tile([0.0, 0.0, -1.0], (n, 1))
    unit = np.random.default_rng(3).random((n, 2))
    vertices = draw_vertices(
        segments_of(origin, direction), np.full(n, 0.5), np.ones(1), np.array([kappa]), unit
    )
    # along the axis: air to 1, iron to 2, air to 4, iron to 5, air to 6, rock to 40
    edges = np.array([[1, 2, 7.0], [4, 5, 7.0], [6, 40, 2.0]])
    rate = kappa / 2
    part = edges[:, 2] * (np.exp(-rate * edges[:, 0]) - np.exp(-rate * edges[:, 1]))
    for (low, high, _), share in zip(edges, part / part.sum(), strict=True):
        inside = (vertices.distance >= low) & (vertices.distance <= high)
        assert np.mean(inside) == pytest.approx(share, abs=4.5 * np.sqrt(share / n) + 1e-12)
        if np.sum(inside) > 100:
            x = vertices.distance[inside] - low
            unit = np.expm1(-rate * x) / np.expm1(-rate * (high - low))
            assert np.mean(unit) == pytest.approx(0.5, abs=4.5 / np.sqrt(12 * np.sum(inside)))
    assert vertices.weight[:, 0] == pytest.approx(np.full(n, part.sum()), rel=1e-9)


def test_several_couplings_are_exact_and_bounded():
    n = 200_000
    origin, direction = np.zeros((n, 3)), np.tile([0.0, 0.0, -1.0], (n, 1))
    segments = segments_of(origin, direction)
    unit = np.random.default_rng(3).random((n, 2))
    d = np.array([1e-7, 1e-6, 1e-5])
    kappa, scale = 1e10 * d**2, np.ones(n)
    together = draw_vertices(segments, scale, d**2, kappa, unit).weight
    for i in range(3):
        one = slice(i, i + 1)
        alone = draw_vertices(segments, scale, d[one] ** 2, kappa[one], unit).weight[0, 0]
        error = np.std(together[:, i]) / np.sqrt(n)
        assert np.mean(together[:, i]) == pytest.approx(alone, abs=4.5 * error)
        assert error < 0.005 * alone
        assert np.max(together[:, i]) <= 3 * alone * (1 + 1e-9)


def test_rays_without_matter_or_survivors_weigh_nothing():
    origin, direction = np.array([[0.0, 0, 3], [0, 0, 0]]), np.array([[0.0, 0, 1], [0, 0, -1]])
    segments = segments_of(origin, direction)
    vertices = draw_vertices(
        segments, np.ones(2), np.array([1.0, 2.0]), np.array([1e-2, 1e6]), np.full((2, 2), 0.9)
    )
    assert np.all(np.isfinite(vertices.distance))
    assert vertices.weight[0].tolist() == [0, 0]
    assert vertices.weight[1, 0] > 0
    assert vertices.weight[1, 1] == 0
    nothing = matter_segments(np.zeros((2, 1)), np.zeros((2, 1)), np.ones(1))
    none = draw_vertices(nothing, np.ones(2), np.ones(1), np.ones(1), np.full((2, 2), 0.5))
    assert none.weight.tolist() == [[0], [0]]
