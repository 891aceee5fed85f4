"""Photons that convert on their way through volumes, against closed forms."""

import numpy as np
import pytest
from scipy.integrate import quad

from hnlstat.detector.conversion import conversion_coefficient
from hnlstat.detector.converter import Converter
from hnlstat.detector.geometry import PaintedBox, PaintedShape, paint, within
from hnlstat.detector.round_shapes import Sphere
from hnlstat.detector.shapes import Box
from hnlstat.search.showers import converter
from hnlstat.studies import load

WATER, LEAD = {"O16": 0.888106, "H1": 0.111894}, {"Pb208": 1.0}
N = 100_000


def photons(energy, direction):
    direction = np.broadcast_to(direction, (len(energy), 3))
    return np.column_stack([energy, energy[:, None] * direction])


def layers(*, after=None, least=0.0):
    """0.2 m of lead from z = 0, a gap, and 0.3 m of water from z = 1 in which photons convert."""
    painted = [
        PaintedBox((-1, -1, 0), (1, 1, 0.2), 1), PaintedBox((-1, -1, 1), (1, 1, 1.3), 0)
    ]  # fmt: skip
    seen = Box((0, 0, 1.15), (2, 2, 0.3))
    matter = paint(painted, 2)
    return Converter(matter, (1.0, 11.35), (WATER, LEAD), ((seen, after),), least)


ENERGY = np.array([0.0012, 0.1, 0.47, 3.0])
MU_WATER = conversion_coefficient(ENERGY, WATER) * 100
MU_LEAD = conversion_coefficient(ENERGY, LEAD) * 1135


def test_a_slab_converts_by_its_thickness_along_the_path():
    for cosine, start in ((1.0, 1.0), (0.8, 1.0), (-1.0, 1.2), (1.0, 1.25), (1.0, 0.5)):
        direction = np.array([np.sqrt(1 - cosine**2), 0, cosine])
        origin = np.tile([0, 0, start], (len(ENERGY), 1))
        found, seen = layers().probabilities(photons(ENERGY, direction), origin)
        depth = (1.3 - max(start, 1.0) if cosine > 0 else start - 1.0) / abs(cosine)
        assert found == pytest.approx(1 - np.exp(-MU_WATER * depth), rel=1e-12)
        assert np.array_equal(seen, found)  # nothing is asked of the pairs


def test_photons_that_convert_before_are_lost():
    origin = np.tile([0, 0, 0.1], (len(ENERGY), 1))
    found, _ = layers().probabilities(photons(ENERGY, np.array([0, 0, 1.0])), origin)
    assert found == pytest.approx(np.exp(-MU_LEAD * 0.1) * -np.expm1(-MU_WATER * 0.3), rel=1e-12)
    away, _ = layers().probabilities(photons(ENERGY, np.array([0, 0, -1.0])), origin)
    assert away.tolist() == [0] * 4


@pytest.mark.parametrize(
    ("direction", "start", "crosses"),
    [
        ((0, 0, 1), (0, 0, 1.1), True),
        ((0, 0, -1), (0, 0, 1.1), False),  # backwards
        ((0.6, 0, 0.8), (0.3, 0, 1.1), False),  # passes beside it
        ((0.6, 0, 0.8), (-0.6, 0, 1.1), True),
        ((0, 0.6, 0.8), (0.1, 0.1, 1.1), False),  # 0.167 m of it, out at the side
    ],
)
def test_pairs_go_on_as_the_photons_did_and_must_cross_enough(direction, start, crosses):
    gas = Box((0, 0, 2.0), (1, 1, 1))  # from z = 1.5
    asked = layers(after=gas, least=0.2)
    origin = np.tile(start, (len(ENERGY), 1))
    converts, seen = asked.probabilities(photons(ENERGY, np.array(direction)), origin)
    assert np.all(converts[1:] > 0.01)
    assert np.array_equal(seen, converts if crosses else np.zeros(4))


def test_a_box_around_counts_from_where_the_pair_has_left():
    around = Box((0, 0, 1.15), (2, 2, 0.5))  # 0.1 m more to all sides along z
    for least, crosses in ((0.09, True), (0.11, False)):
        asked = layers(after=around, least=least)
        converts, seen = asked.probabilities(
            photons(ENERGY, np.array([0, 0, 1.0])), np.tile([0, 0, 1.1], (4, 1))
        )
        assert np.array_equal(seen, crosses * converts)


