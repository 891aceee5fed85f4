"""Few events in many channels: p-values by brute force and by Fourier transforms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.counting.few import are_few
from hnlstat.inference.counting.pull import Pull
from hnlstat.inference.counting.sums import Sums
from hnlstat.likelihood.model import CountingModel

BACKGROUND = np.array([1.5, 0.4, 0.3, 0.2, 0.6, 0.4, 0.02, 0.2, 0.04, 0.015])
ERROR = np.array([0.33, 0.72, 0.78, 0.62, 0.43, 0.53, 1.08, 1.17, 1.06, 1.0])
SHARE = np.array([0.4, 0.1, 0.1, 0.002, 0.05, 0.2, 0.08, 0.05, 0.0179, 0.0001])
FLUX = np.where(np.arange(10) < 5, 0.12, 0.02)
TAGGED = np.linspace(-0.1, 0.15, 10)


def model(signal, observed=None, error=ERROR, scale=1.0):
    return CountingModel(
        tuple("abcdefghij"), signal * SHARE, scale * BACKGROUND, observed,
        {"flux": FLUX, "tracks": TAGGED, "common": np.full(10, 0.1)}, error, 0.03,
    )  # fmt: skip


def log_ratios(one, counts):
    """Return ln of the likelihood ratios of outcomes (C, M), backgrounds averaged over."""
    z = np.linspace(-9.0, 9.0, 721)
    found = np.zeros(counts.shape[1])
    for s, b, error, n in zip(
        one.signal, one.background, one.background_modifiers, counts, strict=True
    ):
        rate = b * (1.0 + error) ** z
        table = np.arange(n.max() + 1)[:, None]
        both, alone = (
            logsumexp(table * np.log(r) - r - 0.5 * z**2, axis=1) for r in (s + rate, rate)
        )
        # more events are never more background-like
        found += np.maximum.accumulate(both - alone)[n]
    return found


def drawn(one, number, seed=1):
    """Return experiments with the signal and without, shapes (C, M)."""
    rng = np.random.default_rng(seed)
    moves = np.log1p(np.array([*one.signal_modifiers.values()])).T @ rng.normal(size=(3, number))
    own = np.log1p(one.mc_error)[:, None] * rng.normal(size=(10, number))
    signal = one.signal[:, None] * np.exp(moves + own)
    spread = (1.0 + one.background_modifiers[:, None]) ** rng.normal(size=(10, number))
    background = one.background[:, None] * spread
    return rng.poisson(signal + background), rng.poisson(background)


def by_transform(one):
    """Return a calculator that takes the way for any number of events."""
    found = ConvolutionCalculator(one)
    found._few = None
    return found


@pytest.mark.parametrize("signal", [0.02, 2.5, 12.0, 30.0])
def test_p_values_are_those_of_the_fourier_transform(signal):
    """Which takes backgrounds as known in the order: here they are."""
    one = model(signal, np.array([1.0, 0, 0, 0, 1, 0, 0, 0, 0, 0]), np.zeros(10))
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


@pytest.mark.parametrize(("signal", "scale"), [(4.0, 1.0), (12.0, 7.0)])
def test_plain_experiments_agree(signal, scale):
    one = model(signal, np.zeros(10), scale=scale)
    number = 150_000
    both, alone = (log_ratios(one, counts) for counts in drawn(one, number))
    test = ConvolutionCalculator(one).exclusion(one)
    for level, at in ((0.5, 2), (0.841345, 3), (0.97725, 4)):
        value = np.quantile(alone, level, method="inverted_cdf") + 1e-9
        clsb, clb = np.mean(both <= value), np.mean(alone <= value)
        # of the quantile itself as well, which is that of drawn experiments
        assert test.clsb_expected[at] == pytest.approx(clsb, rel=0.03)
        assert test.cls_expected[at] == pytest.approx(clsb / clb, rel=0.03)
    p0 = np.mean(alone >= np.quantile(both, 0.5) - 1e-9)
    assert ConvolutionCalculator(one).discovery(one).p0_expected == pytest.approx(p0, rel=0.06)


def test_data_of_many_events_agree():
    one = model(40.0, np.array([30.0, 6, 4, 2, 5, 9, 3, 4, 2, 0]), scale=7.0)
    seen = log_ratios(one, one.observed[:, None].astype(int))[0] + 1e-9
    clsb = np.mean(log_ratios(one, drawn(one, 150_000)[0]) <= seen)
    assert 0.05 < clsb < 0.95
    test = ConvolutionCalculator(one).exclusion(one)
    assert test.validity == "ok"
    assert test.clsb_observed == pytest.approx(clsb, rel=0.03)


def test_badly_known_backgrounds_weigh_less():
    """The likelihood ratio of what is drawn is the best order: other ones have larger p-values."""
    one = model(12.0, scale=7.0)
    best = ConvolutionCalculator(one)
    mine, other = best.exclusion(one), by_transform(one).exclusion(one)
    assert mine.cls_expected[2] < 0.97 * other.cls_expected[2]
    known = by_transform(one).discovery(one).p0_expected
    assert best.discovery(one).p0_expected < 0.8 * known
    few = model(3.0, np.zeros(10))
    seen = (
        way.exclusion(few).cls_observed for way in (ConvolutionCalculator(few), by_transform(few))
    )
    assert next(seen) == pytest.approx(next(seen), rel=0.003)


@pytest.mark.parametrize(("background", "error"), [(2.0, 0.5), (20.0, 1.0), (60.0, 0.7)])
def test_averages_over_backgrounds_have_nodes_enough(background, error):
    """Many events leave little of a wide prior, so that nodes must be close."""
    one = CountingModel(
        tuple("abcde"), np.array([1.0, 3.0, 5.0, 8.0, 12.0]), np.array([background, *[0.3] * 4]),
        None, {}, np.array([error, *[0.5] * 4]),
    )  # fmt: skip
    counts = np.zeros((5, 60), int)
    counts[0] = np.arange(60) * int(max(background / 10.0, 1.0))
    found = ConvolutionCalculator(one)._few._of(one).values(counts)
    assert found - one.signal.sum() == pytest.approx(log_ratios(one, counts), abs=1e-3)


def test_more_events_are_never_more_background_like():
    one = model(12.0, scale=7.0)
    first = np.linspace(0.0, 300.0, 16)
    counts = np.outer(np.eye(10)[7], first)
    cls = ConvolutionCalculator(one).cls(one, counts)
    assert np.all(np.diff(cls) >= 0.0)
    assert cls[1] > 2.0 * cls[0]


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
    for observed in (None, np.zeros(10), np.full(10, 3.0), np.eye(10)[0] * 500.0):
        one = model(5.0, observed)
        results.append(ConvolutionCalculator(one).exclusion(one))
    assert are_few(np.full(10, 3.0))
    assert not are_few(np.eye(10)[0] * 500.0)
    first = results[0].cls_expected
    assert [r.cls_expected for r in results[1:3]] == [first, first]
    assert results[3].cls_expected == first
    assert results[3].cls_observed > 0.99
    assert results[3].validity.startswith("ok: many events observed")


def test_discoveries_of_many_events_are_not_expected_twice(monkeypatch):
    """Their data have a way of their own, which is asked for these alone."""
    one = model(5.0, np.eye(10)[0] * 500.0)
    alone = ConvolutionCalculator(one)
    right = by_transform(one).discovery(one).p0_observed
    monkeypatch.delattr(Sums, "median")  # of transforms
    found = alone.discovery(one)
    assert found.p0_observed == pytest.approx(right, rel=1e-6)
    assert found.p0_expected == alone.discovery(model(5.0)).p0_expected


def test_many_events_of_little_weight_are_rounded_up():
    """Each is a step at least, so that the sum of all goes beyond what it is unrounded."""
    one = CountingModel(
        tuple("abcde"), np.array([0.6, 1.2e-3, 0.1, 0.1, 0.1]),
        np.array([0.2, 19.0, 0.5, 0.5, 0.5]), None, {}, np.array([0.3, 0.0, 0.9, 1.2, 0.0]),
    )  # fmt: skip
    few, many = ConvolutionCalculator(one).cls(one, np.array([[1, 1], [19, 300], *[[0, 0]] * 3]))
    assert 0.1 < few <= many <= 1.0


def test_directions_across_that_tell_nothing_move_nothing():
    """One channel with far more events than all others: no node's average is above one."""
    one = CountingModel(
        tuple("abcde"), np.array([0.0, 0.318, 0.1, 0.3, 0.281]),
        np.array([0.246, 0.0145, 9.57, 0.352, 5.35]), np.array([1.0, 0.0, 44.0, 3.0, 13.0]),
        {"flux": np.full(5, 0.421), "half": np.array([0.0, *[0.285] * 4]),
         "tilt": np.array([-0.253, 0.487, -0.338, 0.079, -0.3])},
        np.array([0.325, 0.0, 1.006, 0.837, 1.06]), 0.1,
    )  # fmt: skip
    engine = ConvolutionCalculator(one)
    signals = np.linspace(32.0, 52.0, 21)
    seen = [engine.exclusion(one.with_signal(s * one.signal)).clsb_observed for s in signals]
    assert np.all(np.diff(np.log(seen)) < 0.0)
    assert np.all(np.diff(np.log(seen)) > -0.3)


def test_channels_without_signal_and_signals_without_end():
    one = model(5.0, np.zeros(10))
    engine = ConvolutionCalculator(one)
    fewer = engine.exclusion(one.with_signal(np.where(np.arange(10) < 3, one.signal, 0.0)))
    assert 0.0 < fewer.cls_observed < 1.0
    huge = engine.exclusion(one.with_signal(1e9 * SHARE))
    assert huge.cls_observed == 0.0
    assert max(huge.cls_expected) < 1e-100
    assert engine.discovery(one.with_signal(1e9 * SHARE)).p0_expected == 1e-12
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
