import math
from typing import Annotated

import hepunits
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hnlstat.config.quantities import (
    ANGLE,
    DENSITY,
    DIMENSIONLESS,
    ENERGY,
    INVERSE_ENERGY,
    LENGTH,
    PLAIN,
    PROTONS,
    Dimension,
    memory,
    parse,
    whole,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200)
UNITS = {
    ENERGY: {"eV": 1e-9, "keV": 1e-6, "MeV": 1e-3, "GeV": 1.0, "TeV": 1e3},
    LENGTH: {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3},
    DENSITY: {"g/cm3": 1.0, "kg/m^3": 1e-3, "mg cm-3": 1e-3, "g/cm**3": 1.0},
    INVERSE_ENERGY: {"GeV^-1": 1.0, "/GeV": 1.0, "1/TeV": 1e-3, "MeV-1": 1e3, "GeV**-1": 1.0},
    ANGLE: {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180},
    PROTONS: {"POT": 1.0},
    DIMENSIONLESS: {"%": 0.01, "": 1.0, "m/m": 1.0},
}
CASES = [(d, unit, factor) for d, units in UNITS.items() for unit, factor in units.items()]


@given(FINITE, st.sampled_from(CASES))
def test_a_unit_is_its_factor(number: float, case: tuple[Dimension, str, float]) -> None:
    dimension, unit, factor = case
    # Two roundings in the factor and one in the product.
    assert parse(f"{number!r} {unit}", dimension) == pytest.approx(number * factor, rel=1e-15 * 4)


@given(FINITE, st.sampled_from(CASES), st.sampled_from([*UNITS]))
def test_a_wrong_dimension_is_an_error(
    number: float, case: tuple[Dimension, str, float], expected: Dimension
) -> None:
    dimension, unit, _ = case
    assume(dimension != expected and unit != "")
    with pytest.raises(ValueError, match=f"is an? {dimension.noun}, expected an? {expected.noun}"):
        parse(f"{number!r}{unit}", expected)


@given(FINITE, st.sampled_from([*UNITS]))
def test_a_bare_number_is_in_the_base_unit(number: float, dimension: Dimension) -> None:
    assert parse(number, dimension) == number
    assert parse(f" {number!r} ", dimension) == number
    assert parse(f"{number!r} {dimension.base_unit}", dimension) == number


@given(st.text(alphabet="0123456789.eE+-GMVcmgk^*/% 1", max_size=12))
def test_any_text_is_a_finite_number_or_a_value_error(text: str) -> None:
    try:
        value = parse(text, ENERGY)
    except ValueError:
        return
    assert abs(value) < float("inf")


@pytest.mark.parametrize("value", [True, None, [1.0], "", "m", "nan", "inf", "1e999", "1 m m", {}])
def test_what_is_no_length_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match="length"):
        parse(value, LENGTH)


def test_an_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"known: eV, keV, MeV"):
        parse("2 furlong", LENGTH)


def test_decimal_figures_stay_as_written() -> None:
    assert parse("4.5 mm", LENGTH) == 0.0045
    assert parse("500 MeV", ENERGY) == 0.5
    assert parse("12 %", DIMENSIONLESS) == 0.12
    assert parse("5/3", DIMENSIONLESS) == 5 / 3


def test_units_agree_with_hepunits() -> None:
    density = hepunits.kg / hepunits.m3 / (hepunits.g / hepunits.cm3)
    assert parse("1 kg/m3", DENSITY) == pytest.approx(density, rel=1e-15)


@pytest.mark.parametrize("value", ["5 %", "5 POT", True, "x", 10**400])
def test_a_plain_number_has_no_unit(value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        parse(value, PLAIN)
    assert parse("5/3", PLAIN) == 5 / 3


@pytest.mark.parametrize("value", [True, 1.5, "1_0", "ten", None, [1], float("nan"), float("inf")])
def test_what_is_no_whole_number_is_an_error(value: object) -> None:
    with pytest.raises(ValidationError, match="is not a whole number"):
        WHOLE.validate_python(value)


def test_whole_numbers_may_be_written_as_powers_of_ten() -> None:
    assert [WHOLE.validate_python(v) for v in (1e3, "1e3", " 7 ", 2.0)] == [1000, 1000, 7, 2]


@pytest.mark.parametrize(
    ("value", "message"),
    [(0, "is below 1, the least here"), (10**9, "would take about 8 GB of memory; 10000 is the")],
)
def test_a_bound_that_is_crossed_is_said(value: int, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        WHOLE.validate_python(value)


WHOLE: TypeAdapter[int] = TypeAdapter(Annotated[int, whole(1, 10**4, memory(8))])
