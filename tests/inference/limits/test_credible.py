import numpy as np
import pytest
from scipy.integrate import dblquad, quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import erfinv, logsumexp
from scipy.stats import gamma, poisson

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.credible import CredibleTests, background_outcomes
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.inference.limits.posterior import Prior
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood.model import CountingModel

COUPLINGS = np.geomspace(1e-8, 1e-5, 31)
FLAT = Prior(4.0, "d^4")  # flat in the number of events of a signal that goes as d^4


def experiment(background, observed=None, **errors):
    names = tuple("abcdef"[: len(background)])
    seen = None if observed is None else np.array(observed, dtype=float)
    return CountingModel(
        names, np.zeros(len(names)), np.array(background, dtype=float), seen, **errors
    )


def events(shares=(1.0,)):
    return (COUPLINGS[:, None] / 3e-7) ** 4 * np.array(shares)


def posterior_of(model, prior=FLAT, signal=None, modifiers=None):
    signal = events() if signal is None else signal
    return CredibleTests(CouplingYields.build(COUPLINGS, signal, modifiers), model, prior)


def limit(tests, level=0.9, kind="observed", band=2):
    """Signal events of a limit, for a signal of (d / 3e-7)^4 events."""

    def excess(x):
        test = tests.exclusion(x)
        return (test.cls_observed if kind == "observed" else test.cls_expected[band]) - 1 + level

    x = brentq(excess, np.log(COUPLINGS[0]), tests.top, xtol=1e-13)
    return float((np.exp(x) / 3e-7) ** 4)


def flat_limit(likelihood, level=0.9):
    """Limit on the events with a flat prior, by brute force."""
    whole = quad(likelihood, 0, 200, points=[1, 3, 10, 30], limit=400, epsabs=0, epsrel=1e-10)[0]

    def tail(s):
        return quad(likelihood, s, 200, limit=400, epsabs=0, epsrel=1e-10)[0] / whole - 1 + level

    return brentq(tail, 1e-3, 150, xtol=1e-10)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.9999997])
def test_no_event_and_a_prior_flat_in_the_square_of_a_mixing(level):
    mixing = np.geomspace(1e-10, 1e-6, 41)
    a = (1 / 3e-9) ** 2
    found = limits_at_mass(
        0.3, mixing, a * mixing[:, None] ** 2, experiment([0.7], [0]), levels=(level,), sigmas=(),
        calculator="bayesian", prior=Prior(1.0, "U^2"),
    )  # fmt: skip
    lower = next(one for one in found.limits if one.kind == "observed")
    assert lower.coupling == pytest.approx(erfinv(level) / np.sqrt(a), rel=1e-6)
    assert lower.method == "bayesian credible(U^2)"
    assert lower.error < 1e-6


@pytest.mark.parametrize(
    ("seen", "background"), [(0, 0.1), (0, 50.0), (3, 1.2), (14, 0.563), (100, 60.0)]
)
def test_one_channel_has_the_quantiles_of_gamma_functions(seen, background):
    found = limit(posterior_of(experiment([background], [seen])))
    left = 0.1 * gamma.sf(background, seen + 1)
    assert found == pytest.approx(gamma.isf(left, seen + 1) - background, rel=1e-6)
    if seen == 0:
        assert found == pytest.approx(2.302585, rel=1e-6)


def test_bands_are_quantiles_of_outcomes():
    found = posterior_of(experiment([3.0]))
    for band, n in enumerate(poisson.ppf([0.02275, 0.15866, 0.5, 0.84134, 0.97725], 3.0)):
        right = gamma.isf(0.1 * gamma.sf(3.0, n + 1), n + 1) - 3.0
        assert limit(found, kind="expected", band=band) == pytest.approx(right, rel=1e-6)


def test_expected_limits_do_not_know_the_data():
    def expected(seen):
        found = limits_at_mass(
            0.3, COUPLINGS, events((0.7, 0.3)), experiment([2.0, 0.5], seen), sigmas=(),
            signal_modifiers={"flux": [0.1, 0.1]}, calculator="bayesian", prior=FLAT,
        )  # fmt: skip
        return [one.coupling for one in found.limits if one.kind != "observed"]

    assert expected([0, 0]) == expected([9, 30]) == expected(None)


