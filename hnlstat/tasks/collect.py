"""task=collect: one table, one figure and one report of the jobs of a sweep."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.study import Study
from hnlstat.config.task import CollectTask
from hnlstat.errors import DataError
from hnlstat.report.summary import Reach
from hnlstat.report.wording import level_text, mev_text, range_text
from hnlstat.run.current import Run
from hnlstat.run.files.finished import read_contours
from hnlstat.run.files.folder import RunFolder
from hnlstat.run.sweep import Job, check, choices, failures, read_jobs
from hnlstat.search.table import YieldTable
from hnlstat.studies.compose import read
from hnlstat.system.reading import read_json
from hnlstat.system.screen import line_of

FloatArray = NDArray[np.float64]

REACH = ("level", "kind", "method", "coupling", "mass", "mass_low", "mass_high", "low_open",
         "high_open", "coupling_open")  # fmt: skip
"""What the table says of how far a limit reaches; attributes of `Reach`."""


NUMBERS = ("level", "coupling", "mass", "mass_low", "mass_high")


@dataclass(frozen=True)
class Done:
    """A job that came to its end: what differs from the others, its folder, what it found."""

    job: Job
    choice: tuple[str, ...]
    folder: Path
    summary: Mapping[str, Any]

    @cached_property
    def reaches(self) -> list[dict[str, Any]]:
        """How far its limits reach; empty for a task without limits.

        Raises
        ------
        DataError
            If they are not what a run writes.
        """
        try:
            found = [asdict(Reach(**reach)) for reach in self.summary.get("reaches", ())]
            numbers = [reach[key] for reach in found for key in NUMBERS]
            if not all(type(value) in (int, float) and 0 < value < np.inf for value in numbers):
                raise ValueError("has numbers that are not positive")
        except (TypeError, ValueError) as error:
            path = self.folder / "summary.json"
            raise DataError(f"{path}: reaches are not those of a run: {error}") from None
        return found


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Write collected.csv, collected.md and collected.png (.pdf) into the folder of a sweep.

    Raises
    ------
    DataError
        If it is not the folder of a sweep, or results of a job cannot be read.
    SweepError
        If a job failed; the others are collected before.
    """
    study = current.study
    assert isinstance(study.task, CollectTask)
    assert given is None  # they are those of the jobs
    sweep = RunFolder(study.task.folder)
    jobs = read_jobs(sweep.path)
    ended = [job for job in jobs if job.reason is None and job.folder is not None]
    keys, values = choices(ended)
    done = [
        Done(job, choice, folder := sweep.path / str(job.folder), _json(folder / "summary.json"))
        for job, choice in zip(ended, values, strict=True)
    ]
    column = _column(done, study.model.axis)
    write_rows(sweep, jobs, done, column)
    limit = _common_limit(done)
    table = _compact(keys, limit, done)
    failed = failures(jobs)
    sweep.write_text("collected.md", _markdown(table, failed))
    current.say(_rich(table, len(keys)))
    current.say(*(line_of(f"failed: {line}", "red") for line in failed))
    current.say(*map(line_of, without_limits(done)))
    files = ["collected.csv", "collected.md"]
    if limit is not None and column == SEVERAL:
        current.say(line_of("no figure: the limits are on couplings of several models"))
    elif limit is not None:
        with current.drawing("the figure"):  # the tables are there, whatever goes wrong
            plot = _draw(study, sweep, keys, done, limit)
            files.append("collected.pdf")
        if "collected.pdf" in files:
            with current.drawing("collected.html"):
                _report(sweep, limit, plot, table, done, failed)
                files.append("collected.html")
    current.say(*(f"Not drawn: {remark}" for remark in current.remarks))
    current.say(line_of(f"{sweep.path}/: {', '.join(files)}"))
    check(jobs)
    return {"task": "collect", "folder": str(sweep.path), "files": files}


