"""P-values from toy experiments where outcomes are too many to enumerate.

The test is that of the exact calculation: outcomes ordered by q-tilde or q0 at nominal rates,
nuisance parameters drawn from their priors. Plain toys would need 1e8 of them for 5 sigma. Here
(nuisance parameters theta, counts n) are drawn from a mixture that covers the way from one
hypothesis to the other, and weighted by p(theta, n) / mixture (the balance heuristic: Veach and
Guibas, SIGGRAPH 1995).

Each component leads a hypothesis with rates r(theta) towards given counts n*. It shifts theta by m,
the best fit to n*, and multiplies the rates by n* / r(m): an exponential change of measure, whose
weight is stationary in theta at m. The same seed serves every point, so that p-values are smooth
along the coupling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr, xlogy

from hnlstat.inference.ladder import TIE, Ladder
from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.inference.statistics import q_tilde, q_zero

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]

_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_CLS_LEVELS = (0.0, 0.05, 0.2, 0.5)  # quantiles of many outcomes that toys are led to
_PILOTS = (0.25, 0.25)  # sizes of the pilot samples relative to the main one
_CENTRES = 8  # components that a pilot adds for each level
_SPREAD = 0.5  # of these components around their mean; 1 would follow the noise of single toys
_QUANTILE_TOYS = 4  # plain toys for quantiles, relative to the main sample
_NEAR = 50  # toys on each side of a quantile that tell where it lies
_FIRST_SHARE = 0.25  # of the first component of a mixture
_FEWEST = 0.3  # counts that a component leads to where it should lead to none
_FIT_STEPS = 30
_LONGEST_STEP = 2.0  # sigma
_LARGEST_ERROR = 0.05  # relative, of a p-value; more is a remark


@dataclass(frozen=True)
class ToySettings:
    """How many toys to draw, and the seed of their random numbers.

    Attributes
    ----------
    number
        Toys for each test of a point.
    seed
        The same seed gives the same p-values.
    importance
        False draws plain toys of both hypotheses, half of the number each: the check.
    """

    number: int = 20_000
    seed: int = 1
    importance: bool = True


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


class ToyCalculator:
    """Tests of any signal by toys.

    Parameters
    ----------
    settings
        Number of toys, seed, and whether they are importance-sampled.
    """

    def __init__(self, settings: ToySettings | None = None) -> None:
        self.settings = settings or ToySettings()

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return CLs and CLs+b, observed and expected, of the model's signal."""
        active = np.flatnonzero(model.signal > 0.0)
        blind = model.observed is None
        if not active.size:
            one, ones = (None if blind else 1.0), (1.0,) * len(BANDS)
            return Exclusion(one, one, ones, ones, "toys", "ok: no signal")
        model = model.select(active).capped()

        def poverty(counts: FloatArray) -> FloatArray:
            return -q_tilde(counts, model.signal, model.background)

        quantiles = [float(ndtr(z)) for z in BANDS]
        levels, centres = _levels(model, poverty, 0, quantiles, self.settings)
        toys = _sample(model, poverty, 1, levels, centres, self.settings)
        ladder = Ladder.build(poverty(toys.counts), toys.background, toys.signal_plus_background)
        pairs = [ladder.up_to(level) for level in levels]
        ratios = [clsb / clb if clb > 0.0 else 1.0 for clsb, clb in pairs]
        return Exclusion(
            None if blind else ratios[-1],
            None if blind else pairs[-1][0],
            tuple(ratios[: len(BANDS)]),
            tuple(clsb for clsb, _ in pairs[: len(BANDS)]),
            "toys",
            _remark(poverty(toys.counts), toys.signal_plus_background, levels),
        )

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of many outcomes (C, M), shape (M,)."""
        active = np.flatnonzero(model.signal > 0.0)
        if not active.size:
            return np.ones(counts.shape[1])
        model = replace(model.select(active).capped(), observed=None)

        def poverty(counts: FloatArray) -> FloatArray:
            return -q_tilde(counts, model.signal, model.background)

        values = poverty(counts[active])
        levels = np.quantile(values, _CLS_LEVELS, method="inverted_cdf").tolist()
        toys = _sample(model, poverty, 1, levels, [], self.settings)
        ladder = Ladder.build(poverty(toys.counts), toys.background, toys.signal_plus_background)
        return _ratios(ladder, values)

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, observed and expected with the signal."""
        active = np.flatnonzero(model.signal > 0.0)
        blind = model.observed is None
        if not active.size:
            return Discovery(None if blind else 1.0, 1.0, "toys", "ok: no signal")
        model = model.select(active).capped()

        def dullness(counts: FloatArray) -> FloatArray:
            return -q_zero(counts, model.signal, model.background)

        levels, centres = _levels(model, dullness, 1, [0.5], self.settings)
        toys = _sample(model, dullness, 0, levels, centres, self.settings)
        ladder = Ladder.build(dullness(toys.counts), toys.background, toys.signal_plus_background)
        p = [min(ladder.up_to(level)[1], 1.0) for level in levels]
        remark = _remark(dullness(toys.counts), toys.background, levels)
        return Discovery(None if blind else p[1], p[0], "toys", remark)


