"""Likelihoods with several maxima: uncertainties that act the same way up and down, and odd data.

pyhf fits from one start and may end in a lesser maximum: of its fits and ours the better counts.
"""

import numpy as np
import pyhf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnlstat.inference.engines.asymptotic import AsymptoticCalculator, asymptotic_tests, with_pyhf
from hnlstat.inference.engines.profile import best_fit, fit
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.reader import read_likelihoods

MINUIT = pyhf.optimize.minuit_optimizer(tolerance=1e-5, strategy=2)
DATA = ("as they are", "far above", "tiny", "large", "no background")


def one_sided(random_workspace, rng, data="as they are"):
    """Return a random workspace most of whose uncertainties act the same way up and down."""
    spec = random_workspace(rng, int(rng.integers(1, 8)), int(rng.integers(1, 6)))
    for channel, seen in zip(spec["channels"], spec["observations"], strict=True):
        for sample in channel["samples"]:
            rates = np.array(sample["data"])
            for modifier in sample["modifiers"]:
                if modifier["type"] == "normsys" and rng.random() < 0.7:
                    sign = rng.choice([-1.0, 1.0])
                    high, low = 1.0 + sign * rng.uniform(0.02, 0.5, 2)
                    modifier["data"] = {"hi": float(high), "lo": float(low)}
                if modifier["type"] == "histosys" and rng.random() < 0.7:
                    high, low = rates * (1.0 + rng.uniform(-0.3, 0.3, (2, len(rates))))
                    modifier["data"] = {"hi_data": high.tolist(), "lo_data": low.tolist()}
        if data != "as they are":
            change(channel, seen, rng, data)
    return spec


def change(channel, seen, rng, data):
    """Change the size of everything, the data, or take the background of one bin away."""
    largest = max(max(sample["data"]) for sample in channel["samples"])
    size = {"tiny": 1e-3, "large": 1e5 / largest}.get(data, 1.0)
    empty = int(rng.integers(len(seen["data"]))) if data == "no background" else None
    for sample in channel["samples"]:

        def scaled(numbers, empty=empty if sample["name"] == "background" else None):
            return [0.0 if i == empty else size * n for i, n in enumerate(numbers)]

        sample["data"] = scaled(sample["data"])
        for modifier in sample["modifiers"]:
            if modifier["type"] in ("staterror", "shapesys"):
                modifier["data"] = scaled(modifier["data"])
            elif modifier["type"] == "histosys":
                modifier["data"] = {k: scaled(v) for k, v in modifier["data"].items()}
    factor = {"far above": 10.0, "large": size * rng.choice([0.7, 1.0, 1.5])}.get(data, 1.0)
    seen["data"] = [float(np.round(factor * n)) for n in seen["data"]]
    if data == "tiny":
        seen["data"] = rng.integers(0, 3, len(seen["data"])).astype(float).tolist()


def from_anywhere(likelihoods, data, strength, rng, number=60):
    """Return the lowest -ln L of fits from random starts."""
    same = np.zeros(number, dtype=int)
    starts = np.tile(likelihoods.start, (number, 1))
    normal = likelihoods.precision[0] == 1.0
    size = rng.choice([0.5, 1.5, 4.0], (number, 1))
    starts[:, normal] = size * rng.uniform(-1.0, 1.0, (number, normal.sum()))
    starts[:, likelihoods.poi] = rng.choice([0.01, 0.3, 1.0, 3.0, 8.0], number)
    return fit(likelihoods.take(same), data.take(same), strength, starts).nll.min()


@pytest.mark.parametrize("data", DATA)
def test_no_start_leads_to_a_better_fit(random_workspace, data):
    for seed in range(3 if data == "large" else 6):
        rng = np.random.default_rng([12, seed])
        likelihoods = read_likelihoods([one_sided(random_workspace, rng, data)])
        for strength in (0.0, 1.0, None):
            found = best_fit(likelihoods, likelihoods.data, strength)
            lowest = from_anywhere(likelihoods, likelihoods.data, strength, rng)
            assert not found.converged[0] or found.nll[0] <= lowest + 1e-7


@settings(max_examples=5, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10_000))
def test_p_values_are_those_of_pyhf_where_its_fits_are_as_good(random_workspace, seed):
    spec = one_sided(random_workspace, np.random.default_rng([13, seed]))
    likelihoods = read_likelihoods([spec])
    model = pyhf.Model({"channels": spec["channels"]}, poi_name="mu", validate=False)
    data = [n for entry in spec["observations"] for n in entry["data"]] + model.config.auxdata
    constant = None
    same = True
    pyhf.set_backend("numpy", MINUIT)
    try:
        for strength in (0.0, 1.0, None):
            if strength is None:
                theirs = pyhf.infer.mle.fit(data, model, return_fitted_val=True)[1]
            else:
                theirs = pyhf.infer.mle.fixed_poi_fit(
                    strength, data, model, return_fitted_val=True
                )[1]
            at_start = np.maximum(likelihoods.start[None], likelihoods.lower)
            if constant is None:
                start = np.array(model.config.suggested_init())
                reference = likelihoods.nll(at_start, likelihoods.data)[0]
                constant = -float(model.logpdf(start, data)[0]) - reference
            ours = best_fit(likelihoods, likelihoods.data, strength).nll[0]
            assert ours <= 0.5 * float(theirs) - constant + 1e-6
            same &= bool(ours > 0.5 * float(theirs) - constant - 1e-6)
    finally:
        pyhf.set_backend("numpy", "scipy")
    tests = asymptotic_tests([spec])
    clsb, _, cls, _ = with_pyhf(spec, False)
    if same:
        assert tests.clsb[0] == pytest.approx(clsb, abs=1e-4)
        assert tests.cls[0] == pytest.approx(cls, abs=1e-4)


@pytest.mark.parametrize("observed", [0.0, 30.0, 300.0, 1e5])
@pytest.mark.parametrize("signal", [1e-300, 1e-12, 1e-6, 3.0, 1e5, 1e100])
def test_any_data_and_any_signal_have_p_values(observed, signal):
    model = CountingModel(
        ("fhc", "rhc"), signal * np.array([0.7, 0.3]), np.array([0.563, 0.015]),
        np.array([observed, np.round(observed / 3.0)]), {"efficiency": np.full(2, 0.2)},
        np.array([0.3, 1.0]), 0.01,
    )  # fmt: skip
    test = AsymptoticCalculator().exclusion(model)
    found = AsymptoticCalculator().discovery(model)
    values = [test.cls_observed, test.clsb_observed, *test.cls_expected, *test.clsb_expected]
    assert all(0.0 <= p <= 1.0 for p in [*values, found.p0_observed, found.p0_expected])
    assert list(test.cls_expected) == sorted(test.cls_expected)
    assert 0.0 <= found.significance < 40.0
