"""N in spheres, cylinders and prisms: closed forms, and boxes that make up the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.detector.geometry import PaintedBox, PaintedShape, paint
from hnlstat.detector.round_shapes import Cylinder, Sphere
from hnlstat.detector.shapes import Box, HexagonalPrism
from hnlstat.models.dipole import DipoleUpscattering
from hnlstat.physics.targets import target
from hnlstat.report.production_figures import close_view, vertices_figure
from hnlstat.run.files.yields import read_yields
from hnlstat.simulation.apparatus import Apparatus
from hnlstat.simulation.production import ProductionJob
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Scatterer
from hnlstat.simulation.setup import apparatus as apparatus_of
from hnlstat.simulation.setup import rock_beyond
from hnlstat.studies import load

MINE = Path(__file__).parents[1] / "mine"
HERE = f"hydra.searchpath=['file://{MINE}']"
ORIGIN, X, Z = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
LONG, SHORT = 1e-7, 1e6
"""Inverse decay lengths [1/m]: nearly no N decays nearby, and all of them do."""


def apparatus(*matter, fiducial, **changes):
    painted = [
        PaintedBox(*(tuple(e.tolist()) for e in np.array(shape.extent).T), 0)
        if isinstance(shape, Box)
        else PaintedShape(shape, 0)
        for shape in matter
    ]
    made = Apparatus(
        boxes=paint(painted, 1), source=DipoleUpscattering(),
        scatterers=(Scatterer("C12", target("C12"), None, np.array([5e22])),),
        rock=np.array([False]), fiducial=tuple(fiducial), edges=np.array([0.4, 0.6, 1.0, 2.0, 5.0]),
        flux=np.array([[1e10, 3e10, 2e10, 1e9]]), min_cos_theta=-1.0, radius=None, upstream=None,
        survival=True,
    )  # fmt: skip
    return replace(made, **changes)


def decays(made, kappa, precision=0.002):
    goal = Precision(precision, np.ones((1, 1)), 0.0, 2_000_000)
    sample = simulate(made, 0.05, np.array([1e-6]), np.array([kappa]), goal, 1)
    return sample.decays[0, :, 0], sample.error[0, :, 0]


@pytest.mark.parametrize("survival", [True, False])
def test_a_sphere_that_lives_on_its_own_matter_goes_as_the_fourth_power_of_its_radius(survival):
    """A point in it is 3/4 of the radius from its surface on average, whatever the direction."""
    found = [
        decays(apparatus(ball, fiducial=[ball], survival=survival), LONG)
        for ball in (Sphere((1, 2, 3), 1.0), Sphere((0, -5, 70), 2.0))
    ]
    (one, first), (two, second) = found
    ratio = two / one
    assert ratio == pytest.approx(16, rel=4 * np.hypot(first / one, second / two).item())
    # if they decay at once, those that are made in it count: the volume
    if survival:
        one, two = (decays(apparatus(b, fiducial=[b]), SHORT)[0] for b in (
            Sphere(ORIGIN, 1.0), Box(ORIGIN, (1, 2, 3))
        ))  # fmt: skip
        assert one / two == pytest.approx(4 / 3 * np.pi / 6, rel=0.01)


def test_forward_going_n_see_the_squares_of_chords():
    """Decays go as the integral of chord^2 / 2 across the beam, with all angles below 0.3 deg."""
    radius, length, apothem = 1.3, 2.0, 0.811
    ball, hexagon = Sphere(ORIGIN, radius), HexagonalPrism(ORIGIN, apothem, length, Z, X)
    along, upright = Cylinder(ORIGIN, radius, length, Z), Cylinder(ORIGIN, radius, length, X)
    expected = {
        ball: np.pi * radius**4 / 2 * 2,
        along: np.pi * radius**2 * length**2 / 2,
        upright: length * 8 / 3 * radius**3,
        hexagon: np.sqrt(12) * apothem**2 * length**2 / 2,
        Box(ORIGIN, (1, 2, 3)): 1 * 2 * 9 / 2,
    }
    found = {
        shape: decays(apparatus(shape, fiducial=[shape], min_cos_theta=1 - 1e-5), LONG)[0].item()
        for shape in expected
    }
    scale = found[ball] / expected[ball]
    for shape, value in found.items():
        assert value / scale == pytest.approx(expected[shape], rel=0.01), shape


def test_volumes_of_all_shapes_are_sampled_together():
    """One after the other, or in one sample: the same rays."""
    matter = Box((0, 0, -20), (30, 30, 20))
    regions = [
        Sphere((0, 0, 2), 1), Box((3, 0, 0), (1, 1, 1)), Cylinder((0, 3, 0), 1, 2, (0.6, 0, 0.8)),
        HexagonalPrism((-3, 0, 0), 0.8, 2, Z, X),
    ]  # fmt: skip
    for kappa, changes in ((0.1, {}), (3.0, {"survival": False})):
        together, _ = decays(apparatus(matter, fiducial=regions, **changes), kappa, np.inf)
        alone, _ = decays(apparatus(matter, fiducial=regions[:1], **changes), kappa, np.inf)
        assert together[0] == pytest.approx(alone[0], rel=1e-12)
        assert np.all(together > 0)


def staircase(radius, steps):
    """Square boxes whose area is that of a ball's discs: as much, and as deep along the beam."""
    edges = np.linspace(-radius, radius, steps + 1)
    areas = np.pi * (radius**2 - (edges[1:] ** 2 + edges[1:] * edges[:-1] + edges[:-1] ** 2) / 3)
    return [
        ((low + high) / 2, side, high - low)
        for low, high, side in zip(edges[:-1], edges[1:], np.sqrt(areas), strict=True)
    ]


