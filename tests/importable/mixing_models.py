"""Experiments and signals of several mixings, as tests of their posteriors take them."""

import numpy as np

from hnlstat.inference.limits.mixings import MixingSignal
from hnlstat.likelihood.model import CountingModel


def model(background, error=0.0):
    count = len(background)
    return CountingModel(
        channels=tuple(f"c{i}" for i in range(count)),
        signal=np.zeros(count),
        background=np.array(background, dtype=float),
        observed=None,
        background_modifiers=np.full(count, error),
    )


def signal(form, shifts=0.0):
    """Of forms (F, F, C), with one relative shift of all."""
    form = np.array(form, dtype=float)
    size = 1 if shifts else 0
    return MixingSignal(form, np.repeat(form[..., None], size, axis=-1) * shifts)