@pytest.mark.parametrize("radius", [0.02, 0.5, 5.0])
def test_a_sphere_converts_by_its_chords(radius):
    """Paths x from points in it are spread as 3 / (4 R) (1 - x^2 / (4 R^2)), with mean 3 R / 4."""
    rng = np.random.default_rng(3)
    sphere = Sphere((1, -2, 3), radius)
    origin = sphere.points(rng.random((N, 3)))
    direction = rng.standard_normal((N, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    energy = np.full(N, 0.3)
    asked = Converter(
        paint([PaintedBox((-9, -9, -9), (9, 9, 9), 1), PaintedShape(sphere, 0)], 2),
        (1.0, 1e-3), (WATER, WATER), ((sphere, None),), 0.0,
    )  # fmt: skip
    found, _ = asked.probabilities(photons(energy, direction), origin)
    mu = float(conversion_coefficient(0.3, WATER)) * 100
    expected, _ = quad(
        lambda x: -np.expm1(-mu * x) * 0.75 / radius * (1 - x**2 / (4 * radius**2)), 0, 2 * radius
    )
    assert np.mean(found) == pytest.approx(expected, abs=4.5 * np.std(found) / np.sqrt(N))
    if radius == 0.02:
        assert expected == pytest.approx(0.75 * mu * radius, rel=0.03)


def test_two_volumes_add_up_to_one_of_both():
    one = layers()
    front, back = Box((0, 0, 1.05), (2, 2, 0.1)), Box((0, 0, 1.2), (2, 2, 0.2))
    both = Converter(one.matter, one.density, one.compositions, ((back, None), (front, None)), 0.0)
    origin = np.tile([0, 0, 0.15], (len(ENERGY), 1))
    momentum = photons(ENERGY, np.array([0.28, 0, 0.96]))
    assert both.probabilities(momentum, origin)[0] == pytest.approx(
        one.probabilities(momentum, origin)[0], rel=1e-12
    )


def test_of_a_detector_only_what_lies_on_the_way_is_looked_at():
    """The matter near the FGDs is that of the whole detector, with its 200 layers."""
    (dataset,) = load(["search=fgd_photon"]).datasets
    detector, search = dataset.detector, dataset.search["fgd_photon"]
    asked = converter(detector, dataset.used_volumes, search.conversion)
    painted, media, _ = detector.painted()
    whole = paint(painted, len(media))
    assert len(asked.matter.coefficients) < 0.2 * len(whole.coefficients)
    rng = np.random.default_rng(4)
    origin = np.concatenate(
        [detector.fiducial[name].solid.points(rng.random((500, 3))) for name in ("tpc1", "fgd1")]
    )
    direction = rng.standard_normal(origin.shape) + np.array([0, 0, 2])
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    momentum = photons(rng.uniform(0.05, 2, len(origin)), direction)
    everything = Converter(
        whole, asked.density, asked.compositions, asked.volumes, asked.min_track_length
    )
    for near, far in zip(
        asked.probabilities(momentum, origin), everything.probabilities(momentum, origin),
        strict=True,
    ):  # fmt: skip
        assert np.any(near > 0)
        assert near == pytest.approx(far, rel=1e-9, abs=1e-12)


def test_what_shows_within_a_box():
    one = PaintedBox((-3, -3, -3), (3, 3, 3), 0)
    two = PaintedBox((-2, -2, -2), (2, 2, 2), 1)
    ball = PaintedShape(Sphere((0, 0, 0), 1), 2)
    aside = PaintedBox((0, 0, 1), (1, 1, 2), 0)
    painted = [one, two, ball, aside]
    assert within(painted, Box((0, 0, 0), (0.5, 0.5, 0.5))) == [ball]
    assert within(painted, Box((0, 0, 0), (1.9, 1.9, 1.9))) == [two, ball]
    assert within(painted, Box((0, 0, 0), (3, 3, 3))) == [two, ball, aside]
    assert within(painted, Box((2.5, 0, 0), (2, 2, 2))) == [one, two]
