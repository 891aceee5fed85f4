"""What a test of one signal gives, whichever calculator made it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

BANDS = (-2, -1, 0, 1, 2)
_LEAST = 5e-324  # positive number; smaller p-values are given as 0


@dataclass(frozen=True)
class Exclusion:
    """Test of background + signal at mu = 1.

    Attributes
    ----------
    cls_observed, clsb_observed
        CLs = CLs+b / CLb and CLs+b of the data, None without data.
    cls_expected, clsb_expected
        Their values at the -2, -1, 0, 1, 2 sigma quantiles of experiments without signal, in the
        order of `BANDS`: -2 is the strongest exclusion.
    method, validity
        The calculator; "ok" or a remark.
    """

    cls_observed: float | None
    clsb_observed: float | None
    cls_expected: tuple[float, ...]
    clsb_expected: tuple[float, ...]
    method: str
    validity: str


@dataclass(frozen=True)
class Discovery:
    """Test of the background alone.

    Attributes
    ----------
    p0_observed
        p-value of the data, None without data.
    p0_expected
        Median p-value of experiments with the signal.
    method, validity
        The calculator; "ok" or a remark.
    """

    p0_observed: float | None
    p0_expected: float
    method: str
    validity: str

    @property
    def significance(self) -> float:
        """Median significance in one-sided standard deviations, from 0 to about 38."""
        return max(-float(ndtri(max(self.p0_expected, _LEAST))), 0.0)


class Calculator(Protocol):
    """A way to calculate p-values."""

    def exclusion(self, model: CountingModel) -> Exclusion:
        """Test background + signal."""
        ...

    def discovery(self, model: CountingModel) -> Discovery:
        """Test the background alone."""
        ...

    def cls(self, model: CountingModel, counts: FloatArray) -> FloatArray:
        """Return CLs of the model's signal for many outcomes (C, M) in place of its data, (M,)."""
        ...
