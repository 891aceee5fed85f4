"""Samples between the points of a coarse table of masses and couplings, linear in the logarithms.

That is how signals are read off published tables. It cuts the corners of curves that bend between
the points; samples at the masses asked for do not.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnlstat.simulation.sample import MassSample

Array = NDArray[np.float64]


def from_table(
    samples: Sequence[MassSample],
    known_masses: Array,
    known_couplings: Array,
    masses: Array,
    couplings: Array,
) -> list[MassSample]:
    """Samples at other masses and couplings, within those of a table.

    Parameters
    ----------
    samples : at each of the table's masses, arrays (K, V, D)
    known_masses, known_couplings : (M,) [GeV] and (D,) of the table, rising
    masses, couplings : (N,) and (X,) to interpolate to

    Returns
    -------
    N samples, arrays (K, V, X). Where a neighbour has no decays these, not their logarithms, are
    linear. Relative errors are linear, as points near each other share them.
    """
    columns = _weights(known_couplings, couplings)
    decays, error, rock, beyond = (
        np.stack([getattr(sample, name) for sample in samples])
        for name in ("decays", "error", "rock", "beyond")
    )
    relative = np.divide(error, decays, out=np.zeros_like(error), where=decays > 0)
    found = []
    for row, mass in zip(_weights(known_masses, masses), masses, strict=True):
        value = _logarithmic(decays, row, columns)
        found.append(
            MassSample(
                value,
                value * _linear(relative, row, columns),
                np.minimum(_logarithmic(rock, row, columns), value),
                _logarithmic(beyond, row, columns),
                rays=0,
                interpolated=not np.any(np.isclose(known_masses, mass, rtol=1e-9, atol=0)),
            )
        )
    return found


def _weights(known: Array, at: Array) -> Array:
    """Shares (N, M) of known points in each of N others, linear in the logarithm."""
    points = np.eye(known.size)
    return np.stack([np.interp(np.log(at), np.log(known), point) for point in points], axis=1)


def _linear(values: Array, row: Array, columns: Array) -> Array:
    """Interpolate values (M, K, V, D) to one mass and all couplings, (K, V, X)."""
    return np.asarray(np.tensordot(row, values, 1) @ columns.T)


def _logarithmic(values: Array, row: Array, columns: Array) -> Array:
    """Interpolate the logarithms of values, or the values themselves where there are zeros."""
    logs = _linear(np.log(np.where(values > 0, values, 1.0)), row, columns)
    zeros = _linear((values <= 0).astype(float), row, columns) > 0
    return np.where(zeros, _linear(values, row, columns), np.exp(logs))
