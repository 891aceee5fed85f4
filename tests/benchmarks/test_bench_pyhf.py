"""Asymptotic CLs of random models together, against pyhf one by one: agreement and time.

pyhf's fits stop within some 1e-6 of their minima, which moves CLs by more than 1e-5 here and there.
Such models are fitted again in pyhf by two optimisers with tight tolerances, each from pyhf's own
start and again from where it stopped; of each fit the one with the smaller -2 ln L counts.
"""

import time

import numpy as np
import pyhf
import pytest
from scipy.stats import norm

from hnlstat.inference.engines.asymptotic import asymptotic_tests
from hnlstat.inference.results import BANDS

AGREEMENT = 1e-5
TIMED, GRID = 50, 400  # models that are clocked, with so many signals each, as points of a grid
TIGHT = (
    pyhf.optimize.scipy_optimizer(tolerance=1e-15, maxiter=100_000),
    pyhf.optimize.minuit_optimizer(tolerance=1e-8, strategy=2, maxiter=1_000_000),
)


def scaled(spec, factor):
    """Return the workspace with its signal and the signal's statistical errors scaled."""
    channels = []
    for channel in spec["channels"]:
        signal, background = channel["samples"]
        modifiers = [
            {**m, "data": [factor * error for error in m["data"]]}
            if m["type"] == "staterror"
            else m
            for m in signal["modifiers"]
        ]
        data = [factor * events for events in signal["data"]]
        signal = {**signal, "data": data, "modifiers": modifiers}
        channels.append({**channel, "samples": [signal, background]})
    return {**spec, "channels": channels}


def in_pyhf(spec):
    """Return pyhf's model and data of a workspace."""
    model = pyhf.Model({"channels": spec["channels"]}, poi_name="mu", validate=False)
    counts = [n for entry in spec["observations"] for n in entry["data"]]
    return model, counts + model.config.auxdata


def best_fit(model, data, strength):
    """Return the smallest -2 ln L that pyhf finds, and its parameters."""
    found = []
    for optimizer in TIGHT:
        pyhf.set_backend("numpy", optimizer)
        start = None
        for _ in range(2):
            options = {"init_pars": start, "return_fitted_val": True}
            try:
                if strength is None:
                    fitted = pyhf.infer.mle.fit(data, model, **options)
                else:
                    fitted = pyhf.infer.mle.fixed_poi_fit(strength, data, model, **options)
            except pyhf.exceptions.FailedMinimization:
                break
            start = np.asarray(fitted[0]).tolist()
            found.append((float(fitted[1]), start))
    pyhf.set_backend("numpy", "scipy")
    return min(found)


def refined(spec):
    """Return CLs observed and expected (6,) of mu = 1 by arXiv:1007.1727 from pyhf's best fits."""
    model, data = in_pyhf(spec)
    background, tested, free = (best_fit(model, data, mu) for mu in (0.0, 1.0, None))
    q = 0.0 if free[1][model.config.poi_index] > 1.0 else max(tested[0] - free[0], 0.0)
    asimov = np.asarray(model.expected_data(background[1])).tolist()
    q_asimov = best_fit(model, asimov, 1.0)[0] + 2.0 * float(model.logpdf(background[1], asimov)[0])
    root, width = np.sqrt([q, q_asimov])
    below = root - width if root <= width else (q - q_asimov) / (2.0 * width)
    bands = np.array(BANDS[::-1])
    falling = np.concatenate([[below], bands])
    return norm.sf(falling + width) / norm.sf(falling)


@pytest.mark.benchmark(timer=time.process_time)
def test_random_models_against_pyhf(benchmark, random_workspace):
    number = 500 if benchmark.enabled else 12
    rng = np.random.default_rng(2026)
    specs = [
        random_workspace(rng, int(rng.integers(1, 11)), int(rng.integers(2, 9)))
        for _ in range(number)
    ]
    factors = np.geomspace(0.1, 3.0, GRID if benchmark.enabled else 2).tolist()
    grid = [scaled(spec, factor) for spec in specs[:TIMED] for factor in factors]
    assert not benchmark.pedantic(asymptotic_tests, (grid,), rounds=1).failures
    tests = asymptotic_tests(specs)
    assert not tests.failures
    ours = np.column_stack([tests.cls, tests.cls_expected])

    spent, theirs = [], []
    for spec in specs:
        start = time.process_time()
        model, data = in_pyhf(spec)
        observed, expected = pyhf.infer.hypotest(
            1.0, data, model, test_stat="qtilde", return_expected_set=True
        )
        theirs.append([float(observed), *map(float, expected)])
        spent.append(time.process_time() - start)

    off = np.abs(ours - theirs).max(axis=1)
    doubtful = np.flatnonzero(off > AGREEMENT)
    refined_off = [float(np.abs(ours[i] - refined(specs[i])).max()) for i in doubtful]
    assert max(refined_off, default=0.0) < AGREEMENT
    if benchmark.enabled:
        per_point = benchmark.stats["min"] / len(grid)
        benchmark.extra_info.update(
            models=number,
            by_pyhf=int(tests.by_pyhf.sum()),
            within_at_once=int(number - doubtful.size),
            largest_at_once=float(off.max()),
            largest_refined=max(refined_off, default=0.0),
            ours_ms_per_point=1e3 * per_point,
            pyhf_ms_per_point=1e3 * np.mean(spent[:TIMED]),
            times_faster=np.mean(spent[:TIMED]) / per_point,
        )


@pytest.fixture(autouse=True)
def _usual_backend():
    yield
    pyhf.set_backend("numpy", "scipy")
