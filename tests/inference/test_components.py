"""Backgrounds with a covariance, through everything that takes a counting model."""

from dataclasses import replace

import numpy as np
import pyhf
import pytest
from scipy.optimize import minimize
from scipy.special import xlogy
from scipy.stats import norm, poisson

from hnlstat.errors import InferenceError
from hnlstat.inference.components import bent, shifted_background
from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.coverage import coverage, pseudo_experiments
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator, asymptotic_tests, with_pyhf
from hnlstat.inference.engines.auxiliary import profile_cls
from hnlstat.inference.engines.calculators import choose
from hnlstat.inference.engines.published import PublishedCalculator
from hnlstat.inference.engines.toys import ToyCalculator, ToySettings, _poverty
from hnlstat.inference.fit.fit import fit
from hnlstat.inference.fit.problem import FitProblem, scan
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.inference.limits.discovery import DiscoveryTests, about
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.inference.limits.points import grid_tests
from hnlstat.inference.limits.sensitivity import sensitivity
from hnlstat.likelihood.combine import PublishedLikelihood, combine
from hnlstat.likelihood.covariance import chi_square
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.patchset import SignalGrid, patchset
from hnlstat.likelihood.reader import read_likelihoods
from hnlstat.likelihood.workspace import background_only, workspace

TOYS = ToySettings(40_000)
SPECTRUM = CountingModel(
    ("near", "near", "near", "far"),
    np.array([30.0, 10.0, 0.0, 4.0]),
    np.array([100.0, 200.0, 150.0, 25.0]),
    np.array([110.0, 190.0, 140.0, 30.0]),
    {"flux": np.array([0.1, 0.1, 0.1, 0.05])},
    np.array([0.0, 0.0, 0.0, 0.1]),
    0.02,
    (0, 1, 2, 0),
    background_components={
        "search_0": np.array([20.0, 40.0, 30.0, 4.0]),
        "search_1": np.array([8.0, -5.0, -4.0, 0.0]),
    },
)
"""The first component acts on both channels, the second on the near one."""


def two_bins(shift, signal=(12.0, 0.0), observed=(20.0, 22.0)):
    """Two bins of 20 events with one common component."""
    return CountingModel(
        ("a", "b"), np.array(signal), np.full(2, 20.0), np.array(observed),
        background_components={"common": np.array(shift)},
    )  # fmt: skip


def averaged(rate, counts):
    """Return the probability of counts with a rate(z) averaged over a standard normal z."""
    z = np.linspace(-7.0, 7.0, 1401)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    # so far below the average that the least rate does not matter
    return poisson.pmf(np.asarray(counts)[..., None], np.maximum(rate(z), 0.01)) @ weight


# --- the model ---


def test_components_are_kept_and_chosen_with_their_bins():
    assert [*SPECTRUM.with_signal(np.ones(4)).background_components] == ["search_0", "search_1"]
    part = SPECTRUM.select(np.array([3, 0]))
    assert part.background_components["search_0"].tolist() == [4.0, 20.0]
    assert part.background_components["search_1"].tolist() == [0.0, 8.0]
    assert [*SPECTRUM.select(np.array([3])).background_components] == ["search_0"]
    assert SPECTRUM.without_uncertainties().background_components == {}
    covariance = np.array([[464.0, 760.0], [760.0, 1625.0]])
    assert SPECTRUM.background_covariance[:2, :2] == pytest.approx(covariance)
    own = (25.0 * np.log(1.1)) ** 2
    assert SPECTRUM.background_covariance[3, 3] == pytest.approx(16.0 + own)


@pytest.mark.parametrize(
    ("name", "shift", "reason"),
    [
        ("x", [1.0, 2.0, 3.0], r"x has shape \(3,\), needed is one value for each of the 4 bins"),
        ("x", [1.0, 2.0, np.nan, 0.0], r"x of channel near\[2\] is nan; needed is a finite number"),
        ("x", [np.inf, 2.0, 1.0, 0.0], r"x of channel near\[0\] is inf"),
        ("x", [0.0, -1e200, 1.0, 0.0], r"is -1e\+200; needed is a finite number at least -1e\+09"),
        ("x", np.ones((4, 4)), "has shape"),
        ("flux", np.ones(4), "flux is the name of another parameter"),
        ("mu", np.ones(4), "mu is the name of another parameter"),
        ("background_far", np.ones(4), "background_far is the name of another parameter"),
        ("mc_near", np.ones(4), "mc_near is the name of another parameter"),
    ],
)
def test_components_that_cannot_be_used_are_refused(name, shift, reason):
    with pytest.raises(InferenceError, match=reason):
        replace(SPECTRUM, background_components={name: np.array(shift)})