def test_documented_limit_of_the_default_search():
    """The row "Bayes, flat prior" of docs/method.md."""
    model = experiment([0.563, 0.015], [0, 0], background_modifiers=np.full(2, 0.3))
    flux = {"flux_fhc": [0.12, 0.0], "flux_rhc": [0.0, 0.12]}
    found = posterior_of(model, signal=events((0.7, 0.3)), modifiers=flux)
    assert limit(found) == pytest.approx(2.325, abs=0.004)


def test_two_channels_with_a_common_flux():
    """Against nested adaptive quadrature over flux and background."""
    model = experiment([2.0, 0.5], [3, 2], background_modifiers=np.array([0.5, 0.0]))
    found = posterior_of(model, signal=events((0.7, 0.3)), modifiers={"flux": [0.2, 0.2]})

    def likelihood(s):
        def at(z, w):
            one = 0.7 * s * 1.2**z + 2.0 * 1.5**w
            two = 0.3 * s * 1.2**z + 0.5
            return one**3 * two**2 * np.exp(-one - two - 0.5 * (z * z + w * w))

        return dblquad(at, -6, 6, -6, 6, epsabs=0, epsrel=1e-4)[0]

    s = np.linspace(0, 40, 81)
    values = np.array([likelihood(x) for x in s])
    smooth = np.poly1d(np.polyfit(s, np.log(values), 10))
    right = flat_limit(lambda x: np.exp(smooth(min(x, 40.0))) * (x <= 40.0))
    got, error = limit(found), found.error("observed", np.log(3e-7 * limit(found) ** 0.25))
    assert 0.0 < error < 0.002
    assert got == pytest.approx(right, rel=max(4 * 4 * error, 2e-3))  # events go as d^4


@pytest.mark.parametrize(("seen", "error"), [(130, 0.3), (1000, 0.2), (60, 0.5)])
def test_data_that_tell_much_of_a_background(seen, error):
    """Points lie around the maxima here; against a quadrature of the background."""
    model = experiment([100.0], [seen], background_modifiers=np.array([error]))
    found = posterior_of(model, signal=events() * 1.0)
    z = np.linspace(-9, 9, 4001)

    def likelihood(s):
        rate = s + 100.0 * (1 + error) ** z
        return np.exp(seen * np.log(rate / seen) - rate + seen - 0.5 * z**2).sum()

    s = np.linspace(0, 2 * seen + 100, 4000)
    values = np.array([likelihood(x) for x in s])
    whole = np.cumsum(values) - 0.5 * values - 0.5 * values[0]
    right = np.interp(0.9 * whole[-1], whole, s)
    got = limit(found)
    assert got == pytest.approx(right, rel=0.01)
    assert found.error("observed", np.log(3e-7 * got**0.25)) < 0.003


TEN = np.array([1.54, 0.38, 0.33, 0.22, 0.56, 0.38, 0.018, 0.22, 0.038, 0.015])
TEN_ERRORS = np.array([0.33, 0.72, 0.78, 0.62, 0.43, 0.53, 1.08, 1.17, 1.06, 1.0])
SHARES = np.array([0.4, 0.1, 0.1, 0.002, 0.05, 0.2, 0.08, 0.05, 0.0179, 0.0001])
MODIFIERS = {"flux": np.resize([0.1, 0.05], 10), "tracks": np.linspace(-0.1, 0.15, 10)}


