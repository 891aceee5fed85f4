"""Likelihoods of a signal over backgrounds that channels have of their own, these integrated.

The background counts j of a channel with one bin have a known distribution h, its rate averaged
over: of a signal s the likelihood of n events is sum_j h(j) Poisson(n - j; s), a function of s
alone. What is left to integrate is the signal's uncertainty, in directions that matter: a few.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from hnlstat.inference.counting.marginal import poisson_pmf
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_MOST_COUNT = 300
_REACH, _FURTHEST = 8.0, 37.0  # sigma, and where data are far above a background
_STEP = 0.02  # of ln(signal)
_LEAST_SIGNAL, _LEAST = 1e-9, 1e-300
_LARGE = 500.0  # signal events; exp(-500) still is a number
_NO_SHIFT = 1e-5  # of ln(signal)


def holds(experiment: CountingModel, counts: FloatArray) -> bool:
    """Tell whether backgrounds are each channel's own, and outcomes (C, M) are few whole events."""
    single = len(experiment.members) == len(experiment.channels)
    whole = bool(np.all(counts == np.rint(counts)) and counts.max() <= _MOST_COUNT)
    return single and whole and not experiment.background_components


def log_likelihoods(
    signal: FloatArray, experiment: CountingModel, counts: FloatArray
) -> FloatArray:
    """Return ln(likelihood) of outcomes (C, M) for signals (C, P), without n!, shape (M, P)."""
    found = np.broadcast_to(-signal.sum(axis=0), (counts.shape[1], signal.shape[1])).copy()
    errors = experiment.background_modifiers.tolist()
    for i, (b, error) in enumerate(zip(experiment.background.tolist(), errors, strict=True)):
        seen, which = np.unique(counts[i].astype(np.intp), return_inverse=True)
        whole = np.log(np.maximum(signal[i], _LEAST_SIGNAL))
        u = np.minimum(whole, np.log(_LARGE))
        grid = np.linspace(u.min(), u.max(), int((u.max() - u.min()) / _STEP) + 2)
        s = np.exp(grid)
        table = np.log(np.maximum(_chances(seen, b, error) @ poisson_pmf(seen[-1] + 1, s), _LEAST))
        table += s + gammaln(seen + 1.0)[:, None]
        place = (u - u.min()) / max(float(grid[1] - grid[0]), _LEAST)
        at = np.minimum(place.astype(np.intp), grid.size - 2)
        share = place - at
        bend = np.diff(np.pad(table, ((0, 0), (1, 1)), mode="edge"), 2)
        bend[:, [0, -1]] = 0.0
        curved = 0.5 * share * (1.0 - share)
        beyond = whole - u  # there all events are the signal's
        for k, row in enumerate(table):  # one by one they stay in the processor's cache
            logs = (1.0 - share) * row[at] + share * row[at + 1]
            logs += seen[k] * beyond - curved * bend[k, at]
            for m in np.flatnonzero(which == k).tolist():
                found[m] += logs
    return found


def rotated(signal: FloatArray, shifts: FloatArray) -> FloatArray:
    """Return shifts (G, C, S) by parameters that matter, the most important first, (G, C, D).

    Parameters
    ----------
    signal
        Events, shape (G, C): these tell what matters most.
    """
    if not shifts.shape[2]:
        return shifts
    weighted = np.minimum(signal, 1.0)[:, :, None] * shifts
    weighted = np.concatenate([weighted.sum(axis=1), weighted.reshape(-1, shifts.shape[2])])
    _, vectors = np.linalg.eigh(weighted.T @ weighted)
    turned = shifts @ vectors[:, ::-1]
    return np.asarray(turned[:, :, np.abs(turned).max(axis=(0, 1)) > _NO_SHIFT])


def _chances(seen: NDArray[np.intp], background: float, error: float) -> FloatArray:
    """Return P of n - k background counts for n seen and k of the signal, shape (seen, N)."""
    most = int(seen[-1])
    left = seen[:, None] - np.arange(most + 1)
    return np.where(left >= 0, _counts(most, background, error)[np.maximum(left, 0)], 0.0)


@lru_cache(maxsize=64)
def _counts(most: int, background: float, error: float) -> FloatArray:
    """Return P of 0, 1, ..., most background counts, the rate averaged over."""
    width, z = np.log1p(error), np.zeros(1)
    if width > 0.0:
        step = min(0.25, 0.5 / np.sqrt(1.0 + most * width**2))
        # as far up as the background alone makes the data
        up = np.log((most + 1.0) / max(background, _LEAST)) / width + 2.0
        z = np.arange(-_REACH, np.clip(up, _REACH, _FURTHEST) + step, step)
    share = np.exp(-0.5 * z**2)
    rates = background * np.exp(width * z)
    return np.asarray(poisson_pmf(most + 1, rates) @ (share / share.sum()))
