"""P-values of spectra with few counts: the exact distribution of the likelihood ratio.

Many bins have too many outcomes to enumerate, but the likelihood ratio of two hypotheses with fixed
rates is a sum over bins, ln L(1)/L(0) = sum_i n_i w_i - sum_i s_i with w_i = ln(1 + s_i/b_i). It
orders outcomes best for one signal (Neyman and Pearson, Phil. Trans. R. Soc. A 231 (1933) 289), and
almost as q-tilde at fixed rates does: median limits are up to 0.7 % of the signal lower.

`sums` has the distribution of the sum. Of five channels and more with one bin each and few events
`few` has it, about a hundred times as fast, and with backgrounds averaged over in the order, too.
Expected results know nothing of the data: these have sums of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.errors import InferenceError
from hnlstat.inference.components import refuse_components
from hnlstat.inference.counting import few
from hnlstat.inference.counting.marginal import TYPICAL_EVENTS, background_log_pmf, signal_nodes
from hnlstat.inference.counting.sums import Sums
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
METHOD = "convolution"

_TAIL = 1e-13  # of each channel's background, left out
_MAX_COUNT = 1500  # of the background in one channel
_P_VALUE_FLOOR = 1e-12  # one minus a sum of probabilities cannot resolve less
_LARGEST_ERROR = 0.01  # relative, of a p-value, from the rounding of weights
_MOST_NODES = 300  # of the signal's uncertainties, before those that hardly weigh are left out
_NODES_PER_EVENT = 3  # more where many events resolve more


def is_affordable(model: CountingModel) -> bool:
    """Tell whether the background events of every channel are few enough, and independent."""
    if model.background_components:
        return False
    largest = model.background * (1.0 + model.background_modifiers) ** 6.0
    return all(largest[rows].sum() <= _MAX_COUNT for rows in model.members.values())


class ConvolutionCalculator:
    """Tests of any signal over fixed backgrounds in any number of bins.

    Parameters
    ----------
    model
        Backgrounds and data; its signal is not used.

    Raises
    ------
    InferenceError
        If the backgrounds are too large, see `is_affordable`.
    """

    def __init__(self, model: CountingModel) -> None:
        refuse_components(model, METHOD)
        if not is_affordable(model):
            raise InferenceError(
                f"a background of {model.background.sum():.4g} events is too large for "
                f"calculator={METHOD}; use toys or asymptotic"
            )
        backgrounds = {
            name: background_log_pmf(
                float(model.background[rows].sum()), model.background_modifiers[rows[0]], _TAIL
            )
            for name, rows in model.members.items()
        }
        self._fourier = _Fourier(backgrounds)
        self._few = few.FewEvents.of(model, backgrounds)

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return CLs and CLs+b, observed and expected, of the model's signal."""
        blind = model.observed is None
        if not model.signal.any():
            one, ones = (None if blind else 1.0), (1.0,) * len(BANDS)
            return Exclusion(one, one, ones, ones, METHOD, "ok: no signal")
        way, own = self._way(None), self._way(model.observed)
        expected, seen, error = way.levels(_for(way, own, model))
        if own is not way:
            seen = own.p_values(model, np.asarray(model.observed)[:, None])[0]
        return Exclusion(
            None if seen is None else float(seen[1]),
            None if seen is None else float(seen[0]),
            tuple(expected[:, 1].tolist()),
            tuple(expected[:, 0].tolist()),
            METHOD,
            _remark(error, own is not way),
        )

    def _way(self, counts: FloatArray | None) -> "few.FewEvents | _Fourier":
        """Return what has the distribution of the sum for an outcome (C,)."""
        return self._few if self._few is not None and few.are_few(counts) else self._fourier

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of many outcomes (C, M), shape (M,)."""
        if not model.signal.any():
            return np.ones(counts.shape[1])
        return self.p_values(model, counts)[:, 1]

    def p_values(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs+b and CLs of many outcomes (C, M), shape (M, 2)."""
        ways = [self._way(one) for one in counts.T]
        found = np.ones((len(ways), 2))
        for way in dict.fromkeys(ways):
            own = np.array([one is way for one in ways])
            found[own] = way.p_values(model, counts[:, own])
        return found

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, observed and expected with the signal."""
        if not model.signal.any():
            return Discovery(None if model.observed is None else 1.0, 1.0, METHOD, "ok: no signal")
        way, own = self._way(None), self._way(model.observed)
        expected, seen, error = way.discovery(_for(way, own, model))
        if own is not way:
            seen, own_error = self._fourier.above(model)
            error = max(error, own_error)
        p = max(expected, _P_VALUE_FLOOR)
        seen = None if seen is None else max(seen, _P_VALUE_FLOOR)
        if p <= _P_VALUE_FLOOR:
            return Discovery(seen, p, METHOD, "ok: p-value below the resolution of 1e-12")
        return Discovery(seen, p, METHOD, _remark(error, own is not way))


def _for(way: object, own: object, model: CountingModel) -> CountingModel:
    """The model for the way of what is expected, which must not know data that have their own."""
    return model if own is way else replace(model, observed=None)


@dataclass(frozen=True, eq=False)
class _Fourier:
    """P-values by Fourier transforms, for any number of events and bins.

    Attributes
    ----------
    backgrounds
        ln P of the background counts of each channel.
    """

    backgrounds: Mapping[str, FloatArray]

    def levels(self, model: CountingModel) -> tuple[FloatArray, FloatArray | None, float]:
        """Return CLs+b and CLs at `BANDS` (5, 2), those of the data (2,), and their error."""
        sums = self._sums(model, model.background[:, None])
        levels = sums.quantiles(ndtr(BANDS))
        expected = _p_values(sums, levels)
        if model.observed is None:
            return expected, None, sums.error(model.background[:, None])
        data = model.observed[:, None]
        value, error = sums.values(data), sums.error(data)
        near = levels[0] <= value[0] <= levels[-1] and error < _LARGEST_ERROR
        if not near or float(data.sum()) > _resolved(model):
            sums = self._sums(model, data)
            value, error = sums.values(data), sums.error(data)
        return expected, _p_values(sums, value)[0], max(error, sums.error(data))

    def p_values(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs+b and CLs of many outcomes (C, M), shape (M, 2)."""
        sums = self._sums(model, counts)
        return _p_values(sums, sums.values(counts))

    def discovery(self, model: CountingModel) -> tuple[float, float | None, float]:
        """Return the median p-value of the background alone, that of the data, and their error."""
        mean = (model.signal + model.background)[:, None]
        sums = self._sums(model, mean, discovery=True)
        p, error = float(sums.above(sums.median())[0]), sums.error(mean)
        if model.observed is None:
            return p, None, error
        fine = sums.error(model.observed[:, None]) <= _LARGEST_ERROR
        seen, own = self.above(model, sums if fine else None)
        return p, seen, max(error, own)

    def above(self, model: CountingModel, sums: Sums | None = None) -> tuple[float, float]:
        """Return the p-value of the background alone of the data, and its error."""
        data = np.asarray(model.observed)[:, None]
        sums = sums or self._sums(model, data, discovery=True)
        return float(sums.above(sums.values(data))[0]), sums.error(data)

    def _sums(self, model: CountingModel, counts: FloatArray, discovery: bool = False) -> Sums:
        """Return the sums with their precision at outcomes (C, M)."""
        events = max(float(counts.sum(axis=0).max()), _resolved(model))
        most = int(np.clip(_NODES_PER_EVENT * events, _MOST_NODES, 10 * _MOST_NODES))
        nodes = signal_nodes(model, most, events)
        channels = [
            (rows, model.background[rows] / model.background[rows].sum(), self.backgrounds[name])
            for name, rows in model.members.items()
        ]
        return Sums.build(model, channels, nodes, counts, discovery)


def _resolved(model: CountingModel) -> float:
    """Return the number of events that the nodes of a signal are good for without data."""
    return max(TYPICAL_EVENTS, float(model.background.sum()))


def _remark(error: float, many: bool) -> str:
    """Return what is to be said of the rounding of weights, and of the order of many events."""
    if error >= _LARGEST_ERROR:
        return f"ok: p-values to {error:.0%}, for the rounding of weights"
    return "ok: many events observed, ordered as if backgrounds were known" if many else "ok"


def _p_values(sums: Sums, values: FloatArray) -> FloatArray:
    """Return CLs+b and CLs at sums (M,), shape (M, 2)."""
    both, background = (sums.log_below(values, with_signal) for with_signal in (True, False))
    return np.asarray(np.exp(np.stack([both, np.minimum(both - background, 0.0)], axis=1)))