def by_quadrature(seen):
    """Credible limit in ten channels: backgrounds one by one, a grid over flux and tracks.

    Data far above small backgrounds pull these by more than ten sigma.
    """
    u, z, one = np.linspace(-14.0, 8.0, 700), np.linspace(-8.0, 24.0, 641), np.linspace(-7, 7, 57)
    logs = 0.0
    grid = np.arange(-4.0, 1.5, 0.025)  # of ln(coupling / 3e-8)
    nuisances = np.stack(np.meshgrid(one, one, indexing="ij"))
    for b, error, share, *moves in zip(TEN, TEN_ERRORS, SHARES, *MODIFIERS.values(), strict=True):
        rate = np.exp(u)[:, None] + b * (1 + error) ** z
        channel = CubicSpline(u, logsumexp(seen * np.log(rate) - rate - 0.5 * z**2, axis=1))
        where = 2 * (grid + np.log(10)) + np.log(share)
        moved = np.tensordot(np.log1p(moves), nuisances, 1)
        logs = logs + channel(where[:, None, None] + moved)
    likelihood = logsumexp(logs - 0.5 * (nuisances**2).sum(axis=0), axis=(1, 2))
    density = CubicSpline(grid, np.exp(likelihood - likelihood.max() + grid))
    whole = density.antiderivative()
    left = 0.1 * (whole(grid[-1]) + density(grid[0]))
    return 3e-8 * np.exp(brentq(lambda x: whole(grid[-1]) - whole(x) - left, grid[0], grid[-1]))


@pytest.mark.parametrize("seen", [3, 30])
def test_ten_channels_with_data_far_above_small_backgrounds(seen):
    mixing = np.geomspace(1e-10, 1.0, 61)
    table = ((mixing / 3e-9) ** 2 * np.exp(-mixing / 1e-2))[:, None] * SHARES
    model = CountingModel(
        tuple("abcdefghij"), np.zeros(10), TEN, np.full(10, float(seen)), {}, TEN_ERRORS
    )
    found = limits_at_mass(
        0.3, mixing, table, model, levels=(0.9,), sigmas=(), signal_modifiers=MODIFIERS,
        calculator="bayesian", prior=Prior(1.0, "U^2"),
    )  # fmt: skip
    lower, upper = (one for one in found.limits if one.kind == "observed")
    assert lower.error < 0.001
    assert lower.coupling == pytest.approx(by_quadrature(seen), rel=4 * lower.error + 1e-5)
    assert not upper.open  # where no signal is left that excludes nothing, whatever the data


