import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm, poisson

from hnlstat.inference.counting.marginal import background_pmf, poisson_pmf, signal_nodes
from hnlstat.likelihood.model import CountingModel

CHANNELS = ("a", "b", "c", "d")
MODIFIERS = {
    "flux_fhc": np.array([0.12, 0.0, 0.12, 0.0]),
    "flux_rhc": np.array([0.0, 0.12, 0.0, 0.12]),
    "efficiency": np.full(4, 0.2),
    "rock_density": np.array([0.03, 0.032, 0.02, 0.022]),
}


def test_poisson_pmf_agrees_with_scipy_and_takes_no_events():
    means = np.array([0.0, 0.3, 25.0])
    expected = poisson.pmf(np.arange(40)[:, None], means)
    assert poisson_pmf(40, means) == pytest.approx(expected, rel=1e-10, abs=1e-300)


def test_background_without_uncertainty_is_poisson():
    pmf = background_pmf(6.3, 0.0, 1e-13)
    assert pmf == pytest.approx(poisson.pmf(np.arange(len(pmf)), 6.3), rel=1e-12)
    assert poisson.sf(len(pmf) - 1, 6.3) < 1e-13


@pytest.mark.parametrize(("rate", "error"), [(0.015, 1.0), (0.563, 0.3), (6.3, 0.3), (60.0, 0.1)])
def test_background_is_the_average_over_its_log_normal_rate(rate, error):
    pmf = background_pmf(rate, error, 1e-13)
    assert pmf.sum() == pytest.approx(1.0, abs=1e-11)
    for n in (0, int(rate), int(rate * (1.0 + error) ** 2) + 1):
        average, _ = quad(
            lambda z, n=n: norm.pdf(z) * poisson.pmf(n, rate * (1.0 + error) ** z),
            -8.0,
            8.0,
            epsabs=1e-13,
            limit=200,
        )
        assert pmf[n] == pytest.approx(average, rel=1e-6, abs=1e-12)


def test_signal_without_uncertainty_needs_one_node():
    nodes = signal_nodes(CountingModel(CHANNELS, np.ones(4), np.ones(4)))
    assert nodes.signal.shape == (4, 1)
    assert np.array_equal(nodes.weight, [1.0])


@pytest.mark.parametrize("total", [1.0, 10.0, 60.0])
def test_nodes_have_the_log_normal_mean(total):
    model = CountingModel(
        CHANNELS,
        total * np.array([0.15, 0.1, 0.45, 0.3]),
        np.ones(4),
        signal_modifiers=MODIFIERS,
        mc_error=0.01,
    )
    nodes = signal_nodes(model)
    assert nodes.weight.sum() == pytest.approx(1.0, abs=1e-14)
    mean = model.signal * np.exp(0.5 * np.diag(model.log_signal_covariance))
    # small directions use a rule of third degree: its error is the fourth power of their size
    assert nodes.signal @ nodes.weight == pytest.approx(mean, rel=1e-3)


def test_a_deep_tail_is_integrated():
    """E[exp(-s kappa^z)] at s = 40, kappa = 1.5 lives four sigma below the nominal signal."""
    model = CountingModel(
        ("a",), np.array([40.0]), np.ones(1), signal_modifiers={"efficiency": np.array([0.5])}
    )
    nodes = signal_nodes(model)
    average, _ = quad(lambda z: norm.pdf(z) * np.exp(-40.0 * 1.5**z), -12.0, 8.0, epsabs=1e-16)
    assert nodes.weight @ np.exp(-nodes.signal[0]) == pytest.approx(average, rel=1e-3)


def test_many_directions_have_few_nodes_and_keep_the_total():
    """Twenty bins with an MC error each: one direction stands for most of them."""
    signal = np.geomspace(0.3, 6.0, 20)
    model = CountingModel(
        tuple(f"bin_{i}" for i in range(20)),
        signal,
        np.ones(20),
        signal_modifiers={"efficiency": np.full(20, 0.2)},
        mc_error=0.03,
    )
    nodes = signal_nodes(model, 2000)
    assert len(nodes.weight) < 2000
    totals = nodes.signal.sum(axis=0)
    mean = float(nodes.weight @ totals)
    variance = float(nodes.weight @ (totals - mean) ** 2)
    covariance = np.expm1(model.log_signal_covariance)
    exact = signal * np.exp(0.5 * np.diag(model.log_signal_covariance))
    assert mean == pytest.approx(exact.sum(), rel=1e-3)
    assert variance == pytest.approx(exact @ covariance @ exact, rel=0.01)
