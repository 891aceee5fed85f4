import pytest
from scipy.stats import norm

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.curves import EXPECTED, curves
from hnlstat.inference.results import Exclusion

TEST = Exclusion(0.3, 0.2, (0.01, 0.02, 0.03, 0.04, 0.05), (0.1, 0.2, 0.3, 0.4, 0.5), "exact", "ok")


def test_levels_have_bands_and_significances_have_discovery():
    found = [(c.kind, c.test) for c in curves((0.90,), (5.0,), data=True)]
    assert found == [
        *((kind, "CLs") for kind in EXPECTED),
        ("observed", "CLs"),
        ("expected", "CLs"),
        ("expected", "CLs+b"),
        ("observed", "CLs"),
        ("observed", "CLs+b"),
        ("discovery", "p0"),
    ]
    assert not any(c.kind == "observed" for c in curves((0.90,), (5.0,), data=False))


def test_thresholds():
    ninety, *_ = curves((0.90,), (), data=False)
    *_, five_sigma = curves((), (5.0,), data=False)
    assert ninety.alpha == pytest.approx(0.1)
    assert five_sigma.significance == pytest.approx(5.0)
    assert five_sigma.level == 1.0 - norm.sf(5.0)


def test_p_values_are_those_of_the_kind_and_test():
    kinds = {(c.kind, c.test, c.level > 0.9): c for c in curves((0.9,), (5.0,), data=True)}
    assert kinds["expected_-2", "CLs", False].p_value(TEST) == 0.01
    assert kinds["expected", "CLs", False].p_value(TEST) == 0.03
    assert kinds["expected_+2", "CLs", False].p_value(TEST) == 0.05
    assert kinds["expected", "CLs+b", True].p_value(TEST) == 0.3
    assert kinds["observed", "CLs", False].p_value(TEST) == 0.3
    assert kinds["observed", "CLs+b", True].p_value(TEST) == 0.2


def test_an_observed_curve_needs_data():
    blind = Exclusion(None, None, TEST.cls_expected, TEST.clsb_expected, "exact", "ok")
    observed = next(c for c in curves((0.9,), (), data=True) if c.kind == "observed")
    with pytest.raises(InferenceError, match="needs data"):
        observed.p_value(blind)


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_levels_are_between_zero_and_one(level):
    with pytest.raises(InferenceError, match="levels"):
        curves((level,), (), data=False)


@pytest.mark.parametrize("sigma", [0.0, -1.0, 8.0])
def test_significances_are_positive_and_resolved(sigma):
    with pytest.raises(InferenceError, match="sigmas"):
        curves((), (sigma,), data=False)
