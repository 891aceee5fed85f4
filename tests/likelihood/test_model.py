import numpy as np
import pytest

from hnlstat.errors import InferenceError
from hnlstat.likelihood.model import CountingModel

CHANNELS = ("nd280_fhc", "nd280_rhc")


def model(**changes):
    values = {"signal": [2.0, 1.0], "background": [0.563, 0.015], **changes}
    return CountingModel(CHANNELS, **values)


def test_uncertainties_default_to_zero_and_scalars_spread_over_channels():
    plain = model(background_modifiers=0.3)
    assert np.array_equal(plain.background_modifiers, [0.3, 0.3])
    assert np.array_equal(plain.mc_error, [0.0, 0.0])
    assert plain.observed is None


def test_arrays_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        model().signal[0] = 1.0


def test_covariance_is_the_sum_over_independent_sources():
    deltas = {"flux_fhc": [0.12, 0.0], "efficiency": [0.2, 0.2]}
    covariance = model(signal_modifiers=deltas, mc_error=[0.01, 0.02]).log_signal_covariance
    flux, common, mc = np.log(1.12), np.log(1.2), np.log1p([0.01, 0.02])
    expected = [[flux**2 + common**2 + mc[0] ** 2, common**2], [common**2, common**2 + mc[1] ** 2]]
    assert covariance == pytest.approx(np.array(expected), rel=1e-12)


def test_with_signal_keeps_or_replaces_uncertainties():
    given = model(signal_modifiers={"efficiency": [0.2, 0.2]}, mc_error=0.01)
    kept = given.with_signal([4.0, 2.0])
    assert np.array_equal(kept.signal, [4.0, 2.0])
    assert np.array_equal(kept.mc_error, given.mc_error)
    assert list(given.with_signal([1.0, 1.0], {}).signal_modifiers) == []


def test_without_uncertainties_keeps_rates_and_data():
    bare = model(
        observed=[1, 0], signal_modifiers={"efficiency": [0.2, 0.2]}, background_modifiers=1.0
    ).without_uncertainties()
    assert not bare.log_signal_covariance.any()
    assert not bare.background_modifiers.any()
    assert np.array_equal(bare.observed, [1.0, 0.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"background": [0.5, 0.0]}, "background of channel nd280_rhc is 0"),
        ({"background": [-0.5, 0.1]}, "background of channel nd280_fhc is -0.5"),
        ({"signal": [np.nan, 1.0]}, "signal of channel nd280_fhc is nan"),
        ({"signal": [1.0, -1.0]}, "signal of channel nd280_rhc is -1"),
        ({"signal": [1.0]}, r"signal has shape \(1,\)"),
        ({"observed": [0.0, np.inf]}, "observed of channel nd280_rhc is inf"),
        ({"signal_modifiers": {"flux_fhc": [-1.0, 0.0]}}, "flux_fhc of channel nd280_fhc is -1"),
        ({"background_modifiers": [-0.1, 0.0]}, "background_modifiers of channel nd280_fhc"),
    ],
)
def test_values_out_of_range_name_the_channel(changes, message):
    with pytest.raises(InferenceError, match=message):
        model(**changes)


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_channel_names_must_be_unique(names):
    with pytest.raises(InferenceError, match="unique"):
        CountingModel(names, signal=np.ones(len(names)), background=np.ones(len(names)))
