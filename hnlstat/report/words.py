"""What a run found, in sentences and tables for the report, from the content of `summary.json`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnlstat.bounds import LeadingRange
from hnlstat.config.coupling import CouplingAxis
from hnlstat.report import explained_text
from hnlstat.report.existing import Share
from hnlstat.report.mixings import plane_sentences
from hnlstat.report.requirements_text import requirement_sentences
from hnlstat.report.summary import PublishedRange, Reach, Summary
from hnlstat.report.summary_text import sentences
from hnlstat.report.wording import level_text, mev_text, power_text, range_text, unit_text

ABSOLUTE = re.compile(r"(?<![\w.~/])(?:/[\w.+=@~-]+){2,}/?")
BANDS = "expected_"
MOST_ROWS = 100


@dataclass(frozen=True)
class Grid:
    """A table: its title, the names of its columns, and its rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


OF_EVERY_RUN = ("assumed", "citations")
"""Entries of a summary that no task has made."""


def without_folders(text: str) -> str:
    """Leave of absolute paths only the last part: a report says nothing about the machine."""
    return ABSOLUTE.sub(lambda found: found[0].rstrip("/").rpartition("/")[2], text)


def words(kind: str, document: Mapping[str, Any], axis: CouplingAxis) -> list[str]:
    """Say in sentences what a task found.

    Parameters
    ----------
    kind : str
        The task.
    document : mapping
        Content of its `summary.json`.
    axis : CouplingAxis
        The coupling of the model.
    """
    found = SENTENCES[kind](document, axis) if kind in SENTENCES else []
    return [without_folders(sentence) for sentence in [*found, *assumed_text(document)]]


def assumed_text(document: Mapping[str, Any]) -> list[str]:
    """Count the settings that have no source, and name them."""
    assumed: Mapping[str, str] = document.get("assumed") or {}
    groups: dict[str, list[str]] = {}
    for key, why in assumed.items():
        groups.setdefault(why, []).append(key)
    if not groups:
        return []
    named = "; ".join(f"{why}: {', '.join(keys)}" for why, keys in groups.items())
    return [f"{len(assumed)} settings have no source ({named})."]


def tables(kind: str, document: Mapping[str, Any]) -> list[Grid]:
    """Lay out what a task found; of a contour its limits, else all that the summary holds."""
    if kind == "contour":
        return _contour_tables(_summary(document))
    facts = []
    found = []
    for name, value in document.items():
        if name in ("task", "remarks", *OF_EVERY_RUN):
            continue
        if isinstance(value, Mapping):
            found.append(_mapping(name, value))
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            found.append(_records(name, value))
        else:
            facts.append((_name(name), _text(value)))
    return [Grid("Result", ("quantity", "value"), tuple(facts)), *found] if facts else found


def _summary(document: Mapping[str, Any]) -> Summary:
    """Make a Summary of its document."""
    parts = {"reaches": Reach, "leading": LeadingRange, "published": PublishedRange,
             "shares": Share}  # fmt: skip
    content: dict[str, Any] = {k: v for k, v in document.items() if k not in OF_EVERY_RUN}
    for name, kind in parts.items():
        content[name] = tuple(kind(**entry) for entry in document[name])
    return Summary(**content)


def _contour(document: Mapping[str, Any], _: CouplingAxis) -> list[str]:
    summary = _summary(document)
    main = [r for r in summary.reaches if not r.kind.startswith(BANDS) and "CLs+b" not in r.method]
    if not main:
        return ["Nothing is excluded on this grid."]
    lines = [
        f"{reach.text}: couplings {summary.coupling} from {'≤ ' * reach.coupling_open}"
        f"{_amount(reach.coupling, summary.unit)} (at {mev_text(reach.mass)} MeV) "
        f"are {'within reach' if reach.kind == 'discovery' else 'excluded'}, at masses of "
        f"{range_text(reach.mass_low, reach.mass_high, reach.low_open, reach.high_open)}."
        for reach in main
    ]
    return lines + sentences(summary)


def _contour_tables(summary: Summary) -> list[Grid]:
    rows = tuple(
        (
            reach.text.replace("_", " "),
            f"{'≤ ' * reach.coupling_open}{power_text(reach.coupling)}",
            mev_text(reach.mass),
            range_text(reach.mass_low, reach.mass_high, reach.low_open, reach.high_open),
            reach.method,
        )
        for reach in summary.reaches
    )
    lowest = f"lowest coupling [{summary.unit}]" if summary.unit else "lowest coupling"
    columns = ("limit", lowest, "at mass [MeV]", "masses reached", "method")
    shares = tuple(
        (share.region, share.limit, _text(share.fraction), _text(share.scanned))
        for share in summary.shares
    )
    title = "Share of preferred regions that is excluded, by area in ln(mass), ln(coupling)"
    found = [Grid("Reach of the limits", columns, rows)] if rows else []
    if shares:
        found.append(Grid(title, ("region", "limit", "excluded", "scanned"), shares))
    return found


