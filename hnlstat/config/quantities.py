"""Quantities with units: a number in the base unit, or a string such as ``"500 MeV"``."""

import math
import re
from collections.abc import Callable, Collection
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, NamedTuple, TypeVar

import hepunits
from pydantic import AfterValidator, BeforeValidator

Powers = tuple[int, int, int, int, int]


class Dimension(NamedTuple):
    """What a quantity measures: powers of energy, length, mass, angle and POT; the base unit."""

    noun: str
    base_unit: str
    powers: Powers


DIMENSIONLESS = Dimension("number", "", (0, 0, 0, 0, 0))
ENERGY = Dimension("energy", "GeV", (1, 0, 0, 0, 0))
INVERSE_ENERGY = Dimension("inverse energy", "GeV^-1", (-1, 0, 0, 0, 0))
LENGTH = Dimension("length", "m", (0, 1, 0, 0, 0))
DENSITY = Dimension("density", "g/cm3", (0, -3, 1, 0, 0))
ANGLE = Dimension("angle", "rad", (0, 0, 0, 1, 0))
PROTONS = Dimension("number of protons", "POT", (0, 0, 0, 0, 1))
PLAIN = Dimension("plain number", "", (0, 0, 0, 0, 0))
"""A number that is no ratio of two others, so that it cannot be a percentage either."""

_NAMED = (DIMENSIONLESS, ENERGY, INVERSE_ENERGY, LENGTH, DENSITY, ANGLE, PROTONS)

_OF_UNITS: dict[Powers, tuple[str, ...]] = {
    (1, 0, 0, 0, 0): ("eV", "keV", "MeV", "GeV", "TeV"),
    (0, 1, 0, 0, 0): ("mm", "cm", "m", "km"),
    (0, 0, 1, 0, 0): ("mg", "g", "kg"),
    (0, 0, 0, 1, 0): ("rad", "mrad", "deg"),
}
_UNITS: dict[str, tuple[float, Powers]] = {
    **{name: (getattr(hepunits, name), p) for p, names in _OF_UNITS.items() for name in names},
    "%": (0.01, (0, 0, 0, 0, 0)),
    "POT": (1.0, (0, 0, 0, 0, 1)),
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*")
_FACTOR = re.compile(r"\s*([*/]?)\s*(?:([A-Za-z]+|%)(?:(?:\^|\*\*)?([+-]?\d)(?!\d))?|(1)(?=\s*/))")


def _read_unit(text: str) -> tuple[float, Powers]:
    """Scale (in the system of hepunits) and powers of a unit such as ``g/cm3`` or ``GeV^-1``."""
    scale, powers, position = 1.0, (0, 0, 0, 0, 0), 0
    while position < len(text):
        factor = _FACTOR.match(text, position)
        if factor is None or (factor[2] and factor[2] not in _UNITS):
            known = ", ".join(_UNITS)
            raise ValueError(f"has no unit that is known here (known: {known})")
        position = factor.end()
        if factor[2]:
            unit_scale, unit_powers = _UNITS[factor[2]]
            exponent = int(factor[3] or 1) * (-1 if factor[1] == "/" else 1)
            scale *= unit_scale**exponent
            a, b, c, d, e = (p + exponent * u for p, u in zip(powers, unit_powers, strict=True))
            powers = (a, b, c, d, e)
    return scale, powers


def inverse(text: str) -> tuple[float, Powers]:
    """
    Read what something is counted by, such as ``1/m^2/50MeV/1e21POT``: numbers may stand in it.

    Returns
    -------
    float, Powers
        Its size in the system of hepunits, and its powers.
    """
    first, *parts = text.split("/")
    if first.strip() not in ("", "1") or not parts:
        raise ValueError("is not like 1/cm2/1e21POT")
    size, powers = 1.0, (0, 0, 0, 0, 0)
    for part in parts:
        match = _QUANTITY.fullmatch(part)
        number = float(match[1]) if match else 1.0
        scale, mine = _read_unit(match[2] if match else part.strip())
        if not 0 < number < math.inf or not any(mine):
            raise ValueError(f"has {part.strip()!r}, which is no unit")
        size /= number * scale
        a, b, c, d, e = (p - q for p, q in zip(powers, mine, strict=True))
        powers = (a, b, c, d, e)
    return size, powers


def powers_of(unit: str) -> Powers:
    """Give the powers of a unit; raises a ValueError for one that is not known."""
    return _read_unit(unit)[1]


def parse(value: object, dimension: Dimension) -> float:
    """
    Read a quantity.

    Parameters
    ----------
    value
        A number in the base unit of the dimension, or a string of a number and, if it is not the
        base unit, a unit: ``"24 m"``, ``"1.855e-3 g/cm3"``, ``"1e-6 GeV^-1"``, ``"12 %"``,
        ``"5/3"``.
    dimension
        What is expected.

    Returns
    -------
    float
        The value in the base unit, finite.

    Raises
    ------
    ValueError
        If it is no number, not finite, or of another dimension; the text continues a sentence that
        begins with the value.
    """
    expected = (
        f"{dimension.noun} in {dimension.base_unit}" if dimension.base_unit else dimension.noun
    )
    article = "an" if expected[0] in "aeiou" else "a"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"is not {article} {expected}")
    try:
        if isinstance(value, str):
            number = _read_string(value, dimension, f"{article} {expected}")
        else:
            number = float(value)
    except OverflowError:  # of whole numbers and powers of units
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"is not a finite {dimension.noun}")
    return number


