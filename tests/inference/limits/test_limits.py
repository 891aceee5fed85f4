import pickle

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from hnlstat.errors import InferenceError
from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.inference.limits.points import PointTest, grid_tests
from hnlstat.inference.results import Exclusion
from hnlstat.likelihood.model import CountingModel

COUPLINGS = np.geomspace(1e-8, 1e-3, 75)
SCALE = 3e-7
EMPTY = CountingModel(("a", "b"), np.zeros(2), np.array([0.563, 0.015]), np.zeros(2))
SPLIT = np.array([0.7, 0.3])


def events(d, peak):
    """Signal d^4 exp(-(d/SCALE)^2) with this maximum, at d = sqrt(2) SCALE."""
    shape = (d / SCALE) ** 4 * np.exp(-((d / SCALE) ** 2))
    return peak * shape / (4.0 * np.exp(-2.0))


def roots(signal, peak):
    """Couplings at which this signal is expected."""
    top = np.log(np.sqrt(2.0) * SCALE)

    def excess(x):
        return np.log(max(events(np.exp(x), peak), 1e-300) / signal)

    return tuple(
        np.exp(brentq(excess, *ends)) for ends in ((np.log(1e-9), top), (top, np.log(SCALE * 15.0)))
    )


def limits(peak, experiment=EMPTY, couplings=COUPLINGS, **options):
    table = events(couplings, peak)[:, None] * SPLIT
    return limits_at_mass(0.1, couplings, table, experiment, **options)


def couplings_of(result, kind, test="CLs", level=0.90):
    return {
        x.branch: x.coupling
        for x in result.limits
        if x.kind == kind and x.method.endswith(f" {test}") and abs(x.level - level) < 1e-9
    }


def profile_of(result, kind, test="CLs"):
    return next(p for p in result.profiles if p.kind == kind and p.method == f"exact {test}")


@pytest.mark.parametrize("peak", [3.0, 50.0, 1e6])
def test_no_events_are_excluded_where_ln_10_are_expected(peak):
    found = couplings_of(limits(peak), "observed")
    for branch, coupling in zip(("lower", "upper"), roots(np.log(10.0), peak), strict=True):
        # near its tip the curve is flat in the coupling: the spline's 1e-3 in events shows
        tolerance = 0.002 if peak > 10.0 else 0.005
        assert found[branch] == pytest.approx(coupling, rel=tolerance)


def test_five_sigma_of_no_events_needs_fifteen():
    alpha = norm.sf(5.0)
    found = couplings_of(limits(100.0), "observed", level=1.0 - alpha)
    for branch, coupling in zip(("lower", "upper"), roots(-np.log(alpha), 100.0), strict=True):
        assert found[branch] == pytest.approx(coupling, rel=0.002)


def test_bands_and_branches_are_in_order():
    background = CountingModel(("a", "b"), np.zeros(2), np.array([6.3, 0.17]), np.array([4.0, 0]))
    found = limits(200.0, background)
    bands = ["expected_-2", "expected_-1", "expected", "expected_+1", "expected_+2"]
    edges = [couplings_of(found, kind) for kind in bands]
    lower = [edge["lower"] for edge in edges]
    upper = [edge["upper"] for edge in edges]
    assert lower == sorted(lower)
    assert upper == sorted(upper, reverse=True)
    assert max(lower) < min(upper)
    alpha_level = 1.0 - norm.sf(5.0)
    cls = couplings_of(found, "expected", "CLs", alpha_level)
    clsb = couplings_of(found, "expected", "CLs+b", alpha_level)
    assert clsb["lower"] < cls["lower"] < cls["upper"] < clsb["upper"]
    assert set(couplings_of(found, "discovery", "p0", alpha_level)) == {"lower", "upper"}
    assert found.validity == "ok"


def test_where_nothing_is_excluded_the_profile_says_by_how_much():
    found = limits(2.0)
    assert found.limits == ()
    observed = profile_of(found, "observed")
    top = int(np.argmax(observed.strength))
    # no events: -ln CLs is the signal
    assert observed.strength[top] == pytest.approx(np.log(2.0 / np.log(10.0)), abs=1e-3)
    assert observed.coupling[top] == pytest.approx(np.sqrt(2.0) * SCALE, rel=0.02)


def two_humps(d):
    """Signal of N from rock, falling at large d, and of N from the gas itself, rising again."""
    return 50.0 * (d / 3e-7) ** 4 * np.exp(2.0 - 2.0 * (d / 3e-7) ** 2) + 1e-4 * (d / 3e-7) ** 2


def test_a_hole_between_two_regions_is_not_excluded():
    table = two_humps(COUPLINGS)[:, None] * SPLIT
    found = limits_at_mass(0.3, COUPLINGS, table, EMPTY, levels=(0.9,), sigmas=(5.0,))
    rows = [x for x in found.limits if x.kind == "observed" and x.method == "exact CLs"]
    for level, count in ((0.9, np.log(10.0)), (1.0 - norm.sf(5.0), -np.log(norm.sf(5.0)))):
        ends = [x for x in rows if abs(x.level - level) < 1e-9]
        assert [x.branch for x in ends] == ["lower", "upper", "lower", "upper"]
        assert [x.open for x in ends] == [False, False, False, True]

        def excess(x, count=count):
            return np.log(two_humps(np.exp(x)) / count)

        brackets = np.log([(1e-8, 3e-7), (3e-7, 3e-6), (3e-6, 1e-3)])
        roots = [np.exp(brentq(excess, *bracket)) for bracket in brackets]
        np.testing.assert_allclose([x.coupling for x in ends], [*roots, 1e-3], rtol=0.003)


