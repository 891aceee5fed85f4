"""DarkNews itself against the tables in this folder; collected where it is installed.

`pip install 'hnlstat[peers]'` installs it; `python tests/validation/test_darknews_live.py` writes
the tables of decays, of cross sections on all nuclei and of photons anew. Instead of its Monte
Carlo integrals, which are good to some 1e-3, its squared amplitudes are integrated by quadrature
here.
"""

import csv
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    # it leaves the files of its tables open, and uses matrices of numpy
    warnings.simplefilter("ignore", ResourceWarning)
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    import DarkNews
    from DarkNews import amplitudes, decay_rates, model, nuclear_tools, pdg, phase_space, processes

from scipy.stats import qmc

from hnlstat.beam.flux import load_flux
from hnlstat.physics import upscattering

FOLDER = Path(__file__).parent
TARGETS = ("p", "C12", "N14", "O16", "F19", "Al27", "Si28", "Cl35", "Ar40", "Cr52", "Fe56", "Cu63",
           "Zn64", "Pb208")  # fmt: skip
MU_TR = 2.0
"""DarkNews' transition moment for d = 1: mu_tr = 2 d."""

LEPTONS = {"e": (pdg.electron, pdg.positron), "mu": (pdg.muon, pdg.antimuon)}
COLUMNS = ("lepton", "m_n_gev", "q2_gev2", "dgamma_dq2_gev", "cos_pair", "cos_plus")
HEAD = """\
# N -> nu l+ l- by DarkNews {version} with mu_tr = 2 d, d = 1 / GeV, Dirac N, its helicity h = +1:
# dGamma/dq^2 [GeV], and mean cosines of the pair and of l+ to the flight of N in N's rest frame.
# lepton "photon": the width of N -> nu gamma [GeV].
"""

NUCLEI_HEAD = """\
# Total cross section over d^2 [cm^2 GeV^2], both helicities, Dirac N, coherent on nuclei or on the
# free proton, by DarkNews {version} with mu_tr = 2 d.
"""

PHOTON_EDGES = {
    "cos_angle": (-1, -0.5, 0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1),
    "visible_energy": (0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 2),
}
PHOTON_CASES = ("turned", "own", "both")
PHOTON_COLUMNS = ("m_n_gev", "helicity", "observable", "low", "high", "share")
PHOTON_HEAD = """\
# Photons of N -> nu gamma, Dirac N made by numu of MiniBooNE's beam (neutrino mode) coherently on
# C12 by DarkNews {version}, decaying where they are made: shares of all in bins of energy [GeV] and
# of the cosine to the beam. helicity: all N decay as those whose helicity has turned round, with
# the sign of that in their decay turned ("turned"), or as DarkNews has it ("own"); "both": turned,
# but N that keep it decay with their own.
"""


def theory(mass):
    return model.GenericHNLModel(m4=mass, mu_tr_mu4=MU_TR, HNLtype="dirac")


def total_cross_section(target, energy, mass):
    """Both helicities, coherent or on a free proton [cm^2]."""
    nucleus, regime = ("H1", "p-el") if target == "p" else (target, "coherent")
    own, x, w = theory(mass), *np.polynomial.legendre.leggauss(8)
    total = 0.0
    for helicity in ("flipping", "conserving"):
        process = processes.UpscatteringProcess(
            pdg.numu, own.neutrino4, nuclear_tools.NuclearTarget(nucleus), regime, own, helicity
        )
        m_t = process.MA
        low = phase_space.upscattering_Q2min(energy, mass, m_t)
        edges = np.linspace(
            np.log(low), np.log(phase_space.upscattering_Q2max(energy, mass, m_t)), 41
        )
        q2 = np.exp(edges[:-1, None] + np.diff(edges)[:, None] * (x + 1) / 2).ravel()
        weight = (np.diff(edges)[:, None] * w / 2).ravel() * q2
        s = m_t**2 + 2 * m_t * energy
        # not diff_xsec_Q2: there u has m in place of m^2 (0.4.8)
        u = 2 * m_t**2 + mass**2 - s + q2
        total += np.sum(amplitudes.upscattering_dxsec_dQ2([s, -q2, u], process=process) * weight)
    return total


