import dataclasses

import numpy as np
import pytest

from hnlstat.search.table import YieldTable

MASSES, COUPLINGS = np.array([0.1, 0.2]), np.array([1e-7, 1e-6, 1e-5])


def make_table(bins=(0, 0, 0)):
    generator = np.random.default_rng(2)
    decays, events, mc_error = generator.exponential(size=(3, 2, 3, 3))
    return YieldTable(
        MASSES,
        COUPLINGS,
        dataset=("b", "b", "a"),
        mode=("fhc", "fhc", "rhc"),
        volume=("tpc1", "tpc2", "tpc1"),
        channel=("b_fhc", "b_fhc", "a_rhc"),
        bin=bins,
        decays=decays,
        events=events,
        mc_error=mc_error,
        modifiers={"flux": generator.normal(0, 0.1, size=(2, 3, 3))},
    )


def test_channels_keep_the_order_of_the_rows():
    assert make_table().channels() == ("b_fhc", "a_rhc")


def test_volumes_of_a_channel_are_summed():
    table = make_table()
    channels = table.by_channel()
    assert channels.channel == ("b_fhc", "a_rhc")
    assert channels.signal.shape == (2, 3, 2)
    np.testing.assert_allclose(channels.signal[..., 0], table.events[..., :2].sum(axis=-1))
    np.testing.assert_allclose(
        channels.mc_error[..., 0], np.hypot(table.mc_error[..., 0], table.mc_error[..., 1])
    )
    np.testing.assert_allclose(channels.mc_error[..., 1], table.mc_error[..., 2])


def test_modifiers_shift_the_sum_as_they_shift_its_parts():
    table = make_table()
    channels = table.by_channel()
    shifted = (table.events * (1 + table.modifiers["flux"]))[..., :2].sum(axis=-1)
    np.testing.assert_allclose(
        channels.signal[..., 0] * (1 + channels.modifiers["flux"][..., 0]), shifted
    )


def test_modifiers_without_events_are_averaged_plainly():
    table = make_table()
    empty = dataclasses.replace(table, events=np.zeros_like(table.events))
    np.testing.assert_allclose(
        empty.by_channel().modifiers["flux"][..., 0], table.modifiers["flux"][..., :2].mean(axis=-1)
    )


def test_bins_of_a_channel_stay_apart():
    channels = make_table(bins=(1, 0, 0)).by_channel()
    assert list(zip(channels.channel, channels.bin, strict=True)) == [
        ("b_fhc", 0),
        ("b_fhc", 1),
        ("a_rhc", 0),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"masses": MASSES[::-1]}, "masses must be"),
        ({"couplings": np.ones(3)}, "couplings must be"),
        ({"volume": ("tpc1",)}, "volume must have 3 entries"),
        ({"events": np.zeros((2, 3, 2))}, "events has shape"),
        ({"modifiers": {"flux": np.zeros(3)}}, "flux has shape"),
    ],
)
def test_what_does_not_fit_is_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        dataclasses.replace(make_table(), **change)


def test_precision_is_that_of_the_dataset_with_modes_of_a_volume_correlated():
    events = np.full((1, 1, 4), 10.0)
    error = np.array([[[0.3, 0.4, 0.1, 0.2]]])
    table = YieldTable(
        np.array([0.1]), np.array([1e-6]), ("a", "a", "a", "b"), ("fhc", "fhc", "rhc", "fhc"),
        ("one", "two", "one", "one"), ("a_fhc", "a_fhc", "a_rhc", "b_fhc"), (0,) * 4,
        events, events, error, {}, np.array([[True, True, True, False]]),
    )  # fmt: skip
    assert table.precision()[0, 0] == pytest.approx([np.hypot(0.4, 0.4) / 30] * 3 + [0.02])
    with pytest.raises(ValueError, match="interpolated has shape"):
        dataclasses.replace(table, interpolated=np.zeros((2, 4), bool))