def test_profiles_follow_the_signal_from_end_to_end():
    table = two_humps(COUPLINGS)[:, None] * SPLIT
    found = limits_at_mass(0.3, COUPLINGS, table, EMPTY, sigmas=())
    observed = profile_of(found, "observed")
    np.testing.assert_allclose(observed.coupling[[0, -1]], COUPLINGS[[0, -1]])
    assert np.all(np.diff(observed.coupling) > 0.0)
    ends = [x.coupling for x in found.limits if x.kind == "observed"]
    at_limits = np.isin(observed.coupling, ends)
    assert at_limits.sum() == 4
    np.testing.assert_array_equal(observed.strength[at_limits][:3], 0.0)
    # no events: -ln CLs is the signal, known at the limits and at 1.8 times the sensitivity or
    # less; far below, the way there is interpolated over a factor of 30 in signal
    truth = np.log(two_humps(observed.coupling) / np.log(10.0))
    for near, tolerance in ((0.5, 0.03), (1.5, 0.2)):
        close = np.abs(truth) < near
        np.testing.assert_allclose(observed.strength[close], truth[close], atol=tolerance)


def test_a_region_beyond_the_grid_is_open():
    inside = COUPLINGS[(COUPLINGS > 1e-7) & (COUPLINGS < 6e-7)]
    table = events(inside, 1e4)[:, None] * SPLIT
    found = limits_at_mass(0.1, inside, table, EMPTY, sigmas=())
    ends = {x.branch: x for x in found.limits if x.kind == "observed"}
    assert ends["lower"].open
    assert ends["upper"].open
    assert ends["lower"].coupling == pytest.approx(inside[0])
    assert ends["upper"].coupling == pytest.approx(inside[-1])


def test_projections_have_no_observed_limits():
    projection = CountingModel(("a", "b"), np.zeros(2), np.array([0.563, 0.015]))
    assert {x.kind for x in limits(50.0, projection, sigmas=()).limits} == {
        "expected_-2",
        "expected_-1",
        "expected",
        "expected_+1",
        "expected_+2",
    }


def test_uncertainties_weaken_the_limits_of_no_events():
    certain = couplings_of(limits(50.0, sigmas=()), "observed")
    modifiers = {"efficiency": np.full((75, 2), 0.2)}
    uncertain = couplings_of(limits(50.0, sigmas=(), signal_modifiers=modifiers), "observed")
    assert uncertain["lower"] > certain["lower"]
    assert uncertain["upper"] < certain["upper"]


def test_a_bad_mass_is_a_result_with_a_reason():
    table = events(COUPLINGS, 50.0)[:, None] * SPLIT
    table[3, 1] = np.nan
    found = limits_at_mass(0.2, COUPLINGS, table, EMPTY)
    assert found.limits == ()
    assert found.mass_gev == 0.2
    assert "nan events" in found.validity


def test_no_signal_anywhere_gives_no_limits():
    found = limits_at_mass(0.2, COUPLINGS, np.zeros((75, 2)), EMPTY)
    assert found.limits == ()
    assert found.validity == "ok"


def test_results_travel_between_processes():
    found = limits(50.0, sigmas=())
    back = pickle.loads(pickle.dumps(found))
    assert back.limits == found.limits
    np.testing.assert_array_equal(back.profiles[0].strength, found.profiles[0].strength)


def test_low_levels_are_found_too():
    found = couplings_of(limits(50.0, levels=(0.3,), sigmas=()), "observed", level=0.3)
    lower, _ = roots(-np.log(0.7), 50.0)
    assert found["lower"] == pytest.approx(lower, rel=0.003)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (90.0,)}, "levels: 90"),
        ({"sigmas": (-5.0,)}, "sigmas: -5"),
        ({"calculator": "toy"}, "calculator: 'toy'"),
    ],
)
def test_settings_that_do_not_exist_are_named(options, message):
    with pytest.raises(InferenceError, match=message):
        limits(50.0, **options)


def test_limits_from_the_tests_of_the_grid_are_the_same():
    """Known tests shorten the search; roots move within its precision, 0.2 %."""
    base = CountingModel(
        ("a", "b"), np.zeros(2), np.array([2.3, 0.17]), np.array([1.0, 0]), {}, 0.3
    )
    table = two_humps(COUPLINGS)[:, None] * SPLIT
    engine = ExactCalculator(base)
    models = [base.with_signal(signal) for signal in table]
    tests = grid_tests(0.3, COUPLINGS, models, engine, "exact", 5.0)
    alone = limits_at_mass(0.3, COUPLINGS, table, base)
    seeded = limits_at_mass(0.3, COUPLINGS, table, base, tests=tests)
    assert len(seeded.limits) > 20
    for found, other in zip(seeded.limits, alone.limits, strict=True):
        assert (found.kind, found.level, found.branch) == (other.kind, other.level, other.branch)
        # p-values of discoveries are discrete: their steps are found to the precision
        assert found.coupling == pytest.approx(other.coupling, rel=0.004)


def test_tests_by_another_calculator_are_not_taken():
    wrong = Exclusion(0.0, 0.0, (0.0,) * 5, (0.0,) * 5, "toys", "ok")
    tests = [PointTest(0.1, d, (1.0, 1.0), wrong, None, "toys", "ok") for d in COUPLINGS.tolist()]
    assert limits(50.0, tests=tests).limits == limits(50.0).limits
