"""Clock of the decay kinematics: events per second, in `extra_info`."""

import numpy as np

from hnlstat.physics.decay_kinematics import DILEPTON_DIMENSIONS, decay_to_dilepton

EVENTS = 200_000


def test_electron_pairs(benchmark):
    rng = np.random.default_rng(1)
    momenta = rng.normal((0, 0, 2), (0.02, 0.02, 1), (EVENTS, 3))

    def run():
        points = rng.random((EVENTS, DILEPTON_DIMENSIONS))
        return decay_to_dilepton(points, momenta, 0.3, 1.0)

    event = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    assert event.plus.shape == (EVENTS, 4)
    if benchmark.enabled:
        benchmark.extra_info["events_per_second"] = EVENTS / benchmark.stats.stats.median