def _levels(
    model: CountingModel,
    statistic: Statistic,
    hypothesis: int,
    quantiles: Sequence[float],
    settings: ToySettings,
) -> tuple[list[float], list[FloatArray]]:
    """Return quantiles of a statistic under a hypothesis, by plain toys, and its value in data.

    With them come the mean counts of toys near each quantile.
    """
    rng = np.random.default_rng([settings.seed, 0])
    rates = _Rates(model)
    plain = _Component(hypothesis, np.zeros(rates.size), np.ones(len(model.channels)))
    _, counts = plain.draw(rates, _QUANTILE_TOYS * settings.number, rng)
    values = statistic(counts)
    order = np.argsort(values, kind="stable")
    places = [max(int(np.ceil(p * len(order))) - 1, 0) for p in quantiles]
    levels = [float(values[order[place]]) for place in places]
    near = (order[max(place - _NEAR, 0) : place + _NEAR + 1] for place in places)
    centres = [counts[:, chosen].mean(axis=1) for chosen in near]
    if model.observed is not None:
        levels.append(float(statistic(model.observed[:, None])[0]))
    return levels, centres


def _sample(
    model: CountingModel,
    statistic: Statistic,
    hypothesis: int,
    levels: Sequence[float],
    centres: Sequence[FloatArray],
    settings: ToySettings,
) -> Toys:
    """Return toys that populate, under a hypothesis, the outcomes at or below each level.

    A pilot sample goes from the one hypothesis to the other; where its weight lies below each
    level tells where to draw. The other hypothesis has plain toys, the first component.
    """
    between = [model.background + mu * model.signal for mu in _STRENGTHS]
    start = [(1 - hypothesis, between[0] if hypothesis else between[-1])]
    start += [(hypothesis, counts) for counts in between]
    start += [(hypothesis, np.maximum(counts, _FEWEST)) for counts in centres]
    if model.observed is not None:
        start += [(h, np.maximum(model.observed, _FEWEST)) for h in (0, 1)]
    if not settings.importance:
        plain = [(h, model.background + h * model.signal) for h in (0, 1)]
        return draw_toys(model, plain, settings.number, np.random.default_rng(settings.seed))
    rng = np.random.default_rng([settings.seed, 1])
    for fraction in _PILOTS:
        pilot = draw_toys(model, start, int(fraction * settings.number), rng)
        weight = pilot.signal_plus_background if hypothesis else pilot.background
        values = statistic(pilot.counts)
        for level in levels:
            inside = np.flatnonzero(values <= level + TIE * (1.0 + abs(level)))
            if weight[inside].sum() > 0.0:
                share = weight[inside] / weight[inside].sum()
                mean = pilot.counts[:, inside] @ share
                for i in rng.choice(inside, _CENTRES, p=share).tolist():
                    middle = mean + _SPREAD * (pilot.counts[:, i] - mean)
                    start.append((hypothesis, np.maximum(middle, _FEWEST)))
    return draw_toys(model, start, settings.number, rng)


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
    rates = _Rates(model)
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
class _Component:
    """A hypothesis with its nuisance parameters shifted and its rates scaled."""

    hypothesis: int
    shift: FloatArray
    scale: FloatArray

    def draw(
        self, rates: "_Rates", size: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Return nuisance parameters (C + G, size) and counts (C, size)."""
        theta = self.shift[:, None] + rng.standard_normal((len(self.shift), size))
        mean = self.scale[:, None] * rates.at(self.hypothesis, theta)
        return theta, rng.poisson(mean).astype(np.float64)


class _Rates:
    """Rates of C bins as functions of standard normal parameters.

    C directions of the signal come first, then the backgrounds of the G channels.
    """

    def __init__(self, model: CountingModel) -> None:
        variance, vectors = np.linalg.eigh(model.log_signal_covariance)
        self.signal, self.background = model.signal[:, None], model.background[:, None]
        self.signal_shift = vectors * np.sqrt(np.maximum(variance, 0.0))
        self.background_shift = model.background_shifts

    @property
    def size(self) -> int:
        """Number of parameters, C + G."""
        return sum(self.background_shift.shape)

    def at(self, hypothesis: int, theta: FloatArray) -> FloatArray:
        """Return the expected events, shape (C, N), for parameters (C + G, N)."""
        first = len(self.signal)
        rate = self.background * np.exp(self.background_shift @ theta[first:])
        if hypothesis:
            rate = rate + self.signal * np.exp(self.signal_shift @ theta[:first])
        return np.asarray(rate)

    def slope(self, hypothesis: int, theta: FloatArray) -> FloatArray:
        """Return the derivatives of the rates at one point (C + G, 1), shape (C, C + G)."""
        first = len(self.signal)
        own = self.background * np.exp(self.background_shift @ theta[first:])
        signal = hypothesis * self.signal * np.exp(self.signal_shift @ theta[:first])
        return np.concatenate([signal * self.signal_shift, own * self.background_shift], axis=1)

    def lead(self, hypothesis: int, counts: FloatArray) -> _Component:
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
        return _Component(hypothesis, theta[:, 0], counts / self.at(hypothesis, theta)[:, 0])


def _ratios(ladder: Ladder, values: FloatArray) -> FloatArray:
    """Return CLs at values of minus q-tilde; 1 where no toy is as signal-poor."""
    pairs = [ladder.up_to(value) for value in values.tolist()]
    return np.array([clsb / clb if clb > 0.0 else 1.0 for clsb, clb in pairs])


def _remark(statistic: FloatArray, weight: FloatArray, levels: Sequence[float]) -> str:
    """Return "ok", or the relative standard error of p-values that need more toys."""
    errors = []
    for level in levels:
        inside = weight[statistic <= level + TIE * (1.0 + abs(level))]
        total = float(inside.sum())
        variance = float((inside**2).sum()) - total**2 / len(weight)
        errors.append(np.sqrt(max(variance, 0.0)) / total if total > 0.0 else np.inf)
    if max(errors) <= _LARGEST_ERROR:
        return "ok"
    return f"p-value known to {max(errors):.0%} only; raise inference.toys"
