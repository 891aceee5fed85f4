"""task=hepdata: a finished run as a submission to HEPData, in its folder."""

from __future__ import annotations

import contextlib
import io
import shutil
import tarfile
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hnlstat.config.task import HepdataTask
from hnlstat.errors import ConfigError, DataError, OutputError
from hnlstat.report.citations import FILE as CITATIONS
from hnlstat.report.sheets import MOST_ROWS, PHRASES, Column, Sheet, reactions, sheets
from hnlstat.report.words import words
from hnlstat.run.current import Run
from hnlstat.run.files.finished import FinishedRun
from hnlstat.run.files.limits import read_limits
from hnlstat.search.table import YieldTable
from hnlstat.studies.inputs import LIKELIHOOD
from hnlstat.studies.saved import content_hash
from hnlstat.system.screen import line_of
from hnlstat.version import __version__

FOLDER, ARCHIVE = "hepdata", "submission.tar.gz"
NEEDED = ("limits.csv", "contours.json", "yields.csv")
PICTURE, THUMB = "contours.png", "thumb_contours.png"
DIGITS, SMALL = 7, (400, 400)
"""That are written of numbers; largest width and height of the small figure."""


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Write hepdata/ and submission.tar.gz into the folder of a finished run.

    Raises
    ------
    HnlstatError
        For everything that a user can put right.
    """
    task = current.study.task
    assert isinstance(task, HepdataTask)
    assert given is None  # they are those of the run
    library = _library()
    finished = FinishedRun.asked(task)
    _check(finished)
    folder = finished.path
    limits, regions = read_limits(folder / "limits.csv"), finished.regions()
    if not regions:
        raise DataError(
            f"{folder / 'contours.json'}: has no contours: nothing is excluded on this grid"
        )
    table = finished.table()
    found = [*sheets(finished.study, limits, regions, table)]
    try:
        # beside the result, so that moving it there is one step
        with (
            tempfile.TemporaryDirectory(prefix=".", dir=folder.resolve()) as place,
            _quietly(),
        ):
            _write(library, Path(place), finished, found)
            _validate(Path(place) / FOLDER)
            _move(Path(place), folder)
    except (OSError, RuntimeError, ValueError) as error:  # such as of files over 100 MB
        raise OutputError(f"cannot write {folder / FOLDER}: {error}") from error
    if table.masses.size * table.couplings.size > MOST_ROWS:
        current.say(line_of(f"No table of yields: more than {MOST_ROWS} points; see the workspace"))
    current.say(line_of(f"{len(found)} tables, valid by hepdata-validator"))
    current.say(line_of(f"{folder / FOLDER}/, {folder / ARCHIVE}"))
    return {"task": "hepdata", "folder": str(folder), "tables": [x.name for x in found]}


def _library() -> ModuleType:
    """Import what writes submissions, which is an extra."""
    try:
        import hepdata_lib
        import hepdata_validator  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"task=hepdata needs hepdata_lib ({error}): pip install 'hnlstat[hepdata]'"
        ) from None
    return hepdata_lib  # type: ignore[no-any-return]


def _check(finished: FinishedRun) -> None:
    """Refuse runs that have no limits, or are of another version."""
    kind, scan = finished.study.task.kind, finished.study.scan
    marginal = finished.study.inference.marginal
    if scan.plane is not None or marginal is not None:
        what = "a plane of mixings" if scan.plane else f"limits with inference.marginal={marginal}"
        raise ConfigError(
            f"task.folder: {finished.path} has {what}; task=hepdata takes limits on one coupling "
            "by mass"
        )
    lacking = finished.lacking(NEEDED)
    if kind != "contour" or lacking:
        why = f"lacks {lacking}" if kind == "contour" else "has no limits by mass"
        raise ConfigError(
            f"task.folder: {finished.path} is of task={kind} and {why}; task=hepdata takes a run "
            "of task=contour with its yields"
        )
    if finished.version != __version__:
        made = (
            f"hnlstat {finished.version}" if finished.version else "an unknown version of hnlstat"
        )
        raise DataError(
            f"{finished.path}: the run is of {made}, this is {__version__}; run it again "
            f"(--config-dir {finished.path}), or export it with that version"
        )


def _write(library: ModuleType, place: Path, finished: FinishedRun, found: list[Sheet]) -> None:
    """Write a submission and its archive into an empty folder."""
    submission, study = library.Submission(), finished.study
    submission.comment = _abstract(finished)
    outdir = place / FOLDER
    outdir.mkdir()
    if all(finished.has(f"workspace/{name}") for name in LIKELIHOOD):
        archive = place / "likelihoods.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            for name in LIKELIHOOD:
                tar.add(finished.path / "workspace" / name, arcname=name)
        submission.add_additional_resource(
            "pyhf workspace of the background, BkgOnly.json, and a patch set with the signal of "
            "each mass and coupling, patchset.json",
            str(archive), copy_file=True, file_type="HistFactory",
        )  # fmt: skip
    if finished.has(CITATIONS):
        bibliography = str((finished.path / CITATIONS).resolve())  # copied from elsewhere
        submission.add_additional_resource("What was used", bibliography, copy_file=True)
    for sheet in found:
        table = _table(library, sheet, study.name, reactions(study))
        if sheet.observable == "CONTOUR" and finished.has(PICTURE):
            table.additional_resources += [
                {"description": "Image file", "location": PICTURE},
                {"description": "Thumbnail image file", "location": THUMB},
            ]
        submission.add_table(table)
    if finished.has(PICTURE):
        _draw_small(finished.path / PICTURE, outdir)
    with contextlib.chdir(place):  # the archive is written where one is
        submission.create_files(FOLDER, validate=False)


def _draw_small(picture: Path, outdir: Path) -> None:
    """Put a figure and a small copy of it into a folder; hepdata_lib asks ImageMagick to."""
    from PIL import Image

    shutil.copy(picture, outdir / PICTURE)
    try:
        with Image.open(picture) as image:
            image.thumbnail(SMALL)
            image.save(outdir / THUMB)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{picture}: is no figure: {error}") from None


def _abstract(finished: FinishedRun) -> str:
    """Say what was run and found, without signs that only screens have."""
    study = finished.study
    made = f"hnlstat {__version__}, content hash {content_hash(study)}"
    lines = words(study.task.kind, finished.summary, study.model.axis)
    return " ".join([f"{finished.summary.get('title', study.name)} ({made}).", *lines])


def _table(library: ModuleType, sheet: Sheet, study: str, processes: list[str]) -> Any:
    table = library.Table(sheet.name)
    table.description = sheet.description
    table.location = f"Run {study}: contours.pdf and report.html"
    table.keywords = {
        "observables": [sheet.observable],
        "reactions": processes,
        "phrases": [*PHRASES],
    }
    for columns, independent in ((sheet.sorted_by, True), (sheet.results, False)):
        for column in columns:
            table.add_variable(_variable(library, column, independent))
    return table


def _variable(library: ModuleType, column: Column, independent: bool) -> Any:
    variable = library.Variable(
        column.name, is_independent=independent, is_binned=False, units=column.unit,
        values=[*column.values], zero_uncertainties_warning=False,
    )  # fmt: skip
    variable.digits = DIGITS
    for name, value in column.qualifiers:
        variable.add_qualifier(name, value)
    if column.errors is not None:
        error = library.Uncertainty("simulation")
        error.values = [*column.errors]
        variable.add_uncertainty(error)
    return variable


def _validate(folder: Path) -> None:
    """Ask HEPData's own validator, with the schemas that it brings."""
    from hepdata_validator.full_submission_validator import FullSubmissionValidator

    validator = FullSubmissionValidator(autoload_remote_schemas=False)
    if not validator.validate(directory=str(folder)):
        messages = [str(m) for found in validator.get_messages().values() for m in found]
        raise OutputError(f"the submission is not valid: {'; '.join(messages)[:500]}")


def _move(place: Path, folder: Path) -> None:
    """Put what is complete in place of an earlier one, which goes with the temporary folder."""
    if (folder / FOLDER).exists():
        (folder / FOLDER).rename(place / "earlier")
    (place / FOLDER).rename(folder / FOLDER)
    (place / ARCHIVE).replace(folder / ARCHIVE)


@contextlib.contextmanager
def _quietly() -> Any:
    """Keep what the libraries print to themselves."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
