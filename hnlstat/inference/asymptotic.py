"""Asymptotic p-values through pyhf (arXiv:1007.1727, q-tilde and q0).

At a few expected events these are up to 30 % too strong: they serve where counts are large, and
for comparison.
"""

from typing import Any

import pyhf
from pyhf.infer.calculators import AsymptoticCalculator as PyhfCalculator

from hnlstat.errors import InferenceError
from hnlstat.inference.model import CountingModel
from hnlstat.inference.results import Discovery, Exclusion
from hnlstat.inference.workspace import PARAMETER_OF_INTEREST, workspace


class AsymptoticCalculator:
    """Tests of a signal by the asymptotic formulae, with pyhf's profile likelihood fits."""

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Return CLs and CLs+b, observed and expected, of the model's signal.

        Raises
        ------
        InferenceError
            If a fit does not converge.
        """
        if not model.signal.any():
            one = None if model.observed is None else 1.0
            return Exclusion(one, one, (1.0,) * 5, (1.0,) * 5, "asymptotic", "ok: no signal")
        calculator = _calculator(model, "qtilde")
        try:
            statistic = calculator.teststatistic(1.0)
            hypotheses = calculator.distributions(1.0)
            clsb, _, cls = (float(p) for p in calculator.pvalues(statistic, *hypotheses))
            bands = calculator.expected_pvalues(*hypotheses)
        except pyhf.exceptions.FailedMinimization as error:
            raise InferenceError(f"the profile likelihood fit did not converge: {error}") from error
        return Exclusion(
            None if model.observed is None else cls,
            None if model.observed is None else clsb,
            tuple(float(p) for p in bands[2]),
            tuple(float(p) for p in bands[0]),
            "asymptotic",
            "ok",
        )

    def discovery(self, model: CountingModel) -> Discovery:
        """Return the p-value of the background alone, of the data and of Asimov data with signal.

        Raises
        ------
        InferenceError
            If a fit does not converge.
        """
        if not model.signal.any():
            one = None if model.observed is None else 1.0
            return Discovery(one, 1.0, "asymptotic", "ok: no signal")
        calculator = _calculator(model, "q0")
        try:
            statistic = calculator.teststatistic(0.0)
            hypotheses = calculator.distributions(0.0)
            p_observed = float(calculator.pvalues(statistic, *hypotheses)[0])
            p_expected = float(calculator.expected_pvalues(*hypotheses)[0][2])
        except pyhf.exceptions.FailedMinimization as error:
            raise InferenceError(f"the profile likelihood fit did not converge: {error}") from error
        return Discovery(
            None if model.observed is None else p_observed, p_expected, "asymptotic", "ok"
        )


def _calculator(model: CountingModel, statistic: str) -> Any:
    """Return pyhf's calculator for the model and its data (the background's if there are none)."""
    spec = workspace(model)
    parameters = spec["measurements"][0]["config"]["parameters"]
    # validating our own workspace against the schema would take longer than the fits
    likelihood = pyhf.Model(
        {"channels": spec["channels"], "parameters": parameters},
        poi_name=PARAMETER_OF_INTEREST,
        validate=False,
    )
    observed = {entry["name"]: entry["data"] for entry in spec["observations"]}
    events = [n for name in likelihood.config.channels for n in observed[name]]
    return PyhfCalculator(events + likelihood.config.auxdata, likelihood, test_stat=statistic)
