"""Kinematics and cross sections: limits, sum rules between the two forms, thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnlstat.physics import form_factors, kinematics, upscattering
from hnlstat.physics.constants import ALPHA, HBAR_C_SQUARED_GEV2_CM2
from hnlstat.physics.targets import target

energies = st.floats(0.05, 30.0)
masses = st.floats(0.002, 3.0)
names = st.sampled_from(["p", "n", "C12", "Si28", "F19", "Pb208"])


def printed_bracket(q2, energy, mass, m_t, spin_half):
    """B0(T) or B0 + D as the literature prints it, with its cancelling terms."""
    t = q2 / (2 * m_t)
    d = (mass**2 + 2 * m_t * t) * (mass**2 - m_t * t) / (8 * m_t**2 * energy**2 * t)
    b = (
        1 / t
        - 1 / energy
        + mass**2 * (t - 2 * energy - m_t) / (4 * energy**2 * t * m_t)
        + mass**4 * (t - m_t) / (8 * energy**2 * t**2 * m_t**2)
    )
    return b if spin_half else b - d


@given(energies, masses, names, st.floats(0.05, 0.95))
def test_differential_cross_section_is_the_printed_formula(energy, mass, name, where):
    found = target(name)
    if energy <= 1.01 * kinematics.threshold_energy(mass, found.mass):
        return
    low, high = kinematics.q2_limits(energy, mass, found.mass)
    q2 = float(low ** (1 - where) * high**where)
    b0 = printed_bracket(q2, energy, mass, found.mass, spin_half=False)
    d = printed_bracket(q2, energy, mass, found.mass, spin_half=True) - b0
    if found.is_nucleon:
        g_e, g_m = form_factors.nucleon_sachs(q2, found)
        tau = q2 / (4 * found.mass**2)
        strength = (g_e**2 + tau * g_m**2) / (1 + tau) * b0 + g_m**2 * d
    else:
        f = form_factors.nuclear_charge(np.sqrt(q2), found)
        strength = found.charge**2 * f**2 * b0
    expected = 4 * ALPHA * HBAR_C_SQUARED_GEV2_CM2 * strength / (2 * found.mass)
    # the printed form cancels between terms of size 1/T
    slack = 1e-9 * 4 * ALPHA * HBAR_C_SQUARED_GEV2_CM2 * max(found.charge, 2) ** 2 / q2
    got = upscattering.differential_cross_section(q2, energy, mass, name)
    assert got == pytest.approx(max(expected, 0.0), rel=1e-6, abs=slack + 1e-60)


@given(energies, masses, names)
def test_q2_limits_are_forward_and_backward_in_the_centre_of_mass(energy, mass, name):
    m_t = target(name).mass
    low, high = kinematics.q2_limits(energy, mass, m_t)
    s = m_t**2 + 2 * m_t * energy
    if energy <= kinematics.threshold_energy(mass, m_t):
        assert np.isnan(low)
        assert np.isnan(high)
        return
    assert 0 < low <= high
    # sum and product of the limits: 4 E1 E3 - 2 m^2 and m^4 M^2 / s
    e1, e3 = (s - m_t**2) / (2 * np.sqrt(s)), (s + mass**2 - m_t**2) / (2 * np.sqrt(s))
    assert low + high == pytest.approx(4 * e1 * e3 - 2 * mass**2, rel=1e-6)
    assert low * high == pytest.approx(mass**4 * m_t**2 / s, rel=1e-9)


@given(energies, masses, names, st.floats(0.5, 0.9999))
def test_angle_and_q2_are_inverse(energy, mass, name, cosine):
    m_t = target(name).mass
    low, high = kinematics.q2_limits(energy, mass, m_t)
    for q2 in kinematics.q2_at_angle(cosine, energy, mass, m_t):
        if np.isfinite(q2) and np.isfinite(low) and low * 1.001 < q2 < high * 0.999:
            momentum = kinematics.momentum(q2, energy, mass, m_t)
            if momentum > 1e-3 * energy:
                assert kinematics.cos_theta(q2, energy, mass, m_t) == pytest.approx(
                    cosine, abs=1e-6
                )


@given(energies, masses, names, st.floats(0.001, 0.999))
def test_energy_and_momentum_are_conserved(energy, mass, name, where):
    m_t = target(name).mass
    low, high = kinematics.q2_limits(energy, mass, m_t)
    if not np.isfinite(low):
        return
    q2 = float(low + where * (high - low))
    p = float(kinematics.momentum(q2, energy, mass, m_t))
    cosine = float(kinematics.cos_theta(q2, energy, mass, m_t))
    recoil = q2 / (2 * m_t)
    # |k - p|^2 of the recoiling target from momenta equals that from its energy
    from_momenta = energy**2 + p**2 - 2 * energy * p * cosine
    assert from_momenta == pytest.approx(recoil**2 + 2 * m_t * recoil, rel=1e-6, abs=1e-9)


def test_below_threshold_and_broadcasting():
    sigma = upscattering.total_cross_section(np.array([[0.2], [1.0], [5.0]]), [0.1, 0.5], "C12")
    assert sigma.shape == (3, 2)
    assert sigma[0, 1] == 0
    assert np.all(sigma[1:] > 0)
    assert upscattering.differential_cross_section(1e-30, 1.0, 0.1, "C12") == 0
    with pytest.raises(ValueError, match="Xx99"):
        upscattering.total_cross_section(1.0, 0.1, "Xx99")


def test_hydrogen_is_the_proton():
    args = 1.3, 0.2
    assert upscattering.total_cross_section(*args, "H1") == upscattering.total_cross_section(
        *args, "p"
    )


@pytest.mark.parametrize("name", ["C12", "p", "n", "Pb208"])
def test_total_is_the_integral_of_the_differential(name):
    energy, mass = 1.7, 0.3
    low, high = kinematics.q2_limits(energy, mass, target(name).mass)
    q2 = np.geomspace(low, high, 200_001)
    values = upscattering.differential_cross_section(q2, energy, mass, name)
    total = upscattering.total_cross_section(energy, mass, name)
    assert np.trapezoid(values, q2) == pytest.approx(float(total), rel=1e-6)


def test_light_n_on_a_point_charge_at_high_energy_grows_logarithmically():
    # for T << E the bracket is (1 - Q2min/Q2)/Q2, whose integral to q2 is ln(q2/Q2min) - 1
    energy, mass, q2_cut = 50.0, 0.01, 1e-9
    low, _ = kinematics.q2_limits(energy, mass, target("C12").mass)
    q2 = np.geomspace(low, q2_cut, 20_001)
    got = np.trapezoid(upscattering.differential_cross_section(q2, energy, mass, "C12"), q2)
    expected = 4 * ALPHA * HBAR_C_SQUARED_GEV2_CM2 * 36 * (np.log(q2_cut / low) - 1)
    assert got == pytest.approx(float(expected), rel=2e-3)


@pytest.mark.parametrize("name", ["C12", "O16", "Pb208", "F19", "N14", "Cl35"])
def test_nuclear_form_factor_is_smooth_and_normalised(name):
    q = np.linspace(0, 1.0, 20_001)
    f = form_factors.nuclear_charge(q, target(name))
    assert f[0] == pytest.approx(1, abs=1e-9)
    assert np.all(np.abs(f) <= 1 + 1e-12)
    # no spikes at the removable singularities: second differences stay small
    assert np.max(np.abs(np.diff(f, 2))) < 1e-5


@pytest.mark.parametrize(("name", "radius"), [("C12", 2.47), ("O16", 2.71), ("Pb208", 5.50)])
def test_charge_radius(name, radius):
    # F = 1 - q^2 <r^2> / 6; measured rms charge radii in fm (I. Angeli, K. Marinova, 2013)
    q = 0.02
    f = float(form_factors.nuclear_charge(q * 0.1973269804, target(name)))
    assert np.sqrt(6 * (1 - f)) / q == pytest.approx(radius, rel=0.01)


def test_a_larger_proton_has_a_smaller_dipole_mass(monkeypatch):
    q2 = np.geomspace(1e-4, 1.0, 7)
    proton = target("p")
    scaled = upscattering.reduced_cross_section(q2, 2.0, 0.1, proton, radius_scale=1.1)
    smaller = form_factors.DIPOLE_MASS_SQUARED / 1.1**2
    monkeypatch.setattr(form_factors, "DIPOLE_MASS_SQUARED", smaller)
    assert scaled == pytest.approx(upscattering.reduced_cross_section(q2, 2.0, 0.1, proton))


def test_nucleon_form_factors_at_rest_and_pauli_limits():
    assert form_factors.nucleon_sachs(0.0, target("p")) == pytest.approx((1, 2.793))
    assert form_factors.nucleon_sachs(0.0, target("n")) == pytest.approx((0, -1.913))
    q = np.array([0.0, 0.01, 0.22, 0.44, 1.0])
    share = form_factors.pauli_suppression(q, 0.22)
    assert share[[0, 3, 4]] == pytest.approx([0, 1, 1])
    assert share[1] == pytest.approx(0.75 * 0.01 / 0.22, rel=1e-3)
    assert np.all(np.diff(share) >= 0)
