"""The choice of how p-values are calculated."""

from typing import Literal

from hnlstat.errors import InferenceError
from hnlstat.inference.asymptotic import AsymptoticCalculator
from hnlstat.inference.exact import ExactCalculator, is_affordable
from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import Calculator

CalculatorName = Literal["auto", "exact", "asymptotic"]


def choose(name: CalculatorName, experiment: CountingModel) -> tuple[str, Calculator]:
    """Return the name and the calculator to use for an experiment.

    Parameters
    ----------
    name
        "exact", "asymptotic", or "auto": exact wherever the outcomes can be enumerated.
    experiment
        Backgrounds and data; the signal is not used.

    Raises
    ------
    InferenceError
        For an unknown name, or if exact is asked for and not affordable.
    """
    if name not in ("auto", "exact", "asymptotic"):
        raise InferenceError(f"calculator: {name!r} is not one of auto, exact, asymptotic")
    if name == "exact" or (name == "auto" and is_affordable(experiment)):
        return "exact", ExactCalculator(experiment)
    return "asymptotic", AsymptoticCalculator()
