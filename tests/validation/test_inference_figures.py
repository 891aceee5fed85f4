"""Figures of counting experiments made by other codes or known in closed form."""

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid, quad
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.coverage import coverage
from hnlstat.inference.engines.asymptotic import (
    AsymptoticCalculator,
    asymptotic_tests,
    with_pyhf,
)
from hnlstat.inference.engines.auxiliary import profile_cls
from hnlstat.likelihood.interpolation import factor, factor_coefficients
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.workspace import workspace

SUBJECT = "Statistics"
SOURCE = "closed form"
ELSEWHERE = "another code, exact sums"
QUADRATURE = "another code, quadrature"
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
def test_no_events(compare, alpha, events):
    found = signal_at(exact(SEARCH_2019, "cls_observed"), alpha)
    what = f"CLs limit of no event at {1 - alpha:.0%} [events]"
    compare(what, found, events, rel=1e-6, source=f"-ln {alpha:g}")


@pytest.mark.parametrize(("alpha", "events"), [(0.10, 1.616), (0.05, 2.195)])
def test_asymptotic_formulae_are_a_third_too_strong_at_no_events(compare, alpha, events):
    found = signal_at(
        lambda s: AsymptoticCalculator().exclusion(SEARCH_2019.with_signal(s)).cls_observed, alpha
    )
    what = f"asymptotic CLs limit of no event at {1 - alpha:.0%}, b = 0.578 [events]"
    compare(what, found, events, rel=0.005, source="pyhf 0.7.6")


@pytest.mark.parametrize(("alpha", "events"), [(0.10, 4.541), (0.05, 5.725)])
def test_background_only_asimov_data(compare, alpha, events):
    found = signal_at(exact(ASIMOV, "cls_observed"), alpha)
    what = f"CLs limit of Asimov data at {1 - alpha:.0%}, b = 6.47 [events]"
    compare(what, found, events, rel=0.001, source=ELSEWHERE)


@pytest.mark.parametrize(("attribute", "events"), [("clsb_observed", 20.9), ("cls_observed", 21.7)])
def test_five_sigma_exclusion(compare, attribute, events):
    found = signal_at(exact(ASIMOV, attribute), FIVE_SIGMA)
    name = {"clsb_observed": "CLs+b", "cls_observed": "CLs"}[attribute]
    what = f"{name} limit of Asimov data at 5 sigma, b = 6.47 [events]"
    compare(what, found, events, rel=0.005, source=ELSEWHERE)


def test_five_sigma_discovery(compare):
    found = signal_at(exact(ASIMOV, "p0_expected", "discovery"), FIVE_SIGMA, highest=25.0)
    what = "signal of a median discovery at 5 sigma, b = 6.47 [events]"
    compare(what, found, 12.5, rel=0.005, source=ELSEWHERE)


@pytest.mark.parametrize("alpha", [0.10, 0.05, FIVE_SIGMA])
def test_prior_predictive_limit_of_no_events_is_an_integral(compare, alpha):
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
    what = "CLs limit of no event, flux known to 12 %, b to 30 % [events]"
    compare(what, found, expected, rel=1e-3, source="integral over the flux, scipy's quad")
    assert expected > -np.log(alpha)
    if alpha == 0.10:
        assert found == pytest.approx(2.3076, abs=2e-3)


def two_fluxes(background, observed, symmetric):
    """Return the workspace, for any signal, with backgrounds known to 30 % and fluxes to 12 %.

    Symmetric factors are 1 +- delta at +-1 sigma, else 1 + delta and 1 / (1 + delta).
    """
    model = CountingModel(
        CHANNELS,
        SHARE,
        np.array(background),
        np.array(observed, dtype=float),
        {"flux_fhc": np.array([0.12, 0.0]), "flux_rhc": np.array([0.0, 0.12])},
        np.array([0.3, 0.3]),
    )

    def spec(events):
        found = workspace(model.with_signal(events * SHARE))
        samples = [sample for channel in found["channels"] for sample in channel["samples"]]
        for modifier in (m for sample in samples for m in sample["modifiers"]):
            if symmetric and modifier["type"] == "normsys":
                modifier["data"]["lo"] = 2.0 - modifier["data"]["hi"]
        return found

    return spec


# the published figures are those of symmetric factors, ours differ by up to 3 %
PROFILED = [
    ("fixed_auxiliary", True, 0.10, 2.350),
    ("fixed_auxiliary", True, 0.05, 3.078),
    ("fluctuating_auxiliary", True, 0.10, 2.168),
    ("fluctuating_auxiliary", True, 0.05, 2.832),
    ("fixed_auxiliary", False, 0.10, 2.342),
    ("fixed_auxiliary", False, 0.05, 3.063),
    ("fluctuating_auxiliary", False, 0.10, 2.182),
    ("fluctuating_auxiliary", False, 0.05, 2.848),
]


def limit_near(events, alpha, cls):
    """Signal at which CLs is alpha, of those within 0.5 % of a number of events."""
    ends = np.array([0.995, 1.005]) * events
    high, low = map(cls, ends)
    assert high > alpha > low
    return float(np.interp(-np.log(alpha), -np.log([high, low]), ends))


