"""What a run found: how far its limits reach, and where beyond all bounds; `summary.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds import (
    Bound,
    LeadingRange,
    comparable,
    established,
    span,
    world_leading_ranges,
)
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.existing import Share, shares
from hnlstat.report.wording import level_text, unit_text
from hnlstat.run.contours import Region
from hnlstat.system.shipped import DATA
from hnlstat.tables.csv_table import read_csv

FloatArray = NDArray[np.float64]

MASSES = 1000  # at which a limit is compared with bounds
STRONG = 0.999  # levels from here on are those given in sigma
EVERYWHERE = (1e-9, 1e9), (1e-30, 1e30)
ORDER = {"observed": 0, "expected": 1, "discovery": 2}  # bands come after
PUBLISHED = DATA / "published_ranges.csv"


@dataclass(frozen=True)
class Reach:
    """How far one limit reaches.

    Attributes
    ----------
    level, kind, method
        As in `hnlstat.run.contours.Region`.
    coupling, mass : float
        Smallest coupling and the mass where it is reached [GeV].
    mass_low, mass_high : float
        Ends of the masses [GeV].
    low_open, high_open : bool
        That end is the grid's, in mass or in coupling.
    coupling_open : bool
        The smallest coupling is the grid's.
    """

    level: float
    kind: str
    method: str
    coupling: float
    mass: float
    mass_low: float
    mass_high: float
    low_open: bool
    high_open: bool
    coupling_open: bool

    @property
    def text(self) -> str:
        """Name of the limit, such as "90% CLs observed" or "5σ discovery"."""
        test = "" if self.kind == "discovery" else f"{self.method.rpartition(' ')[2]} "
        return f"{level_text(self.level)} {test}{self.kind}"


@dataclass(frozen=True)
class PublishedRange:
    """Masses at which a published limit led: for which data, from where to where [GeV]."""

    data: str
    mass_low: float
    mass_high: float


@dataclass(frozen=True)
class Summary:
    """What a run found.

    Attributes
    ----------
    title : str
        What was studied.
    coupling, unit, column : str
        Name of the coupling, "d_mu", its unit, "GeV⁻¹" (empty for a plain number), and its column
        in tables, "coupling_inv_gev".
    reaches : tuple of Reach
        One for each limit.
    compared : str or None
        Name of the limit that is compared with the bounds; None if it excludes nothing, or there
        are no bounds on this coupling.
    leading : tuple of LeadingRange
        Where that limit lies below all bounds.
    published : tuple of PublishedRange
        Ranges that arXiv:2412.15051 found, for a limit on the same coupling.
    shares : tuple of Share
        How much of each region that an excess prefers lies in what each limit excludes.
    remarks : tuple of str
        What to take with care.
    """

    title: str
    coupling: str
    unit: str
    column: str
    reaches: tuple[Reach, ...]
    compared: str | None
    leading: tuple[LeadingRange, ...]
    published: tuple[PublishedRange, ...]
    shares: tuple[Share, ...] = ()
    remarks: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Content of `summary.json`: the attributes, masses in GeV, couplings in their unit."""
        return asdict(self)


