"""Which way the photons go: N of one spectrum, as Dirac, as Majorana and with the wrong sign.

MiniBooNE's excess is described by such shares (arXiv:2206.07100), and codes differ in the sign. The
spectrum is that of no experiment; it has slow and fast N, along the beam and aside of it.
"""

import numpy as np
import pytest
from scipy.integrate import quad

from hnlstat.physics.decay_kinematics import PHOTON_DIMENSIONS, decay_to_photon
from hnlstat.physics.photon_decay import energy_density, share_above_cosine, share_above_energy
from hnlstat.tables.efficiency import load_efficiency

SUBJECT = "Photons"
SOURCE = "integral over angles and energies, scipy's quad"
MASS = 0.47
MOMENTUM = np.array([0.1, 0.3, 0.6, 1.0, 1.8])
WEIGHT = np.array([0.1, 0.3, 0.35, 0.2, 0.05])
SIGNS = {"dirac": 1.0, "majorana": 0.0, "wrong sign": -1.0}
N = 400_000


def sampled(polarisation, tilt):
    """Photons of N with momenta of the spectrum at an angle to the beam, their weight 1."""
    rng = np.random.default_rng(7)
    size = rng.choice(MOMENTUM, N, p=WEIGHT)
    azimuth = rng.uniform(0, 2 * np.pi, N)
    flight = np.stack(
        [np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt) + 0 * azimuth]
    )
    points = rng.random((N, PHOTON_DIMENSIONS))
    return decay_to_photon(points, (size * flight).T, MASS, polarisation).photon


def share_within(cosine, polarisation, tilt):
    """Share of photons within an angle of the beam: over angles to N and the azimuth about it."""
    if tilt == 0:
        return float(WEIGHT @ share_above_cosine(cosine, MOMENTUM, MASS, polarisation))
    n_energy = np.hypot(MOMENTUM, MASS)

    def density(theta):
        # two-body kinematics give the energy at an angle to N, and that its density there
        c = np.cos(theta)
        energy = MASS**2 / 2 / (n_energy - MOMENTUM * c)
        jacobian = energy * MOMENTUM / (n_energy - MOMENTUM * c) * np.sin(theta)
        edge = (cosine - np.cos(tilt) * c) / (np.sin(tilt) * np.sin(theta))
        around = np.arccos(np.clip(edge, -1, 1)) / np.pi
        return WEIGHT @ (energy_density(energy, MOMENTUM, MASS, polarisation) * jacobian) * around

    edges = np.arccos(cosine) + np.array([-tilt, tilt])
    return quad(density, 0, np.pi, points=np.abs(edges), limit=200, epsabs=1e-7)[0]


@pytest.mark.parametrize("tilt", [0.0, 0.3])
@pytest.mark.parametrize("sign", SIGNS)
def test_share_of_forward_photons(compare, sign, tilt):
    photon = sampled(SIGNS[sign], tilt)
    found = np.mean(photon[:, 3] > 0.9 * photon[:, 0])
    expected = share_within(0.9, SIGNS[sign], tilt)
    what = f"share of sampled photons with cos > 0.9, {sign}, N at {tilt:g} rad to the beam"
    compare(what, found, expected, absolute=4 * np.sqrt(expected * (1 - expected) / N))


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_the_shares_tell_the_three_apart(tilt):
    dirac, majorana, wrong = (share_within(0.9, sign, tilt) for sign in SIGNS.values())
    # linear in P: the Majorana share is the mean; the error of N decays is 8e-4
    assert (dirac + wrong) / 2 == pytest.approx(majorana, rel=1e-5)
    assert dirac < majorana - 0.05 < wrong - 0.1


def test_share_above_an_energy(compare):
    # the wrong sign gives more photons that are seen, too
    for name, sign in SIGNS.items():
        photon = sampled(sign, 0.0)
        expected = float(WEIGHT @ share_above_energy(0.2, MOMENTUM, MASS, sign))
        found = np.mean(photon[:, 0] > 0.2)
        error = 4 * np.sqrt(expected * (1 - expected) / N)
        what = f"share of sampled photons above 200 MeV, {name}"
        compare(what, found, expected, absolute=error, source="integral over energies")


@pytest.mark.parametrize("sign", SIGNS)
def test_share_that_miniboones_efficiency_keeps(compare, sign):
    efficiency = load_efficiency("miniboone_efficiency", above="zero")
    photon = sampled(SIGNS[sign], 0.0)
    kept = efficiency(photon[:, 0])
    edges = np.append(np.arange(0, 2, 0.01), 2.0)
    # both are straight lines between these: Simpson's rule is exact for their product
    pieces = np.stack([edges[:-1], (edges[:-1] + edges[1:]) / 2, edges[1:]])
    density = np.array([energy_density(pieces, p, MASS, SIGNS[sign]) for p in MOMENTUM])
    value = np.tensordot(WEIGHT, density, 1) * efficiency(pieces)
    expected = float(np.sum(value.T @ [1, 4, 1]) / 6 * 0.01)
    # but for the two cells in which each spectrum begins and ends
    error = 4.5 * np.std(kept) / np.sqrt(N) + 5e-4
    what = f"share of sampled photons that MiniBooNE's efficiency keeps, {sign}"
    compare(what, np.mean(kept), expected, absolute=error, source="Simpson's rule, exact here")
