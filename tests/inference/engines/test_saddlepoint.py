"""Saddle points against quadrature, plain toys and weighted ones."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, poisson

from hnlstat.errors import InferenceError
from hnlstat.inference.engines.calculators import choose
from hnlstat.inference.engines.saddlepoint import (
    SaddlepointCalculator,
    WeightedSum,
    _sums,
    refusal,
)
from hnlstat.inference.engines.toy_sampling import Rates
from hnlstat.inference.engines.toys import ToyCalculator, ToySettings
from hnlstat.likelihood.model import CountingModel

COMPONENTS = {
    "search_0": np.array([40.0, 25.0, 12.0, 5.0, 4.0]),
    "search_1": np.array([10.0, -12.0, 4.0, -3.0, 1.0]),
}
SPECTRUM = CountingModel(
    ("fhc", "fhc", "fhc", "rhc", "rhc"),
    np.array([90.0, 40.0, 5.0, 16.0, 3.0]),
    np.array([500.0, 300.0, 160.0, 80.0, 40.0]),
    np.array([560.0, 330.0, 150.0, 95.0, 41.0]),
    {"efficiency": np.full(5, 0.15), "flux": np.array([0.15, 0.15, 0.15, 0.0, 0.0])},
    0.0,
    0.02,
    (0, 1, 2, 0, 1),
    background_components=COMPONENTS,
)


def test_one_bin_is_poisson_with_a_normal_rate():
    # half a step beyond a count is where a smooth sum knows the probabilities of counts
    b, c = 400.0, 30.0
    model = CountingModel(("a",), np.zeros(1), np.array([b]), background_components={"c": [c]})
    found = WeightedSum.of(model, Rates(model), np.ones(1))
    zeta = np.linspace(-8, 8, 1601)
    counts = np.array([250, 330, 399, 430, 560])
    weight = norm.pdf(zeta) / norm.pdf(zeta).sum()
    expected = poisson.cdf(counts[:, None], b + c * zeta) @ weight
    assert np.exp(found.log_tail(counts + 0.5)) == pytest.approx(expected, rel=1e-3)
    above = poisson.sf(counts[:, None], b + c * zeta) @ weight
    assert np.exp(found.log_tail(counts + 0.5, above=True)) == pytest.approx(above, rel=1e-3)


@pytest.mark.parametrize("with_signal", [False, True])
def test_tails_are_those_of_plain_toys(with_signal):
    found = _sums(SPECTRUM)[with_signal]
    rates, rng, n = Rates(SPECTRUM), np.random.default_rng(3), 400_000
    counts = rng.poisson(rates.at(with_signal, rng.standard_normal((rates.size, n))))
    values = found.weights @ counts
    for p in (1e-3, 0.02, 0.16, 0.5, 0.84, 0.98, 0.999):
        (x,) = found.quantiles(np.array([p]))
        share = np.mean(values <= x)
        assert share == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / n) + 2e-4)
        assert np.exp(found.log_tail(np.array([x]))) == pytest.approx(p, rel=1e-5)


def test_tests_are_those_of_weighted_toys():
    # errors of 60 000 such toys: 1 to 3 % of p-values
    toys, own = ToyCalculator(ToySettings(60_000)), SaddlepointCalculator(SPECTRUM)
    for strength in (0.7, 2.5):
        model = SPECTRUM.with_signal(strength * SPECTRUM.signal)
        one, other = toys.exclusion(model), own.exclusion(model)
        assert other.clsb_observed == pytest.approx(one.clsb_observed, rel=0.05)
        assert other.cls_observed == pytest.approx(one.cls_observed, rel=0.05)
        assert other.cls_expected == pytest.approx(one.cls_expected, rel=0.07)
        one, other = toys.discovery(model), own.discovery(model)
        assert other.p0_observed == pytest.approx(one.p0_observed, rel=0.05)
        assert other.p0_expected == pytest.approx(one.p0_expected, rel=0.07)
    assert other.p0_expected < 1e-8  # beyond 5 sigma


def test_many_outcomes_at_once_are_those_one_by_one():
    own = SaddlepointCalculator(SPECTRUM)
    counts = np.stack([SPECTRUM.observed, SPECTRUM.background], axis=1)
    one_by_one = [
        own.exclusion(replace(SPECTRUM, observed=column)).cls_observed for column in counts.T
    ]
    assert own.cls(SPECTRUM, counts) == pytest.approx(one_by_one, rel=1e-9)


def test_any_signal_has_its_tests():
    own = SaddlepointCalculator(SPECTRUM)
    sizes = [0.0, 1e-30, 1e-6, 1e-2, 1.0, 1e2, 1e4, 1e6, 1e12]
    found = [own.exclusion(SPECTRUM.with_signal(x * SPECTRUM.signal)) for x in sizes]
    cls = np.array([[*e.cls_expected, e.cls_observed] for e in found])
    assert (np.diff(cls, axis=0) <= 1e-9).all()
    assert (np.diff(cls[:, :5], axis=1) >= -1e-9).all()
    assert cls[0] == pytest.approx(1.0)
    assert cls[-1] == pytest.approx(0.0, abs=1e-100)
    p0 = [own.discovery(SPECTRUM.with_signal(x * SPECTRUM.signal)).p0_expected for x in sizes]
    assert (np.diff(p0) <= 1e-9).all()
    blind = own.exclusion(replace(SPECTRUM, observed=None))
    assert blind.cls_observed is None
    assert blind.cls_expected == pytest.approx(own.exclusion(SPECTRUM).cls_expected)


@pytest.mark.parametrize(("b", "share"), [(145.1, 0.2), (100.0, 0.15)])
def test_one_bin_of_few_events_that_are_known_badly(b, share):
    # medians by sums over counts; half a count is a small step of what varies by 14 and more
    zeta, n = np.linspace(-4.9, 6, 219), np.arange(800)[:, None]
    weight = norm.pdf(zeta) / norm.pdf(zeta).sum()
    model = CountingModel(
        ("a",), np.zeros(1), np.array([b]), background_components={"c": np.array([share * b])}
    )
    assert choose("auto", model)[0] == "saddlepoint"
    sizes = np.hypot(np.sqrt(b), share * b) * np.linspace(1.2, 2.4, 7)
    without = poisson.cdf(n, b * (1 + share * zeta)) @ weight
    middle = int(np.searchsorted(without, 0.5))
    exact = [
        poisson.cdf(middle, b * (1 + share * zeta) + s) @ weight / without[middle] for s in sizes
    ]
    own = SaddlepointCalculator(model)
    found = [own.exclusion(model.with_signal(np.array([s]))).cls_expected[2] for s in sizes]
    limits = [np.interp(-0.1, -np.array(cls), sizes) for cls in (exact, found)]
    assert limits[1] == pytest.approx(limits[0], rel=0.04)


def test_automatic_where_it_holds_and_nowhere_else():
    assert choose("auto", SPECTRUM)[0] == "saddlepoint"
    for changed, reason in (
        ({"background_components": {}}, "needs a covariance"),
        ({"background_modifiers": np.full(5, 0.1)}, "no uncertainty of fhc beside its covariance"),
        (
            {"background": np.array([500.0, 300.0, 160.0, 80.0, 9.0])},
            "10 background events in each .* are 9 and",
        ),
        (
            {"background": np.full(5, 30.0), "background_components": {"c": np.ones(5)}},
            "variance of 200; here are 30 and 175",
        ),
        ({"background_components": {"c": np.array([160.0, 0, 0, 0, 0])}}, "would be 0 at -3.1"),
    ):
        model = replace(SPECTRUM, **changed)
        assert refusal(model) is not None
        assert choose("auto", model)[0] != "saddlepoint"
        with pytest.raises(InferenceError, match=f"calculator=saddlepoint: .*{reason}.*; use auto"):
            choose("saddlepoint", model)
