"""Widths and branching ratios: spectrum, thresholds, natures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from hnlstat.physics import decay
from hnlstat.physics.constants import ALPHA, LEPTON_MASS


def integrated_spectrum(r):
    """L(r) from the dilepton spectrum, x = q^2/m^2 = exp(u)."""

    def spectrum(u):
        x = np.exp(u)
        beta = np.sqrt(max(1 - r**2 / x, 0.0))
        return (1 - x) ** 2 * (1 + x / 2) * beta * (1 + r**2 / (2 * x))

    return quad(spectrum, 2 * np.log(r), 0, epsabs=0, epsrel=1e-11, limit=500)[0]


@pytest.mark.parametrize("r", [1e-3, 0.01, 0.3, 0.7, 0.89, 0.91, 0.97])
def test_phase_space_is_the_integral_of_the_spectrum(r):
    assert float(decay.dilepton_phase_space(r)) == pytest.approx(integrated_spectrum(r), rel=1e-8)


def test_ratio_of_widths_to_ten_digits():
    for mass in (0.002, 0.05, 0.4, 1.0):
        r = 2 * LEPTON_MASS["e"] / mass
        closed = (2 - r**6 / 8) * np.arccosh(1 / r) - (24 - 10 * r**2 + r**4) / 8 * np.sqrt(
            1 - r**2
        )
        ratio = decay.width_dilepton(mass, "e") / decay.width_photon(mass)
        assert float(ratio) == pytest.approx(ALPHA / (3 * np.pi) * closed, rel=1e-10)


def test_phase_space_meets_at_the_change_of_method_and_ends_at_threshold():
    below, above = decay.dilepton_phase_space([0.9 - 1e-12, 0.9 + 1e-12])
    assert below == pytest.approx(above, rel=1e-9)
    assert decay.dilepton_phase_space([1.0, 1.5]).tolist() == [0, 0]
    # (1 - r)^(7/2) towards threshold
    near = decay.dilepton_phase_space([1 - 1e-4, 1 - 1e-5])
    assert near[0] / near[1] == pytest.approx(10**3.5, rel=1e-3)


def test_branching_ratios_quoted_for_the_model():
    # 0.5 % at 50 MeV to 1.0 % at 1 GeV
    assert float(decay.branching_ratio(0.05, "ee")) == pytest.approx(0.0048, abs=5e-5)
    assert float(decay.branching_ratio(1.0, "ee")) == pytest.approx(0.0093, abs=5e-5)


@given(st.floats(0.0005, 5.0))
def test_branching_ratios_add_to_one_and_nature_cancels(mass):
    assert sum(float(decay.branching_ratio(mass, c)) for c in decay.CHANNELS) == pytest.approx(1)
    for width in (decay.width_photon, lambda m, n="dirac": decay.width_dilepton(m, "e", n)):
        assert float(width(mass, "majorana")) == pytest.approx(2 * float(width(mass)), abs=1e-300)


def test_unknown_channel_and_lepton():
    with pytest.raises(ValueError, match="eee"):
        decay.branching_ratio(0.1, "eee")
    with pytest.raises(ValueError, match="x"):
        decay.width_dilepton(0.1, "x")


def test_decay_length():
    # d = 1e-6 /GeV, m = 0.1 GeV: Gamma = 7.96e-17 GeV, c tau = 2.48 m, times p/m
    width = 1e-12 * decay.width_photon(0.1)
    assert float(decay.decay_length(0.5, 0.1, width)) == pytest.approx(12.398, rel=1e-3)
