"""The limits of arXiv:2412.15051 as they were set, for comparison with that publication only.

A point counts as excluded where -2 Delta ln L >= Z^2 between the signal and the best fit, with
Z = 1.645 called 95 % and Z = 5 for 5 sigma: one-sided asymptotic p-values of q-tilde, without CLs
and without uncertainties. With no event seen that is 1.353 signal events at 95 %, where an exact
test needs 2.996: a true signal of 1.353 events shows none in 26 % of all experiments.

Counts of a dataset's channels are added up for exclusions and all counts for discoveries. The
latter is known of the publication (7.19 events of background and 17.1 of signal are its 5 sigma);
with the former, its range with the upgrade is found.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.inference.components import refuse_components
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.inference.statistics import asimov_significance, q_tilde, q_zero
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]


class PublishedCalculator:
    """One-sided likelihood ratios at nominal rates; uncertainties are not looked at.

    Tests raise InferenceError where backgrounds have a covariance: the publication has none.
    """

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return 1 - Phi(sqrt(q-tilde)) in place of CLs and of CLs+b.

        The expected values are those of the background without fluctuations. Their bands are the
        asymptotic ones of q-tilde (arXiv:1007.1727, section 3.7): N = 2, 1, 0, -1, -2 sigma
        fluctuations of the best fit, with sqrt(q) = sqrt(q_A) + N where that fit is positive, and
        q = q_A + 2 N sqrt(q_A) where it would be negative.
        """
        signal, background, observed = _added(model, model.datasets)
        rates = signal, background
        median = float(asimov_significance(*rates, discovery=False))
        bands = tuple(
            float(ndtr(-np.sqrt(median**2 - 2.0 * z * median) if z < 0 else min(z - median, 0.0)))
            for z in BANDS
        )
        seen = None
        if observed is not None:
            seen = float(ndtr(-np.sqrt(q_tilde(observed[:, None], *rates)[0])))
        return Exclusion(seen, seen, bands, bands, "published", "ok")

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return 1 - Phi(sqrt(q-tilde)) of many outcomes (C, M), shape (M,)."""
        signal, background, _ = _added(model, model.datasets)
        q = q_tilde(_sums(model.datasets) @ counts, signal, background)
        return np.asarray(ndtr(-np.sqrt(q)))

    def discovery(self, model: CountingModel) -> Discovery:
        """Return 1 - Phi(sqrt(q0)) of the data and of Asimov data with the signal."""
        signal, background, observed = _added(model, [""] * model.signal.size)
        rates = signal, background
        seen = None
        if observed is not None:
            seen = float(ndtr(-np.sqrt(q_zero(observed[:, None], *rates)[0])))
        expected = float(ndtr(-asimov_significance(*rates, discovery=True)))
        return Discovery(seen, expected, "published", "ok")


def _added(
    model: CountingModel, groups: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Signal, background and data with the bins of each group added up, (G,)."""
    refuse_components(model, "published")
    sums = _sums(groups)
    observed = None if model.observed is None else sums @ model.observed
    return sums @ model.signal, sums @ model.background, observed


def _sums(groups: Sequence[str]) -> FloatArray:
    """Which bins each group has, (G, C)."""
    return np.array([[a == b for b in groups] for a in dict.fromkeys(groups)], dtype=np.float64)
