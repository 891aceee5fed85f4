import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.config.base import Section, validate
from hnlstat.config.executor import Executor, Processes
from hnlstat.config.scan import CouplingGrid, MassGrid
from hnlstat.config.sections import (
    Exposure,
    FluxUncertainty,
    Inference,
    Model,
    Simulation,
    Systematics,
)
from hnlstat.config.selection import Efficiency
from hnlstat.errors import ConfigError

SIMULATION = {
    "radius": "auto",
    "upstream": "50 m",
    "upstream_offset": 0,
    "decay_lengths": None,
    "survival": True,
    "bound_nucleons": ["p", "n"],
    "pauli": "none",
    "fermi_momentum": "220 MeV",
    "seed": 1,
    "precision": "1 %",
    "max_points": 1e5,
    "interpolate_masses": True,
}
MODEL = {
    "kind": "dipole",
    "flavours": {"e": 0, "mu": 1, "tau": 0},
    "nature": "dirac",
    "width_factor": 1,
    "branching_ratio": "tree_level",
    "mass": "400 MeV",
    "coupling": "1e-6 GeV^-1",
}
SYSTEMATICS = {
    "background": {"fhc": "30 %"},
    "efficiency": 0.2,
    "flux": False,
    "rock_density": 0,
    "rock_length": "20 m",
    "form_factor": 0,
    "pauli": 0,
    "mc_statistics": True,
}
INFERENCE = {
    "calculator": "auto",
    "toys": 20000,
    "seed": 1,
    "levels": ["90 %", 0.95],
    "sigmas": [5],
}


@given(
    low=st.floats(1e-12, 1e3),
    factor=st.floats(1.001, 1e9),
    points=st.integers(2, 200),
    spacing=st.sampled_from(["log", "linear"]),
)
def test_a_grid_rises_from_min_to_max(low: float, factor: float, points: int, spacing: str) -> None:
    grid = MassGrid(min=low, max=low * factor, points=points, spacing=spacing)  # type: ignore[arg-type]
    array = grid.array()
    assert array.shape == (points,)
    assert (array[0], array[-1]) == (low, low * factor)
    assert np.all(np.diff(array) > 0)


def test_values_replace_the_range() -> None:
    grid = CouplingGrid(min=1, max=2, points=3, values=["1e-7 GeV^-1", 1e-6])  # type: ignore[arg-type]
    np.testing.assert_array_equal(grid.array(), [1e-7, 1e-6])
    np.testing.assert_array_equal(MassGrid(min=2, max=2, points=1).array(), [2])


def test_units_are_read() -> None:
    model = validate(Model, MODEL)
    assert (model.mass, model.coupling) == (0.4, 1e-6)
    simulation = validate(Simulation, SIMULATION)
    assert (simulation.radius, simulation.upstream, simulation.precision) == ("auto", 50, 0.01)
    assert validate(Inference, INFERENCE).levels == (0.9, 0.95)


