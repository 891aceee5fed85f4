from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize
from scipy.special import ndtr, ndtri, xlogy

from hnlstat.errors import InferenceError
from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits import weighted
from hnlstat.inference.limits.requirements import WEIGHTED, Edge, Medians, Row, over
from hnlstat.inference.statistics import asimov_significance
from hnlstat.likelihood.model import CountingModel

ONE = CountingModel(("a",), np.array([1.0]), np.array([1.0]))
TWO = CountingModel(
    ("fhc", "rhc"), np.array([0.7, 0.3]), np.array([0.6, 0.4]), np.array([3.0, 0.0]),
    {"flux": np.array([0.06, 0.0]), "efficiency": np.full(2, 0.2)}, np.array(0.43), np.array(0.01),
)  # fmt: skip
FOUR = CountingModel(
    ("a", "b", "b", "c"), np.array([0.4, 0.3, 0.1, 0.2]), np.array([0.3, 0.4, 0.2, 0.1]),
    signal_modifiers={"efficiency": np.full(4, 0.2)}, bins=(0, 0, 1, 0),
)  # fmt: skip


def median(model, kind, calculator="auto"):
    return Medians(model, calculator, ToySettings()).test(model, kind)


def signal_for(model, kind, target):
    """Events of signal that reach a significance."""

    def missed(log_events):
        return median(model.with_signal(np.exp(log_events) * model.signal), kind).significance

    return np.exp(brentq(lambda x: missed(x) - target, -3.0, 8.0, xtol=1e-5))


@pytest.mark.parametrize("events", [1e4, 1e6])
@pytest.mark.parametrize("model", [ONE, FOUR.without_uncertainties()])
def test_many_known_events_have_the_significance_of_asimov_data(model, events):
    """Equation 97 of arXiv:1007.1727; of bins with shares alike it is that of their sum."""
    for sigmas in (1.0, 5.0):
        part = over(model, events, 0.0)
        part = part.with_signal(sigmas * np.sqrt(events) * part.background / events)
        s, b = part.signal.sum(), events
        closed = np.sqrt(2.0 * ((s + b) * np.log1p(s / b) - s))
        assert median(part, "discovery").significance == pytest.approx(closed, rel=1e-6)
        closed = np.sqrt(2.0 * (s - b * np.log1p(s / b)))
        assert weighted.exclusion(part) == pytest.approx(closed, rel=1e-6)


def test_bins_add_up_as_asimov_data_of_each():
    part = over(FOUR.without_uncertainties(), 300.0, 0.0).with_signal(50.0 * FOUR.signal)
    exact = asimov_significance(part.signal, part.background, discovery=True)
    assert weighted.discovery(part) == pytest.approx(exact, rel=1e-9)
    exact = asimov_significance(part.signal, part.background, discovery=False)
    assert weighted.exclusion(part) == pytest.approx(exact, rel=1e-6)


def test_over_no_background_exclusion_takes_2_303_events():
    for model in (ONE, FOUR.without_uncertainties()):
        part = over(model, 1e-6, 0.3)
        for level in (0.90, 0.95):
            found = signal_for(part, "exclusion", float(ndtri(level)))
            assert found == pytest.approx(-np.log(1.0 - level), rel=1e-3)


def test_an_uncertainty_limits_what_many_events_tell():
    """Background alone that is s + b lies ln(1 + s/b) / ln(1 + error) sigma off."""
    part = over(ONE, 1e6, 0.2).with_signal(np.array([1e6]))
    assert median(part, "discovery").significance == pytest.approx(
        np.log(2.0) / np.log(1.2), rel=1e-4
    )


