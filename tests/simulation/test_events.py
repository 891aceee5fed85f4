"""Events against the yields, geometry and kinematics."""

from functools import cache

import numpy as np
import pytest

from hnlstat.errors import ConfigError
from hnlstat.physics import decay, upscattering
from hnlstat.physics.constants import LEPTON_MASS
from hnlstat.physics.targets import target
from hnlstat.search.kept import branching_ratio
from hnlstat.search.yields import Plan
from hnlstat.simulation import batches as module
from hnlstat.simulation import setup, strata
from hnlstat.simulation.tally import Tally
from hnlstat.studies import load

MASS, COUPLINGS = 0.15, (4e-7, 1e-7, 2e-6)


@cache
def scenario(*overrides):
    return load(["task=yields", *overrides])


@cache
def sample(*overrides, mass=MASS, couplings=COUPLINGS, number=20_000):
    model = module.EventModel.of(scenario(*overrides), mass, couplings)
    jobs = strata.strata(scenario(*overrides), model)
    parts = strata.divide(jobs, [job.spread() for job in jobs], number)
    return module.join([part.run() for part in parts])


@cache
def table(*overrides, mass=MASS, couplings=COUPLINGS):
    plan = Plan.of(scenario(*overrides), np.array([mass]), np.array(sorted(couplings)))
    return plan.table([job.run() for job in plan.jobs()])


def vectors(events, name, parts=("e", "px", "py", "pz")):
    return np.stack([events[f"{name}_{part}"] for part in parts], axis=1)


def masses(p):
    return p[:, 0] ** 2 - np.sum(p[:, 1:] ** 2, axis=1)


@pytest.mark.parametrize(
    ("overrides", "mass", "couplings"),
    [
        ((), MASS, COUPLINGS),
        (("detector=nd280_upgrade",), 0.4, (1e-6,)),
        (("model=dipole_universal", "model.nature=majorana"), 0.4, (1e-5, 2e-7)),
        (("simulation.radius=5 m", "simulation.upstream=60 m"), 0.05, (1e-6,)),
        (("model.width_factor=2", "model.branching_ratio=arxiv_2412_15051"), 0.3, (1e-6,)),
    ],
)
def test_weights_add_up_to_the_yields(overrides, mass, couplings):
    events = sample(*overrides, mass=mass, couplings=couplings)
    yields = table(*overrides, mass=mass, couplings=couplings)
    study = scenario(*overrides)
    branching = float(branching_ratio(study, next(study.searches)[1], mass))
    tally = Tally(couplings, "coupling_inv_gev", "ee")
    assert sum(len(batch["weight"]) for batch in tally.passing([events])) == tally.rows
    for row in tally.expectations():
        j = sorted(couplings).index(row["coupling_inv_gev"])
        mine = np.array([name == row["channel"] for name in yields.channel])
        expected = yields.decays[0, j, mine].sum() * branching
        # 1 % is the precision asked of the yields
        tolerance = np.hypot(row["mc_error"], 0.01 * expected)
        assert row["decays_to_ee"] == pytest.approx(expected, abs=4 * tolerance)
        assert row["mc_error"] < 0.1 * expected
        assert 100 < row["effective_events"] <= len(events["weight"])


def test_volumes_share_the_weight_as_in_the_yields():
    events, yields = sample(), table()
    for volume in set(yields.volume):
        mine = np.array([name == volume for name in yields.volume])
        expected = yields.decays[0, 1, mine].sum() * float(decay.branching_ratio(MASS, "ee"))
        weight = events["weight"][events["volume"] == volume]
        error = np.hypot(np.sqrt(np.sum(weight**2)), 0.01 * expected)
        assert np.sum(weight) == pytest.approx(expected, abs=4 * error)


