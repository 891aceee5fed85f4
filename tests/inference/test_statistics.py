import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from hnlstat.inference.statistics import (
    asimov_significance,
    best_fit_strength,
    discovery_significance,
    q_tilde,
    q_zero,
)

rates = st.floats(0.01, 20.0)
channels = st.integers(1, 4)


@st.composite
def experiments(draw):
    size = draw(channels)
    signal = np.array(draw(st.lists(rates, min_size=size, max_size=size)))
    background = np.array(draw(st.lists(rates, min_size=size, max_size=size)))
    counts = np.array(draw(st.lists(st.integers(0, 30), min_size=size, max_size=size)), float)
    return counts, signal, background


def log_likelihood(mu, counts, signal, background):
    rate = mu * signal + background
    return (xlogy(counts, rate) - rate).sum()


@given(experiments())
def test_best_fit_maximises_the_likelihood(experiment):
    counts, signal, background = experiment
    mu = best_fit_strength(counts[:, None], signal, background)[0]
    top = (counts.sum() + 1.0) / signal.sum() + 1.0
    best = minimize_scalar(
        lambda x: -log_likelihood(x, *experiment), bounds=(0.0, top), options={"xatol": 1e-10}
    )
    assert log_likelihood(mu, *experiment) >= -best.fun - 1e-9


@given(experiments())
def test_one_channel_has_the_closed_form(experiment):
    counts, signal, background = (values[:1] for values in experiment)
    mu = best_fit_strength(counts[:, None], signal, background)[0]
    assert mu == pytest.approx(max((counts[0] - background[0]) / signal[0], 0.0), abs=1e-9)


@given(experiments(), st.data())
def test_statistics_are_monotone_in_every_count(experiment, data):
    counts, signal, background = experiment
    more = counts.copy()
    more[data.draw(st.integers(0, len(counts) - 1))] += 1.0
    both = np.stack([counts, more], axis=1)
    fewer, larger = q_tilde(both, signal, background)
    assert larger <= fewer + 1e-9 * (1.0 + fewer)
    fewer, larger = q_zero(both, signal, background)
    assert larger >= fewer - 1e-9 * (1.0 + fewer)


def test_no_events_give_twice_the_signal_and_no_evidence():
    signal, background = np.array([2.0, 0.5]), np.array([0.6, 3.0])
    nothing = np.zeros((2, 1))
    assert q_tilde(nothing, signal, background) == pytest.approx(2.0 * signal.sum(), rel=1e-14)
    assert q_zero(nothing, signal, background) == 0.0


def test_no_signal_makes_no_difference():
    counts = np.array([[0.0, 3.0], [1.0, 9.0]])
    background = np.array([0.6, 3.0])
    assert not q_tilde(counts, np.zeros(2), background).any()
    assert not q_zero(counts, np.zeros(2), background).any()


@given(experiments())
def test_asimov_significance_is_the_statistic_of_asimov_data(experiment):
    _, signal, background = experiment
    excluded = np.sqrt(q_tilde(background[:, None], signal, background)[0])
    discovered = np.sqrt(q_zero((signal + background)[:, None], signal, background)[0])
    # the square root turns rounding of q, 1e-16 of the counts, into 1e-7
    assert asimov_significance(signal, background, False) == pytest.approx(excluded, abs=1e-6)
    assert asimov_significance(signal, background, True) == pytest.approx(discovered, abs=1e-6)


@given(experiments())
def test_uncertain_backgrounds_make_discoveries_harder(experiment):
    _, signal, background = experiment
    certain = discovery_significance(signal, background, np.zeros(len(signal)))
    # at s = b = 1 rounding of the largest term, b^2 / variance, shows as 1e-6
    assert certain == pytest.approx(asimov_significance(signal, background, True), abs=1e-5)
    errors = [np.full(len(signal), error) for error in (0.1, 0.3, 1.0)]
    uncertain = [discovery_significance(signal, background, error) for error in errors]
    assert certain >= uncertain[0] >= uncertain[1] >= uncertain[2]


def test_a_large_background_is_known_to_its_uncertainty():
    """For s << b the significance is s / sqrt(b + sigma_b^2)."""
    found = discovery_significance(np.array([30.0]), np.array([1e5]), np.array([0.001]))
    assert found == pytest.approx(30.0 / np.sqrt(1e5 + 100.0**2), rel=1e-3)
