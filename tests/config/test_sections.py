from collections.abc import Iterator

import numpy as np
import pytest
from axes import ANY
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.config.base import Section, validate
from hnlstat.config.bins import Background
from hnlstat.config.coupling import CouplingAxis, measured_on
from hnlstat.config.dataset import Exposure
from hnlstat.config.events import EventFile
from hnlstat.config.executor import Dask, DaskSlurm, Executor, Processes
from hnlstat.config.flux import FluxUncertainty
from hnlstat.config.scan import CouplingGrid, MassGrid, Scan
from hnlstat.config.search import Efficiency
from hnlstat.config.sections import (
    Inference,
    Simulation,
    Systematics,
)
from hnlstat.config.task import CoverageTask, FitTask
from hnlstat.errors import ConfigError
from hnlstat.models.dipole import Dipole

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
    "searches": True,
    "background": {"fhc": "30 %"},
    "efficiency": 0.2,
    "flux": False,
    "rock_density": 0,
    "rock_length": "20 m",
    "form_factor": 0,
    "pauli": 0,
    "mc_statistics": True,
}
GRID = {"min": 0.1, "max": 1, "points": 10_000}
EVENTS = {"number": 10, "couplings": [], "format": "npz"}
COVERAGE = {
    "kind": "coverage",
    "signals": [1],
    "levels": [0.9],
    "nuisances": ["drawn"],
    "toys": 100,
}
SLURM = {
    "kind": "dask_slurm", "timeout": None, "jobs": 1, "cores": 1, "memory": "2 GB",
    "interface": None, "prologue": [], "log_directory": None, "walltime": "1:00:00",
    "queue": None, "account": None, "directives": [],
}  # fmt: skip
INFERENCE = {
    "calculator": "auto",
    "toys": 20000,
    "seed": 1,
    "levels": ["90 %", 0.95],
    "sigmas": [5],
}


@given(
    low=st.floats(1e-5, 1),
    factor=st.floats(1.01, 1e3),
    points=st.integers(2, 200),
    spacing=st.sampled_from(["log", "linear"]),
)
def test_a_grid_rises_from_min_to_max(low: float, factor: float, points: int, spacing: str) -> None:
    grid = MassGrid(min=low, max=low * factor, points=points, spacing=spacing)  # type: ignore[arg-type]
    array = grid.array()
    assert array.shape == (points,)
    assert (array[0], array[-1]) == (low, low * factor)
    assert np.all(np.diff(array) > 0)


@pytest.fixture(autouse=True)
def _couplings_are_those_of_the_dipole() -> Iterator[None]:
    with measured_on(ANY):
        yield


def test_values_replace_the_range() -> None:
    grid = CouplingGrid(min=0.1, max=0.2, points=3, values=["1e-7 GeV^-1", 1e-6])  # type: ignore[arg-type]
    np.testing.assert_array_equal(grid.array(), [1e-7, 1e-6])
    np.testing.assert_array_equal(MassGrid(min=2, max=2, points=1).array(), [2])


def test_units_are_read() -> None:
    model = validate(Dipole, MODEL)
    assert (model.mass, model.coupling) == (0.4, 1e-6)
    simulation = validate(Simulation, SIMULATION)
    assert (simulation.radius, simulation.upstream, simulation.precision) == ("auto", 50, 0.01)
    assert validate(Inference, INFERENCE).levels == (0.9, 0.95)