def decay(lepton, mass, q2):
    """dGamma/dq^2 and mean cosines of the pair and of l+ at helicity +1."""
    process = processes.FermionDileptonDecay(
        pdg.neutrino4, pdg.nulight, *LEPTONS[lepton], theory(mass), h_parent=1
    )
    masses = mass, process.mm, process.mp, 0.0
    x, w = np.polynomial.legendre.leggauss(24)
    phi = (np.arange(24) + 0.5) / 24 * 2 * np.pi
    low = phase_space.three_body_umin(*masses, q2)
    span = phase_space.three_body_umax(*masses, q2) - low
    u, c_plus = (low + span * (x + 1) / 2)[:, None, None], x[:, None]
    weight = (span * w / 2)[:, None, None] * w[:, None] * (2 * np.pi / 24)
    v = mass**2 + process.mm**2 + process.mp**2 - q2 - u
    rate = weight * decay_rates.diff_gamma_Ni_to_Nj_ell_ell(
        [q2, u, v, c_plus, phi], process, diagrams=["TMM_SQR"]
    )
    e_plus, e_nu = (mass**2 + process.mp**2 - u) / (2 * mass), (mass**2 - q2) / (2 * mass)
    p_plus = np.sqrt(e_plus**2 - process.mp**2)
    between = (q2 + u - process.mm**2 - mass**2 + 2 * e_plus * e_nu) / (2 * p_plus * e_nu)
    sines = np.sqrt((1 - c_plus**2) * np.maximum(1 - between**2, 0))
    c_nu = c_plus * between - sines * np.cos(phi)
    return rate.sum(), -np.sum(rate * c_nu) / rate.sum(), np.sum(rate * c_plus) / rate.sum()


def photon_width(mass):
    vertex = theory(mass).t_aj[1, 3]
    return decay_rates.gamma_Ni_to_Nj_gamma(vertex, mass, 0.0, HNLtype="dirac")


def miniboone_photons(mass, case, power=17):
    """Four-momenta [GeV] of photons at MiniBooNE, (n, 4), and their weights."""
    flux = load_flux("bnb_miniboone_flux")
    values = flux.flux["fhc", "numu"]
    edges, u = flux.edges_gev, qmc.Sobol(5, seed=1).random_base2(power).T
    energy = np.interp(u[0], np.append(0, np.cumsum(values)) / values.sum(), edges)
    momenta, weights = [], []
    for helicity in ("flipping", "conserving"):
        own = theory(mass)
        process = processes.UpscatteringProcess(
            pdg.numu, own.neutrino4, nuclear_tools.NuclearTarget("C12"), "coherent", own, helicity
        )
        m_t = process.MA
        above = energy > 1.001 * (mass + mass**2 / (2 * m_t))
        e, (_, share, cosine, phi, azimuth) = energy[above], u[:, above]
        low, high = (
            np.vectorize(end)(e, mass, m_t)
            for end in (phase_space.upscattering_Q2min, phase_space.upscattering_Q2max)
        )
        q2 = low * (high / low) ** share
        s = m_t**2 + 2 * m_t * e
        mandelstam = [s, -q2, 2 * m_t**2 + mass**2 - s + q2]
        rate = amplitudes.upscattering_dxsec_dQ2(mandelstam, process=process)
        n_energy = e - q2 / (2 * m_t)
        forward = (n_energy - (q2 + mass**2) / (2 * e)) / np.sqrt(n_energy**2 - mass**2)
        boost = {
            "EP_LAB": n_energy, "costP_LAB": np.clip(forward, -1, 1), "phiP_LAB": 2 * np.pi * phi,
        }  # fmt: skip
        decayed = decay_rates.diff_gamma_Ni_to_Nj_gamma(
            2 * cosine - 1,
            1.0,
            mass,
            0.0,
            HNLtype="dirac",
            h={"turned": -1, "own": 1, "both": -process.h_upscattered}[case],
        )
        samples = {"unit_cost": cosine, "phiz": 2 * np.pi * azimuth}
        momenta.append(phase_space.two_body_decay(samples, boost, m1=mass, m2=0, m3=0)[2])
        weights.append(rate * q2 * np.log(high / low) * decayed)
    return np.concatenate(momenta), np.concatenate(weights)


def photon_shares(mass, case):
    """Shares of photons in bins of what is measured of them."""
    photon, weight = miniboone_photons(mass, case)
    energy = photon[:, 0]
    measured = {"cos_angle": photon[:, 3] / energy, "visible_energy": energy}
    return {
        name: np.histogram(measured[name], edges, weights=weight)[0] / weight.sum()
        for name, edges in PHOTON_EDGES.items()
    }


