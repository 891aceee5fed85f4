"""T2K's search for N of kaons against its data release: decays, limits, and survival."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import erfinv

from hnlstat.search.masses import simulate_study
from hnlstat.studies import load
from hnlstat.tables.csv_table import read_csv

SUBJECT = "Published limits and regions"
SOURCE = "T2K data release, arXiv:1902.07598"
HERE = Path(__file__).parent / "t2k_2019"
LIMITS = read_csv(HERE / "limits_profiling.csv")
PIONS = (131.0 * 0.9742 / (130.2 * 0.97373)) ** 2
"""Of f_pi V_ud of the release over ours."""

LONG_LIVED = np.geomspace(1e-10, 1e-9, 4)


def yields(*overrides, couplings=LONG_LIVED, masses=None):
    study = load(["search=t2k_2019", "model.release_widths=true", *overrides])
    masses = study.scan.mass.array() if masses is None else np.array(masses)
    return simulate_study(study, masses, couplings, lambda jobs: [job.run() for job in jobs])


@pytest.mark.parametrize(("lepton", "closest"), [("mu", 0.05), ("e", 0.10)])
def test_limits_without_systematics_are_those_of_the_release(compare, lepton, closest):
    """No event seen: erf(|U|^2 sqrt(A)) = 0.9, A events at |U|^2 = 1 of long-lived N."""
    table = yields(f"model=mixed_{lepton}")
    events = table.events.sum(axis=2)
    # production and decay
    assert events[:, 3] / events[:, 0] == pytest.approx(100.0, rel=1e-4)
    limit = erfinv(0.9) / np.sqrt(events[:, 0] / LONG_LIVED[0] ** 2)
    published = np.interp(table.masses, LIMITS.numbers("mass_gev"), LIMITS.numbers(lepton))
    assert len(limit) == {"mu": 25, "e": 36}[lepton]
    what = f"T2K 2019, limit on |U_{lepton}|^2 at 90 %, without systematics"
    compare(what, limit, published, rel=closest)
    compare(f"{what}: mean ratio", np.mean(limit / published), 1.0, absolute=0.02)


def test_decays_are_those_of_the_release(compare):
    """Of all modes together, at long lifetime, with the pion constant of the release."""
    table = yields("model=mixed", masses=np.arange(15, 50, 5) / 100)
    release = read_csv(HERE / "decays_in_tpcs.csv")
    model = load(["model=mixed", "model.release_widths=true"]).model
    pions = sum(model.branching(table.masses, state) for state in ("epi", "mupi"))
    charged = model.branching(table.masses, "charged") + (PIONS - 1) * pions
    for horn in ("fhc", "rhc"):
        # at equal mixing |U_a|^2 = |U|^2 / 3; the modes of two flavours hold both of these
        expected = sum(release.numbers(f"{horn}_{mode}") for mode in range(24)) / 9
        expected = np.interp(table.masses, release.numbers("mass_gev"), expected)
        rows = [i for i, c in enumerate(table.channel) if c == f"nd280_{horn}_ee"]
        found = table.decays[:, 0][:, rows].sum(axis=1) * charged / LONG_LIVED[0] ** 2
        what = f"T2K 2019, decays in the TPCs by mass, {horn}, equal mixing"
        compare(what, found, expected, rel=0.007)


def test_the_right_widths_lower_the_limit_on_the_electron():
    """By 18, 13, 5 and 2 % at 160, 200, 300 and 460 MeV; on the muon by 4 % at 260."""
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
