"""Covariance matrices of backgrounds: principal components, and constraints by side bands.

A covariance matrix V [events^2] becomes independent shifts c_k of the background, one sigma of a
parameter each, with sum_k c_k c_k^T = V (`CountingModel.background_components`). Side bands that
are no channels of the likelihood constrain the background before that (`condition`).

    mean, covariance = condition(mean, covariance, observed, side, kept)
    components = principal_components(covariance, "search.covariance")
    CountingModel(..., background=mean, background_components={
        f"{search}_{k}": shift for k, shift in enumerate(components.shifts)})
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import InferenceError
from hnlstat.likelihood.model import MOST_EVENTS

FloatArray = NDArray[np.float64]

NEGLIGIBLE = 1e-4
"""Share of all variance, each bin's own counted as one, of components that are left out."""

_ASYMMETRY = 1e-6  # of the standard deviations of both bins: numbers of single precision pass
_NEGATIVE = 0.01  # of the largest eigenvalue: rounding to two digits makes negative ones so large
_ROUNDING = 1e-9  # of the largest eigenvalue: not worth a word
_FEWEST = 5.0  # events of a side band that may be taken as normally distributed


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """Independent shifts of the background at one sigma.

    Attributes
    ----------
    shifts
        Change of each bin [events], shape (K, C), the largest component first.
    remark
        "ok", or what was not as it should be.
    """

    shifts: FloatArray
    remark: str


def principal_components(covariance: ArrayLike, name: str = "covariance") -> PrincipalComponents:
    """Return the principal components of a covariance matrix.

    They are those of the correlation matrix: bins of few events beside others of many keep their
    uncertainty, and what is left out is at most a share of 1e-4 of any bin's variance, times the
    number of components left out and of bins.

    Negative eigenvalues as rounding makes them, down to -1 % of the largest, are cut with a remark
    (those of MiniBooNE's fractional matrix go to -7e-4 of the largest): no variance gets smaller by
    it. Larger ones are no covariance.

    Parameters
    ----------
    covariance
        Of the expected background [events^2], without the Poisson statistics of the data, shape
        (C, C). Bins without uncertainty have zeros.
    name
        What errors call the matrix, such as its key or file.

    Raises
    ------
    InferenceError
        If it is no covariance matrix.
    """
    matrix = _checked(covariance, name)
    sigma = np.sqrt(matrix.diagonal())
    values, vectors = np.linalg.eigh(matrix / _scale(sigma))
    remark = "ok"
    largest = float(values.max(initial=0.0))
    if (lowest := float(values.min(initial=0.0))) < -_ROUNDING * largest:
        told = f"{lowest / largest:.1g} of the largest"
        if lowest < -_NEGATIVE * largest:
            raise InferenceError(
                f"{name}: has a negative eigenvalue, {told} (in units of each bin's standard "
                f"deviation); it is no covariance matrix, rounding explains -{_NEGATIVE:g}"
            )
        number = int(np.count_nonzero(values < -_ROUNDING * largest))
        remark = f"{name}: {number} small negative eigenvalues, down to {told}, are taken as 0"
    kept = values > NEGLIGIBLE * np.count_nonzero(sigma)
    shifts = sigma * (vectors[:, kept] * np.sqrt(values[kept])).T
    return PrincipalComponents(np.asarray(shifts[::-1]), remark)


def condition(
    mean: ArrayLike,
    covariance: ArrayLike,
    observed_side: ArrayLike | None,
    side: ArrayLike,
    kept: ArrayLike,
    name: str = "covariance",
) -> tuple[FloatArray, FloatArray]:
    """Return the background of some bins and its covariance, constrained by side bands.

    With V_ss the covariance of the side bands and diag(n_s) the Poisson variance of their data,
    mean_k + V_ks (V_ss + diag(n_s))^-1 (n_s - mean_s) and V_kk - V_ks (V_ss + diag(n_s))^-1 V_sk.
    With the variance of the data rather than of the prediction this gives the constrained
    backgrounds that MiniBooNE published (Phys. Rev. D 103, 052002), to all their digits.

    Side bands are to have no signal, and as many events as make their counts normal. Others belong
    into the likelihood as channels, with the covariance of all.

    Parameters
    ----------
    mean
        Expected background of B bins [events], shape (B,).
    covariance
        As in `principal_components`, shape (B, B).
    observed_side
        Events of the S side bands, shape (S,).
    side, kept
        Indices of the side bands, shape (S,), and of the K bins to return.
    name
        What errors call the matrix.

    Returns
    -------
    mean, covariance
        Shapes (K,) and (K, K).

    Raises
    ------
    InferenceError
        If a number cannot be used, the side bands have no data or too few, or leave no background.
    """
    matrix, expected = _checked(covariance, name), np.asarray(mean, dtype=np.float64)
    if expected.shape != (len(matrix),) or not np.isfinite(expected).all():
        raise InferenceError(f"{name}: is of {len(matrix)} bins; needed are as many finite means")
    s, k = _indices(side, len(matrix), name), _indices(kept, len(matrix), name)
    if np.intersect1d(s, k).size:
        raise InferenceError(f"{name}: bin {np.intersect1d(s, k)[0]} is kept and a side band")
    data = _side_data(observed_side, s, name)
    block = matrix[np.ix_(s, s)] + np.diag(data)
    try:
        np.linalg.cholesky(block)
    except np.linalg.LinAlgError:
        raise InferenceError(
            f"{name}: the block of the side bands is singular or not positive; leave out side "
            "bands that others determine"
        ) from None
    gain = np.linalg.solve(block, matrix[np.ix_(s, k)]).T
    constrained = expected[k] + gain @ (data - expected[s])
    if (constrained < 0.0).any():
        i = int(np.argmin(constrained))
        raise InferenceError(
            f"{name}: the side bands leave a background of {constrained[i]:.4g} in bin {k[i]}; "
            "they do not fit to their prediction"
        )
    left = matrix[np.ix_(k, k)] - gain @ matrix[np.ix_(s, k)]
    return constrained, 0.5 * (left + left.T)