def synthetic(seed):
    """A model of 1 to 10 channels and its signal's shares and common uncertainty."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 11))
    background = np.exp(rng.uniform(np.log(0.02), np.log(30.0), size))
    errors = rng.choice([0.0, 0.1, 0.3, 0.6, 1.1], size)
    seen = [np.full(size, 30.0), np.zeros(size), rng.poisson(background), rng.poisson(
        background * 3 + 2)][seed % 4]  # fmt: skip
    shares = rng.dirichlet(np.ones(size))
    if seed % 2 == 0:  # few channels have signal
        shares[rng.permutation(size)[: size * 2 // 3]] = 0.0
    moves = rng.uniform(-0.3, 0.3, size) if seed % 3 else np.full(size, rng.choice([0.0, 0.5]))
    parts = {"v_0": background * rng.uniform(-0.3, 0.3, size)} if seed == 10 else {}
    model = CountingModel(tuple("abcdefghij"[:size]), np.zeros(size), background,
                          seen.astype(float), {}, errors, background_components=parts)  # fmt: skip
    return model, shares / shares.sum(), np.zeros(size) if parts else moves


def limits_by_quadrature(model, shares, moves, left):
    """Limits on events, prior flat in them: backgrounds one by one, a grid of what is common."""
    x, own, common = np.arange(-7.0, 8.5, 0.02), np.arange(-12, 30, 0.15), np.arange(-7, 7.1, 0.14)
    logs = -0.5 * common**2 + np.zeros((x.size, 1))
    linear = np.outer(common, np.zeros(len(shares)))
    if model.background_components:
        linear = np.outer(common, model.background_components["v_0"])
    for i, (b, error, n) in enumerate(
        zip(model.background, model.background_modifiers, model.observed, strict=True)
    ):
        z = own if error else np.zeros(1)
        rates = np.maximum(b + linear[:, i], 0.1 * b)
        rates = rates * np.exp(np.minimum((b + linear[:, i]) / (0.1 * b) - 1, 0))
        u = np.arange(-20.0, 12.0, 0.04) if shares[i] else np.array([-99.0])
        which = slice(None) if model.background_components else slice(1)
        found = np.stack([
            logsumexp(n * np.log(rate) - rate - 0.5 * z**2, axis=1)
            for rate in (np.exp(u)[:, None] + r * (1 + error) ** z for r in rates[which])
        ])  # fmt: skip
        if not shares[i]:
            logs = logs + found[:, 0]
            continue
        where = x[:, None] + np.log(shares[i]) + common * np.log1p(moves[i])
        if len(found) == 1:
            logs = logs + CubicSpline(u, found[0])(np.maximum(where, -20.0))
        else:
            logs = logs + CubicSpline(u, found.T)(np.maximum(where[:, 0], -20.0))
    likelihood = logsumexp(logs, axis=1)
    density = CubicSpline(x, np.exp(likelihood - likelihood.max() + x))
    whole = density.antiderivative()
    above = [share * (whole(x[-1]) + density(x[0])) for share in left]
    return [np.exp(brentq(lambda y: whole(x[-1]) - whole(y) - p, x[0], x[-1])) for p in above]  # noqa: B023


def test_errors_of_limits_cover_what_they_are_off(monkeypatch):
    def one(model):  # of data alone
        return np.rint(model.background)[:, None], np.ones(1), False

    monkeypatch.setattr("hnlstat.inference.limits.credible.background_outcomes", one)
    ratios, left = [], (0.1, 1e-3)
    for seed in range(20):
        model, shares, moves = synthetic(seed)
        found = posterior_of(model, signal=events(shares), modifiers={"common": moves})
        right = limits_by_quadrature(model, shares, moves, left)
        for share, value in zip(left, right, strict=True):
            got = limit(found, 1.0 - share)
            error = found.error("observed", np.log(3e-7 * got**0.25))
            off = 0.25 * np.log(got / value)
            ratios.append(off / np.hypot(error, 3e-6))  # of the quadrature
    assert np.abs(ratios).max() < 4.0
    assert np.std(ratios) < 1.5


@pytest.mark.parametrize("move", [1.0, -0.8])
def test_one_channel_far_above_its_background_of_which_signals_know_little(move):
    """Its 300 events are of the background, 18 sigma up: other channels have none."""
    seen = np.append(300.0, np.zeros(9))
    model = CountingModel(tuple("abcdefghij"), np.zeros(10), TEN, seen, {}, TEN_ERRORS)
    moves, shares = np.full(10, move), SHARES / SHARES.sum()
    found = posterior_of(model, signal=events(shares), modifiers={"common": moves})
    (right,) = limits_by_quadrature(model, shares, moves, (0.1,))
    got = limit(found)
    error = found.error("observed", np.log(3e-7 * got**0.25))
    assert 0.0 < error < 0.005
    assert got == pytest.approx(right, rel=4 * 4 * error)  # events go as d^4


def test_covariance_of_backgrounds_by_its_components():
    """Two correlated bins with many events and one with few, against a dense quadrature."""
    parts = {"v_0": np.array([12.0, 9.0, 0.2]), "v_1": np.array([-3.0, 4.0, 0.1])}
    model = experiment([60.0, 40.0, 1.0], [70, 47, 1], background_components=parts)
    shares = np.array([0.5, 0.3, 0.2])
    found = posterior_of(model, signal=events(shares), modifiers={"flux": [0.1, 0.1, 0.1]})
    z = np.linspace(-5, 5, 61)
    one, two, flux = np.meshgrid(z, z, z[::2], indexing="ij")
    prior = np.exp(-0.5 * (one**2 + two**2 + flux**2))
    seen = np.array([70.0, 47.0, 1.0])

    def likelihood(s):
        logs = 0.0
        for i in range(3):
            linear = model.background[i] + one * parts["v_0"][i] + two * parts["v_1"][i]
            rate = np.maximum(linear, 0.1 * model.background[i]) + s * shares[i] * 1.1**flux
            logs = logs + seen[i] * np.log(rate / seen[i]) - rate + seen[i]
        return float((prior * np.exp(logs)).sum())

    s = np.linspace(0, 120, 121)
    values = np.array([likelihood(x) for x in s])
    whole = np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]))])
    right = np.interp(0.9 * whole[-1], whole, s)
    assert limit(found) == pytest.approx(right, rel=0.01)


def test_spectra_draw_their_outcomes_and_say_the_error():
    model = CountingModel(
        ("a",) * 6, np.zeros(6), np.full(6, 1.5), bins=tuple(range(6)),
        background_modifiers=np.full(6, 0.3),
    )  # fmt: skip
    counts, weights, drawn = background_outcomes(model)
    assert drawn
    assert counts.shape == (6, weights.size)
    found = posterior_of(model, signal=events(np.array([1, 2, 4, 4, 2, 2]) / 15))
    x = np.log(3e-7 * limit(found, kind="expected") ** 0.25)
    assert 1e-3 < found.error("expected", x) < 0.05


def closing(most):
    """A signal that rises as d^4 and falls where N decays early, at most so many events."""
    shape = (COUPLINGS / 1e-6) ** 4 * np.exp(-2 * (COUPLINGS / 1e-6) ** 2)
    return most * shape[:, None] / np.exp(-2)


@pytest.mark.parametrize("most", [6.0, 300.0])
def test_region_closes_where_the_likelihood_is_that_of_the_limit(most):
    model = experiment([0.5], [0])
    found = limits_at_mass(
        0.3, COUPLINGS, closing(most), model, sigmas=(), calculator="bayesian", prior=FLAT
    )
    lower, upper = (one for one in found.limits if one.kind == "observed")
    assert not upper.open
    yields = CouplingYields.build(COUPLINGS, closing(most))
    ends = yields.signal(np.log([lower.coupling, upper.coupling]))[:, 0]
    assert ends[1] == pytest.approx(ends[0], rel=0.02)
    if most == 6.0:
        assert "of 1 - level = 0.1 is posterior above the largest signal" in found.validity


@pytest.mark.parametrize("most", [2e-4, 0.1, 2.0])
def test_a_range_that_ends_makes_no_limit(most):
    """Of a signal that is nowhere large, a flat prior over the grid alone would exclude some."""
    found = limits_at_mass(
        0.3, COUPLINGS, closing(most), experiment([0.5], [0]), sigmas=(), calculator="bayesian",
        prior=FLAT,
    )  # fmt: skip
    assert found.validity == "ok"
    assert found.limits == ()
    cut = 3e-7 * most**0.25 > COUPLINGS
    if cut.sum() > 4:
        found = limits_at_mass(
            0.3, COUPLINGS[cut], events()[cut], experiment([0.5], [0]), sigmas=(),
            calculator="bayesian", prior=FLAT,
        )  # fmt: skip
        assert found.limits == ()


def test_a_signal_that_does_not_rise_has_no_credible_limit():
    falling = events()[::-1]
    found = limits_at_mass(
        0.3, COUPLINGS, falling, experiment([0.5], [0]), calculator="bayesian", prior=FLAT
    )
    assert (
        found.validity == "no limits: a credible limit needs a signal that rises with the coupling"
    )


def test_discoveries_are_those_of_p_values():
    options = {"levels": (0.9,), "sigmas": (3.0,)}
    model = experiment([0.5], [1])
    found = limits_at_mass(
        0.3, COUPLINGS, events(), model, calculator="bayesian", prior=FLAT, **options
    )
    plain = limits_at_mass(0.3, COUPLINGS, events(), model, **options)
    mine, theirs = ([one for one in f.limits if one.kind == "discovery"] for f in (found, plain))
    assert mine == theirs
    assert mine[0].method == "exact p0"
    with pytest.raises(InferenceError, match="no p-values"):
        limits_at_mass(0.3, COUPLINGS, events(), model, calculator="bayesian")
