"""Tests of every point of the grid of masses and couplings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.inference.discovery import discover
from hnlstat.inference.limits import NUMERICAL_ERRORS
from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import BANDS, Calculator, Discovery, Exclusion

FloatArray = NDArray[np.float64]

_FAINT = 0.005  # events of a signal whose CLs lies within this of 1


@dataclass(frozen=True)
class PointTest:
    """The tests of one point of the grid.

    Attributes
    ----------
    mass_gev, coupling_inv_gev
        Mass of N [GeV] and coupling d [GeV^-1].
    signal
        Expected events of each channel, in the order of `CountingModel.members`.
    exclusion, discovery
        Test of mu = 1 and of mu = 0, None where `validity` says why.
    method
        The calculator.
    validity
        "ok", or a remark: what is only a bound, known badly, or why there is nothing.
    """

    mass_gev: float
    coupling_inv_gev: float
    signal: tuple[float, ...]
    exclusion: Exclusion | None
    discovery: Discovery | None
    method: str
    validity: str


def grid_tests(
    mass_gev: float,
    couplings: FloatArray,
    models: Sequence[CountingModel],
    engine: Calculator,
    method: str,
    significance: float,
) -> tuple[PointTest, ...]:
    """Return the tests of all couplings at one mass.

    A signal of S events together leaves CLs between exp(-S) and 1: where S is below 0.005 it is
    given as 1, and there is no discovery to speak of.

    Parameters
    ----------
    mass_gev
        Mass of N [GeV].
    couplings, models
        Couplings [GeV^-1], shape (D,), and the model of each.
    engine, method
        The calculator and its name.
    significance
        Of discoveries: a median one well above is given by an upper bound of its p-value.
    """
    return tuple(
        _tests(mass_gev, float(coupling), model, engine, method, significance)
        for coupling, model in zip(couplings, models, strict=True)
    )


def _tests(
    mass_gev: float,
    coupling: float,
    model: CountingModel,
    engine: Calculator,
    method: str,
    significance: float,
) -> PointTest:
    signal = tuple(float(model.signal[bins].sum()) for bins in model.members.values())
    here = (mass_gev, coupling, signal)
    if sum(signal) <= _FAINT:
        seen = None if model.observed is None else 1.0
        ones = (1.0,) * len(BANDS)
        validity = "ok: hardly any signal"
        exclusion = Exclusion(seen, seen, ones, ones, method, validity)
        return PointTest(*here, exclusion, None, method, validity)
    try:
        exclusion = engine.exclusion(model)
        discovery, more = discover(engine, model, significance)
    except (InferenceError, *NUMERICAL_ERRORS) as error:  # other points have their tests
        return PointTest(*here, None, None, method, f"no test: {error}")
    remarks = [test.validity for test in (exclusion, discovery) if test.validity != "ok"]
    if more > 1.0:
        remarks.append("ok: p0_expected is an upper bound")
    validity = "; ".join(dict.fromkeys(remarks)) or "ok"
    return PointTest(*here, exclusion, discovery, method, validity)
