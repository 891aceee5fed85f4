"""The simulation against closed forms, scaling laws and a plain forward Monte Carlo."""

from dataclasses import replace

import numpy as np
import pytest

from hnlstat.detector.geometry import PaintedBox, paint
from hnlstat.detector.shapes import Box
from hnlstat.models.dipole import DipoleUpscattering
from hnlstat.physics import decay, kinematics, upscattering
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.physics.targets import target
from hnlstat.simulation.apparatus import Apparatus
from hnlstat.simulation.replicas import FIRST_POINTS, REPLICAS
from hnlstat.simulation.sample import Precision, simulate
from hnlstat.simulation.sampling import Scatterer

EDGES = np.array([0.4, 0.6, 1.0, 2.0, 5.0])
FLUX = np.array([[1e10, 3e10, 2e10, 1e9]])
DENSITY = 5e22
MASS = 0.12
ROCK, GAS = 0, 1


def simple(boxes, centre, size, scatterers=("C12",), **changes):
    """Apparatus with carbon, free protons, ... in each medium given by (lower, upper, medium)."""
    kinds = tuple(
        Scatterer(name, target(name), None, np.array([DENSITY, 0.0])) for name in scatterers
    )
    painted = [PaintedBox(low, high, medium) for low, high, medium in boxes]
    both = zip(np.atleast_2d(centre), np.atleast_2d(size), strict=True)
    apparatus = Apparatus(
        boxes=paint(painted, 2), source=DipoleUpscattering(), scatterers=kinds,
        rock=np.array([True, False]),
        fiducial=tuple(Box(tuple(c), tuple(s)) for c, s in both), edges=EDGES, flux=FLUX,
        min_cos_theta=-1.0, radius=None, upstream=None, survival=True,
    )  # fmt: skip
    return replace(apparatus, **changes)


def run(apparatus, kappa, mass=MASS, strength=None, precision=0.003, seed=1):
    kappa = np.atleast_1d(np.asarray(kappa, dtype=float))
    strength = np.full(len(kappa), 1e-12) if strength is None else strength
    goal = Precision(precision, np.ones((len(apparatus.flux), 1)), 0.0, 2_000_000)
    return simulate(apparatus, mass, strength, kappa, goal, seed)


def made(volume_cm3, scatterer, mass=MASS, d=1e-6):
    """N made in a volume of the medium: flux * sigma * density * volume."""
    fine = np.linspace(EDGES[:-1], EDGES[1:], 4001)
    sigma = upscattering.total_cross_section(fine, mass, scatterer)
    mean = np.trapezoid(sigma, fine, axis=0) / np.diff(EDGES)
    return float(np.sum(FLUX[0] * mean) * d**2 * DENSITY * volume_cm3)


@pytest.mark.parametrize("scatterer", ["C12", "p", "n"])
def test_every_n_decays_where_it_is_made_if_it_is_prompt(scatterer):
    # fiducial box within a larger block: what decays inside at short lifetime was made inside
    apparatus = simple(
        [((-2, -2, -2), (2, 2, 2), ROCK)], (0.1, 0.2, -0.1), (1, 1.5, 2), (scatterer,)
    )
    sample = run(apparatus, 1e5)
    assert sample.decays[0, 0, 0] == pytest.approx(made(3.0e6, scatterer), rel=0.01)
    assert sample.rock[0, 0, 0] == pytest.approx(sample.decays[0, 0, 0])


def test_yield_grows_as_the_fourth_power_of_the_coupling_at_long_lifetimes():
    apparatus = simple([((-3, -3, -30), (3, 3, -2), ROCK)], (0, 0, 0), (1, 1, 1))
    d = np.array([1e-9, 2e-9, 4e-9])
    sample = run(apparatus, 1e8 * d**2, strength=d**2)
    assert np.diff(np.log2(sample.decays[0, 0])) == pytest.approx(4, abs=1e-3)


