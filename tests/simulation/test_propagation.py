"""Decays along rays against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.simulation.propagation import (
    CENTRES,
    bin_of,
    collect_steps,
    decays,
    survival_kernel,
)

KAPPA = np.geomspace(1e-4, 1e5, 60)


def decays_of(near, far, weight, row=None, kappa=KAPPA):
    """Decays (rows, D) of rays (N, B) with a single column of unit weight."""
    near, far, weight = (np.atleast_2d(a) for a in (near, far, weight))
    row = np.zeros(len(near), int) if row is None else row
    steps = collect_steps(near, far, weight, np.ones((1, len(near))), row, max(row) + 1)
    return decays(steps, survival_kernel(kappa))[:, 0]


@given(st.floats(1e-6, 1e3), st.floats(1e-4, 50.0))
def test_one_slab_is_the_difference_of_two_survivals(near, thickness):
    far = near * (1 + thickness)
    got = decays_of(near, far, 2.0)[0]
    exact = 2 * np.exp(-KAPPA * near) * -np.expm1(-KAPPA * (far - near))
    # each step is off by the third order of the expansion, x^3/6 at x = 3.7 % of kappa s at most
    off = 0.037 * np.outer([near, far], KAPPA)
    error = 2 * np.sum(off**3 / 6 * np.exp(off - np.outer([near, far], KAPPA)), axis=0)
    assert np.all(np.abs(got - exact) <= error + 1e-12)


def test_many_slabs_converge_on_their_integral():
    # real detectors: many boundaries spread over bins; the error of a smeared edge averages out
    rng = np.random.default_rng(1)
    near = rng.uniform(0.2, 3.0, (500, 4))
    far = near + rng.uniform(0.1, 1.0, (500, 4))
    weight = rng.uniform(0, 1, (500, 4))
    got = decays_of(near, far, weight)[0]
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


def test_rows_are_kept_apart_and_sum():
    near, far = np.array([[0.1], [0.2], [0.3]]), np.array([[1.0], [2.0], [3.0]])
    weight = np.ones((3, 1))
    apart = decays_of(near, far, weight, np.array([0, 1, 0]))
    assert apart[1] == pytest.approx(decays_of(0.2, 2.0, 1.0)[0])
    assert apart.sum(axis=0) == pytest.approx(decays_of(near, far, weight)[0])


def test_columns_weight_the_rays():
    near, far = np.array([[0.1], [0.2]]), np.array([[1.0], [2.0]])
    columns = np.array([[1.0, 0.0], [2.0, 3.0]])
    steps = collect_steps(near, far, np.ones((2, 1)), columns, np.zeros(2, int), 1)
    got = decays(steps, survival_kernel(KAPPA))[0]
    first, second = decays_of(0.1, 1.0, 1.0)[0], decays_of(0.2, 2.0, 1.0)[0]
    assert got[0] == pytest.approx(first)
    assert got[1] == pytest.approx(2 * first + 3 * second)


@given(st.floats(1e-7, 1e4))
def test_bins_hold_their_lengths(length):
    centre = CENTRES[int(bin_of(np.array([length]))[0])]
    half_bin = 10 ** (0.5 / 32)
    assert centre / half_bin * (1 - 1e-9) <= length <= centre * half_bin * (1 + 1e-9)


def test_what_lies_off_the_grid_goes_to_its_ends():
    assert bin_of(np.array([0.0, 1e-12, 1e9])).tolist() == [0, 0, len(CENTRES) - 1]
