from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from hnlstat.errors import InferenceError
from hnlstat.inference.fit.fit import _impact, _minuit, fit, sigma_level, threshold
from hnlstat.inference.fit.problem import FitProblem, scan
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.likelihood.model import CountingModel

MASSES, COUPLINGS = np.geomspace(0.05, 0.8, 9), np.geomspace(1e-7, 1e-5, 13)
M, D = np.meshgrid(MASSES, COUPLINGS, indexing="ij")
TRUTH = 0.2, 1.2e-6
FINE = np.geomspace(0.05, 0.8, 61), np.geomspace(1e-7, 1e-5, 61)


def problem(scale, background, modifiers=None, background_error=0.0, mc_error=0.0, data=None):
    """Two channels whose ratio tells the mass and whose sum tells the coupling."""
    power = scale * (D / TRUTH[1]) ** 4
    signal = np.stack([power * (M / TRUTH[0]) ** 2, power * (TRUTH[0] / M)], axis=-1)
    tables = {name: np.full(signal.shape, size) for name, size in (modifiers or {}).items()}
    error = np.full(signal.shape, mc_error)
    surface = YieldSurface.build(MASSES, COUPLINGS, signal, tables, error)
    observed = np.full(2, background + scale) if data is None else np.array(data, dtype=float)
    base = CountingModel(
        ("a", "b"), np.zeros(2), np.full(2, background), observed, {}, background_error
    )
    return FitProblem(surface, base)


def test_thresholds_are_those_of_two_parameters():
    levels = [0.6827, 0.90, 0.95, sigma_level(3.0), sigma_level(5.0)]
    found = [threshold(level) for level in levels]
    assert found == pytest.approx([2.296, 4.605, 5.991, 11.829, 28.744], abs=1e-3)


def test_asimov_data_give_back_their_point_with_the_errors_of_poisson():
    """ln s_a = 4 y + 2 x and ln s_b = 4 y - x, each known to 1 / sqrt(s)."""
    scale = 2000.0
    best = fit(problem(scale, 0.01), *FINE)
    assert best.validity == "ok"
    assert best["mass"].value == pytest.approx(TRUTH[0], rel=1e-3)
    assert best["coupling"].value == pytest.approx(TRUTH[1], rel=1e-3)
    transform = np.linalg.inv(np.array([[2.0, 4.0], [-1.0, 4.0]]))
    x_error, y_error = np.sqrt(np.diag(transform @ transform.T) / scale)
    assert best["mass"].error / TRUTH[0] == pytest.approx(x_error, rel=0.02)
    assert best["coupling"].error / TRUTH[1] == pytest.approx(y_error, rel=0.02)
    # for so many events MINOS is HESSE, in the logarithm
    assert np.log(best["mass"].upper / TRUTH[0]) == pytest.approx(x_error, rel=0.05)
    assert np.log(TRUTH[1] / best["coupling"].lower) == pytest.approx(y_error, rel=0.05)
    assert best.expected == pytest.approx([scale, scale], rel=1e-3)
    assert best.nll == pytest.approx(0.0, abs=1e-3)


def test_the_scan_is_a_parabola_near_the_best_fit():
    scale = 2000.0
    found = problem(scale, 0.01)
    step = 0.01
    values = scan(found, TRUTH[0] * np.exp([0.0, step]), TRUTH[1] * np.exp([0.0, step]))
    # sums over channels of s (change of ln s)^2
    expected = scale * step**2 * np.array([[0.0, 16.0 + 16.0], [4.0 + 1.0, 36.0 + 9.0]])
    # the third derivative of a Poisson likelihood is a third of the change of ln s
    assert 2.0 * (values - values[0, 0]) == pytest.approx(expected, rel=0.05, abs=0.01)


def test_profiling_finds_the_minimum_of_all_nuisance_parameters():
    uncertain = problem(
        8.0, 3.0, {"flux": 0.12, "efficiency": 0.2}, 0.5, 0.05, data=[19.0, 2.0]
    )  # fmt: skip
    x, y = np.log([0.15, 0.3]), np.log([0.8e-6, 1.5e-6])
    nll, theta = uncertain.profile(x, y)
    for i in range(2):
        found = minimize(
            lambda t, i=i: uncertain.nll(x[i], y[i], t), np.zeros(6), method="BFGS", tol=1e-9
        )
        assert nll[i] == pytest.approx(found.fun, abs=1e-7)
        assert theta[i] == pytest.approx(found.x, abs=1e-3)
    assert uncertain.nuisances == (
        "flux", "efficiency", "mc_a", "mc_b", "background_a", "background_b",
    )  # fmt: skip


def test_impacts_and_pulls_of_an_efficiency():
    """The signal goes as d^4: an efficiency higher by 20 % is a coupling lower by 1.2^(-1/4)."""
    best = fit(problem(500.0, 0.01, {"efficiency": 0.2}), *FINE)
    impact = next(i for i in best.impacts if i.name == "efficiency")
    assert impact.up == pytest.approx(1.2**-0.25 - 1.0, rel=0.02)
    assert impact.down == pytest.approx(1.2**0.25 - 1.0, rel=0.02)
    pull = best["efficiency"]
    assert pull.value == pytest.approx(0.0, abs=0.02)
    assert pull.error == pytest.approx(1.0, rel=0.02)


def test_more_data_than_the_background_pull_it_where_signal_cannot_help():
    """A mass and coupling that cannot make the excess of one channel alone leave it a pull."""
    best = fit(problem(40.0, 10.0, background_error=0.3, data=[50.0, 5.0]), *FINE)
    assert best["background_b"].value < -0.3
    assert best.improvement > 20.0


