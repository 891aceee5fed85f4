"""Limits on the coupling at one mass, found by root finding along the coupling.

The signal is not proportional to a power of the coupling over the whole range (N may decay before
the detector), so every test is a test of mu = 1 at one coupling. A curve's strength there is
ln(alpha / p), positive where the point is excluded (or discoverable). Its roots on both sides of
the most sensitive coupling are the lower and the upper limit.

The median significance without uncertainties, from the Asimov data (arXiv:1007.1727, equations 29
and 97), costs nothing and rises with the signal: it tells where to look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from hnlstat.errors import InferenceError
from hnlstat.inference.asymptotic import AsymptoticCalculator
from hnlstat.inference.exact import BANDS, Discovery, ExactCalculator, Exclusion
from hnlstat.inference.model import CountingModel
from hnlstat.inference.search import Branch, CrossingSearch
from hnlstat.inference.statistics import q_tilde, q_zero
from hnlstat.inference.yields import CouplingYields

FloatArray = NDArray[np.float64]
_FINE_GRID = 600
_P_MIN = 1e-300


class Calculator(Protocol):
    """What limits need of a way to calculate p-values."""

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Test background + signal."""
        ...

    def discovery(self, model: CountingModel) -> Discovery:
        """Test the background alone."""
        ...


@dataclass(frozen=True)
class Curve:
    """One of the contours asked for.

    Attributes
    ----------
    level
        Confidence level; 1 - p of a one-sided normal deviate for limits given in sigma.
    kind
        "observed", "expected", "expected_-2" .. "expected_+2" or "discovery".
    test
        "CLs", "CLs+b" or "p0": what has to be below alpha.
    alpha
        1 - level.
    """

    level: float
    kind: str
    test: str
    alpha: float


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


def curves(levels: Sequence[float], sigmas: Sequence[float], data: bool) -> tuple[Curve, ...]:
    """Return the curves for confidence levels (with bands) and for sigmas.

    Raises
    ------
    InferenceError
        For a level outside (0, 1) or a sigma that is not positive.
    """
    result = []
    for level in levels:
        if not 0.0 < level < 1.0:
            raise InferenceError(f"levels: {level:g} is not between 0 and 1, such as 0.90")
        kinds = [f"expected_{z:+d}" if z else "expected" for z in BANDS]
        result += [Curve(level, kind, "CLs", 1.0 - level) for kind in kinds]
        if data:
            result.append(Curve(level, "observed", "CLs", 1.0 - level))
    for sigma in sigmas:
        if not 0.0 < sigma < 37.0:
            raise InferenceError(f"sigmas: {sigma:g} is not a positive number, such as 5")
        alpha = float(norm.sf(sigma))
        for kind in ("expected", "observed") if data else ("expected",):
            result += [Curve(1.0 - alpha, kind, test, alpha) for test in ("CLs", "CLs+b")]
        result.append(Curve(1.0 - alpha, "discovery", "p0", alpha))
    return tuple(result)


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
    calculator: Literal["auto", "exact", "asymptotic"] = "auto",
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
    name, engine = _engine(calculator, experiment)
    try:
        yields = CouplingYields.build(couplings, signal, signal_modifiers, mc_error)
        scan = _MassScan(mass_gev, yields, experiment, name, engine, precision)
        parts = [
            scan.results(tuple(c for c in wanted if (c.test == "p0") is discovery), discovery)
            for discovery in (False, True)
        ]
    except InferenceError as error:
        return MassLimits(mass_gev, (), (), f"no limits: {error}")
    limits, peaks, remarks = (sum(part, ()) for part in zip(*parts, strict=True))
    return MassLimits(mass_gev, limits, peaks, "; ".join(sorted(set(remarks))) or "ok")


def _engine(calculator: str, experiment: CountingModel) -> tuple[str, Calculator]:
    """Return the calculator asked for and its name."""
    if calculator not in ("auto", "exact", "asymptotic"):
        raise InferenceError(f"calculator: {calculator!r} is not one of auto, exact, asymptotic")
    if calculator != "asymptotic":
        exact = ExactCalculator(experiment)
        if calculator == "exact" or exact.is_affordable():
            return "exact", exact
    return "asymptotic", AsymptoticCalculator()


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
        if not wanted:
            return (), (), ()
        x = self.yields.log_coupling
        grid = np.linspace(x[0], x[-1], _FINE_GRID)
        signal = self.yields.signal(grid)
        sensitivity = np.array([self._sensitivity(s, discovery) for s in signal])
        enough = 2.0 * max(float(norm.isf(c.alpha)) for c in wanted) + 2.0

        def strengths(x: float) -> FloatArray:
            model = self.yields.model(self.experiment, x)
            if discovery:
                # far above the threshold less signal tells the same, in less time
                while (seen := self._sensitivity(model.signal, discovery)) > enough:
                    model = model.with_signal(model.signal * 0.9 * enough / seen)
            p = self._p_values(model, wanted, discovery)
            return np.array(
                [np.log(c.alpha / max(q, _P_MIN)) for c, q in zip(wanted, p, strict=True)]
            )

        search = CrossingSearch(strengths, grid, sensitivity, self.precision)
        peak, peaks = search.peak, search.at(search.peak)
        limits: list[Limit] = []
        remarks: set[str] = set()
        for i, c in enumerate(wanted):
            method = f"{self.name} {c.test}"
            guess = max(1.2 * float(norm.isf(c.alpha)), 0.5)
            for branch in ("lower", "upper"):
                found = search.crossing(i, branch, guess)
                if found is None:
                    continue
                coupling = float(np.exp(found.x))
                limits.append(
                    Limit(self.mass_gev, c.level, c.kind, branch, method, coupling, found.open)
                )
                if not found.unique:
                    remarks.add(f"{c.kind} at {c.level:.6g} has holes: outermost limits kept")
        tips = tuple(
            Peak(c.level, c.kind, f"{self.name} {c.test}", float(np.exp(peak)), float(s))
            for c, s in zip(wanted, peaks, strict=True)
        )
        return tuple(limits), tips, tuple(remarks)

    def _sensitivity(self, signal: FloatArray, discovery: bool) -> float:
        """Return the median significance from Asimov data, without uncertainties."""
        background = self.experiment.background
        if discovery:
            q = q_zero((signal + background)[:, None], signal, background)
        else:
            q = q_tilde(background[:, None], signal, background)
        return float(np.sqrt(q[0]))

    def _p_values(
        self, model: CountingModel, wanted: tuple[Curve, ...], discovery: bool
    ) -> list[float]:
        """Return the p-value of each curve."""
        if discovery:
            return [self.engine.discovery(model).p0_expected for _ in wanted]
        test = self.engine.exclusion(model)
        result = []
        for c in wanted:
            cls = c.test == "CLs"
            if c.kind == "observed":
                p = test.cls_observed if cls else test.clsb_observed
            else:
                shift = int(c.kind.removeprefix("expected").lstrip("_") or 0)
                p = (test.cls_expected if cls else test.clsb_expected)[BANDS.index(shift)]
            result.append(1.0 if p is None else p)
        return result
