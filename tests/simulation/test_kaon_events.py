"""Events of N of kaons, against the yields and closed forms."""

import numpy as np
import pytest

from hnlstat.physics.constants import LEPTON_MASS
from hnlstat.physics.kaon_decay import kaon_polarisation
from hnlstat.physics.mixing import pion_slope
from hnlstat.search.masses import simulate_study
from hnlstat.simulation.batches import EventModel, join
from hnlstat.simulation.kaon_events import kaon_jobs
from hnlstat.simulation.strata import divide
from hnlstat.studies import load

COUPLINGS = (1e-9, 1e-4)


def made(*overrides, mass=0.3, number=20_000):
    study = load(["systematics=none", *overrides])
    model = EventModel.of(study, mass, COUPLINGS)
    jobs = [*kaon_jobs(study, model)]
    parts = divide(jobs, [job.spread() for job in jobs], number)
    return study, join([job.run() for job in parts])


def momentum(events, name):
    return np.stack([events[f"{name}_{part}"] for part in ("e", "px", "py", "pz")])


def test_weights_sum_to_the_decays_of_the_yields():
    """At both couplings, one of which lets few N arrive; by MC errors of about 1 %."""
    study, events = made("model=mixed_mu", "search=tpc_mupi_tracks", "detector=nd280_upgrade")
    table = simulate_study(
        study, np.array([0.3]), np.array(COUPLINGS), lambda jobs: [job.run() for job in jobs]
    )
    ratio = study.model.branching(np.array(0.3), "mupi")
    for column, name in enumerate(("weight", "weight_0p0001")):
        for dataset in ("nd280", "nd280_upgrade"):
            for mode in ("fhc", "rhc"):
                mine = (events["dataset"] == dataset) & (events["mode"] == mode)
                rows = [
                    i for i, of in enumerate(zip(table.dataset, table.mode, strict=True))
                    if of == (dataset, mode)
                ]  # fmt: skip
                expected = ratio * table.decays[0, column, rows].sum()
                weight = events[name][mine]
                error = np.sqrt(np.sum(weight**2))
                assert abs(weight.sum() - expected) < 4 * error + 0.01 * expected


def test_energy_momentum_and_charge_are_kept():
    _, events = made("model=mixed_mu", "search=tpc_mupi_tracks")
    n, muon, pion = (momentum(events, name) for name in ("n", "muminus", "piplus"))
    assert muon + pion == pytest.approx(n, abs=1e-9)
    square = muon[0] ** 2 - (muon[1:] ** 2).sum(axis=0)
    assert square == pytest.approx(LEPTON_MASS["mu"] ** 2, rel=1e-5)
    # mu- pi+ and mu+ pi-, half each
    kinds = set(zip(events["muminus_pdg"], events["piplus_pdg"], strict=True))
    assert kinds == {(13, 211), (-13, -211)}
    assert np.mean(events["muminus_pdg"] == 13) == pytest.approx(0.5, abs=0.02)
    tunnel = events["vertex_z"]
    assert tunnel.min() > -280
    assert tunnel.max() < -184
    assert events["vertex_x"] == pytest.approx(events["decay_x"])


def test_polarisation_is_that_of_the_kaon_decay():
    """1 - A P cos(theta) of the lepton in the frame of N, with the sign of kaon and decay."""
    _, events = made("model=mixed_mu", "search=tpc_mupi_tracks")
    polarisation = float(kaon_polarisation(0.3, LEPTON_MASS["mu"]))
    sign = np.sign(events["kaon_pdg"])
    assert events["n_helicity"] == pytest.approx(sign * polarisation)
    assert np.array_equal(sign > 0, events["mode"] == "fhc")
    n, muon = momentum(events, "n"), momentum(events, "muminus")
    rest = (n[0] * muon[3] - n[3] * muon[0]) / 0.3  # along the flight, which is along z
    size = np.abs(rest).max()
    number = np.sign(events["muminus_pdg"])
    slope = 3 * np.mean(rest / size * sign * number)
    expected = -float(pion_slope(0.3, "mu")) * polarisation
    assert slope == pytest.approx(expected, abs=5 / np.sqrt(len(number)))


def test_pairs_are_what_their_columns_say_and_dirac_n_have_antiparticles():
    _, events = made("model=mixed_e", "search=tpc_ee_tracks", "model.nature=dirac")
    assert set(events["eminus_pdg"]) == {11}
    assert set(events["eplus_pdg"]) == {-11}
    assert np.array_equal(np.sign(events["n_pdg"]), np.sign(events["kaon_pdg"]))
    assert np.array_equal(np.sign(events["decay_nu_pdg"]), np.sign(events["n_pdg"]))
    kinds = set(zip(events["kaon_pdg"], events["lepton_pdg"], strict=True))
    assert kinds == {(321, -11), (-321, 11)}
