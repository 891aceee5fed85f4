"""Numbers of decays against an independent calculation (1e6 events, error under 1 %).

Made for numu in fhc mode alone, 1e21 POT, the rock of arXiv:2412.15051, vertices within 5 m of the
axis and 284.9 m upstream, cos(theta_N) > 0.999, Dirac N, all decay channels. That calculation has
no Pauli suppression: with it (the default) the yields are 9 % lower, of which no other ingredient
can make up.
"""

import numpy as np
import pytest

from hnlstat.search.yields import Plan
from hnlstat.studies import load

SUBJECT = "N in detectors"
SOURCE = "another simulation, 1e6 events"
COUPLINGS = [1e-7, 5e-7]
REFERENCE = {
    ("nd280", 0.02): (0.234, 146.0),
    ("nd280", 0.1): (20.2, 3.99e3),
    ("nd280_upgrade", 0.1): (25.3, 4.93e3),
}


def decays(detector, mass, *overrides):
    """Decays in all fiducial volumes at COUPLINGS, and their error."""
    study = load(
        [
            "task=yields",
            f"detector={detector}",
            "datasets=[{exposure: {name: unit, pot: {fhc: 1e21}}}]",
            "flux.flavours=[numu]",
            "simulation.precision=0.005",
            *overrides,
        ]
    )
    plan = Plan.of(study, np.array([mass]), np.array(COUPLINGS))
    return plan.table([job.run() for job in plan.jobs()]).decays[0].sum(axis=-1)


@pytest.mark.parametrize(("detector", "mass"), REFERENCE)
def test_decays_in_the_published_volume(compare, detector, mass):
    volume = ("simulation.radius=5", "simulation.upstream=284.9", "simulation.pauli=none")
    got = decays(f"published_{detector}", mass, *volume)
    # 0.5 % of ours and 1 % of theirs, and 2.5 % if their 284.9 m begin at the hall instead
    for coupling, ours, theirs in zip(COUPLINGS, got, REFERENCE[detector, mass], strict=True):
        what = f"decays in {detector}, {mass} GeV, d {coupling:g} / GeV, 1e21 POT"
        compare(what, ours, theirs, rel=0.03)


def test_converged_volume_gives_a_third_more_where_angles_matter():
    got = decays("published_nd280", 0.1, "simulation.pauli=none")
    assert got[0] / REFERENCE["nd280", 0.1][0] == pytest.approx(4 / 3, rel=0.04)


def test_pauli_suppression_takes_nine_per_cent():
    without = decays("nd280", 0.1, "simulation.pauli=none")
    assert decays("nd280", 0.1) / without == pytest.approx(0.92, abs=0.015)


@pytest.mark.parametrize(
    ("search", "mass"), [("tpc_ee", 0.1), ("tpc_ee_tracks", 0.1), ("tpc_ee_tracks", 0.15)]
)
def test_a_wider_world_changes_little(search, mass):
    """Twice as much soil in each direction: N of a search for tracks may come from 8 degrees."""

    def events(*overrides):
        study = load([f"search={search}", "simulation.precision=0.02", *overrides])
        plan = Plan.of(study, np.array([mass]), np.array(COUPLINGS))
        return plan.table([job.run() for job in plan.jobs()]).events.sum(axis=-1)

    wide = events("detector.volumes.rock.size=[96 m, 96 m, 170 m]")
    # abs: 1 % of 0.1 events, below which yields do not matter
    assert events() == pytest.approx(wide, rel=0.01, abs=1e-3)


def test_soil_in_place_of_rock_takes_long_lived_n_only():
    # 2.9 g/cm3 over 300 m less the hall (274 m) against 2 g/cm3 over 144 m: 2.8 in all, of which
    # N at 20 MeV see 2.7 (1.28 in the coupling), as part is made in the detector
    soil, rock = (decays(name, 0.02) for name in ("nd280", "published_nd280"))
    assert rock[0] / soil[0] == pytest.approx(2.7, rel=0.03)
    soil, rock = (decays(name, 0.4) for name in ("nd280", "published_nd280"))
    assert rock[1] / soil[1] == pytest.approx(1, abs=2e-3)
