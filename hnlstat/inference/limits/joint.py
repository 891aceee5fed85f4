"""The joint posterior of two mixings, and its regions of highest density (HPD).

Priors are flat in each |U_a|^2 from 0 to an upper bound, nuisance parameters are integrated over,
N live long, as for `mixings.marginals`. ln(likelihood) is known on even points of ln(|U_a|^2) and a
cubic spline between them. The posterior is integrated over fine cells with their areas in |U_a|^2;
below the first point its density goes on as it is. A region of a level is where the density is
above the threshold that leaves so much of the posterior above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.inference.limits.mixings import (
    DECADE,
    MixingSignal,
    ends_of_mixings,
    largest_signal,
    mixing_replicas,
)
from hnlstat.inference.limits.nuisances import average
from hnlstat.inference.statistics import weighted_quantile
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_NODES, _FINE = 10, 40  # of the likelihood and of cells, in a decade
_OF_HALF = 0.5  # error of what half the points of splines and cells change: 1/4, with room
_MOST_STRENGTH = 6.0  # strengths are cut off here


@dataclass(frozen=True, eq=False)
class Joint:
    """Posteriors of two mixings for M outcomes.

    Attributes
    ----------
    starts, ends
        ln(|U_a|^2) between which the likelihood changes, shape (2,).
    bounds
        Upper bounds of the priors, in ln(|U_a|^2), shape (2,).
    splines
        ln(likelihood) by ln(|U_a|^2) of both, M of them.
    signal, best
        Of both mixings, and all its events at the largest likelihood, shape (M,).
    fine
        Cells in a decade.
    halved, replicas
        The same on every second point, and of one outcome by replicas of the integration over
        nuisance parameters; these have none.
    """

    starts: FloatArray
    ends: FloatArray
    bounds: FloatArray
    splines: tuple[Any, ...]
    signal: MixingSignal
    best: FloatArray
    fine: int = _FINE
    halved: "Joint | None" = None
    replicas: "Joint | None" = None

    @classmethod
    def build(
        cls, signal: MixingSignal, experiment: CountingModel, counts: FloatArray,
        bounds: Sequence[float],
    ) -> "Joint":  # fmt: skip
        """Find the likelihoods.

        Parameters
        ----------
        signal
            Of two mixings.
        experiment
            Backgrounds; its signal and data are not used.
        counts
            Outcomes, shape (C, M).
        bounds
            Upper bounds of the priors, shape (2,).

        Raises
        ------
        InferenceError
            If there is no signal.
        """
        most = largest_signal(signal, counts)
        limits = ends_of_mixings(signal, most, np.asarray(bounds, dtype=np.float64))
        nodes = [np.linspace(low, high, _number(low, high, _NODES)) for low, high in np.log(limits)]
        grids = np.meshgrid(*nodes, indexing="ij")
        mixings = np.exp(np.stack([grid.ravel() for grid in grids], axis=-1))
        replicas = mixing_replicas(signal, experiment, counts, mixings, np.inf)

        def of(logs: FloatArray, step: int = 1) -> Joint:
            best = signal.events(mixings)[logs.argmax(axis=0)]
            logs = (logs - logs.max(axis=0)).T.reshape(-1, *grids[0].shape)[:, ::step, ::step]
            at = [x[::step] for x in nodes]
            splines = tuple(scipy.interpolate.RectBivariateSpline(*at, one) for one in logs)
            starts, ends = np.log(limits).T
            return cls(starts, ends, np.log(bounds), splines, signal, best, _FINE // step)

        mean = average(replicas)
        several = replicas.shape[1] == 1 and replicas.shape[2] > 1
        each = of(replicas[:, 0]) if several else None
        return replace(of(mean), halved=of(mean, 2), replicas=each)

    def thresholds(self, levels: Sequence[float]) -> FloatArray:
        """Return ln(density) above which these shares of the posteriors lie, (levels, M)."""
        edges = [np.linspace(low, high, _number(low, high, self.fine))
                 for low, high in zip(self.starts, self.ends, strict=True)]  # fmt: skip
        places = [np.append(x[0], 0.5 * (x[1:] + x[:-1])) for x in edges]
        widths = [np.diff(np.exp(x), prepend=0.0) for x in edges]  # the first begins at 0
        area = np.outer(*widths).ravel()
        found = []
        for spline in self.splines:
            density = spline(*places).ravel()
            order = np.argsort(-density, kind="stable")
            density = density[order]
            mass = np.exp(density) * area[order]
            above = np.cumsum(mass) - 0.5 * mass
            found.append(np.interp(levels, above / mass.sum(), density))
        return np.array(found).T

    def strengths(
        self, places: FloatArray, levels: Sequence[float], far: bool = False
    ) -> FloatArray:
        """Return ln(threshold / density) at ln(|U_a|^2) (X, 2), shape (levels, X, M).

        It is positive outside the regions, and beyond the bounds of the priors. With `far` it is
        negative where there are fewer events than likeliest: only the far ends of regions count.
        """
        inside = np.clip(places, self.starts, self.ends)
        density = np.stack([spline.ev(*inside.T) for spline in self.splines], axis=-1)
        found = self.thresholds(levels)[:, None] - density
        if far:
            near = self.signal.events(np.exp(places))[:, None] < self.best
            found = np.where(near, -np.abs(found), found)
        beyond = np.any(places > self.bounds, axis=1)
        found[:, beyond] = _MOST_STRENGTH
        return np.asarray(np.clip(found, -_MOST_STRENGTH, _MOST_STRENGTH))

    def quantiles(
        self, places: FloatArray, levels: Sequence[float], weights: FloatArray,
        shares: FloatArray, drawn: bool, far: bool = False,
    ) -> tuple[FloatArray, FloatArray]:  # fmt: skip
        """Return quantiles of strengths over outcomes, and their errors, both (levels, X).

        Parameters
        ----------
        places, levels, far
            As in `strengths`.
        weights, shares
            Of the outcomes, shape (M,), and of the quantile for each level.
        drawn
            Whether outcomes are drawn: their number is in the error.
        """
        values = self.strengths(places, levels, far)
        errors = np.zeros((3, *values.shape[:2]))
        own = _quantiles(values, weights, shares)
        if self.halved is not None:
            half = _quantiles(self.halved.strengths(places, levels, far), weights, shares)
            errors[0] = _OF_HALF * (half - own)
        if self.replicas is not None:
            each = self.replicas.strengths(places, levels, far)
            errors[1] = each.std(axis=-1, ddof=1) / np.sqrt(each.shape[-1])
        if drawn:
            step = np.sqrt(shares * (1.0 - shares) / weights.size)
            low, high = (_quantiles(values, weights, shares + s) for s in (-step, step))
            errors[2] = 0.5 * (high - low)
        return own, np.sqrt((errors**2).sum(axis=0))


def _quantiles(values: FloatArray, weights: FloatArray, shares: FloatArray) -> FloatArray:
    """Return a quantile for each level of values (levels, X, M), shape (levels, X)."""
    found = []
    for one, share in zip(values, np.clip(shares, 0.0, 1.0).tolist(), strict=True):
        at = weighted_quantile(one, weights, share)
        found.append(np.take_along_axis(one, at[:, None], axis=-1)[:, 0])
    return np.array(found)


def _number(low: float, high: float, per_decade: int) -> int:
    """Points from one ln(|U_a|^2) to another, an odd number."""
    return 2 * int(np.ceil(0.5 * (high - low) / DECADE * per_decade)) + 1
