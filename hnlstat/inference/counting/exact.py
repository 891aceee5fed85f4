"""P-values at low counts by enumeration of all outcomes, free of asymptotic formulae and of noise.

Outcomes are ordered by q-tilde of mu = 1 (exclusion) or q0 (discovery) of arXiv:1007.1727 with the
nuisance parameters at their nominal values: the order is what defines the test, and any order gives
a valid one. Their probabilities include the uncertainties: the nuisance parameters are averaged
over their priors (prior-predictive or hybrid treatment; Cousins and Highland, NIM A 320 (1992)
331). With it an observation of zero events gives CLs = E[exp(-signal)], whatever the background,
and as exp(-s) is convex in ln s for s > 1 this is never below exp(-s): limits at 63 % CL and above
are never stronger than without uncertainties. Letting auxiliary data fluctuate, as toys of
profile-likelihood fits do, lacks this property (2.17 events at 90 % CL in place of 2.30).

With fixed rates the likelihood ratio of the two hypotheses orders outcomes almost alike (median
limits up to 0.7 % lower); q-tilde is kept as it is what the asymptotic formulae and pyhf use. Where
many events of badly known backgrounds are in several channels, profiling these orders better.

CLs is made of all outcomes that are as signal-poor as an outcome, however unlikely they are without
the signal (`corner`). Where data have too many such outcomes their p-values are the convolution's.

Expected results are quantiles of the exact distribution: the CLs below or at which an experiment
without signal ends with a probability of 2.3, 16, 50, 84, 98 %; for discovery the median p-value
of experiments with the signal.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

from hnlstat.errors import InferenceError
from hnlstat.inference.components import refuse_components
from hnlstat.inference.counting.convolution import METHOD as CONVOLUTION
from hnlstat.inference.counting.convolution import ConvolutionCalculator
from hnlstat.inference.counting.corner import MOST_COUNT
from hnlstat.inference.counting.enumeration import Outcomes, enumerate_outcomes, outcome_count
from hnlstat.inference.counting.exclusions import Exclusions
from hnlstat.inference.counting.ladder import TIE, Ladder
from hnlstat.inference.counting.marginal import background_pmf, signal_nodes
from hnlstat.inference.counting.poisson import likely_counts
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.inference.statistics import q_zero
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
METHOD = "exact"

_TAIL = 1e-13  # of each channel's background, left out of its table
_MAX_COUNT = 1500  # of the background in one channel
_MAX_OUTCOMES = 2_000_000
_FEW_OUTCOMES = 400_000  # for the p-value of no signal of data far above the median
_TOLERANCE = 1e-8
_P_VALUE_FLOOR = 1e-13  # one minus a sum of probabilities cannot resolve less


def is_affordable(model: CountingModel, most: float = _MAX_OUTCOMES) -> bool:
    """Tell whether the outcomes of the model's backgrounds are few enough to enumerate.

    Those of bins whose backgrounds are correlated, in channels with several or by components of
    their covariance, never are.

    Parameters
    ----------
    model
        Backgrounds; its signal and data are not used.
    most
        Outcomes that are few enough.
    """
    if len(model.members) < len(model.channels) or model.background_components:
        return False
    largest = model.background * (1.0 + model.background_modifiers) ** 6.0
    if np.any(largest > _MAX_COUNT):
        return False
    keys = [_keys(pmf) for pmf in _background_pmfs(model)]
    return outcome_count(keys, -np.log(_TOLERANCE)) < most


class ExactCalculator:
    """Exact tests of any signal over fixed backgrounds.

    Parameters
    ----------
    model
        Backgrounds and data; its signal is not used.
    tolerance
        Joint background probability, over that of the likeliest outcome, below which one may be
        left out in the search for quantiles of experiments without signal. No p-value lacks it.
    most
        Outcomes for the observed p-values; where more are as signal-poor as the data, these are
        the convolution's.

    Raises
    ------
    InferenceError
        If the outcomes are too many, see `is_affordable`.
    """

    def __init__(
        self, model: CountingModel, tolerance: float = _TOLERANCE, most: float = _MAX_OUTCOMES
    ) -> None:
        refuse_components(model, METHOD)
        if not is_affordable(model):
            raise InferenceError(
                f"backgrounds of {', '.join(f'{b:.4g}' for b in model.background)} events have "
                "too many outcomes to enumerate; use calculator=auto, convolution or toys"
            )
        self._base, self._limit, self._most = model, -np.log(tolerance), most
        self._backgrounds = _background_pmfs(model)
        self._last: tuple[tuple[str, ...], Outcomes] | None = None

    @cached_property
    def _convolution(self) -> ConvolutionCalculator:
        return ConvolutionCalculator(self._base)

    @property
    def observed_method(self) -> str:
        """The calculator of the observed p-values."""
        observed = self._base.observed
        far = observed is not None and self._too_many(observed[:, None]).any()
        return CONVOLUTION if far else METHOD

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return CLs and CLs+b, observed and expected, of the model's signal."""
        active = np.flatnonzero(model.signal > 0.0)
        if not active.size:
            one = None if model.observed is None else 1.0
            ones = (1.0,) * len(BANDS)
            return Exclusion(one, one, ones, ones, METHOD, "ok: no signal")
        model = model.select(active)
        tests = self._tests(model, active)
        try:
            expected, remark = tests.expected().tolist(), "ok"
        except InferenceError:  # more outcomes than backgrounds alone have
            return self._convolution.exclusion(model)
        observed = None
        if model.observed is not None:
            found, handed = self._p_values(tests, model.observed[:, None])
            observed = found[0].tolist()
            remark = f"ok: observed by {CONVOLUTION}" if handed else "ok"
        return Exclusion(
            None if observed is None else observed[1],
            None if observed is None else observed[0],
            tuple(cls for _, cls in expected),
            tuple(clsb for clsb, _ in expected),
            METHOD,
            remark,
        )

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of many outcomes (C, M) together, shape (M,)."""
        active = np.flatnonzero(model.signal > 0.0)
        if not active.size:
            return np.ones(counts.shape[1])
        tests = self._tests(model.select(active), active)
        return self._p_values(tests, counts[active])[0][:, 1]

    def _tests(self, model: CountingModel, active: NDArray[np.intp]) -> Exclusions:
        """Return the tests of a signal that all the chosen channels have."""
        backgrounds = [self._backgrounds[i] for i in active]
        if self._last is None or self._last[0] != model.labels:
            keys = [_keys(pmf) for pmf in backgrounds]
            self._last = model.labels, enumerate_outcomes(backgrounds, keys, self._limit)
        return Exclusions(model, backgrounds, self._last[1])

    def _too_many(self, counts: FloatArray) -> NDArray[np.bool_]:
        """Tell which data (C, M) have too many outcomes with as few events."""
        number = comb(counts.sum(axis=0) + len(counts), len(counts))
        return np.asarray((number > self._most) | (counts.max(axis=0) > MOST_COUNT))

    def _p_values(self, tests: Exclusions, counts: FloatArray) -> tuple[FloatArray, bool]:
        """Return CLs+b and CLs of outcomes (C, M), shape (M, 2); if any are the convolution's."""
        far = self._too_many(counts)
        found = np.ones((counts.shape[1], 2))
        if not far.all():
            try:
                found[~far] = tests.p_values(counts[:, ~far])
            except InferenceError:
                far[:] = True
        if far.any():
            found[far] = self._convolution.p_values(tests.model, counts[:, far])
        return found, bool(far.any())

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, observed and expected with the signal.

        The p-value is one minus the probability of all outcomes with a smaller q0. As
        q0 >= 2 ln L(1)/L(0), these have sum_i n_i ln(1 + s_i/b_i) <= q0/2 + sum_i s_i: a finite
        set, enumerated in full; if it is too large both p-values are those of the convolution.
        """
        active = np.flatnonzero(model.signal > 0.0)
        if not active.size:
            return Discovery(None if model.observed is None else 1.0, 1.0, "exact", "ok: no signal")
        backgrounds = [self._backgrounds[i] for i in active]
        model = model.select(active)
        rates = (model.signal, model.background)
        asimov = float(q_zero((model.signal + model.background)[:, None], *rates)[0])
        limit = max(1.03 * asimov, TIE)
        try:
            ladder = _below(model, backgrounds, limit)
            while ladder.below(limit)[0] <= 0.5:
                limit *= 1.1
                ladder = _below(model, backgrounds, limit)
        except InferenceError:
            return replace(self._convolution.discovery(model), validity=f"ok: p0 by {CONVOLUTION}")
        median = ladder.quantile(ladder.signal_plus_background, 0.5)
        p_expected = max(1.0 - ladder.below(median)[1], _P_VALUE_FLOOR)
        remark = "ok" if p_expected > _P_VALUE_FLOOR else "p-value below the resolution of 1e-13"
        if model.observed is None:
            return Discovery(None, p_expected, METHOD, remark)
        q = float(q_zero(model.observed[:, None], *rates)[0])
        if q > limit and 1.0 - ladder.below(limit)[1] > _P_VALUE_FLOOR:
            try:
                ladder = _below(model, backgrounds, q, _FEW_OUTCOMES)
            except InferenceError:
                found = self._convolution.discovery(model).p0_observed
                handed = f"ok: p0_observed by {CONVOLUTION}"
                return Discovery(found, p_expected, METHOD, handed if remark == "ok" else remark)
        p_observed = max(1.0 - ladder.below(q)[1], _P_VALUE_FLOOR)
        return Discovery(p_observed, p_expected, METHOD, remark)


def _background_pmfs(model: CountingModel) -> tuple[FloatArray, ...]:
    """Return the distribution of the background counts of each channel."""
    return tuple(
        background_pmf(b, error, _TAIL)
        for b, error in zip(model.background, model.background_modifiers, strict=True)
    )


def _keys(pmf: FloatArray) -> FloatArray:
    """Return what sums up to -ln of an outcome's probability over that of the likeliest."""
    return np.asarray(np.log(pmf.max()) - np.log(np.maximum(pmf, 1e-300)))


