"""The likelihood of a signal along the coupling, its nuisance parameters integrated over priors.

Quasi-Monte Carlo: Sobol sequences, scrambled several times, so that the replicas tell the error.
Where backgrounds are each channel's own they are integrated in closed form, and points of what is
left are drawn, for each coupling, from the normal distribution around the most likely parameters of
the mean outcome, and weighted: they serve all outcomes. Else they are those of the priors, the same
for all outcomes and couplings. Outcomes that these serve badly, as few of them matter, have points
around their own most likely parameters.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import ndtri

from hnlstat.inference.components import shifted_background
from hnlstat.inference.limits import own_backgrounds
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
REPLICAS = 8

_POINTS, _OWN_POINTS = 128, 32  # of a replica, from the priors and around a maximum
_SPREAD = 0.1  # of ln(likelihood) between replicas, above which these are not good enough
_FEW_POINTS, _FEW_SPREAD = 8, 0.3  # where something else is a larger error
_LOST = 1.0  # above which they are not even good for a first look
_NEAR, _RELEVANT = 4.0, 20.0  # below the largest ln(likelihood): less is beyond 5 sigma
_WIDER = 1.05  # than the curvature at the maximum: the likelihood falls slower on one side
_STEPS, _DECREMENT = 15, 0.01
_FAR = 3.0  # sigma that data pull backgrounds alone: there can be two maxima
_NUMBERS = 4_000_000  # at a time


@dataclass(frozen=True, eq=False)
class SignalPath:
    """Signals along a way, such as that of the coupling.

    Attributes
    ----------
    signal
        Expected events at G points, shape (G, C).
    shifts
        Change of ln(signal) per sigma of each of S standard normal parameters, shape (G, C, S).
    """

    signal: FloatArray
    shifts: FloatArray

    def part(self, chosen: slice | NDArray[np.intp]) -> "SignalPath":
        """Return some of the points."""
        return SignalPath(self.signal[chosen], self.shifts[chosen])

    def parts(self, numbers: int) -> Iterator["SignalPath"]:
        """Cut it where each point takes so many numbers, so that all are not held at a time."""
        step = max(_NUMBERS // numbers, 1)
        for first in range(0, len(self.signal), step):
            yield self.part(slice(first, first + step))


def log_likelihoods(
    path: SignalPath, experiment: CountingModel, counts: FloatArray, few: bool = False
) -> FloatArray:
    """Return ln(likelihood) up to a constant of each outcome, shape (G, M, replicas).

    Parameters
    ----------
    path
        Signals.
    experiment
        Backgrounds; its signal and data are not used.
    counts
        Outcomes, shape (C, M); fractional counts (Asimov data) are allowed.
    few
        Whether few points are enough, as the number of outcomes that are drawn is a larger error.
    """
    if not path.shifts.any() and not experiment.background_covariance.any():
        return _sum(counts, path.signal[:, :, None] + experiment.background[:, None])
    own = own_backgrounds.holds(experiment, counts)
    if own:
        points = _FEW_POINTS if few else _OWN_POINTS
        found = _over_own_backgrounds(path, experiment, counts, points)
    else:
        found = _from_priors(path, experiment, counts)
    mean = average(found)
    depth = mean.max(axis=0) - mean
    spread = np.where(depth < _RELEVANT, found.std(axis=2), 0.0)
    most = _FEW_SPREAD if few else _SPREAD
    for m in np.flatnonzero(spread.max(axis=0) > most).tolist():
        # points that are far off tell nothing of where the likelihood is
        lost = spread[depth[:, m] < _NEAR, m].max() > _LOST
        here = np.flatnonzero((spread[:, m] > most) | lost)
        part, one = path.part(here), counts[:, m]
        found[here, m] = (
            _over_own_backgrounds(part, experiment, one[:, None], _OWN_POINTS)[:, 0]
            if own else _around_maxima(part, experiment, one)
        )  # fmt: skip
    return found


@cache
def normals(dimensions: int, points: int) -> FloatArray:
    """Return quasi-random standard normal points, shape (dimensions, replicas, points)."""
    qmc = scipy.stats.qmc
    drawn = [qmc.Sobol(dimensions, seed=r).random(points).T for r in range(REPLICAS)]
    return np.stack([ndtri(np.clip(u, 1e-12, 1.0 - 1e-12)) for u in drawn], axis=1)


def average(logs: FloatArray) -> FloatArray:
    """Return the logarithm of the mean over the last axis."""
    largest = logs.max(axis=-1, keepdims=True)
    return np.asarray(largest[..., 0] + np.log(np.exp(logs - largest).mean(axis=-1)))


def _sum(counts: FloatArray, rates: FloatArray) -> FloatArray:
    """Return sum_i n_i ln(rate_i) - rate_i of outcomes (C, M) at rates (G, C, N), (G, M, N)."""
    logs = np.log(rates).swapaxes(0, 1).reshape(len(counts), -1)
    total = (counts.T @ logs).reshape(counts.shape[1], len(rates), -1).swapaxes(0, 1)
    return np.asarray(total - rates.sum(axis=1)[:, None, :])


def _over_own_backgrounds(
    path: SignalPath, experiment: CountingModel, counts: FloatArray, points: int
) -> FloatArray:
    """Integrate with points around the maximum of one outcome, (G, M, replicas).

    Of several it is what backgrounds make in the mean. Backgrounds are integrated in closed form,
    so that points are those of the signal's uncertainty.
    """
    usual = counts[:, 0] if counts.shape[1] == 1 else experiment.background
    path = SignalPath(path.signal, own_backgrounds.rotated(path.signal, path.shifts))
    channels, size = path.shifts.shape[1:]
    u = normals(max(size, 1), points).reshape(max(size, 1), -1)[:size]
    parts = []
    for here in path.parts(u.shape[1] * max(channels, counts.shape[1])):
        z, curvature = _Parameters(here, experiment, usual).maxima()
        root = np.linalg.cholesky(np.linalg.inv(curvature)[:, :size, :size])
        theta, weights = _around(z[:, :size], root, u)
        signal = here.signal[:, :, None] * np.exp(np.minimum(here.shifts @ theta, 300.0))
        flat = signal.swapaxes(0, 1).reshape(channels, -1)
        logs = own_backgrounds.log_likelihoods(flat, experiment, counts)
        logs = logs.reshape(counts.shape[1], len(z), -1)
        logs += weights - 0.5 * (theta**2).sum(axis=1)
        mean = average(logs.reshape(*logs.shape[:2], REPLICAS, points))
        parts.append(mean.swapaxes(0, 1))
    return np.concatenate(parts)


def _from_priors(path: SignalPath, experiment: CountingModel, counts: FloatArray) -> FloatArray:
    """Integrate with points of the priors, shape (G, M, replicas)."""
    split = path.shifts.shape[2], experiment.background_shifts.shape[1]
    z = normals(sum(split) + len(experiment.background_components), _POINTS)
    z = z.reshape(len(z), -1)
    theta, eta, zeta = np.split(z, np.cumsum(split))
    background = shifted_background(experiment, zeta)[0] * np.exp(
        experiment.background_shifts @ eta
    )
    parts = []
    for here in path.parts(z.shape[1] * max(counts.shape)):
        rates = here.signal[:, :, None] * np.exp(here.shifts @ theta) + background
        each = _sum(counts, rates)
        parts.append(average(each.reshape(*each.shape[:2], REPLICAS, _POINTS)))
    return np.concatenate(parts)


def _around_maxima(path: SignalPath, experiment: CountingModel, counts: FloatArray) -> FloatArray:
    """Integrate one outcome (C,) with points around the maximum at each signal, (G, replicas)."""
    size = path.shifts.shape[2] + experiment.background_shifts.shape[1]
    size += len(experiment.background_components)
    parts = []
    for here in path.parts(size * max(size, REPLICAS * _OWN_POINTS)):
        posterior = _Parameters(here, experiment, counts)
        z, curvature = posterior.maxima()
        inverse = np.linalg.inv(np.linalg.cholesky(curvature))
        u = normals(size, _OWN_POINTS).reshape(size, -1)
        points, weights = _around(z, inverse.swapaxes(1, 2), u)
        logs = weights - posterior.cost(points)
        parts.append(average(logs.reshape(len(z), REPLICAS, -1)))
    return np.concatenate(parts)


def _around(z: FloatArray, root: FloatArray, u: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Spread normal points u (D, N) around z (G, D) by the root of a covariance (G, D, D).

    Returns them, shape (G, D, N), and ln of their weights in an integral, shape (G, N).
    """
    volume = len(u) * np.log(_WIDER) + np.log(np.einsum("gii->gi", root)).sum(axis=1)
    points = z[:, :, None] + _WIDER * (root @ u)
    return points, 0.5 * (u**2).sum(axis=0) + volume[:, None]


