"""Contours between the masses of the grid, against limits calculated there."""

import numpy as np
import pytest

from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.likelihood import experiment as likelihood
from hnlstat.run.between import STEP, between
from hnlstat.run.contours import limit_fields, regions
from hnlstat.search.masses import Simulation


def limits(study, table):
    """90 % CL limits at all masses of a table."""
    experiment = likelihood.experiment(study, table)
    found = []
    for i, mass in enumerate(table.masses.tolist()):
        mine = experiment.mass(i)
        found.append(
            limits_at_mass(
                mass, table.couplings, mine.signal, mine.base, signal_modifiers=mine.modifiers,
                mc_error=mine.mc_error, sigmas=(),
            )
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def source(nd280):
    """The default study where its contours bend most, with fewer rays."""
    study = nd280.replace(simulation=nd280.simulation.replace(precision=0.03))
    grid = nd280.scan.mass.array()
    masses = grid[(grid > 0.13) & (grid < 0.6)]
    couplings = nd280.scan.coupling.array()
    return study, Simulation(study, masses, couplings, lambda jobs: [job.run() for job in jobs])


def distance(field, mass, coupling):
    """Distance of a point from a contour in the plane of ln(mass) and ln(coupling)."""
    point, nearest = np.log([mass, coupling]), np.inf
    for line in (np.log(line) - point for region in regions(field) for line in region.lines):
        start, way = line[:-1], np.diff(line, axis=0)
        share = np.clip(-(start * way).sum(axis=1) / (way**2).sum(axis=1), 0.0, 1.0)
        nearest = min(nearest, np.hypot(*(start + share[:, None] * way).T).min())
    return nearest


def test_contours_pass_within_half_a_per_cent_of_limits_between_masses(source):
    study, simulation = source
    masses = simulation.table.masses
    middle = np.sqrt(masses[1:] * masses[:-1])
    results = limits(study, simulation.table)
    missed = {}
    for name, sensitivity in (
        ("straight", None),
        (
            "along",
            between(study, simulation, likelihood.experiment(study, simulation.table), results),
        ),
    ):
        (field,) = (f for f in limit_fields(results, sensitivity) if f.kind == "observed")
        missed[name] = np.array(
            [
                distance(field, limit.mass_gev, limit.coupling)
                for result in limits(study, simulation.between(middle))
                for limit in result.limits
                if limit.kind == "observed" and not limit.open
            ]
        )
    assert missed["along"].size > middle.size  # both branches
    assert missed["along"].max() < 0.005
    assert np.median(missed["along"]) < 0.001
    assert missed["straight"].max() > 0.01


def test_masses_between_are_close_and_contain_those_of_the_grid(source):
    study, simulation = source
    results = limits(study, simulation.table)
    field = between(study, simulation, likelihood.experiment(study, simulation.table), results)
    assert set(simulation.table.masses) <= set(field.mass)
    steps = np.diff(np.log(field.mass))
    assert np.all(steps > 0.0)
    assert np.all(steps <= STEP * (1 + 1e-9))
    assert field.exclusion.shape == (field.mass.size, field.log_coupling.size)


def test_one_mass_has_nothing_between(source):
    study, simulation = source
    experiment = likelihood.experiment(study, simulation.table)
    assert between(study, simulation, experiment, limits(study, simulation.table)[:1]) is None
