"""The summary of a run in words, and laid out for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hnlstat.bounds import LeadingRange
from hnlstat.report.existing import shares_text
from hnlstat.report.summary import STRONG, Summary
from hnlstat.report.wording import mev_text, range_text
from hnlstat.studies.idle import NOTHING

METHOD_NOTE = (
    "Its limits may differ by method: a likelihood ratio at 1.645 sigma, not CLs, and decays "
    "counted without the survival from production to the detector."
)
MOST_REMARKS = 4
MOST_RANGES = 4


def render(summary: Summary, files: Sequence[str]) -> RenderableType:
    """Lay the summary out for a terminal, at most one screen.

    Parameters
    ----------
    summary : Summary
        What was found.
    files : sequence of str
        The files of the run's folder to name, in order of interest; none where it has no folder.
    """
    parts: list[RenderableType] = [Text(summary.title, style="bold"), _reach_table(summary)]
    if not summary.reaches:
        parts = [parts[0], Text("Nothing is excluded on this grid.")]
    parts += [Text(line) for line in sentences(summary)]
    parts += notes(summary.remarks)
    if files:
        parts.append(Text(f"Files: {', '.join(files)}"))
    return Group(*parts)


def notes(remarks: Sequence[str]) -> list[Text]:
    """Lay remarks out for a terminal, the first few; overrides of no use come last."""
    ordered = sorted(remarks, key=lambda remark: NOTHING in remark)
    lines = [Text(f"Note: {remark}", style="yellow") for remark in ordered[:MOST_REMARKS]]
    if len(remarks) > MOST_REMARKS:
        lines.append(Text(f"... and {len(remarks) - MOST_REMARKS} more notes in run.log"))
    return lines


def _reach_table(summary: Summary) -> Table:
    """Strongest coupling and range of masses of each limit; the bands are in the file."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("limit", "lowest coupling", "at mass", "masses reached"):
        table.add_column(heading, no_wrap=True)
    for reach in summary.reaches:
        if not reach.kind.startswith("expected_"):
            table.add_row(
                reach.text,
                f"{'≤ ' * reach.coupling_open}{reach.coupling:.3g} {summary.unit}".rstrip(),
                f"{mev_text(reach.mass)} MeV",
                range_text(reach.mass_low, reach.mass_high, reach.low_open, reach.high_open),
            )
    return table


def sentences(summary: Summary) -> list[str]:
    """Write sentences on existing bounds and the publication."""
    if summary.compared is None:
        if summary.reaches:
            return [
                f"There are no existing bounds on {summary.coupling} to compare with.",
                *_shares(summary),
            ]
        return []
    if not summary.leading:
        lines = [f"World-leading ({summary.compared}): nowhere, a bound is stronger at every mass."]
    else:
        ranges = _ranges_text(summary.leading)
        lines = [f"World-leading ({summary.compared}, each bound at its own level): {ranges}."]
    published = "; ".join(
        f"{range_text(found.mass_low, found.mass_high)} ({found.data})"
        for found in summary.published
    )
    lines += _shares(summary)
    if not published:
        return lines
    return [*lines, f"Published (arXiv:2412.15051): {published}. {METHOD_NOTE}"]


def _shares(summary: Summary) -> list[str]:
    """Say what the first exclusion, and the first at 5 sigma, leave of preferred regions."""
    excluding = [r for r in summary.reaches if r.kind in ("observed", "expected")]
    strong = [r.level >= STRONG for r in excluding]
    if not summary.shares or not excluding:
        return []
    first = [excluding[strong.index(value)].text for value in (False, True) if value in strong]
    return [shares_text(summary.shares, first)]


def _ranges_text(leading: Sequence[LeadingRange]) -> str:
    """Name the ranges; of those that searches for peaks leave between them only the widest."""
    by_width = sorted(leading, key=lambda found: found.mass_low / found.mass_high)
    shown = [found for found in leading if found in by_width[:MOST_RANGES]]
    text = "; ".join(map(_leading_text, shown))
    if len(leading) > len(shown):
        ends = range_text(leading[0].mass_low, leading[-1].mass_high)
        text += f"; {len(leading) - len(shown)} narrower ones within {ends} (summary.json)"
    return text


def _leading_text(found: LeadingRange) -> str:
    low, high = (name or "its own end" for name in (found.low_set_by, found.high_set_by))
    return f"{range_text(found.mass_low, found.mass_high)} (set by {low} below, {high} above)"