def test_shifted_backgrounds_are_linear_down_to_a_tenth_and_stay_positive():
    model = two_bins([5.0, -10.0])
    zeta = np.array([[-3.0, 0.0, 1.0, 3.0, 20.0]])
    found, slope, _ = shifted_background(model, zeta)
    assert found[0, :4].tolist() == [5.0, 20.0, 25.0, 35.0]
    assert found[1, 1:3].tolist() == [20.0, 10.0]
    assert (found > 0.0).all()
    assert (np.diff(found[1]) < 0.0).all()
    assert (shifted_background(model, np.array([[-1e4, 1e4]]))[0] > 0.0).all()
    assert slope[:, 1:3].tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize("zeta", [-2.0, 1.0, 1.7, 1.9, 2.5, 4.0])
def test_derivatives_of_shifted_backgrounds_are_those_of_differences(zeta):
    model, step = two_bins([5.0, -10.0]), 1e-4
    (low, middle, high), slope, bend = (
        part.T for part in shifted_background(model, zeta + step * np.array([[-1.0, 0.0, 1.0]]))
    )
    change = np.array([5.0, -10.0])
    assert (high - low) / (2.0 * step) == pytest.approx(slope[1] * change, rel=1e-5)
    second = (high - 2.0 * middle + low) / step**2
    assert second == pytest.approx(bend[1] * change**2, rel=1e-3, abs=1e-5)


def test_a_background_that_may_fall_to_nothing_is_named():
    assert bent(SPECTRUM) is None
    assert bent(two_bins([5.9, 0.0])) is None
    told = "the background of a would be 0 at -2 sigma of its components"
    model = two_bins([10.0, 0.0])
    assert bent(model) == told
    for test in (AsymptoticCalculator().exclusion, AsymptoticCalculator().discovery):
        assert test(model).validity == f"{told}, which the formulae do not know of; use toys"
    assert ToyCalculator(TOYS).exclusion(model).validity == f"ok: {told}"
    assert ToyCalculator(TOYS).discovery(model).validity == f"ok: {told}"


# --- workspaces ---


def test_pyhf_shifts_backgrounds_by_common_parameters():
    spec = workspace(SPECTRUM)
    pyhf.schema.validate(spec, "workspace.json", version="1.0.0")
    model = pyhf.Workspace(spec).model()
    assert {"search_0", "search_1"} < set(model.config.par_names)
    for name, size in (("search_0", 1.0), ("search_0", -2.5), ("search_1", 0.3)):
        theta = np.array(model.config.suggested_init())
        theta[model.config.poi_index] = 0.0
        theta[model.config.par_names.index(name)] = size
        found = dict(zip(model.config.channels, (slice(0, 1), slice(1, 4)), strict=True))
        rates = model.expected_data(theta, include_auxdata=False)
        expected = SPECTRUM.background + size * SPECTRUM.background_components[name]
        assert rates[found["far"]] == pytest.approx(expected[3:], rel=1e-12)
        assert rates[found["near"]] == pytest.approx(expected[:3], rel=1e-12)


def test_a_shift_below_zero_goes_on_as_a_straight_line():
    spec = workspace(two_bins([30.0, 0.0]))
    modifier = spec["channels"][0]["samples"][1]["modifiers"][0]
    assert modifier["data"] == {"hi_data": [50.0], "lo_data": [-10.0]}
    pyhf.schema.validate(spec, "workspace.json", version="1.0.0")
    assert all(not c["samples"][1]["modifiers"] for c in spec["channels"][1:])


