"""What it would take to exclude or discover a signal: medians by efficiency and background."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from hnlstat.inference.counting import convolution, exact
from hnlstat.inference.engines.calculators import CalculatorName, choose
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits import weighted
from hnlstat.inference.results import BANDS, Calculator
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
Kind = Literal["exclusion", "discovery"]
WEIGHTED = "weighted sum"

_FEW_OUTCOMES = 1e4  # to enumerate, in milliseconds
_FEW_EVENTS = 10.0  # of the background, for which the convolution is used where outcomes are more
_MOST_SIGMAS = 7.0  # that calculators resolve
_PRECISION = 1.01  # ratio of backgrounds that are not told apart
_LEAST = -8.0  # sigma that a p-value of 1 is given as


@dataclass(frozen=True)
class Median:
    """A median test.

    Attributes
    ----------
    p_value
        CLs of experiments without signal, or p0 of those with it.
    significance
        The same in one-sided standard deviations; negative for a p-value above 1/2.
    method, validity
        How it was calculated, and "ok" or a remark.
    weighted
        The significance by the formula of `weighted`.
    """

    p_value: float
    significance: float
    method: str
    validity: str
    weighted: float


class Medians:
    """Median tests of signals over one background.

    Parameters
    ----------
    base
        The background.
    calculator
        "auto": exact, or by convolution, where outcomes are few, else by the formula of
        `weighted`. Any other is asked wherever that formula gives 7 sigma or less.
    toys
        Of calculator "toys".

    Raises
    ------
    InferenceError
        If the calculator cannot do this background.
    """

    def __init__(self, base: CountingModel, calculator: CalculatorName, toys: ToySettings) -> None:
        self._engine: Calculator | None = None
        if calculator != "auto":
            self._engine = choose(calculator, base, toys)[1]
        elif exact.is_affordable(base, _FEW_OUTCOMES):
            self._engine = exact.ExactCalculator(base, most=_FEW_OUTCOMES)
        elif base.background.sum() <= _FEW_EVENTS and convolution.is_affordable(base):
            self._engine = convolution.ConvolutionCalculator(base)

    def test(self, model: CountingModel, kind: Kind) -> Median:
        """Test a signal, of which there is some."""
        if kind == "exclusion":
            # CLb of the median experiment is 1/2
            log_p = min(float(np.log(2.0) + log_ndtr(-weighted.exclusion(model))), 0.0)
        else:
            log_p = float(log_ndtr(-weighted.discovery(model)))
        about = max(-float(ndtri_exp(log_p)), _LEAST)
        if self._engine is None or about > _MOST_SIGMAS:
            return Median(float(np.exp(log_p)), about, WEIGHTED, "ok", about)
        if kind == "exclusion":
            exclusion = self._engine.exclusion(model)
            p, found = (
                exclusion.cls_expected[BANDS.index(0)],
                (exclusion.method, exclusion.validity),
            )
        else:
            discovery = self._engine.discovery(model)
            p, found = discovery.p0_expected, (discovery.method, discovery.validity)
        significance = -float(ndtri_exp(np.log(max(p, 5e-324))))
        return Median(p, max(significance, _LEAST), *found, about)


def over(model: CountingModel, events: float, uncertainty: float) -> CountingModel:
    """Return a signal over a background of so many events in all, no data.

    Its bins share it as they do now. The relative uncertainty is that of each channel, its own and
    common to its bins, in place of all others of the background.
    """
    return replace(
        model,
        background=model.background * (events / model.background.sum()),
        background_modifiers=np.array(uncertainty),
        background_components={},
        observed=None,
    )


@dataclass(frozen=True, eq=False)
class Row:
    """Tests over one background; calculated in whichever process.

    Attributes
    ----------
    signals
        Models of the points, their signals those of an efficiency of 1.
    efficiencies
        Shape (E,).
    events, uncertainty
        Of the background, see `over`.
    """

    signals: tuple[CountingModel, ...]
    efficiencies: FloatArray
    events: float
    uncertainty: float
    calculator: CalculatorName
    toys: ToySettings

    def run(self) -> tuple[tuple[tuple[Median, Median], ...], ...]:
        """Give exclusion and discovery of each point at each efficiency."""
        models = [over(model, self.events, self.uncertainty) for model in self.signals]
        medians = Medians(models[0], self.calculator, self.toys)
        return tuple(
            tuple(
                (medians.test(part, "exclusion"), medians.test(part, "discovery"))
                for part in (model.with_signal(share * model.signal) for share in self.efficiencies)
            )
            for model in models
        )


@dataclass(frozen=True, eq=False)
class Edge:
    """The largest background over which a signal reaches a significance.

    Attributes
    ----------
    model
        With the signal.
    low, high
        Backgrounds [events] over which it does and does not.
    uncertainty
        Of the background, see `over`.
    kind, significance
        What is to be reached.
    """

    model: CountingModel
    low: float
    high: float
    uncertainty: float
    kind: Kind
    significance: float
    calculator: CalculatorName
    toys: ToySettings

    def run(self) -> float:
        """Find it between the two, to 1 %."""
        low, high = self.low, self.high
        while high > _PRECISION * low:
            middle = float(np.sqrt(low * high))
            model = over(self.model, middle, self.uncertainty)
            found = Medians(model, self.calculator, self.toys).test(model, self.kind)
            low, high = (middle, high) if found.significance >= self.significance else (low, middle)
        return low
