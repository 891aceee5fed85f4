"""Discovery tests with no more signal than is asked for."""

import numpy as np
import pytest

from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.limits.discovery import DiscoveryTests
from hnlstat.likelihood.model import CountingModel

BASE = CountingModel(
    ("fhc", "rhc"), np.zeros(2), np.array([6.1, 0.33]), None, {}, np.array([0.3, 1.0])
)
SHARES = np.array([0.7, 0.3])


class Counting(ExactCalculator):
    """Keeps the signals that it is asked to test."""

    def __init__(self, model):
        super().__init__(model)
        self.asked = []

    def discovery(self, model):
        self.asked.append(model.signal.sum())
        return super().discovery(model)


def test_a_model_below_the_significance_is_tested_as_it_is():
    engine = Counting(BASE)
    model = BASE.with_signal(5.0 * SHARES)
    test, more = DiscoveryTests(engine, 5.0).test(model)
    assert more == 1.0
    assert engine.asked == [pytest.approx(5.0)]
    assert test == ExactCalculator(BASE).discovery(model)


def test_far_above_less_signal_serves_all_that_have_more():
    engine = Counting(BASE)
    tests = DiscoveryTests(engine, 5.0)
    first, more = tests.test(BASE.with_signal(300.0 * SHARES))
    assert first.significance > 5.0
    assert max(engine.asked) < 40.0
    assert more > 4.0
    asked = len(engine.asked)
    second, even_more = tests.test(BASE.with_signal(900.0 * SHARES))
    assert len(engine.asked) == asked
    assert second == first
    assert even_more > more
    # other shares: less in one channel than was tested
    other, _ = tests.test(BASE.with_signal(np.array([300.0, 0.1])))
    assert len(engine.asked) > asked
    assert other != first


def test_the_bound_is_one():
    """Less signal never gives a smaller p-value than the model itself."""
    model = BASE.with_signal(30.0 * SHARES)
    test, more = DiscoveryTests(ExactCalculator(BASE), 3.0).test(model)
    direct = ExactCalculator(BASE).discovery(model)
    assert more > 1.0
    assert direct.p0_expected < test.p0_expected < 1.35e-3
    # the squared significance by Asimov data tells how much smaller, to a factor in its logarithm
    assert 0.5 < np.log(direct.p0_expected) / (more * np.log(test.p0_expected)) < 1.5