BAD: list[tuple[type[Section], object, str]] = [
    (MassGrid, {"values": []}, r"k.values: \[\] is an empty grid"),
    (MassGrid, {"values": [0.2, 0.1]}, r"k.values: \[0.2, 0.1\] does not rise"),
    (
        MassGrid,
        {"values": [0.1, 0.1000000001]},
        "k.values: .* has 0.1 and 0.1000000001, which are ne",
    ),
    (
        MassGrid,
        {"values": [0.3, 0.30000000000000004]},
        "0.3 and 0.30000000000000004, which are nea",
    ),
    (CouplingGrid, {"values": [1e-7, "1.000009e-7 GeV^-1"]}, "1e-07 and 1.000009e-07, which are n"),
    (MassGrid, {"min": 1, "max": 1.0001, "points": 50}, "k.points: 50 between 1.0 and 1.0001 are"),
    (
        MassGrid,
        {"min": 1, "max": 2, "points": 10**11, "spacing": "linear"},
        "k.points: .* would take about 2e.05 GB",
    ),
    (MassGrid, {"values": ["1 m"]}, "k.values.0: 1 m is a length, expected an energy in GeV"),
    (MassGrid, {"values": [0]}, "k.values.0: 0 is not positive"),
    (MassGrid, {"min": 1, "max": 2, "points": 0}, "k.points: 0 is an empty grid"),
    (MassGrid, {"min": 2, "max": 1, "points": 5}, "k.max: 1 is not above min, 2"),
    (MassGrid, {"min": 1, "max": 1, "points": 5}, "k.max: 1 is not above min, 1"),
    (MassGrid, {"min": 1, "max": 2, "points": 1}, "k.max: 2 differs, for one point, from min, 1"),
    (MassGrid, {"min": 1, "points": 5}, "k.max: is missing"),
    (MassGrid, {"min": 1, "max": 2, "points": 5, "step": 1}, "k.step: unknown key"),
    (CouplingGrid, {"values": ["1 GeV"]}, "1 GeV is an energy, expected a coupling in GeV"),
    (Dipole, {**MODEL, "nature": "major"}, "k.nature: major is not one of 'dirac' or 'majorana'"),
    (Dipole, {**MODEL, "flavours": {"e": 0, "mu": 0, "tau": 1}}, "k.flavours: e and mu are 0"),
    (Dipole, {**MODEL, "flavours": {"mu": 1, "tau": 1}}, "k.flavours.e: is missing"),
    (Dipole, {**MODEL, "mass": -1}, "k.mass: -1 is not positive"),
    (Simulation, {**SIMULATION, "radius": "far"}, "k.radius: far is not a length in m"),
    (
        Simulation,
        {**SIMULATION, "upstream": "auto", "decay_lengths": 4},
        "k.upstream: auto cannot go with decay_lengths",
    ),
    (
        Simulation,
        {**SIMULATION, "bound_nucleons": ["p", "n", "n"]},
        "k.bound_nucleons: p, n, n has one twice",
    ),
    (Simulation, {**SIMULATION, "radius": 0}, "k.radius: 0 is not positive"),
    (Simulation, {**SIMULATION, "seed": 1.5}, "k.seed: 1.5 is not a whole number"),
    (Simulation, {**SIMULATION, "precision": 1}, "k.precision: 1 is not between 0 and 1"),
    (Systematics, {**SYSTEMATICS, "efficiency": 20}, "k.efficiency: 20 is not a relative size"),
    (Systematics, {**SYSTEMATICS, "background": 30}, "k.background: 30 is not a relative size"),
    (Inference, {**INFERENCE, "levels": [90]}, "k.levels.0: 90 is not between 0 and 1"),
    (Inference, {**INFERENCE, "levels": [1e-300]}, "k.levels.0: 1e-300 is below 0.01"),
    (Inference, {**INFERENCE, "levels": [1 - 1e-16]}, "is beyond 7 standard deviations"),
    (Inference, {**INFERENCE, "levels": [0.9, 0.9]}, "k.levels: 0.9 appears twice"),
    (Inference, {**INFERENCE, "levels": [0.95, 0.9, "90 %"]}, "k.levels: 0.9 appears twice"),
    (
        Inference,
        {**INFERENCE, "levels": [0.9, 0.90000000001]},
        "k.levels: 0.9 is the same as 0.90000000001",
    ),
    (
        Inference,
        {**INFERENCE, "levels": [0.9999997133484281], "sigmas": [5]},
        "k.levels: .* is the same as ",
    ),
    (Inference, {**INFERENCE, "sigmas": [5, 5]}, "k.sigmas: 5 appears twice"),
    (Inference, {**INFERENCE, "sigmas": [40]}, "k.sigmas.0: 40 is above 7"),
    (Inference, {**INFERENCE, "sigmas": [-3]}, "k.sigmas.0: -3 is not positive"),
    (Inference, {**INFERENCE, "levels": []}, r"k.levels: \[\] is empty"),
    (Inference, {**INFERENCE, "levels": 0.9}, r"k.levels: 0.9 is not a list; write \[0.9\]"),
    (Inference, {**INFERENCE, "sigmas": [9]}, "k.sigmas.0: 9 is above 7 standard deviations"),
    (Exposure, {"name": "x", "pot": {"fhc": "1 m"}}, "k.pot.fhc: 1 m is a len"),
    (Exposure, {"name": "x", "pot": {}}, "k.pot: {} is empty"),
    (Exposure, {"name": "x", "pot": {"fhc": 1e20}, "observed": None}, "k.observed: is of the sear"),
    (Efficiency, {"mass": [0.1, 0.2], "value": [0.1]}, "k.value: has 1 entries for 2 masses"),
    (Efficiency, {"mass": [0.1], "value": [1.1]}, "k.value.0: 1.1 is not between 0 and 1"),
    (FluxUncertainty, {"edges": [0, 1], "size": [0.1, 0.1]}, "k.size: has 2 values for 1 bins"),
    (Systematics, SYSTEMATICS | {"rock_length": "-1 m"}, "k.rock_length: -1 m is not a length fr"),
    (Systematics, SYSTEMATICS | {"rock_length": "20 km"}, "k.rock_length: 20 km is not a length"),
    (Systematics, SYSTEMATICS | {"rock_length": "10 %"}, "k.rock_length: 10 % is a number, expe"),
    (
        Processes,
        {"kind": "processes", "workers": 0},
        "k.workers: 0 is neither a whole number from 1 to 4096",
    ),
    (Executor, {"kind": "slurm"}, "k.kind: slurm is not one of 'serial', 'processes'"),
    (Executor, "serial", "k: serial is not a mapping"),
    (MassGrid, {"values": [1e-300]}, "k.values.0: 1e-300 is below 1e-05 GeV, the least here"),
    (MassGrid, {"min": 1e-320, "max": 1, "points": 5}, "k.min: .* is below 1e-05 GeV"),
    (MassGrid, {"min": 0.1, "max": 1, "points": 1e11}, "k.points: .* would take about 2e.05 GB"),
    (MassGrid, {"min": 0.1, "max": 1, "points": True}, "k.points: True is not a whole number"),
    (CouplingGrid, {"values": [1e300]}, "k.values.0: 1e.300 is above 1 GeV.-1, the most here"),
    (CouplingGrid, {"values": [1e-150]}, "k.values.0: 1e-150 is below 1e-12 GeV.-1"),
    (
        Scan,
        {"mass": GRID, "coupling": GRID, "table": None},
        "k.mass: 10000 masses with 10000 couplings would take",
    ),
    (Dipole, {**MODEL, "width_factor": 1e-300}, "k.width_factor: 1e-300 is below 1e-06"),
    (Dipole, {**MODEL, "coupling": 1e308}, "k.coupling: 1e.308 is above 1 GeV"),
    (Dipole, {**MODEL, "flavours": {"e": 0, "mu": 1, "tau": 1e308}}, "k.flavours.tau: 1e.308 is a"),
    (Dipole, {**MODEL, "flavours": {"e": 1e-300, "mu": 1, "tau": 0}}, "k.flavours.e: 1e-300 is be"),
    (Simulation, {**SIMULATION, "radius": 1e300}, "k.radius: 1e.300 is above 1e.06 m"),
    (Simulation, {**SIMULATION, "upstream_offset": -1e300}, "k.upstream_offset: .* is below -1e"),
    (Simulation, {**SIMULATION, "seed": True}, "k.seed: True is not a whole number"),
    (Simulation, {**SIMULATION, "seed": "1_0"}, "k.seed: 1_0 is not a whole number"),
    (Simulation, {**SIMULATION, "precision": 1e-300}, "k.precision: 1e-300 is below 0.0001"),
    (Simulation, {**SIMULATION, "max_points": 1e12}, "k.max_points: .* would take about 2e.05 GB"),
    (Inference, {**INFERENCE, "levels": [1e-300]}, "k.levels.0: 1e-300 is below 0.01"),
    (Inference, {**INFERENCE, "toys": 1e9}, "k.toys: .* would take about 200 GB of memory"),
    (Inference, {**INFERENCE, "sigmas": ["5 %"]}, "k.sigmas.0: 5 % is a percentage, expected a pl"),
    (EventFile, {**EVENTS, "number": True}, "k.number: True is not a whole number"),
    (EventFile, {**EVENTS, "number": 1e12}, "k.number: .* would take about 3e.05 GB on disk"),
    (EventFile, {**EVENTS, "couplings": [1e308]}, "k.couplings.0: 1e.308 is above 1 GeV"),
    (
        Background,
        {"events": 1, "pot": "5 %"},
        "k.pot: 5 % is a number, expected a number of protons",
    ),
    (Background, {"events": 1, "pot": 1.5}, "k.pot: 1.5 is below 1e.10 POT"),
    (
        Background,
        {"events": "5 %", "pot": 1e20},
        "k.events: 5 % is a percentage, expected a plain",
    ),
    (Exposure, {"name": "../x", "pot": {"fhc": 1e20}}, "k.name: ../x is not a na"),
    (Exposure, {"name": "x", "pot": {"../x": 1e20}}, "k.pot.*../x is not a name"),
    (CoverageTask, {**COVERAGE, "toys": 1e9}, "k.toys: .* would take about 200 GB of memory"),
    (CoverageTask, {**COVERAGE, "signals": [1e300]}, "k.signals.0: 1e.300 is above 1e.09"),
    (
        FitTask,
        {"kind": "fit", "levels": [], "sigmas": [], "points": 1e9},
        "k.points: .* would take ab",
    ),
    (DaskSlurm, {**SLURM, "queue": "a\n#SBATCH"}, "k.queue: .*#SBATCH' is not one line"),
    (DaskSlurm, {**SLURM, "walltime": "1h"}, "k.walltime: 1h is not a time limit"),
    (Dask, {"kind": "dask", "scheduler": None, "workers": 1, "timeout": "5 %"}, "is a percentage"),
]


