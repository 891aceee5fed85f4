"""Profile likelihood fits of many points at once by Newton's method."""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.likelihood.histfactory import Data, Likelihoods

FloatArray = NDArray[np.float64]

_MAX_STEPS = 200
_DECREMENT = 1e-10  # of -ln L that the last step gains; Newton's next one would gain its square
_MAX_ROUNDS = 3
_SIGNS, _REPEATS = 5, 4  # parameters with all combinations of signs, starts for each of these
_FARTHEST = 2.5  # sigma of a start
_PULLED, _POOR = 6.0, 3.0  # sum of squared pulls, -ln L above one for each bin: look further
_TOGETHER = 32  # points with many starts
_SAME = 1e-9  # of -ln L
_FLAT = 1e-12  # keeps a likelihood that is linear in a parameter, as at no events, solvable
_RIDGE_START, _RIDGE_UP, _RIDGE_DOWN = 1e-3, 8.0, 0.25


@dataclass(frozen=True, eq=False)
class Fit:
    """Maximum-likelihood fits of P points.

    Attributes
    ----------
    parameters
        Shape (P, N).
    nll
        -ln L up to a constant of the data, shape (P,).
    converged
        Shape (P,).
    """

    parameters: FloatArray
    nll: FloatArray
    converged: NDArray[np.bool_]


def best_fit(
    likelihoods: Likelihoods,
    data: Data,
    strength: float | None = None,
    start: FloatArray | None = None,
) -> Fit:
    """Maximise the likelihoods, from many starts where there may be several maxima.

    Parameters as in `fit`.
    """
    best = fit(likelihoods, data, strength, start)
    normal = (likelihoods.precision > 0.0) & ~likelihoods.fixed
    pulls = likelihoods.precision * (best.parameters - data.auxiliary) ** 2
    poor = (pulls.sum(axis=1) > _PULLED) | (best.nll > _POOR + data.counts.shape[1])
    turned = likelihoods.two_sided | (poor[:, None] & normal)
    todo = np.flatnonzero(turned.any(axis=1))
    for first in range(0, todo.size, _TOGETHER):
        block = todo[first : first + _TOGETHER]
        part, fitted = likelihoods.take(block), data.take(block)
        for _ in range(_MAX_ROUNDS):
            here = np.flatnonzero(turned[block].any(axis=1))
            if not here.size:
                break
            points, starts = _starts(part, best.parameters[block], turned[block])
            again = fit(part.take(points), fitted.take(points), strength, starts)
            for p in here.tolist():
                mine = np.flatnonzero(points == p)
                lowest = mine[np.argmin(again.nll[mine])]
                if again.nll[lowest] < best.nll[block[p]] - _SAME:
                    best.parameters[block[p]] = again.parameters[lowest]
                    best.nll[block[p]] = again.nll[lowest]
                    best.converged[block[p]] = again.converged[lowest]
                else:
                    turned[block[p]] = False
    return best


def _starts(
    likelihoods: Likelihoods, theta: FloatArray, turned: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], FloatArray]:
    """Return more starts and the points that they are for, shapes (S,) and (S, N).

    The turned parameters of each point are spread over all combinations of signs, or over many of
    them, as far as 2.5 sigma; the parameter of interest goes to a side of its own.
    """
    rng = np.random.default_rng(1)  # the same starts each time
    points, starts = [], []
    width = 1.0 / np.sqrt(np.where(likelihoods.precision > 0.0, likelihoods.precision, 1.0))
    for p in np.flatnonzero(turned.any(axis=1)).tolist():
        chosen = np.flatnonzero(turned[p])
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=min(chosen.size, _SIGNS))))
        rest = rng.choice((-1.0, 1.0), (_REPEATS * len(signs), max(chosen.size - _SIGNS, 0)))
        sides = np.hstack([np.tile(signs, (_REPEATS, 1)), rest])
        size = rng.uniform(0.1, _FARTHEST, sides.shape)
        more = np.repeat(theta[p][None], len(sides), axis=0)
        middle = likelihoods.data.auxiliary[p, chosen]
        more[:, chosen] = middle + sides * size * width[p, chosen]
        more[:, likelihoods.poi] *= rng.choice((0.1, 1.0, 3.0), len(sides))
        starts.append(more)
        points.append(np.full(len(more), p))
    if not points:
        return np.zeros(0, dtype=np.intp), np.zeros((0, theta.shape[1]))
    return np.concatenate(points), np.concatenate(starts)


