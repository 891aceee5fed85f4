"""CLs of the profile likelihood with auxiliary data fixed or fluctuating, free of asymptotics.

The frequentist treatments of nuisance parameters, as alternatives to the average over priors that
limits are made with: rates are those of the conditional best fits to the data, and the auxiliary
measurements of the nuisance parameters are either kept as they were measured, or fluctuate from
experiment to experiment as in the toys of pyhf and of LHC experiments (arXiv:1007.1727, section 2).

Outcomes of all bins are enumerated; fluctuating auxiliary data are integrated over by a Sobol
sequence, with fewer points for less likely outcomes. Each point needs profile likelihood fits,
which makes this a tool for validation: a second per test, not a millisecond.
"""

import itertools
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, poisson, qmc

from hnlstat.errors import InferenceError
from hnlstat.inference.engines.profile import best_fit
from hnlstat.likelihood.histfactory import Data, Likelihoods
from hnlstat.likelihood.reader import Spec, read_likelihoods

FloatArray = NDArray[np.float64]
Treatment = Literal["fixed_auxiliary", "fluctuating_auxiliary"]

_TIE = 1e-6  # of q-tilde: a few times the error of the fits
_LEAST = 1e-7  # probability of outcomes that are looked at
_MOST_OUTCOMES = 20_000
_FEWEST_POINTS = 32
_BATCH = 20_000


def profile_cls(
    spec: Spec, treatment: Treatment, points: int = 1024, seed: int = 1
) -> tuple[float, float]:
    """Return CLs+b and CLb of the data for mu = 1, ordered by q-tilde of the profile likelihood.

    Parameters
    ----------
    spec
        A pyhf workspace with few expected events, whose nuisance parameters have normal auxiliary
        measurements.
    treatment
        What auxiliary data do in other experiments.
    points
        Auxiliary measurements drawn for the most likely outcome, a power of 2.
    seed
        Of the Sobol sequence.

    Raises
    ------
    InferenceError
        If the fits to the data do not converge, the outcomes are too many, or a nuisance parameter
        has a Poisson measurement.
    """
    one = read_likelihoods([spec])
    if np.any(one.scale > 0.0):
        raise InferenceError("auxiliary data must be normal; the workspace has shapesys modifiers")
    fits = [best_fit(one, one.data, strength=mu) for mu in (0.0, 1.0)]
    if not all(fit.converged.all() for fit in fits):
        raise InferenceError("the fits to the data do not converge")
    theta = np.concatenate([fit.parameters for fit in fits])
    rates = np.concatenate([one.expected(fit.parameters) for fit in fits])
    threshold = float(_q_tilde(one, one.data)[0]) - _TIE
    outcomes, probability = _outcomes(rates)
    if treatment == "fixed_auxiliary":
        auxiliary = np.repeat(one.data.auxiliary, len(outcomes), axis=0)
        extreme = _q_tilde(one, Data(outcomes, auxiliary)) >= threshold
        background, with_signal = probability @ extreme
        return float(with_signal), float(background)
    constrained = np.flatnonzero(one.precision[0] > 0.0)
    sequence = qmc.Sobol(constrained.size, seed=seed).random(points)
    width = one.precision[0, constrained] ** -0.5
    middle = theta.mean(axis=0)[constrained]
    # drawn between the hypotheses and weighted for each of them
    drawn = middle + width * norm.ppf(sequence)
    weights = np.exp(
        [
            ((center - middle) / width**2 * (drawn - 0.5 * (center + middle))).sum(axis=1)
            for center in theta[:, constrained]
        ]
    )
    share = probability.max(axis=0) / probability.max()
    sizes = 2 ** np.ceil(np.log2(np.clip(points * share, _FEWEST_POINTS, points))).astype(int)
    total = np.zeros(2)
    for size in np.unique(sizes).tolist():
        mine = np.flatnonzero(sizes == size)
        auxiliary = np.repeat(one.data.auxiliary, size, axis=0)
        auxiliary[:, constrained] = drawn[:size]
        counts = np.repeat(outcomes[mine], size, axis=0)
        data = Data(counts, np.tile(auxiliary, (mine.size, 1)))
        extreme = (_q_tilde(one, data) >= threshold).reshape(mine.size, size)
        part = weights[:, :size] / weights[:, :size].sum(axis=1, keepdims=True)
        total += (probability[:, mine] * (part @ extreme.T)).sum(axis=1)
    return float(total[1]), float(total[0])


def _q_tilde(one: Likelihoods, data: Data) -> FloatArray:
    """Return q-tilde of mu = 1 for many data sets of the same likelihood, shape (K,)."""
    parts = []
    for start in range(0, len(data.counts), _BATCH):
        chosen = np.arange(start, min(start + _BATCH, len(data.counts)))
        many = one.take(np.zeros(chosen.size, dtype=int))
        part = data.take(chosen)
        tested = best_fit(many, part, strength=1.0)
        free = best_fit(many, part, start=tested.parameters)
        q = 2.0 * (tested.nll - free.nll)
        parts.append(np.where(free.parameters[:, one.poi] > 1.0, 0.0, np.maximum(q, 0.0)))
    return np.concatenate(parts)


def _outcomes(rates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the counts (K, B) that matter and their probabilities (2, K) at two sets of rates."""
    most = poisson.isf(_LEAST, rates.max(axis=0)).astype(int) + 1
    if np.prod(most + 1.0) > _MOST_OUTCOMES:
        raise InferenceError(
            f"{np.prod(most + 1.0):.3g} outcomes are too many to fit one by one; "
            f"the limit is {_MOST_OUTCOMES}"
        )
    counts = np.array(list(itertools.product(*(range(n + 1) for n in most))), dtype=np.float64)
    probability = poisson.pmf(counts, rates[:, None, :]).prod(axis=2)
    kept = probability.max(axis=0) > _LEAST
    return counts[kept], probability[:, kept]