@pytest.mark.parametrize(("section", "data", "message"), BAD)
def test_bad_values(section: type[Section], data: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        validate(section, data, "k")
    assert "\n" not in str(error.value)


def test_a_coupling_has_the_unit_of_its_model() -> None:
    axis = CouplingAxis("g", "g", "coupling", "GeV^-2", "coupling_inv_gev2", 1e-9, 1.0)
    with measured_on(axis):
        grid = validate(CouplingGrid, {"values": ["1e-9 MeV^-2", 0.1]})
    np.testing.assert_allclose(grid.array(), [1e-3, 0.1])
    assert axis.text(0.1) == "g = 0.1 GeV^-2"
    with measured_on(CouplingAxis("u", "u", "mixing", "", "coupling_u2", 1e-9, 1.0)):
        assert validate(CouplingGrid, {"values": ["1 %"]}).array() == [0.01]
        with pytest.raises(ConfigError, match="inverse energy, expected a coupling without a unit"):
            validate(CouplingGrid, {"values": ["0.1 GeV^-1"]})


@pytest.mark.parametrize("value", ["1e-7 GeV^-1", True, None, "1e-7"])
def test_without_a_model_a_coupling_is_a_number(value: object) -> None:
    from hnlstat.config import coupling

    token = coupling._AXIS.set(None)
    try:
        assert validate(CouplingGrid, {"values": [1e-20]}).array() == [1e-20]
        with pytest.raises(ConfigError, match="is not a number, and without a model a coupling"):
            validate(CouplingGrid, {"values": [value]})
    finally:
        coupling._AXIS.reset(token)