def chi_square(mean: ArrayLike, covariance: ArrayLike, observed: ArrayLike) -> float:
    """Return (n - b)^T (V + diag(b))^-1 (n - b): how well data agree with a background.

    Parameters
    ----------
    mean
        Expected background b [events], positive, shape (C,).
    covariance
        As in `principal_components`, shape (C, C).
    observed
        Events n, shape (C,).

    Raises
    ------
    InferenceError
        If it is no covariance matrix, or the background or data are not of its bins.
    """
    matrix = _checked(covariance, "covariance")
    expected, data = (np.asarray(values, dtype=np.float64) for values in (mean, observed))
    if not expected.shape == data.shape == matrix.diagonal().shape or not (expected > 0.0).all():
        raise InferenceError(
            f"covariance: is of {len(matrix)} bins; needed are as many positive means and "
            f"data, got {expected.size} and {data.size}"
        )
    excess = data - expected
    return float(excess @ np.linalg.solve(matrix + np.diag(expected), excess))


def _checked(covariance: ArrayLike, name: str) -> FloatArray:
    """Return a covariance matrix, made precisely symmetric, after checking all but eigenvalues."""
    try:
        if np.iscomplexobj(covariance):
            raise TypeError
        matrix = np.array(covariance, dtype=np.float64)
    except (ValueError, TypeError):
        raise InferenceError(f"{name}: its rows are not numbers, or not as many each") from None
    if matrix.ndim != 2 or len(matrix) != matrix.shape[1]:
        size = " x ".join(map(str, matrix.shape)) or "a single number"
        raise InferenceError(f"{name}: is {size}; needed is a square matrix")
    if (wrong := ~(np.abs(matrix) <= MOST_EVENTS**2)).any():
        i, j = np.argwhere(wrong)[0]
        raise InferenceError(
            f"{name}: of bins {i} and {j} is {matrix[i, j]:g}; needed are finite numbers up to "
            f"{MOST_EVENTS**2:g}"
        )
    variance = matrix.diagonal()
    if (variance < 0.0).any():
        i = int(np.argmin(variance))
        raise InferenceError(f"{name}: the variance of bin {i} is {variance[i]:.4g}, below 0")
    scale = np.outer(np.sqrt(variance), np.sqrt(variance))
    if (wrong := np.abs(matrix - matrix.T) > _ASYMMETRY * scale).any():
        i, j = np.argwhere(wrong)[0]
        raise InferenceError(
            f"{name}: is not symmetric: of bins {i} and {j} {matrix[i, j]:.8g}, of {j} and {i} "
            f"{matrix[j, i]:.8g}"
        )
    if (wrong := (scale == 0.0) & (matrix != 0.0)).any():
        i, j = np.argwhere(wrong)[0]
        raise InferenceError(
            f"{name}: of bins {i} and {j} is {matrix[i, j]:.4g}, but one of them has no variance"
        )
    return np.asarray(0.5 * (matrix + matrix.T))


def _scale(sigma: FloatArray) -> FloatArray:
    """Return the products of standard deviations, 1 where one is 0, shape (C, C)."""
    safe = np.where(sigma > 0.0, sigma, 1.0)
    return np.outer(safe, safe)


def _indices(chosen: ArrayLike, bins: int, name: str) -> NDArray[np.intp]:
    """Return indices of bins after checking that they are some, and each once."""
    found = np.atleast_1d(np.asarray(chosen))
    whole = found.ndim == 1 and found.size > 0 and np.issubdtype(found.dtype, np.integer)
    if not whole or found.min() < 0 or found.max() >= bins or np.unique(found).size < found.size:
        raise InferenceError(
            f"{name}: needed are different indices of bins from 0 to {bins - 1}, got {found}"
        )
    return found.astype(np.intp)


def _side_data(observed: ArrayLike | None, side: NDArray[np.intp], name: str) -> FloatArray:
    """Return the events of the side bands after checking that there are enough in each."""
    data = np.array([] if observed is None else observed, dtype=np.float64)
    if data.shape != side.shape:
        raise InferenceError(
            f"{name}: the side bands have data of {data.size} bins; needed are the events of all "
            f"{side.size}"
        )
    if not (np.isfinite(data) & (data >= _FEWEST)).all():
        i = int(np.argmin(np.where(np.isfinite(data), data, -np.inf)))
        raise InferenceError(
            f"{name}: the side band of bin {side[i]} has {data[i]:g} events; from {_FEWEST:g} on "
            "they are taken as normal, fewer belong into the likelihood as a channel"
        )
    return data
