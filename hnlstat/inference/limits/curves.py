"""The curves that limits are asked for: which p-value has to fall below which threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from hnlstat.errors import InferenceError
from hnlstat.inference.results import BANDS, Exclusion

DISCOVERY = "discovery"
OBSERVED = "observed"
EXPECTED = tuple(f"expected_{z:+d}" if z else "expected" for z in BANDS)


@dataclass(frozen=True)
class Curve:
    """One of the contours asked for.

    Attributes
    ----------
    level
        Confidence level; one minus the one-sided p-value for those given in sigma.
    kind
        "observed", "expected", "expected_-2" .. "expected_+2" or "discovery".
    test
        What has to be below alpha: "CLs", "CLs+b", "LR" (one-sided likelihood ratio), "p0", or the
        tail of a posterior, `Prior.test`.
    alpha
        1 - level.
    """

    level: float
    kind: str
    test: str
    alpha: float

    @property
    def significance(self) -> float:
        """The threshold in one-sided standard deviations."""
        return -float(ndtri(self.alpha))

    def p_value(self, test: Exclusion) -> float:
        """Return the p-value of an exclusion curve.

        Raises
        ------
        InferenceError
            For an observed curve without data.
        """
        cls = self.test == "CLs"
        if self.kind != OBSERVED:
            return (test.cls_expected if cls else test.clsb_expected)[EXPECTED.index(self.kind)]
        seen = test.cls_observed if cls else test.clsb_observed
        if seen is None:
            raise InferenceError("an observed limit needs data")
        return seen


def curves(
    levels: Sequence[float],
    sigmas: Sequence[float],
    data: bool,
    alone: str | None = None,
) -> tuple[Curve, ...]:
    """Return the curves for confidence levels (with bands) and for significances.

    Parameters
    ----------
    levels
        Confidence levels of exclusion by CLs.
    sigmas
        One-sided significances of exclusion, by CLs and by CLs+b, and of discovery.
    data
        Whether there are observed events.
    alone
        The only test of exclusions, in place of CLs and CLs+b.

    Raises
    ------
    InferenceError
        For a level outside (0, 1) or a significance that is not positive or above 7: the
        probabilities of discovery are not resolved beyond.
    """
    result: list[Curve] = []
    tests = ("CLs", "CLs+b") if alone is None else (alone,)
    for level in levels:
        if not 0.0 < level < 1.0:
            raise InferenceError(f"levels: {level:g} is not between 0 and 1, such as 0.90")
        kinds = (*EXPECTED, OBSERVED) if data else EXPECTED
        result += [Curve(level, kind, tests[0], 1.0 - level) for kind in kinds]
    for sigma in sigmas:
        if not 0.0 < sigma <= 7.0:
            raise InferenceError(f"sigmas: {sigma:g} is not above 0 and at most 7, such as 5")
        alpha = float(ndtr(-sigma))
        for kind in ("expected", OBSERVED) if data else ("expected",):
            result += [Curve(1.0 - alpha, kind, test, alpha) for test in tests]
        result.append(Curve(1.0 - alpha, DISCOVERY, "p0", alpha))
    return tuple(result)
