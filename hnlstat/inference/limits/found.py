"""What is found at one mass: limits on the coupling, and curves along it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.inference.limits.roots import Branch

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Limit:
    """A limit on the coupling: one end of an excluded interval.

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
        In the unit of the model.
    open
        True if the region goes on beyond the end of the grid, which `coupling` then is.
    error
        Standard deviation of the coupling, relative, from the integration of a posterior; None:
        there is none, or it is not known.
    """

    mass_gev: float
    level: float
    kind: str
    branch: Branch
    method: str
    coupling: float
    open: bool
    error: float | None = None


@dataclass(frozen=True, eq=False)
class Profile:
    """One curve along the coupling.

    Attributes
    ----------
    mass_gev, level, kind, method
        As in `Limit`.
    coupling
        The ends of the grid, all limits and a fine grid in between, rising, shape (P,).
    strength
        ln(ln p / ln alpha), shape (P,): 0 at the limits, positive in the intervals. It is
        calculated around the limits and at the hills and valleys of the sensitivity, interpolated
        along the sensitivity between these, and cut off at +-6.
    """

    mass_gev: float
    level: float
    kind: str
    method: str
    coupling: FloatArray
    strength: FloatArray


@dataclass(frozen=True)
class MassLimits:
    """All limits at one mass.

    Attributes
    ----------
    limits
        For each curve the ends of its intervals, rising: lower, upper, lower, upper ... Empty where
        nothing is excluded.
    profiles
        One for each curve, excluded or not.
    validity
        "ok", or why the result is missing or to be taken with care.
    """

    mass_gev: float
    limits: tuple[Limit, ...]
    profiles: tuple[Profile, ...]
    validity: str
