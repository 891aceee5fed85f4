"""Yields read off a coarse table: linear in the logarithms, in mass and in coupling."""

import numpy as np
import pytest

from hnlstat.errors import ConfigError
from hnlstat.search.masses import Simulation
from hnlstat.search.yields import Plan
from hnlstat.simulation.sample import MassSample
from hnlstat.simulation.tabulated import from_table
from hnlstat.studies import load

MASSES, COUPLINGS = np.array([0.1, 0.2, 0.8]), np.array([1e-7, 1e-6, 3e-6])


def power(mass, couplings):
    """Decays (1, 2, D) that are straight in the logarithms."""
    return np.array([[3e20], [1e19]])[None] * mass**3 * couplings**2.5


def samples(values):
    return [MassSample(v, 0.02 * v, 0.5 * v, 0.1 * v, rays=1) for v in values]


def test_power_laws_are_exact():
    known = samples([power(m, COUPLINGS) for m in MASSES])
    at = np.array([0.1, 0.13, 0.2, 0.5, 0.8]), np.array([1e-7, 4e-7, 1e-6, 2e-6, 3e-6])
    found = from_table(known, MASSES, COUPLINGS, *at)
    for mass, sample in zip(at[0], found, strict=True):
        np.testing.assert_allclose(sample.decays, power(mass, at[1]), rtol=1e-10)
        np.testing.assert_allclose(sample.error, 0.02 * sample.decays, rtol=1e-10)
        np.testing.assert_allclose(sample.rock, 0.5 * sample.decays, rtol=1e-10)
        np.testing.assert_allclose(sample.beyond, 0.1 * sample.decays, rtol=1e-10)
    assert [s.interpolated for s in found] == [False, True, False, True, False]


def test_beside_points_without_decays_the_decays_are_linear():
    values = [np.full((1, 1, 3), v) for v in (0.0, 4.0, 8.0)]
    half = np.sqrt(MASSES[0] * MASSES[1])
    found = from_table(samples(values), MASSES, COUPLINGS, np.array([0.1, half, 0.4]), COUPLINGS)
    assert [float(s.decays[0, 0, 0]) for s in found] == pytest.approx([0.0, 2.0, 32**0.5])


TABLE = (
    "{mass: {values: [0.1, 0.4]}, coupling: {values: [1e-7, 3e-7, 1e-6, 3e-6]}}"
)  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return load(
        [f"scan.table={TABLE}", "scan.mass.values=[0.1, 0.2, 0.4]", "simulation.precision=0.5",
         "scan.coupling.values=[1e-7, 5.47722557505166e-7, 1e-6, 3e-6]", "executor=serial"]
    )  # fmt: skip


def test_a_study_simulates_its_table_alone(study):
    ran = []

    def run(jobs):
        ran.extend(jobs)
        return [job.run() for job in jobs]

    scan = study.scan
    found = Simulation(study, scan.mass.array(), scan.coupling.array(), run)
    assert [job.mass for job in ran] == [0.1, 0.4]
    plain = study.replace(scan=scan.replace(table=None))
    nodes = scan.table.mass.array(), scan.table.coupling.array()
    true = Plan.of(plain, *nodes)
    true = true.table([job.run() for job in true.jobs()])
    for i, j in ((0, 0), (2, 2), (2, 3)):
        at = found.table.events[i, j], true.events[i // 2, [0, 0, 2, 3][j]]
        np.testing.assert_allclose(*at, rtol=1e-12)
    # half way between four points of the table, each with a fourth
    middle = np.exp(np.log(true.decays[:, 1:3]).mean(axis=(0, 1)))
    np.testing.assert_allclose(found.table.decays[1, 1], middle, rtol=1e-9)
    assert found.table.interpolated[:, 0].tolist() == [False, True, False]
    again = found.between(np.array([0.2]))
    np.testing.assert_array_equal(again.events[0], found.table.events[1])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("scan.mass.values=[0.1, 0.5]", "scan.mass: 0.5 lies outside scan.table, 0.1 to 0.4; stay"),
        ("scan.coupling.min=1e-8", "scan.coupling: 1e-08 lies outside scan.table, 1e-07 to 3e-06"),
        ("task=point", "model.mass: 0.05 lies outside scan.table, 0.1 to 0.4; stay within"),
        ("task=compare", "compare.masses: 0.05 lies outside scan.table"),
        ("scan.table.mass.values=[0.2, 0.1]", "scan.table.mass.values: [0.2, 0.1] does not rise"),
        ("scan.table.mass.values=[0.1, 90]", "scan.table.mass: 90 GeV is above the beam's reach"),
        ("scan.table=5", "scan.table: 5 is not a mapping of keys to values"),
    ],
)
def test_what_a_table_cannot_tell_is_one_clear_line(override, message):
    given = [
        f"scan.table={TABLE}", "scan.mass.values=[0.1, 0.2, 0.4]", "model.mass=50 MeV",
        "scan.coupling.min=1e-7", "scan.coupling.max=3e-6", "model.coupling=1e-6",
    ]  # fmt: skip
    with pytest.raises(ConfigError) as raised:
        load([*given, override])
    assert str(raised.value).startswith(message)
