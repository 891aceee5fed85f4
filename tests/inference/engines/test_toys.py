import numpy as np
import pytest
from scipy.stats import norm, poisson

from hnlstat.inference.counting.exact import ExactCalculator
from hnlstat.inference.engines.toy_sampling import draw_toys
from hnlstat.inference.engines.toys import ToyCalculator, ToySettings
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.inference.statistics import q_tilde, q_zero
from hnlstat.likelihood.model import CountingModel

UPGRADE = CountingModel(
    ("nd280_fhc", "nd280_rhc", "nd280_upgrade_fhc", "nd280_upgrade_rhc"),
    signal=np.array([0.15, 0.1, 0.45, 0.3]),
    background=np.array([0.90, 0.040, 6.11, 0.33]),
    observed=np.array([1.0, 0.0, 6.0, 0.0]),
    signal_modifiers={
        "flux_fhc": np.array([0.12, 0.0, 0.12, 0.0]),
        "efficiency": np.full(4, 0.2),
    },
    background_modifiers=np.array([0.3, 1.0, 0.3, 1.0]),
    mc_error=np.full(4, 0.01),
)


def with_data(total, counts=None):
    """Return the model with a total signal and, if given, other data."""
    data = UPGRADE.observed if counts is None else np.array(counts, dtype=float)
    return CountingModel(
        UPGRADE.channels, total * UPGRADE.signal, UPGRADE.background, data,
        UPGRADE.signal_modifiers, UPGRADE.background_modifiers, UPGRADE.mc_error,
    )  # fmt: skip


# the toys' own error is about 1 %, that of their medians 2 %; 28 events are 5 sigma
@pytest.mark.parametrize("total", [1.0, 5.0, 15.0, 28.0])
def test_exclusion_agrees_with_enumeration_to_five_sigma_and_beyond(total):
    model = with_data(total)
    exact = ExactCalculator(model).exclusion(model)
    toys = ToyCalculator(ToySettings(100_000)).exclusion(model)
    assert toys.cls_observed == pytest.approx(exact.cls_observed, rel=0.05)
    assert toys.clsb_observed == pytest.approx(exact.clsb_observed, rel=0.05)
    assert toys.cls_expected[2] == pytest.approx(exact.cls_expected[2], rel=0.07)
    assert toys.validity == "ok"


@pytest.mark.parametrize(
    ("total", "counts"), [(5.0, [2, 1, 12, 0]), (15.0, [4, 1, 20, 3]), (20.0, [6, 2, 25, 4])]
)
def test_discovery_agrees_with_enumeration_to_five_sigma(total, counts):
    model = with_data(total, counts)
    exact = ExactCalculator(model).discovery(model)
    toys = ToyCalculator(ToySettings(100_000)).discovery(model)
    assert toys.p0_observed == pytest.approx(exact.p0_observed, rel=0.05)
    # the median is that of plain toys: 0.2 % in probability, 0.5 % in significance
    assert toys.significance == pytest.approx(exact.significance, rel=0.005)
    if counts[0] == 6:
        assert exact.p0_observed < norm.sf(4.9)


def test_plain_toys_agree_where_they_can():
    model = with_data(5.0)
    exact = ExactCalculator(model).exclusion(model)
    plain = ToyCalculator(ToySettings(200_000, importance=False)).exclusion(model)
    # 5600 toys below the data: 1.3 %
    assert plain.cls_observed == pytest.approx(exact.cls_observed, rel=0.05)
    assert plain.cls_expected[2] == pytest.approx(exact.cls_expected[2], rel=0.05)


