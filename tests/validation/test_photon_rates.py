"""N -> nu gamma in the dense targets of ND280: counts, and N that decay where they are made."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.models.checks import rates
from hnlstat.physics import form_factors
from hnlstat.search.yields import Plan
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import q2_ranges
from hnlstat.studies import load

SUBJECT = "N in detectors"
SOURCE = "flux times cross section, by quadrature"
MASS, COUPLING = 0.47, 1.25e-6
UPGRADE = ("detector=nd280_upgrade", "datasets=[{exposure: t2k_upgrade_3yr}]", "systematics=none")
AT_ONCE = 1e5
"""Inverse decay length [1/m] of N that decay where they are made."""


def plan(search, *overrides):
    study = load([*UPGRADE, f"search={search}", "task=yields", *overrides])
    return Plan.of(study, np.array([MASS]), np.array([COUPLING]))


@pytest.mark.parametrize(
    ("search", "volume", "fhc", "rhc"),
    [("sfgd_photon", "sfgd", 3000, 2100), ("fgd_photon", "fgd1", 1000, 750)],
)
def test_decays_in_the_exposure_of_the_upgrade(search, volume, fhc, rhc):
    """At all angles; the figures are rounded to 2 %, and 1 % is the error of each simulation."""
    one = plan(search, f"search.{search}.fiducial=[{volume}]")
    found = one.table([job.run() for job in one.jobs()])
    assert found.volume == (volume, volume)
    assert found.decays[0, 0] == pytest.approx([fhc, rhc], rel=0.03)


def test_n_made_in_the_scintillator_are_flux_times_cross_section(compare):
    one = plan("sfgd_photon")
    (job,) = one.jobs()
    app = replace(job.apparatus, selection=None)
    strength, _ = rates(one.study.model, one.masses, one.couplings)
    weight = np.array([[8.03e21]] + [[0.0]] * (app.columns - 1))
    precision = Precision(0.003, weight, 0.1, 2**18)
    found = simulate(app, MASS, strength, np.array([AT_ONCE]), precision, 1)
    share = np.linspace(0.05, 0.95, 10)  # within a bin of the flux, which is flat
    energy = (app.edges[:-1, None] + share * np.diff(app.edges)[:, None]).ravel()
    flux = np.repeat(app.flux[0], share.size) / share.size
    made, centre = 0.0, np.array([[0.0, 0.0, -2.205]])
    for scatterer in app.scatterers:
        low, high, *_ = q2_ranges(energy, MASS, scatterer.target.mass, -1.0)
        some = np.isfinite(low) & (high > low)
        unit = (np.arange(400) + 0.5) / 400
        log_range = np.log(high[some] / low[some])
        q2 = low[some] * np.exp(np.multiply.outer(unit, log_range))
        value = app.source.cross_section(q2, energy[some], MASS, scatterer.target)
        if scatterer.fermi_momentum is not None:
            value *= form_factors.pauli_suppression(np.sqrt(q2), scatterer.fermi_momentum)
        density = (app.boxes.at(centre) @ scatterer.density).item()
        made += density * np.sum(flux[some] * value.mean(axis=0) * log_range)
    volume = 1.92 * 0.56 * 1.92 * 1e6  # cm^3
    ours, theirs = found.decays[0, 0, 0], float(strength[0]) * made * volume
    what = "N made in the super-FGD, 8.03e21 POT"
    compare(what, 8.03e21 * ours, 8.03e21 * theirs, rel=0.01)