@pytest.mark.parametrize(("treatment", "symmetric", "alpha", "events"), PROFILED)
def test_profiled_uncertainties_at_no_events(compare, treatment, symmetric, alpha, events):
    spec = two_fluxes([0.563, 0.015], [0, 0], symmetric)

    def cls(signal):
        clsb, clb = profile_cls(spec(signal), treatment)
        return clsb / clb

    found = limit_near(events, alpha, cls)
    if symmetric:  # the others are our own
        what = f"profiled CLs limit of no event at {1 - alpha:.0%}, {treatment.replace('_', ' ')}"
        compare(f"{what} data [events]", found, events, rel=0.005, source=ELSEWHERE)


@pytest.mark.parametrize(
    ("symmetric", "alpha", "events"),
    [(True, 0.10, 4.968), (True, 0.05, 6.255), (False, 0.10, 4.833), (False, 0.05, 6.088)],
)
def test_profiled_uncertainties_of_background_only_asimov_data(compare, symmetric, alpha, events):
    spec = two_fluxes([6.3, 0.17], [6.3, 0.17], symmetric)

    def cls(signal):
        clsb, clb = profile_cls(spec(signal), "fluctuating_auxiliary", points=512)
        return clsb / clb

    found = limit_near(events, alpha, cls)
    if symmetric:
        what = f"profiled CLs limit of Asimov data at {1 - alpha:.0%}, b = 6.47 [events]"
        compare(what, found, events, rel=0.005, source=ELSEWHERE)


@pytest.mark.parametrize(
    ("low", "prior_predictive", "bayes"), [(0.88, 2.321, 2.340), (1.0 / 1.12, 2.308, 2.325)]
)
def test_averaged_uncertainties_at_no_events(compare, low, prior_predictive, bayes):
    """Averages of exp(-s) over the fluxes: as CLs, and as the posterior of a flat prior in s."""
    z = np.linspace(-8.0, 8.0, 801)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    high, low_ = np.array([1.12]), np.array([low])
    flux, _, _ = factor(z, factor_coefficients(high, low_), np.log(high), np.log(low_))

    def likelihood(events):
        return np.prod([weight @ np.exp(-share * events * flux) for share in SHARE])

    averaged = brentq(lambda s: likelihood(s) - 0.10, 1.0, 5.0)
    factors = f"flux factor 1.12 or {low:.3g} at 1 sigma"
    what = f"averaged limit of no event at 90%, {factors} [events]"
    compare(what, averaged, prior_predictive, rel=0.001, source=QUADRATURE)
    s = np.linspace(0.0, 40.0, 8001)
    posterior = cumulative_trapezoid([likelihood(events) for events in s], s, initial=0.0)
    flat = np.interp(0.90, posterior / posterior[-1], s)
    what = f"credible limit of no event at 90%, {factors} [events]"
    compare(what, flat, bayes, rel=0.001, source=QUADRATURE)


@pytest.mark.parametrize("observed", [3, 14, 50, 100])
def test_limits_of_data_above_the_background(compare, observed):
    model = CountingModel(("a",), np.ones(1), np.array([0.563]), np.array([float(observed)]))
    calculator = ExactCalculator(model)

    def found(s):
        return np.log(calculator.exclusion(model.with_signal([s])).cls_observed / 0.1)

    def closed(s):
        return poisson.cdf(observed, s + 0.563) / poisson.cdf(observed, 0.563) - 0.1

    ours, theirs = (brentq(function, 2.0, 200.0, xtol=1e-10) for function in (found, closed))
    what = f"CLs limit of {observed} events at 90%, b = 0.563 [events]"
    compare(what, ours, theirs, rel=1e-6, source="Poisson sums of scipy")


@pytest.mark.parametrize("signal", [2.31, 3.0, 5.0, 10.0])
def test_coverage_is_a_sum_over_outcomes(compare, signal):
    model = CountingModel(("a",), np.ones(1), np.array([0.578]))
    n = np.arange(60)
    kept = poisson.cdf(n, signal + 0.578) > 0.1 * poisson.cdf(n, 0.578)
    calculator = ExactCalculator(model)
    (found,) = coverage(model, (signal,), (0.9,), calculator, 20_000, 1, ("nominal",))
    what = f"coverage of CLs limits at 90%, s = {signal:g}, b = 0.578"
    expected, error = poisson.pmf(n[kept], signal + 0.578).sum(), 4 * found.error
    compare(what, found.coverage, expected, absolute=error, source="Poisson sums of scipy")


@pytest.mark.parametrize("discovery", [False, True])
def test_asymptotic_p_values_are_those_of_pyhf(compare, discovery):
    specs = [two_fluxes([6.3, 0.17], [7, 0], False)(total) for total in (0.5, 4.0, 20.0)]
    tests = asymptotic_tests(specs, discovery)
    assert not tests.by_pyhf.any()
    theirs = [with_pyhf(spec, discovery) for spec in specs]
    # with q near zero p moves with sqrt(q): Minuit's 1e-7 in q become 1e-4 there
    tolerance = 1e-4 if discovery else 1e-5
    bands = [np.array(found[3][0], dtype=float) for found in theirs]
    p = "p0" if discovery else "CLs+b"
    pairs = {
        p: (tests.clsb, [found[0] for found in theirs]),
        f"expected {p}": (tests.clsb_expected, np.array(bands)),
    }
    if not discovery:
        pairs["CLs"] = (tests.cls, [found[2] for found in theirs])
    for name, (ours, other) in pairs.items():
        what = f"asymptotic {name}, b = 6.47, flux 12 %, b 30 %"
        compare(what, ours, other, absolute=tolerance, source="pyhf 0.7.6")
