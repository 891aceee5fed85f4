"""Limits on one mixing with the others integrated over, in process."""

import json

import numpy as np
import pytest
from redrawn import check_redrawn
from scipy.integrate import quad
from scipy.optimize import brentq

from hnlstat.errors import ConfigError
from hnlstat.run import marginal, stages
from hnlstat.run.jobs import credible_tests, prior_of
from hnlstat.run.work import Work
from hnlstat.search.masses import simulate_study
from hnlstat.studies import load
from hnlstat.tasks import running

USUAL = ("search=t2k_2019", "inference.calculator=bayesian", "inference.sigmas=[]")


def serial(jobs):
    return [job.run() for job in jobs]


@pytest.mark.parametrize("mass", [0.25, 0.45])
def test_yields_of_any_mixing_are_those_of_the_quadratic_form(mass):
    study = load([*USUAL, "model=mixed", "inference.marginal=e",
                  "scan.coupling={min: 1e-10, max: 1e-9, points: 4}"])  # fmt: skip
    (known,) = marginal.known_signals(study, np.array([mass]), Work())
    mixing = np.array([0.2, 0.5, 0.3])
    other = load([*USUAL, "model=mixed", "model.mixing={e: 0.2, mu: 0.5, tau: 0.3}",
                  f"scan.mass.values=[{mass - 0.01},{mass}]"])  # fmt: skip
    u2 = np.geomspace(1e-10, 1e-9, 4)
    table = simulate_study(other, np.array([mass]), u2, serial)
    direct = stages.build(other, table, Work())
    path = known.signal.at(mixing[None])
    assert path.signal[0] == pytest.approx(direct.signal[0, 0] / u2[0] ** 2, rel=0.03)
    flux = [*direct.modifiers].index("flux_t2k_kaons")
    expected = np.log1p(direct.modifiers["flux_t2k_kaons"][0, 0])
    assert path.shifts[0, :, flux] == pytest.approx(expected, abs=0.005)
    for i, change in enumerate(direct.modifiers.values()):
        assert path.shifts[0, :, i] == pytest.approx(np.log1p(change[0, 0]), abs=0.03)


def test_a_run_has_the_closed_form_of_two_mixings(tmp_path, monkeypatch):
    """No event seen, N of 450 MeV: p(x) goes as exp(-A x^2) (1 - exp(-B x T)) / (B x)."""
    study = load([
        *USUAL, "systematics=none", "model=mixed", "model.mixing={e: 1, mu: 0, tau: 1}",
        "inference.marginal=e", "inference.prior_max.tau=1e-4", "scan.mass.values=[0.44,0.45]",
        "scan.coupling={min: 1e-10, max: 1e-7, points: 4}", f"runs={tmp_path / 'runs'}",
        f"store=shared:{tmp_path / 'store'}",
    ])  # fmt: skip
    outcome = running.run(study)
    (known,) = marginal.known_signals(study, np.array([0.45]), Work())
    check_redrawn(outcome.folder, "contours")
    form = known.signal.form.sum(axis=-1)
    a, b, bound = form[0, 0], 2 * form[0, 1], 1e-4

    def density(y):
        return np.exp(-a * np.exp(2 * y)) * -np.expm1(-b * np.exp(y) * bound)

    low, high = np.log(1e-20), np.log(10 / np.sqrt(a))
    cuts = [np.log(1 / (b * bound)), np.log(1 / np.sqrt(a))]
    whole = quad(density, low, high, points=sorted(cuts), limit=400)[0]
    expected = np.exp(
        brentq(lambda y: quad(density, y, high, limit=400)[0] / whole - 0.1, high - 9, high - 1)
    )
    rows = [line.split(",") for line in (outcome.folder / "limits.csv").read_text().splitlines()]
    (mine,) = (row for row in rows[1:] if row[0] == "0.45" and row[3] == "lower")
    assert mine[4] == "bayesian marginal(|U_e|^2)"
    assert float(mine[5]) == pytest.approx(expected, rel=0.005)
    summary = json.loads((outcome.folder / "summary.json").read_text())
    assert summary["coupling"] == "|U_e|^2"
    told = " ".join(summary["remarks"])
    assert "|U_e|^2 < 1, |U_tau|^2 < 0.0001 (inference.prior_max)" in told
    assert "the range of these priors matters" in told
    assert (outcome.folder / "contours.pdf").stat().st_size > 1000
    assert "marginal(|U_e|^2)" in (outcome.folder / "report.html").read_text()
    monkeypatch.setattr(marginal, "marginals", None)  # the store has them
    again = marginal.find_marginal(study, Work(store=running.unit_store(study, None)))
    assert again[1].limits[0].coupling == pytest.approx(float(mine[5]))


def test_what_bounds_of_priors_set_alone_is_no_limit(tmp_path):
    """|U_tau|^2 makes no N of 450 MeV: its posterior goes as 1/x, up to its bound."""
    study = load([
        *USUAL, "systematics=none", "model=mixed", "model.mixing={e: 1, mu: 0, tau: 1}",
        "inference.marginal=tau", "scan.mass.values=[0.44,0.45]", f"runs={tmp_path / 'runs'}",
        "scan.coupling={min: 1e-10, max: 1, points: 4}",
    ])  # fmt: skip
    outcome = running.run(study)
    rows = (outcome.folder / "limits.csv").read_text().splitlines()
    summary = json.loads((outcome.folder / "summary.json").read_text())
    assert len(rows) == 1
    assert json.loads((outcome.folder / "contours.json").read_text())["contours"] == []
    assert (summary["leading"], summary["reaches"], summary["compared"]) == ([], [], None)
    told = " ".join(summary["remarks"])
    assert "no limits at 440, 450 MeV: bounds of the priors alone set these" in told
    assert "times as high" not in told
    assert "no longer live long" not in told
    check_redrawn(outcome.folder, "contours")