@pytest.fixture(scope="module")
def yields(tmp_path_factory):
    """The command line on the sphere in its vault, and on the same made up of boxes."""

    def run(name, *overrides):
        folder = tmp_path_factory.mktemp(name)
        assert main([
            HERE, "detector=oil_sphere", "task=yields", "experiment=quick", "executor=serial",
            "simulation.precision=0.5 %", "scan.mass.values=[30 MeV, 0.2 GeV]",
            "scan.coupling.values=[1e-8, 1e-7, 1e-6, 1e-5]", f"runs={folder}", *overrides,
        ]) == 0  # fmt: skip
        return read_yields(*folder.glob("*/*/yields.csv"), load().model.axis)

    return run


OIL = "material: oil, density: 0.845 g/cm3"
AIR = "material: air, density: 1.225e-3 g/cm3"


@pytest.mark.parametrize("earth", [True, False])
def test_a_tank_of_oil_sees_what_boxes_see_that_make_it_up(yields, earth):
    """Both in a box of air; without earth all comes from the oil itself, by its chords."""
    out = ["~detector.volumes.vault", "~detector.volumes.tank", "~detector.fiducial.tank"]
    out += [] if earth else ["~detector.volumes.earth"]
    shapes = {"ball": ["center: [0, 0, 0], radius: 6.096 m"]}
    shapes["boxes"] = [
        f"center: [0, 0, {z}], size: [{side}, {side}, {depth}]"
        for z, side, depth in staircase(6.096, 24)
    ]
    found = {}
    for name, pieces in shapes.items():
        volumes = ", ".join(f"oil_{i}: {{{OIL}, {piece}}}" for i, piece in enumerate(pieces))
        regions = ", ".join(f"oil_{i}: {{{piece}}}" for i, piece in enumerate(pieces))
        hall = f"hall: {{{AIR}, center: [0, 0, 0], size: [20, 20, 14]}}"
        table = yields(
            name, *out, f"+detector.volumes={{{hall}, {volumes}}}",
            f"+detector.fiducial={{{regions}}}",
        )  # fmt: skip
        found[name] = table.events.sum(axis=-1), np.sqrt(np.sum(table.mc_error**2, axis=-1))
    one, two = found["ball"], found["boxes"]
    relative = np.hypot(one[1] / one[0], two[1] / two[0])
    assert np.all(relative < 0.02)
    # 24 stairs are not quite round, and N go at small angles to the beam
    assert np.all(np.abs(one[0] / two[0] - 1) < 4 * relative + 0.005)


def test_events_lie_in_the_tank_and_are_made_in_what_is_there():
    study = load([HERE, "detector=oil_sphere", "task=events", "model.mass=0.1",
                  "model.coupling=1e-6"])  # fmt: skip
    production = ProductionJob(study, 0.1, 1e-6, 4000, False).run()
    distance = np.linalg.norm(production.vertex, axis=1)
    for material, near, far in (("oil", 0, 6.096), ("air", 6.096, 6.858), ("rock", 6.858, 99)):
        mine = production.material == material
        assert mine.any()
        assert np.all((distance[mine] > near - 1e-9) & (distance[mine] < far + 1e-9))
    (dataset,) = study.datasets
    figure = vertices_figure(
        production, dataset, axis=load().model.axis, rng=np.random.default_rng(1)
    )
    outlines = [patch.get_path().vertices for patch in figure.axes[1].patches]
    assert np.hypot(*outlines[2][:-1].T) == pytest.approx(6.096)
    assert close_view(dataset.detector)[1] == pytest.approx((-7.358, 7.358))
    app = apparatus_of(
        study,
        dataset.detector,
        tuple(dataset.detector.fiducial),
        -1.0,
        np.ones((1, 1)),
        np.array([0.0, 1.0]),
    )
    assert app.fiducial == (Sphere(ORIGIN, 6.096),)


SHAFT = {"material": "rock", "density": 2, "center": [0, 0, -30], "length": 40}


@pytest.mark.parametrize(
    "shape", [{"radius": 9, "axis": [0, 0, -3]}, {"apothem": 9, "axis": "z", "flat": "y"}]
)
def test_rock_of_round_and_hexagonal_ends_goes_on(shape):
    detector = load([HERE, "detector=oil_sphere"]).datasets[0].detector
    volumes = {"shaft": SHAFT | shape, **detector.model_dump()["volumes"]}
    volumes.pop("earth")
    changed = detector.replace(volumes=volumes)
    (more,), media = rock_beyond(changed, 15, 4)
    assert media == [("rock", 2)]
    assert more.medium == 4
    assert more.shape.extent[2] == pytest.approx((-65, -50))
    assert more.shape.extent[:2] == changed.volumes["shaft"].extent[:2]
