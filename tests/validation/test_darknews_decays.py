"""Decays against a table made with DarkNews 0.4.8 (test_darknews_live.py makes it anew).

Its conventions differ from ours:

- mu_tr = 2 d.
- Its width of N -> nu gamma is half of tree level, that of N -> nu l+ l- a quarter. Ours, d^2 m^3 /
  (4 pi) and alpha / (3 pi) L of that, follow from the same Lagrangian as its cross sections, with
  which ours agree.
- Its helicity h in decays has the opposite sign. The N that neutrinos make by a flip of helicity
  have +1 and must send photon and pair backwards: the photon has helicity -1, the neutrino, on the
  other side, -1/2, so that the spin along the photon is -1/2. Explicit spinors say the same
  (tests/physics/test_decay_kinematics.py).

But for these the two agree to the digits of the constants.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from hnlstat.physics import decay
from hnlstat.physics import decay_kinematics as kinematics
from hnlstat.physics.constants import LEPTON_MASS

SUBJECT = "Decays of N with a dipole"
SOURCE = "DarkNews 0.4.8, in our conventions"
N = 100_000


def rows(photon):
    with (Path(__file__).parent / "darknews_decays.csv").open() as file:
        table = csv.DictReader(line for line in file if line[0] != "#")
        return [row for row in table if (row["lepton"] == "photon") == photon]


def label(row):
    return "-".join(list(row.values())[:3])


@pytest.mark.parametrize("row", rows(photon=True), ids=label)
def test_width_to_photon(compare, row):
    ours, theirs = decay.width_photon(float(row["m_n_gev"])), float(row["dgamma_dq2_gev"])
    compare("width of N -> nu gamma, d = 1 / GeV [GeV]", ours, 2 * theirs, rel=1e-8)


@pytest.mark.parametrize("row", rows(photon=False), ids=label)
def test_spectrum_of_the_pair(compare, row):
    lepton, mass, q2 = row["lepton"], float(row["m_n_gev"]), float(row["q2_gev2"])
    ours = sum(kinematics.dilepton_spectrum(q2, mass, lepton))
    # lepton masses in the eighth digit, most visible just above threshold
    what = f"N -> nu {lepton} {lepton}: dGamma / dq2, d = 1 / GeV [1 / GeV]"
    compare(what, ours, 4 * float(row["dgamma_dq2_gev"]), rel=1e-6)


@pytest.mark.parametrize("row", rows(photon=False), ids=label)
def test_angles_of_pair_and_lepton(compare, row):
    lepton, mass, q2 = row["lepton"], float(row["m_n_gev"]), float(row["q2_gev2"])
    x = q2 / mass**2
    asymmetry = -(1 - x / 2) / (1 + x / 2) / 3
    what = f"N -> nu {lepton} {lepton}: mean cosine"
    compare(f"{what} of the pair, formula", asymmetry, -float(row["cos_pair"]), rel=1e-7)
    event = decays_at(lepton, mass, q2)
    pair = event.minus + event.plus
    for name, p in (("cos_pair", pair), ("cos_plus", event.plus), ("cos_plus", event.minus)):
        cosine = p[:, 3] / np.linalg.norm(p[:, 1:], axis=1)
        of = {"cos_pair": "the pair", "cos_plus": "a lepton"}[name]
        error = 4.5 * np.std(cosine) / np.sqrt(N)
        compare(f"{what} of {of}, sampled", np.mean(cosine), -float(row[name]), absolute=error)


def decays_at(lepton, mass, q2):
    """Decays of N at rest with helicity +1 and one mass of the pair."""
    unit = np.linspace(0, 1, 200_001)
    eta = kinematics.sample_pair_rapidity(unit, mass, lepton)
    wanted = np.arccosh(np.sqrt(q2) / (2 * LEPTON_MASS[lepton]))
    points = np.random.default_rng(1).random((N, kinematics.DILEPTON_DIMENSIONS))
    points[:, 0] = np.interp(wanted, eta, unit)
    return kinematics.decay_to_dilepton(points, np.zeros((N, 3)), mass, 1.0, lepton)
