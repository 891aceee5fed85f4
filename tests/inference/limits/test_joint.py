"""Regions of highest density of two mixings against closed forms, quadrature and brute force."""

import numpy as np
import pytest
from mixing_models import model, signal
from scipy.integrate import dblquad
from scipy.optimize import brentq

from hnlstat.inference.limits.joint import Joint
from hnlstat.inference.statistics import weighted_quantile

LEVELS = [0.5, 0.9, 0.99]


@pytest.mark.parametrize("ratios", [(1.0, 0.0), (1.0, 0.7), (1e-4, 0.003), (0.2, 3.0)])
def test_with_no_event_the_region_has_the_closed_form(ratios):
    """u A u of the posterior is exponential whatever the form is: c = -ln(1 - level)."""
    b, cross = ratios
    form = 1e16 * np.array([[1.0, cross], [cross, b]])
    joint = Joint.build(signal(form[..., None]), model([0.3]), np.zeros((1, 1)), [1.0, 1.0])
    c = -joint.thresholds(LEVELS)[:, 0]
    assert c == pytest.approx(-np.log1p(-np.array(LEVELS)), rel=0.005)
    # along any direction the region ends where the form is c
    for share in (1e-4, 0.3, 0.5, 0.9999):
        u = np.array([share, 1.0 - share])
        end = np.log(u * np.sqrt(-np.log(0.1) / (u @ form @ u)))
        outside = joint.strengths(end + np.array([[-0.01], [0.01]]), [0.9])[0, :, 0]
        assert outside[0] < 0 < outside[1]
        off, error = joint.quantiles(end[None], [0.9], np.ones(1), np.array([0.5]), drawn=False)
        assert abs(off) < 3.0 * error < 0.1


@pytest.mark.parametrize("bound", [0.8, 30.0])
def test_bounds_of_priors_that_matter_are_those_of_quadrature(bound):
    """One mixing makes no N: events are a^2 + 2 a b, and b is up to a bound."""
    joint = Joint.build(
        signal([[[1.0], [1.0]], [[1.0], [0.0]]]), model([0.3]), np.zeros((1, 1)), [20.0, bound]
    )

    def mass(c):
        """Of events up to c."""

        def end(b):
            return np.sqrt(b * b + c) - b

        return dblquad(lambda a, b: np.exp(-a * a - 2 * a * b), 0, bound, 0, end, epsrel=1e-6)[0]

    whole = mass(60.0)
    expected = brentq(lambda c: mass(c) / whole - 0.9, 0.5, 6.0, xtol=1e-3)
    assert -joint.thresholds([0.9])[0, 0] == pytest.approx(expected, rel=0.01)
    places = np.log([[1e-3, 0.99 * bound], [1e-3, 1.01 * bound]])
    assert joint.strengths(places, [0.9])[0, 0, 0] < 0 < joint.strengths(places, [0.9])[0, 1, 0]


def test_brute_force_finds_the_same_region():
    """Events seen, nuisance parameters; each point with its own draw.

    A sample that knows nothing of the density leaves a share of the posterior outside of the
    region that is off by its own error, which is found from the weights.
    """
    rng = np.random.default_rng(5)
    form = np.array([[[3.0, 0.5], [0.6, 0.9]], [[0.6, 0.9], [0.2, 1.5]]])
    counts, bounds = np.array([2.0, 6.0]), [3.0, 4.0]
    background, error, shift = np.array([0.4, 1.0]), 0.5, 0.3
    joint = Joint.build(signal(form, shift), model(background, error), counts[:, None], bounds)
    u = rng.random((60_000, 2)) * bounds
    events = np.einsum("ga,abc,gb->gc", u, form, u)
    events *= (1.0 + shift) ** rng.standard_normal((len(u), 1))
    rate = events + background * (1.0 + error) ** rng.standard_normal((len(u), 2))
    weight = np.exp((counts * np.log(rate) - rate).sum(axis=1))
    weight /= weight.sum()
    outside = joint.strengths(np.log(u), LEVELS)[..., 0] > 0
    for level, mask in zip(LEVELS, outside, strict=True):
        share = weight[mask].sum()
        own = np.sqrt((weight**2 * (mask - share) ** 2).sum())
        assert own < 0.03 * (1 - level) ** 0.5
        assert share == pytest.approx(1.0 - level, abs=3.0 * own)
    # no mixing at all is outside, where so many events were seen, but not beyond the far end
    places = np.log([[1e-6, 1e-6], [3.0, 4.0]])
    assert np.all(joint.strengths(places, [0.9])[0, :, 0] > 0)
    assert (joint.strengths(places, [0.9], far=True)[0, :, 0] > 0).tolist() == [False, True]


def test_many_events_leave_a_band_of_the_size_of_their_error():
    """u^2 of one mixing is a gamma variable: n = 100 of a^2 + b^2."""
    form = np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    joint = Joint.build(signal(form), model([1e-3]), np.array([[100.0]]), [50.0, 50.0])
    s = np.linspace(60.0, 150.0, 4001)
    strengths = joint.strengths(np.log(np.sqrt(0.5 * s))[:, None] * np.ones(2), [0.9])[0, :, 0]
    inside = s[strengths < 0]
    density = np.exp(100.0 * np.log(s / 100.0) - s + 100.0)  # of s = a^2 + b^2, and of the plane
    order = np.argsort(-density)
    kept = np.cumsum(density[order]) / density.sum() < 0.9
    assert inside[[0, -1]] == pytest.approx([s[order][kept].min(), s[order][kept].max()], abs=0.5)


def test_quantiles_are_of_weighted_outcomes():
    values, weights = np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]]), np.array([0.5, 0.3, 0.2])
    assert weighted_quantile(values, weights, 0.4).tolist() == [2, 0]
    assert weighted_quantile(values, weights, 0.9).tolist() == [0, 2]
