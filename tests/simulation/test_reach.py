"""Volumes that depend on the decay length, against fixed ones and couplings one by one."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.models.dipole import DipoleUpscattering
from hnlstat.physics.targets import target
from hnlstat.simulation.apparatus import Apparatus
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Scatterer

MASS = 0.12
OFFSET, UPSTREAM = 2.0, 60.0
STRENGTH = np.full(5, 1e-12)
KAPPA = np.array([1e-6, 1e-2, 0.3, 3.0, 100.0])
ROCK, WALL = 0, 1


def apparatus(**changes):
    """Rock far away and a wall that reaches into the fiducial box, of different densities."""
    boxes = [
        PaintedBox((-4, -4, -50), (4, 4, -1.5), ROCK), PaintedBox((-1, -1, -1.2), (1, 1, 0.3), WALL)
    ]  # fmt: skip
    return replace(
        Apparatus(
            boxes=paint(boxes, 2), source=DipoleUpscattering(),
            scatterers=(Scatterer("C12", target("C12"), None, np.array([5e22, 1e22])),),
            rock=np.array([True, False]), fiducial=(Box((0, 0, 0), (1.5, 1.5, 1.5)),),
            edges=np.array([0.4, 0.6, 1.0, 2.0, 5.0]), flux=np.array([[1e10, 3e10, 2e10, 1e9]]),
            min_cos_theta=0.9, radius=3.0, upstream=UPSTREAM, survival=True,
        ),
        **changes,
    )  # fmt: skip


def run(made, numbers=slice(None)):
    """The first points only: with the same rays, samples agree as well as their formulae."""
    goal = Precision(0.9, np.ones((1, 1)), np.inf, 10**6)
    return simulate(made, MASS, STRENGTH[numbers], KAPPA[numbers], goal, 1)


@pytest.mark.parametrize("survival", [True, False])
def test_couplings_share_their_rays(survival):
    made = apparatus(survival=survival, upstream_offset=OFFSET, decay_lengths=2.0)
    together = run(made)
    for i in range(KAPPA.size):
        alone = run(made, slice(i, i + 1))
        for name in ("decays", "error", "rock"):
            expected = getattr(alone, name)[..., 0]
            np.testing.assert_allclose(getattr(together, name)[..., i], expected, rtol=1e-10)
    assert together.rays == alone.rays


@pytest.mark.parametrize("survival", [True, False])
@pytest.mark.parametrize(("lengths", "end"), [(1e9, OFFSET + UPSTREAM), (1e-15, OFFSET)])
def test_many_decay_lengths_and_none_are_fixed_volumes(survival, lengths, end):
    reaching = run(apparatus(survival=survival, upstream_offset=OFFSET, decay_lengths=lengths))
    fixed = run(apparatus(survival=survival, upstream=end))
    # where few survive the fixed volume is good to a few per mille
    np.testing.assert_allclose(reaching.decays, fixed.decays, rtol=3e-3)
    np.testing.assert_allclose(reaching.rock, fixed.rock, rtol=3e-3, atol=1e-12 * fixed.rock.max())


def test_the_volume_grows_with_the_decay_length():
    """Rock ends 1.5 m upstream of the centre; 2 decay lengths reach it where N live long."""
    rock = run(apparatus(survival=False, upstream_offset=1.0, decay_lengths=2.0)).rock[0, 0]
    whole = run(apparatus(survival=False)).rock[0, 0]
    share = np.divide(rock, whole)
    assert share[0] == pytest.approx(1, abs=1e-9)
    # the whole is interpolated between lengths, the part is not
    assert np.all(np.diff(share) <= 1e-6)
    assert 0 < share[2] < 1
    assert share[-1] < 1e-3


@pytest.mark.parametrize("survival", [True, False])
def test_decay_lengths_are_those_of_the_neutrinos_energy(survival):
    """Protons take up to a third of it: with one energy, that is a volume of fixed depth."""
    energy, kappa, lengths = 0.4, KAPPA[2], 2.0
    beam = {"edges": np.array([energy, energy * (1 + 1e-9)]), "flux": np.array([[1e10]])}
    recoiling = (Scatterer("p", target("p"), None, np.array([5e22, 1e22])),)
    made = apparatus(survival=survival, scatterers=recoiling, min_cos_theta=0.3, **beam)
    depth = lengths / kappa * np.sqrt(energy**2 - MASS**2) / MASS
    reaching = run(replace(made, upstream_offset=OFFSET, decay_lengths=lengths), slice(2, 3))
    fixed = run(replace(made, upstream=OFFSET + depth), slice(2, 3))
    assert depth < UPSTREAM - OFFSET
    np.testing.assert_allclose(reaching.rock, fixed.rock, rtol=3e-4)
