"""The run's folder and its files: atomic writers, and readers that name what is wrong."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hnlstat.errors import OutputError
from hnlstat.system.drawing import own_settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPORARY = ".tmp"
"""End of the names of files that are not complete."""

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it becomes `path` only if the block ends well.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    # unique among all processes, on all machines, that share the folder
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, all or nothing."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """Write a text that comes in parts, and need not be in memory as a whole; see `write_text`."""
    with atomic_file(path) as new, new.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with a line of column names to `path`, all or nothing."""
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_json(
    path: Path, content: object, *, indent: int | None = 2, strict: bool = False
) -> None:
    """Write `content` as JSON.

    Numpy scalars and arrays become numbers and lists, NaN and infinity, which JSON lacks, null.

    Raises
    ------
    OutputError
        If `strict`, as for likelihoods, where `content` holds NaN or infinity.
    """
    try:
        write_text(path, json_text(content, indent=indent, strict=strict) + "\n")
    except ValueError as error:
        raise OutputError(f"cannot write {path}: a number in it is not finite") from error


def json_text(content: object, *, indent: int | None = 2, strict: bool = False) -> str:
    """Give `content` as JSON; see `write_json`. If `strict`, NaN and infinity are a ValueError."""
    dumps = partial(json.dumps, indent=indent, default=_plain, allow_nan=False, ensure_ascii=False)
    try:
        return dumps(content)
    except ValueError:  # only now: to look through all of the content takes as long again
        if strict:
            raise
        return dumps(_finite(content))


def _finite(content: object) -> object:
    """Return the same content with None in place of NaN and infinity."""
    if isinstance(content, np.ndarray | np.generic):
        content = content.tolist()
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def json_parts(content: Mapping[str, object]) -> Iterator[str]:
    """Give the text of a JSON object in parts; iterators in it become lists, item by item.

    NaN and infinity are a ValueError.
    """
    before = "{"
    for name, value in content.items():
        yield f"{before}{json_text(name)}: "
        if isinstance(value, Iterator):
            between = "["
            for item in value:
                yield between + json_text(item, indent=None, strict=True)
                between = ", "
            yield "]" if between == ", " else "[]"
        else:
            yield json_text(value, indent=None, strict=True)
        before = ", "
    yield "}\n"


def figure_files(figure: Figure) -> dict[str, bytes]:
    """Give a figure as PNG and as PDF, undated: equal figures give equal files.

    PDF keeps its text as TrueType (Type 42), which journals ask for.
    """
    files = {}
    with own_settings({"pdf.fonttype": 42}):
        for suffix, undated in (("png", {}), ("pdf", {"CreationDate": None})):
            stream = io.BytesIO()
            figure.savefig(stream, format=suffix, metadata=undated)
            files[suffix] = stream.getvalue()
    return files


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} has no place in JSON")


@dataclass(frozen=True)
class RunFolder:
    """One run's folder, `<root>/<name>/<date>_<time>_<hash8>/`.

    The folder is made first and filled file by file, each of which appears complete or not at all.
    So a run that is interrupted leaves the results it had reached, under their final names, and no
    damaged file; a folder built aside and renamed at the end would lose them. `summary.json` is
    written last: a folder that has it is complete.

    Attributes
    ----------
    path : Path
        The folder.
    """

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, content_hash: str) -> RunFolder:
        """Make a new folder for a run.

        Raises
        ------
        OutputError
            If `name` cannot name a folder, or the folder cannot be made or written to.
        """
        if not re.fullmatch(r"[\w.+-]+", name) or set(name) == {"."}:
            raise OutputError(
                f"name: {name!r} cannot name a run folder; use letters, digits, '.', '+', '-', '_'"
            )
        stem = f"{datetime.now():%Y-%m-%d_%H%M%S}_{content_hash[:8]}"
        parent = root / name
        try:
            parent.mkdir(parents=True, exist_ok=True)
            return cls(_make_unique(parent, stem))
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"runs: cannot make a run folder in {parent}: {reason}") from error

    def clear_temporary(self) -> None:
        """Delete what a run that was killed left half written."""
        for path in self.path.rglob(f".*{TEMPORARY}"):
            path.unlink(missing_ok=True)

    def file(self, name: str) -> Path:
        """Path of a file of the run, its sub-folder made where it has one."""
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {path.parent}: {error.strerror or error}") from error
        return path

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file of the run; see `write_text`."""
        path = self.file(name)
        write_text(path, text)
        return path

    def write_json(
        self, name: str, content: object, *, indent: int | None = 2, strict: bool = False
    ) -> Path:
        """Write a JSON file of the run; see `write_json`."""
        path = self.file(name)
        write_json(path, content, indent=indent, strict=strict)
        return path

    def write_parts(self, name: str, parts: Iterable[str]) -> Path:
        """Write a text file of the run that comes in parts; see `write_parts`."""
        path = self.file(name)
        write_parts(path, parts)
        return path

    def write_csv(
        self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> Path:
        """Write a csv table of the run; see `write_csv`."""
        path = self.file(name)
        write_csv(path, columns, rows)
        return path

    def write_figure(self, stem: str, figure: Figure) -> list[Path]:
        """Write a figure in the formats of `figure_files`."""
        return self.write_files(stem, figure_files(figure))

    def write_files(self, stem: str, contents: Mapping[str, bytes]) -> list[Path]:
        """Write files of the run that have a name in common; contents by suffix."""
        paths = [self.file(f"{stem}.{suffix}") for suffix in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            with atomic_file(path) as temporary:
                temporary.write_bytes(content)
        return paths

    @contextmanager
    def log(self, level: int = logging.INFO) -> Iterator[logging.Logger]:
        """Send the package's log to `run.log` while the block runs."""
        logger = logging.getLogger("hnlstat")
        before = logger.level
        path = self.file("run.log")
        try:
            handler = logging.FileHandler(path, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        logger.addHandler(handler)
        logger.setLevel(level)
        try:
            yield logger
        finally:
            logger.setLevel(before)
            logger.removeHandler(handler)
            handler.close()


def _make_unique(parent: Path, stem: str) -> Path:
    """Make `parent/stem`, or with a number behind where two runs share a second and a hash."""
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}_{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path