def _point(document: Mapping[str, Any], axis: CouplingAxis) -> list[str]:
    signal = sum(row["signal"] for row in document["channels"])
    background = sum(row["background"] for row in document["channels"])
    lines = [
        f"N of {mev_text(document['mass_gev'])} MeV with a coupling of "
        f"{_amount(document[axis.column], unit_text(axis))}: {signal:.4g} signal events are "
        f"expected, on a background of {background:.3g}."
    ]
    for name, test in document["tests"].items():
        if test:
            seen = test["cls_observed"]
            observed = "" if seen is None else f"observed {seen:.4g}, "
            lines.append(f"CLs ({name}): {observed}expected {test['cls_expected'][2]:.4g}.")
    return lines


def _fit(document: Mapping[str, Any], axis: CouplingAxis) -> list[str]:
    best = {entry["name"]: entry["value"] for entry in document["parameters"]}
    return [
        f"Best fit: N of {mev_text(best['mass'])} MeV with a coupling of "
        f"{_amount(best['coupling'], unit_text(axis))}, better than no signal by "
        f"−2 Δ ln L = {document['improvement']:.2f}.",
        *map(beside_text, document.get("beside", ())),
    ]


def beside_text(one: Mapping[str, Any]) -> str:
    """How well a best fit agrees with a distribution that is not in the likelihood."""
    return (
        f"{one['observable']} of {one['channel']}, not in the likelihood as no covariance is "
        f"known: chi2 {one['chi2']:.1f} in {one['bins']} bins with the best fit, "
        f"{one['chi2_no_signal']:.1f} without signal, by statistics alone (indicative)"
    )


def _amount(value: float, unit: str) -> str:
    """Write a coupling with its unit."""
    return f"{power_text(value)} {unit}".rstrip()


def _coverage(document: Mapping[str, Any], _: CouplingAxis) -> list[str]:
    verdict = "cover" if document["covers"] else "do not cover"
    lines = [f"The limits {verdict} the true signals (calculation: {document['calculator']})."]
    return lines + [
        f"With the {low['nuisances']} from what is expected, {level_text(low['level'])} limits "
        f"cover {low['coverage']:.1%} of the experiments, at a true signal of {low['signal']:g}."
        for low in document["lowest"]
        if low["nuisances"].startswith("signal") and low["coverage"] < low["level"]
    ]


SENTENCES: dict[str, Callable[[Mapping[str, Any], CouplingAxis], list[str]]] = {
    "contour": _contour,
    "plane": plane_sentences,
    "point": _point,
    "fit": _fit,
    "explained": explained_text.sentences,
    "coverage": _coverage,
    "requirements": requirement_sentences,
    "yields": lambda d, _: [f"Signal yields on the grid: {d['rows']} numbers in yields.csv."],
    "workspace": lambda d, _: [
        f"The likelihood of {len(d['channels'])} channels as pyhf JSON, with a patch for each of "
        f"{d['patches']} grid points."
    ],
    "combine": lambda d, _: [
        f"One likelihood of {len(d['folders'])} runs: {len(d['channels'])} channels, "
        f"{d['patches']} grid points; correlated: {', '.join(d['correlated']) or 'nothing'}."
    ],
    "events": lambda d, _: [
        f"{d['rows']} weighted events of N of {mev_text(d['mass_gev'])} MeV in {d['file']}."
    ],
    "inject": lambda d, axis: [
        f"Pseudo-data ({d['data']}) with the signal of N of {mev_text(d['mass_gev'])} MeV and a "
        f"coupling of {_amount(d[axis.column], unit_text(axis))}, in data.csv."
    ],
    "compare": lambda *_: ["Limits and expected events after each step, in compare.csv."],
}


def _mapping(name: str, content: Mapping[str, Any]) -> Grid:
    """Lay out a mapping: names and values, or one column for each mapping in it."""
    inner = [value for value in content.values() if isinstance(value, Mapping)]
    if not inner:
        rows = tuple((_name(key), _text(value)) for key, value in content.items())
        return Grid(_name(name), ("quantity", "value"), rows)
    keys = dict.fromkeys(key for value in inner for key in value)
    columns = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    table = tuple((_name(key), *(_text(v.get(key)) for v in columns.values())) for key in keys)
    return Grid(_name(name), ("quantity", *map(_name, columns)), table)


def _records(name: str, content: Sequence[Mapping[str, Any]]) -> Grid:
    """Lay out a list of mappings, one row for each."""
    keys = tuple(dict.fromkeys(key for entry in content for key in entry))
    rows = tuple(tuple(_text(entry.get(key)) for key in keys) for entry in content[:MOST_ROWS])
    more = f" (the first {MOST_ROWS} of {len(content)})" if len(content) > MOST_ROWS else ""
    return Grid(_name(name) + more, tuple(map(_name, keys)), rows)


def _name(key: str) -> str:
    """Write a key as words, its unit in brackets."""
    text = str(key)
    for suffix, unit in (("_inv_gev", "GeV⁻¹"), ("_gev", "GeV"), ("_m", "m")):
        if text.endswith(suffix):
            text = f"{text.removesuffix(suffix)} [{unit}]"
    return text.replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if 0.99995 <= value < 1.0:  # such as the level of 5 sigma: it is not 1
            return f"{1.0 - value:.4g} below 1"
        return f"{value:.4g}" if math.isfinite(value) else "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{_name(key)} {_text(entry)}" for key, entry in value.items())
    return without_folders(str(value))
