import numpy as np
import pytest
from scipy.stats import norm

from hnlstat.inference.asymptotic import AsymptoticCalculator
from hnlstat.inference.exact import ExactCalculator
from hnlstat.inference.model import CountingModel
from hnlstat.inference.statistics import asimov_significance

CERTAIN = CountingModel(("a",), np.array([30.0]), np.array([100.0]), np.array([100.0]))


def test_known_rates_have_the_closed_form():
    """With Asimov data q = q_A, so that CLs+b = 1 - Phi(sqrt(q_A)) and CLb = 1/2."""
    q = asimov_significance(CERTAIN.signal, CERTAIN.background, False)
    test = AsymptoticCalculator().exclusion(CERTAIN)
    # pyhf's fits stop at a relative tolerance of about 1e-6 in the likelihood
    assert test.clsb_observed == pytest.approx(norm.sf(q), rel=1e-3)
    assert test.cls_observed == pytest.approx(2.0 * norm.sf(q), rel=1e-3)
    assert test.cls_expected[2] == pytest.approx(2.0 * norm.sf(q), rel=1e-3)
    assert list(test.cls_expected) == sorted(test.cls_expected)
    found = AsymptoticCalculator().discovery(CERTAIN)
    expected = asimov_significance(CERTAIN.signal, CERTAIN.background, True)
    assert found.significance == pytest.approx(expected, rel=1e-3)
    assert found.p0_observed == pytest.approx(0.5, abs=1e-3)


def test_large_counts_agree_with_the_exact_calculation():
    certain = CountingModel(("a",), np.array([60.0]), np.array([400.0]), np.array([390.0]))
    exact = ExactCalculator(certain).exclusion(certain)
    asymptotic = AsymptoticCalculator().exclusion(certain)
    # the exact sum counts the observed event in full: half a step of 1 / sqrt(460) sigma
    half_step = 0.5 / np.sqrt(460.0)
    assert norm.isf(asymptotic.clsb_observed) == pytest.approx(
        norm.isf(exact.clsb_observed) + half_step, abs=0.01
    )


def test_projections_have_expected_results_only():
    blind = CountingModel(("a",), np.array([30.0]), np.array([100.0]))
    test = AsymptoticCalculator().exclusion(blind)
    assert test.cls_observed is None
    assert test.clsb_observed is None
    assert AsymptoticCalculator().discovery(blind).p0_observed is None


def test_no_signal_excludes_nothing():
    nothing = CERTAIN.with_signal([0.0])
    assert AsymptoticCalculator().exclusion(nothing).cls_observed == 1.0
    assert AsymptoticCalculator().discovery(nothing).p0_expected == 1.0
