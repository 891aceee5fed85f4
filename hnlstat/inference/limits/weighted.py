"""Median significances of one weighted count, by a formula: what tests at nominal rates can tell.

Tests of many bins order outcomes by about sum_i n_i w_i with w_i = ln(1 + s_i/b_i). That sum is
taken for the count of a single channel, with the mean and the variance that it has under the
hypothesis that is tested. Its rates are log-normal, like those of the bins: a background for each
channel, and the signal, a sum of such rates that is taken for one of the same mean and variance
(L. F. Fenton, IRE Trans. Commun. Syst. 8 (1960) 57). Of a single channel all of this is exact.

What is left are profile likelihood ratios (arXiv:1007.1727) of Asimov data, whose nuisance
parameters are nominal. They hold for many events; at 20 they are 0.1 standard deviations off.
"""

import numpy as np
import scipy  # its parts load when they are needed: some take half a second
from numpy.typing import ArrayLike, NDArray
from scipy.special import wrightomega, xlogy

from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_GRID = np.linspace(0.0, 1.0, 65)
_ROUNDS = 5  # of a finer grid around the least value: to 1e-7 of its range


def exclusion(model: CountingModel) -> float:
    """Return sqrt(q-tilde) of mu = 1 for Asimov data without signal, in standard deviations.

    Shifts z of ln(rate) in units of its width d obey z = -r d a exp(d z), where r is what the data
    lack of the fitted sum, relative to it: d z = -W(r d^2 a), with Lambert's W.
    """
    weights = _weights(model)
    weights = weights / _unit(weights, model.signal + model.background)
    background, width = _backgrounds(model, weights)
    signal, signal_width = _log_normal(weights * model.signal, model.log_signal_covariance)
    count = float(background.sum())
    rates, widths = np.append(background, signal), np.append(width, signal_width)

    def omega(lack: float) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.asarray(wrightomega(np.log(lack * widths**2 * rates)).real)

    def excess(lack: float) -> float:
        return 1.0 - count / float(rates @ np.exp(-omega(lack))) - lack

    found = omega(scipy.optimize.brentq(excess, 0.0, 1.0))
    penalty = ((found[widths > 0.0] / widths[widths > 0.0]) ** 2).sum()
    return float(_significance(count, rates @ np.exp(-found), penalty))


def discovery(model: CountingModel) -> float:
    """Return sqrt(q0) of Asimov data with the signal, in standard deviations.

    A background can be so large by a little of all channels, whose sum is taken for one log-normal
    rate, or by much of a single one: what is likelier counts.
    """
    weights = _weights(model)
    weights = weights / _unit(weights, model.background)
    rates, widths = _backgrounds(model, weights)
    signal, _ = _log_normal(weights * model.signal, model.log_signal_covariance)
    together, width = _log_normal(rates, np.diag(widths**2))
    if width == 0.0:
        return float(_significance(rates.sum() + signal, rates.sum(), 0.0))
    varied, widths = np.append(rates, together), np.append(widths, width)
    fixed = np.append(rates.sum() - rates, 0.0)
    varied, widths, fixed = (a[widths > 0.0, None] for a in (varied, widths, fixed))
    count = fixed + varied + signal
    low = np.zeros(widths.shape)
    high = np.log((count - fixed) / varied) / widths
    for _ in range(_ROUNDS):
        shift = low + (high - low) * _GRID
        found = _significance(count, fixed + varied * np.exp(widths * shift), shift**2)
        best = np.take_along_axis(shift, found.argmin(axis=1)[:, None], axis=1)
        step = (high - low) * _GRID[1]
        low, high = np.maximum(best - step, low), np.minimum(best + step, high)
    return float(found.min())


def _significance(count: ArrayLike, fitted: ArrayLike, penalty: ArrayLike) -> FloatArray:
    count, fitted = np.asarray(count), np.asarray(fitted)
    q = 2.0 * (xlogy(count, count / fitted) - (count - fitted)) + np.asarray(penalty)
    return np.asarray(np.sqrt(np.maximum(q, 0.0)))


def _weights(model: CountingModel) -> FloatArray:
    """Return weights of the bins (C,), 1 for the largest."""
    weights = np.log1p(model.signal / model.background)
    return np.asarray(weights / weights.max())


def _unit(weights: FloatArray, rates: FloatArray) -> float:
    """Return what a weighted sum is to be divided by to have the variance of a count."""
    return float(weights**2 @ rates / (weights @ rates))


def _backgrounds(model: CountingModel, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weighted background of each channel, and its width in the logarithm, (G,)."""
    members = model.members.values()
    rates = np.array([weights[rows] @ model.background[rows] for rows in members])
    return rates, np.array([np.log1p(model.background_modifiers[rows[0]]) for rows in members])


def _log_normal(rates: FloatArray, covariance: FloatArray) -> tuple[float, float]:
    """Return median and width of the logarithm of a sum of log-normal rates.

    Parameters
    ----------
    rates
        Medians, shape (C,).
    covariance
        Of their logarithms, shape (C, C).
    """
    means = rates * np.exp(0.5 * np.diag(covariance))
    total = float(means.sum())
    variance = np.log1p(float(means @ np.expm1(covariance) @ means) / total**2)
    return total * float(np.exp(-0.5 * variance)), float(np.sqrt(variance))
