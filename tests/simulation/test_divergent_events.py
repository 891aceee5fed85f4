"""Events of a beam that diverges: as many as the yields, and with neutrinos from the source."""

import numpy as np
import pytest

from hnlstat.errors import ConfigError
from hnlstat.physics.targets import target
from hnlstat.search.yields import Plan
from hnlstat.simulation.batches import EventModel, join
from hnlstat.simulation.strata import divide, strata
from hnlstat.studies import load

MASS, COUPLING, DISTANCE = 0.1, 4e-7, 280.0


@pytest.fixture(scope="module")
def study():
    return load([f"flux.distance={DISTANCE}", "simulation.precision=0.5 %"])


@pytest.fixture(scope="module")
def events(study):
    jobs = strata(study, EventModel.of(study, MASS, (COUPLING,)))
    return join([job.run() for job in divide(jobs, [job.spread() for job in jobs], 60_000)])


def vectors(events, name):
    return np.stack([events[f"{name}_{part}"] for part in ("px", "py", "pz")], axis=1)


def test_weights_add_up_to_the_yields(study, events):
    plan = Plan.of(study, np.array([MASS]), np.array([COUPLING]))
    table = plan.table([job.run() for job in plan.jobs()])
    (search,) = study.datasets[0].search.values()
    efficiency = np.interp(MASS, search.efficiency.mass, search.efficiency.value)
    weight = events["weight"]
    error = np.sqrt(np.sum(weight**2)) * efficiency
    expected, other = table.events.sum(), np.sqrt(np.sum(table.mc_error**2))
    # the direction of N within a slice of the yields is that of its middle
    tolerance = 4 * np.hypot(error, other) + 0.01 * expected
    assert weight.sum() * efficiency == pytest.approx(expected, abs=tolerance)
    assert error < 0.02 * expected


def test_neutrinos_come_from_the_source_and_targets_stay_whole(events):
    vertex = np.stack([events[f"vertex_{axis}"] for axis in "xyz"], axis=1)
    way = vertex + np.array([0, 0, DISTANCE])
    neutrino, n = vectors(events, "nu"), vectors(events, "n")
    along = way / np.linalg.norm(way, axis=1)[:, None]
    assert neutrino == pytest.approx(events["nu_e"][:, None] * along)
    names = [name.removeprefix("bound ") for name in events["target"]]
    mass = np.array([target(name).mass for name in names])
    energy = events["nu_e"] + mass - events["n_e"]
    recoil = energy**2 - np.sum((neutrino - n) ** 2, axis=1)
    assert recoil == pytest.approx(mass**2, rel=1e-6)


def test_n_keep_within_the_cut(study, events):
    cosine = events["n_pz"] / np.linalg.norm(vectors(events, "n"), axis=1)
    assert np.all(cosine >= study.min_cos_theta)


def test_parallel_neutrinos_have_no_momenta_of_their_own(nd280):
    assert not any(job.directed for job in strata(nd280, EventModel.of(nd280, MASS, (COUPLING,))))


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("flux.distance=100 m", "rock of nd280 reaches 162 m upstream"),
        ("flux.distance=-280 m", "is not positive"),
        ("flux.distance=280 GeV", "flux.distance"),
    ],
)
def test_bad_distances_are_one_line(override, reason):
    with pytest.raises(ConfigError, match=reason) as found:
        load([override])
    assert "flux.distance" in str(found.value)
    assert "\n" not in str(found.value)
