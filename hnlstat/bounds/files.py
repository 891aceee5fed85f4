"""Files of existing bounds, and the choice of them that a Study makes.

A bound is a csv file with the columns `mass_gev` and that of the coupling that it is on, such as
`coupling_inv_gev` of the dipole, lines in the order of the curve, and a head of `# key: value`
comments: `label`, `level` (a number, or "indicative"), `kind`,
`status`, `flavour` and `source`. `rescale` and `rescale_reason` are optional: they say how, and
why, the curve can be taken over to another level, "d^4 background-free" or "d^4 gaussian". So are
`nature` ("dirac", "majorana" or "both"), `from_memory` (which of level and nature no source is at
hand for) and `note`, which the summary gives where the bound ends a range, `note_by_cls` beside
limits by CLs alone. `mass_unit` and
`coupling_unit` are those of the columns, if they are not GeV and the model's. `cite` has what the
source is in references.bib, or arXiv:NUMBER and doi:NUMBER, for citations.bib.

Those that come with hnlstat lie in a folder for each coupling, named as its column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds.curves import ANY, Bound, Kind, Nature, Scaling, Statistic, Status
from hnlstat.config.base import suggest
from hnlstat.config.bounds import BoundChoice
from hnlstat.config.coupling import CouplingAxis
from hnlstat.errors import ConfigError, DataError
from hnlstat.system.references import bibliography, is_reference
from hnlstat.system.shipped import DATA
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.plausible import check_couplings, check_masses

FloatArray = NDArray[np.float64]

FOLDER = DATA / "bounds"
SINGLE = ("limit", "edge", "below")
"""Kinds with one coupling at each mass."""


def load_bounds(axis: CouplingAxis, folder: Path = FOLDER) -> tuple[Bound, ...]:
    """Read all bounds on a coupling that come with hnlstat, sorted by name.

    Raises
    ------
    DataError
        See `read_bound`.
    """
    return tuple(read_bound(path, axis) for path in _shipped(folder, axis).values())


def _shipped(folder: Path, axis: CouplingAxis) -> dict[str, Path]:
    """Files of bounds on a coupling, by name."""
    return {path.stem: path for path in sorted((folder / axis.column).glob("*.csv"))}


def chosen_bounds(choice: BoundChoice, axis: CouplingAxis) -> tuple[Bound, ...]:
    """Read the bounds of a Study, with its labels and styles, at its level where that is possible.

    A user's own file takes the place of the shipped curve of the same name.

    Raises
    ------
    ConfigError
        If a name is not that of a curve on the model's coupling, or the folder has none of them.
    DataError
        See `read_bound`.
    """
    shipped = _shipped(DATA / choice.folder, axis)
    if choice.curves == "all" and not shipped and _shipped(FOLDER, axis):
        raise ConfigError(f"bounds.folder: {choice.folder} has no curves on {axis.name}")
    names = list(shipped) if choice.curves == "all" else list(choice.curves)
    own = {path.stem: path for path in choice.files}
    for key, used, known in (
        ("curves", names, [*shipped]),
        ("without", choice.without, [*shipped, *own]),
        ("style", choice.style, [*shipped, *own]),
    ):
        for name in used:
            if name not in known:
                raise _unknown(f"bounds.{key}: {name}", name, known, axis)
    paths = {name: shipped[name] for name in names} | own
    bounds = [read_bound(path, axis) for name, path in paths.items() if name not in choice.without]
    return tuple(_shown(bound, choice) for bound in bounds if choice.shows(bound.status))


def _unknown(where: str, name: str, known: Sequence[str], axis: CouplingAxis) -> ConfigError:
    """Say whether a curve is on another coupling, or none at all."""
    if name in {path.stem for path in FOLDER.glob("*/*.csv")}:
        here = f"that of the model, {axis.name} ({axis.column})"
        return ConfigError(f"{where} is on another coupling than {here}")
    return ConfigError(f"{where} is unknown; {suggest(name, known)}")


def _shown(bound: Bound, choice: BoundChoice) -> Bound:
    """At the level and in the style of a choice."""
    if choice.level is not None:
        bound = bound.at_level(choice.level)
    if style := choice.style.get(bound.name):
        bound = replace(bound, label=style.label or bound.label, color=style.color, line=style.line)
    return bound


def read_bound(path: Path, axis: CouplingAxis) -> Bound:
    """Read one bound on a coupling.

    Raises
    ------
    DataError
        Names the file and the line or key that cannot be used.
    """
    table = read_csv(path, required=("mass_gev", axis.column))
    mass = table.numbers("mass_gev", above=0)
    coupling = table.numbers(axis.column, above=0)
    check_masses(table, mass)
    check_couplings(table, coupling, axis)
    kind = cast(Kind, _choice(table, "kind", get_args(Kind)))
    if mass.size < (2 if kind in SINGLE else 3):
        raise DataError(f"{path}: {mass.size} points are too few for a {kind}")
    _check_order(table, kind, mass, coupling)
    _check_crossings(table, kind, mass, coupling)
    memory = _from_memory(table)
    return Bound(
        name=path.stem,
        label=_entry(table, "label"),
        level=_level(table),
        kind=kind,
        status=cast(Status, _choice(table, "status", get_args(Status))),
        flavour=_choice(table, "flavour", ("e", "mu", "tau", ANY)),
        source="; ".join(filter(None, (_entry(table, "source"), memory))),
        mass=mass,
        coupling=coupling,
        column=axis.column,
        scaling=_scaling(table, kind),
        note="; ".join(filter(None, (table.head.get("note"), memory))) or None,
        note_by_cls=table.head.get("note_by_cls"),
        nature=_nature(table),
        cite=_cited(table),
    )


def _check_order(table: CsvTable, kind: Kind, mass: FloatArray, coupling: FloatArray) -> None:
    """Refuse curves that turn back in mass where their kind does not."""
    same = (np.diff(mass) == 0) & (np.diff(coupling) == 0)
    if np.any(same):
        raise table.error(int(np.argmax(same)) + 1, "mass_gev", "repeats the point before")
    steps = np.flatnonzero(np.diff(mass))  # without vertical ones
    rising = np.diff(mass)[steps] > 0
    turns = steps[1:][rising[1:] != rising[:-1]] + 1  # the points after them
    if kind in SINGLE and turns.size:
        reason = (
            f"turns back in mass; sort the lines of a {kind} by mass, or call a curve that closes "
            "above `kind: folded`"
        )
        raise table.error(int(turns[0]), "mass_gev", reason)
    if kind == "folded" and (turns.size != 1 or not rising[0]):
        reason = "is not in order: the masses of a folded curve rise once, then fall"
        raise table.error(int(turns[-1] if turns.size else 0), "mass_gev", reason)


def _check_crossings(table: CsvTable, kind: Kind, mass: FloatArray, coupling: FloatArray) -> None:
    """Refuse curves that cross themselves; those that are single-valued cannot."""
    points = np.log(np.column_stack([mass, coupling]))
    if kind == "region":
        points = np.vstack([points, points[:1]])
    start, step = points[:-1], np.diff(points, axis=0)

    def side(of: FloatArray) -> FloatArray:
        """Side of each segment (rows) on which each of the points (columns) lies."""
        away = of[None] - start[:, None]
        return np.asarray(np.sign(step[:, :1] * away[..., 1] - step[:, 1:] * away[..., 0]))

    apart = side(start) * side(points[1:]) < 0
    crossing = np.argwhere(np.triu(apart & apart.T))
    if crossing.size:
        first, second = crossing[0].tolist()
        raise DataError(
            f"{table.path}, line {table.lines[second]}: from here to its next point the curve "
            f"crosses its part that begins at line {table.lines[first]}; are the lines in order?"
        )


def _scaling(table: CsvTable, kind: Kind) -> Scaling | None:
    text = table.head.get("rescale")
    if not text:
        return None
    choices = "|".join(get_args(Statistic))
    match = re.fullmatch(rf"d\^(\d+(?:\.\d+)?) ({choices})", text)
    if match is None or float(match[1]) == 0:
        raise DataError(
            f"{table.path}: rescale = {text!r}, expected the power with which events go and the "
            f"kind of limit: d^4 {' or d^4 '.join(get_args(Statistic))}"
        )
    if kind != "limit":
        raise DataError(f"{table.path}: rescale = {text!r}, but a {kind} follows no power of d")
    return Scaling(cast(Statistic, match[2]), float(match[1]), _entry(table, "rescale_reason"))


def _entry(table: CsvTable, key: str) -> str:
    if not table.head.get(key):
        raise DataError(f"{table.path}: the head lacks '# {key}: ...'")
    return table.head[key]


def _choice(table: CsvTable, key: str, choices: Sequence[str]) -> str:
    value = _entry(table, key)
    if value not in choices:
        raise DataError(f"{table.path}: {key} = {value!r}, expected one of {', '.join(choices)}")
    return value


def _nature(table: CsvTable) -> Nature | None:
    if not table.head.get("nature"):
        return None
    return cast(Nature, _choice(table, "nature", get_args(Nature)))


def _cited(table: CsvTable) -> tuple[str, ...]:
    keys = [key.strip() for key in table.head.get("cite", "").split(",") if key.strip()]
    for key in keys:
        if not is_reference(key):
            raise DataError(
                f"{table.path}: cite = {key!r} is neither arXiv:NUMBER nor doi:NUMBER nor an entry "
                f"of hnlstat's references; {suggest(key, [*bibliography()])}"
            )
    return tuple(keys)


def _from_memory(table: CsvTable) -> str:
    """Words on which of level and nature are from memory, by the head; empty if none are."""
    keys = [key.strip() for key in table.head.get("from_memory", "").split(",")]
    if keys == [""]:
        return ""
    if sorted(keys) not in (["level"], ["nature"], ["level", "nature"]) or not all(
        table.head.get(key) for key in keys
    ):
        raise DataError(
            f"{table.path}: from_memory = {table.head['from_memory']!r}, expected level, nature or "
            "both, with their own lines in the head"
        )
    return f"{' and '.join(keys)} from memory"


def _level(table: CsvTable) -> float | None:
    text = _entry(table, "level")
    if text == "indicative":
        return None
    try:
        level = float(text)
    except ValueError:
        level = np.nan
    if not 0 < level < 1:
        raise DataError(
            f"{table.path}: level = {text!r}, expected a number between 0 and 1 or 'indicative'"
        )
    return level
