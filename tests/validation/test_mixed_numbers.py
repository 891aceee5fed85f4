"""Mass-mixed N against numbers made elsewhere: widths, rates, and decays that T2K expects.

- Widths and branching ratios: the formulae of the literature written down apart, 0.2 %, and those
  of HNLCalc, whose constants differ by as much.
- T2K's data release has decays in the TPCs by mode, each of a production and a decay. Those to
  leptons, modes 8 to 23, give one integral over the spectrum of N by mass, the shipped table; times
  our widths it has to give every entry: these modes to 0.5 %, and modes 0 to 7, decays to l pi that
  did not go into the table, to 1.5 % with the release's f_pi V_ud (1.3 % less without). Below 460
  MeV two of 1208 entries do not, named below; from 460 MeV on the release's own events are few
  (its statistical error is 6 to 20 %) and modes scatter by 0.4 to 5 %: there 4 times that.
- Decays to l+ pi- only with the width of the release, which has the masses of lepton and pion
  exchanged: with the right one they are up to 7.5 times too few.
"""

from pathlib import Path

import numpy as np
import pytest

from hnlstat.physics.constants import LEPTON_MASS
from hnlstat.physics.kaon_decay import kaon_branching, kaon_polarisation
from hnlstat.physics.mixing import CHARGED, RELEASE_PION, WIDTHS, pion_slope, width_pion
from hnlstat.tables.csv_table import read_csv

SUBJECT = "Decays of mass-mixed N"
SOURCE = "T2K data release, arXiv:1902.07598"
OF = {"formula": "formulae of arXiv:2007.03701 and others, written apart", "HNLCalc": "HNLCalc"}
HERE = Path(__file__).parent / "t2k_2019"
DATA = Path(__file__).parents[2] / "hnlstat" / "data" / "t2k_2019"
NUMBERS = read_csv(HERE / "mixed_numbers.csv")
MODES = read_csv(DATA / "modes.csv")
CODE, QUANTITY, FLAVOUR = (
    np.array(NUMBERS.columns[key]) for key in ("code", "quantity", "flavour")
)


def numbers(code, quantity, flavour):
    """Masses, and what somebody else has there."""
    rows = (code == CODE) & (quantity == QUANTITY) & (flavour == FLAVOUR)
    return NUMBERS.numbers("mass_gev")[rows], NUMBERS.numbers("value")[rows]


@pytest.mark.parametrize("flavour", ["e", "mu", "tau"])
@pytest.mark.parametrize("code", ["formula", "HNLCalc"])
def test_widths_and_branching_ratios(compare, code, flavour):
    masses, total = numbers(code, "total", flavour)
    width = {name: channel(masses, {flavour: 1.0}) for name, channel in WIDTHS.items()}
    assert masses.size == 6
    what = f"width, |U_{flavour}|^2 = 1 [GeV]"
    compare(what, sum(width.values()), total, rel=2e-3, source=OF[code])
    open_channels = 0
    for name, own in width.items():
        known, ratio = numbers(code, name, flavour)
        found = own[np.isin(masses, known)] / total[np.isin(masses, known)]
        if known.size:
            what = f"branching ratio to {name}, |U_{flavour}|^2 = 1"
            compare(what, found, ratio, rel=2e-3, source=OF[code])
        assert not np.any(own[~np.isin(masses, known)]), name
        open_channels += known.size
    assert open_channels == {"e": 30, "mu": 28, "tau": 20}[flavour]


@pytest.mark.parametrize("lepton", ["e", "mu"])
def test_rates_polarisation_and_slopes(compare, lepton):
    masses, rate = numbers("formula", "kaon", lepton)
    what, source = f"branching ratio of K -> {lepton} N, |U|^2 = 1", "R. Shrock, PRD 24 (1981) 1232"
    compare(what, kaon_branching(masses, lepton), rate, rel=1e-5, source=source)
    masses, polarisation = numbers("formula", "polarisation", lepton)
    found = kaon_polarisation(masses, LEPTON_MASS[lepton])
    what, source = f"polarisation of N from K -> {lepton} N", "explicit traces"
    compare(what, found, polarisation, absolute=1e-6, source=source)
    masses, slope = numbers("formula", "slope", lepton)
    what = f"slope of N -> {lepton} pi in the angle to the spin"
    compare(what, pion_slope(masses, lepton), slope, absolute=1e-6, source=source)
    assert min(rate.size, polarisation.size, slope.size) >= 5


def width_of(mode, masses):
    """Width [GeV] that a mode of the release holds at |U_a|^2 = 1."""
    decay, numbers = MODES.columns["decay"][mode], float(MODES.columns["numbers"][mode])
    if decay in CHARGED:
        lepton, number = CHARGED[decay]
        return width_pion(masses, lepton, number < 0, RELEASE_PION)
    shares = dict.fromkeys(MODES.columns["flavours"][mode].split(), 1.0)
    return numbers * WIDTHS[decay](masses, shares)


