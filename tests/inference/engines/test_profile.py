"""The batched likelihood against pyhf, on models with every kind of modifier."""

import numpy as np
import pyhf
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.engines.profile import best_fit
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.reader import read_likelihoods, same_form
from hnlstat.likelihood.workspace import workspace

MINUIT = pyhf.optimize.minuit_optimizer(tolerance=1e-5, strategy=2)


def in_pyhf(spec):
    """Return pyhf's model and data of a workspace."""
    model = pyhf.Model({"channels": spec["channels"]}, poi_name="mu", validate=False)
    counts = [n for entry in spec["observations"] for n in entry["data"]]
    return model, counts + model.config.auxdata


def in_our_order(likelihoods, model, parameters):
    seen = {}
    values = []
    for name in likelihoods.parameters:
        values.append(np.atleast_1d(parameters[model.config.par_slice(name)])[seen.get(name, 0)])
        seen[name] = seen.get(name, 0) + 1
    return np.maximum(np.array(values), likelihoods.lower)[None]


@pytest.fixture(params=range(6))
def spec(request, random_workspace):
    rng = np.random.default_rng(100 + request.param)
    return random_workspace(rng, bins=1 + 2 * request.param, nuisances=2 + request.param)


def test_rates_and_likelihood_ratios_are_those_of_pyhf(spec):
    likelihoods = read_likelihoods([spec])
    model, data = in_pyhf(spec)
    rng = np.random.default_rng(1)
    start = np.array(model.config.suggested_init())
    points = [start + 0.3 * rng.uniform(-1.0, 1.0, start.size) for _ in range(2)]
    ours = [in_our_order(likelihoods, model, p) for p in points]
    for point, theta in zip(points, ours, strict=True):
        expected = likelihoods.expected(theta)[0]
        assert expected == pytest.approx(model.expected_actualdata(point), rel=1e-10)
    ratio = np.subtract(*(float(model.logpdf(p, data)[0]) for p in points))
    found = np.subtract(*(-likelihoods.nll(theta, likelihoods.data)[0] for theta in ours))
    assert found == pytest.approx(ratio, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("strength", [0.0, 0.7])
def test_derivatives_are_those_of_the_likelihood(spec, strength):
    likelihoods = read_likelihoods([spec])
    data = likelihoods.data
    shift = 0.2 * np.random.default_rng(2).uniform(-1.0, 1.0, likelihoods.start.size)
    theta = likelihoods.start + shift
    theta[likelihoods.poi] = max(strength, 1e-100)
    gradient, hessian = likelihoods.derivatives(theta[None], data)
    others = np.delete(np.arange(theta.size), likelihoods.poi)
    for i in others:
        step = np.zeros(theta.size)
        step[i] = 1e-5
        above, below = (theta + sign * step for sign in (1.0, -1.0))
        difference = likelihoods.nll(above[None], data) - likelihoods.nll(below[None], data)
        assert gradient[0, i] == pytest.approx(difference[0] / 2e-5, rel=1e-5, abs=1e-5)
        slopes = [likelihoods.derivatives(x[None], data)[0][0] for x in (above, below)]
        second = (slopes[0] - slopes[1]) / 2e-5
        assert hessian[0, i] == pytest.approx(second, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("strength", [0.0, 1.0, None])
def test_no_fit_of_pyhf_is_better(spec, strength):
    likelihoods = read_likelihoods([spec])
    found = best_fit(likelihoods, likelihoods.data, strength)
    assert found.converged.all()
    model, data = in_pyhf(spec)
    pyhf.set_backend("numpy", MINUIT)
    try:
        if strength is None:
            parameters = pyhf.infer.mle.fit(data, model)
        else:
            parameters = pyhf.infer.mle.fixed_poi_fit(strength, data, model)
    finally:
        pyhf.set_backend("numpy", "scipy")
    theirs = likelihoods.nll(in_our_order(likelihoods, model, parameters), likelihoods.data)
    # Minuit stops within 1e-7 of its minimum
    assert found.nll == pytest.approx(theirs, abs=1e-6)
    assert found.nll[0] <= theirs[0] + 1e-10


def test_asimov_data_have_their_parameters_as_best_fit(spec):
    likelihoods = read_likelihoods([spec])
    theta = likelihoods.start[None] + 0.05
    theta[likelihoods.fixed] = 1.0
    found = best_fit(likelihoods, likelihoods.asimov(theta))
    assert found.parameters == pytest.approx(theta, abs=1e-5)


def test_points_together_are_the_points_alone(random_workspace):
    rng = np.random.default_rng(8)
    first = random_workspace(rng, bins=4, nuisances=3)
    specs = [first, random_workspace(rng, bins=4, nuisances=3)]
    assert same_form(specs) == [[0, 1]]
    assert same_form([*specs, random_workspace(rng, bins=3, nuisances=3)]) == [[0, 1], [2]]
    likelihoods = read_likelihoods(specs)
    together = best_fit(likelihoods, likelihoods.data)
    for i, spec in enumerate(specs):
        alone = read_likelihoods([spec])
        assert together.nll[i] == pytest.approx(best_fit(alone, alone.data).nll[0], rel=1e-12)


def test_the_better_of_two_maxima_is_found(random_workspace):
    """A background that rises at +1 and at -1 sigma explains an excess in two ways."""
    spec = random_workspace(np.random.default_rng(3), bins=1, nuisances=1)
    signal, background = spec["channels"][0]["samples"]
    both = {"name": "both", "type": "normsys", "data": {"hi": 1.2, "lo": 1.4}}
    signal["modifiers"] = signal["modifiers"][:1]
    background["modifiers"] = [both]
    background["data"], spec["observations"][0]["data"] = [50.0], [80.0]
    likelihoods = read_likelihoods([spec])
    found = best_fit(likelihoods, likelihoods.data, strength=0.0)
    assert likelihoods.two_sided.tolist() == [[False, True]]
    assert found.parameters[0, 1] < -1.0


@pytest.mark.parametrize(
    ("modifier", "message"),
    [
        ({"name": "n", "type": "normsys", "data": {"hi": 1.2, "lo": 0.0}}, "hi and lo"),
        ({"name": "n", "type": "spline", "data": None}, "unknown type 'spline'"),
    ],
)
def test_modifiers_that_cannot_be_used_are_named(random_workspace, modifier, message):
    spec = random_workspace(np.random.default_rng(3), bins=1, nuisances=0)
    spec["channels"][0]["samples"][1]["modifiers"].append(modifier)
    with pytest.raises(InferenceError, match=message):
        read_likelihoods([spec])


def test_a_parameter_of_interest_without_effect_is_named(random_workspace):
    spec = random_workspace(np.random.default_rng(3), bins=1, nuisances=0)
    spec["measurements"][0]["config"]["poi"] = "nu"
    with pytest.raises(InferenceError, match="'nu'"):
        read_likelihoods([spec])


def test_no_event_leaves_a_likelihood_that_is_linear_in_the_strength():
    model = CountingModel(
        ("a",), np.array([2.0]), np.array([0.6]), np.zeros(1), background_modifiers=0.3
    )
    likelihoods = read_likelihoods([workspace(model)])
    found = best_fit(likelihoods, likelihoods.data, start=np.array([[1.0, 0.0]]))
    assert found.converged.all()
    assert found.parameters[0, likelihoods.poi] == pytest.approx(0.0, abs=1e-12)
