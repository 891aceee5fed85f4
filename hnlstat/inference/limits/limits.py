"""Limits on the coupling at one mass, found by root finding along the coupling.

The signal is not proportional to a power of the coupling over the whole range, so every test is a
test of mu = 1 at one coupling. Where N decays before it reaches the detector the yield falls with
the coupling, and rises again where N made in the detector itself decays at once: there may be
several excluded intervals.

A curve's strength is ln(ln p / ln alpha), positive where the point is excluded (or discoverable).
For few background events -ln p is about the expected signal, so that the strength is linear in
ln(coupling) where the signal is a power law. Its roots are the limits.

The asymptotic p-value of the median experiment costs nothing: it tells where to look, and how
strengths go between those that are calculated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import NUMERICAL_ERRORS, InferenceError
from hnlstat.inference.engines.calculators import CalculatorName, choose, observed_method
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits.credible import CredibleTests
from hnlstat.inference.limits.curves import DISCOVERY, OBSERVED, Curve, curves
from hnlstat.inference.limits.discovery import DiscoveryTests
from hnlstat.inference.limits.found import Limit, MassLimits, Profile
from hnlstat.inference.limits.points import PointTest
from hnlstat.inference.limits.posterior import METHOD as BAYESIAN
from hnlstat.inference.limits.posterior import Prior
from hnlstat.inference.limits.roots import CrossingSearch, Interval
from hnlstat.inference.limits.sensitivity import FAINTEST, FINE_GRID, sensitivity
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.inference.results import Calculator, Discovery, Exclusion
from hnlstat.likelihood.model import CountingModel

__all__ = ["Limit", "MassLimits", "Profile", "limits_at_mass"]

FloatArray = NDArray[np.float64]
_P_MIN = 1e-300
_CLOSE = 0.05  # strength: limits within about a per cent of the coupling
_FINE_PRECISION = 1e-8  # of limits that cost hardly anything
_STRONGEST = 6.0  # strengths are cut off here, at 400 times the -ln p of the threshold or 1/400


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
    toys: ToySettings | None = None,
    tests: Sequence[PointTest] = (),
    precision: float = 0.002,
    prior: Prior | None = None,
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
        "auto" is exact where the outcomes can be enumerated, else importance-sampled toys.
    toys
        Number and seed of toys.
    tests
        Of couplings at this mass, by the same calculator: they need not be made again. Those with
        toys are not used, as they have fewer of them than limits take.
    precision
        Relative precision of the couplings found.
    prior
        Of the coupling, for credible limits in place of CLs (calculator "bayesian", whose
        discoveries are those of "auto").

    Returns
    -------
    MassLimits
        Yields that cannot be used give no limits and a reason in `validity`.

    Raises
    ------
    InferenceError
        For levels, sigmas or a calculator that do not exist.
    """
    alone = "LR" if calculator == "published" else None if prior is None else prior.test
    wanted = curves(levels, sigmas, experiment.observed is not None, alone)
    name, engine = choose("auto" if prior else calculator, experiment, toys)
    try:
        yields = CouplingYields.build(couplings, signal, signal_modifiers, mc_error)
        credible = None if prior is None else CredibleTests(yields, experiment, prior)
        method = name if prior is None else prior.method(name)
        usable = tuple(t for t in tests if t.method == method and name != "toys")
        scan = _MassScan(mass_gev, yields, experiment, name, engine, usable, precision, credible)
        exclusions = tuple(c for c in wanted if c.test != "p0")
        discoveries = tuple(c for c in wanted if c.test == "p0")
        parts = [scan.results(exclusions, False), scan.results(discoveries, True)]
    except InferenceError as error:
        return MassLimits(mass_gev, (), (), f"no limits: {error}")
    except NUMERICAL_ERRORS as error:  # whatever it is, other masses have their limits
        return MassLimits(mass_gev, (), (), f"no limits: {type(error).__name__}: {error}")
    return MassLimits(
        mass_gev,
        tuple(limit for limits, _ in parts for limit in limits),
        tuple(profile for _, profiles in parts for profile in profiles),
        "; ".join(sorted(scan.remarks)) or "ok",
    )


