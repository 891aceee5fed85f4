"""Clocks of the statistics: limits per mass, all curves, full systematics."""

import time

import numpy as np
import pytest

from hnlstat.inference.engines.asymptotic import asymptotic_tests, with_pyhf
from hnlstat.inference.engines.toys import ToyCalculator
from hnlstat.inference.fit.problem import FitProblem
from hnlstat.inference.fit.problem import scan as scan_plane
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.inference.limits.posterior import Prior
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.workspace import workspace

COUPLINGS = np.geomspace(1e-8, 1e-3, 75)


def scan(share, background, observed, background_modifiers):
    """Limits at one mass with a signal of a thousand events at most."""
    size = len(share)
    shape = (COUPLINGS / 1e-7) ** 4 * np.exp(-((COUPLINGS / 3e-7) ** 2))
    table = 1000.0 * shape[:, None] / shape.max() * np.asarray(share)
    channels = tuple(f"dataset_{i}" for i in range(size))
    experiment = CountingModel(
        channels,
        np.zeros(size),
        np.array(background),
        observed,
        background_modifiers=np.array(background_modifiers),
    )
    fhc = np.resize([0.12, 0.0], size)
    modifiers = {
        "flux_fhc": fhc,
        "flux_rhc": 0.12 - fhc,
        "efficiency": np.full(size, 0.2),
        "rock_density": np.linspace(0.02, 0.03, size),
    }
    return limits_at_mass(
        0.1, COUPLINGS, table, experiment, signal_modifiers=modifiers, mc_error=0.01
    )


def test_two_channels_with_data(benchmark):
    result = benchmark(scan, (0.7, 0.3), (0.563, 0.015), np.zeros(2), (0.3, 1.0))
    assert len(result.limits) == 22


def test_four_channels(benchmark):
    background, errors = (0.90, 0.040, 6.11, 0.33), (0.3, 1.0, 0.3, 1.0)
    result = benchmark(scan, (0.15, 0.1, 0.45, 0.3), background, None, errors)
    assert len(result.limits) == 16


def test_asymptotic_points_together(benchmark):
    model = CountingModel(
        ("fhc", "rhc"),
        np.array([0.7, 0.3]),
        np.array([6.3, 0.17]),
        np.array([7.0, 0.0]),
        {"flux_fhc": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)},
        np.array([0.3, 1.0]),
        0.01,
    )
    specs = [workspace(model.with_signal(s * model.signal)) for s in np.geomspace(0.1, 100, 2000)]
    tests = benchmark(asymptotic_tests, specs)
    assert not tests.by_pyhf.any()
    start = time.perf_counter()
    pyhf_cls = with_pyhf(specs[1000], discovery=False)[2]
    by_pyhf = time.perf_counter() - start
    assert abs(pyhf_cls - tests.cls[1000]) < 1e-5
    if benchmark.enabled:
        per_point = benchmark.stats["median"] / len(specs)
        benchmark.extra_info["times_faster_than_pyhf"] = by_pyhf / per_point


@pytest.mark.parametrize("channels", [2, 20])
def test_importance_sampled_toys(benchmark, channels):
    model = CountingModel(
        tuple(f"bin_{i}" for i in range(channels)),
        np.full(channels, 24.0 / channels),
        np.full(channels, 7.0 / channels),
        np.round(np.full(channels, 7.0 / channels)),
        {"efficiency": np.full(channels, 0.2)},
        0.3,
    )
    assert benchmark(ToyCalculator().exclusion, model).clsb_observed < 1e-3


def test_profile_likelihood_over_the_plane(benchmark):
    masses, couplings = np.geomspace(0.05, 0.8, 45), np.geomspace(1e-7, 1e-5, 75)
    grid = np.meshgrid(masses, couplings, indexing="ij")
    power = 5.0 * (grid[1] / 1e-6) ** 4
    signal = np.stack([power * grid[0], power / grid[0], power, 0.1 * power], axis=-1)
    modifiers = {"flux": np.full(signal.shape, 0.12), "efficiency": np.full(signal.shape, 0.2)}
    surface = YieldSurface.build(masses, couplings, signal, modifiers, np.full(signal.shape, 0.01))
    base = CountingModel(
        ("a", "b", "c", "d"), np.zeros(4), np.full(4, 2.0), np.array([3.0, 9.0, 5.0, 2.0]), {}, 0.3
    )
    found = benchmark(scan_plane, FitProblem(surface, base), masses, couplings)
    assert np.isfinite(found).all()


def ten_channels(observed, **settings):
    """Limits at one mass in the ten channels of T2K's search of 2019."""
    background = [1.54, 0.38, 0.33, 0.22, 0.56, 0.38, 0.018, 0.22, 0.038, 0.015]
    errors = [0.33, 0.72, 0.78, 0.62, 0.43, 0.53, 1.08, 1.17, 1.06, 1.0]
    experiment = CountingModel(
        tuple("abcdefghij"), np.zeros(10), np.array(background), observed, {}, np.array(errors)
    )
    mixing = np.geomspace(1e-10, 1.0, 61)
    share = np.array([0.4, 0.1, 0.1, 0.02, 0.05, 0.2, 0.05, 0.05, 0.02, 0.01])
    table = ((mixing / 3e-9) ** 2 * np.exp(-mixing / 1e-2))[:, None] * share
    modifiers = {"flux": np.resize([0.1, 0.05], 10), "tracks": np.linspace(-0.1, 0.15, 10)}
    return limits_at_mass(
        0.3, mixing, table, experiment, signal_modifiers=modifiers, mc_error=0.01, **settings
    )


def test_ten_channels_of_few_events(benchmark):
    result = benchmark(ten_channels, np.zeros(10))
    assert {limit.method for limit in result.limits} == {
        "convolution CLs", "convolution CLs+b", "convolution p0"
    }  # fmt: skip


@pytest.mark.parametrize("seen", [0.0, 30.0])
def test_credible_limits_in_ten_channels(benchmark, seen):
    prior = Prior(1.0, "|U|^2")
    options = {"calculator": "bayesian", "prior": prior, "sigmas": ()}
    result = benchmark(ten_channels, np.full(10, seen), **options)
    assert any(limit.kind == "observed" for limit in result.limits)
    if benchmark.enabled:
        benchmark.extra_info["ms_per_point"] = 1e3 * benchmark.stats["median"] / 61
