"""T2K's search for N of kaons against its data release: decays, limits, and survival."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import erfinv

from hnlstat.app import main
from hnlstat.inference.limits import credible
from hnlstat.likelihood.experiment import experiment
from hnlstat.physics import mixing
from hnlstat.run.files.limits import read_limits
from hnlstat.run.jobs import credible_tests, prior_of
from hnlstat.search.masses import simulate_study
from hnlstat.studies import load
from hnlstat.tables.csv_table import read_csv

SUBJECT = "Published limits and regions"
SOURCE = "T2K data release, arXiv:1902.07598"
HERE = Path(__file__).parent / "t2k_2019"
LIMITS = read_csv(HERE / "limits_profiling.csv")
CLOSEST = {"mu": 0.03, "e": 0.06}
"""Of each limit to the published one. That is of a Markov chain, and does not run smoothly."""
LONG_LIVED = np.geomspace(1e-10, 1e-9, 4)


def yields(*overrides, couplings=LONG_LIVED, masses=None):
    study = load(["experiment=t2k_2019", *overrides])
    masses = study.scan.mass.array() if masses is None else np.array(masses)
    return simulate_study(study, masses, couplings, lambda jobs: [job.run() for job in jobs])


def over_published(lepton, masses, limits):
    """Ratio less 1, at masses of the release."""
    return limits / published(lepton, masses) - 1


def published(lepton, masses):
    """Limits of the release, at masses of its own."""
    known = np.round(1e3 * LIMITS.numbers("mass_gev"))
    return LIMITS.numbers(lepton)[np.searchsorted(known, np.round(1e3 * masses))]


@pytest.mark.parametrize("lepton", ["mu", "e"])
def test_limits_without_systematics_are_those_of_the_release(compare, lepton):
    """No event seen: erf(|U|^2 sqrt(A)) = 0.9, A events at |U|^2 = 1 of long-lived N."""
    table = yields(f"model=mixed_{lepton}")
    events = table.events.sum(axis=2)
    # production and decay
    assert events[:, 3] / events[:, 0] == pytest.approx(100.0, rel=1e-4)
    limit = erfinv(0.9) / np.sqrt(events[:, 0] / LONG_LIVED[0] ** 2)
    known = published(lepton, table.masses)
    assert len(limit) == {"mu": 25, "e": 36}[lepton]
    what = f"T2K 2019, limit on |U_{lepton}|^2 at 90 %, without systematics"
    compare(what, limit, known, rel={"mu": 0.05, "e": 0.10}[lepton])
    compare(f"{what}: mean ratio", np.mean(limit / known), 1.0, absolute=0.03)


@pytest.mark.parametrize("lepton", ["mu", "e"])
def test_limits_are_those_of_the_release_at_all_masses(compare, lepton, monkeypatch):
    """With all its errors; of the data alone, without those of other outcomes, for speed."""
    monkeypatch.setattr(credible, "background_outcomes", only_none)
    study = load(["experiment=t2k_2019", f"model=mixed_{lepton}"])
    couplings = np.geomspace(1e-10, 1e-5, 9)
    table = yields(f"model=mixed_{lepton}", couplings=couplings)
    whole, limits = experiment(study, table), []
    for i in range(len(table.masses)):
        tests = credible_tests(couplings, whole.mass(i), prior_of(study))
        tail = [lambda x, t=tests: t.exclusion(x).cls_observed - 0.1, *np.log(couplings[[0, -1]])]
        limits.append(np.exp(brentq(*tail)))
    assert len(whole.modifiers) == 16
    known = published(lepton, table.masses)
    assert len(known) == {"mu": 25, "e": 36}[lepton]
    what = f"T2K 2019, limit on |U_{lepton}|^2 at 90 %, with systematics"
    compare(what, np.array(limits), known, rel=CLOSEST[lepton])
    compare(f"{what}: mean ratio", np.mean(limits / known), 1.0, absolute=0.01)


def only_none(model):
    """No events, and its probability; not drawn."""
    return np.zeros((len(model.channels), 1)), np.ones(1), False


def test_a_run_has_the_limits_of_the_release(tmp_path, capsys):
    assert main([
        "experiment=t2k_2019", "model=mixed_e", "scan.mass.values=[0.25, 0.45]",
        "scan.coupling={min: 1e-10, max: 1e-5, points: 9}", "executor=serial", f"runs={tmp_path}",
    ]) == 0  # fmt: skip
    (file,) = tmp_path.glob("*/*/limits.csv")
    lower = [x for x in read_limits(file) if (x.kind, x.branch) == ("observed", "lower")]
    masses, limits = np.array([[x.mass_gev, x.coupling] for x in lower]).T
    assert len(lower) == 2
    assert np.max(np.abs(over_published("e", masses, limits))) < CLOSEST["e"]
    assert {x.method for x in lower} == {"bayesian credible(|U_e|^2)"}
    assert "90% credible(|U_e|^2) observed" in capsys.readouterr().out


def test_decays_are_those_of_the_release(compare):
    """Of all modes together, at long lifetime."""
    table = yields("model=mixed", masses=np.arange(15, 50, 5) / 100)
    release = read_csv(HERE / "decays_in_tpcs.csv")
    model = load(["model=mixed", "model.release_widths=true"]).model
    charged = model.branching(table.masses, "charged")
    for horn in ("fhc", "rhc"):
        # at equal mixing |U_a|^2 = |U|^2 / 3; the modes of two flavours hold both of these
        expected = sum(release.numbers(f"{horn}_{mode}") for mode in range(24)) / 9
        expected = np.interp(table.masses, release.numbers("mass_gev"), expected)
        rows = [i for i, c in enumerate(table.channel) if c == f"nd280_{horn}_ee"]
        found = table.decays[:, 0][:, rows].sum(axis=1) * charged / LONG_LIVED[0] ** 2
        what = f"T2K 2019, decays in the TPCs by mass, {horn}, equal mixing"
        compare(what, found, expected, rel=0.007)


def test_the_right_widths_lower_the_limit_on_the_electron(monkeypatch):
    """By 18, 13, 5 and 2 % from 160 to 460 MeV, beside the pion constant; on the muon by 4 %."""
    monkeypatch.setattr(mixing, "RELEASE_PION", mixing.PION_CONSTANT * mixing.V_UD)
    for lepton, masses, stronger in (
        ("e", [0.16, 0.2, 0.3, 0.46], [0.18, 0.13, 0.05, 0.02]),
        ("mu", [0.26], [0.04]),
    ):
        release, right = (
            yields(f"model=mixed_{lepton}", f"model.release_widths={swap}", masses=masses)
            for swap in ("true", "false")
        )
        total = [table.events[:, 0].sum(axis=1) for table in (release, right)]
        assert 1 - np.sqrt(total[0] / total[1]) == pytest.approx(stronger, abs=0.01)


def test_regions_close_where_n_decay_before_the_detector():
    couplings = np.geomspace(1e-6, 1.0, 25)
    study = load(["model=mixed_e", "search=t2k_2019"])
    table = yields("model=mixed_e", couplings=couplings, masses=[0.4])
    events = table.events[0].sum(axis=1)
    length = study.model.inverse_decay_length(np.array([0.4]), couplings)[0] * 280
    slow, fast = length * 0.4 / 10 < 1e-3, length * 0.4 / 9.7 > 30
    assert slow.any()
    assert fast.any()
    assert events[slow] / couplings[slow] ** 2 == pytest.approx(
        events[0] / couplings[0] ** 2, rel=0.05
    )
    assert np.all(events[fast] < 1e-8 * events.max())
    assert np.argmax(events) not in (0, len(events) - 1)
