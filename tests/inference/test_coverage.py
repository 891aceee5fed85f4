import numpy as np
import pytest

from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.coverage import coverage, pseudo_experiments
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator
from hnlstat.inference.engines.published import PublishedCalculator
from hnlstat.inference.engines.toys import ToyCalculator
from hnlstat.likelihood.model import CountingModel

SEARCH = CountingModel(
    ("fhc", "rhc"), np.array([0.7, 0.3]), np.array([0.563, 0.015]), None,
    {"flux": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)}, np.array([0.3, 1.0]), 0.01,
)  # fmt: skip
CERTAIN = SEARCH.without_uncertainties()
SIGNALS, LEVELS = (0.0, 0.5, 1.353, 2.31, 3.0, 5.0, 7.5, 10.0), (0.90, 0.95)


def of(points, **wanted):
    return [p for p in points if all(getattr(p, key) == value for key, value in wanted.items())]


@pytest.mark.parametrize("model", [SEARCH, CERTAIN])
def test_exact_limits_cover_at_every_signal(model):
    points = coverage(model, SIGNALS, LEVELS, ExactCalculator(model), 20_000, 1)
    assert len(points) == len(SIGNALS) * len(LEVELS) * 2
    # 4 standard errors: none of 64 fractions is further off by chance
    assert all(p.coverage >= p.level - 4.0 * p.error for p in points)
    assert {p.coverage for p in of(points, signal=0.0)} == {1.0}
    # below 2.30 events not even the emptiest experiment excludes the truth
    assert {p.coverage for p in of(points, signal=1.353)} == {1.0}


def test_toys_cover_like_the_exact_limits():
    exact = coverage(SEARCH, (3.0, 7.5), LEVELS, ExactCalculator(SEARCH), 5000, 1)
    toys = coverage(SEARCH, (3.0, 7.5), LEVELS, ToyCalculator(), 5000, 1)
    # the same pseudo-experiments; a p-value near the threshold may fall on its other side
    for one, other in zip(exact, toys, strict=True):
        assert one.coverage == pytest.approx(other.coverage, abs=0.02)


@pytest.mark.parametrize("calculator", [PublishedCalculator(), AsymptoticCalculator()])
def test_approximate_limits_do_not_cover(calculator):
    """Seeing nothing excludes 1.353 (asymptotic CLs: 2.20) events at 95 %, and has e^-s."""
    signal = 1.36 if isinstance(calculator, PublishedCalculator) else 2.31
    points = coverage(CERTAIN, (signal,), (0.95,), calculator, 20_000, 2)
    nothing = np.exp(-signal - CERTAIN.background.sum())
    for point in points:
        assert point.coverage < 0.95
        assert point.coverage == pytest.approx(1.0 - nothing, abs=4.0 * point.error)


def test_cls_of_many_outcomes_is_that_of_each():
    outcomes = np.array([[0.0, 1.0, 3.0, 9.0, 2.0], [0.0, 0.0, 1.0, 4.0, 0.0]])
    model = SEARCH.with_signal([3.0, 1.0])
    for calculator in (ExactCalculator(SEARCH), AsymptoticCalculator(), PublishedCalculator()):
        together = calculator.cls(model, outcomes)
        for n, cls in zip(outcomes.T, together, strict=True):
            one = CountingModel(
                model.channels, model.signal, model.background, n,
                model.signal_modifiers, model.background_modifiers, model.mc_error,
            )  # fmt: skip
            # one enumeration for all leaves out less than that for a single likely outcome
            assert cls == pytest.approx(calculator.exclusion(one).cls_observed, rel=1e-3)


def test_pseudo_experiments_have_the_moments_of_the_model():
    model = SEARCH.with_signal([20.0, 8.0])
    rng = np.random.default_rng(4)
    nominal = pseudo_experiments(model, 50_000, rng, "nominal")
    rate = model.signal + model.background
    assert nominal.mean(axis=1) == pytest.approx(rate, rel=0.01)
    assert nominal.var(axis=1) == pytest.approx(rate, rel=0.03)
    drawn = pseudo_experiments(model, 50_000, rng, "drawn")
    # ln(s) is normal with this variance
    variance = np.diag(model.log_signal_covariance)
    mean = model.signal * np.exp(0.5 * variance)
    width = np.log1p(model.background_modifiers)
    mean += model.background * np.exp(0.5 * width**2)
    assert drawn.mean(axis=1) == pytest.approx(mean, rel=0.02)
    assert np.corrcoef(drawn)[0, 1] > 0.2


def test_fixed_nuisances_move_the_total_signal_by_their_sigma():
    """ln(signal) of both channels goes along their covariance; the background stays."""
    model = SEARCH.with_signal([20.0, 8.0])
    weights = model.signal / model.signal.sum()
    sigma = np.sqrt(weights @ model.log_signal_covariance @ weights)
    shift = model.log_signal_covariance @ weights / sigma
    assert weights @ shift == pytest.approx(sigma)
    for z in (-2.0, 1.0):
        counts = pseudo_experiments(model, 50_000, np.random.default_rng(4), z)
        mean = model.signal * np.exp(z * shift) + model.background
        assert counts.mean(axis=1) == pytest.approx(mean, rel=0.01)


def test_coverage_is_averaged_over_nuisances_only():
    points = coverage(SEARCH, (5.0,), (0.90,), ExactCalculator(SEARCH), 20_000, 1, ("drawn", -2.0))
    drawn, low = (point.coverage for point in points)
    assert drawn >= 0.90 - 4.0 * points[0].error
    assert low < 0.8
    assert points[1].treatment == "signal -2 sigma"