def test_yield_scales_with_density_and_box_in_the_limit_of_long_lifetimes():
    # decays = sum of path lengths of rays through matter, seen from each decay point
    thin = simple([((-50, -50, -11), (50, 50, -10), ROCK)], (0, 0, 0), (1, 1, 1))
    thick = simple([((-50, -50, -14), (50, 50, -10), ROCK)], (0, 0, 0), (1, 1, 1))
    kappa = 1e-7
    ratio = run(thick, kappa).decays / run(thin, kappa).decays
    # an infinite slab: the same from any distance
    assert ratio == pytest.approx(3 + 1, rel=0.02)


@pytest.mark.parametrize("axis", [0, 1])
def test_left_and_right_see_the_same(axis):
    shift = np.zeros(3)
    shift[axis] = 0.8
    centres = np.array([shift, -shift])
    apparatus = simple([((-3, -3, -9), (3, 3, -1), ROCK)], centres, np.full((2, 3), 0.7))
    sample = run(apparatus, 0.1, precision=0.002)
    left, right = sample.decays[0, :, 0]
    assert left == pytest.approx(right, abs=4 * np.hypot(*sample.error[0, :, 0]))


@pytest.mark.parametrize("survival", [True, False])
def test_volumes_that_are_sampled_together_are_those_sampled_alone(survival):
    boxes = [((-3, -3, -9), (3, 3, -1), ROCK)]
    centres, sizes = np.array([(0, 0, 0), (0.5, 0, 1)]), np.array([(1, 1, 1), (1, 2, 0.5)])
    kappa = [1e-3, 0.1, 3.0]
    both, alone = (
        run(simple(boxes, centres[:n], sizes[:n], survival=survival), kappa, precision=np.inf)
        for n in (2, 1)
    )
    assert both.decays[:, :1] == pytest.approx(alone.decays, rel=1e-12)
    assert both.rays == 2 * alone.rays


def test_rays_go_where_the_error_is():
    """Of two volumes the one far from all matter sees little and gets no more rays."""
    boxes = [((-3, -3, -9), (3, 3, -1), ROCK)]
    near, far = (0, 0, 0), (0, 0, 4000)
    apparatus = simple(boxes, np.array([near, far]), np.ones((2, 3)))
    kappa = 0.3
    both, alone = run(apparatus, kappa), run(simple(boxes, near, (1, 1, 1)), kappa)
    assert alone.rays > 4 * REPLICAS * FIRST_POINTS
    assert both.rays == alone.rays + REPLICAS * FIRST_POINTS


def test_rock_and_other_matter_are_told_apart():
    boxes = [((-3, -3, -9), (3, 3, -5), ROCK), ((-3, -3, -4), (3, 3, -1), GAS)]
    base = simple(boxes, (0, 0, 0), (1, 1, 1))
    both = replace(base.scatterers[0], density=np.array([DENSITY, DENSITY]))
    sample = run(replace(base, scatterers=(both,)), 0.05)
    only_rock = run(base, 0.05)
    assert sample.rock == pytest.approx(only_rock.decays, rel=0.01)
    assert np.all(sample.rock < 0.7 * sample.decays)


def test_cuts_and_limits_only_take_away():
    boxes = [((-3, -3, -30), (3, 3, -1), ROCK)]
    free = run(simple(boxes, (0, 0, 0), (1, 1, 1)), 0.05).decays
    for change in ({"min_cos_theta": 0.999}, {"radius": 1.0}, {"upstream": 10.0}):
        cut = run(simple(boxes, (0, 0, 0), (1, 1, 1), **change), 0.05).decays
        assert np.all(cut < free * 0.99)
    wide = {"min_cos_theta": 1e-9, "radius": 100.0, "upstream": 100.0}
    # the angle cut at 90 degrees samples the same with other ranges of Q^2
    assert run(simple(boxes, (0, 0, 0), (1, 1, 1), **wide), 0.05).decays == pytest.approx(
        free, rel=0.015
    )


