import numpy as np
import pytest

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood.model import CountingModel

COUPLINGS = np.geomspace(1e-8, 1e-3, 75)


def curve(d):
    """Signal that rises with d^4 and dies by early decays."""
    return 8.0 * (d / 1e-7) ** 4 * np.exp(-((d / 4e-7) ** 2))


def test_a_power_law_is_exact():
    yields = CouplingYields.build(COUPLINGS, (COUPLINGS[:, None] / 1e-6) ** 4)
    between = np.array([3.3e-8, 7.7e-6])
    assert yields.signal(np.log(between))[:, 0] == pytest.approx((between / 1e-6) ** 4, rel=1e-9)


def test_the_turn_over_is_followed():
    yields = CouplingYields.build(COUPLINGS, curve(COUPLINGS)[:, None])
    d = np.geomspace(3e-8, 1.2e-6, 200)
    # spline error of h^4/384 times the fourth derivative 16 (d/d0)^2 of the exponent: 3e-4 here
    assert yields.signal(np.log(d))[:, 0] == pytest.approx(curve(d), rel=5e-3)


def test_no_signal_at_the_ends_stays_none():
    signal = np.stack([curve(COUPLINGS), np.zeros(75)], axis=1)
    signal[:10] = 0.0
    yields = CouplingYields.build(COUPLINGS, signal)
    ends = yields.signal(np.log([1e-8, 1e-3]))
    assert not ends.any()
    assert not yields.signal(np.log([1e-7]))[:, 1].any()


def test_the_model_at_a_coupling_has_interpolated_uncertainties():
    signal = np.stack([curve(COUPLINGS)] * 2, axis=1)
    rock = np.stack([np.linspace(0.0, 0.1, 75)] * 2, axis=1)
    yields = CouplingYields.build(COUPLINGS, signal, {"rock_density": rock}, 0.01)
    experiment = CountingModel(("a", "b"), np.zeros(2), np.ones(2), np.zeros(2))
    middle = 0.5 * np.log(COUPLINGS[12] * COUPLINGS[13])
    model = yields.model(experiment, middle)
    expected = 0.5 * (rock[12] + rock[13])
    assert model.signal_modifiers["rock_density"] == pytest.approx(expected, rel=1e-12)
    assert model.mc_error == pytest.approx(np.full(2, 0.01))
    assert np.array_equal(model.observed, [0.0, 0.0])


def test_uncertainties_without_signal_may_be_undefined():
    signal = curve(COUPLINGS)[:, None].copy()
    error = np.full((75, 1), 0.01)
    signal[-20:], error[-20:] = 0.0, np.nan
    yields = CouplingYields.build(COUPLINGS, signal, mc_error=error)
    experiment = CountingModel(("a",), np.zeros(1), np.ones(1))
    assert yields.model(experiment, np.log(9e-4)).signal == 0.0


@pytest.mark.parametrize(
    ("couplings", "signal", "message"),
    [
        (COUPLINGS[::-1], np.ones((75, 1)), "rising order"),
        (COUPLINGS[:3], np.ones((3, 1)), "at least 4"),
        (COUPLINGS, np.ones((74, 1)), "signal has shape"),
        (COUPLINGS, np.full((75, 1), np.nan), "at coupling 1e-08"),
        (COUPLINGS, np.full((75, 1), -1.0), "-1 events"),
    ],
)
def test_tables_that_cannot_be_used_are_named(couplings, signal, message):
    with pytest.raises(InferenceError, match=message):
        CouplingYields.build(couplings, signal)
