"""Boxes in painter's order and rays through them, against point-by-point painting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.materials import BOUND_NEUTRON, BOUND_PROTON, target_densities
from hnlstat.detector.rays import interval_within, ray_segments

N_MEDIA = 4
corner = hnp.arrays(np.float64, 3, elements=st.integers(-5, 5).map(float))
size = hnp.arrays(np.float64, 3, elements=st.integers(1, 8).map(float))


@st.composite
def painted_boxes(draw):
    boxes = []
    for _ in range(draw(st.integers(1, 7))):
        low, extent = draw(corner), draw(size)
        medium = draw(st.integers(0, N_MEDIA - 1))
        boxes.append(PaintedBox(tuple(low), tuple(low + extent), medium))
    return boxes


def painted_medium(boxes, point):
    """Medium of the last box that holds the point, -1 for none."""
    result = -1
    for box in boxes:
        if all(a <= x < b for a, x, b in zip(box.lower, point, box.upper, strict=True)):
            result = box.medium
    return result


directions = hnp.arrays(np.float64, 3, elements=st.floats(-1, 1)).filter(
    lambda v: np.linalg.norm(v) > 0.1
)


@given(painted_boxes(), hnp.arrays(np.float64, (20, 3), elements=st.floats(-7, 14)))
def test_signed_boxes_are_painters_order(boxes, points):
    found = paint(boxes, N_MEDIA).at(points)
    for point, medium in zip(points, found, strict=True):
        expected = np.zeros(N_MEDIA)
        if (last := painted_medium(boxes, point)) >= 0:
            expected[last] = 1
        assert medium.tolist() == expected.tolist()


def test_layers_displace_air_as_one_box():
    layers = [PaintedBox((-1, -1, z), (1, 1, z + 1), 1 + z % 2) for z in range(4)]
    signed = paint([PaintedBox((-5, -5, -5), (5, 5, 5), 0), *layers], 3)
    assert np.sum(signed.coefficients[:, 0] != 0) == 2
    assert len(signed.lower) == 2 + len(layers)


def test_equal_boxes_that_overlap_are_all_kept():
    """Painting three boxes in a row into one another takes some pieces away twice."""
    boxes = [PaintedBox((0, 0, a), (2, 2, b), m) for a, b, m in ((0, 6, 0), (1, 4, 1), (2, 4, 0))]
    z = np.arange(0, 7) + 0.5
    points = np.stack([np.ones(7), np.ones(7), z], axis=1)
    assert paint(boxes, 2).at(points)[:, 0].tolist() == [1, 0, 1, 1, 1, 1, 0]


@given(painted_boxes(), corner, directions)
def test_path_lengths_in_each_medium(boxes, origin, direction):
    direction = direction / np.linalg.norm(direction)
    origin = origin + 0.123  # off the faces, which lie on integers
    signed = paint(boxes, N_MEDIA)
    near, far = ray_segments(origin[None], direction[None], signed.lower, signed.upper)
    lengths = ((far - near) @ signed.coefficients)[0]
    steps = np.linspace(0, 40, 4001)
    middle = origin + (steps[:-1, None] + 0.005) * direction
    counted = np.sum(signed.at(middle), axis=0) * 0.01
    # each face crossed can be misplaced by one step
    assert lengths == pytest.approx(counted, abs=0.01 * (2 * len(signed.lower) + 1))
    assert np.all(lengths > -1e-9)


@given(painted_boxes(), corner, directions)
def test_rays_are_mirror_symmetric(boxes, origin, direction):
    direction = direction / np.linalg.norm(direction)
    origin = origin + 0.123
    mirrored = [
        PaintedBox(tuple(-np.array(b.upper)), tuple(-np.array(b.lower)), b.medium) for b in boxes
    ]
    lengths = []
    for sign, these in ((1, boxes), (-1, mirrored)):
        signed = paint(these, N_MEDIA)
        near, far = ray_segments(
            sign * origin[None], sign * direction[None], signed.lower, signed.upper
        )
        lengths.append(((far - near) @ signed.coefficients)[0])
    assert lengths[0] == pytest.approx(lengths[1], abs=1e-9)


def test_ray_along_the_beam_sees_the_layers():
    boxes = [
        PaintedBox((-1, -1, 0), (1, 1, 10), 0),
        PaintedBox((-1, -1, 4), (1, 1, 5), 1),
    ]
    signed = paint(boxes, 2)
    origin, backwards = np.array([[0.3, -0.2, 12.0]]), np.array([[0.0, 0.0, -1.0]])
    near, far = ray_segments(origin, backwards, signed.lower, signed.upper)
    assert ((far - near) @ signed.coefficients)[0] == pytest.approx([9, 1])


@given(corner, directions, st.floats(0.5, 8), st.floats(-4, 8))
def test_interval_within_cylinder_and_plane(origin, direction, radius, upstream):
    direction = direction / np.linalg.norm(direction)
    origin = origin + 0.123
    near, far = interval_within(origin[None], direction[None], radius, upstream)
    distance = np.linspace(0, 60, 6001)[1:]
    points = origin + distance[:, None] * direction
    inside = (np.hypot(points[:, 0], points[:, 1]) < radius) & (points[:, 2] > -upstream)
    counted = np.sum(inside) * 0.01
    assert min(far[0], 60.0) - min(near[0], 60.0) == pytest.approx(counted, abs=0.03)


def test_target_densities_conserve_mass_and_charge():
    # water, 1 g/cm3: N_A / 18.02 molecules, 10 protons and 8 neutrons each, of them 2 free protons
    densities = target_densities({"H1": 0.1119, "O16": 0.8881}, 1.0)
    molecules = densities["O16"]
    assert molecules == pytest.approx(3.343e22, rel=2e-3)
    assert densities["p"] == pytest.approx(2 * molecules, rel=2e-3)
    assert densities[BOUND_PROTON] == pytest.approx(8 * molecules)
    assert densities[BOUND_NEUTRON] == pytest.approx(8 * molecules)


def test_unknown_nuclide():
    with pytest.raises(ValueError, match="Zz9"):
        target_densities({"Zz9": 1.0}, 1.0)