def test_same_seed_same_numbers_other_seed_within_errors():
    apparatus = simple([((-3, -3, -9), (3, 3, -1), ROCK)], (0, 0, 0), (1, 1, 1), ("C12", "p"))
    kappa = [1e-3, 0.1, 3.0]
    first, again, other = (run(apparatus, kappa, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.decays, again.decays)
    assert not np.array_equal(first.decays, other.decays)
    pull = (first.decays - other.decays) / np.hypot(first.error, other.error)
    assert np.all(np.abs(pull) < 5)


def test_error_is_honest():
    # pulls of many seeds against a much finer sample
    apparatus = simple([((-3, -3, -9), (3, 3, -1), ROCK)], (0, 0, 0), (1, 1, 1))
    truth = run(apparatus, 0.3, precision=5e-4, seed=99).decays[0, 0, 0]
    pulls = []
    for seed in range(40):
        sample = run(apparatus, 0.3, precision=0.5, seed=seed)
        pulls.append((sample.decays[0, 0, 0] - truth) / sample.error[0, 0, 0])
    # Student's t with 7 degrees of freedom has variance 1.4; 40 draws scatter by 25 %
    assert 0.5 < np.var(pulls) < 2.8
    assert abs(np.mean(pulls)) < 4 * np.sqrt(1.4 / 40)


def test_below_threshold_nothing_is_made():
    sample = run(simple([((-3, -3, -9), (3, 3, -1), ROCK)], (0, 0, 0), (1, 1, 1)), 0.1, mass=9.0)
    assert np.all(sample.decays == 0)
    assert sample.rays == 0


def forward_monte_carlo(apparatus, kappa, survival, n=400_000, seed=5):
    """Vertices uniform in one block, decays by their probability: no code shared but physics."""
    rng = np.random.default_rng(seed)
    lower, upper = apparatus.boxes.lower[0], apparatus.boxes.upper[0]
    vertex = rng.uniform(lower, upper, (n, 3))
    energy_bin = rng.integers(0, len(FLUX[0]), n)
    energy = rng.uniform(EDGES[energy_bin], EDGES[energy_bin + 1])
    m_t = target("C12").mass
    low, high = kinematics.q2_limits(energy, MASS, m_t)
    # uniform in 1/Q^2 + 1/a: follows the cross section closely enough for this energy range
    log_q2 = rng.uniform(np.log(low), np.log(high))
    q2 = np.exp(log_q2)
    weight = upscattering.differential_cross_section(q2, energy, MASS, "C12") * q2
    weight *= np.log(high / low) * FLUX[0][energy_bin] * len(FLUX[0])
    weight *= DENSITY * np.prod(upper - lower) * 1e6 * 1e-12 / n
    cosine = kinematics.cos_theta(q2, energy, MASS, m_t)
    sine, phi = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi, n)
    direction = np.stack([sine * np.cos(phi), sine * np.sin(phi), cosine], axis=1)
    (box,) = apparatus.fiducial
    a = (np.array(box.centre) - box.half - vertex) / direction
    b = (np.array(box.centre) + box.half - vertex) / direction
    entry = np.maximum(np.minimum(a, b).max(axis=1), 0)
    leave = np.maximum(np.maximum(a, b).min(axis=1), entry)
    scale = kappa * MASS / kinematics.momentum(q2, energy, MASS, m_t)
    probability = -np.expm1(-(leave - entry) * scale)
    if survival:
        probability *= np.exp(-entry * scale)
    terms = weight * probability
    return terms.sum(), np.sqrt(np.sum(terms**2))


@pytest.mark.parametrize("kappa", [0.02, 1.5])
@pytest.mark.parametrize("survival", [True, False])
def test_forward_monte_carlo_agrees(kappa, survival):
    apparatus = simple(
        [((-1, -1, -4), (1, 1, 0.2), ROCK)], (0.3, 0, 0.5), (1.2, 1, 1), survival=survival
    )
    sample = run(apparatus, kappa)
    expected, error = forward_monte_carlo(apparatus, kappa, survival)
    assert sample.decays[0, 0, 0] == pytest.approx(
        expected, abs=4 * np.hypot(error, sample.error[0, 0, 0])
    )
    assert error < 0.03 * expected


def test_total_width_shortens_the_decay_length():
    # the constant that turns widths into kappa: Gamma = 1e-16 GeV is c tau = 1.97 m
    assert pytest.approx(1.9733e-16, rel=1e-4) == HBAR_C_GEV_M
    assert float(decay.total_width(0.1)) > float(decay.width_photon(0.1))
