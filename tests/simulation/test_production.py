import numpy as np
import pytest

from hnlstat.search.yields import Plan
from hnlstat.simulation.production import OUTSIDE, Production, ProductionJob, material_at
from hnlstat.studies import load

MASS, COUPLING = 0.25, 1e-6


@pytest.fixture(scope="module")
def production(nd280):
    return ProductionJob(nd280, MASS, COUPLING, 8000, all_angles=True).run()


def made(weight, momentum=None, material=None, cos=None):
    n = len(weight)
    return Production(
        MASS, COUPLING, 0.9, np.full(n, "nd280"), np.array(material or ["rock"] * n),
        np.zeros((n, 3)), np.array(momentum or [1.0] * n), np.array(cos or [1.0] * n),
        np.array(weight, dtype=float), np.zeros((n, 3)),
    )  # fmt: skip


def test_known_places_are_of_the_material_that_the_configuration_puts_there(nd280):
    places = {
        (0, 0, -100): "rock", (0, 0, -10): "air", (0, 0, -0.375): "gas", (0, 0, 0.3075):
        "scintillator", (0, 0, 3.25): "ecal", (2.6, 0, 0): "iron", (0, 0, 50): OUTSIDE,
    }  # fmt: skip
    (dataset,) = nd280.datasets
    assert material_at(dataset.detector, np.array([*places])).tolist() == [*places.values()]


def test_shares_and_acceptance_are_of_the_weights():
    one = made([1, 2, 1, 4], [1.0, 2.0, 3.0, 9.0], ["rock", "gas", "rock", "iron"], [1, 1, 0.95, 0])
    assert one.acceptance() == 0.5
    assert one.shares() == {"gas": 0.5, "rock": 0.5}
    assert one.median_momentum() == 2.0


def test_share_of_rock_is_that_of_the_yields(nd280, production):
    plan = Plan.of(nd280, np.array([MASS]), np.array([COUPLING]))
    (sample,) = [job.run() for job in plan.jobs()]
    # the columns of one horn mode: forward horn current made most of the data
    exact = sample.rock[:2].sum() / sample.decays[:2].sum()
    mine = production.passes
    weight = production.weight[mine]
    rock = production.material[mine] == "rock"
    share = weight[rock].sum() / weight.sum()
    error = np.sqrt(np.sum(weight**2)) / weight.sum()
    assert abs(share - exact) < 4 * error + 0.01


def test_samples_with_and_without_the_cut_agree(nd280, production):
    cut = ProductionJob(nd280, MASS, COUPLING, 8000, all_angles=False).run()
    assert cut.passes.all()
    mine = production.passes
    first, second = production.weight[mine], cut.weight
    error = np.hypot(np.sqrt(np.sum(first**2)), np.sqrt(np.sum(second**2)))
    assert abs(first.sum() - second.sum()) < 4 * error


def test_same_seed_same_sample(nd280, production):
    again = ProductionJob(nd280, MASS, COUPLING, 8000, all_angles=True).run()
    assert np.array_equal(again.vertex, production.vertex)


def test_nothing_where_no_n_can_be_made(nd280):
    assert ProductionJob(nd280, 25.0, COUPLING, 1000, all_angles=True).run() is None


def test_n_of_kaons_are_of_the_decays_that_their_mass_allows():
    study = load(["search=t2k_2019", "model=mixed"])
    light, heavy = (ProductionJob(study, mass, 1e-9, 2000, True).run() for mass in (0.25, 0.45))
    assert light is not None
    assert heavy is not None
    assert light.of_kaons
    assert set(light.shares()) == {"K → e N", "K → μ N"}
    assert set(heavy.shares()) == {"K → e N"}  # m_K - m_mu = 388 MeV
    assert light.acceptance() == 1.0  # along the beam
    # made in the tunnel, decayed in the detector, of the momenta of their kaons
    assert -285 < light.vertex[:, 2].min() < light.vertex[:, 2].max() < -180
    assert np.abs(light.decay[:, 2]).max() < 3
    assert np.array_equal(light.vertex[:, :2], light.decay[:, :2])
    assert 0.5 < heavy.median_momentum() < light.median_momentum() < 4.0