def _read_string(text: str, dimension: Dimension, expected: str) -> float:
    if not any(dimension.powers) and re.fullmatch(r"\s*\d+/[1-9]\d*\s*", text):
        return float(Fraction(text.strip()))
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"is not {expected}")
    number = float(match[1])
    if not match[2]:
        return number
    scale, powers = _read_unit(match[2])
    if dimension is PLAIN and "%" in match[2]:
        raise ValueError(f"is a percentage, expected {expected}")
    if powers != dimension.powers:
        noun = next((d.noun for d in _NAMED if d.powers == powers), "quantity of another kind")
        article = "an" if noun[0] in "aeiou" else "a"
        raise ValueError(f"is {article} {noun}, expected {expected}")
    base = _read_unit(dimension.base_unit)[0]
    # Divide by whole numbers rather than multiply by their rounded inverses: 4.5 mm is 0.0045 m.
    return number * (scale / base) if scale >= base else number / (base / scale)


T = TypeVar("T", bound=Collection[Any])


def positive(value: float) -> float:
    """Pass positive numbers only."""
    if value <= 0:
        raise ValueError("is not positive")
    return value


def inside(value: float, least: float, most: float, unit: str = "") -> float:
    """Pass what is possible; else say the bound that is crossed."""
    if value < least:
        raise ValueError(f"is below {least:g}{unit and f' {unit}'}, the least here")
    if value > most:
        raise ValueError(f"is above {most:g}{unit and f' {unit}'}, the most here")
    return value


def within(least: float, most: float, unit: str = "") -> AfterValidator:
    """Make the validator of `inside`."""
    return AfterValidator(partial(inside, least=least, most=most, unit=unit))


def _reader(dimension: Dimension) -> BeforeValidator:
    return BeforeValidator(partial(parse, dimension=dimension))


def whole(least: int, most: int, cost: Callable[[int], str] | None = None) -> BeforeValidator:
    """
    Make the validator of whole numbers.

    Parameters
    ----------
    least, most
        What is possible.
    cost
        Says what a number above that would take.
    """
    return BeforeValidator(partial(_possible, least=least, most=most, cost=cost))


def _possible(value: object, least: int, most: int, cost: Callable[[int], str] | None) -> int:
    number = _whole(value)
    if number < least:
        raise ValueError(f"is below {least}, the least here")
    if number > most:
        taken = f"would take about {cost(number)}" if cost and number < 10**300 else "is too much"
        raise ValueError(f"{taken}; {most} is the most here")
    return number


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,300}\s*", value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(rf"\s*{_NUMBER}\s*", value):
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("is not a whole number")


def memory(each: float) -> Callable[[int], str]:
    """Make the text for a cost of so many bytes for each."""
    return lambda number: f"{number * each / 1e9:.3g} GB of memory"


def _not_empty(value: T) -> T:
    """Pass what is not empty only."""
    if not value:
        raise ValueError("is empty")
    return value


def _rising(values: tuple[float, ...]) -> tuple[float, ...]:
    """Pass rising values only."""
    if any(a >= b for a, b in pairwise(values)):
        raise ValueError("does not rise strictly")
    return values


NEAR = 1e-5
"""Relative distance of points of a grid that are one, written with different digits."""


def nearly_equal(a: float, b: float) -> bool:
    """Tell whether two rising positive values are the same but for rounding."""
    return b < a * (1.0 + NEAR)


def _apart(values: tuple[float, ...]) -> tuple[float, ...]:
    """Pass rising values only, and not by rounding alone."""
    for a, b in pairwise(_rising(values)):
        if nearly_equal(a, b):
            raise ValueError(f"has {a!r} and {b!r}, which are nearly equal; give one of them")
    return values


def _cosine(value: float) -> float:
    """Pass what is from -1 to 1, 1 excluded, only."""
    if not -1 <= value < 1:
        raise ValueError("is not a cosine from -1 to 1, 1 excluded")
    return value


POSITIVE = AfterValidator(positive)

# What is possible: far beyond all that is sensible, and near enough that nothing overflows.
Number = Annotated[float, _reader(PLAIN), within(-1e9, 1e9)]
Cosine = Annotated[Number, AfterValidator(_cosine)]
Ratio = Annotated[float, _reader(DIMENSIONLESS), within(-1e6, 1e6)]
Energy = Annotated[float, _reader(ENERGY), within(-1e6, 1e6, "GeV")]
Length = Annotated[float, _reader(LENGTH), within(-1e6, 1e6, "m")]
Angle = Annotated[float, _reader(ANGLE), within(-2 * math.pi, 2 * math.pi, "rad")]
PositiveNumber = Annotated[float, _reader(PLAIN), POSITIVE, within(1e-9, 1e9)]
PositiveRatio = Annotated[float, _reader(DIMENSIONLESS), POSITIVE, within(1e-6, 1e6)]
PositiveEnergy = Annotated[float, _reader(ENERGY), POSITIVE, within(1e-9, 1e6, "GeV")]
Mass = Annotated[float, _reader(ENERGY), POSITIVE, within(1e-5, 1e3, "GeV")]
PositiveLength = Annotated[float, _reader(LENGTH), POSITIVE, within(1e-6, 1e6, "m")]
PositiveAngle = Annotated[float, _reader(ANGLE), POSITIVE, within(1e-6, math.pi, "rad")]
PositiveDensity = Annotated[float, _reader(DENSITY), POSITIVE, within(1e-9, 100, "g/cm3")]
Exposed = Annotated[float, _reader(PROTONS), POSITIVE, within(1e10, 1e27, "POT")]
Seed = Annotated[int, whole(0, 2**63 - 1)]
NotEmpty = AfterValidator(_not_empty)
Rising = AfterValidator(_rising)
Apart = AfterValidator(_apart)