def summarise(
    regions: Sequence[Region],
    bounds: Sequence[Bound],
    *,
    axis: CouplingAxis,
    title: str,
    grid: tuple[tuple[float, float], tuple[float, float]] = EVERYWHERE,
    remarks: Sequence[str] = (),
) -> Summary:
    """Summarise the regions of a run and compare them with the bounds on the same coupling.

    The limit compared is the first level's observed one, or its expected one if there are no data.

    Parameters
    ----------
    regions : sequence of Region
        All regions of a run.
    bounds : sequence of Bound
        All bounds known; those on other couplings are left out.
    axis : CouplingAxis
        The coupling of the model.
    title : str
        What was studied.
    grid : pair of pairs of float
        Lowest and highest mass [GeV] and coupling of the scan.
    remarks : sequence of str
        What to take with care.
    """
    groups: dict[tuple[float, str, str], list[Region]] = {}
    for region in sorted(regions, key=lambda r: (r.level, ORDER.get(r.kind, len(ORDER)))):
        groups.setdefault((region.level, region.kind, region.method), []).append(region)
    reaches = {key: _reach(found) for key, found in groups.items()}
    mine = comparable(bounds, axis)
    known = established(mine)
    main = next(
        (key for kind in ("observed", "expected") for key in groups if key[1] == kind), None
    )
    leading: list[LeadingRange] = []
    if main and known:
        leading = _leading(groups[main], known)
    return Summary(
        title,
        axis.name,
        unit_text(axis),
        axis.column,
        tuple(reaches.values()),
        reaches[main].text if main and known else None,
        tuple(leading),
        _published(axis) if known else (),
        shares(
            mine,
            [(reaches[k].text, groups[k]) for k in groups if not k[1].startswith("expected_")],
            grid,
        ),
        (*_end_notes(leading, known, main is not None and "CLs" in main[2]), *remarks),
    )


def _end_notes(
    leading: Sequence[LeadingRange], known: Sequence[Bound], by_cls: bool
) -> Iterator[str]:
    """What is to be known of the bounds that end ranges, beside a limit by CLs or another."""
    ends = {name for found in leading for name in (found.low_set_by, found.high_set_by)}
    for b in known:
        said = "; ".join(filter(None, (b.note, b.note_by_cls if by_cls else None)))
        if said and b.label in ends:
            yield f"{b.label} ends a range: {said}"


def _reach(found: Sequence[Region]) -> Reach:
    """Reach of the regions of one limit."""
    vertices = np.vstack([region.outline for region in found])
    mass, coupling = vertices[np.argmin(vertices[:, 1])].tolist()
    low, high = vertices[np.argmin(vertices[:, 0])], vertices[np.argmax(vertices[:, 0])]
    # a mass at the highest coupling of the grid is no end either: larger couplings reach further
    top = vertices[:, 1].max() if any(region.coupling_high_open for region in found) else np.inf
    return Reach(
        found[0].level,
        found[0].kind,
        found[0].method,
        coupling,
        mass,
        float(low[0]),
        float(high[0]),
        any(region.low_mass_open for region in found) or bool(low[1] == top),
        any(region.high_mass_open for region in found) or bool(high[1] == top),
        any(region.coupling_low_open for region in found),
    )


def lower_edge(found: Sequence[Region], mass: FloatArray) -> FloatArray:
    """Lowest coupling inside any region at each mass, NaN where there is none.

    Parameters
    ----------
    found : sequence of Region
        Regions of one limit.
    mass : array, shape (M,)
        Masses [GeV].
    """
    lowest = np.full(mass.shape, np.inf)
    for region in found:
        lowest = np.minimum(lowest, span(region.outline, mass)[0])
    return np.where(np.isfinite(lowest), lowest, np.nan)


def _leading(found: Sequence[Region], known: Sequence[Bound]) -> list[LeadingRange]:
    """Ranges of mass where the lower edge of the regions lies below all bounds."""
    ends = np.array([end(region.outline[:, 0]) for region in found for end in (np.min, np.max)])
    between = np.geomspace(ends.min(), ends.max(), MASSES)[1:-1]
    mass = np.unique(np.concatenate([ends, between]))
    return world_leading_ranges(mass, lower_edge(found, mass), known)


def _published(axis: CouplingAxis) -> tuple[PublishedRange, ...]:
    """Ranges that were published for a limit on this coupling."""
    table = read_csv(PUBLISHED, required=("data", "mass_low_gev", "mass_high_gev"))
    ends = (table.numbers(column).tolist() for column in ("mass_low_gev", "mass_high_gev"))
    if (table.head["column"], table.head["flavour"]) != (axis.column, axis.flavour):
        return ()
    return tuple(map(PublishedRange, table.columns["data"], *ends))
