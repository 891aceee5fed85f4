"""Tests of every point of the grid of masses and couplings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hnlstat.errors import NUMERICAL_ERRORS, InferenceError
from hnlstat.inference.limits.credible import CredibleTests
from hnlstat.inference.limits.discovery import DiscoveryTests, about
from hnlstat.inference.results import BANDS, Calculator, Discovery, Exclusion
from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

_BOUND = "ok: p-values are upper bounds"
_FAINT_SIGNAL = "ok: hardly any signal"
_P0_BOUND = "ok: p0_expected is an upper bound"
_FAINT = 0.005  # events of a signal whose CLs lies within this of 1


@dataclass(frozen=True)
class PointTest:
    """The tests of one point of the grid.

    Attributes
    ----------
    mass_gev, coupling
        Mass of N [GeV] and coupling, in the unit of the model.
    signal
        Expected events of each channel, in the order of `CountingModel.members`.
    exclusion, discovery
        Test of mu = 1 and of mu = 0, None where `validity` says why.
    method
        The calculator.
    validity
        "ok", or a remark: what is only a bound, known badly, or why there is nothing.
    p0_power
        How many times larger ln(p0_expected) is, about, where that is only a bound.
    """

    mass_gev: float
    coupling: float
    signal: tuple[float, ...]
    exclusion: Exclusion | None
    discovery: Discovery | None
    method: str
    validity: str
    p0_power: float = 1.0

    @property
    def own_exclusion(self) -> Exclusion | None:
        """The test of mu = 1 if it was calculated for this point, neither a bound nor assumed."""
        return None if self.validity in (_BOUND, _FAINT_SIGNAL) else self.exclusion


def grid_tests(
    mass_gev: float,
    couplings: FloatArray,
    models: Sequence[CountingModel],
    engine: Calculator,
    method: str,
    significance: float,
    credible: CredibleTests | None = None,
) -> tuple[PointTest, ...]:
    """Return the tests of all couplings at one mass.

    A signal of S events together leaves CLs between exp(-S) and 1: where S is below 0.005 it is
    given as 1, and there is no discovery to speak of. Where all p-values are below that of
    `significance`, they stand as upper bounds for points with more signal in every bin.

    Parameters
    ----------
    mass_gev
        Mass of N [GeV].
    couplings, models
        Couplings, shape (D,), and the model of each.
    engine, method
        The calculator and its name.
    significance
        Of discoveries: a median one well above is given by an upper bound of its p-value.
    credible
        Whose tails stand in place of CLs; None: CLs.
    """
    found: list[PointTest] = []
    beyond: list[tuple[CountingModel, PointTest]] = []
    discoveries = DiscoveryTests(engine, significance)
    for coupling, model in zip(couplings.tolist(), models, strict=True):
        less = (pair for pair in beyond if _is_stronger(model, pair[0]))
        if (pair := next(less, None)) is not None:
            found.append(_bounded(coupling, model, *pair))
            continue
        own = None if credible is None else credible.exclusion(float(np.log(coupling)))
        found.append(_tests(mass_gev, coupling, model, engine, discoveries, method, own))
        if _is_beyond(found[-1], ndtr(-significance)):
            beyond.append((model, found[-1]))
    return tuple(found)


def _is_stronger(model: CountingModel, with_less: CountingModel) -> bool:
    """Tell whether a signal is larger in every bin, and seen no worse."""
    if not np.all(model.signal >= with_less.signal):
        return False
    # over correlated backgrounds, more signal where others have it may look like background
    return not model.background_components or about(model) >= about(with_less)


def _is_beyond(test: PointTest, smallest: float) -> bool:
    """Tell whether all p-values of a point are below what is asked for."""
    if test.exclusion is None or test.discovery is None:
        return False
    p = [*test.exclusion.cls_expected, test.discovery.p0_expected]
    if test.exclusion.cls_observed is not None:
        p.append(test.exclusion.cls_observed)
    return max(p) < smallest


def _bounded(
    coupling: float, model: CountingModel, with_less: CountingModel, test: PointTest
) -> PointTest:
    """Take the p-values of a point with less signal."""
    signal = tuple(float(model.signal[bins].sum()) for bins in model.members.values())
    power = test.p0_power * (about(model) / about(with_less)) ** 2
    return replace(test, coupling=coupling, signal=signal, validity=_BOUND, p0_power=power)


def _tests(
    mass_gev: float,
    coupling: float,
    model: CountingModel,
    engine: Calculator,
    discoveries: DiscoveryTests,
    method: str,
    exclusion: Exclusion | None,
) -> PointTest:
    """Test a point; an exclusion that is given is taken as it is."""
    signal = tuple(float(model.signal[bins].sum()) for bins in model.members.values())
    here = (mass_gev, coupling, signal)
    if sum(signal) <= _FAINT and exclusion is not None:
        return PointTest(*here, exclusion, None, method, exclusion.validity)
    if sum(signal) <= _FAINT:
        seen = None if model.observed is None else 1.0
        ones = (1.0,) * len(BANDS)
        exclusion = Exclusion(seen, seen, ones, ones, method, _FAINT_SIGNAL)
        return PointTest(*here, exclusion, None, method, _FAINT_SIGNAL)
    try:
        exclusion = exclusion or engine.exclusion(model.capped())
        discovery, more = discoveries.test(model)
    except (InferenceError, *NUMERICAL_ERRORS) as error:  # other points have their tests
        return PointTest(*here, None, None, method, f"no test: {error}")
    remarks = [test.validity for test in (exclusion, discovery) if test.validity != "ok"]
    if more > 1.0:
        remarks.append(_P0_BOUND)
    validity = "; ".join(dict.fromkeys(remarks)) or "ok"
    return PointTest(*here, exclusion, discovery, method, validity, more)
