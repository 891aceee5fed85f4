"""Rock upstream of where it begins: counted for the uncertainty of its length alone."""

import numpy as np
import pytest

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.likelihood import experiment as likelihood
from hnlstat.models.dipole import DipoleUpscattering
from hnlstat.physics.targets import target
from hnlstat.search.masses import simulate_study
from hnlstat.simulation.apparatus import Apparatus
from hnlstat.simulation.production import ProductionJob
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Scatterer
from hnlstat.simulation.setup import rock_beyond, without_rock
from hnlstat.studies import load

MASSES, COUPLINGS = np.array([0.03, 0.15]), np.array([1e-8, 3e-7, 1e-6])
LONGER = "detector.volumes.rock.size=[48, 48, 190]", "detector.volumes.rock.center=[0, 0, -87]"


def table(*overrides, masses=MASSES):
    study = load(["simulation.precision=0.3", "exposure=t2k_2023", *overrides])
    return simulate_study(study, masses, COUPLINGS, lambda jobs: [job.run() for job in jobs])


def test_the_matter_beyond_counts_apart_as_its_length():
    """A slab, wide as it is seen, at long lifetimes: each metre sees the same."""
    boxes = [PaintedBox((-900, -900, -40), (900, 900, -10), 0)]
    boxes += [PaintedBox((-900, -900, -55), (900, 900, -40), 1)]
    edges, flux = np.array([0.4, 1.0, 2.0]), np.array([[1e10, 3e10]])
    apparatus = Apparatus(
        paint(boxes, 2), DipoleUpscattering(),
        (Scatterer("C12", target("C12"), None, np.full(2, 5e22)),),
        np.array([True, False]), (Box((0, 0, 0), (1, 1, 1)),), edges, flux,
        0.99, None, None, True, beyond=np.array([False, True]),
    )  # fmt: skip
    goal = Precision(0.01, np.ones((1, 1)), 0.0, 1_000_000)
    sample = simulate(apparatus, 0.1, np.array([1e-12]), np.array([1e-9]), goal, 1)
    assert sample.rock == pytest.approx(sample.decays, rel=1e-12)
    assert sample.beyond / sample.decays == pytest.approx(15 / 30, rel=1e-5)


@pytest.mark.parametrize("settings", [(), ("search=tpc_ee_tracks",), ("detector=nd280_upgrade",)])
def test_the_modifier_is_what_longer_soil_gives(settings):
    found, longer = table(*settings), table(*settings, *LONGER, "systematics=none")
    change = np.divide(longer.events, found.events, out=np.ones_like(found.events),
                       where=found.events > 0) - 1  # fmt: skip
    assert found.modifiers["rock_length"] == pytest.approx(change, rel=1e-6, abs=1e-9)
    # 20 m more of 144 m at long lifetimes, nothing where N do not come from so far
    assert np.all(np.abs(found.modifiers["rock_length"][0, 0] - 20 / 143.5) < 0.01)
    assert np.all(found.modifiers["rock_length"][1, -1] < 2e-3)


def test_the_nominal_yields_do_not_change_by_it():
    with_it, without = table(), table("systematics.rock_length=0")
    assert np.array_equal(with_it.events, without.events)
    assert np.array_equal(with_it.mc_error, without.mc_error)
    assert "rock_length" not in without.modifiers


def test_between_masses_it_is_interpolated():
    fine = np.geomspace(0.03, 0.036, 9)
    found = table(masses=fine)
    assert found.interpolated.any()
    change = found.modifiers["rock_length"]
    assert np.all(np.abs(change[1:] / change[:-1] - 1) < 0.02)


def test_it_is_a_parameter_of_the_likelihood_unless_it_is_zero():
    study, yields = load(["exposure=t2k_2023"]), table()
    assert "rock_length_t2k_nd280" in likelihood.experiment(study, yields).modifiers
    without = load(["exposure=t2k_2023", "systematics.rock_length=0"])
    assert "rock_length_t2k_nd280" not in likelihood.experiment(without, yields).modifiers


def test_no_event_begins_beyond_the_soil():
    study = load(["exposure=t2k_2023"])
    production = ProductionJob(study, 0.03, 1e-8, 2000, False).run()
    assert production.vertex[:, 2].min() > -162


BLOCK = {"material": "rock", "density": 2, "size": [40, 40, 10]}
UPSTREAM = {
    "one": {"a": BLOCK | {"center": [0, 0, -20]}, "near": BLOCK | {"center": [0, 0, -5]}},
    "two side by side": {
        "left": BLOCK | {"center": [-20, 0, -20], "density": 1.8},
        "right": BLOCK | {"center": [20, 0, -20]},
    },
    "layers": {
        "stack": {
            "start": -25, "center": [0, 0], "size": [40, 40], "repeat": 2,
            "layers": [{"material": "rock", "density": 2, "thickness": 3},
                       {"material": "air", "density": 1e-3, "thickness": 2}],
        }
    },
    "none": {"a": BLOCK | {"center": [0, 0, -20], "material": "iron"}},
}  # fmt: skip


@pytest.mark.parametrize("name", UPSTREAM)
def test_all_rock_at_the_upstream_edge_goes_on(nd280, name):
    detector = nd280.datasets[0].detector
    volumes = {**UPSTREAM[name], "hall": {**detector.volumes["hall"].model_dump()}}
    boxes, media = rock_beyond(detector.replace(volumes=volumes), 20, 7)
    assert len(boxes) == {"one": 1, "two side by side": 2, "layers": 1, "none": 0}[name]
    assert [medium[0] for medium in media] == ["rock"] * len(boxes)
    assert [box.medium for box in boxes] == [*range(7, 7 + len(boxes))]
    assert all((box.lower[2], box.upper[2]) == (-45, -25) for box in boxes)


def test_what_is_described_upstream_of_the_soil_stays():
    wall = "{material: iron, density: 7.8, center: [0, 0, -172], size: [48, 48, 20]}"
    found = table(f"+detector.volumes.dump={wall}")
    assert np.all(found.modifiers["rock_length"] == 0)


@pytest.mark.parametrize("switched_off", ["", "rock_density", "rock_length", "both"])
def test_soil_of_another_name_has_a_word_that_nothing_varies(switched_off):
    off = ["rock_density", "rock_length"] if switched_off == "both" else [switched_off]
    settings = [f"systematics.{key}=0" for key in off if key]
    assert without_rock(load(settings)) == []
    soil = "detector.volumes.rock.material=iron"
    found = without_rock(load([soil, *settings]))
    assert len(found) == (switched_off != "both")
    assert all("no volume of nd280 is of the material 'rock'" in text for text in found)
    assert not any(key in text for text in found for key in off if key)
