"""Shapes against closed forms, Monte Carlo, and painting point by point."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hnlstat.detector.geometry import CutError, PaintedBox, PaintedShape, paint
from hnlstat.detector.relations import apart, inside
from hnlstat.detector.round_shapes import Cylinder, Sphere
from hnlstat.detector.shapes import Box, HexagonalPrism

ORIGIN, X, Y, Z = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
few = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def unit(rng, n=None):
    found = rng.normal(size=(n or 1, 3))
    found /= np.linalg.norm(found, axis=1)[:, None]
    return found if n else tuple(found[0].tolist())


def across(rng, axis):
    found = np.cross(axis, unit(rng))
    return tuple((found / np.linalg.norm(found)).tolist())


def random_shape(rng, centre=None, size=2.0, kind=None):
    """Any shape within a sphere of radius `size`, often with an axis along x, y or z."""
    centre = tuple(rng.uniform(-2, 2, 3).tolist()) if centre is None else centre
    a, b, c = (size / 2 * rng.uniform(0.1, 1.0, 3)).tolist()
    axis = unit(rng) if rng.random() < 0.6 else (X, Y, Z)[rng.integers(3)]
    kind = rng.integers(4) if kind is None else kind
    if kind == 0:
        return Box(centre, (a, b, c))
    if kind == 1:
        return Sphere(centre, a)
    if kind == 2:
        return Cylinder(centre, a, b, axis)
    return HexagonalPrism(centre, a, b, axis, across(rng, axis))


def surface(shape):
    """Area of the surface [m2]."""
    match shape:
        case Box(size=(a, b, c)):
            return 2 * (a * b + b * c + c * a)
        case Sphere(radius=r):
            return 4 * np.pi * r**2
        case Cylinder(radius=r, length=length):
            return 2 * np.pi * r * (r + length)
        case HexagonalPrism(apothem=a, length=length):
            return 2 * np.sqrt(12) * a**2 + 12 / np.sqrt(3) * a * length


def within(shape, points):
    """Whether points lie in a shape, written once more in other words."""
    offset = points - np.array(shape.centre)
    match shape:
        case Box(size=size):
            return np.all(2 * np.abs(offset) <= size, axis=-1)
        case Sphere(radius=r):
            return np.linalg.norm(offset, axis=-1) <= r
        case Cylinder(radius=r, length=length, axis=axis):
            away = np.linalg.norm(np.cross(offset, axis), axis=-1)
            return (away <= r) & (np.abs(offset @ axis) <= length / 2)
        case HexagonalPrism(apothem=a, length=length, axis=axis, flat=flat):
            x, y = offset @ flat, offset @ np.cross(axis, flat)
            # by sixths of a turn around the middle of the flat
            turn = (np.arctan2(y, x) + np.pi / 6) % (np.pi / 3) - np.pi / 6
            flats = np.hypot(x, y) * np.cos(turn) <= a
            return flats & (np.abs(offset @ axis) <= length / 2)


def edge_points(shape, rng, n):
    """Points on the surface, in all directions."""
    direction = unit(rng, n)
    centre = np.array(shape.centre)
    return centre + shape.crossings(np.tile(centre, (n, 1)), direction)[1][:, None] * direction


@few
@given(seeds)
def test_volume_is_the_share_of_points_that_lie_in_it(rng):
    shape, n = random_shape(rng), 40_000
    low, high = np.array(shape.extent).T
    points = rng.uniform(low - 0.01, high + 0.01, (n, 3))
    found = shape.contains(points)
    share = shape.volume / np.prod(high - low + 0.02)
    assert np.mean(found) == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / n))
    assert np.array_equal(found, within(shape, points))


@few
@given(seeds)
def test_rays_enter_and_leave_at_the_surface(rng):
    shape, n = random_shape(rng), 300
    origin, direction = rng.uniform(-3, 3, (n, 3)), unit(rng, n)
    direction[:5] = [X, Y, Z, shape.normals[0] if len(shape.normals) else X, Y]
    near, far = shape.crossings(origin, direction)
    assert np.all((near >= 0) & (far >= near))

    def at(distance, keep):
        return within(shape, origin[keep] + distance[keep, None] * direction[keep])

    hit, step = far - near > 1e-5, 1e-8
    starts_within, ahead = within(shape, origin), hit & (near > 0)
    assert np.array_equal(near[hit] == 0, starts_within[hit])
    assert np.all(at(near + step, hit))
    assert np.all(at(far - step, hit))
    assert not np.any(at(far + step, hit))
    assert not np.any(at(near - step, ahead))
    missed = far == near
    along = np.linspace(0, 12, 400)[:, None] * direction[missed, None]
    assert not np.any(within(shape, origin[missed, None] + along))


def test_chords_in_closed_form():
    """A distance off the axis of each round shape, and across the flats and corners of a prism."""
    b = np.array([0.0, 0.3, 1.1, 1.4999, 1.6])
    origin = np.stack([b, np.full(5, -9.0), np.zeros(5)], axis=1)
    chord = 2 * np.sqrt(np.maximum(1.5**2 - b**2, 0))
    along = np.tile(Y, (5, 1))
    for shape in (Sphere(ORIGIN, 1.5), Cylinder(ORIGIN, 1.5, 1, Z)):
        near, far = shape.crossings(origin, along)
        assert far - near == pytest.approx(chord, abs=1e-12)
        assert near[:4] == pytest.approx(9 - chord[:4] / 2, abs=1e-12)
    prism = HexagonalPrism(ORIGIN, 1.5, 1, Z, X)
    near, far = prism.crossings(origin, along)
    corner = 1.5 * 2 / np.sqrt(3)
    expected = np.where(b < 1.5, 2 * (corner - b / np.sqrt(3)), 0)
    assert far - near == pytest.approx(expected, abs=1e-12)
    # a ray from far away loses no digits that matter
    far_away = np.array([[0.3, -500.0, 0.0]])
    near, far = Sphere(ORIGIN, 1.5).crossings(far_away, np.array([Y]))
    assert far - near == pytest.approx(2 * np.sqrt(1.5**2 - 0.09), rel=1e-10)


@settings(max_examples=12, deadline=None)
@given(seeds)
def test_mean_chord_of_isotropic_rays_is_four_volumes_over_the_surface(rng):
    shape, n = random_shape(rng, ORIGIN), 60_000
    radius = 2.1
    direction = unit(rng, n)
    first = np.cross(direction, np.where(np.abs(direction[:, :1]) < 0.7, X, Y))
    first /= np.linalg.norm(first, axis=1)[:, None]
    place, turn = radius * np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n)
    offset = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * np.cross(direction, first)
    near, far = shape.crossings(place[:, None] * offset - 9 * direction, direction)
    length, hit = far - near, far > near
    error = 5 * np.std(length) / np.sqrt(n) * np.pi * radius**2
    assert np.mean(length) * np.pi * radius**2 == pytest.approx(shape.volume, abs=error)
    chord = length[hit]
    expected = 4 * shape.volume / surface(shape)
    assert np.mean(chord) == pytest.approx(expected, abs=5 * np.std(chord) / np.sqrt(len(chord)))


@few
@given(seeds)
def test_points_of_the_unit_cube_fill_it_uniformly(rng):
    shape, n = random_shape(rng), 20_000
    points = shape.points(rng.random((n, 3)))
    assert np.all(within(at_size(shape, 1 + 1e-12), points))
    match shape:
        case Box(size=size):
            frame, moments = np.eye(3), np.square(size) / 12
        case Sphere(radius=r):
            frame, moments = np.eye(3), np.full(3, r**2 / 5)
        case Cylinder(radius=r, length=length):
            frame, moments = shape._frame, np.array([r**2 / 4, r**2 / 4, length**2 / 12])
        case HexagonalPrism(apothem=a, length=length):
            frame = shape._frame
            moments = np.array([5 / 18 * a**2, 5 / 18 * a**2, length**2 / 12])
    seen = (points - np.array(shape.centre)) @ frame.T
    sigma = np.sqrt(moments)
    assert np.all(np.abs(seen.mean(axis=0)) < 5 * sigma / np.sqrt(n))
    covariance = seen.T @ seen / n / np.outer(sigma, sigma)
    assert covariance == pytest.approx(np.eye(3), abs=0.05)
    # as many in a ball within it as it takes of the volume
    ball = Sphere(shape.centre, 0.99 * min([*shape.half, shape.wall or np.inf]))
    share = ball.volume / shape.volume
    error = 5 * np.sqrt(share * (1 - share) / n) + 1e-12
    assert np.mean(within(ball, points)) == pytest.approx(share, abs=error)


def at_size(shape, scale):
    """The same shape, larger or smaller around its centre."""
    names = {"size", "radius", "apothem", "length"} & set(vars(shape))
    values = {name: np.multiply(getattr(shape, name), scale) for name in names}
    return replace(shape, **{k: tuple(v) if v.ndim else float(v) for k, v in values.items()})


@few
@given(seeds)
def test_what_is_inside_sticks_out_nowhere_and_what_sticks_out_is_not(rng):
    outer = random_shape(rng, ORIGIN)
    inner = random_shape(rng, tuple((0.8 * outer.points(rng.random((1, 3))))[0].tolist()), 1.0)
    low, high = 0.0, 50.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(at_size(inner, middle), outer) else (low, middle)
    assert 0 < low < 50

    def corners(shape):
        directions = np.vstack([unit(rng, 2000), *outer.normals, *-outer.normals])
        found = np.array(shape.centre) + [shape.support(d) for d in directions]
        if shape.wall is None:
            return found
        return np.vstack([found, edge_points(shape, rng, 4000)])

    assert np.all(within(outer, corners(at_size(inner, low * (1 - 1e-6)))))
    assert not np.all(within(outer, corners(at_size(inner, low * 1.03))))


@few
@given(seeds, st.sampled_from([1e-5, 1e-3, 0.1]))
def test_a_gap_between_shapes_is_found_and_an_overlap_is_none(rng, gap):
    """Shapes whose nearest points are known: on a line across the surface of both."""
    first, second = random_shape(rng, ORIGIN), random_shape(rng, ORIGIN)
    direction = np.array(unit(rng))
    touching = first.support(direction) + second.support(direction)
    beyond, before = (
        replace(second, centre=tuple((touching + step * direction).tolist()))
        for step in (gap, -gap)
    )
    assert apart(first, beyond)
    assert apart(beyond, first)
    assert not inside(first, beyond)
    # the deepest points of both, moved into each other
    middle = np.array(first.support(direction)) - gap / 2 * direction
    if within(first, middle * 0.999999) and within(before, middle):
        assert not apart(first, before)


TOUCHING = {
    "sphere on a box": (Sphere((0, 0, 2.1), 1.1), Box(ORIGIN, (4, 4, 2)), apart),
    "two spheres": (Sphere(ORIGIN, 1.1), Sphere((0.6, 0.8, 2.4), 1.5), apart),
    "parallel cylinders": (Cylinder(ORIGIN, 1, 3, Z), Cylinder((1.2, 1.6, 1), 1, 3, Z), apart),
    "cylinder on cylinder": (Cylinder(ORIGIN, 1, 3, Z), Cylinder((0, 2, 0), 1, 3, X), apart),
    "cylinder on its end": (Cylinder(ORIGIN, 1, 3, Z), Cylinder((0, 0, 2), 1, 1, Z), apart),
    "prism on a flat": (
        HexagonalPrism(ORIGIN, 1, 2, Z, X), HexagonalPrism((2, 0, 0), 1, 2, Z, X), apart
    ),
    "box on a prism": (HexagonalPrism(ORIGIN, 1, 2, Z, X), Box((1.5, 0, 0), (1, 9, 9)), apart),
    "sphere beside a cylinder": (Cylinder(ORIGIN, 1, 9, Y), Sphere((1.8, 1, 2.4), 2), apart),
    "sphere in a box": (Sphere((0.1, 0, 0), 6.096), Box((0.1, 0, 0), (12.192, 13, 14)), inside),
    "sphere in a sphere": (Sphere((0, 0.6, 0.8), 1), Sphere(ORIGIN, 2), inside),
    "sphere in a prism": (Sphere(ORIGIN, 0.811), HexagonalPrism(ORIGIN, 0.811, 3, X, Y), inside),
    "box in a sphere": (Box(ORIGIN, (2, 4, 4)), Sphere(ORIGIN, 3), inside),
    "cylinder in a cylinder": (Cylinder((0, 0, 1), 1, 2, Z), Cylinder(ORIGIN, 1, 4, Z), inside),
    "cylinder in a sphere": (Cylinder(ORIGIN, 3, 8, (0.6, 0, 0.8)), Sphere(ORIGIN, 5), inside),
    "prism in a cylinder": (
        HexagonalPrism(ORIGIN, np.sqrt(3) / 2, 4, Y, X), Cylinder(ORIGIN, 1, 4, Y), inside
    ),
    "cylinder in a box": (Cylinder(ORIGIN, 1, 4, X), Box(ORIGIN, (4, 2, 2)), inside),
}  # fmt: skip


@pytest.mark.parametrize("name", TOUCHING)
def test_touching_counts_as_apart_or_inside(name):
    first, second, relation = TOUCHING[name]
    assert relation(first, second)
    other = at_size(first, 1.001)
    assert not relation(other, second)


def paintable(shape, medium):
    if not isinstance(shape, Box):
        return PaintedShape(shape, medium)
    low, high = np.array(shape.extent).T.tolist()
    return PaintedBox(tuple(low), tuple(high), medium)


def painted_media(shapes, points):
    """Index of the last shape that holds each point, 0 for none: the first holds all."""
    found = np.zeros(len(points), dtype=int)
    for i, shape in enumerate(shapes):
        found[within(shape, points)] = i
    return found


def nested(rng, number):
    """Shapes within or beside each other, in random order and depth; the first holds all."""
    shapes = [Box(ORIGIN, (30.0, 30.0, 30.0)), random_shape(rng, ORIGIN, 12.0)]
    for _ in range(number):
        parent = shapes[rng.integers(1, len(shapes))]
        centre = parent.points(rng.random((1, 3)))[0]
        offset = centre - parent.centre
        room = np.min(parent.half - np.abs(parent.normals @ offset), initial=np.inf)
        if parent.wall is not None:
            room = min(room, parent.wall - np.linalg.norm(parent.across(offset)))
        # some reach out of their parent
        size = room * rng.choice([0.9, 1.0, 2.0])
        shapes.append(random_shape(rng, tuple(centre.tolist()), size))
        try:
            paint([paintable(shape, i) for i, shape in enumerate(shapes)], len(shapes))
        except CutError:
            shapes.pop()
    return shapes


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_signed_sums_are_painters_order_along_rays(rng):
    shapes = nested(rng, 6)
    n, media = 60, len(shapes)
    signed = paint([paintable(shape, i) for i, shape in enumerate(shapes)], media)
    points = rng.uniform(-8, 8, (2000, 3))
    assert np.array_equal(signed.at(points), np.eye(media)[painted_media(shapes, points)])
    origin, direction = rng.uniform(-8, 8, (n, 3)), unit(rng, n)
    near, far = signed.crossings(origin, direction, np.arange(len(signed.coefficients)))
    found = (far - near) @ signed.coefficients
    both = np.array([s.crossings(origin, direction) for s in shapes])
    ends = np.minimum(both, both[0, 1]).transpose(2, 0, 1).reshape(n, -1)
    ends = np.sort(ends, axis=1)  # of the pieces of each ray, within the world
    middle = origin[:, None] + (ends[:, 1:] + ends[:, :-1])[..., None] / 2 * direction[:, None]
    medium = painted_media(shapes, middle.reshape(-1, 3)).reshape(n, -1)
    expected = np.zeros((n, media))
    np.add.at(expected, (np.arange(n)[:, None], medium), np.diff(ends, axis=1))
    assert found == pytest.approx(expected, abs=1e-7)


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_what_is_not_refused_is_right(rng):
    """Shapes anywhere: most are cut, and none of the others is counted wrongly."""
    shapes = [Box(ORIGIN, (30.0, 30.0, 30.0))]
    shapes += [random_shape(rng, size=rng.choice([1.0, 2.0, 6.0])) for _ in range(3)]
    try:
        signed = paint([paintable(shape, i) for i, shape in enumerate(shapes)], 4)
    except CutError as cut:
        first, second = shapes[cut.earlier], shapes[cut.later]
        assert not (isinstance(first, Box) and isinstance(second, Box))
        assert not inside(first, second)
        assert not inside(second, first)
        assert not apart(first, second)
        assume(False)
    points = rng.uniform(-5, 5, (4000, 3))
    assert np.array_equal(signed.at(points), np.eye(4)[painted_media(shapes, points)])


def test_a_chain_of_vault_tank_barrier_and_boxes():
    """Only the mass that is there: each shell by its volume."""
    shapes = [
        Box((0, 0, -20), (40, 40, 80)), Box((0, 0, 30), (50, 50, 40)), Sphere(ORIGIN, 6.858),
        Sphere(ORIGIN, 6.096), Sphere(ORIGIN, 5.746), Box(ORIGIN, (2, 3, 4)),
        Box((1, 0, 0), (2, 1, 1)),
    ]  # fmt: skip
    signed = paint([paintable(shape, i) for i, shape in enumerate(shapes)], 7)
    assert len(signed.shapes) == 3
    volumes = [*np.prod(signed.upper - signed.lower, axis=1), *(s.volume for s in signed.shapes)]
    found = np.array(volumes) @ signed.coefficients
    inner = Sphere(ORIGIN, 5.746).volume - (24 + 2 - 1)
    shell = Sphere(ORIGIN, 6.096).volume - Sphere(ORIGIN, 5.746).volume
    air = Sphere(ORIGIN, 6.858).volume - Sphere(ORIGIN, 6.096).volume
    earth = 40 * 40 * 80 - 40 * 40 * 10 - Sphere(ORIGIN, 6.858).volume
    assert found == pytest.approx([earth, 50 * 50 * 40, air, shell, inner, 24 - 1, 2], rel=1e-12)


def test_layers_and_boxes_through_the_ends_of_cylinders_and_prisms():
    """A box out of the flat end is cut there, exactly; layers fill a cylinder."""
    for hull in (Cylinder(ORIGIN, 2, 10, Z), HexagonalPrism(ORIGIN, 2, 10, Z, X)):
        layers = [Box((0, 0, z), (2, 2, 0.1)) for z in np.arange(-4, 4, 0.1).tolist()]
        through = Box((0, 0, 5), (1, 1, 1.5))
        shapes = [Box(ORIGIN, (30.0, 30.0, 30.0)), hull, *layers, through]
        signed = paint([paintable(s, min(i, 2)) for i, s in enumerate(shapes)], 3)
        volumes = [*np.prod(signed.upper - signed.lower, axis=1), hull.volume]
        matter = 80 * 0.4 + 1.5
        assert np.array(volumes) @ signed.coefficients == pytest.approx(
            [27e3 - hull.volume - 0.75, hull.volume - 80 * 0.4 - 0.75, matter], rel=1e-9
        )


def test_what_is_hidden_may_be_cut():
    """Behind a box that was painted since, boxes end; a sphere there meets only the last."""
    first, hall = Box((0, 0, -10), (20, 20, 20)), Box((0, 0, 0), (19, 19, 19))
    signed = paint([paintable(s, i) for i, s in enumerate([first, hall, Sphere(ORIGIN, 3)])], 3)
    found = signed.at(np.array([ORIGIN, (0, 0, -4), (0, 0, -15)]))
    assert found.argmax(axis=1).tolist() == [2, 1, 0]
    world, cover = Box(ORIGIN, (20, 20, 20)), Box(ORIGIN, (8, 8, 8))
    shapes = [world, Sphere(ORIGIN, 3), cover, Sphere((3, 0, 0), 0.9)]
    signed = paint([paintable(shape, i) for i, shape in enumerate(shapes)], 4)
    assert len(signed.shapes) == 1


CUT = {
    "sphere through a face": [Box(ORIGIN, (9, 9, 9)), Sphere((4, 0, 0), 1)],
    "box through a sphere": [Sphere(ORIGIN, 1), Box((1, 0, 0), (1, 1, 1))],
    "two spheres": [Sphere(ORIGIN, 1), Sphere((1, 0, 0), 1)],
    "cross of cylinders": [Cylinder(ORIGIN, 1, 5, X), Cylinder(ORIGIN, 1, 5, Y)],
    "box at the rim of a cylinder": [Cylinder(ORIGIN, 2, 5, Z), Box((0, 0, 2.5), (3.5, 3.5, 1))],
    "prisms turned": [HexagonalPrism(ORIGIN, 1, 2, Z, X), HexagonalPrism(ORIGIN, 1, 2, Z, Y)],
    "box with its corners in the prism's sides": [
        HexagonalPrism(ORIGIN, 1, 2, Z, X), Box(ORIGIN, (1.9, 1.9, 1))
    ],
    "cylinder through a sphere": [Sphere(ORIGIN, 1), Cylinder(ORIGIN, 0.5, 3, (0.6, 0.8, 0))],
    "sphere a little too large": [Box(ORIGIN, (2, 2, 2)), Sphere(ORIGIN, 1.0001)],
}  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_shapes_that_cut_each_other_are_refused(name):
    first, second = CUT[name]
    far = Box((0, 0, 50), (5, 5, 5))
    for order in ([first, far, second], [second, far, first]):
        with pytest.raises(CutError) as error:
            paint([paintable(shape, i) for i, shape in enumerate(order)], 3)
        assert (error.value.earlier, error.value.later) == (0, 2)
