"""N of kaons in flight, with angles and polarisation, under the cuts on tracks.

A mass-mixed N from K+ -> e+ N in T2K's beam, N -> nu e+ e- in the gas of a TPC. The calibration of
the cuts is that of test_kinematic_selection.py, of N along the beam with the release's spectra.

Kaons are needed by momentum and angle. Their spectrum is p^a (1 - p / p0)^b with Gaussian p_T
(after the horns), a, b and p_T such that neutrinos of K+ -> mu+ nu and K+ -> pi0 e+ nu make up the
fluxes of nu_mu at 3 to 8 GeV and nu_e at 1.6 to 5 GeV, where kaons dominate.
"""

import numpy as np
import pytest

from hnlstat.beam.flux import load_flux
from hnlstat.detector.response import Response, first_failed, reconstruct
from hnlstat.physics.constants import KAON_MASS, LEPTON_MASS
from hnlstat.physics.decay_kinematics import perpendicular
from hnlstat.physics.kaon_decay import KaonDecays, boosted
from hnlstat.physics.mixing import pair
from hnlstat.studies import load

SUBJECT = "N in detectors"
FLUX = "T2K flux release, branching ratios of PDG"
SOURCE = "T2K, Phys. Rev. D 100, 052006"
DECAY_LENGTH = 3.711
"""c tau of K+ [m] (PDG)."""
TUNNEL, BASELINE, OFF_AXIS = 94.0, 280.0, np.radians(2.5)
"""Length of the decay volume, distance of ND280 from the target [m], and its angle to the beam."""
POWER, FALL, END, TRANSVERSE = 0.5, 10.0, 25.0, 0.3
"""a, b, p0 [GeV] and the width of each component of p_T [GeV]."""
PION = 0.1349768
KINEMATIC = load(["search=tpc_ee_tracks"]).datasets[0].search["tpc_ee_tracks"]


class Beam:
    """Kaon decays in the tunnel: momenta (3, N) [GeV], place along the beam [m], weight."""

    def __init__(self, n, rng):
        grid = np.linspace(0.3, END, 2000)
        distribution = np.cumsum(grid**POWER * (1 - grid / END) ** FALL)
        p = np.interp(rng.random(n), distribution / distribution[-1], grid)
        angle = np.minimum(np.hypot(*rng.normal(0, TRANSVERSE, (2, n))) / p, 1.0)
        azimuth = 2 * np.pi * rng.random(n)
        sine = np.sin(angle)
        self.kaon = p * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), np.cos(angle)])
        length = p * DECAY_LENGTH / KAON_MASS
        self.weight = -np.expm1(-TUNNEL / length)
        self.place = -length * np.log1p(-rng.random(n) * self.weight)

    def seen(self, momentum, ring=0.01):
        """Which particles fly towards ND280, and their weight: all azimuths are alike."""
        angle = np.arctan2(np.hypot(momentum[0], momentum[1]), momentum[2])
        aside = BASELINE * np.tan(OFF_AXIS)
        wanted = np.arctan2(aside, BASELINE - self.place)
        hit = np.abs(angle - wanted) < ring
        distance = np.hypot(aside, BASELINE - self.place)
        return hit, (self.weight / (np.sin(angle) * distance**2))[hit]


def size(vector):
    return np.sqrt(np.sum(vector**2, axis=0))


def ke3_energies(n, rng):
    """Energies of the neutrinos of K+ -> pi0 e+ nu at rest, constant form factor, massless e."""
    end = (KAON_MASS**2 - PION**2) / (2 * KAON_MASS)
    electron, neutrino = end * rng.random((2, 40 * n))
    pion = KAON_MASS - electron - neutrino
    momentum = np.sqrt(np.maximum(pion**2 - PION**2, 0.0))
    inside = (np.abs(electron - neutrino) < momentum) & (electron + neutrino > momentum)
    last = (KAON_MASS**2 + PION**2) / (2 * KAON_MASS)
    density = 2 * electron * neutrino - KAON_MASS * (last - pion)
    return neutrino[inside & (rng.random(40 * n) * 2 * end**2 < density)][:n]


