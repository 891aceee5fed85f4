"""Radiation lengths and pair production against the PDG, NIST and the Bethe-Heitler formula."""

import numpy as np
import pytest
from scipy import constants as codata
from scipy.integrate import quad

from hnlstat.detector import conversion
from hnlstat.detector.geometry import PaintedBox, paint, ray_segments
from hnlstat.physics.constants import ALPHA, AVOGADRO, LEPTON_MASS

RADIUS = codata.value("classical electron radius") * 1e2
POLYSTYRENE = {"C12": 0.922582, "H1": 0.077418}
WATER = {"O16": 0.888106, "H1": 0.111894}
OIL = {"C12": 0.856283, "H1": 0.143717}


@pytest.mark.parametrize(
    ("composition", "expected"),
    [
        ({"H1": 1}, 63.04),
        ({"C12": 1}, 42.70),
        ({"O16": 1}, 34.24),
        ({"Al27": 1}, 24.01),
        ({"Si28": 1}, 21.82),
        ({"Ar40": 1}, 19.55),
        ({"Fe56": 1}, 13.84),
        ({"Pb208": 1}, 6.37),
        (POLYSTYRENE, 43.79),
        (WATER, 36.08),
        (OIL, 44.77),  # polyethylene, CH2 as mineral oil
    ],
    ids=str,
)
def test_radiation_lengths_of_the_pdg(composition, expected):
    assert conversion.radiation_length(composition) == pytest.approx(expected, rel=0.005)
    twice = {name: 2 * fraction for name, fraction in composition.items()}
    assert conversion.radiation_length(twice) == pytest.approx(
        conversion.radiation_length(composition), rel=1e-12
    )


def klein_nishina(energy):
    """Compton cross section [cm^2] per electron."""
    x = energy / LEPTON_MASS["e"]
    log = np.log1p(2 * x)
    first = (1 + x) / x**2 * (2 * (1 + x) / (1 + 2 * x) - log / x)
    return 2 * np.pi * RADIUS**2 * (first + log / (2 * x) - (1 + 3 * x) / (1 + 2 * x) ** 2)


@pytest.mark.parametrize(
    ("composition", "electrons", "at_10_mev", "at_20_mev"),
    [
        ({"C12": 1}, 6 / 12.0, 1.959e-2, 1.575e-2),
        (WATER, 10 / 18.01, 2.219e-2, 1.813e-2),
        ({"Fe56": 1}, 26 / 55.93, 2.994e-2, 3.224e-2),
        ({"Pb208": 1}, 82 / 207.98, 4.972e-2, 6.206e-2),
    ],
)
def test_attenuation_of_nist(composition, electrons, at_10_mev, at_20_mev):
    # J. H. Hubbell, S. M. Seltzer, NISTIR 5632: at these energies pairs and Compton scattering
    energy = np.array([0.01, 0.02])
    found = conversion.conversion_coefficient(energy, composition)
    found += electrons * AVOGADRO * klein_nishina(energy)
    # lead is lighter than its heaviest isotope by 0.4 %
    assert found == pytest.approx([at_10_mev, at_20_mev], rel=0.012)


def bethe_heitler(energy, z):
    """Screened, with Coulomb correction (J. C. Butcher, H. Messel, Nucl. Phys. 20 (1960) 15)."""
    a, share = (ALPHA * z) ** 2, LEPTON_MASS["e"] / energy
    coulomb = a * (1 / (1 + a) + 0.20206 - 0.0369 * a + 0.0083 * a**2 - 0.002 * a**3)
    screening = 4 / 3 * np.log(z) + 4 * coulomb
    electrons = np.log(1440 * z ** (-2 / 3)) / (np.log(183 * z ** (-1 / 3)) - coulomb)

    def density(x):
        d = 136 * z ** (-1 / 3) * share / (x * (1 - x))
        far = 21.12 - 4.184 * np.log(d + 0.952)
        first = 20.867 - 3.242 * d + 0.625 * d**2 if d <= 1 else far
        second = 20.209 - 1.930 * d - 0.086 * d**2 if d <= 1 else far
        squares = x**2 + (1 - x) ** 2
        return squares * max(first - screening, 0) + 2 / 3 * x * (1 - x) * max(
            second - screening, 0
        )

    return ALPHA * RADIUS**2 * z * (z + electrons) * quad(density, share, 1 - share, limit=200)[0]