def fit(
    likelihoods: Likelihoods,
    data: Data,
    strength: float | None = None,
    start: FloatArray | None = None,
) -> Fit:
    """Maximise the likelihoods from one start.

    Newton steps with the full Hessian are kept within the bounds by holding parameters that push
    against theirs; where a step does not lower -ln L it is shortened and turned towards the
    gradient (Levenberg and Marquardt).

    Parameters
    ----------
    likelihoods
        P likelihoods of the same form.
    data
        What to fit.
    strength
        Value of the parameter of interest, None to fit it.
    start
        Parameters to start from, shape (P, N).
    """
    points = len(likelihoods.nominal)
    theta = np.tile(likelihoods.start, (points, 1)) if start is None else start.copy()
    held = likelihoods.fixed.copy()
    if strength is not None:
        theta[:, likelihoods.poi] = max(strength, likelihoods.lower[likelihoods.poi])
        held[:, likelihoods.poi] = True
    theta = np.clip(theta, likelihoods.lower, likelihoods.upper)
    nll = likelihoods.nll(theta, data)
    converged = np.zeros(points, dtype=bool)
    ridge = np.zeros(points)
    todo = np.flatnonzero(np.isfinite(nll))
    part, fitted = likelihoods.take(todo), data.take(todo)
    for _ in range(_MAX_STEPS):
        if not todo.size:
            break
        step, decrement = _step(part, fitted, theta[todo], held[todo], ridge[todo])
        done = (np.abs(decrement) < _DECREMENT * (1.0 + np.abs(nll[todo]))) & (ridge[todo] < 1.0)
        trial = np.clip(theta[todo] + step, part.lower, part.upper)
        trial_nll = part.nll(trial, fitted)
        better = trial_nll <= nll[todo] + 1e-14 * np.abs(nll[todo])
        theta[todo[better]], nll[todo[better]] = trial[better], trial_nll[better]
        grown = np.maximum(_RIDGE_UP * ridge[todo], _RIDGE_START)
        shrunk = np.where(ridge[todo] < _RIDGE_START, 0.0, _RIDGE_DOWN * ridge[todo])
        ridge[todo] = np.where(better, shrunk, grown)
        converged[todo[done]] = True
        if done.any():
            todo = todo[~done]
            part, fitted = likelihoods.take(todo), data.take(todo)
    return Fit(theta, nll, converged)


def _step(
    likelihoods: Likelihoods,
    data: Data,
    theta: FloatArray,
    held: NDArray[np.bool_],
    ridge: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the step of each point, shape (P, N), and how far it would lower -ln L, (P,)."""
    gradient, hessian = likelihoods.derivatives(theta, data)
    pushing = (theta <= likelihoods.lower) & (gradient > 0.0)
    pushing |= (theta >= likelihoods.upper) & (gradient < 0.0)
    still = held | pushing
    gradient[still] = 0.0
    hessian[still[:, :, None] | still[:, None, :]] = 0.0
    diagonal = np.arange(theta.shape[1])
    own = hessian[:, diagonal, diagonal]
    hessian[:, diagonal, diagonal] = np.where(
        still, 1.0, own + ridge[:, None] * (np.abs(own) + 1e-9) + _FLAT
    )
    try:
        solved = np.linalg.solve(hessian, gradient[:, :, None])
    except np.linalg.LinAlgError:  # one singular matrix would lose all points
        solved = np.linalg.pinv(hessian) @ gradient[:, :, None]
    step = np.asarray(-solved[:, :, 0], dtype=np.float64)
    uphill = (step * gradient).sum(axis=1) > 0.0
    if uphill.any():
        size = np.maximum(np.abs(own), 1e-9)
        step[uphill] = (-gradient / (size * (1.0 + ridge[:, None])))[uphill]
    decrement: FloatArray = 0.5 * (step * gradient).sum(axis=1)
    return step, decrement
