"""P-values from toy experiments where outcomes are too many to enumerate.

The test is that of the exact calculation: outcomes ordered by q-tilde or q0 at nominal rates,
nuisance parameters drawn from their priors. Where backgrounds have a covariance, bins tell of each
other's background, and outcomes are ordered by the profile likelihood ratio, linear in the counts
around a midway between the hypotheses: its weights are ln of the ratio of both fitted rates.
Without uncertainties that is the ratio of Neyman and Pearson, with many events the profile's own.

Plain toys would need 1e8 of them for 5 sigma. Here
(nuisance parameters theta, counts n) are drawn from a mixture that covers the way from one
hypothesis to the other, and weighted by p(theta, n) / mixture (the balance heuristic: Veach and
Guibas, SIGGRAPH 1995).

The same seed serves every point, so that p-values are smooth
along the coupling.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.inference.components import noted
from hnlstat.inference.counting.ladder import TIE, Ladder
from hnlstat.inference.engines.toy_sampling import Component, Rates, Toys, draw_toys
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.inference.statistics import q_tilde, q_zero
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]
Pair = tuple[float, float]

_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_CLS_LEVELS = (0.0, 0.05, 0.2, 0.5)  # quantiles of many outcomes that toys are led to
_PILOTS = (0.25, 0.25)  # sizes of the pilot samples relative to the main one
_CENTRES = 8  # components that a pilot adds for each level
_SPREAD = 0.5  # of these components around their mean; 1 would follow the noise of single toys
_QUANTILE_TOYS = 4  # plain toys for quantiles, relative to the main sample
_NEAR = 50  # toys on each side of a quantile that tell where it lies
_FEWEST = 0.3  # counts that a component leads to where it should lead to none
_NO_NUMBER = 1e-300  # probabilities below are 0
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
class _Sorted:
    """Toys in the order of a statistic.

    Weights of all toys sum up to one but for their noise. So probabilities are shares of that sum:
    they lie between 0 and 1, and are precise where they are near 1.
    """

    ladder: Ladder
    statistic: FloatArray
    weights: tuple[FloatArray, FloatArray]

    @classmethod
    def of(cls, toys: Toys, statistic: Statistic) -> "_Sorted":
        values = statistic(toys.counts)
        ladder = Ladder.build(values, toys.background, toys.signal_plus_background)
        return cls(ladder, values, (toys.background, toys.signal_plus_background))

    def up_to(self, value: float) -> Pair:
        """Return P(statistic <= value) with the signal and without."""
        totals = self.ladder.signal_plus_background[-1], self.ladder.background[-1]
        clsb, clb = (
            min(p / float(total), 1.0) if total > 0.0 else 0.0
            for p, total in zip(self.ladder.up_to(value), totals, strict=True)
        )
        return clsb, clb

    def error(self, value: float, hypothesis: int) -> float:
        """Return the relative standard error of the probability; 0 of one too small for numbers."""
        inside = self.statistic <= value + TIE * (1.0 + abs(value))
        weights = self.weights[hypothesis][inside]
        total = float(weights.sum())
        if total <= _NO_NUMBER:
            return 0.0 if inside.any() else np.inf
        variance = float(((weights / total) ** 2).sum()) - 1.0 / len(inside)
        return float(np.sqrt(max(variance, 0.0)))


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
        """Return CLs and CLs+b, observed and expected, of the model's signal.

        What is expected comes from toys of its own, so that it does not depend on the data.
        """
        active = _telling(model)
        blind = model.observed is None
        if not active.size:
            one, ones = (None if blind else 1.0), (1.0,) * len(BANDS)
            return Exclusion(one, one, ones, ones, "toys", "ok: no signal")
        model = model.select(active).capped()
        quantiles = [float(ndtr(z)) for z in BANDS]
        (expected, seen), validity = self._p_values(model, _poverty(model), 1, quantiles)
        # CLs rises with the level; where it hardly does, noise must not turn bands around
        ratios = np.maximum.accumulate([_ratio(*pair) for pair in expected]).tolist()
        return Exclusion(
            None if seen is None else _ratio(*seen),
            None if seen is None else seen[0],
            tuple(ratios),
            tuple(clsb for clsb, _ in expected),
            "toys",
            validity,
        )

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of many outcomes (C, M), shape (M,)."""
        active = _telling(model)
        if not active.size:
            return np.ones(counts.shape[1])
        model = replace(model.select(active).capped(), observed=None)
        poverty = _poverty(model)
        values = poverty(counts[active])
        levels = np.quantile(values, _CLS_LEVELS, method="inverted_cdf").tolist()
        toys = _sample(model, poverty, 1, levels, [], self.settings)
        return np.array([_ratio(*toys.up_to(value)) for value in values.tolist()])

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, observed and expected with the signal."""
        active = _telling(model)
        blind = model.observed is None
        if not active.size:
            return Discovery(None if blind else 1.0, 1.0, "toys", "ok: no signal")
        model = model.select(active).capped()
        (expected, seen), validity = self._p_values(model, _dullness(model), 0, [0.5])
        return Discovery(None if seen is None else seen[1], expected[0][1], "toys", validity)

    def _p_values(
        self,
        model: CountingModel,
        statistic: Statistic,
        hypothesis: int,
        quantiles: Sequence[float],
    ) -> tuple[tuple[list[Pair], Pair | None], str]:
        """Return the p-values at quantiles of the other hypothesis and of the data, and a remark.

        Each is a pair: with the signal and without.
        """
        blind = replace(model, observed=None)
        levels, centres = _levels(blind, statistic, 1 - hypothesis, quantiles, self.settings)
        toys = _sample(blind, statistic, hypothesis, levels, centres, self.settings)
        expected = [toys.up_to(level) for level in levels]
        errors = [toys.error(level, hypothesis) for level in levels]
        seen = None
        if model.observed is not None:
            level = float(statistic(model.observed[:, None])[0])
            toys = _sample(model, statistic, hypothesis, [level], [], self.settings)
            seen = toys.up_to(level)
            errors.append(toys.error(level, hypothesis))
        return (expected, seen), noted(_remark(max(errors)), model)


def _telling(model: CountingModel) -> NDArray[np.intp]:
    """Return the bins that tell of the signal: those with some, or all of correlated ones."""
    if model.background_components and model.signal.any():
        return np.arange(len(model.channels))
    return np.flatnonzero(model.signal > 0.0)


def _poverty(model: CountingModel) -> Statistic:
    """Return the statistic that is small where outcomes have little signal."""
    if model.background_components:
        return _linear_ratio(model)
    return lambda counts: -q_tilde(counts, model.signal, model.background)


def _dullness(model: CountingModel) -> Statistic:
    """Return the statistic that is small where outcomes have much signal."""
    if model.background_components:
        ratio = _linear_ratio(model)
        return lambda counts: -ratio(counts)
    return lambda counts: -q_zero(counts, model.signal, model.background)


def _linear_ratio(model: CountingModel) -> Statistic:
    """Return the profile likelihood ratio, linear in the counts, up to a constant."""
    middle, weights = model.background + 0.5 * model.signal, Rates(model).ratio()
    return lambda counts: np.asarray(weights @ (counts - middle[:, None]))


def _levels(
    model: CountingModel,
    statistic: Statistic,
    hypothesis: int,
    quantiles: Sequence[float],
    settings: ToySettings,
) -> tuple[list[float], list[FloatArray]]:
    """Return quantiles of a statistic under a hypothesis, by plain toys.

    With them come the mean counts of toys near each quantile.
    """
    rng = np.random.default_rng([settings.seed, 0])
    rates = Rates(model)
    plain = Component(hypothesis, np.zeros(rates.size), np.ones(len(model.channels)))
    _, counts = plain.draw(rates, _QUANTILE_TOYS * settings.number, rng)
    values = statistic(counts)
    order = np.argsort(values, kind="stable")
    places = [max(int(np.ceil(p * len(order))) - 1, 0) for p in quantiles]
    levels = [float(values[order[place]]) for place in places]
    near = (order[max(place - _NEAR, 0) : place + _NEAR + 1] for place in places)
    centres = [counts[:, chosen].mean(axis=1) for chosen in near]
    return levels, centres


def _sample(
    model: CountingModel,
    statistic: Statistic,
    hypothesis: int,
    levels: Sequence[float],
    centres: Sequence[FloatArray],
    settings: ToySettings,
) -> _Sorted:
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
        rng = np.random.default_rng(settings.seed)
        return _Sorted.of(draw_toys(model, plain, settings.number, rng), statistic)
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
    return _Sorted.of(draw_toys(model, start, settings.number, rng), statistic)


def _ratio(clsb: float, clb: float) -> float:
    """Return CLs, at most 1; 1 where no toy is as signal-poor."""
    return min(clsb / clb, 1.0) if clb > 0.0 else 1.0


def _remark(error: float) -> str:
    """Return "ok", or what to do about the relative standard error of a p-value."""
    if error <= _LARGEST_ERROR:
        return "ok"
    known = f"known to {error:.0%} only" if error < 1.0 else "not known: hardly any toy lies there"
    return f"p-value {known}; raise inference.toys"
