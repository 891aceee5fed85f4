"""What is said of existing bounds: their levels, and the shares of preferred regions excluded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.bounds import ANY, Bound, chosen_bounds, comparable, established, overlap
from hnlstat.config.bounds import BoundChoice
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.wording import level_text
from hnlstat.run.contours import Region

FloatArray = NDArray[np.float64]

WHOLE = 0.995  # a share that rounds to all


@dataclass(frozen=True)
class Share:
    """How much of a region that an excess prefers one limit excludes, or could discover.

    Attributes
    ----------
    region : str
        The region's label with its level, such as "MiniBooNE angle 95%".
    limit : str
        Name of the limit, as in `Reach.text`.
    fraction : float or None
        Of the region's area in ln(mass) and ln(coupling); None where only an edge is known.
    scanned : float or None
        Fraction of the region that lies within the grid, outside of which nothing is tested.
    """

    region: str
    limit: str
    fraction: float | None
    scanned: float | None


def shares(
    bounds: Sequence[Bound],
    limits: Sequence[tuple[str, Sequence[Region]]],
    grid: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[Share, ...]:
    """Find the shares of all preferred regions in what each limit excludes.

    Parameters
    ----------
    bounds : sequence of Bound
        Bounds comparable with the limits; those that are not allowed regions are passed over.
    limits : sequence of (str, sequence of Region)
        Name and regions of each limit.
    grid : pair of pairs of float
        Lowest and highest mass [GeV] and coupling of the scan.
    """
    (m0, m1), (d0, d1) = grid
    inside = np.array([[m0, d0], [m1, d0], [m1, d1], [m0, d1], [m0, d0]])
    found = []
    for bound in bounds:
        if bound.status == "allowed":
            name = (
                bound.label if bound.level is None else f"{bound.label} {level_text(bound.level)}"
            )
            known = bound.kind == "region"
            scanned = overlap(bound, [inside]) if known else None
            for limit, regions in limits:
                rings = [ring for region in regions for ring in (region.outline, *region.holes)]
                fraction = overlap(bound, rings) if known else None
                found.append(Share(name, limit, fraction, scanned))
    return tuple(found)


def shares_text(found: Sequence[Share], limits: Sequence[str]) -> str:
    """Say in a sentence how much of each region these limits exclude."""
    parts = []
    for name in dict.fromkeys(share.region for share in found):
        mine = {share.limit: share for share in found if share.region == name}
        values = [mine[limit].fraction for limit in limits]
        text = " / ".join("unknown" if value is None else percent(value) for value in values)
        scanned = mine[limits[0]].scanned
        if scanned is None:
            text = "only an edge is known"
        elif scanned < WHOLE:
            text += f" ({percent(scanned)} scanned)"
        parts.append(f"{name}: {text}")
    return (
        f"Excluded by {' / '.join(limits)}, by area in ln(mass), ln(coupling): {'; '.join(parts)}."
    )


def percent(value: float) -> str:
    """Write a share: "35%", "1.2%", "0%"."""
    return f"{100 * value:.1f}%" if 0 < value < 0.0995 else f"{100 * value:.0f}%"


def left_out(
    bounds: Sequence[Bound], asked: Collection[str], axis: CouplingAxis
) -> tuple[str, ...]:
    """Say which of the bounds that were asked for by name are not shown, and why."""
    shown = {bound.name for bound in comparable(bounds, axis)}
    remarks = []
    for bound in bounds:
        if bound.name in asked and bound.name not in shown:
            if axis.flavour is not None and bound.flavour in (axis.flavour, ANY):
                reason = f"its search has a curve for {axis.nature} N, too"
            else:
                whose = "one flavour" if bound.flavour == ANY else f"flavour {bound.flavour}"
                reason = f"it is for {whose} alone, not for {axis.name}"
            remarks.append(f"the bound {bound.name} is not shown: {reason}")
    return tuple(remarks)


def not_compared(choice: BoundChoice, axis: CouplingAxis) -> tuple[str, ...]:
    """Say which bounds a choice leaves out of the comparison that it makes."""
    if choice.curves == "all" and not choice.without:
        return ()
    whole = choice.model_copy(update={"curves": "all", "without": ()})
    mine, every = (
        {b.name: b.label for b in established(comparable(chosen_bounds(c, axis), axis))}
        for c in (choice, whole)
    )
    missing = [label for name, label in every.items() if name not in mine]
    if not mine or not missing:
        return ()
    return (f"what leads is said of the bounds that are chosen; left out: {', '.join(missing)}",)


def level_remarks(bounds: Sequence[Bound], level: float | None) -> tuple[str, ...]:
    """Say which bounds are rescaled to a level, and which ones cannot be and keep their own."""
    remarks = []
    for bound in bounds:
        if bound.rescaled_from is not None and bound.scaling is not None:
            remarks.append(
                f"{bound.label} is rescaled from {level_text(bound.rescaled_from)}: "
                f"{bound.scaling.text}"
            )
        elif bound.status != "allowed" and level and bound.level and bound.level != level:
            remarks.append(
                f"{bound.label} stays at {level_text(bound.level)}: nothing says how "
                f"it goes over to {level_text(level)}"
            )
    return tuple(remarks)
