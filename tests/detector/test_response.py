"""Resolution, tracks and cuts: limits, symmetries, and orders of magnitude that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.detector.response import (
    Pairs,
    Response,
    first_failed,
    length_in_box,
    reconstruct,
    separation,
    smear,
)
from hnlstat.physics.constants import LEPTON_MASS

PERFECT = Response(field=0.2, momentum=0.0, angle=0.0, separation_path=0.2)
UPPER = np.array([1.2, 1.3, 0.5])
GAS = (-UPPER, UPPER)
ELECTRONS = LEPTON_MASS["e"], LEPTON_MASS["e"]
COMPONENT = st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3)
MOMENTUM = st.tuples(COMPONENT, COMPONENT, COMPONENT).map(lambda p: np.array(p)[:, None])


def pairs(first, second, rng=None, response=PERFECT):
    origin = np.zeros_like(first)
    rng = rng or np.random.default_rng(1)
    return reconstruct(first, second, origin, GAS, response, rng, ELECTRONS)


def along(x, y, z, n=1):
    return np.repeat(np.array([[x], [y], [z]], dtype=float), n, axis=1)


@given(MOMENTUM, MOMENTUM)
def test_without_resolution_the_truth_is_measured(minus, plus):
    found = pairs(minus, plus)
    assert found.first == pytest.approx(minus)
    assert found.second == pytest.approx(plus)
    assert found.opposite.all()


@pytest.mark.parametrize("momentum", [0.1, 1.0, 3.0])
def test_resolution_is_that_of_the_curvature(momentum):
    n = 100_000
    response = Response(0.2, momentum=0.08, angle=0.01, separation_path=0.2)
    found, right = smear(along(0.3, 0.0, momentum, n), response, np.random.default_rng(2))
    size = np.linalg.norm(found, axis=0)
    true = np.hypot(0.3, momentum)
    curvature = true / size[right] - 1
    assert curvature.std() == pytest.approx(0.08 * momentum, rel=0.01)
    assert curvature.mean() == pytest.approx(0.0, abs=5 * 0.08 * momentum / np.sqrt(n))
    assert (found[1] / size).std() == pytest.approx(0.01, rel=0.01)


def test_straight_tracks_lose_their_charge():
    _, right = smear(
        along(0, 0, 25.0, 100_000), Response(0.2, 0.08, 0.0, 0.2), np.random.default_rng(3)
    )
    # the curvature is 1 +- 2: Phi(1/2) of the tracks have the right sign
    assert right.mean() == pytest.approx(0.6915, abs=0.005)


def test_parallel_tracks_are_parted_by_the_field():
    """Two circles of radius p / 0.3 B: e- and e+ are apart by twice the sagitta of the path."""
    momentum = along(0, 0, 0.1)
    radius = 0.1 / (0.299792458 * 0.2)
    expected = 2 * radius * (1 - np.cos(0.2 / radius))
    assert separation(momentum, momentum, 0.2, 0.2) == pytest.approx(expected)
    assert separation(momentum, momentum, 0.2, 0.0) == pytest.approx(0.0)
    assert separation(along(1, 0, 0), along(1, 0, 0), 0.2, 0.2) == pytest.approx(0.0)


def test_positrons_bend_towards_y():
    """B along x: the force on a positive charge that flies along z is along y."""
    towards = separation(along(0, -0.02, 0.2), along(0, 0.02, 0.2), 0.5, 0.2)
    against = separation(along(0, 0.02, 0.2), along(0, -0.02, 0.2), 0.5, 0.2)
    assert towards > 0.1 > against


@given(MOMENTUM, MOMENTUM, st.floats(0.01, 1.0))
def test_without_field_tracks_are_the_sides_of_a_triangle(minus, plus, path):
    found = pairs(minus, plus)
    expected = 2 * path * np.sin(found.opening_angle / 2)
    assert separation(minus, plus, path, 0.0) == pytest.approx(expected, abs=1e-7)


@given(MOMENTUM, MOMENTUM, st.floats(0, 2 * np.pi))
def test_rotations_about_the_field_change_nothing(minus, plus, angle):
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    )
    before, after = (
        separation(a, b, 0.3, 0.2) for a, b in ((minus, plus), (turn @ minus, turn @ plus))
    )
    assert after == pytest.approx(before, abs=1e-12)
    assert pairs(turn @ minus, turn @ plus).pair_mass == pytest.approx(pairs(minus, plus).pair_mass)


@given(MOMENTUM, st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.4, 0.4)))
def test_tracks_end_on_a_wall(momentum, point):
    origin = np.array(point)[:, None]
    length = length_in_box(origin, momentum, *GAS)
    end = origin + momentum / np.linalg.norm(momentum) * length
    assert np.max(np.abs(end[:, 0]) / UPPER) == pytest.approx(1.0)


def test_length_along_an_axis():
    assert length_in_box(along(0, 0, 0.2), along(0, 0, 2.0), *GAS) == pytest.approx(0.3)
    assert length_in_box(along(0, 0, 0.2), along(0, 0, -2.0), *GAS) == pytest.approx(0.7)


def test_observables_of_known_pairs():
    opposite = pairs(along(0, 0, 1.0), along(0, 0, -1.0))
    energy = np.hypot(1.0, LEPTON_MASS["e"])
    assert opposite.pair_mass == pytest.approx(2 * energy)
    assert opposite.pair_energy == pytest.approx(2 * energy)
    assert opposite.opening_angle == pytest.approx(np.pi)
    right = pairs(along(0, 1.0, 1.0), along(1.0, 0, 1.0))
    assert right.opening_angle == pytest.approx(np.pi / 3)
    assert right.pair_angle == pytest.approx(np.arctan(np.sqrt(0.5)))
    same = pairs(along(0, 0, 1.0), along(0, 0, 1.0))
    assert same.pair_mass == pytest.approx(2 * LEPTON_MASS["e"], rel=1e-6)


CUTS = {
    "min_momentum": 0.06, "opposite_charge": True, "min_track_length": 0.2, "min_separation": 0.01,
    "max_opening_angle": np.pi / 2, "min_pair_cos": 0.99, "max_pair_mass": 0.7,
}  # fmt: skip


def sample(n=4000):
    rng = np.random.default_rng(5)
    minus, plus = rng.normal(0, 0.05, (2, 3, n)) + along(0, 0, 0.3)[None]
    return pairs(minus, plus, rng, Response(0.2, 0.08, 0.01, 0.2))


def test_the_first_cut_that_fails_is_named():
    found = Pairs(
        first=np.array([[0, 0, 0, 0.4], [0, 0, 0.4, 0], [0.05, 1, 0.4, 0.4]]),
        second=np.array([[0, 0, 0, -0.4], [0, 0.1, 0.4, 0], [0.05, 1, 0.4, 0.4]]),
        opposite=np.array([False, False, True, True]),
        length=np.full(4, 0.1), separation=np.full(4, 1.0), masses=ELECTRONS,
    )  # fmt: skip
    assert first_failed(found, CUTS).tolist() == [0, 1, 2, 2]
    some = {name: CUTS[name] for name in ("max_opening_angle", "min_pair_cos", "max_pair_mass")}
    assert first_failed(found, some).tolist() == [3, 3, 1, 2]


@given(st.sampled_from([*CUTS]), st.floats(0, 1))
def test_a_tighter_cut_keeps_no_more(name, share):
    loose, found = dict(CUTS), sample(500)
    if name != "opposite_charge":
        loose[name] = CUTS[name] * (share if name.startswith("min") else 1 + share)
    tight, wide = (first_failed(found, cuts) == len(CUTS) for cuts in (CUTS, loose))
    assert not np.any(tight & ~wide)


def test_an_unknown_cut_is_an_error():
    with pytest.raises(ValueError, match="unknown cut 'min_charm'"):
        first_failed(sample(10), {"min_charm": 1.0})


def test_the_mass_of_a_pair_is_that_of_what_its_tracks_are_taken_for():
    masses = LEPTON_MASS["mu"], 0.1396
    origin = np.zeros((3, 1))
    found = reconstruct(
        along(0, 0, 1.0), along(0, 0, -1.0), origin, GAS, PERFECT, np.random.default_rng(1), masses
    )
    energy = np.hypot(1.0, masses[0]) + np.hypot(1.0, masses[1])
    assert found.pair_energy == pytest.approx(energy)
    assert found.pair_mass == pytest.approx(energy)