def test_enumeration_agrees_with_brute_force_toys_at_three_sigma():
    """Two channels, ten million toys: thousands beyond 3 sigma, an error of about 1 %."""
    model = CountingModel(
        ("fhc", "rhc"), np.array([8.4, 3.6]), np.array([6.3, 0.17]), np.array([6.0, 0.0]),
        {"efficiency": np.full(2, 0.2)}, np.array([0.3, 1.0]),
    )  # fmt: skip
    size, rng = 10_000_000, np.random.default_rng(3)
    efficiency = 1.2 ** rng.standard_normal(size)
    counts = np.empty((2, size), dtype=np.int64)
    for i, error in enumerate((0.3, 1.0)):
        background = model.background[i] * (1.0 + error) ** rng.standard_normal(size)
        counts[i] = rng.poisson(model.signal[i] * efficiency + background)
    # the same outcome occurs many times: look at each once
    width = counts[1].max() + 1
    code, times = np.unique(counts[0] * width + counts[1], return_counts=True)
    outcomes = np.stack([code // width, code % width]).astype(float)
    rates = model.signal, model.background
    q_observed = q_tilde(model.observed[:, None], *rates)[0]
    brute = times[q_tilde(outcomes, *rates) >= q_observed - 1e-9].sum() / size
    exact = ExactCalculator(model).exclusion(model).clsb_observed
    assert norm.isf(exact) > 3.0
    assert exact == pytest.approx(brute, rel=4.0 / np.sqrt(brute * size))


def test_weights_of_both_hypotheses_sum_to_one():
    targets = [(0, UPGRADE.background), (1, UPGRADE.background + 10.0 * UPGRADE.signal)]
    model = with_data(10.0)
    toys = draw_toys(model, targets, 50_000, np.random.default_rng(5))
    assert toys.background.sum() == pytest.approx(1.0, abs=0.02)
    assert toys.signal_plus_background.sum() == pytest.approx(1.0, abs=0.02)
    # and they give the mean counts of the model
    mean = toys.counts @ toys.background
    width = np.log1p(model.background_modifiers)
    assert mean == pytest.approx(model.background * np.exp(0.5 * width**2), rel=0.1)


def test_seeds_repeat_and_differ():
    model = with_data(5.0)
    first, again, other = (
        ToyCalculator(ToySettings(2000, seed)).exclusion(model) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_p_values_that_are_not_known_well_say_so():
    test = ToyCalculator(ToySettings(1000, importance=False)).exclusion(with_data(30.0))
    assert "raise inference.toys" in test.validity


def test_many_bins_that_cannot_be_enumerated():
    """Twenty alike bins without uncertainty: q-tilde depends on the sum alone, a Poisson count."""
    size = 20
    many = CountingModel(
        tuple(f"bin_{i}" for i in range(size)), np.full(size, 1.5), np.full(size, 2.0),
        np.full(size, 2.0),
    )  # fmt: skip
    one = CountingModel(("sum",), np.array([30.0]), np.array([40.0]), np.array([40.0]))
    settings = ToySettings(60_000)
    toys = ToyCalculator(settings).exclusion(many)
    exact = ExactCalculator(one).exclusion(one)
    assert toys.cls_observed == pytest.approx(exact.cls_observed, rel=0.05)
    found = ToyCalculator(settings).discovery(many)
    median = ExactCalculator(one).discovery(one)
    assert found.significance == pytest.approx(median.significance, rel=0.005)


def test_no_signal_excludes_nothing():
    nothing = with_data(0.0)
    assert ToyCalculator().exclusion(nothing).cls_observed == 1.0
    assert ToyCalculator().discovery(nothing).p0_expected == 1.0


def test_q_zero_and_q_tilde_order_the_toys_as_they_do_the_data():
    """A p-value of data at the median of its own hypothesis is about one half."""
    model = with_data(10.0, [1, 0, 6, 0])
    test = ToyCalculator().exclusion(model)
    q = q_tilde(model.observed[:, None], model.signal, model.background)
    assert test.clsb_observed < test.clsb_observed / test.cls_observed <= 1.0
    assert q[0] > 0.0
    assert q_zero(model.observed[:, None], model.signal, model.background)[0] < 1.0


def test_limits_by_toys_are_those_by_enumeration():
    couplings = np.geomspace(1e-7, 1e-5, 15)
    table = 5.0 * (couplings[:, None] / 1e-6) ** 4 * UPGRADE.signal
    exact, toys = (
        limits_at_mass(
            0.1, couplings, table, UPGRADE, signal_modifiers=UPGRADE.signal_modifiers,
            mc_error=UPGRADE.mc_error, calculator=name, toys=ToySettings(5000),
        )
        for name in ("exact", "toys")
    )  # fmt: skip
    assert toys.limits[0].method == "toys CLs"
    assert len(toys.limits) == len(exact.limits)
    for one, other in zip(toys.limits, exact.limits, strict=True):
        # p-values to 5 % are couplings to 1 %; the bands are steps in the outcomes, a step is 2 %
        assert one.coupling == pytest.approx(other.coupling, rel=0.03)


@pytest.mark.parametrize(
    ("background", "signal", "seen", "error"),
    [(3000.0, 250.0, 2950.0, 0.0), (3000.0, 250.0, 3060.0, 0.02), (6e4, 3e4, 5e4, 0.3)],
)
def test_backgrounds_that_cannot_be_enumerated(background, signal, seen, error):
    """One channel: q-tilde orders by the count, so that p-values are averages of Poisson sums."""
    model = CountingModel(
        ("a",), np.array([signal]), np.array([background]), np.array([seen]), {}, error
    )
    z = np.linspace(-8.0, 8.0, 40_001)
    weight = norm.pdf(z) / norm.pdf(z).sum()
    rate = background * (1.0 + error) ** z
    clsb, clb = (weight @ poisson.cdf(seen, rate + s) for s in (signal, 0.0))
    test = ToyCalculator(ToySettings(60_000)).exclusion(model)
    assert test.clsb_observed == pytest.approx(clsb, rel=0.06)
    assert test.cls_observed == pytest.approx(clsb / clb, rel=0.06)


def test_expected_results_do_not_depend_on_the_data():
    found = [
        ToyCalculator(ToySettings(2000)).exclusion(with_data(9.0, counts))
        for counts in ([1, 0, 6, 0], [0, 0, 0, 0], [20, 9, 100, 30])
    ]
    assert len({(test.cls_expected, test.clsb_expected) for test in found}) == 1
    p0 = {
        ToyCalculator(ToySettings(2000)).discovery(with_data(9.0, counts)).p0_expected
        for counts in ([1, 0, 6, 0], [20, 9, 100, 30])
    }
    assert len(p0) == 1


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0, 1.4, 30.0])
@pytest.mark.parametrize(("background", "signal"), [(1e-3, 3.0), (6.3, 0.75), (3000.0, 500.0)])
def test_any_data_have_the_p_values_of_poisson_sums(background, signal, share):
    """One channel with known rates; probabilities never pass 1."""
    seen = np.round(share * (background + signal))
    model = CountingModel(("a",), np.array([signal]), np.array([background]), np.array([seen]))
    test = ToyCalculator(ToySettings(10_000)).exclusion(model)
    found = ToyCalculator(ToySettings(10_000)).discovery(model)
    values = [test.cls_observed, test.clsb_observed, *test.cls_expected, *test.clsb_expected]
    assert all(0.0 <= p <= 1.0 for p in [*values, found.p0_observed, found.p0_expected])
    clsb, clb = poisson.cdf(seen, background + signal), poisson.cdf(seen, background)
    p0 = poisson.sf(seen - 1.0, background)
    if seen < background + signal and clsb > 1e-200:
        assert test.clsb_observed == pytest.approx(clsb, rel=0.12)
        assert test.cls_observed == pytest.approx(clsb / clb, rel=0.12)
    elif seen >= background + signal:
        assert test.cls_observed == 1.0
    if seen > background and p0 > 1e-200:
        assert found.p0_observed == pytest.approx(p0, rel=0.12)
    elif seen > background:
        assert found.p0_observed <= 1e-200


def test_data_of_1e5_events_have_p_values():
    model = with_data(1e5, [3e4, 2e4, 3e4, 2e4])
    test, found = ToyCalculator().exclusion(model), ToyCalculator().discovery(model)
    assert 0.0 <= test.cls_observed <= 1.0
    assert found.p0_observed == 0.0
