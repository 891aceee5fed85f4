"""Widths of N by mixing: couplings, thresholds, limits of light products, sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.physics.constants import LEPTON_MASS, NEUTRAL_PION_MASS, PION_MASS
from hnlstat.physics.mixing import (
    FLAVOURS,
    PION_CONSTANT,
    V_UD,
    WIDTHS,
    pair,
    pion_slope,
    width_neutral_pion,
    width_pion,
)
from hnlstat.physics.weak_decay import FERMI_CONSTANT, SIN2_THETA_W

E, MU = LEPTON_MASS["e"], LEPTON_MASS["mu"]
THRESHOLDS = {
    "ee": 2 * E, "mumu": 2 * MU, "emu": E + MU, "epi": E + PION_MASS, "mupi": MU + PION_MASS,
    "nupi0": NEUTRAL_PION_MASS, "nununu": 0.0,
}  # fmt: skip
ALL = dict.fromkeys(FLAVOURS, 1.0)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("lepton", ["e", "mu"])
def test_couplings_are_those_of_the_literature(lepton, flavour):
    """C1 and C2 of arXiv:2007.03701, with what charged currents add where the flavours are one."""
    s, same = SIN2_THETA_W, flavour == lepton
    found = pair(lepton, {flavour: 2.0})
    assert found.left + found.right == pytest.approx(
        2 * ((1 - 4 * s + 8 * s**2) / 4 + 2 * s * same)
    )
    assert found.mixed == pytest.approx(2 * ((2 * s**2 - s) / 2 + s * same))
    assert found.minus == found.plus == LEPTON_MASS[lepton]


@pytest.mark.parametrize("channel", WIDTHS)
def test_channels_open_at_their_threshold(channel):
    threshold, width = THRESHOLDS[channel], WIDTHS[channel]
    assert set(WIDTHS) == set(THRESHOLDS)
    masses = np.geomspace(max(threshold, 1e-4) * (1 + 1e-6), 1, 200)
    values = width(masses, ALL)
    assert np.all(np.diff(values) > 0)
    assert 0 < values[0] < 1e-4 * values[-1]
    if threshold:
        assert not np.any(width(threshold * np.array([0.01, 0.5, 1 - 1e-9]), ALL))


@given(st.tuples(*[st.floats(0, 1)] * 3), st.floats(0.001, 0.6), st.sampled_from([*WIDTHS]))
def test_widths_are_sums_over_flavours(shares, mass, channel):
    width = WIDTHS[channel]
    parts = [float(width(mass, {name: u2})) for name, u2 in zip(FLAVOURS, shares, strict=True)]
    whole = float(width(mass, dict(zip(FLAVOURS, shares, strict=True))))
    assert min(parts) >= 0
    assert whole == pytest.approx(sum(parts), rel=1e-12, abs=1e-40)


@pytest.mark.parametrize("lepton", ["e", "mu"])
def test_heavy_n_decay_to_massless_pions_and_leptons(lepton):
    strength = (FERMI_CONSTANT * PION_CONSTANT) ** 2 * 1e9 / (16 * np.pi)
    assert width_pion(1e3, lepton) == pytest.approx(strength * V_UD**2, rel=1e-6)
    assert width_pion(1e3, lepton, exchanged=True) == pytest.approx(strength * V_UD**2, rel=1e-6)
    assert width_neutral_pion(1e3, {"tau": 1.0}) == pytest.approx(strength / 2, rel=1e-6)
    assert pion_slope(1e3, lepton) == pytest.approx(1, abs=1e-6)


@given(st.floats(0.25, 0.6))
def test_slope_of_pions_is_none_at_threshold_and_at_most_one(mass):
    assert 0 < pion_slope(mass, "mu") < pion_slope(mass + 0.01, "mu") < 1
    threshold = MU + PION_MASS
    assert pion_slope(threshold * (1 + 1e-12), "mu") == pytest.approx(0, abs=1e-4)
    assert pion_slope(threshold * 0.9, "mu") == 0


def test_exchanged_masses_are_of_the_release_alone():
    """Lepton and pion change places in the shape."""
    m = 0.3
    x, y = (MU / m) ** 2, (PION_MASS / m) ** 2
    root = np.sqrt(1 + x**2 + y**2 - 2 * (x + y + x * y))
    strength = (FERMI_CONSTANT * PION_CONSTANT * V_UD) ** 2 * m**3 / (16 * np.pi)
    expected = strength * ((1 - y) ** 2 - x * (1 + y)) * root
    assert width_pion(m, "mu", exchanged=True) == pytest.approx(expected, rel=1e-12)
