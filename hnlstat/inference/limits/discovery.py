"""Discovery tests as far as they are asked for."""

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.inference.limits.sensitivity import median_significance
from hnlstat.inference.results import Calculator, Discovery
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_MARGIN = 1.1


class DiscoveryTests:
    """Tests of the background alone over one experiment, with less signal where that is enough.

    Far above the significance asked for less signal tells the same in less time, and no calculator
    needs to resolve p-values that nobody asked for. What was enough once serves all models with
    more signal in every bin.

    Parameters
    ----------
    engine
        Tests the models.
    significance
        Largest one of interest, one-sided standard deviations.
    """

    def __init__(self, engine: Calculator, significance: float) -> None:
        self._engine = engine
        self._significance = max(significance, 0.0)
        self._enough: list[tuple[FloatArray, float, Discovery]] = []

    def test(self, model: CountingModel) -> tuple[Discovery, float]:
        """Test a model.

        Returns
        -------
        test
            Of the model, or of one with less signal that reaches the significance.
        more
            How many times larger the squared significance of the model is, by Asimov data.
        """
        model = model.capped()
        seen = about(model)
        for signal, reached, test in self._enough:
            if seen > reached and np.all(model.signal >= signal):
                return test, (seen / reached) ** 2
        aim = _MARGIN * self._significance + 0.5
        while aim < seen:
            share = float(np.exp(scipy.optimize.brentq(_excess, -100.0, 0.0, (model, aim))))
            test = self._engine.discovery(model.with_signal(share * model.signal))
            if test.p0_expected < ndtr(-self._significance):
                self._enough.append((share * model.signal, aim, test))
                return test, (seen / aim) ** 2
            aim *= _MARGIN
        return self._engine.discovery(model), 1.0


def about(model: CountingModel, share: float = 1.0) -> float:
    """Return about the significance of a model with a share of its signal, by Asimov data."""
    return float(median_significance(share * model.signal, model, discovery=True))


def _excess(log_share: float, model: CountingModel, aim: float) -> float:
    return about(model, np.exp(log_share)) - aim
