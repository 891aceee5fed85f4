"""One bad point never loses a scan: what numbers can do to the engines, and what becomes of it."""

import numpy as np
import pyhf
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.engines import asymptotic
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator, asymptotic_tests
from hnlstat.inference.engines.profile import best_fit
from hnlstat.inference.engines.toys import ToyCalculator, ToySettings
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.reader import read_likelihoods
from hnlstat.likelihood.workspace import workspace

COUPLINGS = np.geomspace(1e-8, 1e-5, 20)
SEARCH = CountingModel(
    ("fhc", "rhc"), np.array([7.0, 3.0]), np.array([0.563, 0.015]), np.zeros(2), {},
    np.array([0.3, 1.0]),
)  # fmt: skip
SIGNAL = 5.0 * (COUPLINGS[:, None] / 1e-6) ** 4 * np.array([0.7, 0.3])


def limits(signal=SIGNAL, calculator="exact"):
    return limits_at_mass(0.1, COUPLINGS, signal, SEARCH, calculator=calculator)


@pytest.mark.parametrize(
    "error", [np.linalg.LinAlgError("Singular matrix"), ZeroDivisionError("x"), RuntimeError("y")]
)
def test_a_numerical_error_costs_one_mass_and_says_so(monkeypatch, error):
    usual = ExactCalculator.exclusion

    def exclusion(self, model):
        if model.signal[0] > 20.0 * model.signal[1]:
            raise error
        return usual(self, model)

    monkeypatch.setattr(ExactCalculator, "exclusion", exclusion)
    bad = SIGNAL * [1.0, 0.01]
    results = [limits(signal) for signal in (SIGNAL, bad, SIGNAL)]
    assert [result.validity == "ok" for result in results] == [True, False, True]
    assert results[1].validity == f"no limits: {type(error).__name__}: {error}"
    assert results[1].limits == ()
    assert results[0].limits == results[2].limits != ()


@pytest.mark.parametrize("calculator", ["exact", "toys", "asymptotic", "published"])
def test_yields_that_are_no_numbers_cost_one_mass(calculator):
    bad = SIGNAL.copy()
    bad[3, 1] = np.nan
    assert "in channel number 1 is nan events" in limits(bad, calculator).validity


@pytest.mark.parametrize("calculator", ["exact", "asymptotic", "published"])
@pytest.mark.parametrize("signal", [0.0 * SIGNAL, SIGNAL * [1.0, 0.0]])
def test_no_signal_in_all_or_one_channel_is_no_error(calculator, signal):
    result = limits(signal, calculator)
    assert result.validity == "ok"
    assert bool(result.limits) == bool(signal.any())


def test_signals_beyond_all_measure_are_excluded_by_toys():
    model = SEARCH.with_signal([1e300, 1e299])
    assert ToyCalculator().exclusion(model).cls_observed < 1e-6
    assert ToyCalculator().discovery(model).p0_expected < 1e-6


def test_fits_that_converge_nowhere_are_kept_apart(monkeypatch):
    models = [SEARCH.with_signal(s * SEARCH.signal) for s in (0.1, 0.2, 0.3)]
    specs = [workspace(model) for model in models]
    usual = asymptotic_tests(specs)
    assert not usual.failures

    def square_roots(specs, discovery):
        roots, good = original(specs, discovery)
        good[1] = False
        return roots, good

    def with_pyhf(*_):
        raise InferenceError("the profile likelihood fit did not converge: no minimum")

    original = asymptotic._square_roots
    monkeypatch.setattr(asymptotic, "_square_roots", square_roots)
    monkeypatch.setattr(asymptotic, "with_pyhf", with_pyhf)
    tests = asymptotic_tests(specs)
    assert list(tests.failures) == [1]
    assert "did not converge" in tests.failures[1]
    assert np.isnan(tests.cls).tolist() == [False, True, False]
    assert np.isnan(tests.cls_expected[1]).all()
    assert tests.cls[[0, 2]] == pytest.approx(usual.cls[[0, 2]])


def test_a_fit_that_does_not_converge_is_an_error_of_its_point(monkeypatch):
    def tests(specs, discovery=False):
        found = asymptotic_tests(specs, discovery)
        found.failures[0] = "the profile likelihood fit did not converge"
        return found

    monkeypatch.setattr(asymptotic, "asymptotic_tests", tests)
    with pytest.raises(InferenceError, match="did not converge"):
        AsymptoticCalculator().exclusion(SEARCH)
    assert "did not converge" in limits(calculator="asymptotic").validity


def test_parameters_that_cannot_be_told_apart_do_not_stop_the_fits():
    """Two free factors on the same sample: the Hessian is singular."""
    specs = [workspace(SEARCH.with_signal(s * SEARCH.signal)) for s in (0.5, 1.0)]
    for spec in specs:
        for channel in spec["channels"]:
            free = {"name": "free", "type": "normfactor", "data": None}
            channel["samples"][0]["modifiers"].append(free)
            pyhf.schema.validate(spec, "workspace.json", version="1.0.0")
    likelihoods = read_likelihoods(specs)
    found = best_fit(likelihoods, likelihoods.asimov(likelihoods.start + np.zeros((2, 1))))
    assert np.isfinite(found.nll).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"background": [0.0, 0.1]}, "background of channel fhc is 0; needed is a finite number a"),
        ({"background": [-1.0, 0.1]}, "background of channel fhc is -1"),
        ({"background": [np.nan, 0.1]}, "background of channel fhc is nan"),
        ({"signal": [1.0, -2.0]}, "signal of channel rhc is -2"),
        ({"observed": [np.inf, 0.0]}, "observed of channel fhc is inf"),
        ({"channels": ()}, "channels must be unique names and at least one"),
        ({"background_modifiers": [-0.1, 0.0]}, "background_modifiers of channel fhc is -0.1"),
    ],
)
def test_models_that_make_no_sense_are_named(change, message):
    values = {"channels": ("fhc", "rhc"), "signal": [1.0, 1.0], "background": [0.6, 0.1]} | change
    with pytest.raises(InferenceError, match=message):
        CountingModel(**values)


def test_limits_from_too_few_toys_say_so():
    few = limits_at_mass(
        0.1, COUPLINGS, SIGNAL, SEARCH, calculator="toys", toys=ToySettings(1000, importance=False)
    )
    assert "raise inference.toys" in few.validity
    assert few.limits


@pytest.mark.parametrize("name", ["observed", "background"])
def test_numbers_of_events_that_nobody_sees_are_named(name):
    values = {"background": np.array([1.0]), "observed": np.array([1.0])} | {
        name: np.array([1e300])
    }
    with pytest.raises(InferenceError, match=rf"{name} of channel a is 1e\+300.*at most 1e\+09"):
        CountingModel(("a",), np.array([1.0]), **values)
