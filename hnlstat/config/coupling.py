"""The coupling of a model, and its values in a configuration, read in the unit of the model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from hnlstat.config.quantities import Dimension, inside, parse, positive, powers_of


@dataclass(frozen=True)
class CouplingAxis:
    r"""What the coupling of a model is called, measured in, and can be.

    Attributes
    ----------
    name, symbol : in a line of text, "d_mu", and in mathtext without the dollars, "d_{\mu}"
    noun : "dipole coupling"
    unit : "GeV^-1", or empty for a plain number
    column : of tables, "coupling_inv_gev"; bounds in a column of this name are on this coupling
    least, most : beyond these it can only be in another unit
    flavour : the only neutrino that it is for, with its full strength: "e", "mu", "tau"; None: not
        one alone, so that bounds on one do not hold for it
    nature : of N, "dirac" or "majorana", where bounds on the coupling are for one of them
    prior_power : credible limits are flat in this power of it if no other is asked for: 2 for an
        amplitude, 1 for its square
    compared_at : where searches are compared if no coupling is asked for; None: the grid's first

    Raises
    ------
    ValueError
        If the unit, the column or the limits cannot be.
    """

    name: str
    symbol: str
    noun: str
    unit: str
    column: str
    least: float
    most: float
    flavour: str | None = None
    nature: str | None = None
    prior_power: float = 2.0
    compared_at: float | None = None

    def __post_init__(self) -> None:
        powers_of(self.unit)
        if not re.fullmatch(r"coupling(_[a-z0-9]+)*", self.column):
            raise ValueError(f"column {self.column!r} is not like coupling or coupling_inv_gev")
        if not 0 < self.least < self.most < math.inf:
            raise ValueError(f"couplings from {self.least:g} to {self.most:g} are no range")

    @property
    def dimension(self) -> Dimension:
        """What it measures."""
        noun = "coupling" if self.unit else "coupling without a unit"
        return Dimension(noun, self.unit, powers_of(self.unit))

    def power(self, power: float | None) -> tuple[float, str]:
        """Give a power of it, by default that of the flat prior, and what that is called: "d^2"."""
        power = self.prior_power if power is None else power
        name = f"({self.name})" if "^" in self.name else self.name
        return power, self.name if power == 1.0 else f"{name}^{power:g}"

    def amount(self, value: float, digits: int = 3) -> str:
        """Write a coupling with its unit: "4e-07 GeV^-1"."""
        return f"{value:.{digits}g} {self.unit}".rstrip()

    def text(self, value: float, digits: int = 3) -> str:
        """Write which coupling it is, too: "d = 4e-07 GeV^-1"."""
        return f"{self.name} = {self.amount(value, digits)}"


_AXIS: ContextVar[CouplingAxis | None] = ContextVar("axis", default=None)


@contextmanager
def measured_on(axis: CouplingAxis) -> Iterator[None]:
    """Read couplings in the unit of a model, and refuse those that it cannot have."""
    token = _AXIS.set(axis)
    try:
        yield
    finally:
        _AXIS.reset(token)


def unit_at_hand() -> str | None:
    """The unit that couplings are read in; None: that of whichever model."""
    axis = _AXIS.get()
    return None if axis is None else axis.unit


def _read(value: object) -> float:
    axis = _AXIS.get()
    if axis is None:  # of a part on its own: a number in the unit of whichever model
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("is not a number, and without a model a coupling has no unit")
        return positive(float(value))
    return inside(positive(parse(value, axis.dimension)), axis.least, axis.most, axis.unit)


PositiveCoupling = Annotated[float, BeforeValidator(_read)]