@pytest.mark.parametrize("discovery", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        SPECTRUM,
        replace(SPECTRUM, observed=np.array([160.0, 250.0, 190.0, 33.0])),
        replace(SPECTRUM, observed=None),
        two_bins([5.0, 5.0]),
        two_bins([5.0, -5.0], observed=(31.0, 17.0)),
        two_bins([1.0, 0.0], signal=(8.0, 3.0)),
    ],
)
def test_asymptotic_p_values_are_those_of_pyhf(model, discovery):
    spec = workspace(model)
    found = asymptotic_tests([spec], discovery)
    assert not found.by_pyhf.any()
    clsb, clb, cls, bands = with_pyhf(spec, discovery)
    assert [found.clsb[0], found.clb[0]] == pytest.approx([clsb, clb], rel=1e-3)
    assert found.cls[0] == pytest.approx(cls, rel=1e-3)
    assert found.clsb_expected[0] == pytest.approx(np.array(bands[0], dtype=float), rel=1e-3)


def test_fits_into_negative_rates_are_refused():
    """No event over 1 +- 2: the fit without signal would have a negative background."""
    model = CountingModel(
        ("a",), np.array([3.0]), np.array([1.0]), np.array([0.0]),
        background_components={"x": np.array([2.0])},
    )  # fmt: skip
    with pytest.raises(InferenceError, match="fit runs into a negative rate"):
        AsymptoticCalculator().exclusion(model)
    assert np.isnan(AsymptoticCalculator().cls(model, np.zeros((1, 2)))).all()
    # no event: a signal of 3 leaves exp(-3) of their probability
    assert ToyCalculator(TOYS).exclusion(model).cls_observed == pytest.approx(np.exp(-3), rel=0.03)


def test_combined_likelihoods_share_components_by_name():
    signals = (1.0, 2.0)

    def likelihood(name, chosen):
        part = SPECTRUM.select(np.array(chosen))
        grid = SignalGrid(
            np.full(2, 0.1),
            np.array([1e-7, 1e-6]),
            np.array([size * part.signal for size in signals]),
            {key: np.tile(delta, (2, 1)) for key, delta in part.signal_modifiers.items()},
            np.tile(part.mc_error, (2, 1)),
        )
        return PublishedLikelihood(
            name, background_only(part), patchset(part, grid, name, "coupling_inv_gev")
        )

    found = combine([likelihood("near", [0, 1, 2]), likelihood("far", [3])], "both")
    assert found.correlated == ("flux", "search_0")
    patches = pyhf.PatchSet(found.patches)
    combined = [dict(patch.apply(pyhf.Workspace(found.workspace))) for patch in patches]
    together = [workspace(SPECTRUM.with_signal(size * SPECTRUM.signal)) for size in signals]
    one, other = asymptotic_tests(combined), asymptotic_tests(together)
    assert one.cls == pytest.approx(other.cls, rel=1e-6)


def test_the_profile_likelihood_s_enumeration_takes_components():
    """One bin of 6 events: a component of 10 % is nearly a log-normal factor of 10 %."""
    model = CountingModel(("a",), np.array([6.0]), np.array([6.0]), np.array([4.0]))
    one = workspace(replace(model, background_components={"x": np.array([0.6])}))
    other = workspace(replace(model, background_modifiers=np.array([0.1])))
    found, expected = (profile_cls(spec, "fixed_auxiliary") for spec in (one, other))
    assert found == pytest.approx(expected, rel=0.03)


# --- calculators ---


@pytest.mark.parametrize(
    ("background", "shift", "signal", "observed"),
    [(6.0, 1.5, 8.0, 5), (100.0, 20.0, 60.0, 95), (2000.0, 100.0, 300.0, 2010)],
)
def test_toys_of_one_bin_are_a_poisson_average_over_a_gaussian(background, shift, signal, observed):
    model = CountingModel(
        ("a",), np.array([signal]), np.array([background]), np.array([float(observed)]),
        background_components={"x": np.array([shift])},
    )  # fmt: skip
    rates = (lambda z: background + shift * z), (lambda z: signal + background + shift * z)
    below, with_signal = (averaged(rate, np.arange(observed + 1)).sum() for rate in rates)
    found = ToyCalculator(TOYS).exclusion(model)
    assert found.clsb_observed == pytest.approx(with_signal, rel=0.03)
    assert found.cls_observed == pytest.approx(with_signal / below, rel=0.03)
    many = int(background + signal)
    above = 1.0 - averaged(rates[0], np.arange(many)).sum()
    seen = replace(model, observed=np.array([float(many)]))
    assert ToyCalculator(TOYS).discovery(seen).p0_observed == pytest.approx(above, rel=0.03)


