"""What task=requirements found, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hnlstat.config.coupling import CouplingAxis
from hnlstat.report.wording import level_text, mev_text, unit_text


def requirement_sentences(document: Mapping[str, Any], axis: CouplingAxis) -> list[str]:
    """Say how much background is allowed, from the content of `summary.json`."""
    states, background = " and ".join(document["final_states"]), document["own_background"]
    lines = []
    for point in document["points"]:
        coupling = f"{point[axis.column]:.3g} {unit_text(axis)}".rstrip()
        lines.append(
            f"{point['name']} ({mev_text(point['mass_gev'])} MeV, {coupling}): "
            f"{_number(point['decays'])} decays to {states} in the fiducial volumes. Searches as "
            f"they are select {_percent(point['own_efficiency'])}, {_number(point['own_signal'])} "
            f"signal events, with {_number(background)} of background."
        )
        lines += _by_efficiency(document, point["name"])
    return [*lines, _how(document)]


def _by_efficiency(document: Mapping[str, Any], name: str) -> Iterator[str]:
    """Give a sentence for each efficiency and uncertainty; what is the same is said once."""
    what = {
        "exclusion": f"a {level_text(document['level'])} exclusion",
        "discovery": f"a {document['sigma']:g} sigma discovery",
    }
    found: dict[tuple[str, str], list[str]] = {}
    for row in document["required"]:
        if row["point"] == name:
            at = f"{_percent(row['efficiency'])} ({_number(row['signal'])} signal events)"
            parts = [f"{text} {_takes(document, row, kind)}" for kind, text in what.items()]
            found.setdefault((at, ", ".join(parts)), []).append(_percent(row["uncertainty"]))
    for (at, takes), sizes in found.items():
        yield f"At an efficiency of {at} and {' or '.join(sizes)} uncertainty {takes}."


def _takes(document: Mapping[str, Any], row: Mapping[str, Any], kind: str) -> str:
    events = row[f"{kind}_below"]
    if row[f"{kind}_open"]:
        most = document["background_max"]
        return f"is possible over any background up to {_number(most)} events"
    if not events:
        least = document["background_min"]
        return f"takes more signal, even over {_number(least)} background events"
    return f"takes fewer than {_number(events)} background events"


def _how(document: Mapping[str, Any]) -> str:
    text = "Medians of what is expected; uncertain is the background of each channel on its own."
    calculation = document["calculation"]
    low, high = calculation["asked_up_to"]
    if low >= document["background_max"]:
        return f"{text} Above 7 sigma they come from a formula."
    if not high:
        return f"{text} They come from a formula for many events."
    ends = _number(low) if low == high else f"{_number(low)} to {_number(high)} (by uncertainty)"
    found = [calculation[f"{kind}_difference"] for kind in ("exclusion", "discovery")]
    begins = (
        f"{text} Above {ends} background events, and above 7 sigma, they come from a formula for "
        "many events"
    )
    if None in found:
        return f"{begins}."
    return (
        f"{begins}; where that begins it is up to {found[0]:.2f} (exclusion) and {found[1]:.2f} "
        "(discovery) standard deviations off."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _number(value: float) -> str:
    """Write a number to three digits, without a power of ten where it is large."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 1000 else f"{value:.3g}"
