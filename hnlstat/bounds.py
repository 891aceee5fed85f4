"""Existing bounds on the dipole coupling, and the masses at which a limit goes beyond them.

A bound is a csv file with `mass_gev` and `coupling_inv_gev` in the order of the curve, and a head
of `# key: value` comments: `label`, `level` (a number, or "indicative"), `kind`, `status`,
`flavour` and `source`. Between its points a curve is straight in the logarithms of mass and
coupling.

Bounds hold for a neutrino of one flavour (all that come with hnlstat for d_mu), so `comparable`
comes before every comparison with a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from hnlstat.csv_table import CsvTable, read_csv
from hnlstat.errors import DataError

FloatArray = NDArray[np.float64]

Kind = Literal["limit", "region", "edge"]
Status = Literal["excluded", "projected", "allowed"]

FOLDER = Path(__file__).parent / "data" / "bounds"
HIGHEST_MASS = 100.0  # [GeV]; above it a table is most likely in MeV
BESIDE = 1e-9  # relative distance at which a curve is looked at on both sides of its vertices


@dataclass(frozen=True, eq=False)
class Bound:
    """A published curve in the (mass, coupling) plane.

    Attributes
    ----------
    name, label : str
        File name without suffix, and the name to print.
    level : float or None
        Confidence level; None for a bound that is indicative only.
    kind : str
        "limit" (holds above the curve, which may double back and so close from above), "region"
        (closed outline) or "edge" (one edge of a region of which the rest is not given).
    status : str
        "excluded", "projected" or "allowed" (the region an excess prefers).
    flavour : str
        Flavour a of the coupling d_a that the bound is for.
    source : str
        Publication.
    mass, coupling : array, shape (V,)
        Vertices [GeV], [GeV^-1], in the order of the curve.
    """

    name: str
    label: str
    level: float | None
    kind: Kind
    status: Status
    flavour: str
    source: str
    mass: FloatArray
    coupling: FloatArray

    def edges(self, mass: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coupling of the curve's inside at each mass.

        Parameters
        ----------
        mass : array, shape (M,)
            Masses [GeV].

        Returns
        -------
        lower, upper : array, shape (M,)
            Couplings [GeV^-1]: `lower` infinite at masses the curve does not reach, `upper`
            infinite where it is open above and zero where it does not reach.
        """
        vertices = np.column_stack([self.mass, self.coupling])
        if self.kind == "region":
            vertices = np.vstack([vertices, vertices[:1]])
        lower, upper, crossed = span(vertices, mass)
        # a curve crossed an odd number of times does not close above
        open_above = (crossed % 2 == 1) & (self.kind == "limit")
        return lower, np.where(open_above, np.inf, upper)


@dataclass(frozen=True)
class LeadingRange:
    """Masses at which a limit lies below all bounds.

    Attributes
    ----------
    mass_low, mass_high : float
        Ends [GeV].
    low_set_by, high_set_by : str or None
        Label of the bound that ends the range; None where the limit itself ends.
    """

    mass_low: float
    mass_high: float
    low_set_by: str | None
    high_set_by: str | None


def load_bounds(folder: Path = FOLDER) -> tuple[Bound, ...]:
    """Read all bounds of a folder, by default those that come with hnlstat, sorted by name.

    Raises
    ------
    DataError
        See `read_bound`.
    """
    return tuple(read_bound(path) for path in sorted(folder.glob("*.csv")))


def read_bound(path: Path) -> Bound:
    """Read one bound.

    Raises
    ------
    DataError
        Names the file and the line or key that cannot be used.
    """
    table = read_csv(path, required=("mass_gev", "coupling_inv_gev"))
    mass = table.numbers("mass_gev", above=0)
    coupling = table.numbers("coupling_inv_gev", above=0)
    if np.any(mass > HIGHEST_MASS):
        reason = f"is above {HIGHEST_MASS:g} GeV; give masses in GeV, not MeV"
        raise table.error(int(np.argmax(mass > HIGHEST_MASS)), "mass_gev", reason)
    kind = cast(Kind, _choice(table, "kind", get_args(Kind)))
    if mass.size < (3 if kind == "region" else 2):
        raise DataError(f"{path}: {mass.size} points are too few for a {kind}")
    return Bound(
        name=path.stem,
        label=_entry(table, "label"),
        level=_level(table),
        kind=kind,
        status=cast(Status, _choice(table, "status", get_args(Status))),
        flavour=_choice(table, "flavour", ("e", "mu", "tau")),
        source=_entry(table, "source"),
        mass=mass,
        coupling=coupling,
    )


def _entry(table: CsvTable, key: str) -> str:
    if not table.head.get(key):
        raise DataError(f"{table.path}: the head lacks '# {key}: ...'")
    return table.head[key]


def _choice(table: CsvTable, key: str, choices: Sequence[str]) -> str:
    value = _entry(table, key)
    if value not in choices:
        raise DataError(f"{table.path}: {key} = {value!r}, expected one of {', '.join(choices)}")
    return value


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


