"""The marginal posterior of each of several mixings against closed forms and brute force."""

import numpy as np
import pytest
from mixing_models import model, signal
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfinv

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.mixings import marginals


@pytest.mark.parametrize("strength", [1.0, 1e8, 1e17])
def test_one_mixing_has_the_closed_form(strength):
    """No event seen: erf(x sqrt(A)) = level."""
    ((found,), _) = marginals(
        signal([[[strength, 0.5 * strength]]]), model([0.1, 0.1]), np.zeros(2), [1.0]
    )
    for level in (0.5, 0.9, 0.99):
        expected = erfinv(level) / np.sqrt(1.5 * strength)
        if expected < 0.3:
            error = found.error(1.0 - level)
            assert error < 0.01
            assert found.limit(1.0 - level) == pytest.approx(expected, rel=3.0 * error + 1e-6)


def test_a_mixing_without_a_common_signal_changes_nothing():
    form = np.zeros((2, 2, 1))
    form[0, 0], form[1, 1] = 1e16, 1e14
    found, smaller = marginals(signal(form), model([0.3]), np.zeros(1), [1.0, 1.0])
    for one, again, strength in zip(found, smaller, (1e16, 1e14), strict=True):
        expected = erfinv(0.9) / np.sqrt(strength)
        assert one.limit(0.1) == pytest.approx(expected, rel=2e-3)
        assert again.limit(0.1) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("bound", [1e-7, 1e-4, 1.0])
def test_a_mixing_that_makes_none_has_the_closed_form(bound):
    """p(x) goes as exp(-A x^2) (1 - exp(-B x T)) / (B x): the bound of the other matters."""
    a, b = 1e16, 1e13
    form = np.array([[[a], [b / 2]], [[b / 2], [0.0]]])
    found = marginals(signal(form), model([0.3]), np.zeros(1), [1.0, bound])

    def density(y, t):  # by ln x
        x = np.exp(y)
        return np.exp(-a * x**2) * -np.expm1(-b * x * t)

    for one, t in zip(found, (bound, bound / 10), strict=True):
        low, high = np.log(1e-22), np.log(1e-7)
        cut = [np.log(1 / (b * t)), np.log(1e-8)]
        points = sorted(p for p in cut if low < p < high)
        whole = quad(density, low, high, (t,), points=points, limit=400)[0]

        def above(y, t=t, whole=whole, high=high):
            return quad(density, y, high, (t,), limit=400)[0] / whole - 0.1

        expected = np.exp(brentq(above, np.log(1e-14), np.log(3e-8)))
        assert one[0].error(0.1) < 0.02
        assert one[0].limit(0.1) == pytest.approx(expected, rel=3.0 * one[0].error(0.1) + 1e-6)


def test_tails_fall_and_meet_the_limit():
    form = np.array([[[2.0], [0.7]], [[0.7], [0.1]]])
    (found, _), _ = marginals(signal(form, 0.2), model([0.5], 0.3), np.ones(1), [3.0, 30.0])
    assert np.all(np.diff(found.log_tail) <= 0)
    for alpha in (0.5, 0.1, 1e-3):
        assert np.exp(found.log_tail_at(np.log(found.limit(alpha)))) == pytest.approx(
            alpha, rel=1e-3
        )


def test_brute_force_finds_the_same_limits():
    """Three mixings, events seen, and nuisance parameters, each point with its own draw."""
    rng = np.random.default_rng(5)
    form = np.zeros((3, 3, 2))
    form[0, 0], form[1, 1], form[0, 1] = (3.0, 0.5), (0.2, 1.5), (0.6, 0.9)
    form[0, 2], form[1, 2] = (0.05, 0.1), (0.02, 0.0)
    form += np.swapaxes(np.triu(np.ones((3, 3)), 1)[..., None] * form, 0, 1)
    counts, bounds = np.array([1.0, 2.0]), [2.0, 3.0, 20.0]
    background, error, shift = np.array([0.4, 1.0]), 0.5, 0.3
    found, _ = marginals(signal(form, shift), model(background, error), counts, bounds)
    u = rng.random((250_000, 3)) * bounds
    events = np.einsum("ga,abc,gb->gc", u, form, u)
    events *= (1.0 + shift) ** rng.standard_normal((len(u), 1))
    rate = events + background * (1.0 + error) ** rng.standard_normal((len(u), 2))
    weight = np.exp((counts * np.log(rate) - rate).sum(axis=1))
    for one, x in zip(found, u.T, strict=True):
        for alpha in (0.5, 0.1):
            # the share of the sample above the limit is off by its own error
            above = x > one.limit(alpha)
            own = np.sqrt((weight**2 * (above - alpha) ** 2).sum()) / weight.sum()
            assert own < 0.02 * alpha**0.5
            assert weight[above].sum() / weight.sum() == pytest.approx(alpha, abs=3.0 * own)


def test_no_signal_is_refused():
    with pytest.raises(InferenceError, match="leave none"):
        marginals(signal(np.zeros((2, 2, 1))), model([0.3]), np.zeros(1), [1.0, 1.0])
