"""Quantiles of Poisson counts, without scipy.stats, which takes half a second to load."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import pdtr, pdtrik


def likely_counts(tail: float, rate: ArrayLike) -> NDArray[np.float64]:
    """
    Return the counts that are exceeded with no more than a probability (`scipy.stats.poisson.isf`).

    Parameters
    ----------
    tail
        The probability, between 0 and 1.
    rate
        Expected counts.
    """
    counts = np.ceil(pdtrik(1.0 - tail, rate))
    fewer = np.maximum(counts - 1.0, 0.0)  # the inverse may be above a whole number by rounding
    return np.asarray(np.where(pdtr(fewer, rate) >= 1.0 - tail, fewer, counts))
