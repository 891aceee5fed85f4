import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from hnlstat.errors import InferenceError
from hnlstat.inference.counting import marginal
from hnlstat.inference.counting.exact import ExactCalculator, is_affordable
from hnlstat.inference.statistics import q_tilde, q_zero
from hnlstat.likelihood.model import CountingModel

UPGRADE = CountingModel(
    ("nd280_fhc", "nd280_rhc", "nd280_upgrade_fhc", "nd280_upgrade_rhc"),
    signal=np.array([0.15, 0.1, 0.45, 0.3]),
    background=np.array([0.90, 0.040, 6.11, 0.33]),
    observed=np.array([1.0, 0.0, 6.0, 0.0]),
    signal_modifiers={
        "flux_fhc": np.array([0.12, 0.0, 0.12, 0.0]),
        "flux_rhc": np.array([0.0, 0.12, 0.0, 0.12]),
        "efficiency": np.full(4, 0.2),
        "rock_density": np.array([0.03, 0.032, 0.02, 0.022]),
    },
    background_modifiers=np.array([0.3, 1.0, 0.3, 1.0]),
    mc_error=np.full(4, 0.01),
)


def exclusion(model, total):
    return ExactCalculator(model).exclusion(model.with_signal(total * model.signal))


def limit(model, level, attribute="cls_observed"):
    def strength(total):
        return np.log(getattr(exclusion(model, total), attribute) / (1.0 - level))

    return brentq(strength, 0.3, 60.0, xtol=1e-10)


@pytest.mark.parametrize("background", [[0.578], [0.563, 0.015], [6.3, 0.17, 1e-3]])
@pytest.mark.parametrize(("level", "events"), [(0.90, np.log(10.0)), (0.95, np.log(20.0))])
def test_no_events_exclude_the_same_signal_over_any_background(background, level, events):
    size = len(background)
    share = np.linspace(1.0, 2.0, size)
    nothing = CountingModel(
        tuple("abc"[:size]), share / share.sum(), np.array(background), np.zeros(size)
    )
    assert limit(nothing, level) == pytest.approx(events, rel=1e-8)


@settings(max_examples=15, deadline=None)
@given(
    background=st.floats(0.01, 5.0),
    error=st.floats(0.0, 1.0),
    flux=st.floats(0.0, 0.5),
    efficiency=st.floats(0.0, 0.5),
)
def test_uncertainties_never_strengthen_the_limit_of_no_events(background, error, flux, efficiency):
    model = CountingModel(
        ("a", "b"),
        np.array([0.7, 0.3]),
        np.array([background, 0.1 * background]),
        np.zeros(2),
        {"flux": np.array([flux, 0.0]), "efficiency": np.full(2, efficiency)},
        error,
        0.01,
    )
    assert limit(model, 0.90) >= np.log(10.0) * (1.0 - 1e-6)


def test_one_channel_is_the_textbook_ratio_of_poisson_sums():
    model = CountingModel(("a",), np.array([1.0]), np.array([3.2]), np.array([4.0]))
    test = exclusion(model, 5.0)
    clsb, clb = poisson.cdf(4, 8.2), poisson.cdf(4, 3.2)
    assert test.clsb_observed == pytest.approx(clsb, rel=1e-9)
    assert test.cls_observed == pytest.approx(clsb / clb, rel=1e-8)
    medians = poisson.ppf(norm.cdf([-2, -1, 0, 1, 2]), 3.2)
    expected = poisson.cdf(medians, 8.2) / poisson.cdf(medians, 3.2)
    # from 9 events on mu-hat > 1 and q-tilde = 0 holds all that is left
    expected[medians > 8.2] = 1.0
    assert test.cls_expected == pytest.approx(expected, rel=1e-6)


def test_discovery_in_one_channel_is_a_poisson_sum():
    model = CountingModel(("a",), np.array([12.0]), np.array([1.3]), np.array([4.0]))
    test = ExactCalculator(model).discovery(model)
    median = poisson.median(13.3)
    assert test.p0_observed == pytest.approx(poisson.sf(3, 1.3), rel=1e-8)
    assert test.p0_expected == pytest.approx(poisson.sf(median - 1, 1.3), rel=1e-5)
    assert test.significance == pytest.approx(norm.isf(poisson.sf(median - 1, 1.3)), rel=1e-5)


def toys(model, size, rng):
    """Return counts (C, size) without and with signal, nuisance parameters drawn anew each time."""

    def draw(relative):
        return (1.0 + relative)[:, None] ** rng.standard_normal((len(relative), size))

    background = model.background[:, None] * draw(model.background_modifiers)
    signal = model.signal[:, None] * draw(model.mc_error)
    for delta in model.signal_modifiers.values():
        signal = signal * (1.0 + delta)[:, None] ** rng.standard_normal(size)
    return (rng.poisson(rate).astype(float) for rate in (background, background + signal))


