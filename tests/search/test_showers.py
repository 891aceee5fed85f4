"""Shares of photons that a search selects, against closed forms."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from hnlstat.detector.showers import ShowerResolution
from hnlstat.models.dipole import DipoleUpscattering, PhotonDecay
from hnlstat.physics import photon_decay
from hnlstat.physics.kaon_decay import boosted
from hnlstat.physics.targets import target
from hnlstat.search.kept import branching_ratio
from hnlstat.search.showers import PhotonSelection
from hnlstat.search.yields import Plan
from hnlstat.simulation.sampling import Rays
from hnlstat.studies import load
from hnlstat.tables.efficiency import EfficiencyTable

N = 40_000
MASS, MOMENTUM = 0.47, 0.8
EDGES = np.array([0.1, 0.2, 0.4, 0.7])
PERFECT = ShowerResolution(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
ALL = EfficiencyTable(np.array([0.0, 10.0]), np.ones(2), "constant", "constant")
DIRAC = PhotonSelection(
    decay=PhotonDecay((0.0, 1.0, 0.0)), number=1.0, decays=4, observable="visible_energy",
    edges=EDGES, products=(), steps=("efficiency", "min_visible_energy", "edges"),
    resolution=PERFECT, efficiency=ALL, efficiency_map=None, converter=None, min_visible_energy=0.0,
    binding=0.0,
)  # fmt: skip


@dataclass(frozen=True)
class Given(DipoleUpscattering):
    """N of one polarisation."""

    along: float
    across: float = 0.0

    def polarisation(self, q2, energy, mass, target):  # noqa: ARG002
        return self.along + 0 * q2, self.across + 0 * q2


def rays_of(source, angle=0.0, weight=None):
    """N rays at one angle to the beam."""
    size, one = np.zeros(N), np.ones(N)
    backwards = np.tile([-np.sin(angle), 0.0, -np.cos(angle)], (N, 1))
    return Rays(
        np.zeros((N, 3)), backwards, np.zeros(N, dtype=np.int64), one, size, MASS, size,
        MOMENTUM * one, one if weight is None else weight, (source, target("C12")),
    )  # fmt: skip


def shares(selection, weight=None, polarisation=1.0):
    """Mean shares of N rays along the beam, and their errors."""
    rays = rays_of(Given(polarisation), weight=weight)
    found = selection.shares(rays, np.zeros(N, dtype=np.int64), np.random.default_rng(5))
    return found.mean(axis=1), found.std(axis=1) / np.sqrt(N)


def above(bound, of, polarisation=1.0):
    return of(bound, MOMENTUM, MASS, polarisation)


@pytest.mark.parametrize("polarisation", [1.0, 0.0, -1.0])
def test_bins_of_energy_and_angle_are_the_closed_forms(polarisation):
    for name, edges, of in (
        ("visible_energy", EDGES, photon_decay.share_above_energy),
        ("cos_angle", np.array([-0.5, 0.5, 0.9, 1.0]), photon_decay.share_above_cosine),
    ):
        chosen = replace(DIRAC, observable=name, edges=edges)
        found, error = shares(chosen, polarisation=polarisation)
        expected = -np.diff(above(edges, of, polarisation))
        assert np.all(np.abs(found[:3] - expected) < 4.5 * error[:3])
        assert found[3:5] == pytest.approx([1, 1], abs=1e-12)
        assert found[:3].sum() == pytest.approx(found[5], abs=1e-12)  # within the edges


@pytest.mark.parametrize("number", [1.0, 0.0])
def test_photons_go_against_the_spin_wherever_it_points(number):
    """Mean direction in the rest frame: a third of the polarisation, towards the beam across."""
    angle, alive = 0.4, np.arange(N)
    rays = rays_of(Given(0.6, -0.7), angle)
    (photon,) = replace(DIRAC, number=number).sampled(rays, alive, np.random.default_rng(6))
    flight, across = (
        np.array([np.sin(angle), 0, np.cos(angle)]),
        np.array([-np.cos(angle), 0, np.sin(angle)]),
    )
    rest = boosted(photon[:, 1:].T, photon[:, 0], -MOMENTUM / MASS * flight[:, None])
    assert np.linalg.norm(rest, axis=0) == pytest.approx(MASS / 2, rel=1e-9)
    mean = rest.mean(axis=1) / (MASS / 2)
    expected = -number / 3 * (0.6 * flight - 0.7 * across)
    assert mean == pytest.approx(expected, abs=4.5 / np.sqrt(3 * len(photon)))


def test_what_lies_beyond_the_edges_is_left_out_or_in_the_outermost_bins():
    left_out, _ = shares(DIRAC)
    outermost, error = shares(replace(DIRAC, steps=DIRAC.steps[:2]))
    first = 1 - above(EDGES[1], photon_decay.share_above_energy)
    last = above(EDGES[2], photon_decay.share_above_energy)
    assert outermost[0] == pytest.approx(first, abs=4.5 * error[0])
    assert outermost[2] == pytest.approx(last, abs=4.5 * error[2])
    assert outermost[:3].sum() == pytest.approx(1, abs=1e-12)
    assert outermost[-1] > 0.01
    assert left_out[4] - left_out[5] == pytest.approx(outermost[-1], abs=1e-12)
    assert left_out[-1] == 0


def test_efficiency_goes_by_true_energy_and_the_cut_by_the_measured_one():
    step = EfficiencyTable(np.array([0.3, 0.3 + 1e-9]), np.array([0.0, 0.25]), "zero", "constant")
    found, error = shares(replace(DIRAC, efficiency=step, min_visible_energy=0.4))
    middle = above(0.4, photon_decay.share_above_energy) - above(
        0.7, photon_decay.share_above_energy
    )
    assert found[:2] == pytest.approx([0, 0])
    assert found[2] == pytest.approx(0.25 * middle, abs=4.5 * error[2])
    # a constant offset cannot be had; a wide resolution fills bins that true energies do not reach
    wide = replace(DIRAC, resolution=replace(PERFECT, energy_constant=0.3), efficiency=step)
    assert shares(wide)[0][0] > 0.005


def test_rays_without_weight_have_none():
    weight = np.zeros(N)
    weight[0] = 1.0
    assert shares(DIRAC, weight)[0][3] * N == pytest.approx(1)
    assert shares(DIRAC, np.zeros(N))[0].tolist() == [0] * 7


def table(tmp_path, *overrides):
    one = tmp_path / "one.csv"
    one.write_text("energy_gev,efficiency\n0,1\n20,1\n", encoding="utf-8")
    study = load(
        [
            f"search.electron_like.efficiency={{table: '{one}', below: constant, above: constant}}",
            "detector=miniboone", "systematics=none", "simulation.precision=0.1",
            "search.electron_like.decays=1", *overrides,
        ]
    )  # fmt: skip
    plan = Plan.of(study, np.array([0.47]), np.array([1.25e-6]))
    return study, plan.table([job.run() for job in plan.jobs()])


EVERYTHING = (
    "search.electron_like.min_visible_energy=0",
    "search.electron_like.observable={name: cos_angle, edges: [-1, 0.5, 1]}",
    "search.electron_like.covariance=null",
    "~search.electron_like.side_bands",
    "search.electron_like.background={fhc: {events: [5, 5], pot: 1e21}, rhc: {events: [5, 5], "
    "pot: 1e21}}",
    "~search.electron_like.observed",
    "task=yields",
)


def test_without_cuts_everything_is_selected(tmp_path):
    study, found = table(tmp_path, *EVERYTHING)
    search = study.datasets[0].search["electron_like"]
    ratio = float(branching_ratio(study, search, 0.47))
    assert ratio == pytest.approx(0.99, abs=0.005)
    events = found.events[0, 0].reshape(2, 2).sum(axis=1)  # bins of fhc, of rhc
    assert events == pytest.approx(ratio * found.decays[0, 0, ::2], rel=1e-9)


def test_majorana_photons_go_forward_more_often_than_dirac_ones(tmp_path):
    share = {}
    for nature in ("dirac", "majorana"):
        _, found = table(
            tmp_path, *EVERYTHING, f"model.nature={nature}", "simulation.precision=0.02"
        )
        share[nature] = found.events[0, 0, 1] / found.events[0, 0, :2].sum()
    assert share["majorana"] > share["dirac"] + 0.05


def test_only_what_lies_in_a_range_counts():
    # the middle bin of the energy, by angle: in one bin all of it, from its lower end on
    whole, _ = shares(DIRAC)
    low, high = EDGES[1:3]
    by_angle = replace(
        DIRAC, observable="cos_angle", edges=np.array([-1.0, 1.0]),
        only={"visible_energy": (low, high)},
    )  # fmt: skip
    assert shares(by_angle)[0][0] == pytest.approx(whole[1], rel=1e-12)
