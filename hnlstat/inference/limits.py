"""Limits on the coupling at one mass, found by root finding along the coupling.

The signal is not proportional to a power of the coupling over the whole range (N may decay before
the detector), so every test is a test of mu = 1 at one coupling. A curve's strength there is
ln(alpha / p), positive where the point is excluded (or discoverable). Its roots on both sides of
the most sensitive coupling are the lower and the upper limit.

The median significance without uncertainties costs nothing and rises with the signal: it tells
where to look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import InferenceError
from hnlstat.inference.calculators import CalculatorName, choose
from hnlstat.inference.curves import Curve, curves
from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import Calculator
from hnlstat.inference.search import BRANCHES, Branch, CrossingSearch
from hnlstat.inference.statistics import asimov_significance
from hnlstat.inference.yields import CouplingYields

FloatArray = NDArray[np.float64]
_FINE_GRID = 600
_P_MIN = 1e-300


@dataclass(frozen=True)
class Limit:
    """A limit on the coupling.

    Attributes
    ----------
    mass_gev
        Mass of N [GeV].
    level, kind
        As in `Curve`.
    branch
        "lower": larger couplings are excluded; "upper": smaller ones are.
    method
        Calculator and test, such as "exact CLs".
    coupling
        d [GeV^-1].
    open
        True if the region goes on beyond the end of the grid, which `coupling` then is.
    """

    mass_gev: float
    level: float
    kind: str
    branch: Branch
    method: str
    coupling: float
    open: bool


@dataclass(frozen=True)
class Peak:
    """How strongly a curve's most sensitive coupling is excluded: ln(alpha / p) [1].

    Where the signal is far above what the curve needs, `strength` is a lower bound.
    """

    mass_gev: float
    level: float
    kind: str
    method: str
    coupling: float
    strength: float


@dataclass(frozen=True)
class MassLimits:
    """All limits at one mass.

    Attributes
    ----------
    limits
        Empty where nothing is excluded.
    peaks
        One for each curve, excluded or not: where neighbouring masses differ in sign the region
        ends between them.
    validity
        "ok", or why the result is missing or to be taken with care.
    """

    mass_gev: float
    limits: tuple[Limit, ...]
    peaks: tuple[Peak, ...]
    validity: str


def limits_at_mass(
    mass_gev: float,
    couplings: ArrayLike,
    signal: ArrayLike,
    experiment: CountingModel,
    *,
    signal_modifiers: Mapping[str, ArrayLike] | None = None,
    mc_error: ArrayLike = 0.0,
    levels: Sequence[float] = (0.90,),
    sigmas: Sequence[float] = (5.0,),
    calculator: CalculatorName = "auto",
    precision: float = 0.002,
) -> MassLimits:
    """Return all limits on the coupling at one mass.

    Parameters
    ----------
    mass_gev
        Mass of N [GeV], only passed on.
    couplings, signal, signal_modifiers, mc_error
        The table of yields, shapes (D,) and (D, C), as in `CouplingYields.build`.
    experiment
        Backgrounds, their uncertainties and the data; its signal is not used.
    levels
        Confidence levels of exclusion by CLs, observed and expected with bands.
    sigmas
        Significances of exclusion (CLs and CLs+b) and of discovery.
    calculator
        "auto" is exact where the outcomes can be enumerated, else asymptotic.
    precision
        Relative precision of the couplings found.

    Returns
    -------
    MassLimits
        Yields that cannot be used give no limits and a reason in `validity`.

    Raises
    ------
    InferenceError
        For levels, sigmas or a calculator that do not exist.
    """
    wanted = curves(levels, sigmas, experiment.observed is not None)
    name, engine = choose(calculator, experiment)
    try:
        yields = CouplingYields.build(couplings, signal, signal_modifiers, mc_error)
        scan = _MassScan(mass_gev, yields, experiment, name, engine, precision)
        exclusions = tuple(c for c in wanted if c.test != "p0")
        discoveries = tuple(c for c in wanted if c.test == "p0")
        parts = [scan.results(exclusions, False), scan.results(discoveries, True)]
    except InferenceError as error:
        return MassLimits(mass_gev, (), (), f"no limits: {error}")
    limits, peaks, remarks = (sum(part, ()) for part in zip(*parts, strict=True))
    return MassLimits(mass_gev, limits, peaks, "; ".join(sorted(set(remarks))) or "ok")


_Results = tuple[tuple[Limit, ...], tuple[Peak, ...], tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class _MassScan:
    """The search for the limits of several curves at one mass."""

    mass_gev: float
    yields: CouplingYields
    experiment: CountingModel
    name: str
    engine: Calculator
    precision: float

    def results(self, wanted: tuple[Curve, ...], discovery: bool) -> _Results:
        """Return limits, peaks and remarks of the curves of one kind of test."""
        x = self.yields.log_coupling
        grid = np.linspace(x[0], x[-1], _FINE_GRID)
        signal, background = self.yields.signal(grid), self.experiment.background
        search = CrossingSearch(
            partial(self._discovery if discovery else self._exclusion, wanted),
            grid,
            asimov_significance(signal, background, discovery),
            self.precision,
        )
        limits: list[Limit] = []
        peaks: list[Peak] = []
        remarks: list[str] = []
        for i, c in enumerate(wanted):
            key = (self.mass_gev, c.level, c.kind)
            method = f"{self.name} {c.test}"
            strength = float(search.at(search.peak)[i])
            peaks.append(Peak(*key, method, float(np.exp(search.peak)), strength))
            for branch in BRANCHES:
                found = search.crossing(i, branch, guess=max(1.2 * c.significance, 0.5))
                if found is None:
                    continue
                limits.append(Limit(*key, branch, method, float(np.exp(found.x)), found.open))
                if not found.unique:
                    remarks.append(f"{c.kind} at {c.level:.6g} has holes: outermost limits kept")
        return tuple(limits), tuple(peaks), tuple(remarks)

    def _exclusion(self, wanted: tuple[Curve, ...], x: float) -> FloatArray:
        """Return the strength of each exclusion curve at ln(coupling) x."""
        test = self.engine.exclusion(self.yields.model(self.experiment, x))
        return self._strengths(wanted, [c.p_value(test) for c in wanted], x)

    def _discovery(self, wanted: tuple[Curve, ...], x: float) -> FloatArray:
        """Return the strength of each discovery curve at ln(coupling) x.

        Far above the thresholds less signal tells the same in less time, and no calculator needs
        to resolve p-values that nobody asked for.
        """
        model = self.yields.model(self.experiment, x)
        smallest = min(c.alpha for c in wanted)
        enough = 1.3 * max(0.0, *(c.significance for c in wanted)) + 1.0
        while True:
            seen = float(asimov_significance(model.signal, model.background, True))
            reduced = model.with_signal(model.signal * min(1.0, (enough / max(seen, 1e-9)) ** 2))
            p = self.engine.discovery(reduced).p0_expected
            if p < smallest or enough >= seen:
                return self._strengths(wanted, [p for _ in wanted], x)
            enough *= 1.3

    def _strengths(self, wanted: tuple[Curve, ...], p: list[float], x: float) -> FloatArray:
        if not np.all(np.isfinite(p)):
            raise InferenceError(f"a p-value at coupling {np.exp(x):.4g} GeV^-1 is not a number")
        return np.array([np.log(c.alpha / max(q, _P_MIN)) for c, q in zip(wanted, p, strict=True)])
