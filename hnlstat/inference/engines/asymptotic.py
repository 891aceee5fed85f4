"""Asymptotic p-values of many points at once (arXiv:1007.1727, q-tilde and q0).

The likelihoods are read from the pyhf workspaces themselves and fitted together; a point whose fit
is in doubt is handed to pyhf. At a few expected events the formulae are up to 30 % too strong: they
serve where counts are large, and for comparison.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from hnlstat.errors import InferenceError
from hnlstat.inference.components import bent
from hnlstat.inference.engines.profile import Fit, best_fit
from hnlstat.inference.results import BANDS, Discovery, Exclusion
from hnlstat.inference.statistics import asimov_significance
from hnlstat.likelihood.histfactory import Likelihoods
from hnlstat.likelihood.model import MOST_EVENTS, CountingModel
from hnlstat.likelihood.reader import Spec, read_likelihoods, same_form
from hnlstat.likelihood.workspace import workspace

FloatArray = NDArray[np.float64]

_FAINTEST = 1e-6  # significance without uncertainties below which rounding errors decide
_SIGMAS = np.array(BANDS, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class AsymptoticTests:
    """Asymptotic tests of P workspaces at one signal strength.

    Attributes
    ----------
    clsb, clb, cls
        Of the data, shape (P,). For discovery `clsb` is the p-value of the background alone.
    clsb_expected, cls_expected
        At -2, -1, 0, 1, 2 sigma in rising order of CLs, shape (P, 5).
    by_pyhf
        Points that pyhf calculated as their own fits were in doubt, shape (P,).
    failures
        Why points have no p-values (NaN), by index: their fits converged neither here nor in pyhf.
    """

    clsb: FloatArray
    clb: FloatArray
    cls: FloatArray
    clsb_expected: FloatArray
    cls_expected: FloatArray
    by_pyhf: NDArray[np.bool_]
    failures: dict[int, str]


def asymptotic_tests(
    specs: Sequence[Spec], discovery: bool = False, hand_over: bool = True
) -> AsymptoticTests:
    """Test mu = 1 by q-tilde, or mu = 0 by q0, in every workspace.

    Parameters
    ----------
    specs
        P pyhf workspaces; those of the same form are calculated together.
    discovery
        False for exclusion of mu = 1, True for the p-value of mu = 0.
    hand_over
        Whether pyhf takes the points whose fits are in doubt. Where rates may become negative its
        fits take minutes, and fail.

    Raises
    ------
    InferenceError
        If a workspace cannot be used. A fit that does not converge is among the `failures`.
    """
    roots, by_pyhf = np.empty((2, len(specs))), np.zeros(len(specs), dtype=bool)
    for group in same_form(specs):
        found, good = _square_roots([specs[i] for i in group], discovery)
        roots[:, group], by_pyhf[group] = found, ~good
    tests = _p_values(roots[0], roots[1], discovery, by_pyhf)
    for i in np.flatnonzero(by_pyhf).tolist():
        try:
            if not hand_over:
                raise InferenceError("the profile likelihood fit runs into a negative rate")
            clsb, clb, cls, bands = with_pyhf(specs[i], discovery)
        except InferenceError as error:
            clsb = clb = cls = np.nan
            bands = [[np.nan] * len(BANDS)] * 3
            tests.failures[i] = str(error)
        tests.clsb[i], tests.clb[i], tests.cls[i] = clsb, clb, cls
        tests.clsb_expected[i], tests.cls_expected[i] = bands[0], bands[2]
    return tests


def _square_roots(specs: Sequence[Spec], discovery: bool) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return sqrt(q) of data and of Asimov data, shape (2, P), and which points to believe."""
    likelihoods = read_likelihoods(specs)
    data, poi = likelihoods.data, likelihoods.poi
    tested = 0.0 if discovery else 1.0
    at_zero = _without_signal(likelihoods)
    at_one = best_fit(likelihoods, data, strength=1.0, start=at_zero.parameters)
    free = best_fit(likelihoods, data, start=at_zero.parameters)
    conditional, other = (at_zero, at_one) if discovery else (at_one, at_zero)
    asimov = likelihoods.asimov(other.parameters)
    best = likelihoods.nll(other.parameters, asimov)
    refit = best_fit(likelihoods, asimov, strength=tested, start=other.parameters)
    q = 2.0 * (conditional.nll - free.nll)
    if not discovery:
        q = np.where(free.parameters[:, poi] > tested, 0.0, q)
    q_asimov = 2.0 * (refit.nll - best)
    good = at_zero.converged & at_one.converged & free.converged & refit.converged
    good &= np.isfinite(q) & (q > -1e-6) & (q_asimov > 0.0)
    return np.sqrt(np.maximum([q, q_asimov], 0.0)), good


def _without_signal(likelihoods: Likelihoods) -> Fit:
    """Return the fits at strength 0, made once for all points that are alike there."""
    different, like = likelihoods.alike_without_signal()
    part = likelihoods.take(different)
    found = best_fit(part, part.data, strength=0.0)
    parameters = found.parameters[like]
    nll = likelihoods.nll(parameters, likelihoods.data)
    return Fit(parameters, nll, found.converged[like])


