"""Detectors in other beams: volumes and masses by closed forms, yields that scale, a tiny study."""

import json

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.beam.flux import load_flux
from hnlstat.detector.geometry import paint
from hnlstat.errors import HnlstatError
from hnlstat.inference.engines.calculators import choose
from hnlstat.likelihood.channels import channels, covariance
from hnlstat.likelihood.covariance import principal_components
from hnlstat.likelihood.model import CountingModel
from hnlstat.physics import upscattering
from hnlstat.search.yields import Plan
from hnlstat.studies import load

TONNES = {
    "microboone": 10.4 * 2.56 * 2.32 * 1.396,
    "sbnd": 4 * 4 * 5 * 1.396,
    "icarus": 4 * 1.5 * 3.16 * 17.95 * 1.396,
    "dune_nd": 7 * 3 * 5 * 1.396,
    "minerva": 2 * np.sqrt(3) * 0.811**2 * 2.55 * 1.043,
}
"""Of the fiducial volumes."""

QUOTED = {"microboone": 85, "sbnd": 112, "icarus": 476, "dune_nd": 147, "minerva": 6.1}
"""Tonnes as the experiments have them."""

ARGON_IN_ALL = {"microboone": 170, "sbnd": 270, "icarus": 760}

MODE = {"minerva": "rhc"}
"""Horn mode of those that have not run in fhc alone."""

UPSTREAM = {"microboone": 403, "sbnd": 43, "icarus": 533, "dune_nd": 324, "minerva": 290}
"""Where matter begins [m]."""


@pytest.fixture(scope="module", params=TONNES)
def study(request):
    return load([f"detector={request.param}", "simulation.precision=2 %"])


def table(study, mass=0.3, coupling=1e-6):
    plan = Plan.of(study, np.array([mass]), np.array([coupling]))
    return plan.table([job.run() for job in plan.jobs()])


def tonnes(detector):
    """Mass of what the fiducial volumes hold, by points in them."""
    painted, media, _ = detector.painted()
    world, unit = paint(painted, len(media)), np.random.default_rng(2).random((2000, 3))
    density = np.array([rho for _, rho in media])
    solids = [region.solid for region in detector.fiducial.values()]
    return sum(s.volume * np.mean(world.at(s.points(unit)) @ density) for s in solids)


def test_masses(study):
    name = study.datasets[0].detector.name
    assert tonnes(study.datasets[0].detector) == pytest.approx(TONNES[name], rel=1e-9)
    assert TONNES[name] == pytest.approx(QUOTED[name], rel=0.015)


def test_matter_around(study):
    (dataset,) = study.datasets
    detector = dataset.detector
    assert -detector.world[2][0] == pytest.approx(UPSTREAM[detector.name])
    argon = [v for v in detector.volumes.values() if v.material == "argon"]
    if detector.name in ARGON_IN_ALL:
        mass = sum(v.solid.volume * v.density for v in argon)
        assert mass == pytest.approx(ARGON_IN_ALL[detector.name], rel=0.015)


def test_nothing_is_observed_and_all_that_is_assumed_is_said(study):
    (dataset,) = study.datasets
    assert [*dataset.search] == ["photon"]
    assert dataset.data(dataset.search["photon"]) is None
    said = " ".join(study.assumptions())
    for key in ("photon: efficiency", "photon: background", "photon: covariance", "hall.size"):
        assert key in said
    assert ("background_factor" in said) == (dataset.detector.name != "microboone")
    assert ("materials.rock" in said) == (dataset.detector.name in ("dune_nd", "minerva"))


def interactions(dataset, mode):
    """Tonnes times the integral of flux and energy: as neutrinos that interact."""
    flux = load_flux(dataset.flux.table)
    middle = 0.5 * (flux.edges_gev[1:] + flux.edges_gev[:-1])
    total = sum(np.sum(n * middle) for (m, _), n in flux.flux.items() if m == mode)
    return TONNES[dataset.detector.name] * total