@pytest.mark.parametrize("shift", [(6.0, 6.0), (6.0, -6.0), (6.0, 0.0)])
def test_toys_of_two_bins_are_ordered_by_the_profile_likelihood_ratio(shift):
    """All outcomes, by the ratio fitted for each over a grid of the component."""
    model = two_bins(shift)
    counts = np.stack(np.meshgrid(np.arange(70), np.arange(70), indexing="ij"))
    z = np.linspace(-3.2, 3.2, 641)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    best, probability = [], []
    for mu in (0.0, 1.0):
        rate = 20.0 + mu * model.signal[:, None] + np.outer(shift, z)
        logs = sum(
            n[..., None] * np.log(r) - r for n, r in zip(counts, rate, strict=True)
        )  # (70, 70, Z)
        best.append((logs - 0.5 * z**2).max(axis=-1))
        pmf = [poisson.pmf(np.arange(70)[:, None], r) for r in rate]
        probability.append(np.einsum("iz,jz,z->ij", *pmf, weight))
    ratio = best[1] - best[0]
    poor = ratio <= ratio[20, 22] + 1e-9
    clb, clsb = (p[poor].sum() for p in probability)
    found = ToyCalculator(TOYS).exclusion(model)
    # the ratio's linear part orders single outcomes a little differently
    assert found.clsb_observed == pytest.approx(clsb, rel=0.12)
    assert found.cls_observed == pytest.approx(clsb / clb, rel=0.12)
    order = _poverty(model)(counts.reshape(2, -1)).reshape(70, 70)
    poor = order <= order[20, 22] + 1e-9
    clb, clsb = (p[poor].sum() for p in probability)
    assert found.clsb_observed == pytest.approx(clsb, rel=0.03)
    assert found.cls_observed == pytest.approx(clsb / clb, rel=0.03)


def test_a_bin_without_signal_tells_of_the_background_of_its_neighbour():
    """Of two bins with 100 +- 30 in common the second measures what the first has."""
    shift, signal = np.array([30.0, 30.0]), np.array([25.0, 0.0])
    base = CountingModel(("a", "b"), signal, np.full(2, 100.0), background_components={"x": shift})
    alone = base.select(np.array([0]))
    both, one = (ToyCalculator(TOYS).exclusion(m).cls_expected[2] for m in (base, alone))
    for model, found in ((base, both), (alone, one)):
        # Gaussian counts, their variance midway between the hypotheses
        variance = model.background_covariance + np.diag(model.background + 0.5 * model.signal)
        z = np.sqrt(model.signal @ np.linalg.solve(variance, model.signal))
        assert found == pytest.approx(2.0 * norm.sf(z), rel=0.12)
    assert both < 0.4 * one


def test_toys_of_many_events_are_the_asymptotic_formulae():
    scale = 20.0
    model = replace(
        SPECTRUM.with_signal(4.0 * SPECTRUM.signal, {}, np.zeros(4)),
        background=scale * SPECTRUM.background,
        observed=scale * SPECTRUM.background,
        background_modifiers=np.zeros(4),
        background_components={
            k: np.sqrt(scale) * v for k, v in SPECTRUM.background_components.items()
        },
    )
    toys, formulae = ToyCalculator(TOYS), AsymptoticCalculator()
    found, expected = toys.exclusion(model), formulae.exclusion(model)
    assert found.cls_expected == pytest.approx(expected.cls_expected, rel=0.08)
    assert found.cls_observed == pytest.approx(expected.cls_observed, rel=0.05)
    one, other = toys.discovery(model), formulae.discovery(model)
    assert one.significance == pytest.approx(other.significance, abs=0.03)


