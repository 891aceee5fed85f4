"""Credible limits on the coupling at one mass: tails of the posteriors of data and of bands.

The tail above a coupling stands in place of CLs: where it is below 1 - level, the coupling lies
above the credible upper limit. Expected tails are quantiles over the outcomes of experiments
without signal, whose nuisance parameters are drawn from their priors.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.inference.counting.marginal import background_pmf
from hnlstat.inference.counting.poisson import likely_counts
from hnlstat.inference.limits.curves import EXPECTED, OBSERVED
from hnlstat.inference.limits.nuisances import average
from hnlstat.inference.limits.path import FIRST, CouplingPath
from hnlstat.inference.limits.posterior import METHOD, Prior, Tails
from hnlstat.inference.limits.sensitivity import FAINTEST, FINE_GRID, sensitivity
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.inference.pseudo import pseudo_experiments
from hnlstat.inference.results import BANDS, Exclusion
from hnlstat.inference.statistics import weighted_quantile
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_TAIL = 1e-5  # of each channel's background, in outcomes that are enumerated
_MOST = 400  # of these
_DRAWN, _DRAWN_CORRELATED = 200, 50  # where there are more, and with a covariance
_SEED = 1
_STEP, _DRAWN_STEP = 0.25, 0.5  # of ln(signal), between couplings: 1e-6 and 1e-5 of a limit
_SLOPE = 0.01  # of ln(coupling)
_OF_HALF = 0.1  # error of the interpolation, of what half the couplings change: (1/2)^6, with room
_BEHIND = 0.02  # of 1 - level, share of the posterior above the largest signal that is said


@dataclass(frozen=True, eq=False)
class _Posteriors:
    """Posteriors of the coupling for M outcomes, and their replicas."""

    way: CouplingPath
    replicas: tuple[FloatArray, ...]
    tails: Tails
    prior: Prior

    @classmethod
    def build(
        cls, yields: CouplingYields, experiment: CountingModel, counts: FloatArray, prior: Prior,
        drawn: bool = False,
    ) -> "_Posteriors":  # fmt: skip
        """Integrate over nuisance parameters and the coupling, for outcomes (C, M)."""
        x = yields.log_coupling
        grid = np.linspace(x[0], x[-1], FINE_GRID)
        height = np.log(np.maximum(sensitivity(yields.signal(grid), experiment, False), FAINTEST))
        largest = float(counts.sum(axis=0).max())
        way = CouplingPath.build(yields, grid, height, largest, _DRAWN_STEP if drawn else _STEP)
        replicas = way.log_likelihoods(experiment, counts, drawn)
        tails = Tails.build(way, tuple(average(logs) for logs in replicas), prior)
        return cls(way, replicas, tails, prior)

    def spread(self, m: int, x: float) -> float:
        """Return the standard error of ln(tail) of an outcome at ln(coupling) x.

        From the replicas, and from what half the couplings change, of which less is left.
        """
        if m not in self._others:
            self._others[m] = self._replicas(m), self._halved(m)
        replicas, halved = self._others[m]
        found = replicas.log_at(x)
        sampling = float(found.std(ddof=1)) / np.sqrt(found.size) if found.size > 1 else 0.0
        change = float(halved.log_at(x)[0] - self.tails.log_at(x)[m])
        return float(np.hypot(sampling, _OF_HALF * change))

    def _replicas(self, m: int) -> Tails:
        return Tails.build(self.way, tuple(logs[:, m] for logs in self.replicas), self.prior)

    def _halved(self, m: int) -> Tails:
        low, up, above = (average(logs[:, m])[:, None] for logs in self.replicas)
        kept = tuple(logs[half] for logs, half in zip((low, up), self.way.halves, strict=True))
        return Tails.build(self.way.halved(), (*kept, above), self.prior)

    @cached_property
    def _others(self) -> dict[int, tuple[Tails, Tails]]:
        return {}


class CredibleTests:
    """Tests of couplings at one mass by the tails of posteriors.

    Parameters
    ----------
    yields
        The signal along the coupling.
    experiment
        Backgrounds, their uncertainties and the data.
    prior
        Of the coupling.

    Raises
    ------
    InferenceError
        If the signal does not rise with the coupling, or a posterior does not fall.
    """

    def __init__(self, yields: CouplingYields, experiment: CountingModel, prior: Prior) -> None:
        self._blind = experiment.observed is None
        self._tested: dict[float, Exclusion] = {}
        self._ends = yields.log_coupling[[0, -1]].tolist()
        self._seen = self._expected = None
        if yields.signal(yields.log_coupling).sum(axis=1).max() < FIRST:
            return  # nothing is known, and nothing excluded
        counts, self._weights, self._drawn = background_outcomes(experiment)
        self._expected = _Posteriors.build(yields, experiment, counts, prior, self._drawn)
        if experiment.observed is not None:  # on a way of its own, so as to change nothing else
            data = experiment.observed[:, None]
            self._seen = _Posteriors.build(yields, experiment, data, prior)

    def exclusion(self, x: float) -> Exclusion:
        """Return the tails above ln(coupling) x in place of CLs and of CLs+b."""
        if x not in self._tested:
            self._tested[x] = self._exclusion(x)
        return self._tested[x]

    def _exclusion(self, x: float) -> Exclusion:
        seen = None if self._blind else 1.0
        expected = (1.0,) * len(BANDS)
        remark = "ok" if x <= self.top else "ok: above the largest signal"
        if self._expected is None:
            return Exclusion(seen, seen, expected, expected, METHOD, "ok: no signal")
        tails = np.exp(self._expected.tails.log_at(x))
        expected = tuple(tails[self._quantiles(tails)].tolist())
        if self._seen is not None:
            seen = float(np.exp(self._seen.tails.log_at(x)[0]))
        return Exclusion(seen, seen, expected, expected, METHOD, remark)

    def _quantiles(self, tails: FloatArray, shift: float = 0.0) -> NDArray[np.intp]:
        """Return which outcomes are the quantiles of `BANDS`, shape (5,).

        They may be shifted by standard deviations of their number among those that are drawn.
        """
        wanted = ndtr(BANDS)
        wanted = wanted + shift * np.sqrt(wanted * (1.0 - wanted) / self._weights.size)
        found = [weighted_quantile(tails, self._weights, share) for share in wanted.tolist()]
        return np.array(found, dtype=np.intp)

    @cached_property
    def top(self) -> float:
        """ln(coupling) of the largest signal."""
        return float(self._ends[1] if self._expected is None else self._expected.way.beyond[0])

    def behind(self, kind: str, alpha: float) -> str | None:
        """Say so if the limit of data, or the median, hangs on what lies above the top."""
        test = self.exclusion(self.top)
        share = test.cls_expected[2] if test.cls_observed is None else test.cls_observed
        main = "expected" if self._blind else OBSERVED
        if kind != main or not _BEHIND * alpha < share < alpha:  # else the limit lies above the top
            return None
        where = "end of the grid" if self.top == self._ends[1] else "largest signal"
        return (
            f"ok: {share / alpha:.0%} of 1 - level = {alpha:.2g} is posterior above the {where}, "
            f"coupling {np.exp(self.top):.3g}, as if the signal rose on as it begins"
        )

    @cached_property
    def nodes(self) -> list[float]:
        """Values of ln(coupling) on the grid between which tails change little, rising."""
        if self._expected is None:
            return []
        x = np.concatenate([self._expected.way.x, self._expected.way.above])
        found: list[float] = np.unique(np.clip(x, *self._ends)).tolist()
        return found

    def log_height(self, grid: FloatArray) -> FloatArray:
        """Return ln(-ln tail) of the median, about, a little above that of `FAINTEST` at least."""
        if self._expected is None:
            return np.full(grid.shape, np.log(FAINTEST))
        tails = [self.exclusion(x).cls_expected[2] for x in self.nodes]
        depth = -np.log(np.clip(tails, 1e-300, 1.0))
        height = np.log(np.maximum(depth, FAINTEST * (1.0 + 1e-6)))
        return np.asarray(np.interp(grid, self.nodes, height))

    def error(self, kind: str, x: float) -> float | None:
        """Return the relative error of a limit that was found at ln(coupling) x.

        One standard deviation, from the integration and, where outcomes are drawn, from their
        number. None above the top: no quantile of the posterior lies there.
        """
        one = self._seen if kind == OBSERVED else self._expected
        assert one is not None  # else there is no limit
        if x > one.tails.top:
            return None
        tails = one.tails.log_at(x)
        m, drawn = 0, 0.0
        if kind != OBSERVED:
            i = EXPECTED.index(kind)
            m = int(self._quantiles(tails)[i])
            if self._drawn:
                low, high = (tails[self._quantiles(tails, shift)[i]] for shift in (-1.0, 1.0))
                drawn = 0.5 * float(high - low)
        slope = float(tails[m] - one.tails.log_at(x - _SLOPE)[m]) / _SLOPE
        return float(np.hypot(one.spread(m, x), drawn) / max(-slope, 1e-6))


def background_outcomes(experiment: CountingModel) -> tuple[FloatArray, FloatArray, bool]:
    """Return outcomes without signal (C, M), their probabilities (M,), and whether drawn."""
    members = experiment.members
    single = len(members) == len(experiment.channels) and not experiment.background_components
    # uncertainties only make them more
    least = np.prod(likely_counts(_TAIL, experiment.background) + 1.0)
    if single and least <= 2.0 * _MOST:
        pmfs = [
            background_pmf(b, error, _TAIL)
            for b, error in zip(
                experiment.background.tolist(),
                experiment.background_modifiers.tolist(),
                strict=True,
            )
        ]
        if np.prod([float(pmf.size) for pmf in pmfs]) <= _MOST:
            counts = np.array(list(itertools.product(*(range(pmf.size) for pmf in pmfs)))).T
            weight = np.prod([pmf[n] for pmf, n in zip(pmfs, counts, strict=True)], axis=0)
            return counts.astype(np.float64), weight / weight.sum(), False
    blind = experiment.with_signal(np.zeros(len(experiment.channels)))
    number = _DRAWN_CORRELATED if experiment.background_components else _DRAWN
    drawn = pseudo_experiments(blind, number, np.random.default_rng(_SEED), "drawn")
    return drawn, np.full(number, 1.0 / number), True
