"""Reading the folder of a finished run, so that every complaint names file and entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hnlstat.config.finished import OfFinished
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError, DataError
from hnlstat.run.contours import EDGES, PLANE_SCHEMA, SCHEMA, Region, plane_edges
from hnlstat.run.files.yields import read_yields
from hnlstat.search.table import YieldTable
from hnlstat.studies.checks import check_tables
from hnlstat.studies.compose import read
from hnlstat.studies.inputs import DRAWN, check_inputs
from hnlstat.system.reading import read_json
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.version import __version__

T = TypeVar("T")


@dataclass(frozen=True)
class FinishedRun:
    """A run that came to its end, or has only to write its summary.

    Attributes
    ----------
    path : Path
        Its folder.
    study : Study
        What was run.
    summary : dict
        Content of `summary.json`.
    kept : mapping, optional
        Contents by the names of files, of a run that still has them; None: they are in its folder.
    """

    path: Path
    study: Study
    summary: dict[str, Any]
    kept: Mapping[str, Any] | None = None

    @classmethod
    def asked(cls, task: OfFinished) -> FinishedRun:
        """Open the run that a task is on; see `open`."""
        assert task.folder is not None  # a task without it is not valid
        return cls.open(task.folder)

    @classmethod
    def open(cls, path: Path) -> FinishedRun:
        """Read what every run has.

        Raises
        ------
        ConfigError, DataError
            If the folder is not one of a run, or the run did not finish; names the file.
        """
        if not (path / "config.yaml").is_file():
            raise DataError(f"{path}: is not the folder of a run: it has no config.yaml")
        if not (path / "summary.json").is_file():
            raise DataError(f"{path}: the run did not finish: it has no summary.json")
        summary = read_json(path / "summary.json")
        if not isinstance(summary, dict):
            raise DataError(f"{path / 'summary.json'}: is not a JSON object")
        try:
            study = read(path / "config.yaml")
        except ConfigError as error:
            raise ConfigError(f"{error}{_of_another(path)}") from None
        try:
            check_inputs(study, DRAWN)
            check_tables(study)
        except ConfigError as error:
            raise ConfigError(f"{path / 'config.yaml'}: {error}") from None
        except (UnicodeDecodeError, RecursionError) as error:
            raise DataError(f"{path / 'config.yaml'}: cannot be read: {error}") from None
        return cls(path, study, summary)

    @property
    def version(self) -> str | None:
        """Version of hnlstat that made it; None if that is not known."""
        return made_by(self.path)

    @property
    def kind(self) -> str:
        """What was done: the task, or "plane" for contours in a plane of mixings."""
        return self.study.task.kind if self.study.scan.plane is None else "plane"

    def has(self, name: str) -> bool:
        """Tell whether the run has left a file."""
        return (self.path / name).is_file() if self.kept is None else name in self.kept

    def lacking(self, names: Sequence[str]) -> str | None:
        """Give the first of some files that the run has not left; None if all are there."""
        return next((name for name in names if not self.has(name)), None)

    def content(self, name: str, read: Callable[[Path], Any]) -> Any:
        """Give what a file holds: as it was kept, else as it is read."""
        return read(self.path / name) if self.kept is None else self.kept[name]

    def table(self) -> YieldTable:
        """Give `yields.csv`.

        Raises
        ------
        DataError
            Names the file and row of what cannot be used.
        """
        found: YieldTable = self.content(
            "yields.csv", lambda path: read_yields(path, self.study.model.axis, own=True)
        )
        return found

    def regions(self) -> tuple[Region, ...]:
        """Give `contours.json`, that of a plane of mixings, too.

        Raises
        ------
        DataError
            Names the file and the contour of what cannot be used.
        """
        found: tuple[Region, ...] = self.content(
            "contours.json", lambda path: read_contours(path, self.study.scan.plane)
        )
        return found

    def rows(self, name: str, columns: Sequence[str]) -> CsvTable:
        """Give a table of which all entries are kept as they are written.

        Raises
        ------
        DataError
            Names the file and line of what cannot be used.
        """
        if self.kept is None:
            return read_csv(self.path / name, required=columns)
        found: CsvTable = self.kept[name].as_read(name)
        return found

    def told(self, read: Callable[[dict[str, Any]], T]) -> T:
        """Give what is read from the summary.

        Raises
        ------
        DataError
            If that is not what a run of this task writes.
        """
        path = self.path / "summary.json"
        try:
            return read(self.summary)
        except KeyError as error:
            raise DataError(f"{path}: lacks {error}") from None
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise DataError(f"{path}: is not that of a task={self.kind}: {error}") from None


def made_by(path: Path) -> str | None:
    """Version of hnlstat in the `provenance.json` of a folder; None if it has none."""
    try:
        found = read_json(path / "provenance.json")["versions"]["hnlstat"]
    except (DataError, LookupError, TypeError):
        return None
    return str(found)


def _of_another(path: Path) -> str:
    """Say so if a run is of another version, whose settings may be others."""
    version = made_by(path)
    return "" if version in (None, __version__) else f" (the run is of hnlstat {version})"


def main_limit(regions: Sequence[Region]) -> list[Region]:
    """Regions of the first level's observed limit, or of the expected one if there are no data."""
    for kind in ("observed", "expected"):
        if found := [region for region in regions if region.kind == kind]:
            level = min(region.level for region in found)
            return [region for region in found if region.level == level]
    return []


def read_contours(path: Path, flavours: Sequence[str] | None = None) -> tuple[Region, ...]:
    """Read regions as `hnlstat.run.contours.contours_document` writes them.

    Parameters
    ----------
    path : Path
        The file.
    flavours : sequence of str, optional
        Of the axes, if it is of a plane of mixings, as `hnlstat.run.planes` writes it.

    Raises
    ------
    DataError
        Names the file and the contour of what cannot be used.
    """
    return regions_of(read_json(path), str(path), flavours)


def regions_of(
    document: Any, path: str, flavours: Sequence[str] | None = None
) -> tuple[Region, ...]:
    """Give the regions of a document that stands at `path`; see `read_contours`."""
    schema, edges = (PLANE_SCHEMA, plane_edges(flavours)) if flavours else (SCHEMA, EDGES)
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise DataError(f"{path}: its schema is not {schema!r}")
    if not isinstance(document.get("contours"), list):
        raise DataError(f"{path}: contours is not a list")
    found = []
    for number, entry in enumerate(document["contours"]):
        try:
            outline, *holes = map(_curve, entry["polygon"])
            found.append(
                Region(
                    _level(entry["level"]), str(entry["kind"]), str(entry["method"]), outline,
                    tuple(holes), tuple(map(_curve, entry["lines"])),
                    *(bool(entry["open"][edge]) for edge in edges),
                )
            )  # fmt: skip
        except KeyError as error:
            raise DataError(f"{path}, contours.{number}: lacks {error}") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            raise DataError(f"{path}, contours.{number}: {error}") from None
    return tuple(found)


def _level(value: Any) -> float:
    level = float(value)
    if not 0 < level < 1:
        raise ValueError(f"has the level {value}, which is not between 0 and 1")
    return level


def _curve(points: Any) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Points [mass, coupling] as an array (V, 2)."""
    curve = np.array(points, dtype=float)
    if curve.ndim != 2 or curve.shape[1] != 2 or not np.all((curve > 0) & (curve < np.inf)):
        raise ValueError("has a curve that is not a list of positive [mass, coupling]")
    return curve