def test_backgrounds_grow_with_neutrinos_that_interact(study):
    (dataset,) = study.datasets
    (reference,) = load(["detector=microboone"]).datasets
    name = dataset.detector.name
    ratio = interactions(dataset, MODE.get(name, "fhc")) / interactions(reference, "fhc")
    assert dataset.detector.background_factor == pytest.approx(ratio, rel=0.02)
    pot = dataset.exposure.pot
    events = {c.mode: c.background[0] for c in channels(study)}
    expected = {"fhc": 145.1, "rhc": 72.6}
    for mode, found in events.items():
        assert found == pytest.approx(expected[mode] * ratio * pot[mode] / 6.8e20, rel=0.02)
    for mode in pot:  # one factor for all horn modes
        assert interactions(dataset, mode) / interactions(reference, "fhc") == pytest.approx(
            ratio, rel=0.15
        )


def test_backgrounds_of_all_have_saddle_points(study):
    (dataset,) = study.datasets
    background = np.array([c.background[0] for c in channels(study)])
    found = principal_components(covariance(study, dataset, dataset.search["photon"]))
    spread = np.sqrt((found.shifts**2).sum(axis=0))
    assert spread == pytest.approx(0.2 * background)
    shifts = {f"photon_{k}": shift for k, shift in enumerate(found.shifts)}
    model = CountingModel(
        tuple(dataset.exposure.pot), np.zeros(len(background)), background,
        background_components=shifts,
    )  # fmt: skip
    assert choose("auto", model)[0] == "saddlepoint"


def test_yields_grow_with_the_exposure(study):
    (dataset,) = study.datasets
    more = {mode: 3 * pot for mode, pot in dataset.exposure.pot.items()}
    other = study.replace(datasets=(dataset.replace(exposure=dataset.exposure.replace(pot=more)),))
    assert table(other).events == pytest.approx(3 * table(study).events, rel=0.05)


def test_n_that_decay_at_once_are_those_made_inside():
    """All that argon makes, and so twice the mass makes twice as many."""
    mass, coupling, pot = 0.3, 1e-3, 6.8e20  # kappa: a tenth of a millimetre
    common = ["detector=microboone", "systematics=none", "simulation.bound_nucleons=[]",
              "simulation.precision=0.3 %"]  # fmt: skip
    flux = load_flux("bnb_microboone_flux")
    fine = np.linspace(flux.edges_gev[:-1], flux.edges_gev[1:], 201)
    sigma = np.trapezoid(upscattering.total_cross_section(fine, mass, "Ar40"), fine, axis=0)
    muon = flux.flux["fhc", "numu"] + flux.flux["fhc", "numubar"]
    atoms = TONNES["microboone"] * 1e6 / 39.9624 * 6.02214e23
    expected = coupling**2 * atoms * pot / 1e21 * np.sum(muon * sigma / np.diff(flux.edges_gev))
    found = table(load(common), mass, coupling).decays.sum()
    assert found == pytest.approx(expected, rel=0.01)
    size = "detector.fiducial.tpc.size=[2.56 m, 2.32 m, 5.2 m]"
    half = table(load([*common, size]), mass, coupling).decays.sum()
    assert half == pytest.approx(found / 2, rel=0.01)


@pytest.mark.parametrize("name", TONNES)
def test_a_tiny_study_comes_to_its_end(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    grid = ["scan.mass.values=[0.1,0.4]", "scan.coupling.points=9", "inference.sigmas=[]"]
    settings = ["executor=serial", "simulation.precision=10 %", "bounds=none"]
    assert main([f"detector={name}", *grid, *settings]) == 0
    (summary,) = tmp_path.glob(f"runs/{name}/*/summary.json")
    assumed = json.loads(summary.read_text())["assumed"]
    assert any("photon: efficiency" in key for key in assumed)
    assert (summary.parent / "limits.csv").read_text().count("\n") > 2
    assert "saddlepoint" in (summary.parent / "limits.csv").read_text()
    assert "search photon: efficiency and background assumed" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["microboone", "sbnd", "icarus"])
def test_a_horn_mode_without_flux_is_one_line(name):
    with pytest.raises(HnlstatError, match="rhc") as found:
        load([f"detector={name}", "exposure=miniboone_rhc"])
    assert "\n" not in str(found.value)