BAD: list[tuple[type[Section], object, str]] = [
    (MassGrid, {"values": []}, r"k.values: \[\] is an empty grid"),
    (MassGrid, {"values": [0.2, 0.1]}, r"k.values: \[0.2, 0.1\] does not rise"),
    (MassGrid, {"values": ["1 m"]}, "k.values.0: 1 m is a length, expected an energy in GeV"),
    (MassGrid, {"values": [0]}, "k.values.0: 0 is not positive"),
    (MassGrid, {"min": 1, "max": 2, "points": 0}, "k.points: 0 is an empty grid"),
    (MassGrid, {"min": 2, "max": 1, "points": 5}, "k.max: 1 is not above min, 2"),
    (MassGrid, {"min": 1, "max": 1, "points": 5}, "k.max: 1 is not above min, 1"),
    (MassGrid, {"min": 1, "max": 2, "points": 1}, "k.max: 2 differs, for one point, from min, 1"),
    (MassGrid, {"min": 1, "points": 5}, "k.max: is missing"),
    (MassGrid, {"min": 1, "max": 2, "points": 5, "step": 1}, "k.step: unknown key"),
    (CouplingGrid, {"values": ["1 GeV"]}, "1 GeV is an energy, expected a coupling in GeV"),
    (Model, {**MODEL, "nature": "major"}, "k.nature: major is not one of 'dirac' or 'majorana'"),
    (Model, {**MODEL, "flavours": {"e": 0, "mu": 0, "tau": 1}}, "k.flavours: e and mu are 0"),
    (Model, {**MODEL, "flavours": {"mu": 1, "tau": 1}}, "k.flavours.e: is missing"),
    (Model, {**MODEL, "mass": -1}, "k.mass: -1 is not positive"),
    (Simulation, {**SIMULATION, "radius": "far"}, "k.radius: far is not a length in m"),
    (
        Simulation,
        {**SIMULATION, "upstream": "auto", "decay_lengths": 4},
        "k.upstream: auto cannot go with decay_lengths",
    ),
    (Simulation, {**SIMULATION, "radius": 0}, "k.radius: 0 is not positive"),
    (Simulation, {**SIMULATION, "seed": 1.5}, "k.seed: 1.5: input should be a valid integer"),
    (Simulation, {**SIMULATION, "precision": 1}, "k.precision: 1 is not between 0 and 1"),
    (Systematics, {**SYSTEMATICS, "efficiency": 20}, "k.efficiency: 20 is not a relative size"),
    (Systematics, {**SYSTEMATICS, "background": 0.3}, "k.background: 0.3 is not a mapping"),
    (Inference, {**INFERENCE, "levels": [90]}, "k.levels.0: 90 is not between 0 and 1"),
    (Inference, {**INFERENCE, "levels": []}, r"k.levels: \[\] is empty"),
    (Inference, {**INFERENCE, "levels": 0.9}, r"k.levels: 0.9 is not a list; write \[0.9\]"),
    (Inference, {**INFERENCE, "sigmas": [9]}, "k.sigmas.0: 9 is above 7 standard deviations"),
    (Exposure, {"name": "x", "pot": {"fhc": "1 m"}, "observed": None}, "k.pot.fhc: 1 m is a len"),
    (Exposure, {"name": "x", "pot": {}, "observed": None}, "k.pot: {} is empty"),
    (Exposure, {"name": "x", "pot": {"fhc": 1}, "observed": {"rhc": 0}}, "k.observed: has"),
    (Exposure, {"name": "x", "pot": {"fhc": 1}, "observed": {"fhc": -1}}, "k.observed.fhc: -1"),
    (Efficiency, {"mass": [0.1, 0.2], "value": [0.1]}, "k.value: has 1 entries for 2 masses"),
    (Efficiency, {"mass": [0.1], "value": [1.1]}, "k.value.0: 1.1 is not between 0 and 1"),
    (FluxUncertainty, {"edges": [0, 1], "size": [0.1, 0.1]}, "k.size: has 2 values for 1 bins"),
    (Systematics, SYSTEMATICS | {"rock_length": "-1 m"}, "k.rock_length: -1 m is not a length fr"),
    (Systematics, SYSTEMATICS | {"rock_length": "20 km"}, "k.rock_length: 20 km is not a length"),
    (Systematics, SYSTEMATICS | {"rock_length": "10 %"}, "k.rock_length: 10 % is a number, expe"),
    (Processes, {"kind": "processes", "workers": 0}, "k.workers: 0 is neither a positive whole"),
    (Executor, {"kind": "slurm"}, "k.kind: slurm is not one of 'serial', 'processes'"),
    (Executor, "serial", "k: serial is not a mapping"),
]


@pytest.mark.parametrize(("section", "data", "message"), BAD)
def test_bad_values(section: type[Section], data: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        validate(section, data, "k")
    assert "\n" not in str(error.value)
