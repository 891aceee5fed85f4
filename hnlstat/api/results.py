"""What runs give to scripts and notebooks."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any

from hnlstat.api.tables import Table, table_of
from hnlstat.config.base import home, suggest
from hnlstat.config.study import Study
from hnlstat.config.task import ON_FOLDERS
from hnlstat.errors import ConfigError, FigureError, HnlstatError
from hnlstat.report.summary_text import notes
from hnlstat.report.words import tables as summary_tables
from hnlstat.report.words import words
from hnlstat.run.contours import Region
from hnlstat.run.files.folder import json_text
from hnlstat.system.drawing import own_settings
from hnlstat.tasks import running
from hnlstat.tasks.running import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTEBOOK_DPI = 110


class Result:
    """
    What came of a run; what its task does not give is a ConfigError that says so.

    Attributes
    ----------
    study
        What was run.
    summary
        The content of summary.json.
    remarks
        What to take with care.
    folder
        Where its files are, None if none were asked for.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.study: Study = outcome.study
        self.summary: dict[str, Any] = json.loads(json_text(outcome.summary))
        self.remarks: list[str] = outcome.remarks
        self.folder: Path | None = outcome.folder

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Tables by name: what files of the run have, with the same columns."""
        found = {
            Path(name).stem: table_of(Path(name).stem, kept.content, self.study)
            for name, kept in self._outcome.kept.items()
            if Path(name).suffix not in (".json", ".md")
        }
        return {name: table for name, table in found.items() if table is not None}

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures."""
        return tuple(self._outcome.figures)

    def figure(self, name: str | None = None) -> Figure:
        """
        Draw a figure; the first one, if no name is given.

        Raises
        ------
        ConfigError
            If there is none of that name.
        FigureError
            If it cannot be drawn; all else is here.
        """
        make = self._outcome.figures.get(name or next(iter(self.figures), ""))
        if make is None:
            task = self.study.task.kind
            if not self.figures:
                raise ConfigError(f"figure: task={task} has none")
            raise ConfigError(f"figure: {name!r:.100} is none; {suggest(str(name), self.figures)}")
        return drawn(name or self.figures[0], make)

    def document(self, name: str) -> Any:
        """Give the content of a file of the run, such as "workspace/BkgOnly.json"."""
        try:
            return self._outcome.kept[name].content
        except KeyError:
            hint = suggest(str(name), self._outcome.kept)
            raise ConfigError(
                f"{name}: task={self.study.task.kind} gives no such result; {hint}"
            ) from None

    @property
    def yields(self) -> Table:
        """N decays and signal events, as in yields.csv."""
        return self._table("yields")

    @property
    def limits(self) -> Table:
        """Limits on the coupling by mass, as in limits.csv."""
        return self._table("limits")

    @property
    def points(self) -> Table:
        """Tests of every grid point, as in points.csv."""
        return self._table("points")

    @property
    def contours(self) -> Sequence[Region]:
        """The regions of each limit in the plane of mass and coupling."""
        return tuple(self.document("contours.json"))

    @property
    def workspace(self) -> dict[str, Any]:
        """The likelihood without signal, as a pyhf workspace."""
        return dict(self.document("workspace/BkgOnly.json"))

    @property
    def patchset(self) -> dict[str, Any]:
        """The signal of every grid point, as a patch set for pyhf."""
        found = self.document("workspace/patchset.json")
        return dict(found if isinstance(found, Mapping) else found.document())

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise ConfigError(f"{name}: task={self.study.task.kind} gives no such result")
        return self.tables[name]

    def save(self, path: str | PathLike[str]) -> Path:
        """
        Write all files that the command line leaves, but the log, into a new folder.

        Raises
        ------
        OutputError
            If there is something in it, or it cannot be written.
        """
        place = folder("save", path)
        if self.study.task.kind in ON_FOLDERS:
            raise ConfigError(f"save: the files of task={self.study.task.kind} have their folder")
        running.save(self._outcome, place)
        return place

    def check_drawn(self) -> None:
        """Raise a FigureError if the folder lacks a figure that could not be drawn."""
        self._outcome.check_drawn()

    def _lines(self) -> list[str]:
        """What was found, in sentences."""
        kind = self.study.task.kind
        try:
            found = words(kind, self.summary, self.study.model.axis)
        except (LookupError, TypeError):
            found = []
        return [*found, *(str(note) for note in notes(self.remarks))]

    def __repr__(self) -> str:
        head = f"{type(self).__name__} of {self.study!r}"
        tables = [f"{name}: {len(table)} rows" for name, table in self.tables.items()]
        return "\n".join([head, *self._lines(), *tables])

    def _repr_html_(self) -> str:
        """Show words, the first figure and small tables in a notebook."""
        title = html.escape(f"{self.study.name}: {self.study.task.kind}")
        parts = [f"<h4>{title}</h4>"]
        parts += [f"<p>{html.escape(line)}</p>" for line in self._lines()]
        parts += map(_grid, summary_tables(self.study.task.kind, self.summary))
        if self.figures:
            try:
                code = base64.b64encode(png(self.figure())).decode("ascii")
                parts.append(f'<img alt="{self.figures[0]}" src="data:image/png;base64,{code}">')
            except HnlstatError as error:
                parts.append(f"<p>{html.escape(str(error))}</p>")
        return f"<div>{''.join(parts)}</div>"


def folder(key: str, value: object) -> Path:
    """Give the path of a folder that is named by a string or path."""
    try:
        if not isinstance(value, str | PathLike) or not str(value):
            raise ValueError("is not the path of a folder")
        return home(Path(value))
    except ValueError as error:
        raise ConfigError(f"{key}: {value!r:.100} {error}") from None


def drawn(name: str, make: Any) -> Figure:
    """Draw a figure that notebooks show as it is."""
    try:
        figure: Figure = make()
    except Exception as error:  # whatever may be wrong with a drawing is no fault of results
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FigureError(f"the figure {name} could not be made: {reason}", Path()) from error
    figure._repr_png_ = MethodType(png, figure)  # type: ignore[attr-defined]
    return figure


def png(figure: Figure) -> bytes:
    """Give a figure as it is shown in a notebook."""
    stream = io.BytesIO()
    with own_settings({}):
        figure.savefig(stream, format="png", dpi=NOTEBOOK_DPI)
    return stream.getvalue()


def _grid(grid: Any) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in grid.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in grid.rows
    )
    return f"<table><caption>{html.escape(grid.title)}</caption><tr>{head}</tr>{rows}</table>"
