"""The choice of how p-values are calculated."""

from typing import Literal, get_args

from hnlstat.errors import InferenceError
from hnlstat.inference.components import refuse_components
from hnlstat.inference.counting import convolution, exact
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator
from hnlstat.inference.engines.published import PublishedCalculator
from hnlstat.inference.engines.toys import ToyCalculator, ToySettings
from hnlstat.inference.results import Calculator
from hnlstat.likelihood.model import CountingModel

CalculatorName = Literal[
    "auto", "exact", "convolution", "toys", "asymptotic", "published", "bayesian"
]

_FEW_OUTCOMES = 1e5  # take a tenth of a second; the convolution is faster for more


def observed_method(name: str, engine: Calculator) -> str:
    """Return the calculator of observed p-values: exact ones may be handed over for their data."""
    return engine.observed_method if isinstance(engine, exact.ExactCalculator) else name


def choose(
    name: CalculatorName, experiment: CountingModel, toys: ToySettings | None = None
) -> tuple[str, Calculator]:
    """Return the name and the calculator to use for an experiment.

    Parameters
    ----------
    name
        "exact", "convolution", "toys", "asymptotic", "published" or "auto": exact where the
        outcomes are few enough to enumerate, else the convolution of spectra, else (for thousands
        of background events in a channel, or backgrounds with a covariance) importance-sampled
        toys.
    experiment
        Backgrounds; signal and data are not used for the choice, so that expected results do not
        depend on the data.
    toys
        Number and seed of toys.

    Raises
    ------
    InferenceError
        For an unknown name, for "bayesian", which has no p-values, or if what is asked for is not
        affordable, or takes no covariance of backgrounds.
    """
    if name == "bayesian":
        raise InferenceError(
            "calculator=bayesian: gives limits on a coupling, no p-values; take auto for these"
        )
    if name == "asymptotic":
        return name, AsymptoticCalculator()
    if name == "published":
        refuse_components(experiment, name)
        return name, PublishedCalculator()
    if name == "exact":
        return name, exact.ExactCalculator(experiment)
    if name == "auto" and exact.is_affordable(experiment, _FEW_OUTCOMES):
        return "exact", exact.ExactCalculator(experiment, most=_FEW_OUTCOMES)
    if name == "convolution" or (name == "auto" and convolution.is_affordable(experiment)):
        return "convolution", convolution.ConvolutionCalculator(experiment)
    if name in ("auto", "toys"):
        return "toys", ToyCalculator(toys)
    raise InferenceError(
        f"calculator: {name!r} is not one of {', '.join(get_args(CalculatorName))}"
    )
