"""The test statistics of a counting experiment, for many outcomes at once.

With the nuisance parameters at their nominal values the likelihood of mu is
prod_i Poisson(n_i; mu s_i + b_i). The statistics are those of Cowan et al., arXiv:1007.1727,
equations 16 (q-tilde, here always for mu = 1) and 12 (q0), both with mu-hat >= 0.

Only products of signal and mu count: the fits are made for a signal of one event, so that no signal
is too small for them. Both statistics are monotone in each n_i, because by the envelope theorem
d q-tilde / d n_i = 2 ln[(mu-hat s_i + b_i) / (s_i + b_i)] <= 0 and
d q0 / d n_i = 2 ln[(mu-hat s_i + b_i) / b_i] >= 0.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

FloatArray = NDArray[np.float64]

_MAX_STEPS = 60
_STEP_TOLERANCE = 1e-7  # the error left is its square, and that of the statistics its fourth power


def best_fit_strength(
    counts: FloatArray, signal: FloatArray, background: FloatArray, upper: float = np.inf
) -> FloatArray:
    """Return the signal strength mu-hat in [0, `upper`] that maximises the likelihood.

    The likelihood equation F(mu) = sum_i n_i s_i / (mu s_i + b_i) = sum_i s_i is solved as
    1/F(mu) = 1/sum_i s_i: 1/F is concave and rises, so Newton steps from mu = 0 approach the root
    from below and never need a safeguard; with one channel the first step is exact.

    Parameters
    ----------
    counts
        Outcomes, shape (C, M); fractional counts (Asimov data) are allowed.
    signal, background
        Expected events, shape (C,); background > 0.
    upper
        Outcomes whose maximum lies above get this value.

    Returns
    -------
    ndarray
        mu-hat, shape (M,).
    """
    total = signal.sum()
    strength = np.zeros(counts.shape[1])
    if total == 0.0:
        return strength
    open_ = (signal / background) @ counts > total
    if np.isfinite(upper):
        above = (signal / (upper * signal + background)) @ counts >= total
        strength[above] = upper
        open_ &= ~above
    acting = signal > 1e-200 * total  # by others no fit is moved
    n, offset = counts[np.ix_(acting, open_)], (background[acting] / signal[acting])[:, None]
    mu = np.zeros(n.shape[1])
    for _ in range(_MAX_STEPS):
        rate = mu + offset
        slope = n / rate
        value = slope.sum(axis=0)
        slope /= rate
        step = value * (value / total - 1.0) / slope.sum(axis=0)
        mu += step
        if np.all(np.abs(step) <= _STEP_TOLERANCE * (1.0 + mu)):
            break
    strength[open_] = np.clip(mu, 0.0, upper)
    return strength


def q_tilde(counts: FloatArray, signal: FloatArray, background: FloatArray) -> FloatArray:
    """Return q-tilde of mu = 1, shape (M,): large where data have less than signal + background.

    Parameters as in `best_fit_strength`.
    """
    total = signal.sum()
    shares = signal / (total or 1.0)
    events = best_fit_strength(counts, shares, background, upper=total)
    fitted = np.outer(shares, events) + background[:, None]
    log_ratio = xlogy(counts, fitted / (signal + background)[:, None]).sum(axis=0)
    statistic: FloatArray = np.maximum(2.0 * (log_ratio + (total - events)), 0.0)
    return statistic


def q_zero(counts: FloatArray, signal: FloatArray, background: FloatArray) -> FloatArray:
    """Return q0, shape (M,): large where data have more than the background.

    Parameters as in `best_fit_strength`.
    """
    shares = signal / (signal.sum() or 1.0)
    events = best_fit_strength(counts, shares, background)
    fitted = np.outer(shares, events) + background[:, None]
    log_ratio = xlogy(counts, fitted / background[:, None]).sum(axis=0)
    statistic: FloatArray = np.maximum(2.0 * (log_ratio - events), 0.0)
    return statistic


def asimov_significance(signal: FloatArray, background: FloatArray, discovery: bool) -> FloatArray:
    """Return the median significance without uncertainties, from Asimov data.

    Parameters
    ----------
    signal, background
        Expected events, shapes (..., C) and (C,).
    discovery
        True for discovery of background + signal (arXiv:1007.1727, equation 97 summed over
        channels), False for exclusion with background-only data.

    Returns
    -------
    ndarray
        Standard deviations, shape (...).
    """
    ratio = signal / background
    exclusion = background * _log1p_deficit(ratio)
    q = signal * np.log1p(ratio) - exclusion if discovery else exclusion
    significance: FloatArray = np.sqrt(np.maximum(2.0 * q.sum(axis=-1), 0.0))
    return significance


def _log1p_deficit(x: FloatArray) -> FloatArray:
    """Return x - ln(1 + x), without cancellation where x is small."""
    small = np.minimum(x, 1e-4)
    series = small**2 * (1 / 2 - small * (1 / 3 - small * (1 / 4 - small / 5)))
    return np.where(x > 1e-4, x - np.log1p(x), series)


def discovery_significance(
    signal: FloatArray, background: FloatArray, background_error: FloatArray
) -> FloatArray:
    """Return about the median significance of a discovery over uncertain backgrounds.

    That of Asimov data, each background measured apart: G. Cowan, "Discovery sensitivity for a
    counting experiment with background uncertainty" (2012), equation 20, summed over channels.

    Parameters
    ----------
    signal, background
        Expected events, shapes (..., C) and (C,).
    background_error
        Relative uncertainties, shape (C,); 0 for none.

    Returns
    -------
    ndarray
        Standard deviations, shape (...).
    """
    total = signal + background
    variance = np.maximum(background_error * background, 1e-6 * background) ** 2
    spread = background + variance
    known = total * np.log(total * spread / (background**2 + total * variance))
    measured = background**2 / variance * np.log1p(variance * signal / (background * spread))
    significance: FloatArray = np.sqrt(2.0 * np.maximum(known - measured, 0.0).sum(axis=-1))
    return significance


def covariance_loss(
    signal: FloatArray, background: FloatArray, covariance: FloatArray
) -> FloatArray:
    """Return what a covariance of the background leaves of a significance, about, shape (...).

    That of Gaussian counts, whose significance is s^T (V + diag(b))^-1 s squared, over that
    without V: between 0 and 1.

    Parameters
    ----------
    signal, background
        Expected events, shapes (..., C) and (C,).
    covariance
        V, shape (C, C).
    """
    shares = signal / np.maximum(signal.max(axis=-1, keepdims=True), 1e-300)
    inverse = np.linalg.inv(covariance + np.diag(background))
    left = ((shares @ inverse) * shares).sum(axis=-1)
    full = (shares**2 / background).sum(axis=-1)
    share = np.divide(left, full, out=np.ones_like(full), where=full > 0.0)
    return np.asarray(np.sqrt(np.clip(share, 0.0, 1.0)))


def weighted_quantile(values: FloatArray, weights: FloatArray, share: float) -> NDArray[np.intp]:
    """Return which of values (..., M) is the quantile by weights (M,) of outcomes, shape (...)."""
    order = np.argsort(values, axis=-1, kind="stable")
    reached = np.cumsum(weights[order], axis=-1)
    at = np.argmax(reached >= min(share, 1.0) * reached[..., -1:] * (1.0 - 1e-9), axis=-1)
    return np.asarray(np.take_along_axis(order, at[..., None], axis=-1)[..., 0])
