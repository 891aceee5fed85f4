import numpy as np
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.fit.surface import YieldSurface

MASSES, COUPLINGS = np.geomspace(0.05, 0.8, 9), np.geomspace(1e-8, 1e-5, 13)
M, D = np.meshgrid(MASSES, COUPLINGS, indexing="ij")


def build(signal, **modifiers):
    shape = signal.shape
    full = {name: np.full(shape, value) for name, value in modifiers.items()}
    return YieldSurface.build(MASSES, COUPLINGS, signal, full, np.full(shape, 0.02))


def test_powers_of_mass_and_coupling_are_followed_exactly():
    signal = np.stack([1e3 * (D / 1e-6) ** 4 * M**2, 5e4 * (D / 1e-6) ** 2 / M], axis=-1)
    surface = build(np.maximum(signal, 0.0))
    x, y = np.log([0.07, 0.3, 0.61]), np.log([4e-7, 1.3e-6, 7e-6])
    m, d = np.exp(x), np.exp(y)
    expected = np.stack([1e3 * (d / 1e-6) ** 4 * m**2, 5e4 * (d / 1e-6) ** 2 / m], axis=-1)
    # the floor of 1e-4 events bends the first one at small couplings
    assert surface.events(x, y) == pytest.approx(expected, rel=1e-3)


def test_no_signal_beyond_a_mass_stays_none():
    signal = np.where(M < 0.3, 1e3 * (D / 1e-6) ** 4, 0.0)[..., None]
    surface = build(signal)
    assert surface.events(np.log(0.7), np.log(1e-6))[0, 0] < 0.05
    # two points before the end, the spline's ringing is a few per cent
    assert surface.events(np.log(MASSES[3]), np.log(1e-6))[0, 0] == pytest.approx(1e3, rel=0.01)


def test_uncertainties_come_as_shifts_of_the_logarithm():
    surface = build(np.ones((9, 13, 2)), flux=0.12, efficiency=0.2)
    assert surface.modifiers == ("flux", "efficiency")
    shifts = surface.shifts(np.log([0.1, 0.4]), np.log([1e-7, 1e-6]))
    expected = np.log1p([0.12, 0.2, 0.02])
    assert shifts == pytest.approx(np.broadcast_to(expected, (2, 2, 3)), rel=1e-9)


def test_bad_tables_are_named():
    signal = np.ones((9, 13, 1))
    signal[2, 3, 0] = np.nan
    with pytest.raises(InferenceError, match="in channel number 0 is nan events"):
        build(signal)
    with pytest.raises(InferenceError, match="at least 4 masses and 4 couplings, the grid has 3"):
        YieldSurface.build(MASSES[:3], COUPLINGS, signal[:3], {}, signal[:3])
