"""Units of the columns of a table, as its head or a configuration says them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hnlstat.errors import DataError

_UNITS = {
    "mass": "GeV", "energy": "GeV", "momentum": "GeV", "coupling": "GeV^-1", "angle": "rad",
    "rel": "",
}  # fmt: skip
"""What a head may give the unit of, as in `# mass_unit: MeV`, and the unit of numbers here."""

_BIN_END = re.compile(r".*_([a-z]+)_(?:low|high)_[a-z]+")


def units_of(
    path: Path, head: Mapping[str, str], names: Sequence[str], where: str = ""
) -> dict[str, float]:
    """Read the units that a head gives, or a configuration at some key.

    Raises
    ------
    DataError
        If one is of no column, or of another dimension.
    """
    found = {}
    for key, unit in head.items():
        quantity, _, end = key.rpartition("_")
        if end != "unit":
            continue
        if quantity not in _UNITS or quantity not in map(quantity_of, names):
            said = f"{where}.{quantity} = {unit!r}" if where else f"'# {key}: {unit}'"
            hint = "; that of a flux is flux.unit.flux" if quantity == "flux" else ""
            raise DataError(f"{path}: {said} is the unit of no column{hint}")
        said = f"{where}.{quantity}" if where else key
        found[quantity] = _scale(f"{path}: {said} = {unit!r}", unit, _UNITS[quantity])
    return found


def _scale(where: str, unit: str, base: str) -> float:
    """Give the size of a unit in that which is used here."""
    # only now: tables without units need no pydantic
    from hnlstat.config.quantities import ANGLE, DIMENSIONLESS, ENERGY, INVERSE_ENERGY, parse

    known = {"GeV": ENERGY, "GeV^-1": INVERSE_ENERGY, "rad": ANGLE, "": DIMENSIONLESS}
    dimension = known[base]
    try:
        return parse(f"1 {'' if unit == '1' else unit}", dimension)
    except ValueError as error:
        raise DataError(f"{where} {error}") from None


def quantity_of(column: str) -> str:
    """Name what a column holds.

    "mass" for mass_gev, mass_low_gev and pair_mass_low_gev, "rel" for rel_flux.
    """
    if column.startswith("e_") and column.endswith("_gev"):
        return "energy"
    quantity = column.partition("_")[0]
    if quantity not in _UNITS and (bin_end := _BIN_END.fullmatch(column)):
        quantity = bin_end[1]
    ends = {"rel": "", "coupling": "_inv_gev", "angle": "_rad"}.get(quantity, "_gev")
    return quantity if column.endswith(ends) else ""
