"""Decays along rays against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.simulation.propagation import CENTRES, bin_of, collect_steps, decays

KAPPA = np.geomspace(1e-4, 1e5, 60)


def one_ray(near, far, weight):
    return collect_steps(
        np.atleast_2d(near), np.atleast_2d(far), np.atleast_2d(weight), np.zeros(1, int), 1
    )


@given(st.floats(1e-6, 1e3), st.floats(1e-4, 50.0))
def test_one_slab_is_the_difference_of_two_survivals(near, thickness):
    far = near * (1 + thickness)
    got = decays(one_ray(near, far, 2.0), KAPPA)[0]
    exact = 2 * np.exp(-KAPPA * near) * -np.expm1(-KAPPA * (far - near))
    # third order of the expansion within a bin: x^3/6 at x = 3.7 % of kappa s, relative to the
    # derivative for a thin slab; below rounding the difference of the steps is lost
    depth = np.minimum(KAPPA * far, 15)
    error = (0.037 * depth) ** 2 / 2 * np.exp(0.037 * depth)
    assert np.all(np.abs(got - exact) <= error * exact + 1e-12)


def test_many_slabs_converge_on_their_integral():
    # real detectors: many boundaries spread over bins; the error of a smeared edge averages out
    rng = np.random.default_rng(1)
    near = rng.uniform(0.2, 3.0, (500, 4))
    far = near + rng.uniform(0.1, 1.0, (500, 4))
    weight = rng.uniform(0, 1, (500, 4))
    got = decays(collect_steps(near, far, weight, np.zeros(500, int), 1), KAPPA)[0]
    exact = np.sum(
        weight[..., None] * (np.exp(-near[..., None] * KAPPA) - np.exp(-far[..., None] * KAPPA)),
        axis=(0, 1),
    )
    seen = exact > 1e-4 * exact.max()
    assert got[seen] == pytest.approx(exact[seen], rel=3e-3)


def test_decay_probability_is_unitary():
    # matter everywhere from the decay point on: all N decay, at any lifetime that the grid holds
    got = decays(one_ray(0.0, 1e30, 1.0), KAPPA[KAPPA > 1e-3])[0]
    assert got == pytest.approx(np.ones_like(got), rel=1e-9)


def test_rows_are_kept_apart_and_sum():
    near, far = np.array([[0.1], [0.2], [0.3]]), np.array([[1.0], [2.0], [3.0]])
    weight = np.ones((3, 1))
    apart = collect_steps(near, far, weight, np.array([0, 1, 0]), 2)
    together = collect_steps(near, far, weight, np.zeros(3, int), 1)
    assert decays(apart, KAPPA).sum(0) == pytest.approx(decays(together, KAPPA)[0])


@given(st.floats(1e-7, 1e4))
def test_bins_hold_their_lengths(length):
    centre = CENTRES[int(bin_of(np.array([length]))[0])]
    half_bin = 10 ** (0.5 / 32)
    assert centre / half_bin * (1 - 1e-9) <= length <= centre * half_bin * (1 + 1e-9)


def test_what_lies_off_the_grid_goes_to_its_ends():
    assert bin_of(np.array([0.0, 1e-12, 1e9])).tolist() == [0, 0, len(CENTRES) - 1]
