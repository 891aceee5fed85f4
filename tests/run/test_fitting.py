"""What a fit says besides its parameters."""

from types import SimpleNamespace

import numpy as np
import pytest

from hnlstat.run.fitting import share_from_rock
from hnlstat.search.table import YieldTable
from hnlstat.studies import load

MASSES, COUPLINGS = np.array([0.1, 0.2, 0.4]), np.array([1e-7, 1e-6])


def table(share, size=0.1):
    """Bins of 3 and 1 events; of the first a share (M, D) was made in rock, none of the other."""
    events = np.broadcast_to([3.0, 1.0], (3, 2, 2))
    change = np.stack([size * share, np.zeros_like(share)], axis=-1)
    two = dict.fromkeys(("dataset", "mode", "volume", "channel"), ("a", "a"))
    return YieldTable(
        MASSES, COUPLINGS, **two, bin=(0, 1), decays=events, events=events, mc_error=0 * events,
        modifiers={"rock_density": change},
    )  # fmt: skip


def best(mass, coupling):
    return {"mass": SimpleNamespace(value=mass), "coupling": SimpleNamespace(value=coupling)}


def test_share_of_n_from_rock_is_of_all_events_and_linear_between_the_points():
    study = load(["systematics.rock_density=0.1"])
    share = np.array([[1.0, 1.0], [0.5, 0.0], [0.0, 0.0]])
    for (mass, coupling), expected in (
        ((0.1, 1e-7), 0.75),
        ((0.2, 1e-7), 0.375),
        ((0.2, np.sqrt(1e-13)), 0.1875),
        ((np.sqrt(0.02), 1e-7), 0.5625),
        ((0.4, 1e-6), 0.0),
    ):
        assert share_from_rock(study, table(share), best(mass, coupling)) == pytest.approx(expected)


def test_without_an_uncertainty_of_the_rock_it_is_not_known():
    study = load(["systematics=none"])
    assert share_from_rock(study, table(np.ones((3, 2))), best(0.2, 1e-6)) is None
