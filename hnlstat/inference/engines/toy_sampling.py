"""Weighted toy experiments, drawn from a mixture of components.

Each component leads a hypothesis with rates r(theta) towards given counts n*. It shifts theta by m,
the best fit to n*, and multiplies the rates by n* / r(m): an exponential change of measure, whose
weight is stationary in theta at m.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from hnlstat.inference.components import shifted_background
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_FIRST_SHARE = 0.25  # of the first component of a mixture
_FIT_STEPS = 30
_LONGEST_STEP = 2.0  # sigma


@dataclass(frozen=True, eq=False)
class Toys:
    """Weighted toy experiments.

    Attributes
    ----------
    counts
        Shape (C, N).
    background, signal_plus_background
        Weights, shape (N,): their sum over a set of outcomes estimates its probability.
    """

    counts: FloatArray
    background: FloatArray
    signal_plus_background: FloatArray


def draw_toys(
    model: CountingModel,
    targets: Sequence[tuple[int, FloatArray]],
    number: int,
    rng: np.random.Generator,
) -> Toys:
    """Draw toys of both hypotheses together, the first component more of them.

    Parameters
    ----------
    model
        Rates and uncertainties.
    targets
        Components of the mixture: the hypothesis (0 without, 1 with the signal) and the positive
        counts (C,) that it is led to.
    number
        Toys of all components together: a quarter of them, or an even share if that is more, of
        the first one, and the rest shared out evenly.
    rng
        Source of random numbers.
    """
    rates = Rates(model)
    first = int(number * max(_FIRST_SHARE, 1.0 / len(targets)))
    sizes = np.diff([0, *np.linspace(first, number, len(targets)).astype(int)])
    components = [rates.lead(h, counts) for h, counts in targets]
    drawn = [c.draw(rates, int(size), rng) for c, size in zip(components, sizes, strict=True)]
    theta, counts = (np.concatenate(part, axis=1) for part in zip(*drawn, strict=True))
    both = [rates.at(h, theta) for h in (0, 1)]
    # all densities without the factors exp(-theta^2 / 2) / prod n!, which they share
    log_rates = [xlogy(counts, rate).sum(axis=0) for rate in both]
    parts = [
        c.shift @ theta
        - 0.5 * c.shift @ c.shift
        + np.log(c.scale) @ counts
        + log_rates[c.hypothesis]
        - c.scale @ both[c.hypothesis]
        for c in components
    ]
    mixture = logsumexp(np.array(parts), axis=0, b=sizes[:, None])
    background, signal_plus_background = (
        np.exp(log_rates[h] - both[h].sum(axis=0) - mixture) for h in (0, 1)
    )
    return Toys(counts, background, signal_plus_background)


@dataclass(frozen=True, eq=False)
class Component:
    """A hypothesis with its nuisance parameters shifted and its rates scaled."""

    hypothesis: int
    shift: FloatArray
    scale: FloatArray

    def draw(
        self, rates: "Rates", size: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Return nuisance parameters (N, size) and counts (C, size)."""
        theta = self.shift[:, None] + rng.standard_normal((len(self.shift), size))
        mean = self.scale[:, None] * rates.at(self.hypothesis, theta)
        return theta, rng.poisson(mean).astype(np.float64)


class Rates:
    """Rates of C bins as functions of N standard normal parameters.

    C directions of the signal come first, then the backgrounds of the G channels and the K
    components of their covariance.
    """

    def __init__(self, model: CountingModel) -> None:
        self.model, self.components = model, model.component_matrix
        variance, vectors = np.linalg.eigh(model.log_signal_covariance)
        self.signal = model.signal[:, None]
        self.signal_shift = vectors * np.sqrt(np.maximum(variance, 0.0))
        self.background_shift = model.background_shifts

    @property
    def size(self) -> int:
        """Number of parameters, C + G + K."""
        return int(sum(self.background_shift.shape) + self.components.shape[1])

    def at(self, hypothesis: int, theta: FloatArray) -> FloatArray:
        """Return the expected events, shape (C, M), for parameters (N, M)."""
        first = len(self.signal)
        own, zeta = np.split(theta[first:], [self.background_shift.shape[1]])
        rate = shifted_background(self.model, zeta)[0] * np.exp(self.background_shift @ own)
        if hypothesis:
            rate = rate + self.signal * np.exp(self.signal_shift @ theta[:first])
        return np.asarray(rate)

    def slope(self, hypothesis: int, theta: FloatArray) -> FloatArray:
        """Return the derivatives of the rates at one point (N, 1), shape (C, N)."""
        first = len(self.signal)
        own, zeta = np.split(theta[first:], [self.background_shift.shape[1]])
        background, change, _ = shifted_background(self.model, zeta)
        factor = np.exp(self.background_shift @ own)
        signal = hypothesis * self.signal * np.exp(self.signal_shift @ theta[:first])
        parts = [signal * self.signal_shift, background * factor * self.background_shift]
        return np.concatenate([*parts, change * factor * self.components], axis=1)

    def ratio(self) -> FloatArray:
        """Return ln of the ratio of rates with and without the signal, shape (C,).

        Both are fitted to counts midway between the hypotheses: weights of the counts in a profile
        likelihood ratio that is linear in them.
        """
        middle = self.model.background + 0.5 * self.model.signal
        without, with_signal = (self.lead(h, middle).scale for h in (0, 1))
        return np.asarray(np.log(without / with_signal))

    def lead(self, hypothesis: int, counts: FloatArray) -> Component:
        """Return the component that leads a hypothesis to these counts.

        Its shift is the best fit of the parameters, found by Fisher scoring; one that is not quite
        the best costs precision only.
        """
        theta = np.zeros((self.size, 1))
        for _ in range(_FIT_STEPS):
            rate, slope = self.at(hypothesis, theta), self.slope(hypothesis, theta)
            gradient = slope.T @ (1.0 - counts[:, None] / rate) + theta
            step = np.linalg.solve(slope.T @ (slope / rate) + np.eye(len(theta)), gradient)
            theta -= step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
            if np.abs(step).max() < 1e-6:
                break
        return Component(hypothesis, theta[:, 0], counts / self.at(hypothesis, theta)[:, 0])
