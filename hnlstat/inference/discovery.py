"""Discovery tests as far as they are asked for."""

from scipy.special import ndtr

from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import Calculator, Discovery
from hnlstat.inference.statistics import asimov_significance


def discover(
    engine: Calculator, model: CountingModel, significance: float
) -> tuple[Discovery, float]:
    """Test the background alone, with less signal where that is significant enough.

    Far above the significance asked for less signal tells the same in less time, and no calculator
    needs to resolve p-values that nobody asked for.

    Parameters
    ----------
    engine
        Tests the model.
    model
        Signal, background and data.
    significance
        Largest one of interest, one-sided standard deviations.

    Returns
    -------
    test
        Of the model, or of one with less signal that reaches the significance.
    more
        How many times larger the squared significance of the model is, without uncertainties.
    """
    smallest, enough = ndtr(-significance), 1.3 * max(significance, 0.0) + 1.0
    seen = float(asimov_significance(model.signal, model.background, True))
    while True:
        reduced = model
        if enough < seen:
            reduced = model.with_signal(model.signal * (enough / seen) ** 2)
        test = engine.discovery(reduced)
        if enough >= seen:
            return test, 1.0
        if test.p0_expected < smallest:
            kept = float(asimov_significance(reduced.signal, reduced.background, True))
            return test, (seen / kept) ** 2 if kept > 0.0 else 1.0
        enough *= 1.3