def span(vertices: FloatArray, mass: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
    """Lowest and highest coupling of a curve at each mass, and how often it passes there.

    Parameters
    ----------
    vertices : array, shape (V, 2)
        Masses and couplings of the curve, straight in their logarithms in between.
    mass : array, shape (M,)
        Masses [GeV].

    Returns
    -------
    lower, upper : array, shape (M,)
        Couplings [GeV^-1], infinite and zero at masses that the curve does not reach.
    crossed : int array, shape (M,)
        Number of crossings.
    """
    x, y = np.log(vertices).T
    at = np.log(mass)[:, None]
    left, right = np.minimum(x[:-1], x[1:]), np.maximum(x[:-1], x[1:])
    run = np.where(x[1:] == x[:-1], np.inf, x[1:] - x[:-1])
    height = y[:-1] + (at - x[:-1]) / run * (y[1:] - y[:-1])
    meets = (left <= at) & (at <= right)
    lower = np.exp(np.where(meets, height, np.inf).min(axis=1))
    upper = np.exp(np.where(meets, height, -np.inf).max(axis=1))
    return lower, upper, ((left <= at) & (at < right)).sum(axis=1)


def comparable(bounds: Sequence[Bound], flavours: Mapping[str, float]) -> tuple[Bound, ...]:
    """Those bounds whose coupling is the model's d, and the only one.

    Parameters
    ----------
    bounds : sequence of Bound
        Any bounds.
    flavours : mapping
        Relative couplings d_a/d of the model. A bound on d_a holds for d where d_a/d is 1 or -1
        and the others vanish; for any other pattern nothing can be compared with bounds on a
        single coupling.
    """
    active = {flavour: weight for flavour, weight in flavours.items() if weight != 0}
    return tuple(b for b in bounds if set(active) == {b.flavour} and abs(active[b.flavour]) == 1)


def established(bounds: Sequence[Bound]) -> tuple[Bound, ...]:
    """Those bounds that exclude at a stated level: neither projected, nor indicative, nor an edge.

    An edge is left out as it is unknown how far above it the excluded band reaches; so the cooling
    of SN1987A, whose band neutrino experiments look above, does not count.
    """
    return tuple(b for b in bounds if b.status == "excluded" and b.level and b.kind != "edge")


def lower_envelope(bounds: Sequence[Bound], mass: FloatArray) -> FloatArray:
    """Lowest coupling that the established bounds exclude at each mass.

    Parameters
    ----------
    bounds : sequence of Bound
        Bounds comparable with each other (`comparable`).
    mass : array, shape (M,)
        Masses [GeV].

    Returns
    -------
    array, shape (M,)
        Couplings [GeV^-1], infinite where nothing is excluded.
    """
    lowest = np.full(mass.shape, np.inf)
    for bound in established(bounds):
        lowest = np.minimum(lowest, bound.edges(mass)[0])
    return lowest


def world_leading_ranges(
    mass: FloatArray, coupling: FloatArray, bounds: Sequence[Bound]
) -> list[LeadingRange]:
    """Ranges of mass in which a limit lies below the lower envelope of the established bounds.

    The comparison takes each bound at its own confidence level. Its ends are exact for curves that
    are straight between their points in the logarithms of mass and coupling.

    Parameters
    ----------
    mass : array, shape (M,)
        Masses [GeV], increasing.
    coupling : array, shape (M,)
        Lower edge of what is excluded [GeV^-1]; NaN or infinite where there is no limit.
    bounds : sequence of Bound
        Bounds comparable with the limit (`comparable`).
    """
    numbers = np.flatnonzero(np.isfinite(coupling))
    ranges: list[LeadingRange] = []
    for run in np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1):
        if run.size > 1:
            ranges += _free_ranges(mass[run], coupling[run], established(bounds))
    return ranges


def _free_ranges(
    mass: FloatArray, coupling: FloatArray, bounds: Sequence[Bound]
) -> list[LeadingRange]:
    """Take the masses at which a bound is stronger out of those of a limit."""
    taken = sorted(
        (low, high, bound.label)
        for bound in bounds
        for low, high in _stronger(bound, mass, coupling)
    )
    ranges = []
    start, set_by = float(mass[0]), None
    for low, high, label in taken:
        if low > start * (1 + 2 * BESIDE):
            ranges.append(LeadingRange(start, low, set_by, label))
        if high >= start:
            start, set_by = high, label
    if start < mass[-1] * (1 - 2 * BESIDE):
        ranges.append(LeadingRange(start, float(mass[-1]), set_by, None))
    return ranges


def _stronger(bound: Bound, mass: FloatArray, coupling: FloatArray) -> list[tuple[float, float]]:
    """Intervals of mass in which `bound` lies at or below the limit."""
    vertices = np.concatenate([bound.mass * (1 - BESIDE), bound.mass, bound.mass * (1 + BESIDE)])
    inside = vertices[(vertices > mass[0]) & (vertices < mass[-1])]
    nodes = np.unique(np.concatenate([mass, inside]))
    limit = np.interp(np.log(nodes), np.log(mass), np.log(coupling))
    above = np.log(bound.edges(nodes)[0]) - limit
    stronger = above <= 0
    turns = np.flatnonzero(stronger[1:] != stronger[:-1])
    ends = [_crossing(nodes[i : i + 2], above[i : i + 2]) for i in turns]
    if stronger[0]:
        ends.insert(0, float(nodes[0]))
    if stronger[-1]:
        ends.append(float(nodes[-1]))
    return list(zip(ends[::2], ends[1::2], strict=True))


def _crossing(mass: FloatArray, above: FloatArray) -> float:
    """Find where `above` passes through zero between two nodes, or its end if one is infinite."""
    if not np.all(np.isfinite(above)):
        return float(mass[np.isfinite(above)][0])
    fraction = above[0] / (above[0] - above[1])
    return float(mass[0] * (mass[1] / mass[0]) ** fraction)