def test_kaons_make_the_fluxes_they_dominate(compare):
    """Spectra to 25 % everywhere, and their ratio to 15 % with the branching ratios of PDG."""
    rng = np.random.default_rng(1)
    beam, table = Beam(1_000_000, rng), load_flux("t2k_nd280_flux")
    two_body = KaonDecays.sample(beam.kaon, 0.0, LEPTON_MASS["mu"], rng)
    rest = rng.choice(ke3_energies(50_000, rng), beam.weight.size)
    three_body = boosted(rest * two_body.direction, rest, beam.kaon / KAON_MASS)
    scales = []
    for momentum, flavour, low, high, branching in (
        (two_body.momentum, "numu", 3.0, 8.0, 0.6356),
        (three_body, "nue", 1.6, 5.0, 0.0507),
    ):
        hit, weight = beam.seen(momentum)
        inside = (table.edges_gev > low - 1e-9) & (table.edges_gev < high + 1e-9)
        edges, bins = table.edges_gev[inside], inside[:-1] & inside[1:]
        found = np.histogram(size(momentum[:, hit]), edges, weights=weight)[0]
        ratio = np.log(branching * found / table.flux["fhc", flavour][bins])
        what = f"kaons' spectrum of {flavour}, {low:g} to {high:g} GeV, ln of ratio less its mean"
        compare(what, ratio - ratio.mean(), 0.0, absolute=0.25, source=FLUX)
        scales.append(ratio.mean())
    what = "nu_mu over nu_e of kaons, ln of ratio"
    compare(what, scales[0] - scales[1], 0.0, absolute=0.15, source=FLUX)


def efficiency(mass, lepton, flavour, n=300_000):
    """Share of decays in the gas that pass the cuts, and its error."""
    rng = np.random.default_rng(int(1e6 * mass))
    beam, selection = Beam(n, rng), KINEMATIC
    decays = KaonDecays.sample(beam.kaon, mass, LEPTON_MASS[lepton], rng)
    hit, weight = beam.seen(decays.momentum)
    decays = decays[hit]
    flight = decays.momentum
    weight = weight / size(flight)  # long-lived N decay in the gas in proportion to m / p
    # ND280's axis is along the N; the azimuth about it is anything
    axis = flight / size(flight)
    first, second = perpendicular(axis)
    turn = 2 * np.pi * rng.random(weight.size)
    across = np.cos(turn) * first + np.sin(turn) * second
    axes = (across, np.cos(turn) * second - np.sin(turn) * first, axis)
    minus, plus = (
        np.stack([np.sum(lepton * a, axis=0) for a in axes])
        for lepton in decays.leptons(pair("e", {flavour: 1.0}), rng)
    )
    fiducial, gas = np.array([1.70, 1.96, 0.563]) / 2, np.array([2.47, 2.47, 0.97]) / 2
    origin = (2 * rng.random((3, weight.size)) - 1) * fiducial[:, None]
    smearing = selection.smearing
    response = Response(
        selection.field,
        smearing.momentum,
        smearing.angle,
        selection.separation_path,
    )
    cuts = selection.cuts.active
    electrons = LEPTON_MASS["e"], LEPTON_MASS["e"]
    measured = reconstruct(minus, plus, origin, (-gas, gas), response, rng, electrons)
    passes = first_failed(measured, cuts) == len(cuts)
    share = np.sum(weight[passes]) / weight.sum()
    return share, np.sqrt(share * np.sum((weight * (passes - share)) ** 2)) / weight.sum()


@pytest.mark.parametrize("mass", [0.2, 0.35])
def test_mixing_with_the_muon_makes_little_difference(mass):
    electron, muon = efficiency(mass, "e", "e"), efficiency(mass, "mu", "mu")
    assert muon[0] == pytest.approx(electron[0], rel=0.05)
