"""What the settings of a search take from files, in place of the names of these."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hnlstat.config.base import home, suggest
from hnlstat.errors import ConfigError, DataError
from hnlstat.system.shipped import shipped_table
from hnlstat.tables.root import histogram, split

Tree = dict[str, Any]
T = TypeVar("T")

LISTS = ("background", "side_bands", "observed", "beside")
"""Settings whose lists of numbers may be columns of tables."""

_NUMBERED = re.compile(r"(.+)_\d+")


def with_files(search: Tree, where: str) -> Tree:
    """The settings of a search, with the content of files: columns, matrix and efficiency.

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
    covariance, efficiency = found.get("covariance"), found.get("efficiency")
    if isinstance(covariance, dict) and isinstance(covariance.get("matrix"), str):
        found["covariance"] = _matrix(covariance, f"{where}.covariance")
    if isinstance(efficiency, dict) and isinstance(efficiency.get("table"), str):
        found["efficiency"] = _efficiency(efficiency, f"{where}.efficiency")
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
    from hnlstat.tables.efficiency import load_efficiency

    rest = {key: value for key, value in settings.items() if key not in ("table", "unit")}
    own = {key: rest.get(key) for key in ("below", "above")}
    name, unit = str(settings["table"]), settings.get("unit")
    if not isinstance(unit, dict | None) or set(unit or ()) - {"energy"}:
        raise ConfigError(f"{where}.unit: {unit} is not like {{energy: MeV}}")
    file = _home(name) if is_histogram(name) else str(_file(name))
    table = _read(lambda: load_efficiency(file, **own, unit=unit), f"{where}.table")
    ends = {"below": table.below, "above": table.above}
    return rest | {"energy": table.energy.tolist(), "value": table.value.tolist(), **ends}


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
