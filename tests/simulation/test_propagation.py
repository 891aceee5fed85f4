"""Decays along rays against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.simulation.propagation import NODES, decays, interval_of, survival_table

KAPPA = np.geomspace(1e-4, 1e5, 60)


def decays_of(near, far, weight, kappa=KAPPA):
    """Decays (N, D) of rays (N, B)."""
    near, far, weight = (np.atleast_2d(a) for a in (near, far, weight))
    return decays(near, far, weight, survival_table(kappa))


@given(st.floats(1e-6, 1e3), st.floats(1e-4, 50.0))
def test_one_slab_is_the_difference_of_two_survivals(near, thickness):
    far = near * (1 + thickness)
    got = decays_of(near, far, 2.0)[0]
    exact = 2 * np.exp(-KAPPA * near) * -np.expm1(-KAPPA * (far - near))
    # a straight line over 1.8 % of a length is off by 1/8 of the second order at most
    depth = np.outer([near, far], KAPPA)
    error = 2 * np.sum((0.0182 * depth) ** 2 / 8 * np.exp(-0.98 * depth), axis=0)
    assert np.all(np.abs(got - exact) <= error + 1e-12)


def test_many_slabs_converge_on_their_integral():
    # real detectors: many boundaries spread over bins; the error of a smeared edge averages out
    rng = np.random.default_rng(1)
    near = rng.uniform(0.2, 3.0, (500, 4))
    far = near + rng.uniform(0.1, 1.0, (500, 4))
    weight = rng.uniform(0, 1, (500, 4))
    got = decays_of(near, far, weight).sum(axis=0)
    exact = np.sum(
        weight[..., None] * (np.exp(-near[..., None] * KAPPA) - np.exp(-far[..., None] * KAPPA)),
        axis=(0, 1),
    )
    seen = exact > 1e-4 * exact.max()
    assert got[seen] == pytest.approx(exact[seen], rel=3e-3)


def test_decay_probability_is_unitary():
    # matter everywhere from the decay point on: all N decay, at any lifetime that the grid holds
    got = decays_of(0.0, 1e30, 1.0, kappa=KAPPA[KAPPA > 1e-3])[0]
    assert got == pytest.approx(np.ones_like(got), rel=1e-9)


def test_thin_layers_far_away_keep_their_thickness():
    """Lines between nodes are exact where few N decay on the way."""
    got = decays_of(100.0, 100.001, 1.0, np.array([1e-6]))[0, 0]
    assert got == pytest.approx(1e-9, rel=1e-3)


def test_rays_are_kept_apart():
    near, far = (
        np.array([[0.1, 0.5], [0.2, 0.7], [0.3, 0.0]]),
        np.array([[1, 0.5], [2, 0.9], [3, 9]]),
    )
    weight = np.array([2.0, 3.0])
    got = decays_of(near, far, weight)
    for ray in range(3):
        expected = sum(decays_of(near[ray, b], far[ray, b], weight[b])[0] for b in range(2))
        assert got[ray] == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("boxes", [0, 3])
def test_rays_that_miss_everything_count_for_nothing(boxes):
    got = decays_of(np.ones((2, boxes)), np.ones((2, boxes)), np.ones((1, boxes)))
    assert np.array_equal(got, np.zeros((2, len(KAPPA))))


@given(st.floats(0, 9e4))
def test_intervals_hold_their_lengths(length):
    node, share = (found[0] for found in interval_of(np.array([length])))
    assert -1e-9 <= share <= 1 + 1e-9
    between = NODES[node] + share * (NODES[node + 1] - NODES[node])
    assert between == pytest.approx(length, rel=1e-9)


def test_what_lies_off_the_grid_goes_to_its_end():
    node, share = interval_of(np.array([0.0, 1e9]))
    assert node.tolist() == [0, len(NODES) - 2]
    assert share.tolist() == [0.0, 1.0]