@given(
    log_b=st.floats(np.log(0.2), np.log(3e3)), ratio=st.floats(0.5, 6.0),
    error=st.sampled_from([0.0, 0.1, 0.5]), kind=st.sampled_from(["exclusion", "discovery"]),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_more_signal_helps_and_more_background_or_uncertainty_does_not(log_b, ratio, error, kind):
    """Medians jump: of whole numbers by one of them, and by a tenth where the formula begins."""
    events = float(np.exp(log_b))
    count = 0.1 + 1.0 / np.sqrt(events + 1.0)
    signal = ratio * np.sqrt(events + 1.0) * TWO.signal
    base = median(over(TWO.with_signal(signal), events, error), kind).significance
    more = median(over(TWO.with_signal(1.3 * signal), events, error), kind).significance
    assert more >= base - 1e-9 - (0.1 if more > 5.0 else 0.0)
    for worse in ((2.0 * events, error), (events, error + 0.3)):
        assert median(over(TWO.with_signal(signal), *worse), kind).significance <= base + count


@pytest.mark.parametrize("error", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("model", [TWO, FOUR])
def test_the_formula_agrees_with_the_convolution(model, error):
    """From 20 events on, of which half a count is 0.11 sigma, to 0.15."""
    for events, s in ((20.0, 12.0), (20.0, 27.0), (60.0, 20.0), (60.0, 50.0)):
        part = over(model, events, error).with_signal(s * model.signal)
        engine = ConvolutionCalculator(part)
        excluded = -ndtri(engine.exclusion(part).cls_expected[2])
        about = -ndtri(2.0 * ndtr(-weighted.exclusion(part)))
        assert about == pytest.approx(excluded, abs=0.15)
        found = engine.discovery(part).significance
        assert weighted.discovery(part) == pytest.approx(found, abs=0.15)


def test_the_formula_is_the_likeliest_way_to_as_few_events():
    """The least of all shifts and counts with sum_i n_i w_i as the background has it."""
    part = over(TWO, 50.0, 0.4).with_signal(np.array([40.0, 30.0]))
    part = replace(part, signal_modifiers={"efficiency": np.full(2, 0.2)}, mc_error=np.zeros(2))
    weights = np.log1p(part.signal / part.background)

    def squares(p):
        shifts, counts = p[:3], p[3:]
        rates = part.background * 1.4 ** shifts[:2] + part.signal * 1.2 ** shifts[2]
        q = 2.0 * (xlogy(counts, counts / rates) - (counts - rates)).sum()
        return q + shifts @ shifts

    same = {"type": "eq", "fun": lambda p: weights @ (p[3:] - part.background)}
    start = np.concatenate([np.zeros(3), part.background])
    least = minimize(squares, start, constraints=[same], tol=1e-10).fun
    assert weighted.exclusion(part) ** 2 == pytest.approx(least, rel=1e-5)


def test_a_row_has_each_point_at_each_efficiency():
    signals = (TWO.with_signal(30.0 * TWO.signal), TWO.with_signal(90.0 * TWO.signal))
    shares = np.array([0.1, 0.3, 1.0])
    found = Row(signals, shares, 8.0, 0.2, "auto", ToySettings()).run()
    # the point with three times the signal is at an efficiency where the other is at three times
    for i in (0, 1):
        assert found[0][0][i] != found[1][0][i]
        assert found[1][0][i].significance == pytest.approx(
            median(
                over(TWO.with_signal(9.0 * TWO.signal), 8.0, 0.2), ("exclusion", "discovery")[i]
            ).significance
        )
    assert found[0][2][0].method == "exact"
    assert found[1][2][1].method == WEIGHTED  # beyond 7 sigma
    assert found[1][2][1].significance > 7.0


@pytest.mark.parametrize("kind", ["exclusion", "discovery"])
def test_an_edge_is_where_the_significance_is_reached(kind):
    model, target = TWO.with_signal(60.0 * TWO.signal), 3.0
    edge = Edge(model, 1.0, 1e4, 0.2, kind, target, "auto", ToySettings()).run()
    assert median(over(model, edge, 0.2), kind).significance >= target
    assert median(over(model, 1.02 * edge, 0.2), kind).significance < target


def test_the_background_is_scaled_and_all_that_was_said_of_it_replaced():
    model = CountingModel(
        ("a", "a"), np.array([1.0, 2.0]), np.array([3.0, 1.0]), np.array([2.0, 2.0]),
        bins=(0, 1), background_components={"v_0": np.array([0.5, 0.1])},
    )  # fmt: skip
    found = over(model, 40.0, 0.3)
    assert found.background.tolist() == [30.0, 10.0]
    assert found.background_modifiers.tolist() == [0.3, 0.3]
    assert found.observed is None
    assert not found.background_components
    assert found.signal.tolist() == [1.0, 2.0]


def test_a_calculator_that_cannot_says_so():
    with pytest.raises(InferenceError, match="use toys or asymptotic"):
        Medians(over(TWO, 1e5, 0.0), "convolution", ToySettings())
