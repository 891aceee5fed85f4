"""`experiment=published` against figures of arXiv:2412.15051."""

import numpy as np
import pytest

from hnlstat import likelihood
from hnlstat.config import load
from hnlstat.inference.limits import limits_at_mass
from hnlstat.simulation.yields import Plan

RAW = [  # mass [GeV], mu_tr = 2 d [1/GeV], decays in three TPCs, tolerance
    (0.0585, 1e-7, 2.83, 0.2),
    (0.1054, 1e-7, 10.9, 0.2),
    (0.342, 1e-7, 28.2, 0.6),  # of intermediate lifetime: most sensitive to the sampled volume
    (0.616, 1e-5, 1.40e5, 0.2),
    (1.110, 2.154e-6, 584.0, 0.2),
]
CURVE = [(0.0969, 2.60e-7, 0.08), (0.440, 7.0e-7, 0.15)]


def table(study, mass, couplings):
    plan = Plan.of(study, np.array([mass]), np.array(couplings))
    return plan.table([job.run() for job in plan.jobs()])


@pytest.mark.parametrize(("mass", "mu_tr", "decays", "tolerance"), RAW)
def test_raw_rates(mass, mu_tr, decays, tolerance):
    unit = "[{exposure: {name: unit, pot: {fhc: 3.6e21, rhc: 1}, observed: null}}]"
    study = load(["experiment=published", f"datasets={unit}", "flux.flavours=[numu]"])
    got = table(study, mass, [mu_tr / 2]).decays.sum()
    assert got == pytest.approx(decays, rel=tolerance)


@pytest.mark.parametrize(("mass", "coupling", "tolerance"), CURVE)
def test_observed_limit_of_2019(mass, coupling, tolerance):
    study = load(["experiment=published"])
    couplings = coupling * np.geomspace(0.6, 1.6, 5)
    experiment = likelihood.experiment(study, table(study, mass, couplings)).mass(0)
    found = limits_at_mass(
        mass, couplings, experiment.signal, experiment.base,
        levels=study.inference.levels, sigmas=(), calculator=study.inference.calculator,
    )  # fmt: skip
    (lower,) = (x for x in found.limits if (x.kind, x.branch) == ("observed", "lower"))
    assert not lower.open
    assert lower.coupling == pytest.approx(coupling, rel=tolerance)


def test_nothing_of_it_is_in_the_default(nd280):
    assert nd280.model.width_factor == 1
    assert nd280.model.branching_ratio == "tree_level"
    assert nd280.simulation.survival
    assert nd280.inference.calculator == "auto"
    assert nd280.selection.background["rhc"].pot_of is None


def test_backgrounds_of_projections_scale_with_the_exposure_in_fhc():
    study = load(["experiment=published_2023"])
    backgrounds = {c.name: c.background for c in likelihood.channels(study)}
    assert backgrounds["nd280_fhc"] == pytest.approx(0.563 * 1.97 / 1.234)
    assert backgrounds["nd280_rhc"] == pytest.approx(0.015 * 1.97 / 1.234)


def test_branching_ratio_is_as_much_too_large_as_said():
    from hnlstat.physics.decay import branching_ratio, branching_ratio_2412_15051

    for mass, excess in ((0.1, 1.18), (0.6, 1.12)):
        ratio = branching_ratio_2412_15051(mass, "ee") / branching_ratio(mass, "ee")
        assert float(ratio) == pytest.approx(excess, abs=0.01)
    with pytest.raises(ValueError, match="photon"):
        branching_ratio_2412_15051(0.1, "photon")
