"""Figures of counting experiments made by other codes or known in closed form."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from hnlstat.inference.asymptotic import AsymptoticCalculator
from hnlstat.inference.exact import ExactCalculator
from hnlstat.inference.model import CountingModel

SHARE = np.array([0.7, 0.3])
CHANNELS = ("nd280_fhc", "nd280_rhc")
SEARCH_2019 = CountingModel(CHANNELS, SHARE, np.array([0.563, 0.015]), np.zeros(2))
ASIMOV = CountingModel(CHANNELS, SHARE, np.array([6.3, 0.17]), np.array([6.3, 0.17]))
FIVE_SIGMA = float(norm.sf(5.0))


def signal_at(p_value, threshold, highest=40.0):
    """Return the total signal at which a p-value meets its threshold."""
    return brentq(lambda total: np.log(p_value(total * SHARE) / threshold), 0.5, highest, xtol=1e-9)


def exact(model, attribute, test="exclusion"):
    calculator = ExactCalculator(model)
    return lambda s: getattr(getattr(calculator, test)(model.with_signal(s)), attribute)


@pytest.mark.parametrize(("alpha", "events"), [(0.10, 2.302585), (0.05, 2.995732)])
def test_no_events(alpha, events):
    assert signal_at(exact(SEARCH_2019, "cls_observed"), alpha) == pytest.approx(events, rel=1e-6)


@pytest.mark.parametrize(("alpha", "events"), [(0.10, 1.616), (0.05, 2.195)])
def test_asymptotic_formulae_are_a_third_too_strong_at_no_events(alpha, events):
    found = signal_at(
        lambda s: AsymptoticCalculator().exclusion(SEARCH_2019.with_signal(s)).cls_observed, alpha
    )
    assert found == pytest.approx(events, rel=0.005)


@pytest.mark.parametrize(("alpha", "events"), [(0.10, 4.541), (0.05, 5.725)])
def test_background_only_asimov_data(alpha, events):
    assert signal_at(exact(ASIMOV, "cls_observed"), alpha) == pytest.approx(events, rel=0.001)


@pytest.mark.parametrize(("attribute", "events"), [("clsb_observed", 20.9), ("cls_observed", 21.7)])
def test_five_sigma_exclusion(attribute, events):
    assert signal_at(exact(ASIMOV, attribute), FIVE_SIGMA) == pytest.approx(events, rel=0.005)


def test_five_sigma_discovery():
    found = signal_at(exact(ASIMOV, "p0_expected", "discovery"), FIVE_SIGMA, highest=25.0)
    assert found == pytest.approx(12.5, rel=0.005)


@pytest.mark.parametrize("alpha", [0.10, 0.05, FIVE_SIGMA])
def test_prior_predictive_limit_of_no_events_is_an_integral(alpha):
    """CLs = E[exp(-s_fhc kappa^z)] E[exp(-s_rhc kappa^z')], whatever the background's uncertainty.

    With kappa = 1.12 the limit at 90 % is 2.3076; a rate that falls by 12 % at -1 sigma, in place
    of 1/1.12, would give 2.3215.
    """
    uncertain = CountingModel(
        CHANNELS,
        SHARE,
        SEARCH_2019.background,
        np.zeros(2),
        {"flux_fhc": np.array([0.12, 0.0]), "flux_rhc": np.array([0.0, 0.12])},
        0.3,
    )

    def average(events):
        return quad(
            lambda z: norm.pdf(z) * np.exp(-events * 1.12**z), -12.0, 8.0, epsabs=0.0, epsrel=1e-10
        )[0]

    expected = signal_at(lambda s: average(s[0]) * average(s[1]), alpha)
    found = signal_at(exact(uncertain, "cls_observed"), alpha)
    assert found == pytest.approx(expected, rel=1e-3)
    assert expected > -np.log(alpha)
    if alpha == 0.10:
        assert found == pytest.approx(2.3076, abs=2e-3)
