"""Columns with weights of their own: other cross sections from the same rays."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.models.dipole import DipoleUpscattering, ScaledRadius
from hnlstat.physics import form_factors, upscattering
from hnlstat.physics.processes import ScaledFermiMomentum, Scattering
from hnlstat.physics.targets import target
from hnlstat.search.masses import simulate_study
from hnlstat.simulation.apparatus import Apparatus, WeightedColumn
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Scatterer
from hnlstat.simulation.setup import variations
from hnlstat.studies import load

EDGES = np.array([0.4, 0.6, 1.0, 2.0])
FLUX = np.array([[1e10, 3e10, 2e10], [2e10, 1e10, 5e10]])
MASS = 0.12
FERMI = 0.22


def block(name, fermi_momentum=None, weights=()):
    """A fiducial box inside a block of one kind of target."""
    kinds = (Scatterer(name, target(name), fermi_momentum, np.array([5e22])),)
    return Apparatus(
        boxes=paint([PaintedBox((-3, -3, -9), (3, 3, 3), 0)], 1),
        source=DipoleUpscattering(), scatterers=kinds,
        rock=np.array([True]), fiducial=(Box((0, 0, 0), (1, 1, 1)),), edges=EDGES,
        flux=FLUX, min_cos_theta=-1.0, radius=None, upstream=None, survival=True,
        weighted=tuple(WeightedColumn(k, weight) for weight in weights for k in (0, 1)),
    )  # fmt: skip


def run(apparatus, kappa=(0.1, 1e5)):
    weight = np.zeros(apparatus.columns)
    weight[:2] = 1.0
    goal = Precision(0.003, weight[:, None], 0.0, 1_000_000)
    return simulate(apparatus, MASS, np.full(len(kappa), 1e-12), np.array(kappa), goal, 1)


def folded(name, factor):
    """Cross section of each flux by plain quadrature, each form factor where it stands."""
    energy = np.linspace(EDGES[:-1], EDGES[1:], 41)[..., None]
    q2 = np.geomspace(1e-8, 4.0, 20_001)
    sigma = upscattering.differential_cross_section(q2, energy, MASS, name)
    q, nucleus = np.sqrt(q2), target(name)
    ratio = form_factors.nuclear_charge(factor * q, nucleus) / form_factors.nuclear_charge(
        q, nucleus
    )
    by_energy = np.trapezoid(sigma * ratio**2, q2, axis=-1)
    return FLUX @ (np.trapezoid(by_energy, energy[..., 0], axis=0) / np.diff(EDGES, axis=0))


@pytest.mark.parametrize("factor", [1.05, 1.5])
def test_prompt_n_are_made_with_the_cross_section_of_the_larger_nucleus(factor):
    sample = run(block("C12", weights=(ScaledRadius(factor),)))
    change = sample.decays[2:, 0, 1] / sample.decays[:2, 0, 1]
    assert change == pytest.approx(folded("C12", factor) / folded("C12", 1.0), rel=0.004)
    assert np.all(change < 0.99)


def test_more_columns_change_no_other():
    plain = run(block("p", FERMI))
    more = run(block("p", FERMI, (ScaledRadius(1.2), ScaledFermiMomentum(1.2))))
    # but for the rounding of sums
    assert more.decays[:2] == pytest.approx(plain.decays, rel=1e-12)
    assert more.error[:2] == pytest.approx(plain.error, rel=1e-9)
    assert more.rock[:2] == pytest.approx(plain.rock, rel=1e-12)
    assert more.rays == plain.rays
    same = run(block("p", FERMI, (ScaledRadius(1.0), ScaledFermiMomentum(1.0))))
    assert same.decays[2:] == pytest.approx(np.tile(plain.decays, (2, 1, 1)), rel=1e-12)


def test_a_larger_fermi_momentum_is_another_sample_with_it():
    varied = run(block("n", FERMI, (ScaledFermiMomentum(1.3),))).decays[2:]
    assert varied == pytest.approx(run(block("n", 1.3 * FERMI)).decays[:2], rel=1e-10)


def test_pauli_suppression_between_its_limits():
    q = np.array([1e-4, 0.3, 1.0])
    made = Scattering(q**2, np.ones(3), MASS, target("p"), FERMI, np.ones(3))
    weight = ScaledFermiMomentum(1.25)(made)
    assert weight[0] == pytest.approx(1 / 1.25, rel=1e-4)
    assert 0.8 < weight[1] < 1
    assert weight[2] == 1
    assert np.all(ScaledFermiMomentum(1.25)(replace(made, fermi_momentum=None)) == 1)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ([], ["form_factor", "pauli"]),
        (["systematics.form_factor=0"], ["pauli"]),
        (["simulation.pauli=none"], ["form_factor"]),
        (["simulation.bound_nucleons=[]"], ["form_factor"]),
        (["systematics=none"], []),
        (["experiment=published"], []),
    ],
)
def test_what_is_switched_on(settings, names):
    assert list(variations(load(settings))) == names


def test_yields_have_a_modifier_of_each():
    study = load(["detector=nd280_upgrade", "simulation.precision=0.03"])
    couplings = np.array([1e-7, 1e-6])
    masses = np.array([0.1, 0.7])

    def table(study):
        return simulate_study(study, masses, couplings, lambda jobs: [job.run() for job in jobs])

    found = table(study)
    assert set(found.modifiers) == {"flux", "rock_density", "rock_length", "form_factor", "pauli"}
    shift = found.by_channel().modifiers
    for name in ("form_factor", "pauli"):
        assert np.all(shift[name] < 0)
        # the heavier N is, the more momentum is taken over
        assert np.all(shift[name][1] < 3 * shift[name][0])
    none = table(load(["detector=nd280_upgrade", "simulation.precision=0.03", "systematics=none"]))
    assert none.events == pytest.approx(found.events, rel=1e-10)