def test_brute_force_toys_agree():
    model = UPGRADE.with_signal(5.0 * UPGRADE.signal)
    size = 100_000
    b_only, s_plus_b = toys(model, size, np.random.default_rng(12))
    rates = (model.signal, model.background)
    q_observed = q_tilde(model.observed[:, None], *rates)[0] - 1e-9
    test = ExactCalculator(model).exclusion(model)
    clsb = np.mean(q_tilde(s_plus_b, *rates) >= q_observed)
    q_b = q_tilde(b_only, *rates)
    clb = np.mean(q_b >= q_observed)
    assert test.clsb_observed == pytest.approx(clsb, abs=4.0 * np.sqrt(clsb / size))
    assert test.cls_observed == pytest.approx(clsb / clb, rel=4.0 / np.sqrt(clsb * size))
    q_median = np.median(q_b)
    expected = np.mean(q_tilde(s_plus_b, *rates) >= q_median - 1e-9)
    # the median of the toys may be a neighbouring outcome
    assert test.clsb_expected[2] == pytest.approx(expected, abs=0.003)
    found = ExactCalculator(model).discovery(model)
    p0 = np.mean(q_zero(b_only, *rates) >= np.median(q_zero(s_plus_b, *rates)) - 1e-9)
    assert found.p0_expected == pytest.approx(p0, abs=0.003)


@pytest.mark.parametrize("total", [0.5, 3.0, 30.0])
def test_order_of_channels_and_uninformative_ones_do_not_matter(total):
    order = np.array([2, 0, 3, 1])
    signal = total * UPGRADE.signal
    reference = exclusion(UPGRADE, total)
    shuffled = UPGRADE.select(order)
    assert exclusion(shuffled, total).cls_observed == pytest.approx(
        reference.cls_observed, rel=1e-6
    )
    with_idle = CountingModel(
        (*UPGRADE.channels, "idle"),
        np.append(signal, 0.0),
        np.append(UPGRADE.background, 2.0),
        np.append(UPGRADE.observed, 7.0),
        {name: np.append(delta, 0.3) for name, delta in UPGRADE.signal_modifiers.items()},
        np.append(UPGRADE.background_modifiers, 0.3),
        np.append(UPGRADE.mc_error, 0.3),
    )
    assert ExactCalculator(with_idle).exclusion(with_idle) == reference
    assert ExactCalculator(with_idle).discovery(with_idle) == ExactCalculator(UPGRADE).discovery(
        UPGRADE.with_signal(signal)
    )


@settings(max_examples=20, deadline=None)
@given(total=st.floats(0.1, 40.0), factor=st.floats(1.05, 3.0), n=st.integers(0, 9))
def test_more_signal_is_better_excluded(total, factor, n):
    model = CountingModel(
        ("a",),
        np.array([1.0]),
        np.array([2.5]),
        np.array([float(n)]),
        {"efficiency": np.array([0.2])},
        0.3,
    )
    weak, strong = exclusion(model, total), exclusion(model, factor * total)
    assert strong.cls_observed <= weak.cls_observed * (1.0 + 1e-6)
    assert strong.clsb_observed <= weak.clsb_observed * (1.0 + 1e-6)


def test_bands_are_ordered_and_enclose_the_median():
    for total in (1.0, 5.0, 25.0):
        bands = exclusion(UPGRADE, total).cls_expected
        assert list(bands) == sorted(bands)


def test_no_signal_excludes_nothing():
    nothing = UPGRADE.with_signal(np.zeros(4))
    test = ExactCalculator(UPGRADE).exclusion(nothing)
    assert test.cls_observed == 1.0
    assert test.cls_expected == (1.0,) * 5
    assert ExactCalculator(UPGRADE).discovery(nothing).p0_expected == 1.0


def test_truncation_and_quadrature_are_converged(monkeypatch):
    """Nothing moves by 1e-4 when nodes are twice as dense and outcomes 1e3 times less likely."""
    calculator = ExactCalculator(UPGRADE)
    points = [UPGRADE.with_signal(total * UPGRADE.signal) for total in (2.5, 20.0, 45.0)]
    usual = [calculator.exclusion(point) for point in points]
    p0 = calculator.discovery(points[1]).p0_expected
    monkeypatch.setattr(marginal, "_STEP", 0.7)
    monkeypatch.setattr(marginal, "_SMALL_PULL", 0.2)
    finer = ExactCalculator(UPGRADE, tolerance=1e-13)
    for point, before in zip(points, usual, strict=True):
        after = finer.exclusion(point)
        assert before.cls_observed == pytest.approx(after.cls_observed, rel=1e-4)
        assert before.cls_expected == pytest.approx(after.cls_expected, rel=1e-4)
    assert p0 == pytest.approx(finer.discovery(points[1]).p0_expected, rel=1e-4)


def test_far_fewer_events_than_expected_are_still_resolved():
    model = CountingModel(("a",), np.array([8.0]), np.array([60.0]), np.array([0.0]))
    test = ExactCalculator(model).exclusion(model)
    assert test.clsb_observed == pytest.approx(np.exp(-68.0), rel=1e-9)
    assert test.cls_observed == pytest.approx(np.exp(-8.0), rel=1e-9)


def test_large_backgrounds_are_refused_with_a_way_out():
    model = CountingModel(("a",), np.array([8.0]), np.array([1e5]), background_modifiers=0.3)
    assert not is_affordable(model)
    with pytest.raises(InferenceError, match="calculator=auto"):
        ExactCalculator(model)
