import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import poisson

from hnlstat.errors import InferenceError
from hnlstat.inference.engines.auxiliary import profile_cls
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.workspace import workspace


def one_channel(signal, background, observed, **uncertainties):
    return CountingModel(
        ("a",), np.array([signal]), np.array([background]), np.array([observed]), **uncertainties
    )


@pytest.mark.parametrize("treatment", ["fixed_auxiliary", "fluctuating_auxiliary"])
def test_without_real_uncertainties_both_are_poisson_sums(treatment):
    model = one_channel(5.0, 3.2, 4.0, background_modifiers=1e-8)
    clsb, clb = profile_cls(workspace(model), treatment, points=32)
    assert clsb == pytest.approx(poisson.cdf(4, 8.2), rel=1e-4)
    assert clb == pytest.approx(poisson.cdf(4, 3.2), rel=1e-4)


def test_no_event_with_fixed_auxiliary_data_is_a_ratio_of_exponentials():
    """Both rates are at the nuisance parameter that fits no event best."""
    s, b, error = 2.5, 0.6, 0.3
    model = one_channel(s, b, 0.0, signal_modifiers={"flux": np.array([error])})
    clsb, clb = profile_cls(workspace(model), "fixed_auxiliary")
    best = minimize_scalar(lambda z: s * (1.0 + error) ** z + 0.5 * z**2, (-3.0, 0.0)).x
    assert clb == pytest.approx(np.exp(-b), rel=1e-6)
    assert clsb == pytest.approx(np.exp(-s * (1.0 + error) ** best - b), rel=1e-4)


def test_fluctuating_auxiliary_data_agree_with_toys():
    """Toys of one channel with one uncertainty, their fits by a scan of the parameters."""
    s, b, error, seen = 4.0, 2.0, 0.4, 2.0
    model = one_channel(s, b, seen, background_modifiers=error)
    clsb, _ = profile_cls(workspace(model), "fluctuating_auxiliary")
    z = np.linspace(-5.0, 5.0, 801)
    rate = b * (1.0 + error) ** z

    def best(mean, n, aux):
        return (mean - n * np.log(mean) + 0.5 * (z - aux) ** 2).min()

    def q_tilde(n, aux):
        # the best signal strength fills up what the background leaves, between 0 and 1
        mean = np.clip(n, rate, rate + s) if n > 0 else rate
        return 2.0 * (best(s + rate, n, aux) - best(mean, n, aux))

    at_data = z[np.argmin(s + rate - seen * np.log(s + rate) + 0.5 * z**2)]
    threshold = q_tilde(seen, 0.0)
    rng = np.random.default_rng(1)
    size = 4000
    counts = rng.poisson(s + b * (1.0 + error) ** at_data, size)
    measured = at_data + rng.standard_normal(size)
    pairs = zip(counts.tolist(), measured.tolist(), strict=True)
    # the scan finds minima to 1e-4
    fraction = np.mean([q_tilde(n, aux) >= threshold - 1e-3 for n, aux in pairs])
    assert clsb == pytest.approx(fraction, abs=4.0 * np.sqrt(fraction / size))


def test_what_cannot_be_done_is_said():
    many = one_channel(100.0, 1e5, 1e5, background_modifiers=0.1)
    with pytest.raises(InferenceError, match="outcomes are too many"):
        profile_cls(workspace(many), "fixed_auxiliary")
    spec = workspace(one_channel(2.0, 3.0, 3.0))
    poissonian = {"name": "control", "type": "shapesys", "data": [0.5]}
    spec["channels"][0]["samples"][1]["modifiers"].append(poissonian)
    with pytest.raises(InferenceError, match="must be normal"):
        profile_cls(spec, "fluctuating_auxiliary")
