"""A run under way: the study, the work, and what becomes its files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import RenderableType

from hnlstat.config.study import Study
from hnlstat.errors import HnlstatError
from hnlstat.run.files.folder import RunFolder, write_csv, write_json, write_text
from hnlstat.run.work import Work
from hnlstat.system.screen import Screen
from hnlstat.tables.csv_table import CsvTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")


@dataclass(frozen=True)
class Rows:
    """A table as it is written: the names of its columns, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def as_read(self, name: str) -> CsvTable:
        """Give the table as it would be read from its file."""
        entries = [[str(row[i]) for row in self.rows] for i in range(len(self.columns))]
        columns = dict(zip(self.columns, entries, strict=True))
        return CsvTable(Path(name), {}, columns, range(2, len(self.rows) + 2), {})


@dataclass(frozen=True)
class Kept:
    """A result, and what writes it to a file: both can be pickled."""

    content: Any
    write: Callable[[Path, Any], object]


@dataclass(frozen=True, kw_only=True)
class Run(Work):
    """A run under way.

    Attributes
    ----------
    study
        What is run.
    screen
        What the user is told.
    folder
        Where results go as they come; None: nowhere, they are kept here alone.
    kept
        Results by the names of their files.
    figures
        What draws each figure, by its name.
    undrawn
        Figures that could not be made.
    """

    study: Study
    screen: Screen
    folder: RunFolder | None = None
    kept: dict[str, Kept] = field(default_factory=dict)
    figures: dict[str, Callable[[], Figure]] = field(default_factory=dict)
    undrawn: list[str] = field(default_factory=list)

    def keep(self, name: str, content: T, write: Callable[[Path, T], object]) -> None:
        """Keep a result, and write it into the folder if there is one."""
        self.kept[name] = Kept(content, write)
        if self.folder is not None:
            write(self.folder.file(name), content)

    def keep_json(self, name: str, content: object) -> None:
        """Keep a document."""
        self.keep(name, content, write_json)

    def keep_text(self, name: str, content: str) -> None:
        """Keep a text."""
        self.keep(name, content, write_text)

    def keep_rows(self, name: str, rows: Rows) -> None:
        """Keep a table of rows."""
        self.keep(name, rows, _write_rows)

    def say(self, *parts: RenderableType) -> None:
        """Show texts and tables, once all files are written."""
        self.screen.say(*parts)

    def draw(self, name: str, make: Callable[[], Figure]) -> None:
        """Keep what draws a figure; a fault in drawing costs that figure, no result."""
        self.figures[name] = make
        if self.folder is not None:
            with self.drawing(f"the figure {name}"):
                self.folder.write_figure(name, make())

    @contextmanager
    def drawing(self, what: str, passing: type[HnlstatError] = HnlstatError) -> Iterator[None]:
        """Turn what goes wrong in making a figure, or the report, into a remark."""
        try:
            with warnings.catch_warnings(record=True) as found:
                yield
            for warning in found:  # of letters that a font lacks, and the like
                self.log.info("%s: %s", what, warning.message)
        except passing:
            raise
        except Exception as error:  # it shows results, and may cost none whatever goes wrong
            self.log.exception("%s", what)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.remark(f"{what} could not be made: {reason}")
            self.undrawn.append(what)


def _write_rows(path: Path, rows: Rows) -> None:
    write_csv(path, rows.columns, rows.rows)