def rows(name):
    with (FOLDER / name).open() as file:
        return list(csv.DictReader(line for line in file if line[0] != "#"))


@pytest.mark.parametrize(
    "row", rows("upscattering_cross_sections.csv"), ids=lambda r: "-".join(list(r.values())[:3])
)
def test_cross_section(row):
    found = total_cross_section(row["target"], float(row["e_nu_gev"]), float(row["m_n_gev"]))
    # the table has seven digits
    assert found == pytest.approx(float(row["sigma_over_d2_cm2_gev2"]), rel=1e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_cross_section_on_every_nucleus_of_the_detectors(target):
    for row in rows("darknews_nuclei.csv"):
        if row["target"] == target:
            found = total_cross_section(target, float(row["e_nu_gev"]), float(row["m_n_gev"]))
            assert found == pytest.approx(float(row["sigma_over_d2_cm2_gev2"]), rel=1e-6)


@pytest.mark.parametrize(
    "row", rows("darknews_decays.csv"), ids=lambda r: "-".join(list(r.values())[:3])
)
def test_decay(row):
    mass = float(row["m_n_gev"])
    if row["lepton"] == "photon":
        assert photon_width(mass) == pytest.approx(float(row["dgamma_dq2_gev"]), rel=1e-7)
        return
    found = decay(row["lepton"], mass, float(row["q2_gev2"]))
    expected = [float(row[name]) for name in COLUMNS[3:]]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("case", PHOTON_CASES)
@pytest.mark.parametrize("mass", [0.15, 0.47])
def test_photons_at_miniboone(mass, case):
    for name, found in photon_shares(mass, case).items():
        table = [
            row for row in rows("darknews_photons.csv")
            if (float(row["m_n_gev"]), row["helicity"], row["observable"]) == (mass, case, name)
        ]  # fmt: skip
        assert found == pytest.approx([float(row["share"]) for row in table], abs=1e-4)


def freeze_photons():
    """Write the table of photons."""
    with (FOLDER / "darknews_photons.csv").open("w", newline="") as file:
        file.write(PHOTON_HEAD.format(version=DarkNews.__version__))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PHOTON_COLUMNS)
        for mass in (0.15, 0.47):
            for case in PHOTON_CASES:
                for name, shares in photon_shares(mass, case).items():
                    ends = zip(PHOTON_EDGES[name], PHOTON_EDGES[name][1:], shares, strict=False)
                    for low, high, share in ends:
                        writer.writerow([mass, case, name, low, high, f"{share:.6f}"])


def freeze_nuclei():
    """Write the table of cross sections on all nuclei, where they are above their thresholds."""
    with (FOLDER / "darknews_nuclei.csv").open("w", newline="") as file:
        file.write(NUCLEI_HEAD.format(version=DarkNews.__version__))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("target", "e_nu_gev", "m_n_gev", "sigma_over_d2_cm2_gev2"))
        for target, energy, mass in product(TARGETS, (0.3, 1.0, 3.0, 10.0), (0.01, 0.1, 0.4, 1.0)):
            if upscattering.total_cross_section(energy, mass, target) > 0:
                found = total_cross_section(target, energy, mass)
                writer.writerow([target, energy, mass, f"{found:.7e}"])


def freeze():
    """Write the table of decays."""
    with (FOLDER / "darknews_decays.csv").open("w", newline="") as file:
        file.write(HEAD.format(version=DarkNews.__version__))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for mass in (0.05, 0.4, 1.0):
            writer.writerow(["photon", mass, 0, f"{photon_width(mass):.9e}", 0, 0])
        for lepton, masses in {"e": (0.05, 0.4, 1.0), "mu": (0.25, 0.4, 1.0)}.items():
            threshold = 4 * (LEPTONS[lepton][0].mass * 1e-3) ** 2
            for mass in masses:
                for part in (0.05, 0.3, 0.6, 0.9):
                    q2 = float(f"{threshold * (mass**2 / threshold) ** part:.6e}")
                    values = [f"{value:.9e}" for value in decay(lepton, mass, q2)]
                    writer.writerow([lepton, mass, q2, *values])


if __name__ == "__main__":
    freeze()
    freeze_nuclei()
    freeze_photons()