def test_no_excess_is_no_measurement():
    best = fit(problem(50.0, 10.0, data=[10.0, 10.0]), *FINE)
    assert best.improvement == pytest.approx(0.0, abs=0.1)
    assert "no excess" in best.validity


def test_a_grid_without_small_signals_is_told_from_data_without_excess():
    model = CountingModel(("a",), np.zeros(1), np.full(1, 10.0), observed=np.full(1, 11.0))
    signal = np.full((9, 13, 1), 100.0)
    best = fit(
        FitProblem(YieldSurface.build(MASSES, COUPLINGS, signal, {}, 0 * signal), model), *FINE
    )
    assert best.improvement < -50
    assert (
        best.validity
        == "no signal of the grid fits the data as well as none: it needs smaller couplings"
    )


def test_a_projection_cannot_be_fitted():
    model = CountingModel(("a",), np.zeros(1), np.ones(1))
    surface = YieldSurface.build(
        MASSES, COUPLINGS, np.ones((9, 13, 1)), {}, np.zeros((9, 13, 1))
    )  # fmt: skip
    with pytest.raises(InferenceError, match="a fit needs data"):
        FitProblem(surface, model)


@pytest.mark.parametrize("seed", range(4))
def test_no_point_of_the_plane_fits_better(seed):
    truth = problem(8.0, 3.0, {"flux": 0.12, "efficiency": 0.2}, 0.5, 0.05)
    data = np.random.default_rng(seed).poisson(truth.observed)
    drawn = problem(8.0, 3.0, {"flux": 0.12, "efficiency": 0.2}, 0.5, 0.05, data)
    best = fit(drawn, *FINE)
    assert best.nll <= scan(drawn, *FINE).min() + 1e-3
    assert best.nll <= drawn.without_signal() + 1e-3


def test_the_best_point_can_lie_at_the_end_of_the_grid():
    best = fit(problem(40.0, 1.0, data=[4000.0, 1.0]), *FINE)
    assert "end of the grid" in best.validity
    assert best["mass"].upper is None


def test_parameters_hundreds_of_sigma_away_do_not_overflow():
    far = np.full(6, 500.0)
    found = problem(8.0, 3.0, {"flux": 0.12, "efficiency": 0.2}, 0.5, 0.05)
    assert np.isfinite(found.nll(np.log(0.2), np.log(1e-6), far))


@pytest.mark.parametrize("background", [1e-6, 0.5, 300.0])
@pytest.mark.parametrize("seen", [(0, 0), (3, 1), (30, 10), (300, 100), (100_000, 30_000)])
@pytest.mark.parametrize("scale", [0.0, 20.0])
def test_any_data_give_a_fit_that_is_no_worse_than_the_grid(background, seen, scale):
    """Without any signal, too: data 40 sigma above their background are for the nuisances then."""
    model = problem(scale, background, {"efficiency": 0.2}, 0.3, 0.02, data=seen)
    grid = np.geomspace(0.05, 0.8, 15), np.geomspace(1e-7, 1e-5, 15)
    best = fit(model, *grid)
    values = [best.nll, best.improvement, *best.expected]
    values += [x for p in best.parameters for x in (p.value, p.lower, p.upper) if x is not None]
    assert np.isfinite(values).all()
    lowest = scan(model, *grid).min()
    assert best.nll <= lowest + 0.05 or best.validity != "ok"
    assert best.improvement >= -0.01 - 1e-3 * best.nll
    if scale == 0.0 or sum(seen) <= background:
        assert best.validity == "the data have no excess: mass and coupling are not determined"


def test_impacts_beside_a_covariance_are_those_of_fits_to_first_order():
    """From the errors, where there are components; Minuit's own fits stop within 1e-3."""
    plain = problem(4000.0, 500.0, {"eff": 0.05}, background_error=0.1)
    shift = {"common": np.array([20.0, 30.0])}
    both = FitProblem(plain.surface, replace(plain.base, background_components=shift))
    best = fit(both, *FINE)
    found = {impact.name: impact for impact in best.impacts}
    for name, impact in found.items():
        minuit = _minuit(both, np.log(best["mass"].value), np.log(best["coupling"].value))
        minuit.migrad()
        minuit.hesse()
        again = _impact(both, minuit, name)
        assert [impact.up, impact.down] == pytest.approx([again.up, again.down], abs=1e-3)
    # an efficiency is made up for by the coupling alone, to the fourth power
    assert found["eff"].up == pytest.approx(1.05**-0.25 - 1, rel=0.01)


def test_goodness_is_the_chi_square_of_what_the_fit_leaves():
    """Two bins and two parameters leave nothing; a bin without signal, 3 sigma off, is left."""
    assert fit(problem(2000.0, 10.0), *FINE).goodness["chi2"] == pytest.approx(0.0, abs=1e-3)
    assert np.isnan(fit(problem(2000.0, 10.0), *FINE).goodness["p_value"])
    power = 2000.0 * (D / TRUTH[1]) ** 4
    rates = np.stack([power * (M / TRUTH[0]) ** 2, power * (TRUTH[0] / M), 0 * power], axis=-1)
    surface = YieldSurface.build(MASSES, COUPLINGS, rates, {}, np.zeros(rates.shape))
    base = CountingModel(
        ("a", "b", "c"), np.zeros(3), np.array([10.0, 10.0, 1e6]), np.array([2010, 2010, 1e6 + 3e3])
    )
    good = fit(FitProblem(surface, base), *FINE).goodness
    assert good["chi2"] == pytest.approx(9.0, abs=0.03)
    assert (good["bins"], good["degrees_of_freedom"]) == (3, 1)
    assert good["p_value"] == pytest.approx(2 * norm.sf(np.sqrt(good["chi2"])), rel=1e-6)
