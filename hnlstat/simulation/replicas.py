"""Randomised quasi-Monte Carlo: running sums of replicas whose scatter is the error."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from hnlstat.simulation.sampling import DIMENSIONS
from hnlstat.simulation.sobol import sobol

Array = NDArray[np.float64]

REPLICAS = 8
FIRST_POINTS = 32
_BLOCK = 64
PARTS = 3
COUNTED = slice(2)
"""Parts of a sample that are among its decays: other media and rock, not rock beyond."""


class Replicas(ABC):
    """Running sums over the strength, and the number of points in each volume.

    Parameters
    ----------
    volumes, columns, couplings : numbers of these
    key : fixes the random numbers
    """

    def __init__(self, volumes: int, columns: int, couplings: int, key: list[int]) -> None:
        self.key = key
        self.shift = np.random.default_rng(key).random((volumes, REPLICAS, DIMENSIONS))
        self.points = np.zeros(volumes, dtype=np.int64)
        # parts apart: (P, V, R, K, D)
        self.total = np.zeros((PARTS, volumes, REPLICAS, columns, couplings))

    @abstractmethod
    def decays(self, new: Array, volumes: NDArray[np.int64]) -> Array:
        """Decays over the strength from new points in some volumes, by part (P, V, R, K, D)."""

    def shifted(self, new: Array, volumes: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
        """New points (n, dimensions) as all replicas in some volumes have them, and the volumes."""
        points = ((new + self.shift[volumes, :, None]) % 1.0).reshape(-1, DIMENSIONS)
        return points, np.repeat(volumes, REPLICAS * len(new))

    def extend(self, volumes: NDArray[np.bool_]) -> None:
        """Twice as many points of the sequence in some volumes."""
        for points in np.unique(self.points[volumes]):
            mine = np.flatnonzero(volumes & (self.points == points))
            new = sobol(max(2 * int(points), FIRST_POINTS))[points:]
            for start in range(0, len(new), _BLOCK):
                self.total[:, mine] += self.decays(new[start : start + _BLOCK], mine)
                self.points[mine] += len(new[start : start + _BLOCK])

    @property
    def rays(self) -> NDArray[np.int64]:
        """Number of rays followed in each volume, (V,)."""
        return self.points * REPLICAS

    def mean(self) -> Array:
        """Decays over the strength for each part, (P, V, K, D)."""
        return np.asarray(self.total.mean(axis=2) / self.points[:, None, None])

    def variance(self) -> Array:
        """Variance of the mean, (V, K, D)."""
        replicas = self.total[COUNTED].sum(axis=0) / self.points[:, None, None, None]
        return np.asarray(replicas.var(axis=1, ddof=1) / REPLICAS)

    def replicas(self, weight: Array) -> Array:
        """Sum over the columns with a weight (K, V) for each replica, (V, R, D)."""
        counts = np.flatnonzero(weight.any(axis=1))
        total = np.einsum("pvrkd,kv->vrd", self.total[COUNTED, ..., counts, :], weight[counts])
        return np.asarray(total / self.points[:, None, None])