@dataclass(frozen=True, eq=False)
class _Parameters:
    """-ln(likelihood times prior) of the nuisance parameters for one outcome, at G signals."""

    path: SignalPath
    experiment: CountingModel
    counts: FloatArray

    @property
    def _split(self) -> tuple[int, int]:
        """Numbers of parameters of the signal and of backgrounds of channels."""
        return self.path.shifts.shape[2], self._of_channel.shape[1]

    @cached_property
    def _of_channel(self) -> FloatArray:
        return self.experiment.background_shifts

    def _rates(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return signal and background (G, C, N) of parameters (G, D, N), slope and own factor."""
        theta, eta, zeta = np.split(z, np.cumsum(self._split), axis=1)
        # parameters hundreds of sigma away are tried, and left
        signal = self.path.signal[:, :, None] * np.exp(np.minimum(self.path.shifts @ theta, 300.0))
        own = np.exp(np.minimum(self._of_channel @ eta, 300.0))
        flat = zeta.swapaxes(0, 1).reshape(zeta.shape[1], len(z) * z.shape[2])
        background, slope = (
            np.broadcast_to(a, (len(a), flat.shape[1])).reshape(len(a), len(z), -1).swapaxes(0, 1)
            for a in shifted_background(self.experiment, flat)[:2]
        )
        return signal, background * own, slope, own

    def cost(self, z: FloatArray) -> FloatArray:
        """Return the costs of parameters (G, D, N), shape (G, N)."""
        signal, background, *_ = self._rates(z)
        logs = _sum(self.counts[:, None], signal + background)[:, 0]
        return np.asarray(0.5 * (z**2).sum(axis=1) - logs)

    def _derivatives(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return gradient (G, D) and a curvature (G, D, D) that is never less than the prior's."""
        signal, background, slope, own = (part[:, :, 0] for part in self._rates(z[:, :, None]))
        shifts, of_channel = self.path.shifts, self._of_channel
        by_signal = signal[:, :, None] * shifts
        by_channel = background[:, :, None] * of_channel
        by_component = (slope * own)[:, :, None] * self.experiment.component_matrix
        by = np.concatenate([by_signal, by_channel, by_component], axis=2)
        rate = signal + background
        pull = 1.0 - self.counts / rate
        gradient = z + np.einsum("gc,gcd->gd", pull, by)
        weighted = by * (self.counts / rate**2)[:, :, None]
        curvature = np.eye(z.shape[1]) + weighted.swapaxes(1, 2) @ by
        bend = np.maximum(pull, 0.0)[:, :, None]
        s, b = shifts.shape[2], shifts.shape[2] + of_channel.shape[1]
        curvature[:, :s, :s] += (bend * by_signal).swapaxes(1, 2) @ shifts
        curvature[:, s:b, s:b] += (bend * by_channel).swapaxes(1, 2) @ of_channel
        return gradient, curvature

    def maxima(self) -> tuple[FloatArray, FloatArray]:
        """Return the most likely parameters (G, D) and the curvature there.

        Data far above backgrounds have two maxima, of the signal and of backgrounds alone.
        """
        size = sum(self._split) + len(self.experiment.background_components)
        start = np.zeros((len(self.path.signal), size))
        found: tuple[FloatArray, ...] = self._descend(start)
        path = self.path.part(slice(1))
        none = replace(self, path=replace(path, signal=np.zeros_like(path.signal)))
        (alone,) = none._descend(start[:1])[0]
        if np.abs(alone).max(initial=0.0) > _FAR:
            for one in (start, start + alone):
                other = self._descend(self._descend(one, self._split[0])[0])
                better = other[1] < found[1]
                found = tuple(
                    np.where(np.expand_dims(better, tuple(range(1, new.ndim))), new, old)
                    for new, old in zip(other, found, strict=True)
                )
        return found[0], found[2]

    def _descend(
        self, z: FloatArray, first: int | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return parameters (G, D) by damped Newton steps of the first, costs and the curvature."""
        free, step = slice(first), np.zeros_like(z)
        cost = self.cost(z[:, :, None])[:, 0]
        length = np.ones(len(z))
        gradient, curvature = self._derivatives(z)
        for _ in range(_STEPS):
            solved = np.linalg.solve(curvature[:, free, free], gradient[:, free, None])
            step[:, free] = -solved[:, :, 0]
            trial = z + length[:, None] * step
            costs = self.cost(trial[:, :, None])[:, 0]
            better = costs <= cost
            z, cost = np.where(better[:, None], trial, z), np.where(better, costs, cost)
            length = np.where(better, 1.0, 0.3 * length)
            if np.all(-(step * gradient).sum(axis=1) < _DECREMENT):
                break
            gradient, curvature = self._derivatives(z)
        return z, cost, curvature
