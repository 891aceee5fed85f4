"""Pseudo-experiments: counts drawn from a model."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hnlstat.inference.components import shifted_background
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]
Nuisances = Literal["drawn", "nominal"] | float
"""Nuisance parameters of each pseudo-experiment: drawn anew from their priors, nominal, or those
that move the total signal by so many standard deviations of its uncertainty."""


def pseudo_experiments(
    model: CountingModel, number: int, rng: np.random.Generator, nuisances: Nuisances
) -> FloatArray:
    """Return counts of experiments with the model's signal, shape (C, number).

    Parameters
    ----------
    model
        Rates and their uncertainties.
    number
        Experiments.
    rng
        Source of random numbers.
    nuisances
        "drawn": each has its own, from their priors.
    """
    signal, background = model.signal[:, None], model.background[:, None]
    if nuisances == "drawn":
        size = (len(model.channels), number)
        shifts = model.background_shifts
        factor = np.exp(shifts @ rng.standard_normal((shifts.shape[1], number)))
        background = background * factor
        signal = signal * (1.0 + model.mc_error)[:, None] ** rng.standard_normal(size)
        for delta in model.signal_modifiers.values():
            signal = signal * (1.0 + delta)[:, None] ** rng.standard_normal(number)
        if model.background_components:
            zeta = rng.standard_normal((len(model.background_components), number))
            background = shifted_background(model, zeta)[0] * factor
    elif nuisances != "nominal":
        signal = signal * np.exp(float(nuisances) * _common_shift(model))[:, None]
    rate = np.broadcast_to(signal + background, (len(model.channels), number))
    return rng.poisson(rate).astype(np.float64)


def _common_shift(model: CountingModel) -> FloatArray:
    """Return the most likely change of ln(signal), (C,), for one sigma of the total signal."""
    pull: FloatArray = model.log_signal_covariance @ model.signal
    variance = float(model.signal @ pull)
    return pull / np.sqrt(variance) if variance > 0.0 else np.zeros(len(model.channels))
