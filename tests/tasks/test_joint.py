"""Detectors in different beams in one likelihood: what they share, and what is each one's own."""

import numpy as np
import pyhf
import pytest

import hnlstat
from hnlstat.inference.fit.problem import FitProblem, scan
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.likelihood.workspace import workspace

TINY = (
    "executor=serial", "simulation.precision=0.2", "scan.mass.values=[0.05, 0.1, 0.2, 0.4]",
    "task.points=12", "scan.coupling.points=5", "scan.coupling.min=1e-7", "scan.coupling.max=1e-5",
)  # fmt: skip
MINIBOONE = {"detector": "miniboone", "exposure": "miniboone", "search": "electron_like"}
ND280 = {"detector": "nd280", "exposure": "t2k_2019", "flux": "t2k_nd280", "search": "tpc_ee"}
SEEN = (3, 1)
OWN = ("systematics.form_factor=0", "systematics.pauli=0")


def likelihood(*datasets, more=(), seen=SEEN):
    """The likelihood of datasets on the tiny grid, with a few events at ND280 in each exposure."""
    near = [dataset["exposure"] for dataset in datasets if dataset["detector"] == "nd280"]
    names = [one if isinstance(one, str) else one["name"] for one in near]
    data = [f"++search.tpc_ee.observed.{name}={{fhc: {seen[0]}, rhc: {seen[1]}}}" for name in names]
    chosen = ["search=tpc_ee", *data] if names else []
    study = hnlstat.study("task=fit", *chosen, *TINY, *more, datasets=list(datasets))
    return hnlstat.likelihood(study, hnlstat.simulate(study))


def problem(found):
    """What is fitted of a likelihood."""
    table, one = found.yields.grid, found.experiment
    surface = YieldSurface.build(
        table.masses, table.couplings, one.signal, one.modifiers, one.mc_error
    )
    return FitProblem(surface, one.base)


def nll(found):
    """-ln L with the nuisance parameters fitted, at all points of the grid."""
    return scan(problem(found), found.yields.grid.masses, found.yields.grid.couplings)


@pytest.fixture(scope="module")
def joint():
    return likelihood(MINIBOONE, ND280)


def test_each_beam_has_its_flux_and_its_rock_and_all_have_the_form_factors(joint):
    channels = np.array(joint.experiment.base.channels)
    moved = {
        name: {*channels[(change != 0).any(axis=(0, 1))].tolist()}
        for name, change in joint.experiment.modifiers.items()
    }
    mini, near = {"miniboone_fhc", "miniboone_rhc"}, {"nd280_fhc", "nd280_rhc"}
    beams = (("bnb_miniboone", mini, "miniboone"), ("t2k_nd280", near, "nd280"))
    expected = {"efficiency": near, "efficiency_miniboone": mini}
    expected |= dict.fromkeys(("form_factor", "pauli"), mini | near)
    for flux, both, dataset in beams:
        expected |= {f"flux_{flux}_{mode}": {f"{dataset}_{mode}"} for mode in ("fhc", "rhc")}
        expected |= {f"rock_{name}_{flux}": both for name in ("density", "length")}
    assert moved == expected
    assert joint.channels["observed"].sum() > 3000  # the data of both
    assert [joint.channels["observed"][channels == name].sum() for name in sorted(near)] == [3, 1]


def test_pyhf_expects_the_same_events(joint):
    model = joint.experiment.at(1, 2)
    found = pyhf.Workspace(workspace(model)).model()
    assert {*found.config.channels} == {*model.channels}
    rates = found.expected_actualdata(np.array(found.config.suggested_init()))
    for name, part in found.config.channel_slices.items():
        mine = np.array(model.channels) == name
        assert rates[part] == pytest.approx((model.signal + model.background)[mine], rel=1e-9)
    assert {"flux_t2k_nd280_fhc", "rock_density_bnb_miniboone", "form_factor"} <= {
        *found.config.par_order
    }


def test_it_is_fitted_as_any_other(joint):
    best = hnlstat.fit(joint.study, joint).best
    alone = problem(joint).without_signal()
    assert best.improvement == pytest.approx(2 * (alone - best.nll))
    assert best.nll < nll(joint).min() + 1e-6
    assert {"flux_t2k_nd280_fhc", "flux_bnb_miniboone_fhc"} < {p.name for p in best.parameters}


def test_the_joint_likelihood_is_the_product_where_nothing_is_shared():
    parts = [likelihood(MINIBOONE, more=OWN), likelihood(ND280, more=OWN)]
    both = likelihood(MINIBOONE, ND280, more=OWN)
    for i, part in enumerate(parts):  # other samples: the same points, but not the same yields
        mine = np.array(both.experiment.base.datasets) == ("miniboone", "nd280")[i]
        part.experiment.signal[...] = both.experiment.signal[..., mine]
        part.experiment.mc_error[...] = both.experiment.mc_error[..., mine]
        for name, change in part.experiment.modifiers.items():
            change[...] = both.experiment.modifiers[name][..., mine]
    assert nll(both) == pytest.approx(sum(map(nll, parts)), abs=1e-5)


def test_two_halves_of_an_exposure_are_the_whole_of_it():
    none = ("systematics.background=0", "systematics.mc_statistics=false")
    pot = {"fhc": 6.17e20, "rhc": 3.145e20}
    halves = [ND280 | {"name": n, "exposure": {"name": f"{n}_half", "pot": pot}} for n in "ab"]
    whole = likelihood(ND280, more=none, seen=(6, 2))
    both = likelihood(*halves, more=none)
    signal = both.experiment.signal  # a sample of each half: that of the first stands for all
    whole.experiment.signal[...] = 2 * signal[..., :2]
    both.experiment.signal[...] = np.tile(signal[..., :2], 2)
    for name, change in whole.experiment.modifiers.items():
        both.experiment.modifiers[name][...] = np.tile(change, 2)
    above = [nll(found) - problem(found).without_signal() for found in (whole, both)]
    assert above[1] == pytest.approx(above[0], abs=1e-5)
    assert above[0].min() < -3.0