def test_with_nothing_to_integrate_over_it_is_the_limit_on_one_mixing():
    """|U_tau|^2 up to 1e-9 adds no decays; efficiencies, flux and backgrounds are integrated."""
    grid = "scan.coupling={min: 1e-10, max: 1e-6, points: 9}"
    study = load([*USUAL, grid, "model=mixed", "model.mixing={e: 0, mu: 1, tau: 1}",
                  "inference.marginal=mu", "inference.prior_max.tau=1e-9",
                  "scan.mass.values=[0.25,0.26]"])  # fmt: skip
    alone = load([*USUAL, grid, "model=mixed_mu", "scan.mass.values=[0.25,0.26]"])
    work, masses = Work(), np.array([0.25])
    (known,) = marginal.known_signals(study, masses, work)
    (found, _) = marginal.MarginalJob(known.signal, known.experiment, (1.0, 1e-9)).run()
    table = simulate_study(alone, masses, alone.scan.coupling.array(), serial)
    experiment = stages.build(alone, table, work)
    tests = credible_tests(table.couplings, experiment.mass(0), prior_of(alone))
    limit = found[0].limit(0.1)
    assert tests.exclusion(np.log(limit)).cls_observed == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["inference.calculator=auto"], "inference.marginal: is of no use without"),
        (["inference.prior_power=2"], "inference.prior_power: cannot go with marginal"),
        (["inference.marginal=x"], "inference.marginal"),
        (["inference.prior_max.e=0"], "inference.prior_max.e"),
        (["inference.prior_max.e=2"], "inference.prior_max.e"),
        (["inference.prior_max.mu=1e-9", "scan.coupling.min=1e-8"], "leaves nothing of the grid"),
        (["model=mixed_mu"], "has no other mixing to integrate over"),
        (["model.mixing.e=3"], "model.mixing fixes e:mu:tau at 3:1:1"),
        (["scan.plane=[e,mu]", "model.mass=0.25"], "leave scan.plane null"),
        (["task=point", "model.mass=0.25", "model.coupling=1e-8"], "is of task=contour"),
    ],
)
def test_marginal_limits_that_cannot_be(overrides, words):
    usual = [*USUAL, "model=mixed", "inference.marginal=mu"]
    keys = [text.partition("=")[0] for text in overrides]
    with pytest.raises(ConfigError) as caught:
        load([*(text for text in usual if text.partition("=")[0] not in keys), *overrides])
    assert words in str(caught.value)


def test_n_that_do_not_live_long_at_the_first_couplings_are_refused():
    study = load([*USUAL, "model=mixed", "inference.marginal=mu", "scan.mass.values=[0.3,0.35]",
                  "scan.coupling={min: 0.03, max: 1, points: 4}"])  # fmt: skip
    with pytest.raises(ConfigError, match="do not live long"):
        marginal.known_signals(study, np.array([0.35]), Work())


SHORT = "posteriors reach mixings at which N no longer live long"


@pytest.mark.parametrize(
    ("tau", "top", "said"), [(1.0, 1.0, True), (1.0, 1e-6, True), (1e-6, 1e-6, False)]
)
def test_posteriors_that_reach_short_lives_are_remarked_on(tau, top, said):
    """|U_tau|^2 makes no N, and little of it is excluded: whatever the grid, lifetimes count."""
    study = load([*USUAL, "model=mixed", "model.mixing={e: 1, mu: 0, tau: 1}",
                  "inference.marginal=e", f"inference.prior_max.tau={tau}", "systematics=none",
                  f"scan.coupling={{min: 1e-10, max: {top}, points: 4}}",
                  "scan.mass.values=[0.14,0.45]"])  # fmt: skip
    work = Work()
    marginal.find_marginal(study, work)
    found = [text for text in work.remarks if SHORT in text]
    assert bool(found) is said
    if said:
        assert "|U_tau|^2 = 0.0" in found[0]
        assert "(140 MeV)" in found[0]
        assert "|U_e|^2 =" not in found[0]


def test_a_mixing_without_events_of_its_own_shortens_lives_too():
    """mu pi is of |U_mu|^2, but |U_e|^2 makes N and has them decay."""
    study = load(["search=tpc_mupi_tracks", *USUAL[1:], "model=mixed", "inference.marginal=e",
                  "model.mixing={e: 1, mu: 1, tau: 0}",
                  "scan.coupling={min: 1e-10, max: 1, points: 7}"])  # fmt: skip
    (known,) = marginal.known_signals(study, np.array([0.25]), Work())
    (at,) = (one["e"] for one in known.short if [*one] == ["e"])
    assert 1e-6 < at < 1e-4


def test_the_dipole_has_no_mixings():
    with pytest.raises(ConfigError, match="the model dipole has no mixings"):
        load(["inference.calculator=bayesian", "inference.marginal=mu"])


def test_a_range_that_does_not_matter_is_not_said_to():
    said = marginal._remarks(["e", "mu"], [1, 1], [0.999, 1.002], [])
    assert said[1] == "with bounds of these priors ten times smaller limits change by below 1 %"
    assert "0.8 to 1 times as high" in marginal._remarks(["e", "mu"], [1, 1], [0.8, 1.002], [])[1]
