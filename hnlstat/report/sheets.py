"""A finished run as tables for HEPData: what they hold and are called, in no one's format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.flux import KaonFlux
from hnlstat.config.study import Study
from hnlstat.inference.limits.limits import Limit
from hnlstat.report.wording import level_text
from hnlstat.run.contours import Region
from hnlstat.search.table import YieldTable

Cell = float | int | str
MASS = "Mass of N"
NONE = "-"
"""In place of a number where there is none."""

MOST_ROWS = 50_000
"""Of a table; a larger one is too much for HEPData's pages, and is in the likelihood."""

PHRASES = ("Heavy neutral lepton", "Sterile neutrino", "Exclusion")
DECAYS = {
    "ee": "N --> NU E+ E-", "photon": "N --> NU GAMMA", "mumu": "N --> NU MU+ MU-",
    "emu": "N --> NU E+- MU-+", "epi": "N --> E+- PI-+", "mupi": "N --> MU+- PI-+",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """Values of one quantity, with what tells it from the others."""

    name: str
    unit: str
    values: Sequence[Cell]
    qualifiers: tuple[tuple[str, str], ...] = ()
    errors: Sequence[float] | None = None


@dataclass(frozen=True)
class Sheet:
    """A table: columns that it is sorted by, and columns of results."""

    name: str
    description: str
    observable: str
    sorted_by: tuple[Column, ...]
    results: tuple[Column, ...]


def sheets(
    study: Study, limits: Sequence[Limit], regions: Sequence[Region], table: YieldTable
) -> Iterator[Sheet]:
    """Give the tables of a run: its limits, its contours, its yields."""
    axis = study.model.axis
    for level, test in dict.fromkeys((x.level, _test(x.method)) for x in limits):
        mine = [x for x in limits if (x.level, _test(x.method)) == (level, test)]
        yield _limits(mine, level, test, axis)
    for region_level, region_test, kind in dict.fromkeys(
        (r.level, _test(r.method), r.kind) for r in regions
    ):
        if not kind.startswith("expected_"):
            chosen = [
                r for r in regions
                if (r.level, _test(r.method), r.kind) == (region_level, region_test, kind)
            ]  # fmt: skip
            yield _contour(chosen, axis)
    if table.masses.size * table.couplings.size <= MOST_ROWS:
        yield _yields(table, axis)


def reactions(study: Study) -> list[str]:
    """Give how N are made and what they decay to, as HEPData writes reactions."""
    kaons = any(isinstance(dataset.flux, KaonFlux) for dataset in study.datasets)
    made = "K+ --> LEPTON+ N" if kaons else "NU NUCLEUS --> N NUCLEUS"
    return [made, *(DECAYS.get(s, f"N --> {s.upper()}") for s in study.final_states)]


def _test(method: str) -> str:
    """The test of a method, behind the calculator."""
    return method.partition(" ")[2] or method


def _at(level: float) -> str:
    """A level in the letters that a name of a table may have."""
    return level_text(level).replace("%", " percent CL").replace("σ", " sigma")


def _name(*words: str) -> str:
    """Give a name that can be that of a file, too."""
    text = re.sub(r"[^A-Za-z0-9 .^-]+", "", " ".join(words).replace("+", " plus "))
    return " ".join(text.split())[:64].rstrip()


def _kind(kind: str) -> str:
    """The kind of a limit in words: "expected, +1 sigma"."""
    name, _, sigma = kind.partition("_")
    return f"{name}, {sigma} sigma" if sigma else name


def _coupling(axis: CouplingAxis) -> str:
    return f"{axis.noun} {axis.name}"


def _limits(limits: Sequence[Limit], level: float, test: str, axis: CouplingAxis) -> Sheet:
    """Ends of intervals by mass: those of all kinds, one row for each interval of a mass."""
    kinds = sorted({limit.kind for limit in limits}, key=lambda kind: (kind != "observed", kind))
    ends: dict[str, dict[tuple[float, int], list[Cell]]] = {kind: {} for kind in kinds}
    for limit in limits:
        mine = ends[limit.kind]
        number = 1 + sum(key[0] == limit.mass_gev for key in mine)
        if limit.branch == "lower":
            mine[limit.mass_gev, number] = [_end(limit), NONE]
        elif (limit.mass_gev, number - 1) in mine:
            mine[limit.mass_gev, number - 1][1] = _end(limit)
    keys = sorted({key for mine in ends.values() for key in mine})
    methods = {limit.kind: limit.method for limit in limits}
    columns = tuple(
        Column(
            f"{which} end of {_coupling(axis)}", axis.unit,
            [mine.get(key, [NONE, NONE])[place] for key in keys],
            (("Kind", _kind(kind)), ("Level", _at(level)), ("Method", methods[kind])),
        )
        for kind, mine in ends.items()
        for place, which in enumerate(("Lower", "Upper"))
    )  # fmt: skip
    what = "that would be discovered" if "discovery" in ends else "that are excluded"
    return Sheet(
        _name("Limits at", _at(level), "by", test),
        f"Intervals of the {_coupling(axis)} {what} at {_at(level)}, by {test}, at each mass; "
        "a mass can have several. <= and >=: the interval goes on beyond the grid.",
        "LIMIT",
        (
            Column(MASS, "GEV", [mass for mass, _ in keys]),
            Column("Interval", "", [number for _, number in keys]),
        ),
        columns,
    )


def _end(limit: Limit) -> Cell:
    if not limit.open:
        return limit.coupling
    return f"{'<=' if limit.branch == 'lower' else '>='} {limit.coupling:.6g}"


def _contour(regions: Sequence[Region], axis: CouplingAxis) -> Sheet:
    """Points of the lines around regions of one limit, in their order."""
    first = regions[0]
    lines = [line for region in regions for line in region.lines]
    points = np.concatenate(lines)
    numbers = [i + 1 for i, line in enumerate(lines) for _ in line]
    at, test = _at(first.level), _test(first.method)
    qualifiers = (("Kind", _kind(first.kind)), ("Level", at), ("Method", first.method))
    return Sheet(
        _name("Contour", first.kind, "at", at, "by", test),
        f"Contour of the {first.kind} {'reach' if first.kind == 'discovery' else 'exclusion'} at "
        f"{at}, by {test}: points in order along each of its lines, straight in the logarithms "
        "between them.",
        "CONTOUR",
        (Column("Line", "", numbers), Column(MASS, "GEV", points[:, 0].tolist())),
        (Column(_coupling(axis), axis.unit, points[:, 1].tolist(), qualifiers),),
    )


def _yields(table: YieldTable, axis: CouplingAxis) -> Sheet:
    """Expected signal events of each channel and bin over the grid."""
    found = table.by_channel()
    masses = np.repeat(table.masses, table.couplings.size).tolist()
    couplings = np.tile(table.couplings, table.masses.size).tolist()
    columns = tuple(
        Column(
            "Signal events", "",
            found.signal[:, :, i].ravel().tolist(),
            (("Channel", name), ("Bin", str(index))),
            found.mc_error[:, :, i].ravel().tolist(),
        )
        for i, (name, index) in enumerate(zip(found.channel, found.bin, strict=True))
    )  # fmt: skip
    return Sheet(
        "Signal yields",
        "Expected signal events by channel and bin at each mass and coupling; the errors are those "
        "of the simulation.",
        "EVENTS",
        (Column(MASS, "GEV", masses), Column(_coupling(axis), axis.unit, couplings)),
        columns,
    )