def _below(
    model: CountingModel,
    backgrounds: Sequence[FloatArray],
    limit: float,
    most: float = np.inf,
) -> Ladder:
    """Return the ladder in q0 of a set that contains all outcomes with q0 <= limit."""
    rise = np.log1p(model.signal / model.background)
    key_limit = 0.5 * limit + float(model.signal.sum())
    spread = np.exp(4.0 * np.sqrt(np.diag(model.log_signal_covariance)))
    likely = likely_counts(1e-9, model.signal * spread).astype(int)
    padded = []
    for pmf, slope, signal_counts in zip(backgrounds, rise, likely, strict=True):
        # where a channel hardly weighs, more counts than it can give need no rows
        size = min(int(key_limit / slope) + 1, len(pmf) + int(signal_counts))
        padded.append(np.concatenate([pmf[:size], np.zeros(max(size - len(pmf), 0))]))
    keys = [np.arange(len(pmf)) * slope for pmf, slope in zip(padded, rise, strict=True)]
    sizes = [len(pmf) for pmf in padded]
    too_many = max(sizes) > MOST_COUNT or _corner(sizes) > _MAX_OUTCOMES
    if too_many or outcome_count(keys, key_limit) > most:
        raise InferenceError(
            f"a signal of {model.signal.sum():.4g} events has too many outcomes to enumerate"
        )
    outcomes = enumerate_outcomes(padded, keys, key_limit)
    return Ladder.build(
        q_zero(outcomes.counts, model.signal, model.background),
        outcomes.background,
        outcomes.with_signal(signal_nodes(model)),
    )


def _corner(sizes: Sequence[int] | FloatArray) -> float:
    """Return about how many outcomes are kept of channels with these numbers of counts.

    The kept set is a corner of the box of all counts, a simplex to first approximation.
    """
    return float(np.prod([size / (i + 1.0) for i, size in enumerate(sizes)]))
