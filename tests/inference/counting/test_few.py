"""Few events in many channels: p-values by brute force and by Fourier transforms."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.counting.few import are_few
from hnlstat.inference.counting.pull import Pull
from hnlstat.likelihood.model import CountingModel

BACKGROUND = np.array([1.5, 0.4, 0.3, 0.2, 0.6, 0.4, 0.02, 0.2, 0.04, 0.015])
ERROR = np.array([0.33, 0.72, 0.78, 0.62, 0.43, 0.53, 1.08, 1.17, 1.06, 1.0])
SHARE = np.array([0.4, 0.1, 0.1, 0.002, 0.05, 0.2, 0.08, 0.05, 0.0179, 0.0001])
FLUX = np.where(np.arange(10) < 5, 0.12, 0.02)
TAGGED = np.linspace(-0.1, 0.15, 10)


def model(signal, observed=None):
    return CountingModel(
        tuple("abcdefghij"), signal * SHARE, BACKGROUND, observed,
        {"flux": FLUX, "tracks": TAGGED, "common": np.full(10, 0.1)}, ERROR, 0.03,
    )  # fmt: skip


def by_transform(one):
    """Return a calculator that takes the way for any number of events."""
    found = ConvolutionCalculator(one)
    found._few = None
    return found


@pytest.mark.parametrize("signal", [0.02, 2.5, 12.0, 30.0])
def test_p_values_are_those_of_the_fourier_transform(signal):
    one = model(signal, np.array([1.0, 0, 0, 0, 1, 0, 0, 0, 0, 0]))
    fast, slow = ConvolutionCalculator(one), by_transform(one)
    assert fast._few is not None
    mine, theirs = fast.exclusion(one), slow.exclusion(one)
    assert mine.validity == theirs.validity == "ok"
    # 1 % of ln p is 0.3 to 0.5 % of a coupling whose square is the signal
    for field in ("clsb_observed", "cls_observed", "clsb_expected", "cls_expected"):
        found, right = (np.log(np.array(getattr(test, field))) for test in (mine, theirs))
        assert found == pytest.approx(right, rel=0.01, abs=0.002)
    found, right = (np.log(way.discovery(one).p0_expected) for way in (fast, slow))
    assert found == pytest.approx(right, rel=0.01)


def test_plain_experiments_agree():
    rng = np.random.default_rng(1)
    one = model(4.0, np.zeros(10))
    number = 200_000
    theta = rng.normal(size=(3, number))
    move = np.exp(np.log1p(np.array([*one.signal_modifiers.values()])).T @ theta)
    signal = one.signal[:, None] * move * np.exp(np.log1p(0.03) * rng.normal(size=(10, number)))
    background = BACKGROUND[:, None] * (1.0 + ERROR[:, None]) ** rng.normal(size=(10, number))
    weights = np.log1p(one.signal / BACKGROUND)
    both, alone = (weights @ rng.poisson(r) for r in (signal + background, background))
    test = ConvolutionCalculator(one).exclusion(one)
    for level, at in ((0.5, 2), (0.841345, 3), (0.97725, 4)):
        value = np.quantile(alone, level, method="inverted_cdf") + 1e-9
        clsb, clb = np.mean(both <= value), np.mean(alone <= value)
        # of the quantile itself as well, which is that of drawn experiments
        assert test.clsb_expected[at] == pytest.approx(clsb, rel=0.03)
        assert test.cls_expected[at] == pytest.approx(clsb / clb, rel=0.03)
    none = np.mean(both <= 1e-9)
    assert abs(test.clsb_observed - none) < 5.0 * np.sqrt(none / number)


def test_no_event_is_the_average_of_an_exponential():
    """With nothing seen CLs is E exp(-s), whatever the background."""
    rng = np.random.default_rng(1)
    one = model(20.0, np.zeros(10))
    z = rng.normal(size=(13, 200_000))
    moves = np.log1p(np.array([*one.signal_modifiers.values(), *(0.03 * np.eye(10))]))
    # drawn around where the integrand is, along each parameter
    centre = -(moves @ one.signal) / (1.0 + (moves**2) @ one.signal)
    s = one.signal @ np.exp(moves.T @ (z + centre[:, None]))
    logs = -s - centre @ z - 0.5 * centre @ centre
    values = np.exp(logs)
    error = values.std() / np.sqrt(values.size)
    found = ConvolutionCalculator(one).exclusion(one).cls_observed
    assert abs(found - values.mean()) < 5.0 * error + 0.01 * values.mean()


def test_expected_results_do_not_know_the_data():
    results = []
    for observed in (None, np.zeros(10), np.full(10, 3.0), np.eye(10)[0] * 100.0):
        one = model(5.0, observed)
        results.append(ConvolutionCalculator(one).exclusion(one))
    assert are_few(np.full(10, 3.0))
    assert not are_few(np.eye(10)[0] * 100.0)
    first = results[0].cls_expected
    assert [r.cls_expected for r in results[1:3]] == [first, first]
    assert results[3].cls_expected == pytest.approx(first, rel=0.01)
    assert results[3].cls_observed > 0.99


def test_channels_without_signal_and_signals_without_end():
    one = model(5.0, np.zeros(10))
    engine = ConvolutionCalculator(one)
    fewer = engine.exclusion(one.with_signal(np.where(np.arange(10) < 3, one.signal, 0.0)))
    assert 0.0 < fewer.cls_observed < 1.0
    huge = engine.exclusion(one.with_signal(1e9 * SHARE))
    assert huge.cls_observed == 0.0
    assert max(huge.cls_expected) < 1e-100
    assert engine.exclusion(replace(one, signal=np.zeros(10))).validity == "ok: no signal"


def test_certain_signals_without_end_take_no_memory():
    """A table of all counts of the largest one would be of terabytes."""
    certain = CountingModel(
        tuple("abcdefghij"), 2.3 * SHARE, BACKGROUND, np.zeros(10), {}, np.zeros(10), 0.0
    )
    engine = ConvolutionCalculator(certain)
    seen = engine.exclusion(certain).cls_observed
    assert seen == pytest.approx(np.exp(-2.3 * SHARE.sum()), rel=1e-6)
    assert engine.exclusion(certain.with_signal(1e12 * SHARE)).cls_observed == 0.0


def test_quadratic_averages_across_the_pull_are_those_of_many_points():
    """F = exp(-sum s) has derivatives -1: its average is that of an exponential."""
    rng = np.random.default_rng(1)
    signal, shifts = np.array([3.0, 4.0, 2.0]), rng.normal(0.0, 0.1, (3, 3))
    pull = Pull.build(signal, shifts @ shifts.T, (0.0, 0.0))
    nodes = len(pull.signal)
    nothing = np.zeros((nodes, 1, 3)), np.zeros((nodes, 1, 3, 3))
    found = pull.log_average(*nothing, -pull.signal.sum(axis=1)[:, None])
    s = signal @ np.exp(shifts @ rng.normal(size=(3, 400_000)))
    assert found[0] == pytest.approx(np.log(np.exp(-s).mean()), abs=0.01)
