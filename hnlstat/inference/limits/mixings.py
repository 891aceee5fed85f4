"""The posterior of several mixings at once, and that of each with the others integrated.

Priors are flat in each |U_a|^2 from 0 to an upper bound. Events of N that live long are a quadratic
form of the mixings: N are made by one and decay by another. So the signal rises everywhere, and
what N of short lives do at large mixings takes no part, as for limits on one coupling.

A mixing that makes N only together with another leaves a posterior that falls as slowly as
1 / |U_a|^2 over many decades, up to the bounds of the prior: limits hang on these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.inference.limits.nuisances import SignalPath, average, log_likelihoods
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

DECADE = np.log(10.0)
_NODES, _NODES_LAST, _LAST = 3, 10, 2  # in a decade of each mixing, and in the last ones
_LEAST, _LEAST_FIRST = 1e-3, 0.02  # events: are none; of the first node above 0
_MOST_DECADES = 40
_RANGE = 4.0  # sigma of the signal's uncertainty that the largest signals make up for
_FINE = 64  # points of the tail in a decade


@dataclass(frozen=True, eq=False)
class MixingSignal:
    """Events by the mixings u of F flavours: sum_ab u_a form_ab u_b.

    Attributes
    ----------
    form
        Symmetric, shape (F, F, C).
    shifts
        Changes of the events at +1 sigma of S parameters, symmetric, shape (F, F, C, S).
    """

    form: FloatArray
    shifts: FloatArray

    @property
    def all_events(self) -> FloatArray:
        """The form of all channels together, shape (F, F)."""
        return np.asarray(self.form.sum(axis=-1))

    def events(self, mixings: FloatArray) -> FloatArray:
        """Return the events of all channels of mixings (G, F), shape (G,)."""
        return np.asarray(np.einsum("ga,ab,gb->g", mixings, self.all_events, mixings))

    def at(self, mixings: FloatArray) -> SignalPath:
        """Return the signals of mixings (G, F)."""
        products = (mixings[:, :, None] * mixings[:, None, :]).reshape(len(mixings), -1)
        signal = products @ self.form.reshape(products.shape[1], -1)
        change = products @ self.shifts.reshape(products.shape[1], -1)
        change = change.reshape(*signal.shape, -1)
        relative = np.divide(
            change, signal[:, :, None], out=np.zeros_like(change), where=signal[:, :, None] > 0
        )
        return SignalPath(signal, np.log1p(np.maximum(relative, -0.99)))


@dataclass(frozen=True, eq=False)
class Marginal:
    """The posterior of one mixing, the others integrated.

    Attributes
    ----------
    log_mixing, log_tail
        Fine ln(|U_a|^2), rising, and ln(probability of larger values) there, shape (X,).
    end
        Where it ends: at the upper bound of its prior, or where nothing is left.
    replicas, coarser
        The same by each replica of the integration over nuisance parameters, and on fewer points.
    """

    log_mixing: FloatArray
    log_tail: FloatArray
    end: float
    replicas: tuple["Marginal", ...] = ()
    coarser: "Marginal | None" = None

    def error(self, alpha: float) -> float:
        """Return the relative error of a limit: of replicas, and what fewer points would change."""
        own, logs = self.limit(alpha), [np.log(one.limit(alpha)) for one in self.replicas]
        sampling = np.std(logs, ddof=1) / np.sqrt(len(logs)) if len(logs) > 1 else 0.0
        change = 0.0 if self.coarser is None else self.coarser.limit(alpha) / own - 1.0
        return float(np.hypot(sampling, change))

    def log_tail_at(self, log_mixing: FloatArray) -> FloatArray:
        """Return ln(tail), shape as asked; from 0 on it goes linearly up to the first point."""
        x, first = np.asarray(log_mixing), self.log_mixing[0]
        below = np.log1p(np.expm1(self.log_tail[0]) * np.exp(np.minimum(x - first, 0.0)))
        return np.where(x < first, below, np.interp(x, self.log_mixing, self.log_tail))

    def limit(self, alpha: float) -> float:
        """Return the mixing above which so much of the posterior lies."""
        log_tail, place = self.log_tail, np.log(alpha)
        if place > log_tail[0]:
            return float(np.exp(self.log_mixing[0]) * (1.0 - alpha) / -np.expm1(log_tail[0]))
        return float(np.exp(np.interp(-place, -log_tail, self.log_mixing)))


@dataclass(frozen=True, eq=False)
class _Axis:
    """Points of one mixing: a panel from 0, then decades up to the end; weights of integrals."""

    points: FloatArray
    weights: FloatArray
    start: float
    end: float

    @classmethod
    def build(cls, start: float, end: float, fewer: int = 0) -> "_Axis":
        """Choose points, from a start that is lowered to whole decades below the end."""
        decades = int(np.ceil(np.log(end / start) / DECADE))
        if decades > _MOST_DECADES:
            raise InferenceError(f"mixings from {start:.1g} to {end:.1g} are too many decades")
        low = float(end * 10.0**-decades)
        x, w = np.polynomial.legendre.leggauss(2)
        points, weights = [0.5 * low * (x + 1.0)], [0.5 * low * w]
        for decade in range(decades):
            x, w = np.polynomial.legendre.leggauss(
                _NODES - fewer if decade < decades - _LAST else _NODES_LAST - 3 * fewer
            )
            points.append(low * 10.0 ** (decade + 0.5 * (x + 1.0)))
            weights.append(0.5 * DECADE * w * points[-1])
        return cls(np.concatenate(points), np.concatenate(weights), low, end)

    def below(self, bound: float) -> "_Axis":
        """Return the same points, of which those above a bound, whole decades, do not count."""
        end = min(self.end, bound)
        weights = np.where(self.points < end, self.weights, 0.0)
        last = float(np.exp(np.log(self.end) - DECADE * round(np.log(self.end / end) / DECADE)))
        return _Axis(self.points, weights, self.start, last)


def marginals(
    signal: MixingSignal, experiment: CountingModel, counts: FloatArray, bounds: Sequence[float]
) -> tuple[tuple[Marginal, ...], tuple[Marginal, ...]]:
    """Return the marginal posterior of each mixing, and with bounds that are ten times smaller.

    Parameters
    ----------
    signal
        Of F mixings.
    experiment
        Backgrounds; its signal and data are not used.
    counts
        The outcome, shape (C,).
    bounds
        Upper bounds of the priors, shape (F,).

    Raises
    ------
    InferenceError
        If there is no signal.
    """
    full, coarser = (_integrals(signal, experiment, counts, bounds, fewer) for fewer in (0, 1))
    wide, narrow = (
        tuple(
            replace(mine[0], replicas=tuple(mine[1:]), coarser=less[0])
            for mine, less in zip(one, other, strict=True)
        )
        for one, other in zip(full, coarser, strict=True)
    )
    return wide, narrow


def _integrals(
    signal: MixingSignal, experiment: CountingModel, counts: FloatArray, bounds: Sequence[float],
    fewer: int,
) -> list[list[list[Marginal]]]:  # fmt: skip
    """Return the marginal posteriors with both bounds, of each mixing: mean, and replicas."""
    most = largest_signal(signal, counts[:, None])
    ends = ends_of_mixings(signal, most, np.asarray(bounds, dtype=np.float64))
    axes = [_Axis.build(low, high, fewer) for low, high in ends.tolist()]
    grids = np.meshgrid(*(axis.points for axis in axes), indexing="ij")
    mixings = np.stack([grid.ravel() for grid in grids], axis=-1)
    # nodes are a larger error than few points of the nuisance parameters
    replicas = mixing_replicas(signal, experiment, counts[:, None], mixings, most, few=True)[:, 0]
    logs = np.column_stack([average(replicas), replicas])
    likelihoods = np.exp(logs - logs.max(axis=0)).T.reshape(-1, *grids[0].shape)
    found = []
    for share in (1.0, 0.1):
        cut = [axis.below(share * bound) for axis, bound in zip(axes, bounds, strict=True)]
        masses = likelihoods * reduce(np.multiply.outer, [axis.weights for axis in cut])
        rest = [tuple(j + 1 for j in range(len(axes)) if j != i) for i in range(len(axes))]
        found.append([[_marginal(axis, one) for one in masses.sum(axis=rest[i])]
                      for i, axis in enumerate(cut)])  # fmt: skip
    return found


def largest_signal(signal: MixingSignal, counts: FloatArray) -> float:
    """Return a number of events that outcomes (C, M) leave no likelihood."""
    form, n = signal.all_events, float(counts.sum(axis=0).max())
    if not np.any(form > 0):
        raise InferenceError("a limit needs a signal, and N of these mixings leave none")
    shift = signal.shifts.sum(axis=2) / np.where(form > 0, form, np.inf)[:, :, None]
    wide = min(float(np.sqrt((shift**2).sum(axis=-1)).max(initial=0.0)), 1.0)
    return float((60.0 + n + 10.0 * np.sqrt(n)) * np.exp(_RANGE * wide))


def ends_of_mixings(signal: MixingSignal, most: float, bounds: FloatArray) -> FloatArray:
    """Choose where each mixing makes a difference, up to where nothing is likely, (F, 2)."""
    form = signal.all_events
    alone = np.sqrt(np.maximum(np.diag(form), 1e-300))
    ends = np.minimum(bounds, np.sqrt(most) / alone)
    found = []
    for a, end in enumerate(ends.tolist()):
        with_others = 2.0 * sum(form[a, b] * ends[b] for b in range(len(ends)) if b != a)
        start = min(_LEAST_FIRST / max(with_others, 1e-300), np.sqrt(_LEAST_FIRST) / alone[a])
        found.append((min(start, 1e-3 * end), end))
    return np.array(found)


def mixing_replicas(
    signal: MixingSignal, experiment: CountingModel, counts: FloatArray,
    mixings: FloatArray, most: float, few: bool = False,
) -> FloatArray:  # fmt: skip
    """Return ln(likelihood) of outcomes (C, M) at mixings (G, F), shape (G, M, replicas).

    Nuisance parameters are integrated over; signals above `most` events are not looked at.
    `few` points of these are enough where much else is uncertain, as with outcomes that are drawn.
    """
    total = signal.events(mixings)
    matters = (total > _LEAST) & (total < most)
    least = int(np.argmin(total))
    matters[least] = True  # stands for all that have no signal
    path = signal.at(mixings[matters])
    found = log_likelihoods(path, experiment, counts, few)
    logs = np.empty((len(total), *found.shape[1:]))
    logs[:] = -total[:, None, None]  # smooth where nothing is likely
    logs[matters] = found
    logs[total <= _LEAST] = logs[least]
    return logs


def _marginal(axis: _Axis, masses: FloatArray) -> Marginal:
    """Make the tail of the probability (P,) of each point of an axis."""
    used = axis.weights > 0
    points, masses = axis.points[used], masses[used]
    density = np.maximum(masses / axis.weights[used], 1e-300) * points  # by ln(mixing)
    x = np.log(points[2:])
    spline = scipy.interpolate.make_interp_spline(x, np.log(density[2:]), k=3)
    low, high = np.log(axis.start), np.log(axis.end)
    fine = np.linspace(low, high, int((high - low) / DECADE * _FINE) + 1)
    values = np.exp(np.maximum(spline(np.clip(fine, x[0], x[-1])), -690.0))
    # beyond the outermost points the density by the mixing itself goes on as it is
    values *= np.exp(fine - np.clip(fine, x[0], x[-1]))
    panels = 0.5 * (values[1:] + values[:-1]) * np.diff(fine)
    below = float(masses[:2].sum())
    tail = np.append(np.cumsum(panels[::-1])[::-1], 0.0)
    log_tail = np.log(np.maximum(tail / (tail[0] + below), 1e-300))
    return Marginal(fine, log_tail, axis.end)