def _p_values(
    root: FloatArray, root_asimov: FloatArray, discovery: bool, by_pyhf: NDArray[np.bool_]
) -> AsymptoticTests:
    """Return the p-values of arXiv:1007.1727, equations 52, 59 and 66, in terms of sqrt(q)."""
    safe = np.where(root_asimov > 0.0, root_asimov, 1.0)
    shifted = root - root_asimov
    if not discovery:
        beyond = (root**2 - root_asimov**2) / (2.0 * safe)
        shifted = np.where(root > root_asimov, beyond, shifted)
    clsb, clb = ndtr(-shifted - root_asimov), ndtr(-shifted)
    cls = np.exp(log_ndtr(-shifted - root_asimov) - log_ndtr(-shifted))
    falling = _SIGMAS[::-1]
    clsb_expected = ndtr(-falling - root_asimov[:, None])
    return AsymptoticTests(
        clsb, clb, cls, clsb_expected, clsb_expected / ndtr(-falling), by_pyhf, {}
    )


def with_pyhf(spec: Spec, discovery: bool) -> tuple[float, float, float, list[Any]]:
    """Return CLs+b, CLb, CLs and their expected bands as pyhf calculates them with Minuit."""
    import pyhf  # only now: it takes half a second

    logging.getLogger("pyhf").setLevel(logging.CRITICAL)  # a page for each fit that fails
    settings = spec["measurements"][0]["config"]
    # our own workspaces need no validation, which takes longer than the fits
    likelihood = pyhf.Model(
        {"channels": spec["channels"], "parameters": settings.get("parameters", [])},
        poi_name=settings["poi"],
        validate=False,
    )
    observed = {entry["name"]: entry["data"] for entry in spec["observations"]}
    events = [n for name in likelihood.config.channels for n in observed[name]]
    backend, optimizer = pyhf.get_backend()
    pyhf.set_backend(backend, pyhf.optimize.minuit_optimizer(tolerance=1e-5, strategy=2))
    try:
        calculator = pyhf.infer.calculators.AsymptoticCalculator(
            events + likelihood.config.auxdata,
            likelihood,
            test_stat="q0" if discovery else "qtilde",
        )
        statistic = calculator.teststatistic(0.0 if discovery else 1.0)
        hypotheses = calculator.distributions(0.0 if discovery else 1.0)
        clsb, clb, cls = (float(p) for p in calculator.pvalues(statistic, *hypotheses))
        return clsb, clb, cls, calculator.expected_pvalues(*hypotheses)
    except pyhf.exceptions.FailedMinimization as error:
        raise InferenceError("the profile likelihood fit does not converge") from error
    finally:
        pyhf.set_backend(backend, optimizer)


def _without_test(model: CountingModel) -> str | None:
    """Return why a model needs no test, as its signal changes no p-value by more than 1e-5."""
    if not model.signal.any():
        return "ok: no signal"
    significance = asimov_significance(model.signal, model.background, discovery=False)
    return "ok: hardly any signal" if significance < _FAINTEST else None


def _one(model: CountingModel, discovery: bool) -> AsymptoticTests:
    """Return the tests of one model; raise InferenceError where there are none."""
    specs = [workspace(model.capped())]
    if bent(model) is None:
        tests = asymptotic_tests(specs, discovery)
    else:
        tests = asymptotic_tests(specs, discovery, hand_over=False)
    if tests.failures:
        raise InferenceError(tests.failures[0])
    return tests


def _validity(model: CountingModel, tests: AsymptoticTests) -> str:
    """Return "ok" or a remark; fits may take a background that is linear below 0."""
    if (remark := bent(model)) is not None:
        return f"{remark}, which the formulae do not know of; use toys"
    return "ok: fitted by pyhf" if tests.by_pyhf[0] else "ok"


class AsymptoticCalculator:
    """Tests of one signal at a time by the asymptotic formulae."""

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return CLs and CLs+b, observed and expected, of the model's signal.

        Raises
        ------
        InferenceError
            If no fit converges.
        """
        blind = model.observed is None
        if (validity := _without_test(model)) is not None:
            one = None if blind else 1.0
            return Exclusion(one, one, (1.0,) * 5, (1.0,) * 5, "asymptotic", validity)
        tests = _one(model, discovery=False)
        return Exclusion(
            None if blind else float(tests.cls[0]),
            None if blind else float(tests.clsb[0]),
            tuple(tests.cls_expected[0].tolist()),
            tuple(tests.clsb_expected[0].tolist()),
            "asymptotic",
            _validity(model, tests),
        )

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of many outcomes (C, M), shape (M,); NaN where no fit converges."""
        if _without_test(model) is not None:
            return np.ones(counts.shape[1])
        specs = [workspace(replace(model.capped(), observed=n)) for n in counts.T]
        return asymptotic_tests(specs, hand_over=bent(model) is None).cls

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, of the data and of Asimov data with signal.

        Raises
        ------
        InferenceError
            If no fit converges.
        """
        blind = model.observed is None
        if (validity := _without_test(model)) is not None:
            p = 0.5 if model.signal.any() else 1.0
            return Discovery(None if blind else p, p, "asymptotic", validity)
        # a fit to background alone would leave the signal of what is expected too small
        events = np.minimum(model.signal + model.background, MOST_EVENTS)
        tests = _one(model.with_data(events) if blind else model, discovery=True)
        return Discovery(
            None if blind else float(tests.clsb[0]),
            float(tests.clsb_expected[0, BANDS.index(0)]),
            "asymptotic",
            _validity(model, tests),
        )