def test_a_small_component_of_one_bin_is_the_log_normal_of_the_exact_calculation():
    model = CountingModel(("a",), np.array([20.0]), np.array([50.0]), np.array([48.0]))
    exact = replace(model, background_modifiers=np.array([0.03]))
    expected = ExactCalculator(exact).exclusion(exact)
    found = ToyCalculator(TOYS).exclusion(
        replace(model, background_components={"x": np.array([1.5])})
    )
    assert found.cls_observed == pytest.approx(expected.cls_observed, rel=0.03)
    assert found.cls_expected[2] == pytest.approx(expected.cls_expected[2], rel=0.05)


def test_importance_toys_agree_with_plain_ones():
    plain = ToyCalculator(ToySettings(100_000, importance=False)).exclusion(SPECTRUM)
    found = ToyCalculator(TOYS).exclusion(SPECTRUM)
    assert found.cls_observed == pytest.approx(plain.cls_observed, rel=0.03)
    assert found.cls_expected[2] == pytest.approx(plain.cls_expected[2], rel=0.03)
    counts = np.array([SPECTRUM.observed, SPECTRUM.observed + 10.0]).T
    cls = ToyCalculator(TOYS).cls(SPECTRUM, counts)
    assert cls[0] == pytest.approx(found.cls_observed, rel=0.03)
    assert cls[1] > cls[0]


FEW = CountingModel(
    ("a", "b"), np.ones(2), np.array([0.5, 1.0]), np.zeros(2),
    background_components={"x": np.array([0.1, 0.2])},
)  # fmt: skip


def test_auto_takes_toys_for_correlated_backgrounds_of_few_events():
    assert choose("auto", FEW)[0] == "toys"
    assert choose("auto", SPECTRUM)[0] == "toys"
    assert choose("auto", FEW.without_uncertainties())[0] == "exact"


@pytest.mark.parametrize("name", ["exact", "convolution", "published"])
def test_calculators_that_cannot_take_a_covariance_refuse_it(name):
    reason = f"calculator={name}: takes no covariance .* use auto, toys or asymptotic"
    with pytest.raises(InferenceError, match=reason):
        choose(name, FEW)
    engines = {"exact": ExactCalculator, "convolution": ConvolutionCalculator}
    with pytest.raises(InferenceError, match=reason):
        engines.get(name, lambda model: PublishedCalculator().exclusion(model))(FEW)


# --- limits, grids, coverage ---


def closed_form(signal, background, covariance):
    """Return the significance of a signal in Gaussian counts."""
    return np.sqrt(signal @ np.linalg.solve(covariance + np.diag(background), signal))


LARGE = CountingModel(
    ("a", "a", "a"), np.zeros(3), np.array([4e4, 2e4, 1e4]), bins=(0, 1, 2),
    background_components={"x": np.array([400.0, 200.0, 100.0]), "y": np.array([0.0, 60.0, -50.0])},
)  # fmt: skip
SHAPE = np.array([1.0, 2.0, 0.5])


@pytest.mark.parametrize("calculator", ["toys", "saddlepoint", "asymptotic"])
def test_limits_over_many_events_are_those_of_gaussians(calculator):
    couplings = np.geomspace(1e-7, 1e-5, 21)
    signal = 1e3 * (couplings[:, None] / 1e-6) ** 4 * SHAPE
    found = limits_at_mass(
        0.1,
        couplings,
        signal,
        LARGE,
        calculator=calculator,
        toys=ToySettings(10_000),
        sigmas=(3.0,),
    )
    assert found.validity == "ok"
    z = closed_form(SHAPE, LARGE.background, LARGE.background_covariance)
    lower = [limit for limit in found.limits if limit.branch == "lower"]
    median = next(limit for limit in lower if (limit.kind, limit.level) == ("expected", 0.9))
    discovery = next(limit for limit in lower if limit.kind == "discovery")
    # CLs of the median 2 Phi(-z) = 0.1, and a discovery at 3 sigma
    for limit, sigmas in ((median, 1.645), (discovery, 3.0)):
        expected = 1e-6 * (sigmas / z / 1e3) ** 0.25
        assert limit.coupling == pytest.approx(expected, rel=0.008)
    assert median.method == f"{calculator} CLs"