def test_vertices_lie_in_matter_and_decays_in_the_box():
    study, events = scenario("detector=nd280_upgrade"), sample(
        "detector=nd280_upgrade", mass=0.4, couplings=(1e-6,)
    )  # fmt: skip
    vertex, decayed = vectors(events, "vertex", "xyz"), vectors(events, "decay", "xyz")
    for dataset in study.datasets:
        mine = events["dataset"] == dataset.name
        app = setup.apparatus(
            study, dataset.detector, dataset.used_volumes, 0.999, np.ones((1, 1)),
            np.array([0.0, 1.0]),
        )  # fmt: skip
        for scatterer in app.scatterers:
            here = mine & (events["target"] == scatterer.name)
            density = app.boxes.at(vertex[here]) @ scatterer.density
            # a point on a face may be rounded out of its box
            assert np.sum(density <= 0) <= 1e-3 * np.sum(here)
        for name in dataset.used_volumes:
            box = dataset.detector.fiducial[name]
            here = mine & (events["volume"] == name)
            offset = np.abs(decayed[here] - np.array(box.center)) - np.array(box.size) / 2
            assert np.max(offset) <= 1e-12
        assert np.any(mine)


def test_vertex_decay_and_momentum_are_in_line():
    events = sample()
    flight = vectors(events, "decay", "xyz") - vectors(events, "vertex", "xyz")
    momentum = vectors(events, "n")[:, 1:]
    size = np.linalg.norm(flight, axis=1) * np.linalg.norm(momentum, axis=1)
    assert np.max(np.linalg.norm(np.cross(flight, momentum), axis=1) / size) < 1e-6
    assert np.all(np.sum(flight * momentum, axis=1) >= 0)


def test_production_and_decay_conserve_energy_and_momentum():
    events = sample()
    n = vectors(events, "n")
    assert masses(n) == pytest.approx(np.full(len(n), MASS**2), abs=1e-12)
    assert np.all(n[:, 3] / np.linalg.norm(n[:, 1:], axis=1) >= 0.999 - 1e-9)
    beam = np.zeros_like(n)
    beam[:, 0] = beam[:, 3] = events["nu_e"]
    recoil = beam - n
    for name in np.unique(events["target"]):
        mine = events["target"] == name
        found = target(name.removeprefix("bound "))
        after = recoil[mine] + np.array([found.mass, 0, 0, 0])
        # the recoil is the target again; m^2 of a nucleus of 200 GeV is exact to 1e-11
        assert masses(after) == pytest.approx(np.full(len(after), found.mass**2), rel=1e-9)
        assert set(events["target_pdg"][mine]) == {found.pdg_code}
    electron = vectors(events, "eminus"), vectors(events, "eplus")
    for p in electron:
        assert masses(p) == pytest.approx(np.full(len(p), LEPTON_MASS["e"] ** 2), abs=5e-13)
    neutrino = n - electron[0] - electron[1]
    assert masses(neutrino) == pytest.approx(np.zeros(len(n)), abs=1e-11)
    assert np.all(neutrino[:, 0] > 0)


def test_reweighting_is_exact_event_by_event():
    # ratio of weights = d^2 kappa exp(-kappa s) of the one over the other
    events = sample()
    momentum = np.linalg.norm(vectors(events, "n")[:, 1:], axis=1)
    flight = vectors(events, "decay", "xyz") - vectors(events, "vertex", "xyz")
    proper = np.linalg.norm(flight, axis=1) * MASS / momentum
    model = module.EventModel.of(scenario(), MASS, COUPLINGS)
    first, second = module.weight_names(COUPLINGS)[:2]
    ratio = (COUPLINGS[0] / COUPLINGS[1]) ** 4
    ratio = ratio * np.exp(-(model.kappa[0] - model.kappa[1]) * proper)
    assert events[first] == pytest.approx(events[second] * ratio, rel=1e-6)


def test_flavours_and_lepton_number():
    events = sample()
    assert set(np.unique(events["nu_pdg"])) == {-14, 14}
    assert np.array_equal(events["n_pdg"], module.N_CODE * np.sign(events["nu_pdg"]))
    assert np.array_equal(events["decay_nu_pdg"], events["nu_pdg"])
    flux = {
        (mode, code): np.sum(
            events["weight"][(events["mode"] == mode) & (events["nu_pdg"] == code)]
        )
        for mode in ("fhc", "rhc")
        for code in (14, -14)
    }
    # each horn current has its own sign
    assert flux["fhc", 14] > 5 * flux["fhc", -14] > 0
    assert flux["rhc", -14] > flux["rhc", 14] > 0


