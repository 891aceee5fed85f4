"""What task=explained found, in words: which part of a preferred region each test reaches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from hnlstat.config.coupling import CouplingAxis
from hnlstat.inference.limits.curves import DISCOVERY
from hnlstat.report.existing import percent
from hnlstat.report.wording import (
    fit_level_text,
    level_text,
    mev_text,
    power_text,
    range_text,
    unit_text,
)
from hnlstat.run.explaining import PUBLISHED

MOST_RANGES = 3

Entry = Mapping[str, Any]


def screen_table(document: Entry, axis: CouplingAxis) -> Table:
    """Lay out the share of each region that each test excludes, or could discover."""
    table = Table(
        title=f"share of the region that the fit prefers, by area in ln(mass), ln({axis.name})",
        box=SIMPLE_HEAD,
        padding=(0, 1),
    )
    table.add_column("test")
    for heading in ("", *map(fit_level_text, document["regions"]), "best fit"):
        table.add_column(heading, justify="right", no_wrap=True)
    for entries in _groups(document).values():
        first = entries[0]
        shares = (percent(entry["area"]) for entry in entries)
        table.add_row(first["label"], _what(first), *shares, "yes" if first["best_fit"] else "no")
    return table


def _groups(document: Entry) -> dict[tuple[Any, ...], list[Entry]]:
    """Give the entries of each test, kind and level together: one for each region."""
    found: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in document["shares"]:
        found.setdefault((entry["test"], entry["kind"], entry["level"]), []).append(entry)
    return found


def _what(entry: Entry) -> str:
    level = "" if entry["level"] is None else f"{level_text(entry['level'])} "
    return f"{level}{entry['kind']}"


def sentences(document: Entry, axis: CouplingAxis) -> list[str]:
    """Say in sentences which part of the region each test reaches.

    Parameters
    ----------
    document
        Content of `summary.json`. Of its regions the one in the middle is spoken of.
    axis
        The coupling.
    """
    best, goodness = document["best_fit"], document["goodness"]
    lines = [
        f"Best fit: N of {mev_text(best['mass_gev'])} MeV with a coupling of "
        f"{power_text(best[axis.column])} {unit_text(axis)}".rstrip()
        + f", better than no signal by -2 Δ ln L = {document['improvement']:.1f} "
        f"(chi2 {goodness['chi2']:.1f} for {goodness['bins']} bins)."
    ]
    if not document["regions"]:
        return [*lines, "The data prefer no region to no signal: there is nothing to test."]
    region = sorted(document["regions"])[len(document["regions"]) // 2]
    shares = [entry for entry in document["shares"] if entry["region"] == region]
    own = [entry for entry in shares if entry["kind"] != PUBLISHED]
    name = f"{fit_level_text(region)} region"
    lines += [
        _test(test, [entry for entry in own if entry["test"] == test["name"]], name)
        for test in document["tests"]
    ]
    return lines + _bounds([s for s in shares if s["kind"] == PUBLISHED], name)


def _test(test: Entry, shares: Sequence[Entry], region: str) -> str:
    """Say what a test excludes, and could discover, of the region."""
    ordered = sorted(shares, key=lambda entry: entry["kind"] == DISCOVERY)
    parts = [f"{_reaches(entry)} {_part(entry, region)}" for entry in ordered]
    found = "; ".join(parts) or "has no limits"
    if parts and not any(entry["area"] for entry in ordered):
        levels = dict.fromkeys(level_text(entry["level"]) for entry in ordered)
        found = f"tests nothing of the {region} at {' or '.join(levels)}{_apart(ordered[0])}"
    parted = [key.rpartition(": ") for key in test["assumed"]]
    named = (
        f"{part}: {', '.join(key for one, _, key in parted if one == part)}"
        for part in dict.fromkeys(part for part, _, _ in parted)
    )
    assumed = f"Without a source ({len(parted)}): {'; '.join(named) or 'nothing of its own'}"
    return (
        f"{test['label']} ({test['kind']}): {found}. At the best fit it expects "
        f"{test['signal_at_best_fit']:.3g} signal events on a background of "
        f"{test['background']:.3g}. {assumed}."
    )


def _reaches(entry: Entry) -> str:
    verb = "would discover" if entry["kind"] == DISCOVERY else "excludes"
    return f"{verb} at {level_text(entry['level'])}"


def _part(entry: Entry, region: str) -> str:
    """Say which part of the region: its share, and the masses."""
    if not entry["whole"] and not entry["part"]:
        return f"nothing of the {region}"
    if not entry["part"] and entry["area"] == 1.0:
        return f"all of the {region}"
    where = [
        f"{word} at {_masses(entry[key])}"
        for key, word in (("whole", "all"), ("part", "part"))
        if entry[key]
    ]
    return f"{percent(entry['area'])} of the {region} ({', '.join(where)})"


def _apart(entry: Entry) -> str:
    """Say how far above the region a test ends."""
    if entry["apart"] is None:
        return ""
    return (
        f": the couplings that it reaches at {level_text(entry['level'])} lie above it by a factor "
        f"{entry['apart']:.3g} (at {mev_text(entry['apart_at'])} MeV) or more"
    )


def _masses(ranges: Sequence[Sequence[float]]) -> str:
    if len(ranges) <= MOST_RANGES:
        return ", ".join(range_text(low, high) for low, high in ranges)
    return f"places within {range_text(ranges[0][0], ranges[-1][1])}"


def _bounds(shares: Sequence[Entry], region: str) -> list[str]:
    """Say what the published bounds exclude, those with a part in it one by one."""
    if not shares:
        return []
    own = [entry for entry in shares if entry["level"] is not None]
    (together,) = (entry for entry in shares if entry["level"] is None)
    with_part = sorted((e for e in own if e["area"] > 0), key=lambda entry: -entry["area"])
    without = [entry["label"] for entry in own if entry["area"] == 0]
    each = "; ".join(
        f"{entry['label']} ({level_text(entry['level'])}) {percent(entry['area'])}"
        for entry in with_part
    )
    found = f"Published bounds together exclude {_part(together, region)}, each at its own level"
    if each:
        found += f": {each}"
    if without:
        found += f"; no part: {', '.join(without)}"
    return [f"{found}."]
