"""report.html: a run in one file that needs nothing else, neither network nor libraries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from hnlstat.bounds import Bound
from hnlstat.errors import DataError
from hnlstat.report.citations import Sources, listed
from hnlstat.report.look import Look
from hnlstat.report.page import embedded, render, write_page
from hnlstat.report.plot_data import plot_data
from hnlstat.report.wording import unit_text
from hnlstat.report.words import Grid, tables, without_folders, words
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.files.point_reader import read_points
from hnlstat.studies.mixings import limited
from hnlstat.studies.saved import yaml_text
from hnlstat.system.reading import read_json, read_text
from hnlstat.system.yaml_nodes import LOADER

REPORT = "report.html"
CAPTIONS = {
    "contours": "Limits in the plane of mass and coupling, with existing bounds.",
    "plane": "Limits in the plane of two mixings of N of one mass.",
    "yields": "Expected signal events, all channels together, with lines of 1, 10 and 100 events.",
    "brazil": "CLs against the coupling at one mass, with the bands expected without signal.",
    "production": "By mass: share of the decays in the fiducial volumes whose N passes "
    "the cut on its angle, and that are selected; materials that the N that pass were made in.",
    "momenta": "Momenta of N of kaons that decay in the fiducial volumes, by mass, and the decays "
    "of kaons that they are of, where these are several.",
    "decay_length": "Decay length in the laboratory, at the median momentum of N that pass the "
    "cut on their angle.",
    "vertices": "Where the N were made that pass the cut on their angle, on the outline of {}. "
    "Each view has its own sample.",
    "decays": "Where the kaons decayed whose N decay in the detector, and where these decay, on "
    "the outline of {}. Each view has its own sample.",
    "fit": "Best fit and contours of mass and coupling.",
    "pulls": "Pulls of the nuisance parameters, and their impacts on the coupling.",
    "spectrum": "Data in bins, with the background and the signal of the best fit.",
    "coverage": "Share of pseudo-experiments in which the limit contains the true signal.",
    "requirements": "What efficiency and background it takes to exclude N of a point, and to "
    "discover them, for some uncertainties of the background.",
    "compare": "Limits and expected events after each step.",
    "explained": "What the fit prefers, shaded, with the exclusion and discovery of other data "
    "and the published bounds.",
}
"""What the figures show, by the names of their files; of those by dataset by the first part."""


@dataclass(frozen=True)
class Picture:
    """A figure: its name, its caption, and its PNG as a data URI."""

    name: str
    caption: str
    source: str


def write_report(run: FinishedRun, rests_on: Sources) -> Path:
    """Write `report.html` into the folder of a run, from the files that are there.

    Raises
    ------
    DataError
        Names the file and the entry of what cannot be used.
    OutputError
        If it cannot be written.
    """
    return write_page(run.path / REPORT, render_report(run, rests_on))


def render_report(run: FinishedRun, rests_on: Sources) -> str:
    """Return the report of a run as HTML; see `write_report`."""
    study, kind = run.study, run.study.task.kind
    axis, bounds = limited(study), rests_on.bounds
    plot = None
    if run.has("contours.json") and run.has("points.csv"):
        points = read_points(run.path / "points.csv", axis)
        plot = plot_data(run.regions(), bounds, points, axis, Look.of(study.report))
    found = _found(run)
    return render(
        REPORT,
        heading=f"{study.name}: {kind}",
        words=found[0],
        remarks=found[1],
        tables=found[2],
        pictures=_pictures(run.path),
        plot=plot,
        coupling_unit=unit_text(axis) or "no unit",
        config=_config(run.path / "config.yaml"),
        provenance=_provenance(run),
        files=_files(run.path),
        sources=[*listed(rests_on.uses), *_from_memory(bounds)],
    )


def _from_memory(bounds: Sequence[Bound]) -> list[str]:
    """Say of which bounds something is from memory."""
    sources = {f"bound {b.label}: {b.source}." for b in bounds if "from memory" in b.source}
    return sorted(sources)


def _found(run: FinishedRun) -> tuple[list[str], list[str], list[Grid]]:
    """Give sentences, remarks and tables of what a run found."""
    axis, kind = limited(run.study), run.kind

    def read(summary: dict[str, Any]) -> tuple[list[str], list[str], list[Grid]]:
        remarks = [without_folders(remark) for remark in summary.get("remarks", ())]
        return words(kind, summary, axis), remarks, tables(kind, summary)

    return run.told(read)


def _config(path: Path) -> str:
    """Give the text of a configuration with the names of files in place of their paths."""
    text = read_text(path)
    if not re.search(r"(?<!\w)/\w", text):
        return text
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    return head + yaml_text(_names(yaml.load(text, Loader=LOADER)))


def _names(content: Any) -> Any:
    """Leave of every absolute path only the last part."""
    if isinstance(content, dict):
        return {_names(key): _names(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_names(value) for value in content]
    if not isinstance(content, str):
        return content
    # paths with blanks are found where they stand alone, or behind shared: and flux.table=
    return without_folders(re.sub(r"(^|[:=]['\"]?)/(?!/).*/(?=[^/])", r"\1", content))


def _pictures(folder: Path) -> list[Picture]:
    """Embed the figures of a folder, in the order of the captions; those of figures/ go first."""
    paths = [*sorted(folder.glob("*.png")), *sorted((folder / "figures").glob("*.png"))]
    found = {path.stem: path for path in paths if path.is_file()}
    order = [*CAPTIONS]
    names = [name if name in CAPTIONS else name.partition("_")[0] for name in found]
    places = [order.index(name) if name in order else len(order) for name in names]
    pictures = []
    for _, stem, name in sorted(zip(places, found, names, strict=True)):
        caption = CAPTIONS.get(name, stem).replace("{}", stem.partition("_")[2])
        pictures.append(Picture(stem, caption, embedded(found[stem])))
    return pictures


def _provenance(run: FinishedRun) -> list[tuple[str, str]]:
    """Names and values of `provenance.json`, its versions one by one; empty if it is not there."""
    if not run.has("provenance.json"):
        return []
    content: Any = read_json(run.path / "provenance.json")
    versions = content.pop("versions", {}) if isinstance(content, dict) else None
    if not isinstance(versions, dict):
        raise DataError(f"{run.path / 'provenance.json'}: is not that of a run")
    rows = [(name.replace("_", " "), str(value)) for name, value in content.items()]
    return rows + [(f"version of {name}", str(value)) for name, value in versions.items()]


def _files(folder: Path) -> list[str]:
    """Files of the run, without those that only continue it."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in paths]
    return [n for n in names if not n.startswith((".", "units/")) and n != REPORT]