PRINTED = {
    "muminus_piplus": "mu- pi+",
    "muplus_piminus": "mu+ pi-",
    "eminus_piplus": "e- pi+",
    "eplus_piminus": "e+ pi-",
    "mumu": "mu mu nu",
    "ee": "e e nu",
    "emu": "e mu nu",
}
RELEASE = read_csv(HERE / "decays_in_tpcs.csv")
MASSES = RELEASE.numbers("mass_gev")
APART = {(8, "rhc", 0.38): -0.0077, (11, "rhc", 0.44): 0.0065}
"""Beyond 0.5 %: K -> mu N of rhc 8 MeV below the end of its reach, where modes scatter by 0.4 %,
and one mode of eight at 440 MeV (0.3 %). Modes of one N are apart by more than 1 % there, so that
no number of N puts all within 0.5 % (`test_modes_of_the_same_n`)."""


@pytest.mark.parametrize("mode", range(24))
def test_decays_that_t2k_expects(compare, mode):
    integral = read_csv(DATA / "kaon_n_integral.csv")
    assert np.array_equal(MASSES, integral.numbers("mass_gev"))
    spread = np.where(MASSES < 0.455, 0.0, 4 * integral.numbers("spread"))
    tolerance = np.maximum(0.015 if mode < 8 else 0.005, spread)
    for horn in ("fhc", "rhc"):
        lepton = MODES.columns["lepton"][mode]
        found = integral.numbers(f"{lepton}_{horn}") * width_of(mode, MASSES)
        expected = RELEASE.numbers(f"{horn}_{mode}")
        there = expected > 0
        assert np.array_equal(there, found > 0)
        off = dict(zip(MASSES[there], found[there] / expected[there] - 1, strict=True))
        beyond = {
            (mode, horn, mass): value
            for (mass, value), most in zip(off.items(), tolerance[there], strict=True)
            if abs(value) > most
        }
        known = {key: value for key, value in APART.items() if key[:2] == (mode, horn)}
        assert beyond == pytest.approx(known, abs=1e-4)
        apart = np.array([abs(APART.get((mode, horn, mass), 0.0)) + 1e-4 for mass in MASSES])
        decay = PRINTED[MODES.columns["decay"][mode]]
        what = f"decays to {decay} in the TPCs, {horn}, by mass, |U|^2 = 1"
        compare(what, found[there], expected[there], rel=np.maximum(tolerance, apart)[there])
        below = found[there] / expected[there]
        what = f"decays to {decay} in the TPCs, {horn}, mean ratio below 460 MeV"
        compare(what, np.mean(below[MASSES[there] < 0.455]), 1.0, absolute=1e-3)


@pytest.mark.parametrize(("lepton", "first"), [("mu", 8), ("e", 9)])
@pytest.mark.parametrize("horn", ["fhc", "rhc"])
def test_modes_of_the_same_n(compare, lepton, first, horn):
    """Decays of the same N differ by their widths alone; how far the release's do beyond that, half
    of it, is the least that any number of N leaves between it and one mode or another."""
    modes = range(first, 24, 2)
    decays = np.array([RELEASE.numbers(f"{horn}_{mode}") for mode in modes])
    widths = np.array([width_of(mode, MASSES) for mode in modes])
    made = np.any(decays > 0, axis=0) & (MASSES < 0.455)
    masses, ratios = MASSES[made], np.full((len(modes), made.sum()), np.nan)
    np.divide(decays[:, made], widths[:, made], out=ratios, where=decays[:, made] > 0)
    most, fewest = np.nanmax(ratios, axis=0), np.nanmin(ratios, axis=0)
    least = (most - fewest) / (most + fewest)
    apart = [mass for mode, of, mass in APART if of == horn and mode % 2 == first % 2]
    assert list(masses[least > 0.005]) == apart
    what = f"decays of the same N of K -> {lepton} N, {horn}, below 460 MeV: half of how far apart"
    compare(what, least, 0.0, absolute=7e-3)


@pytest.mark.parametrize(("lepton", "minus", "plus"), [("mu", 0, 4), ("e", 2, 6), ("e", 3, 7)])
def test_the_release_exchanges_lepton_and_pion(compare, lepton, minus, plus):
    """Its decays to l- pi+ over those to l+ pi-, from the same N, are the ratio of our widths."""
    first, second = RELEASE.numbers(f"fhc_{minus}"), RELEASE.numbers(f"fhc_{plus}")
    there = (first > 0) & (MASSES < 0.455)
    right, exchanged = (width_pion(MASSES[there], lepton, swap) for swap in (False, True))
    what = f"decays to {lepton}- pi+ over {lepton}+ pi-, masses of both exchanged in the latter"
    compare(what, right / exchanged, first[there] / second[there], rel=7e-3)
    assert np.max(right / exchanged) > 1.2
