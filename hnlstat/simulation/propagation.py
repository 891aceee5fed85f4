"""From rays through matter to decays in the gas, for every coupling at once.

Along the ray of an N, backwards from its decay point, the density n of scattering targets is a step
function of the distance l. With the proper length s = l m / p the probability density of decaying
just there is kappa exp(-kappa s) ds, kappa = Gamma / (hbar c), so that

    decays = d^2 sum_rays w int_0^inf n(s) kappa exp(-kappa s) ds = d^2 sum_steps h exp(-kappa s) :

the coupling enters only through kappa, and only the steps h of w n(s) count, up where a ray enters
a box and down where it leaves. Steps are collected once in logarithmic bins of s with their first
moments; any coupling is then a Laplace transform of that one histogram.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PER_DECADE = 32
_FIRST, _DECADES = 1e-8, 13
CENTRES: Array = np.append(
    0.0, _FIRST * 10.0 ** ((np.arange(_DECADES * _PER_DECADE) + 0.5) / _PER_DECADE)
)
"""Centres of the bins of proper length [m]; the first holds what lies below 1e-8 m."""
_MOMENTS = 3


@dataclass(frozen=True)
class Steps:
    """Density steps of rays in bins of proper length.

    Attributes
    ----------
    moments : (3, ..., len(CENTRES)) sums of h, h x and h x^2, x = s / centre - 1
    """

    moments: Array

    def __add__(self, other: "Steps") -> "Steps":
        return Steps(self.moments + other.moments)


def bin_of(proper_length: Array) -> NDArray[np.int64]:
    """Index of the bin of each proper length [m]; the last bin takes all beyond."""
    with np.errstate(divide="ignore"):
        place = np.log10(proper_length * (1 / _FIRST)) * _PER_DECADE
    return np.asarray(np.clip(place + 1, 0, len(CENTRES) - 1), dtype=np.int64)


def collect_steps(
    near: Array, far: Array, weight: Array, columns: Array, row: NDArray[np.int64], n_rows: int
) -> Steps:
    """Sum the steps of rays through boxes: up by `weight` at `near`, down at `far`.

    Parameters
    ----------
    near, far : (N, B) proper lengths [m] at which each ray enters and leaves each box
    weight : (N, B) weight of the ray times the density in the box
    columns : (K, N) further weights of the rays, one sum for each
    row : (N,) row of the result to which each ray adds
    n_rows : number of rows

    Returns
    -------
    Steps with moments (3, n_rows, K, len(CENTRES))
    """
    hit = far > near
    n = len(CENTRES)
    both = np.concatenate([hit, hit], axis=1)
    place = np.concatenate([near, far], axis=1)[both]
    step = np.concatenate([weight, -weight], axis=1)[both]
    bins = bin_of(place)
    centre = CENTRES[bins]
    # beyond the grid's end nothing survives, and below its start x has no meaning: x = 0
    inside = (bins > 0) & (bins < n - 1)
    x = np.divide(place - centre, centre, out=np.zeros_like(place), where=inside)
    # a sparse matrix from rays to bins takes all columns in one pass
    count = both.sum(axis=1)
    index = np.repeat(row * n, count) + bins
    start = np.append(0, np.cumsum(count))
    by_ray = np.ascontiguousarray(columns.T)
    moments = np.empty((_MOMENTS, n_rows, len(columns), n))
    for moment in range(_MOMENTS):
        matrix = scipy.sparse.csc_array((step, index, start), shape=(n_rows * n, len(near)))
        moments[moment] = (matrix @ by_ray).reshape(n_rows, n, -1).swapaxes(1, 2)
        step = step * x
    return Steps(moments)


def survival_kernel(kappa: Array) -> Array:
    """What turns moments of steps into decays, (3, len(CENTRES), D): exp(-kappa s) in each bin.

    Within a bin exp(-kappa s) is expanded to second order; bins are 7 % wide, so that at ten
    decay lengths the first term left out is 0.8 % at the bin's edge and cancels across it.

    Parameters
    ----------
    kappa : (D,) inverse proper decay lengths [1/m]
    """
    depth = np.outer(CENTRES, kappa)
    survival = np.exp(-depth)
    return np.stack([survival, -depth * survival, depth**2 / 2 * survival])


def decays(steps: Steps, kernel: Array) -> Array:
    """Sum of h exp(-kappa s) for each row, column and kappa: (..., D).

    Parameters
    ----------
    steps : with moments (3, ..., len(CENTRES))
    kernel : (3, len(CENTRES), D) from `survival_kernel`
    """
    return np.asarray(sum(m @ k for m, k in zip(steps.moments, kernel, strict=True)))
