"""The choice of how p-values are calculated."""

from typing import Literal, get_args

from hnlstat.errors import InferenceError
from hnlstat.inference.asymptotic import AsymptoticCalculator
from hnlstat.inference.exact import ExactCalculator, is_affordable
from hnlstat.inference.model import CountingModel
from hnlstat.inference.published import PublishedCalculator
from hnlstat.inference.results import Calculator
from hnlstat.inference.toys import ToyCalculator, ToySettings

CalculatorName = Literal["auto", "exact", "toys", "asymptotic", "published"]


def choose(
    name: CalculatorName, experiment: CountingModel, toys: ToySettings | None = None
) -> tuple[str, Calculator]:
    """Return the name and the calculator to use for an experiment.

    Parameters
    ----------
    name
        "exact", "toys", "asymptotic", "published", or "auto": exact wherever the outcomes can be
        enumerated, else importance-sampled toys.
    experiment
        Backgrounds and data; the signal is not used.
    toys
        Number and seed of toys.

    Raises
    ------
    InferenceError
        For an unknown name, or if exact is asked for and not affordable.
    """
    if name == "asymptotic":
        return name, AsymptoticCalculator()
    if name == "published":
        return name, PublishedCalculator()
    if name == "exact" or (name == "auto" and is_affordable(experiment)):
        return "exact", ExactCalculator(experiment)
    if name in ("auto", "toys"):
        return "toys", ToyCalculator(toys)
    raise InferenceError(
        f"calculator: {name!r} is not one of {', '.join(get_args(CalculatorName))}"
    )
