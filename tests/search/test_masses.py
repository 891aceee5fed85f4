"""Interpolation in mass: right where it is used, and not used where it would be wrong."""

from dataclasses import dataclass

import numpy as np
import pytest

from hnlstat.search.masses import Simulation, interpolated, simulate_study
from hnlstat.simulation.sample import MassSample, Precision
from hnlstat.studies import load

COUPLINGS = np.array([1e-7, 1e-6, 1e-5])


@dataclass(frozen=True)
class FakeJob:
    """Stands for a simulation without error, of known decays (K, V, D) at each mass."""

    mass: float
    truth: object
    precision: Precision

    def run(self):
        decays = np.asarray(self.truth(self.mass), dtype=float)
        return MassSample(decays, 1e-3 * decays, 0.5 * decays, 0.1 * decays, rays=1)


def grid(truth, points, low=0.01, high=1.2, relative=0.01, relevant=0.1):
    precision = Precision(relative, np.ones((1, 1)), relevant, 10**6)
    masses = np.geomspace(low, high, points)
    return masses, [FakeJob(float(mass), truth, precision) for mass in masses]


def solve(jobs):
    """Samples at all masses, and the number sampled in each round."""
    rounds = []

    def run(wanted):
        rounds.append(len(wanted))
        return [job.run() for job in wanted]

    return interpolated([jobs], run), rounds


def smooth(mass):
    """Grow as a power, and die exponentially with mass to the fourth at large couplings."""
    return 1e3 * mass**2 * np.exp(-(mass**4) * COUPLINGS / 1e-6) * np.ones((1, 2, 1))


def test_a_smooth_yield_needs_no_more_samples_on_a_finer_grid():
    number = []
    for points in (90, 180, 360):
        masses, jobs = grid(smooth, points)
        samples, rounds = solve(jobs)
        number.append(sum(rounds))
        for mass, sample in zip(masses, samples, strict=True):
            assert sample.decays == pytest.approx(smooth(mass), rel=0.01, abs=0.1)
        assert sum(not sample.interpolated for sample in samples) == number[-1]
    assert max(number) < 55


def test_neighbours_ten_per_cent_apart_are_all_sampled():
    _, jobs = grid(smooth, 45)
    samples, rounds = solve(jobs)
    assert rounds == [45]
    assert not any(sample.interpolated for sample in samples)


@pytest.mark.parametrize("points", [1, 2, 3])
def test_few_masses(points):
    _, jobs = grid(smooth, points, 0.1, 0.11)
    samples, rounds = solve(jobs)
    assert rounds == [points]
    assert not any(sample.interpolated for sample in samples)


def test_round_a_kink_masses_are_sampled_until_it_lies_between_neighbours():
    def kinked(mass):
        return np.full((1, 1, 1), 100.0 * max(mass / 0.1, 1.0) ** 4)

    masses, jobs = grid(kinked, 721)
    samples, rounds = solve(jobs)
    assert len(rounds) > 1
    assert sum(rounds) < 130
    found = np.array([sample.decays.item() for sample in samples])
    truth = np.array([kinked(mass).item() for mass in masses])
    assert found == pytest.approx(truth, rel=0.02)
    error = np.array([sample.error.item() for sample in samples])
    assert np.all(np.abs(found - truth) <= 3 * error)


def test_noise_above_the_precision_is_not_interpolated():
    rng = np.random.default_rng(1)
    _, jobs = grid(lambda _: np.exp(rng.normal(0, 0.3, (1, 1, 1))), 100)
    samples, _ = solve(jobs)
    # what passes a test by chance is a small part
    assert sum(sample.interpolated for sample in samples) < 20


def test_yields_that_do_not_matter_are_not_refined():
    def kinked(mass):
        return np.full((1, 1, 1), 1e-3 if mass < 0.1 else 1e-7)

    _, jobs = grid(kinked, 180)
    samples, rounds = solve(jobs)
    assert len(rounds) == 1
    assert all(np.all(np.isfinite(sample.decays)) for sample in samples)


def test_decays_end_at_a_threshold():
    def ends(mass):
        return np.full((1, 1, 1), 50.0 if mass < 0.3 else 0.0)

    masses, jobs = grid(ends, 360)
    samples, _ = solve(jobs)
    found = np.array([sample.decays.item() for sample in samples])
    assert np.all(found[masses < 0.29] == pytest.approx(50.0))
    assert np.all(found[masses > 0.31] == 0.0)
    assert np.all((found >= 0) & (found <= 50.0 * (1 + 1e-9)))


def test_interpolated_yields_agree_with_sampled_ones_within_their_errors():
    study = load(["simulation.precision=0.02"])
    masses, couplings = np.geomspace(0.15, 0.25, 25), np.geomspace(3e-7, 3e-5, 5)
    sampled = 0

    def run(jobs):
        nonlocal sampled
        sampled += len(jobs)
        return [job.run() for job in jobs]

    quick = simulate_study(study, masses, couplings, run)
    between = np.flatnonzero(quick.interpolated[:, 0])
    assert sampled == 25 - between.size < 15
    full = study.replace(simulation=study.simulation.replace(interpolate_masses=False, seed=2))
    some = between[::3]
    true = simulate_study(full, masses[some], couplings, run)
    assert not np.any(true.interpolated)
    (events, error), (expected, its_error) = quick.total("nd280"), true.total("nd280")
    pull = (events[some] - expected) / np.hypot(error[some], its_error)
    assert np.sqrt(np.mean(pull**2)) < 2
    assert np.all(np.abs(pull) < 5)
    assert np.max(quick.precision()[some]) < 0.03
    for name, change in true.modifiers.items():
        assert quick.modifiers[name][some] == pytest.approx(change, abs=0.02)


def test_between_masses_yields_are_those_sampled_there():
    """Within errors, for no more samples."""
    study = load(["simulation.precision=0.01"])
    masses, couplings = np.geomspace(0.14, 0.26, 7), np.geomspace(3e-7, 3e-6, 4)
    sampled = 0

    def run(jobs):
        nonlocal sampled
        sampled += len(jobs)
        return [job.run() for job in jobs]

    source = Simulation(study, masses, couplings, run)
    assert sampled == 7
    middle = np.sqrt(masses[1:] * masses[:-1])
    found = source.between(middle)
    assert sampled == 7
    assert np.all(found.interpolated)
    true = simulate_study(study, middle, couplings, run)
    (events, error), (expected, its_error) = found.total("nd280"), true.total("nd280")
    np.testing.assert_array_less(np.abs(events - expected), 5 * np.hypot(error, its_error))
    # at the masses of the grid, decays are those of the samples themselves
    again = source.between(masses[1:-1])
    np.testing.assert_allclose(again.events, source.table.events[1:-1], rtol=1e-9)
