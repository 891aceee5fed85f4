import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from hnlstat.inference.engines.published import PublishedCalculator
from hnlstat.likelihood.model import CountingModel

SEARCH = CountingModel(("fhc", "rhc"), np.array([0.7, 0.3]), np.array([0.563, 0.015]), np.zeros(2))
ENGINE = PublishedCalculator()


def limit(p_value, z):
    return brentq(lambda s: norm.isf(p_value(s)) - z, 1e-3, 100.0, xtol=1e-10)


@pytest.mark.parametrize(("z", "events"), [(1.645, 1.353), (5.0, 12.5)])
def test_no_event_seen_excludes_half_the_square_of_z(z, events):
    def p_value(s):
        return ENGINE.exclusion(SEARCH.with_signal(s * SEARCH.signal)).clsb_observed

    assert limit(p_value, z) == pytest.approx(0.5 * z**2, rel=1e-9)
    assert limit(p_value, z) == pytest.approx(events, rel=1e-3)


def test_uncertainties_and_cls_change_nothing():
    model = SEARCH.with_signal([2.0, 1.0])
    uncertain = CountingModel(
        model.channels, model.signal, model.background, model.observed, {}, 0.3, 0.2
    )
    assert ENGINE.exclusion(uncertain) == ENGINE.exclusion(model)
    test = ENGINE.exclusion(model)
    assert test.cls_observed == test.clsb_observed
    assert list(test.cls_expected) == sorted(test.cls_expected)


def test_asimov_data_give_the_closed_forms():
    """One channel: q_A = 2 (s - b ln(1 + s/b)) and q0_A = 2 ((s + b) ln(1 + s/b) - s)."""
    s, b = 9.0, 4.0
    model = CountingModel(("a",), np.array([s]), np.array([b]), np.array([b]))
    test, found = ENGINE.exclusion(model), ENGINE.discovery(model)
    exclusion = norm.sf(np.sqrt(2.0 * (s - b * np.log1p(s / b))))
    assert test.cls_expected[2] == pytest.approx(exclusion, rel=1e-12)
    assert test.clsb_observed == pytest.approx(exclusion, rel=1e-9)
    assert found.significance == pytest.approx(np.sqrt(2.0 * ((s + b) * np.log1p(s / b) - s)))
    assert found.p0_observed == pytest.approx(0.5)


def test_counts_of_a_dataset_are_added_up_and_all_counts_for_discoveries():
    s, b, n = np.array([4.0, 1.0, 2.0]), np.array([3.0, 0.2, 0.9]), np.array([3.0, 0.2, 0.0])
    model = CountingModel(("u_fhc", "u_rhc", "old"), s, b, n, datasets=("u", "u", "old"))
    # Asimov data in the first dataset, no event in the second
    q = 2.0 * (5.0 - 3.2 * np.log1p(5.0 / 3.2) + 2.0)
    assert ENGINE.exclusion(model).clsb_observed == pytest.approx(norm.sf(np.sqrt(q)), rel=1e-9)
    assert ENGINE.cls(model, n[:, None])[0] == ENGINE.exclusion(model).cls_observed
    q = 2.0 * (11.1 * np.log1p(7.0 / 4.1) - 7.0)
    assert ENGINE.discovery(model).significance == pytest.approx(np.sqrt(q), rel=1e-9)


def test_the_five_sigma_of_the_publication():
    """17.1 events of signal over 7.19 of background, in four channels."""
    b = np.array([6.106, 0.163, 0.899, 0.024])
    model = CountingModel(("a", "b", "c", "d"), 17.1 * np.array([0.5, 0.3, 0.15, 0.05]), b)
    assert ENGINE.discovery(model).significance == pytest.approx(5.0, abs=0.01)


def test_projections_have_expected_results_only():
    blind = CountingModel(("a",), np.array([9.0]), np.array([4.0]))
    assert ENGINE.exclusion(blind).cls_observed is None
    assert ENGINE.discovery(blind).p0_observed is None


def test_bands_shrink_with_the_sensitivity_and_are_asymptotic():
    """At q_A = 9 the +2 sigma fluctuation has q = 1; the -2 sigma one, fitted below 0, q = 21."""
    values = [ENGINE.exclusion(CountingModel(("a",), np.array([s]), np.array([1e4])))
              for s in (1e-6, 300.0)]  # fmt: skip
    assert values[0].cls_expected == pytest.approx((0.5,) * 5, abs=1e-3)
    q_asimov = norm.isf(values[1].cls_expected[2]) ** 2
    strongest, weakest = (norm.isf(values[1].cls_expected[i]) ** 2 for i in (0, -1))
    assert strongest == pytest.approx(q_asimov + 4.0 * np.sqrt(q_asimov), rel=1e-9)
    assert weakest == pytest.approx((np.sqrt(q_asimov) - 2.0) ** 2, rel=1e-9)
    assert q_asimov == pytest.approx(9.0, rel=0.03)


@pytest.mark.parametrize("b", [1e-6, 0.563, 300.0, 1e4])
@pytest.mark.parametrize("s", [1e-9, 0.3, 3.0, 1e3, 1e5])
@pytest.mark.parametrize("n", [0.0, 1.0, 14.0, 300.0, 1e5])
def test_any_data_have_the_closed_form(b, s, n):
    """One channel: mu-hat s is n - b, from 0 to s for q-tilde and from 0 for q0."""
    model = CountingModel(("a",), np.array([s]), np.array([b]), np.array([n]))
    fitted = min(max(n - b, 0.0), s) + b
    q = 2.0 * ((s + b - fitted) - (n * np.log((s + b) / fitted) if n else 0.0))
    p = norm.sf(np.sqrt(max(q, 0.0)))
    assert ENGINE.exclusion(model).cls_observed == pytest.approx(p, rel=1e-6, abs=2e-6)
    q0 = 2.0 * (n * np.log(n / b) - (n - b)) if n > b else 0.0
    assert ENGINE.discovery(model).p0_observed == pytest.approx(
        norm.sf(np.sqrt(max(q0, 0.0))), rel=1e-6, abs=2e-6
    )
    assert list(ENGINE.exclusion(model).cls_expected) == sorted(
        ENGINE.exclusion(model).cls_expected
    )
