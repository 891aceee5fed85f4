"""What the settings of a search take from files, in place of the names of these."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.base import home, suggest
from hnlstat.config.maps import EfficiencyMap, PairMap, ShowerMap
from hnlstat.errors import ConfigError, DataError
from hnlstat.system.shipped import shipped_table
from hnlstat.tables.root import histogram, split

Array = NDArray[np.float64]
Tree = dict[str, Any]
T = TypeVar("T")

MAPS: dict[str, type[EfficiencyMap]] = {"tracks": PairMap, "photons": ShowerMap}
"""Efficiency maps by kind of search."""

LISTS = ("background", "side_bands", "observed", "beside")
"""Settings whose lists of numbers may be columns of tables."""

_NUMBERED = re.compile(r"(.+)_\d+")


def with_files(search: Tree, where: str) -> Tree:
    """The settings of a search, with the content of files: columns, matrix and efficiencies.

    Parameters
    ----------
    search
        As composed.
    where
        Its key.

    Raises
    ------
    DataError
        Names the key and the file that cannot be read.
    ConfigError
        Names a column that is not there.
    """
    found = search | {
        key: _columns(search[key], f"{where}.{key}") for key in LISTS if key in search
    }
    background = search.get("background")
    for mode, one in background.items() if isinstance(background, dict) else ():
        if isinstance(one, dict):
            found["background"][mode] |= _mc_error(one, f"{where}.background.{mode}")
    covariance, efficiency = found.get("covariance"), found.get("efficiency")
    if isinstance(covariance, dict) and isinstance(covariance.get("matrix"), str):
        found["covariance"] = _matrix(covariance, f"{where}.covariance")
    elif isinstance(covariance, dict) and "columns" in covariance:
        raise ConfigError(
            f"{where}.covariance.columns: are those of a file, but matrix is none; take them out "
            f"by ~{where}.covariance.columns"
        )
    if isinstance(efficiency, dict) and isinstance(efficiency.get("table"), str):
        found["efficiency"] = _efficiency(efficiency, f"{where}.efficiency")
    if found.get("efficiency_map") is not None:
        found["efficiency_map"] = _map(found, f"{where}.efficiency_map")
    return found


def _columns(value: Any, where: str) -> Any:
    """Settings with the columns of tables, TABLE:COLUMN, as lists."""
    if isinstance(value, dict):
        return {key: _columns(inner, f"{where}.{key}") for key, inner in value.items()}
    if not isinstance(value, str) or (":" not in value and not is_histogram(value)):
        return value
    from hnlstat.tables.csv_table import read_csv  # only now: most searches have no files

    if is_histogram(value):
        return _read(lambda: _contents(value), where)
    name, _, column = value.rpartition(":")
    table = _read(lambda: read_csv(_file(name)), where)
    if column not in table.columns:
        raise ConfigError(
            f"{where}: {column} is no column of {table.path}; {suggest(column, table.columns)}"
        )
    return _read(lambda: table.numbers(column).tolist(), where)


def _matrix(covariance: Tree, where: str) -> Tree:
    """A covariance with its matrix from a file, of all columns or of those that it names."""
    rest, name = {**covariance}, covariance["matrix"]
    if is_histogram(name):
        found = _read(lambda: histogram(_home(name), 2), f"{where}.matrix")
        return rest | {"matrix": found.values.tolist()}
    path = _read(lambda: _file(name), f"{where}.matrix")
    groups = rest.pop("columns", None)
    if groups is None:
        from hnlstat.tables.matrix import read_matrix

        return rest | {"matrix": _read(lambda: read_matrix(path), f"{where}.matrix")}
    from hnlstat.tables.csv_table import read_csv

    table = _read(lambda: read_csv(path), f"{where}.matrix")
    names = list(table.columns)
    base = [match[1] if (match := _NUMBERED.fullmatch(name)) else name for name in names]
    for group in groups if isinstance(groups, list) else [groups]:
        if group not in base:
            raise ConfigError(
                f"{where}.columns: {group} is no column of {path}, nor the name of numbered ones; "
                + suggest(str(group), list(dict.fromkeys(base)))
            )
    chosen = [i for group in groups for i, name in enumerate(base) if name == group]
    columns = _read(lambda: [table.numbers(names[i]) for i in chosen], f"{where}.matrix")
    if len(columns[0]) != len(names):
        raise DataError(
            f"{where}.matrix: {path} is no square matrix: {len(columns[0])} rows of {len(names)}"
        )
    return rest | {"matrix": [[float(column[i]) for column in columns] for i in chosen]}


def _efficiency(settings: Tree, where: str) -> Tree:
    """An efficiency by energy with the rows of its table."""
    from hnlstat.tables.efficiency import bin_error, load_efficiency

    rest = {key: value for key, value in settings.items() if key not in ("table", "unit")}
    own = {key: rest.get(key) for key in ("below", "above")}
    name, unit = str(settings["table"]), settings.get("unit")
    if not isinstance(unit, dict | None) or set(unit or ()) - {"energy"}:
        raise ConfigError(f"{where}.unit: {unit} is not like {{energy: MeV}}")
    file = _home(name) if is_histogram(name) else str(_file(name))
    table = _read(lambda: load_efficiency(file, **own, unit=unit), f"{where}.table")
    ends: Tree = {"below": table.below, "above": table.above}
    if error := _read(lambda: bin_error(file), f"{where}.table"):
        ends["bin_errors"] = error
    return rest | {"energy": table.energy.tolist(), "value": table.value.tolist(), **ends}


def _map(search: Tree, where: str) -> Tree:
    """An efficiency map with the bins of its table."""
    from hnlstat.tables.maps import load_map

    kind, settings = search.get("kind"), search["efficiency_map"]
    section = MAPS.get(str(kind))
    if section is None:
        raise ConfigError(
            f"{where}: is of no use for kind: {kind}, which simulates nothing of its decays to "
            f"take it by; searches of kind {' and '.join(MAPS)} have one"
        )
    if not isinstance(settings, dict) or not isinstance(settings.get("table"), str):
        return settings  # type: ignore[no-any-return]
    rest = {key: value for key, value in settings.items() if key not in ("table", "unit")}
    axes, unit, name = rest.get("axes"), settings.get("unit"), settings["table"]
    if not isinstance(axes, list | tuple):
        raise ConfigError(f"{where}.axes: {axes} is no list of the variables of {name}; choose "
                          f"one or two of {', '.join(section.dimensions)}")  # fmt: skip
    if not isinstance(unit, dict | None):
        raise ConfigError(f"{where}.unit: {unit} is not like {{energy: MeV}}")
    try:
        of = {axis: section.dimensions[axis] for axis in section.checked(axes)}
    except ValueError as error:
        raise ConfigError(f"{where}.axes: {error}") from None
    found = _read(lambda: load_map(_home(name), of, unit), f"{where}.table")
    rows = found.value.reshape(found.value.shape[0], -1).tolist()
    errors = {"bin_errors": found.error} if found.error else {}
    return rest | {"edges": [one.tolist() for one in found.edges], "value": rows} | errors


def _mc_error(background: Tree, where: str) -> Tree:
    """The statistical errors of a background whose events are read from a file, as it asks for."""
    events, asked = background.get("events"), background.get("mc_error")
    if asked not in (None, True, False):  # a list, or a column of its own
        return {}
    found, what = None, "is no column of a table, nor a histogram"
    if isinstance(events, str) and _by_bins(events):
        found, what = _read(lambda: _bin_errors(events), f"{where}.events")
    if asked and found is None:
        raise ConfigError(f"{where}.mc_error: true, but events: {events} {what}")
    if found is None or not np.any(found):
        return {} if asked is None else {"mc_error": None}
    if asked is None and not _by_bins(background.get("error")):
        raise ConfigError(
            f"{where}.events: {events} has errors of its bins, up to {found.max():.2g} of them; "
            "say mc_error: true to have them in the likelihood, or mc_error: false"
        )
    return {"mc_error": found.tolist() if asked else None}


def _by_bins(value: Any) -> bool:
    """Whether a setting has a number for each bin: a list, or the name of a column or histogram."""
    return isinstance(value, list) or (
        isinstance(value, str) and (":" in value or is_histogram(value))
    )


def _bin_errors(events: str) -> tuple[Array | None, str]:
    """Relative errors of the bins (n,) that events are read from, or why there are none."""
    if is_histogram(events):
        one = histogram(_home(events))
        values, errors, what = one.values, one.errors, "has no errors of its bins (Sumw2)"
    else:
        from hnlstat.tables.csv_table import read_csv

        name, _, column = events.rpartition(":")
        table, own = read_csv(_file(name)), f"{column}_error"
        values, errors, what = table.numbers(column), None, f"has no column {own} beside it"
        if own in table.columns:
            errors = table.numbers(own, at_least=0)
    if errors is None:
        return None, what
    return np.divide(errors, values, out=np.zeros_like(errors), where=values > 0), what


def _contents(value: str) -> list[float]:
    """Contents of the bins of a histogram, none of them negative."""
    found = histogram(_home(value))
    negative = np.flatnonzero(found.values < 0)
    if negative.size:
        i = int(negative[0])
        raise DataError(f"{value}, bin {i + 1}: {found.values[i]:g} is negative")
    return [float(x) for x in found.values]


def is_histogram(name: str) -> bool:
    """Whether a name is that of a histogram in a ROOT file."""
    return split(name) is not None


def _home(name: str) -> str:
    return str(home(Path(name)))


def _file(name: object) -> Path:
    """File of a table, shipped (by name) or the user's own (by path)."""
    return shipped_table(str(name)) or home(Path(str(name)))


def _read(read: Callable[[], T], where: str) -> T:
    try:
        return read()
    except (DataError, ValueError) as error:
        raise DataError(f"{where}: {error}") from None
