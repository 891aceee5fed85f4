"""Reading the folder of a finished run, so that every complaint names file and entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hnlstat.config.study import Study
from hnlstat.errors import ConfigError, DataError
from hnlstat.run.contours import SCHEMA, Region
from hnlstat.run.files.yields import read_yields
from hnlstat.search.table import YieldTable
from hnlstat.studies.checks import check_tables
from hnlstat.studies.compose import read
from hnlstat.studies.inputs import DRAWN, check_inputs
from hnlstat.system.reading import read_json
from hnlstat.version import __version__

OPEN = ("low_mass", "high_mass", "low_coupling", "high_coupling")


@dataclass(frozen=True)
class FinishedRun:
    """A run that came to its end.

    Attributes
    ----------
    path : Path
        Its folder.
    study : Study
        What was run.
    summary : dict
        Content of `summary.json`.
    """

    path: Path
    study: Study
    summary: dict[str, Any]

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

    def has(self, name: str) -> bool:
        """Tell whether the folder has a file."""
        return (self.path / name).is_file()

    def table(self) -> YieldTable:
        """Read `yields.csv`.

        Raises
        ------
        DataError
            Names the file and row of what cannot be used.
        """
        return read_yields(self.path / "yields.csv", self.study.model.axis, own=True)

    def regions(self) -> tuple[Region, ...]:
        """Read `contours.json`.

        Raises
        ------
        DataError
            Names the file and the contour of what cannot be used.
        """
        return read_contours(self.path / "contours.json")


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


def read_contours(path: Path) -> tuple[Region, ...]:
    """Read regions as `hnlstat.run.contours.contours_document` writes them.

    Raises
    ------
    DataError
        Names the file and the contour of what cannot be used.
    """
    document = read_json(path)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise DataError(f"{path}: its schema is not {SCHEMA!r}")
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
                    *(bool(entry["open"][edge]) for edge in OPEN),
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