def _json(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: is not a JSON object")
    return content


def write_rows(sweep: RunFolder, jobs: Sequence[Job], done: Sequence[Done], column: str) -> None:
    """Write collected.csv: a row for each job and limit; no numbers where there is no limit."""
    keys, values = choices(jobs)
    found = {one.job.number: one.reaches for one in done}
    columns = [f"{name}_gev" if name.startswith("mass") else name for name in REACH]
    columns[REACH.index("coupling")] = column
    rows = [
        (job.number, *value, job.folder or "", job.reason or "",
         *(_plain(reach.get(name, "")) for name in REACH))
        for job, value in zip(jobs, values, strict=True)
        for reach in found.get(job.number) or [{}]
    ]  # fmt: skip
    sweep.write_csv("collected.csv", ("job", *keys, "folder", "reason", *columns), rows)


SEVERAL = "coupling"
"""Column of couplings of different models, which are in the units of these."""


def without_limits(done: Sequence[Done]) -> list[str]:
    """Name the jobs that have no limits by mass, such as planes, where others have some."""
    lacking = [f"#{one.job.number}" for one in done if not one.reaches]
    if not lacking or len(lacking) == len(done):
        return []
    return [f"no limits by mass in {', '.join(lacking)}: left out of the figure"]


def _column(done: Sequence[Done], axis: CouplingAxis) -> str:
    """Column of the coupling: that of the jobs' models, and the usual one without limits."""
    found = {str(one.summary.get("column")) for one in done if one.reaches} or {axis.column}
    return found.pop() if len(found) == 1 else SEVERAL


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _common_limit(done: Sequence[Done]) -> tuple[float, str] | None:
    """Level and kind that all jobs with limits have: the lowest, by data if all have them."""
    have = [{(r["level"], r["kind"]) for r in one.reaches} for one in done if one.reaches]
    common = set.intersection(*have) if have else set()
    order = {"observed": 0, "expected": 1}
    known = [limit for limit in common if limit[1] in order]
    return min(known, key=lambda limit: (limit[0], order[limit[1]]), default=None)


def _compact(
    keys: Sequence[str], limit: tuple[float, str] | None, done: Sequence[Done]
) -> list[list[str]]:
    """The table for reading, its heading first: one row for each job that is done."""
    name = "limit" if limit is None else f"{level_text(limit[0])} CL {limit[1]}"
    rows = [["job", *keys, f"{name}: lowest", "at mass", "masses reached"]]
    for one in done:
        row = [str(one.job.number), *one.choice]
        mine = [r for r in one.reaches if (r["level"], r["kind"]) == limit]
        unit = one.summary.get("unit", "")
        for r in mine[:1]:
            row += [
                f"{'≤ ' * r['coupling_open']}{r['coupling']:.3g} {unit}".rstrip(),
                f"{mev_text(r['mass'])} MeV",
                range_text(r["mass_low"], r["mass_high"], r["low_open"], r["high_open"]),
            ]
        rows.append(row + ["–"] * (len(rows[0]) - len(row)))
    return rows


def _rich(rows: Sequence[Sequence[str]], keys: int) -> Table:
    """Lay the table out for a terminal; where it is narrow, the values of keys are folded."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for number, heading in enumerate(rows[0]):
        table.add_column(heading, no_wrap=number > keys, overflow="fold")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _markdown(rows: Sequence[Sequence[str]], failed: Sequence[str]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    text = "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"
    if failed:
        text += "\nFailed:\n\n" + "".join(f"- {line}\n" for line in failed)
    return text


def _lines(path: Path, limit: tuple[float, str]) -> Iterator[FloatArray]:
    """Contours of one limit, each (V, 2), [GeV] and [unit of the coupling]."""
    for region in read_contours(path):
        if (region.level, region.kind) == limit:
            yield from region.lines


def _draw(
    study: Study,
    sweep: RunFolder,
    keys: Sequence[str],
    done: Sequence[Done],
    limit: tuple[float, str],
) -> dict[str, Any]:
    """Draw one limit of all jobs, with the bounds where they are on the same coupling.

    Gives what the report shows of it.
    """
    from hnlstat.bounds import chosen_bounds, comparable
    from hnlstat.report.collected import comparison_data
    from hnlstat.report.look import Look
    from hnlstat.report.sweep_figure import Scenario, sweep_figure

    with_limits = [one for one in done if one.reaches]
    studies = [read(one.folder / "config.yaml") for one in with_limits]
    axes = {s.model.axis for s in studies}
    if len(axes) > 1:  # perhaps only as N are Dirac or Majorana
        axes = {replace(axis, nature=None) for axis in axes}
    # where jobs differ in flavour it is the coupling of none
    axis = axes.pop() if len(axes) == 1 else studies[0].model.coupling_axis
    scenarios = [
        Scenario(one.choice, tuple(_lines(one.folder / "contours.json", limit)))
        for one in with_limits
    ]
    ends = [
        (float(array[0]), float(array[-1]))
        for s in studies
        for array in (s.scan.mass.array(), s.scan.coupling.array())
    ]
    masses, couplings = (
        (min(low), max(high)) for low, high in (zip(*ends[i::2], strict=True) for i in (0, 1))
    )
    look = Look.of(study.report.over(studies[0].report).check(axis))
    bounds = comparable(chosen_bounds(study.bounds, axis), axis)
    shown: Any = {
        "axis": axis, "mass_range": masses, "coupling_range": couplings, "look": look
    }  # fmt: skip
    sweep.write_figure("collected", sweep_figure(scenarios, keys, limit, bounds, **shown))
    return comparison_data(scenarios, keys, bounds, **shown)


def _report(
    sweep: RunFolder,
    limit: tuple[float, str],
    plot: dict[str, Any],
    table: Sequence[Sequence[str]],
    done: Sequence[Done],
    failed: Sequence[str],
) -> None:
    """Write the report, with the way to those of the jobs."""
    from hnlstat.report.collected import Row, write_collected

    reports = [one.folder / "report.html" for one in done]
    ways = [os.path.relpath(path, sweep.path) if path.is_file() else None for path in reports]
    rows = [Row(tuple(cells), way) for cells, way in zip(table[1:], ways, strict=True)]
    write_collected(sweep, limit, plot, table[0], rows, failed)