def test_helicity_is_that_of_energy_and_angle():
    events = sample()
    for name in ("Si28", "bound p"):
        mine = events["target"] == name
        nu, n = events["nu_e"][mine], events["n_e"][mine]
        found = target(name.removeprefix("bound "))
        along, _ = upscattering.polarisation(2 * found.mass * (nu - n), nu, MASS, found)
        # Q^2 comes here from a small difference of energies
        helicity = events["n_helicity"][mine] * np.sign(events["nu_pdg"][mine])
        assert helicity == pytest.approx(along, abs=1e-4)
        assert np.mean(helicity) < 0.999


def decay_cosine(events):
    """Cosine of the pair to the flight of N in the rest frame of N, from invariants."""
    n, pair = vectors(events, "n"), vectors(events, "eminus") + vectors(events, "eplus")
    x = np.maximum(masses(pair), 0) / MASS**2
    momentum = np.linalg.norm(n[:, 1:], axis=1)
    at_rest = MASS * (1 + x) / 2
    return (pair[:, 0] * MASS - n[:, 0] * at_rest) / (momentum * MASS * (1 - x) / 2)


@pytest.mark.parametrize("nature", ["dirac", "majorana"])
def test_pairs_of_dirac_n_go_backwards(nature):
    events = sample(f"model.nature={nature}", couplings=(4e-7,))
    cosine = decay_cosine(events)
    error = 4.5 / np.sqrt(3 * len(cosine))
    # -1/3 but for the longitudinal part, which is 2 % of the decays here
    expected = -0.320 if nature == "dirac" else 0.0
    assert np.mean(cosine) == pytest.approx(expected, abs=error)
    for sign in (1, -1):
        mine = events["nu_pdg"] * sign > 0
        assert np.mean(cosine[mine]) == pytest.approx(expected, abs=0.05)


def test_majorana_n_decay_to_neutrinos_and_antineutrinos():
    events = sample("model.nature=majorana", couplings=(4e-7,))
    assert set(np.unique(events["n_pdg"])) == {module.N_CODE}
    same = events["decay_nu_pdg"] == events["nu_pdg"]
    assert np.mean(same) == pytest.approx(0.5, abs=4.5 * 0.5 / np.sqrt(len(same)))
    # lepton number is visible: pairs that come with a neutrino of N's helicity go backwards
    cosine = decay_cosine(events)
    assert np.mean(cosine[same]) == pytest.approx(-0.320, abs=0.04)
    assert np.mean(cosine[~same]) == pytest.approx(0.320, abs=0.04)


def test_universal_coupling_reaches_all_flavours():
    events = sample("model=dipole_universal", couplings=(4e-7,))
    assert set(np.unique(events["nu_pdg"])) == {-14, -12, 12, 14}
    code, count = np.unique(np.abs(events["decay_nu_pdg"]), return_counts=True)
    assert code.tolist() == [12, 14, 16]
    assert count / count.sum() == pytest.approx([1 / 3] * 3, abs=0.02)


def test_same_seed_same_events_and_no_piece_twice():
    model = module.EventModel.of(scenario(), MASS, (4e-7,))
    job = strata.strata(scenario(), model)[0]
    first, second, *_ = strata.divide([job], [np.ones(1)], 20_000)
    assert (first.rays, second.rays) == (16384, 3616)
    assert np.array_equal(second.run()["decay_x"], second.run()["decay_x"])
    assert not np.intersect1d(first.run()["decay_x"], second.run()["decay_x"]).size


def test_rays_go_where_the_weight_is():
    model = module.EventModel.of(scenario(), MASS, (4e-7,))
    jobs = strata.strata(scenario(), model)[:4]
    spreads = [np.array([s]) for s in (8.0, 2.0, 0.0, 0.0)]
    rays = [part.rays for part in strata.divide(jobs, spreads, 1000)]
    assert rays == [773, 203, 13, 13]
    with pytest.raises(ConfigError, match=r"model\.mass, model\.coupling: no N decays"):
        list(strata.divide(jobs, [np.zeros(1)] * 4, 1000))
