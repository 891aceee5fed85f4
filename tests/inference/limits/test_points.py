"""Tests of every grid point."""

import numpy as np
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.limits.points import grid_tests
from hnlstat.likelihood.model import CountingModel

BASE = CountingModel(
    ("fhc", "rhc"), np.zeros(2), np.array([0.563, 0.015]), np.zeros(2), {}, np.array([0.3, 1.0])
)
TOTALS = np.array([0.0, 0.004, 0.1, 3.0, 5.0, 400.0])
SHARES = np.array([0.7, 0.3])


def grid(engine, models=None):
    models = models or [BASE.with_signal(total * SHARES) for total in TOTALS]
    return grid_tests(0.1, np.geomspace(1e-7, 1e-6, len(models)), models, engine, "exact", 5.0)


def test_points_are_those_of_the_calculator_and_fall_with_the_signal():
    engine = ExactCalculator(BASE)
    found = grid(engine)
    cls = [test.exclusion.cls_observed for test in found]
    assert np.all(np.diff(cls[1:]) < 0.0)
    # no event seen: CLs = exp(-signal) without uncertainties of the signal
    assert cls == pytest.approx(np.exp(-TOTALS), rel=0.005)
    for test, total in zip(found[2:5], TOTALS[2:5], strict=True):
        assert sum(test.signal) == pytest.approx(total)
        model = BASE.with_signal(total * SHARES)
        assert test.exclusion == engine.exclusion(model)
        assert test.discovery == engine.discovery(model)
        assert (test.method, test.validity) == ("exact", "ok")


def test_what_is_a_bound_says_so():
    found = grid(ExactCalculator(BASE))
    assert [test.validity for test in found[:2]] == ["ok: hardly any signal"] * 2
    assert found[1].discovery is None
    assert "p0_expected is an upper bound" in found[-1].validity
    assert found[-1].discovery.p0_expected < 2.9e-7
    more = [BASE.with_signal(total * SHARES) for total in (400.0, 401.0, 900.0)]
    more.append(BASE.with_signal([2000.0, 1.0]))
    first, *bounds, other = grid(ExactCalculator(BASE), more)
    for bound, model in zip(bounds, more[1:3], strict=True):
        assert bound.validity == "ok: p-values are upper bounds"
        assert bound.exclusion == first.exclusion
        assert sum(bound.signal) == pytest.approx(model.signal.sum())
    assert other.exclusion != first.exclusion


def test_a_point_that_fails_costs_no_other(monkeypatch):
    usual = ExactCalculator.exclusion

    def exclusion(self, model):
        if model.signal.sum() == pytest.approx(3.0):
            raise InferenceError("no number")
        return usual(self, model)

    monkeypatch.setattr(ExactCalculator, "exclusion", exclusion)
    found = grid(ExactCalculator(BASE))
    assert [test.exclusion is None for test in found] == [False] * 3 + [True] + [False] * 2
    assert found[3].validity == "no test: no number"
