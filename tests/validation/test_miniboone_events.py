"""N in MiniBooNE: made in its oil as another code has them, and selected as its excess asks for."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.models.checks import rates
from hnlstat.search.yields import Plan
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.studies import load

POT = 18.75e20
TONNES = 4 / 3 * np.pi * 6.096**3 * 0.845
OTHER_TONNES = 818
"""Of the other code's oil; its flux is that of numu, it has no Pauli suppression, no neutrons."""

AT_ONCE = 1e5
"""Inverse decay length [1/m] of N that decay where they are made."""


def made(mass, coupling, kappa=None):
    """N in the oil by target, for the other code's mass of it, in neutrino mode."""
    overrides = ["exposure=miniboone_fhc", "systematics=none", "simulation.pauli=none"]
    study = load(["detector=miniboone", "flux.flavours=[numu]", *overrides])
    axes = np.array([mass]), np.array([coupling])
    plan, (strength, own) = Plan.of(study, *axes), rates(study.model, *axes)
    (job,) = plan.jobs()
    app = replace(job.apparatus, selection=None)
    weight = np.array([[POT]] + [[0.0]] * (app.columns - 1))
    precision = Precision(0.003, weight, 0.1, 2**18)
    length = own[0] if kappa is None else np.array([kappa])
    return {
        scatterer.name: OTHER_TONNES / TONNES * POT
        * simulate(replace(app, scatterers=(scatterer,)), mass, strength, length, precision, 1)
        .decays[0, 0, 0]
        for scatterer in app.scatterers
    }  # fmt: skip


def test_upscattering_in_oil_by_target():
    found = made(0.2, 6.25e-7, AT_ONCE)
    for name, events, error in (("C12", 9360, 116), ("bound p", 3250, 39), ("p", 1070, 13)):
        assert found[name] == pytest.approx(events, abs=0.03 * events + error)


def test_decays_in_oil():
    found = made(0.5, 1e-6)
    assert sum(found.values()) - found["bound n"] == pytest.approx(3471, rel=0.03)


@pytest.mark.parametrize(
    ("mass", "coupling", "fhc", "both"), [(0.47, 1.25e-6, 533, 685), (0.53, 1.5e-6, 523, 670)]
)
def test_selected_events_of_published_points(mass, coupling, fhc, both):
    """200-1250 MeV: the excesses are 561 +- 120 (fhc) and 638 +- 133 (fhc and rhc)."""
    plan = Plan.of(load(["detector=miniboone"]), np.array([mass]), np.array([coupling]))
    events = plan.table([job.run() for job in plan.jobs()]).events[0, 0].reshape(2, 11)[:, :9]
    assert events[0].sum() == pytest.approx(fhc, rel=0.03)
    assert events.sum() == pytest.approx(both, rel=0.03)
    # within one standard deviation of what is seen
    assert abs(events[0].sum() - 561) < 120
    assert abs(events.sum() - 638) < 133