def test_sensitivities_know_of_the_covariance():
    for size in (100.0, 300.0, 1000.0):
        model = LARGE.with_signal(size * SHAPE)
        expected = AsymptoticCalculator().exclusion(model).cls_expected[2]
        assert np.exp(-sensitivity(model.signal, model, False)) == pytest.approx(expected, rel=0.08)
        found = AsymptoticCalculator().discovery(model).significance
        assert about(model) == pytest.approx(found, rel=0.03)
    many = np.array([[100.0], [300.0]]) * SHAPE
    one = [float(sensitivity(signal, LARGE, True)) for signal in many]
    assert sensitivity(many, LARGE, True) == pytest.approx(one, rel=1e-12)
    none = np.zeros(3)
    assert np.isfinite(sensitivity(none, LARGE, False))


def test_more_signal_that_looks_like_background_is_tested_by_itself():
    """Signals in both of two bins are what the common component does, in one of them not."""
    base = CountingModel(
        ("a", "b"), np.zeros(2), np.full(2, 1e4), background_components={"x": np.full(2, 2e3)}
    )
    models = [base.with_signal(signal) for signal in ([1500.0, 0.0], [1500.0, 1500.0])]
    found = grid_tests(
        0.1, np.array([1e-7, 1e-6]), models, AsymptoticCalculator(), "asymptotic", 5.0
    )
    assert found[0].exclusion.cls_expected[2] < 1e-6
    assert found[1].exclusion.cls_expected[2] > 0.4
    assert found[1].validity == "ok"
    tests = DiscoveryTests(AsymptoticCalculator(), 5.0)
    assert tests.test(models[0])[0].significance > 5.0
    assert tests.test(models[1])[0].significance < 1.0


def test_pseudo_experiments_have_the_covariance():
    model = SPECTRUM.with_signal(SPECTRUM.signal, {}, np.zeros(4))
    model = replace(model, background_modifiers=np.zeros(4))
    counts = pseudo_experiments(model, 200_000, np.random.default_rng(1), "drawn")
    expected = model.background_covariance + np.diag(model.background + model.signal)
    assert counts.mean(axis=1) == pytest.approx(model.background + model.signal, rel=3e-3)
    sigma = np.sqrt(expected.diagonal())
    assert np.cov(counts) / np.outer(sigma, sigma) == pytest.approx(
        expected / np.outer(sigma, sigma), abs=0.01
    )
    nominal = pseudo_experiments(model, 200_000, np.random.default_rng(1), "nominal")
    assert nominal.var(axis=1) == pytest.approx(model.background + model.signal, rel=0.03)


def test_limits_cover_on_the_average_over_the_component():
    model = two_bins([6.0, 6.0])
    points = coverage(model, [25.0], [0.9], ToyCalculator(ToySettings(20_000)), 2000, 1, ("drawn",))
    assert points[0].coverage == pytest.approx(0.9, abs=0.02)


# --- fits ---


def problem(base, signal=SPECTRUM.signal, modifiers=("flux",)):
    """A signal that goes with coupling^4, its spectrum with the mass."""
    masses, couplings = np.geomspace(0.05, 0.8, 9), np.geomspace(1e-7, 1e-5, 13)
    m, d = np.meshgrid(masses, couplings, indexing="ij")
    bins = np.arange(len(signal))
    table = (d[..., None] / 1e-6) ** 4 * signal * np.exp(-bins * (m[..., None] - 0.2))
    tables = {name: np.full(table.shape, 0.1) for name in modifiers}
    surface = YieldSurface.build(masses, couplings, table, tables, np.full(table.shape, 0.02))
    return FitProblem(surface, base)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_the_fit_without_signal_is_the_chi_square_of_the_covariance(scale):
    """Up to the skewness of Poisson, of the order of excess^3 / background^2."""
    base = replace(
        SPECTRUM,
        background=scale * SPECTRUM.background,
        background_modifiers=np.zeros(4),
        observed=scale * SPECTRUM.background + np.sqrt(scale) * np.array([30.0, 35.0, 5.0, -6.0]),
        background_components={
            k: np.sqrt(scale) * v for k, v in SPECTRUM.background_components.items()
        },
    )
    expected = chi_square(base.background, base.background_covariance, base.observed)
    found = 2.0 * problem(base).without_signal()
    assert found == pytest.approx(expected, rel=0.15 / np.sqrt(scale))