@pytest.mark.parametrize("z", [6, 8, 18, 26, 82])
@pytest.mark.parametrize("energy", [0.1, 0.3, 1.0, 5.0])
def test_pairs_of_the_energies_of_n(z, energy):
    # 5 % of the fit; the formula's electron fields are those of the Thomas-Fermi model
    found = float(conversion.pair_cross_section(energy, z))
    assert found == pytest.approx(bethe_heitler(energy, z), rel=0.055)


@pytest.mark.parametrize("name", ["H1", "C12", "Ar40", "Fe56", "Pb208"])
def test_seven_ninths_at_high_energy_only(name):
    limit = 7 / 9 / conversion.radiation_length({name: 1})
    energy = np.array([0.01, 0.1, 1, 30])
    share = conversion.conversion_coefficient(energy, {name: 1}) / limit
    assert np.all(np.diff(share) > 0)
    assert share[3] == pytest.approx(1, abs=0.065)
    assert share[1] < 0.75


def test_threshold():
    m_e = LEPTON_MASS["e"]
    found = conversion.pair_cross_section(np.array([0.0, m_e, 2 * m_e, 1.2e-3, 1.5e-3]), 6)
    assert np.all(found[:3] == 0)
    assert 0 < found[3] < found[4]
    above = conversion.pair_cross_section(np.array([100.0, 1e4]), 6)
    assert above[0] == above[1]


def test_probability():
    depth = np.array([0.0, 1e-9, 0.5, 100.0])
    found = conversion.conversion_probability(depth)
    assert found == pytest.approx([0, 1e-9, 1 - np.exp(-0.5), 1], rel=1e-12)
    # two layers: in either, or in the second after the first let it through
    both = conversion.conversion_probability(0.3) + conversion.conversion_probability(0.7, 0.3)
    assert both == pytest.approx(1 - np.exp(-1.0), rel=1e-14)


def test_a_path_through_painted_boxes():
    # 2 m of water with 0.5 m of lead inside, on the axis and past the lead
    boxes = paint(
        [
            PaintedBox((-1, -1, -1), (1, 1, 1), 0),
            PaintedBox((-0.5, -0.5, -0.25), (0.5, 0.5, 0.25), 1),
        ],
        2,
    )
    origin = np.array([[0, 0, -1.0], [0.8, 0, -1.0], [0, 0, 0.0]])
    direction = np.tile([0, 0, 1.0], (3, 1))
    near, far = ray_segments(origin, direction, boxes.lower, boxes.upper)
    length = (far - near) @ boxes.coefficients
    energy = np.array([0.3, 0.3, 0.1])
    depth = conversion.conversion_depth(energy, length, (1.0, 11.35), (WATER, {"Pb208": 1}))
    water = conversion.conversion_coefficient(energy, WATER) * 100
    lead = conversion.conversion_coefficient(energy, {"Pb208": 1}) * 1135
    assert depth == pytest.approx(
        [1.5 * water[0] + 0.5 * lead[0], 2 * water[1], 0.75 * water[2] + 0.25 * lead[2]]
    )


def test_one_energy_for_all_paths():
    length = np.array([[0.0], [0.1], [0.2]])
    depth = conversion.conversion_depth(0.2, length, (0.845,), (OIL,))
    each = conversion.conversion_depth(np.full(3, 0.2), length, (0.845,), (OIL,))
    assert np.array_equal(depth, each)
    assert depth[0] == 0
    assert depth[2] == pytest.approx(2 * depth[1], rel=1e-14)


@pytest.mark.parametrize(
    ("composition", "reason"), [({"n": 1}, "n has no charge"), ({"Xx1": 1}, "unknown target 'Xx1'")]
)
def test_what_is_no_material(composition, reason):
    for function in (
        conversion.radiation_length,
        lambda c: conversion.conversion_coefficient(1, c),
    ):
        with pytest.raises(ValueError, match=reason):
            function(composition)