@dataclass(frozen=True, eq=False)
class _MassScan:
    """The search for the limits of several curves at one mass."""

    mass_gev: float
    yields: CouplingYields
    experiment: CountingModel
    name: str
    engine: Calculator
    tests: tuple[PointTest, ...]
    precision: float
    credible: CredibleTests | None
    remarks: set[str] = field(default_factory=set)

    def results(
        self, wanted: tuple[Curve, ...], discovery: bool
    ) -> tuple[list[Limit], list[Profile]]:
        """Return limits and profiles of the curves of one kind of test."""
        thresholds = -np.log([c.alpha for c in wanted])
        search = self._search(wanted, discovery, thresholds)
        found = [search.intervals(i, threshold) for i, threshold in enumerate(thresholds)]
        limits: list[Limit] = []
        profiles: list[Profile] = []
        for i, (c, intervals) in enumerate(zip(wanted, found, strict=True)):
            key = (self.mass_gev, c.level, c.kind)
            method = self._method(c)
            at, strength = search.profile(i, intervals)
            profiles.append(Profile(*key, method, np.exp(at), strength))
            for interval in intervals:
                lower, upper = float(np.exp(interval.lower)), float(np.exp(interval.upper))
                error = None if discovery else self._error(c, interval)
                limits.append(Limit(*key, "lower", method, lower, interval.lower_open, error))
                limits.append(Limit(*key, "upper", method, upper, interval.upper_open))
        return limits, profiles

    def _search(
        self, wanted: tuple[Curve, ...], discovery: bool, thresholds: FloatArray
    ) -> CrossingSearch:
        """Return what finds the crossings of the curves of one kind of test."""
        x = self.yields.log_coupling
        grid = np.linspace(x[0], x[-1], FINE_GRID)
        weakest = np.log(FAINTEST / thresholds)
        if self.credible is not None and not discovery:
            exclusion = partial(self._exclusion, wanted)
            known = {x: exclusion(x) for x in self.credible.nodes}
            height = np.exp(self.credible.log_height(grid))
            return CrossingSearch(exclusion, grid, height, _FINE_PRECISION, weakest, known)
        strengths = partial(self._exclusion, wanted)
        if discovery:
            tests = DiscoveryTests(self.engine, max((c.significance for c in wanted), default=0.0))
            strengths = partial(self._discovery, wanted, tests)
        height = sensitivity(self.yields.signal(grid), self.experiment, discovery)
        known = self._known(wanted, discovery)
        return CrossingSearch(strengths, grid, height, self.precision, weakest, known)

    def _method(self, curve: Curve) -> str:
        """Return calculator and test of a curve."""
        if self.credible is not None and curve.kind != DISCOVERY:
            return f"{BAYESIAN} {curve.test}"
        seen = curve.kind == OBSERVED
        return f"{observed_method(self.name, self.engine) if seen else self.name} {curve.test}"

    def _error(self, curve: Curve, interval: Interval) -> float | None:
        """Return the error of the lower end of an interval, and note what hangs on the prior."""
        if self.credible is None or interval.lower_open:
            return None
        if remark := self.credible.behind(curve.kind, curve.alpha):
            self.remarks.add(remark)
        return self.credible.error(curve.kind, interval.lower)

    def _known(self, wanted: tuple[Curve, ...], discovery: bool) -> dict[float, FloatArray]:
        """Return the strengths of the curves at the couplings that have their test already."""
        known = {}
        for point in self.tests:
            x = float(np.log(point.coupling))
            if discovery:
                if point.discovery is not None:
                    known[x] = self._of_discovery(wanted, point.discovery, point.p0_power, x)
            elif (test := point.own_exclusion) is not None:
                known[x] = self._of_exclusion(wanted, test, x)
        return known

    def _exclusion(self, wanted: tuple[Curve, ...], x: float) -> FloatArray:
        """Return the strength of each exclusion curve at ln(coupling) x."""
        if self.credible is not None:
            test = self.credible.exclusion(x)
        else:
            test = self.engine.exclusion(self.yields.model(self.experiment, x).capped())
        return self._of_exclusion(wanted, test, x)

    def _of_exclusion(self, wanted: tuple[Curve, ...], test: Exclusion, x: float) -> FloatArray:
        strengths = self._strengths(wanted, [c.p_value(test) for c in wanted], 1.0, x)
        self._note(test.validity, strengths)
        return strengths

    def _discovery(self, wanted: tuple[Curve, ...], tests: DiscoveryTests, x: float) -> FloatArray:
        """Return the strength of each discovery curve at ln(coupling) x.

        Where the test has less signal, ln p is taken to go as the significance squared.
        """
        model = self.yields.model(self.experiment, x)
        test, more = tests.test(model)
        return self._of_discovery(wanted, test, more, x)

    def _of_discovery(
        self, wanted: tuple[Curve, ...], test: Discovery, more: float, x: float
    ) -> FloatArray:
        strengths = self._strengths(wanted, [test.p0_expected for _ in wanted], more, x)
        self._note(test.validity, strengths)
        return strengths

    def _note(self, validity: str, strengths: FloatArray) -> None:
        """Keep what is wrong with a test if a limit hangs on it."""
        if not validity.startswith("ok") and np.abs(strengths).min(initial=np.inf) < _CLOSE:
            self.remarks.add(validity)

    def _strengths(
        self, wanted: tuple[Curve, ...], p: list[float], more: float, x: float
    ) -> FloatArray:
        """Return the strengths for p-values whose logarithms are to be taken `more` times."""
        if not np.all(np.isfinite(p)):
            raise InferenceError(f"a p-value at coupling {np.exp(x):.4g} is not a number")
        ratio = np.log(np.clip(p, _P_MIN, 1.0)) * more / np.log([c.alpha for c in wanted])
        strengths: FloatArray = np.log(np.maximum(ratio, 1e-9))
        return strengths.clip(-_STRONGEST, _STRONGEST)
