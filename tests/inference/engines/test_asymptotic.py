import numpy as np
import pytest
from scipy.stats import norm

from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.engines import asymptotic
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator, asymptotic_tests, with_pyhf
from hnlstat.inference.statistics import asimov_significance
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.workspace import workspace

CERTAIN = CountingModel(("a",), np.array([30.0]), np.array([100.0]), np.array([100.0]))


def test_known_rates_have_the_closed_form():
    """With Asimov data q = q_A, so that CLs+b = 1 - Phi(sqrt(q_A)) and CLb = 1/2."""
    q = asimov_significance(CERTAIN.signal, CERTAIN.background, False)
    test = AsymptoticCalculator().exclusion(CERTAIN)
    assert test.clsb_observed == pytest.approx(norm.sf(q), rel=1e-6)
    assert test.cls_observed == pytest.approx(2.0 * norm.sf(q), rel=1e-6)
    assert test.cls_expected[2] == pytest.approx(2.0 * norm.sf(q), rel=1e-6)
    assert list(test.cls_expected) == sorted(test.cls_expected)
    found = AsymptoticCalculator().discovery(CERTAIN)
    expected = asimov_significance(CERTAIN.signal, CERTAIN.background, True)
    assert found.significance == pytest.approx(expected, rel=1e-6)
    assert found.p0_observed == pytest.approx(0.5, abs=1e-5)


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


def test_uncertain_signals_are_expected_to_be_found_as_they_are():
    """The data of a projection have all of the signal, whatever its uncertainty."""
    blind = CountingModel(
        ("a",),
        np.array([60.0]),
        np.array([100.0]),
        signal_modifiers={"efficiency": np.array([0.2])},
    )
    expected = asimov_significance(blind.signal, blind.background, True)
    assert AsymptoticCalculator().discovery(blind).significance == pytest.approx(expected, rel=1e-6)


def test_no_signal_excludes_nothing():
    nothing = CERTAIN.with_signal([0.0])
    assert AsymptoticCalculator().exclusion(nothing).cls_observed == 1.0
    assert AsymptoticCalculator().discovery(nothing).p0_expected == 1.0


def low_counts(share):
    """Return the workspaces of a line of points with every uncertainty that we write."""
    model = CountingModel(
        ("nd280_fhc", "nd280_rhc"),
        np.array([0.7, 0.3]),
        np.array([6.3, 0.17]),
        np.array([7.0, 0.0]),
        {"flux_fhc": np.array([0.12, 0.0]), "efficiency": np.full(2, 0.2)},
        np.array([0.3, 1.0]),
        0.01,
    )
    return [workspace(model.with_signal(total * model.signal)) for total in share]


@pytest.mark.parametrize("discovery", [False, True])
def test_p_values_are_those_of_pyhf(discovery):
    specs = low_counts([0.5, 4.0, 20.0])
    tests = asymptotic_tests(specs, discovery)
    assert not tests.by_pyhf.any()
    for i, spec in enumerate(specs):
        clsb, clb, cls, bands = with_pyhf(spec, discovery)
        # with q near zero p moves with sqrt(q): Minuit's 1e-7 in q become 1e-4 there
        tolerance = 1e-4 if discovery else 1e-5
        assert tests.clsb[i] == pytest.approx(clsb, abs=tolerance)
        assert tests.clb[i] == pytest.approx(clb, abs=tolerance)
        assert tests.clsb_expected[i] == pytest.approx(np.array(bands[0], float), abs=tolerance)
        if not discovery:
            assert tests.cls[i] == pytest.approx(cls, abs=tolerance)
            assert tests.cls_expected[i] == pytest.approx(np.array(bands[2], float), abs=tolerance)


def test_doubtful_fits_are_handed_to_pyhf(monkeypatch):
    specs = low_counts([4.0, 8.0])
    fitted = asymptotic_tests(specs)

    original = asymptotic._square_roots

    def spoil_the_second(*arguments):
        roots, good = original(*arguments)
        return roots * np.array([1.0, 3.0]), good & np.array([True, False])

    monkeypatch.setattr(asymptotic, "_square_roots", spoil_the_second)
    rescued = asymptotic_tests(specs)
    assert rescued.by_pyhf.tolist() == [False, True]
    assert rescued.cls == pytest.approx(fitted.cls, abs=1e-5)
    assert rescued.cls_expected == pytest.approx(fitted.cls_expected, abs=1e-5)
