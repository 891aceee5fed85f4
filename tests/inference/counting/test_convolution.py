"""The exact distribution of the likelihood ratio over many bins."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.counting.generating import _polynomial
from hnlstat.inference.coverage import pseudo_experiments
from hnlstat.likelihood.model import CountingModel

SEARCH = CountingModel(
    ("fhc", "rhc"), np.array([2.0, 0.9]), np.array([0.563, 0.015]), np.zeros(2),
    {"flux_fhc": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)}, np.array([0.3, 1.0]), 0.01,
)  # fmt: skip
SPECTRUM = CountingModel(
    ("fhc",) * 3 + ("rhc",) * 2,
    np.array([0.6, 2.5, 1.0, 0.4, 1.2]),
    np.array([3.0, 1.5, 0.5, 0.2, 0.1]),
    np.array([2.0, 1.0, 0.0, 0.0, 1.0]),
    {"flux_fhc": np.array([0.1, 0.12, 0.15, 0.0, 0.0]), "efficiency": np.full(5, 0.2)},
    np.array([0.3, 0.3, 0.3, 1.0, 1.0]),
    0.03,
    bins=(0, 1, 2, 0, 1),
)


def split(model, parts):
    """Return the model with each channel split into bins of the same shares, last first."""
    shares = np.array(parts)

    def each(values):
        return np.outer(values, shares).ravel()

    size = len(shares)
    return CountingModel(
        tuple(np.repeat(model.channels, size).tolist()),
        each(model.signal),
        each(model.background),
        None,
        {name: delta.repeat(size) for name, delta in model.signal_modifiers.items()},
        model.background_modifiers.repeat(size),
        bins=tuple(range(size)) * len(model.channels),
    )


@pytest.mark.parametrize("total", [0.3, 3.0, 12.0])
def test_without_events_the_limit_is_that_of_the_exact_calculation(total):
    """No event is the most signal-poor outcome in either order, and so is it in the median."""
    model = SEARCH.with_signal(total * SEARCH.signal / SEARCH.signal.sum())
    ours = ConvolutionCalculator(model).exclusion(model)
    exact = ExactCalculator(model).exclusion(model)
    assert ours.cls_observed == pytest.approx(exact.cls_observed, rel=1e-9)
    assert ours.clsb_observed == pytest.approx(exact.clsb_observed, rel=1e-9)
    assert ours.cls_expected[:3] == pytest.approx(exact.cls_expected[:3], rel=1e-9)


def test_one_channel_has_the_tails_of_poisson_distributions():
    model = CountingModel(("a",), np.array([9.0]), np.array([4.0]), np.array([3.0]))
    ours = ConvolutionCalculator(model)
    test = ours.exclusion(model)
    assert test.clsb_observed == pytest.approx(poisson.cdf(3, 13.0), rel=1e-9)
    assert test.cls_observed == pytest.approx(poisson.cdf(3, 13.0) / poisson.cdf(3, 4.0), rel=1e-9)
    found = ours.discovery(replace(model, observed=np.array([16.0])))
    assert found.p0_observed == pytest.approx(poisson.sf(15, 4.0), rel=1e-6)
    assert found.p0_expected == pytest.approx(poisson.sf(12, 4.0), rel=1e-6)


def test_small_p_values_keep_their_precision():
    model = CountingModel(("a",), np.array([150.0]), np.array([4.0]), np.array([5.0]))
    test = ConvolutionCalculator(model).exclusion(model)
    assert test.clsb_observed == pytest.approx(poisson.cdf(5, 154.0), rel=1e-8)


def test_bins_with_the_same_share_of_signal_are_as_one():
    one = replace(SEARCH, observed=None, mc_error=np.zeros(2))
    parts = split(one, (0.2, 0.5, 0.3))
    for calculate in ("exclusion", "discovery"):
        merged, apart = (
            getattr(ConvolutionCalculator(model), calculate)(model) for model in (one, parts)
        )
        for field in ("cls_expected", "clsb_expected", "p0_expected"):
            if hasattr(merged, field):
                assert getattr(apart, field) == pytest.approx(getattr(merged, field), rel=1e-7)


def test_bins_without_signal_change_nothing():
    added = CountingModel(
        (*SPECTRUM.channels, "empty"),
        np.append(SPECTRUM.signal, 0.0),
        np.append(SPECTRUM.background, 7.0),
        np.append(SPECTRUM.observed, 12.0),
        {name: np.append(d, 0.1) for name, d in SPECTRUM.signal_modifiers.items()},
        np.append(SPECTRUM.background_modifiers, 0.5),
        0.03,
        bins=(*SPECTRUM.bins, 0),
    )
    before, after = (ConvolutionCalculator(m).exclusion(m) for m in (SPECTRUM, added))
    assert after.cls_expected == pytest.approx(before.cls_expected, rel=0.01)
    assert after.cls_observed == pytest.approx(before.cls_observed, rel=0.01)


def test_plain_toys_of_a_spectrum_agree():
    """Correlated backgrounds, flux that bends the spectrum, all drawn for each experiment."""
    number = 200_000
    weights = np.log1p(SPECTRUM.signal / SPECTRUM.background)
    seen = weights @ SPECTRUM.observed
    rng = np.random.default_rng(3)
    sums = [
        weights @ pseudo_experiments(model, number, rng, "drawn")
        for model in (SPECTRUM, SPECTRUM.with_signal(np.zeros(5)))
    ]
    clsb, clb = (float(np.mean(values <= seen + 1e-9)) for values in sums)
    ours = ConvolutionCalculator(SPECTRUM).exclusion(SPECTRUM)
    error = np.sqrt(clsb * (1.0 - clsb) / number)
    # neighbouring sums of the rounded weights may change places: less than a per cent
    assert abs(ours.clsb_observed - clsb) < 4.0 * error + 0.01 * clsb
    assert abs(ours.cls_observed - clsb / clb) < 4.0 * error / clb + 0.01 * clsb / clb
    median = np.quantile(sums[1], 0.5)
    expected = np.mean(sums[0] <= median + 1e-9) / np.mean(sums[1] <= median + 1e-9)
    assert ours.cls_expected[2] == pytest.approx(expected, rel=0.03)
    p0 = np.mean(sums[1] >= np.quantile(sums[0], 0.5) - 1e-9)
    assert ConvolutionCalculator(SPECTRUM).discovery(SPECTRUM).p0_expected == pytest.approx(
        p0, rel=0.05
    )


def test_many_outcomes_together_are_those_one_by_one():
    counts = np.array([[0.0, 2.0, 4.0], [0.0, 1.0, 3.0], [0.0, 0.0, 2.0], [0.0] * 3, [0, 1, 0]])
    calculator = ConvolutionCalculator(SPECTRUM)
    together = calculator.cls(SPECTRUM, counts)
    single = [
        calculator.exclusion(SPECTRUM.with_data(outcome)).cls_observed for outcome in counts.T
    ]
    assert together == pytest.approx(single, rel=0.01)


def test_events_where_there_is_no_signal_cost_nothing():
    """Its sums had eight million steps: two channels, no event with signal."""
    data, none = np.array([0.0, 55.0]), np.array([5.0, 0.0])
    model = CountingModel(("a", "b"), none, np.array([1e-6, 3.0]), data, {}, [0.0, 0.4])
    sums = ConvolutionCalculator(model)._fourier._sums(model, data[:, None])
    assert sums.multiples.max() < 1e4
    test = ConvolutionCalculator(model).exclusion(model)
    assert test.cls_observed == pytest.approx(np.exp(-5.0), rel=1e-9)


@pytest.mark.parametrize("events", [3.0, 100.0, 1000.0])
def test_generating_functions_are_exact_where_they_count(events):
    """Against Horner's rule in longer numbers, to the rounding of `events` factors."""
    counts = poisson.pmf(np.arange(int(events + 9.0 * np.sqrt(events) + 9.0)), events)
    angles = np.linspace(0.0, np.pi, 800)
    at = 0.6 * np.exp(1j * angles) + 0.4 * np.exp(3j * angles)
    right = np.zeros(at.size, dtype=np.clongdouble)
    for one in counts[::-1].astype(np.longdouble):
        right = right * at + one
    found = _polynomial(counts, at)
    assert np.abs(found - right).max() < 1e-15 + 1.2e-17 * events
    assert (found == 0.0).any() == (events > 50.0)
