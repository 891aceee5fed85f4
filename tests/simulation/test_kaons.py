"""N of kaons against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.beam.kaons import load_kaons
from hnlstat.detector.shapes import Box
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.physics.kaon_decay import kaon_branching
from hnlstat.physics.processes import KaonMode
from hnlstat.simulation.kaons import Tunnel
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.studies import load

MASS, ENDS = 0.3, (-200.0, -100.0)
EDGES = np.array([2.0, 2.0001])
TUNNEL = Tunnel(
    modes=(KaonMode("mu", 1.0),), flux=(np.array([[1e9]]),), edges=EDGES, ends=ENDS,
    fiducial=(Box((0.0, 0.0, 0.0), (2.0, 1.0, 1e-3)),), selection=None,
)  # fmt: skip


def run(tunnel, kappa, precision=1e-3):
    kappa = np.asarray(kappa)
    weight = np.zeros((tunnel.columns, len(tunnel.fiducial)))
    weight[0] = 1.0
    goal = Precision(precision, weight, 0.0, 1_000_000)
    return simulate(tunnel, MASS, np.ones(kappa.size), kappa, goal, 1)


def test_survival_of_n_of_one_energy():
    kappa = np.geomspace(1e-6, 0.1, 11)
    found = run(TUNNEL, kappa).decays[0, 0]
    each = kappa * MASS / np.sqrt(2.0**2 - MASS**2)
    survive = np.exp(-each * 100) - np.exp(-each * 200)
    volume = 2.0 * 1.0 * 1e-3 * 1e6  # cm^3
    expected = 1e9 * volume * survive / (100 * 100)
    assert found == pytest.approx(expected, rel=2e-3)
    assert found[0] == pytest.approx(1e9 * volume * each[0] / 100, rel=2e-3)


def test_each_decay_of_kaons_has_its_own_flux():
    both = replace(
        TUNNEL,
        modes=(KaonMode("e", 0.5), KaonMode("mu", 0.5)),
        flux=(np.array([[1e9], [2e9]]), np.array([[3e9], [0.0]])),
    )
    found = run(both, [1e-4]).decays[:, 0, 0]
    single = run(TUNNEL, [1e-4]).decays[0, 0, 0]
    assert found / single == pytest.approx([4.0, 2.0], rel=2e-3)


@pytest.mark.parametrize("lepton", ["e", "mu"])
def test_the_flux_of_a_table_has_its_decays(lepton):
    flux = load(["model=mixed_mu"]).datasets[0].flux
    table = load_kaons(flux)
    for mass in (0.14, 0.205, 0.379):
        spectrum, edges = table.flux("fhc", lepton, mass), table.bins(mass)
        middle = np.sqrt(edges[1:] * edges[:-1])
        slow = mass / np.sqrt(np.maximum(middle**2 - mass**2, 1e-3))
        decays = 1e6 * np.sum(spectrum * slow) / (HBAR_C_GEV_M * 100)
        assert decays == pytest.approx(table.rate("fhc", lepton, mass), rel=0.02)
    # between and beyond the masses of the table by the branching ratio
    assert table.rate("fhc", lepton, 0.5) == 0
    ratio = table.rate("fhc", lepton, 0.205) / kaon_branching(0.205, lepton)
    near = [table.rate("fhc", lepton, m) / kaon_branching(m, lepton) for m in (0.2, 0.21)]
    assert min(near) < ratio < max(near)