def test_the_profile_is_the_minimum_over_all_parameters():
    """By a general minimiser, over signal, channel and component parameters."""
    found = problem(SPECTRUM)
    x, y = np.log([0.2, 0.1, 0.5]), np.log([1e-6, 2e-6, 7e-7])
    values, theta = found.profile(x, y)
    for i in range(3):
        best = minimize(lambda t, i=i: found.nll(x[i], y[i], t), np.zeros(theta.shape[1]), tol=1e-9)
        assert values[i] == pytest.approx(best.fun, abs=1e-5)
        assert found.nll(x[i], y[i], theta[i]) == pytest.approx(values[i], abs=1e-9)
    names = found.nuisances
    assert names[-2:] == ("search_0", "search_1")
    # by hand, with one component moved
    moved = np.where(np.array(names) == "search_0", 0.7, 0.0)
    signal = found.rates(x[0], y[0])[0][0]
    rate = signal + SPECTRUM.background + 0.7 * SPECTRUM.background_components["search_0"]
    n = SPECTRUM.observed
    expected = (rate - n + xlogy(n, n / rate)).sum() + 0.5 * 0.7**2
    assert found.nll(x[0], y[0], moved) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shift", [12.0, 30.0])
def test_profiles_converge_where_a_background_falls_to_nothing(shift):
    """The background gives way to any signal, down to a share that no data ask for."""
    base = two_bins([shift, shift], observed=(2.0, 1.0))
    found = problem(base, np.array([10.0, 8.0]), ())
    x, y = np.log([0.2, 0.1]), np.log([1e-6, 3e-6])
    values, theta = found.profile(x, y)
    for i in range(2):
        start = 0.9 * theta[i]
        best = minimize(lambda t, i=i: found.nll(x[i], y[i], t), start, tol=1e-9)
        assert values[i] <= best.fun + 1e-5
        assert found.expected(x[i], y[i], theta[i]).min() > 0.0


def test_a_fit_gives_back_its_point_and_the_pull_of_a_component():
    base = replace(LARGE, observed=None)
    truth = problem(replace(base, observed=base.background), 2e4 * SHAPE, ())
    signal = truth.surface.events(np.log(0.2), np.log(1e-6))[0]
    data = signal + base.background + base.background_components["y"]
    found = problem(base.with_data(data), 2e4 * SHAPE, ())
    best = fit(found, np.geomspace(0.05, 0.8, 31), np.geomspace(1e-7, 1e-5, 31))
    assert best.validity == "ok"
    assert best["coupling"].value == pytest.approx(1e-6, rel=0.01)
    assert 0.0 < best["y"].value < 1.1
    assert {impact.name for impact in best.impacts} >= {"x", "y"}
    assert best.expected == pytest.approx(data, rel=3e-3)
    values = scan(found, np.array([0.2]), np.array([1e-6]))
    assert values[0, 0] <= 0.5 + 1e-6  # the component at one sigma


def test_a_component_with_the_name_of_an_uncertainty_of_the_yields_is_refused():
    with pytest.raises(InferenceError, match="search_0 is the name of two uncertainties"):
        problem(SPECTRUM, modifiers=("search_0",))
    with pytest.raises(InferenceError, match="search_0 is the name of another parameter"):
        SPECTRUM.with_signal(np.ones(4), {"search_0": np.ones(4)})


def test_likelihoods_read_from_workspaces_are_those_of_pyhf():
    spec = workspace(SPECTRUM)
    ours, theirs = read_likelihoods([spec]), pyhf.Workspace(spec).model()
    rng = np.random.default_rng(1)
    for _ in range(5):
        theta = ours.start + 0.5 * rng.standard_normal(len(ours.start)) * (ours.lower < 0.0)
        order = [theirs.config.par_order.index(name) for name in dict.fromkeys(ours.parameters)]
        assert sorted(order) == list(range(len(theirs.config.par_order)))
        point = np.concatenate([
            theta[[i for i, name in enumerate(ours.parameters) if name == wanted]]
            for wanted in theirs.config.par_order
        ])  # fmt: skip
        rates = np.asarray(theirs.expected_data(point, include_auxdata=False))
        by_channel = np.concatenate([rates[1:], rates[:1]])  # pyhf sorts far before near
        assert ours.expected(theta[None])[0] == pytest.approx(by_channel, rel=1e-9)
