"""`experiment=published*` against figures of arXiv:2412.15051.

Its own curves are not here: what is known are points that they pass, and where they cross bounds as
it drew them. Simulated yields agree with its table to 16 % (but for one rate), limits follow with
between the fourth and the square root of that.
"""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.bounds import chosen_bounds
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.likelihood import experiment as likelihood
from hnlstat.likelihood.channels import channels
from hnlstat.search.yields import Plan
from hnlstat.studies import load

SUBJECT = "Published limits and regions"
SOURCE = "arXiv:2412.15051"

RAW = [  # mass [GeV], mu_tr = 2 d [1/GeV], decays in three TPCs, tolerance
    (0.0585, 1e-7, 2.83, 0.05),
    (0.1054, 1e-7, 10.9, 0.05),
    (0.342, 1e-7, 28.2, 0.45),  # of intermediate lifetime: most sensitive to the sampled volume
    (0.616, 1e-5, 1.40e5, 0.2),
    (1.110, 2.154e-6, 584.0, 0.2),
]
POINTS = [  # experiment, kind, sigmas, mass [GeV], coupling [GeV^-1], tolerance
    ("published_2019", "observed", 1.645, 0.0969, 2.60e-7, 0.04),
    ("published_2019", "observed", 1.645, 0.440, 7.0e-7, 0.03),
    ("published_upgrade", "discovery", 5.0, 0.0969, 2.84e-7, 0.08),
    ("published_upgrade", "discovery", 5.0, 0.440, 1.02e-6, 0.05),
]
CROSSINGS = [  # experiment, kind, sigmas, mass [GeV], bound, tolerance in the coupling
    ("published_2019", "observed", 1.645, 0.316, "minerva", 0.04),
    ("published_2019", "observed", 1.645, 0.748, "nomad", 0.12),
    ("published_upgrade", "observed", 1.645, 0.049, "charm_ii", 0.02),
    ("published_upgrade", "observed", 1.645, 0.857, "nomad", 0.04),
    ("published_upgrade", "discovery", 5.0, 0.390, "minerva", 0.06),
]


@pytest.fixture(scope="module")
def limit():
    """A function that gives the lowest coupling of a curve; each table is simulated once."""
    plans = {}

    def find(experiment, kind, sigmas, mass):
        if experiment not in plans:
            study = load([f"experiment={experiment}", "simulation.precision=0.02"])
            plan = Plan.of(study, np.array([mass]), study.scan.coupling.array())
            plans[experiment] = plan, [job.run() for job in plan.jobs()]
        plan, samples = plans[experiment]
        table = replace(plan, masses=np.array([mass])).table(samples)
        experiment = likelihood.experiment(plan.study, table).mass(0)
        strong = kind == "discovery"
        found = limits_at_mass(
            mass, table.couplings, experiment.signal, experiment.base,
            levels=() if strong else plan.study.inference.levels,
            sigmas=(sigmas,) if strong else (), calculator=plan.study.inference.calculator,
        )  # fmt: skip
        first = next(x for x in found.limits if (x.kind, x.branch) == (kind, "lower"))
        assert not first.open
        return first.coupling

    return find


@pytest.mark.parametrize(("mass", "mu_tr", "decays", "tolerance"), RAW)
def test_raw_rates(compare, mass, mu_tr, decays, tolerance):
    unit = "{name: unit, pot: {fhc: 3.6e21, rhc: 1e10}}"
    study = load(["experiment=published", f"datasets=[{{exposure: {unit}}}]", "scan.table=null"])
    plan = Plan.of(study, np.array([mass]), np.array([mu_tr / 2]))
    got = plan.table([job.run() for job in plan.jobs()]).decays.sum()
    what = f"decays in the TPCs, {mass} GeV, mu_tr {mu_tr:g} / GeV, 3.6e21 POT"
    compare(what, got, decays, rel=tolerance)


@pytest.mark.parametrize(("experiment", "kind", "sigmas", "mass", "coupling", "tolerance"), POINTS)
def test_points_of_its_curves(compare, limit, experiment, kind, sigmas, mass, coupling, tolerance):
    what = f"{experiment}, {kind} at {sigmas:g} sigma, {mass} GeV: d [1 / GeV]"
    compare(what, limit(experiment, kind, sigmas, mass), coupling, rel=tolerance)


@pytest.mark.parametrize(("experiment", "kind", "sigmas", "mass", "name", "tolerance"), CROSSINGS)
def test_crossings_with_bounds_as_it_drew_them(
    compare, limit, experiment, kind, sigmas, mass, name, tolerance
):
    study = load([f"experiment={experiment}"])
    bounds = {b.name: b for b in chosen_bounds(study.bounds, study.model.axis)}
    (there,) = bounds[name].edges(np.array([mass]))[0]
    what = f"{experiment}, {kind} at {sigmas:g} sigma, crosses {name} at {mass} GeV: d [1 / GeV]"
    compare(what, limit(experiment, kind, sigmas, mass), there, rel=tolerance)


def test_its_ecal_is_scintillator_in_every_dataset():
    for dataset in load(["experiment=published_upgrade"]).datasets:
        ecal = {k: v for k, v in dataset.detector.volumes.items() if "ecal" in k}
        default = load([f"detector={dataset.detector.name}"]).datasets[0].detector.volumes
        modules = [name for name in ecal if not name.startswith(("p0d_up", "p0d_down"))]
        assert len(modules) >= 6
        for name in modules:
            assert ecal[name].material == "scintillator"
            assert default[name].material == "ecal"
            assert ecal[name].density == default[name].density


def test_nothing_of_it_is_in_the_default(nd280):
    assert nd280.model.width_factor == 1
    assert nd280.model.branching_ratio == "tree_level"
    assert nd280.simulation.survival
    assert nd280.inference.calculator == "auto"
    assert nd280.datasets[0].search["tpc_ee"].background["rhc"].pot_of is None
    assert nd280.simulation.decay_lengths is None
    assert nd280.datasets[0].flux.flavours_by_mode is None
    assert nd280.scan.table is None
    assert nd280.bounds.folder == "bounds"


def test_backgrounds_of_projections_scale_with_the_exposure_in_fhc():
    study = load(["experiment=published_2023"])
    backgrounds = {c.name: sum(c.background) for c in channels(study)}
    assert backgrounds["nd280_fhc"] == pytest.approx(0.563 * 1.97 / 1.234)
    assert backgrounds["nd280_rhc"] == pytest.approx(0.015 * 1.97 / 1.234)


def test_branching_ratio_is_as_much_too_large_as_said(compare):
    from hnlstat.physics.decay import CHANNELS, branching_ratio, branching_ratio_2412_15051

    for mass, excess in ((0.1, 1.18), (0.6, 1.12)):
        ratio = branching_ratio_2412_15051(mass, "ee") / branching_ratio(mass, "ee")
        what = f"its branching ratio to ee over tree level, {mass} GeV"
        compare(what, ratio, excess, absolute=0.01)
    assert sum(float(branching_ratio_2412_15051(0.1, c)) for c in CHANNELS) == pytest.approx(1)
    with pytest.raises(ValueError, match="eee"):
        branching_ratio_2412_15051(0.1, "eee")
