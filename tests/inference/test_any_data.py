"""Every calculator against closed forms and brute force, for any data over any background."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from hnlstat.inference.counting import sums
from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.engines.calculators import choose, observed_method
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.statistics import q_tilde
from hnlstat.likelihood.model import CountingModel

ENGINES = (ExactCalculator, ConvolutionCalculator)
DEFAULT = CountingModel(
    ("fhc", "rhc"),
    np.array([0.729, 0.271]),
    np.array([0.563, 0.015]),
    None,
    {
        "flux_fhc": np.array([0.10, 0.0]),
        "flux_rhc": np.array([0.0, 0.10]),
        "efficiency": np.full(2, 0.2),
    },
    np.array([0.3, 1.0]),
    0.005,
)


def one_channel(background, observed):
    return CountingModel(("a",), np.ones(1), np.array([background]), np.array([observed]))


def limit(engine, model, level=0.90, spread=6.0):
    def strength(total):
        test = engine.exclusion(model.with_signal(total * model.signal))
        return np.log(test.cls_observed / (1.0 - level))

    n = float(model.observed.sum())
    low = max(0.5, n - float(model.background.sum()) - 1.0)
    return brentq(strength, low, n + spread * np.sqrt(n) + 10.0, xtol=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("background", "observed", "events"),
    [(0.563, 50, 59.776), (0.563, 14, 19.565), (1e-6, 3, 6.681), (0.58, 100, 113.49)],
)
def test_limits_of_data_above_the_background_are_closed_forms(engine, background, observed, events):
    found = limit(engine(one_channel(background, observed)), one_channel(background, observed))

    def excess(s):
        return poisson.cdf(observed, s + background) / poisson.cdf(observed, background) - 0.1

    assert found == pytest.approx(brentq(excess, 1.0, 400.0, xtol=1e-11), rel=1e-6)
    assert found == pytest.approx(events, abs=0.006)


@pytest.mark.parametrize("name", ["auto", "exact", "convolution"])
@pytest.mark.parametrize("observed", [3000.0, 1e5])
def test_any_number_of_events_has_a_limit(name, observed):
    model = one_channel(0.58, observed)
    method, engine = choose(name, model)
    # CLs+b(s) = P(n <= observed) is the upper tail of a gamma distribution
    tail = norm.isf(0.1)
    assert limit(engine, model) == pytest.approx(observed + tail * np.sqrt(observed), rel=2e-3)
    handed = observed > 4000 and name != "convolution"
    assert observed_method(method, engine) == ("convolution" if handed else method)


@pytest.mark.parametrize(
    ("observed", "total", "cls"),
    [((10.0, 4.0), 14.0, 0.467), ((14.0, 6.0), 20.0, 0.474), ((20.0, 8.0), 28.0, 0.472)],
)
def test_the_default_search_with_an_excess(observed, total, cls):
    """Within what the flux errors of the search, which vary with energy, change."""
    model = DEFAULT.with_signal(total * DEFAULT.signal).with_data(np.array(observed))
    assert ExactCalculator(model).exclusion(model).cls_observed == pytest.approx(cls, rel=0.02)
    assert ConvolutionCalculator(model).exclusion(model).cls_observed == pytest.approx(cls, rel=0.1)


def test_a_hundred_events_by_the_convolution():
    model = replace(DEFAULT, observed=np.array([100.0, 33.0]))
    model = model.without_uncertainties()
    assert 113.0 < limit(ConvolutionCalculator(model), model) < 172.0


@pytest.mark.parametrize("data", [(4, 4, 4, 5, 6), (0, 0, 0, 0, 0), (90, 0, 1, 0, 300)])
def test_expected_results_do_not_know_the_data(data):
    background = np.array([2.0, 1.0, 0.5, 0.2, 0.05])
    spectrum = CountingModel(
        ("a",) * 5, np.full(5, 0.2), background, None, {}, 0.3, bins=tuple(range(5))
    )
    channels = CountingModel(tuple("abcde"), np.full(5, 0.2), background, None, {}, 0.3)
    for engine, model in ((ConvolutionCalculator, spectrum), (ExactCalculator, channels)):
        for total in (0.3, 5.0, 22.0):
            blind = model.with_signal(total * model.signal)
            seen = blind.with_data(np.array(data, dtype=float))
            without, given_data = engine(blind), engine(seen)
            one, other = without.exclusion(blind), given_data.exclusion(seen)
            assert one.cls_expected == other.cls_expected
            assert one.clsb_expected == other.clsb_expected
            assert without.discovery(blind).p0_expected == given_data.discovery(seen).p0_expected
            assert list(one.cls_expected) == sorted(one.cls_expected)
            assert choose("auto", blind)[0] == choose("auto", seen)[0]


def brute(model, order, seen):
    """Return CLs+b and CLb from all outcomes of a box, one integral over each rate."""
    z = np.linspace(-7.0, 7.0, 281)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    tables = []
    for with_signal in (1.0, 0.0):
        channel_tables = []
        for b, s, error in zip(
            model.background, model.signal, model.background_modifiers, strict=True
        ):
            top = int(poisson.isf(1e-15, b * (1.0 + error) ** 5 + s)) + 2
            rates = b * (1.0 + error) ** z + with_signal * s
            channel_tables.append(poisson.pmf(np.arange(top)[:, None], rates) @ weight)
        tables.append(channel_tables)
    grid = np.array(list(itertools.product(*(range(len(t)) for t in tables[0])))).T
    poor = order(grid.astype(float)) <= seen + 1e-9 * (1.0 + abs(seen))
    return [
        float(np.prod([t[n] for t, n in zip(part, grid, strict=True)], axis=0)[poor].sum())
        for part in tables
    ]


@settings(max_examples=25, deadline=None)
@given(
    backgrounds=st.lists(st.floats(-6.0, 0.8), min_size=1, max_size=2),
    strength=st.floats(0.1, 15.0),
    share=st.floats(0.05, 0.95),
    excess=st.lists(st.floats(0.0, 2.0), min_size=2, max_size=2),
    error=st.sampled_from([0.0, 0.3]),
)
@example([-6.0, -6.0], 5.0, 0.5, [2.0, 2.0], 0.3)
@example([0.7, -6.0], 11.0, 0.9, [1.0, 1.5], 0.0)
@example([0.0, -5.0], 0.1015625, 0.05078125, [0.0, 0.0], 0.0)
def test_few_bins_are_brute_force(backgrounds, strength, share, excess, error):
    """Backgrounds of 1e-6 to 6 events; data from none to twice the expectation and more."""
    size = len(backgrounds)
    background = 10.0 ** np.array(backgrounds)
    signal = strength * np.array([share, 1.0 - share])[:size]
    data = np.rint(np.array(excess)[:size] * (signal + background))
    model = CountingModel(tuple("ab"[:size]), signal, background, data, {}, error)
    weights = np.log1p(signal / background)
    for engine, order in (
        (ExactCalculator, lambda n: -q_tilde(n, signal, background)),
        (ConvolutionCalculator, lambda n: weights @ n),
    ):
        seen = float(order(data[:, None])[0])
        clsb, clb = brute(model, order, seen)
        if engine is ExactCalculator and seen > -1e-9:
            clsb = clb = 1.0
        test = engine(model).exclusion(model)
        assert test.clsb_observed == pytest.approx(clsb, rel=0.02, abs=1e-14)
        assert test.cls_observed == pytest.approx(clsb / clb, rel=0.02)


@pytest.mark.parametrize("discovery", [True, False])
def test_rounding_moves_outcomes_at_six_sigma_by_a_hundredth_of_the_likelihood(discovery):
    """Brute force over three bins, where single outcomes are 5 % of a p-value of 1e-9."""
    background = np.array([6.1, 2.3, 0.7])
    signal = np.array([9.0, 11.0, 7.0]) if discovery else np.array([14.0, 19.0, 16.0])
    model = CountingModel(("a",) * 3, signal, background, bins=(0, 1, 2))
    box = np.array(list(itertools.product(range(70), range(60), range(50)))).T
    rate = background if discovery else signal + background
    probability = np.exp(poisson.logpmf(box, rate[:, None]).sum(axis=0))
    values = np.log1p(signal / background) @ box * (-1.0 if discovery else 1.0)
    order = np.argsort(values)
    values, p = values[order], np.cumsum(probability[order])
    near = np.flatnonzero((p > 0.8 * norm.sf(6.0)) & (p < 1.25 * norm.sf(6.0)))
    calculator = ConvolutionCalculator(model)
    for i in np.random.default_rng(3).choice(near, 20, replace=False).tolist():
        data = model.with_data(box[:, order[i]].astype(float))
        if discovery:
            found = calculator.discovery(data).p0_observed
        else:
            found = calculator.exclusion(data).clsb_observed
        low, high = (p[np.searchsorted(values, values[i] + d) - 1] for d in (-0.005, 0.005))
        assert 0.99 * low < found < 1.01 * high


def test_outcomes_of_few_events_keep_their_places():
    """Brute force over three bins, where single outcomes are some per cent of a p-value.

    Only those whose likelihood ratios are equal to 0.1 % may count as equal.
    """
    rng = np.random.default_rng(9)
    box = np.array(list(itertools.product(range(34), repeat=3))).T.astype(float)
    for _ in range(40):
        background = 10.0 ** rng.uniform(-1.5, 0.3, 3)
        signal = rng.dirichlet(np.ones(3)) * rng.uniform(3.0, 10.0)
        data = rng.poisson(background + 0.4 * signal).astype(float)
        model = CountingModel(("a",) * 3, signal, background, data, bins=(0, 1, 2))
        values = np.log1p(signal / background) @ np.column_stack([data, box])
        p = np.exp(poisson.logpmf(box, (signal + background)[:, None]).sum(axis=0))
        low, high = (p[values[1:] <= values[0] + d].sum() for d in (-1e-3, 1e-3))
        if high < 1.0001 * (exact := p[values[1:] <= values[0] + 1e-9].sum()):
            low = exact
        found = ConvolutionCalculator(model).exclusion(model).clsb_observed
        assert 0.998 * low < found < 1.002 * high


@pytest.mark.parametrize("signal", [15.0, 20.0])
def test_rounding_moves_no_p_value_of_a_spectrum_at_six_sigma_by_two_per_cent(monkeypatch, signal):
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.ones(8), 2)
    model = CountingModel(("a",) * 8, signal * shares[0], 6.5 * shares[1], bins=tuple(range(8)))
    up = model.background * (1.0 + model.signal / model.background)
    data = [model.with_data(rng.poisson(1.1 * up).astype(float)) for _ in range(8)]

    def p_values():
        return [ConvolutionCalculator(model).discovery(one).p0_observed for one in data]

    usual = p_values()
    for name, value in (("_PRECISION", 1e-4), ("_COARSER", 1.0), ("_MOST_STEPS", 2**18)):
        monkeypatch.setattr(sums, name, value)
    finer = p_values()
    assert min(finer) < 1e-8
    assert usual == pytest.approx(finer, rel=0.02)


@settings(max_examples=15, deadline=None)
@given(
    size=st.integers(1, 30),
    channels=st.booleans(),
    background=st.floats(-6.0, 2.0),
    slope=st.floats(-2.0, 2.0),
    strength=st.floats(-1.0, 2.0),
    excess=st.floats(0.0, 5.0),
    error=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 10),
)
@example(2, True, 2.0, 0.0, 2.0, 5.0, 0.2, 1)
@example(30, False, 2.0, 1.0, 2.0, 5.0, 0.2, 1)
@example(10, True, 2.0, 0.0, 0.0, 0.0, 0.0, 0)
@example(5, True, -6.0, 2.0, 2.0, 0.0, 0.2, 1)
@example(19, True, 0.0, 0.0, 2.0, 4.0, 0.0, 0)
@example(23, True, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
@example(5, True, 1.0, 0.0, 2.0, 1.0, 0.0, 0)
def test_p_values_are_in_order(size, channels, background, slope, strength, excess, error, seed):
    """CLs within [0, 1], falling with the signal, its bands in order, whatever the data."""
    at = np.linspace(-0.5, 0.5, size)
    b = 10.0 ** (background + slope * at) / size
    share = np.random.default_rng(seed).dirichlet(np.ones(size))
    signal = 10.0**strength * share
    data = np.random.default_rng(seed).poisson(excess * (b + signal)).astype(float)
    names = tuple(f"c{i}" for i in range(size)) if channels else ("a",) * size
    bins = () if channels else tuple(range(size))
    modifiers = {"efficiency": np.full(size, error)}
    model = CountingModel(names, signal, b, data, modifiers, error, bins=bins)
    method, engine = choose("auto", model, ToySettings(2000))
    assert method in ("exact", "convolution")
    last = None
    for factor in (0.3, 1.0, 2.0):
        test = engine.exclusion(model.with_signal(factor * signal))
        cls = np.array([test.cls_observed, *test.cls_expected])
        clsb = np.array([test.clsb_observed, *test.clsb_expected])
        assert np.all((cls >= 0.0) & (cls <= 1.0) & (clsb >= 0.0) & (clsb <= cls + 1e-12))
        assert list(test.cls_expected) == sorted(test.cls_expected)
        if last is not None:
            assert np.all(cls[:1] <= last[:1] * (1.0 + 0.03) + 1e-9)
        last = cls
        blind = replace(model, observed=None, signal=factor * signal)
        found = choose("auto", blind)[1].exclusion(blind).cls_expected
        assert found == pytest.approx(test.cls_expected, rel=1e-12)  # sums of other lengths


@pytest.mark.parametrize("signal", [3e3, 1e4, 1e5])
def test_discoveries_of_any_signal_in_little_memory(signal):
    model = CountingModel(("a",), np.array([signal]), np.array([0.563]), np.array([3.0]))
    found = choose("exact", model)[1].discovery(model)
    assert found.p0_observed == pytest.approx(poisson.sf(2, 0.563), rel=1e-9)
    assert 0.0 < found.p0_expected <= 1e-12
