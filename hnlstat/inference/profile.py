"""Profile likelihood fits of many points at once by Newton's method."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.inference.histfactory import Data, Likelihoods

FloatArray = NDArray[np.float64]

_MAX_STEPS = 200
_DECREMENT = 1e-10  # of -ln L that the last step gains; Newton's next one would gain its square
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
    """Maximise the likelihoods, from several starts where there may be several maxima.

    Parameters as in `fit`.
    """
    first = fit(likelihoods, data, strength, start)
    turned = likelihoods.two_sided
    if not turned.any():
        return first
    starts = (first.parameters + shift * turned for shift in (-1.5, 1.5))
    fits = [first, *(fit(likelihoods, data, strength, other) for other in starts)]
    best = np.argmin([f.nll for f in fits], axis=0)
    points = np.arange(len(best))
    return Fit(
        np.stack([f.parameters for f in fits])[best, points],
        np.stack([f.nll for f in fits])[best, points],
        np.stack([f.converged for f in fits])[best, points],
    )


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
