"""The limits and expected events on the way from one study to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.compare import Compare, Point
from hnlstat.errors import DataError
from hnlstat.inference.limits.limits import Limit
from hnlstat.tables.csv_table import CsvTable

Array = NDArray[np.float64]

COLUMNS = (
    "step", "keys", "mass_gev", "level", "kind", "method", "coupling", "open",
    "ratio_to_previous", "events_at_point",
)  # fmt: skip


@dataclass(frozen=True)
class Landing:
    """What a study on the way gives.

    Attributes
    ----------
    name, keys
        Of the step that leads to it, and what that has changed.
    level, kind
        Of the limits: the first of `inference.levels`; "observed", or "expected" without data.
    limits
        At each mass the lowest coupling that is excluded; None where nothing is.
    events
        Expected signal events at the point, all channels together.
    """

    name: str
    keys: tuple[str, ...]
    level: float
    kind: str
    limits: tuple[Limit | None, ...]
    events: float


@dataclass(frozen=True)
class Comparison:
    """The limits on the way from one study to another.

    Attributes
    ----------
    masses
        Masses of the limits [GeV].
    point
        Where events are expected.
    landings
        The first study, the ones between, and the second.
    """

    masses: tuple[float, ...]
    point: Point
    landings: tuple[Landing, ...]

    def couplings(self) -> Array:
        """Limits (steps, masses) [GeV^-1], NaN where nothing is excluded."""
        return np.array(
            [
                [np.nan if limit is None else limit.coupling for limit in landing.limits]
                for landing in self.landings
            ]
        )

    def ratios(self) -> Array:
        """Limits over those of the previous step (steps, masses), NaN where there is no such."""
        couplings = self.couplings()
        previous = np.vstack([np.full(len(self.masses), np.nan), couplings[:-1]])
        return np.asarray(couplings / previous)

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Lines of compare.csv, in the order of `COLUMNS`; what is not there is empty."""
        ratios = self.ratios()
        for i, landing in enumerate(self.landings):
            for j, (mass, limit) in enumerate(zip(self.masses, landing.limits, strict=True)):
                found = ("", "", "") if limit is None else (
                    limit.method, f"{limit.coupling:.7g}", str(limit.open).lower()
                )  # fmt: skip
                ratio = "" if np.isnan(ratios[i, j]) else f"{ratios[i, j]:.5g}"
                yield (
                    landing.name, " ".join(landing.keys), f"{mass:.10g}", f"{landing.level:.12g}",
                    landing.kind, *found, ratio, f"{landing.events:.6g}",
                )  # fmt: skip

    @classmethod
    def read(cls, table: CsvTable, settings: Compare) -> Comparison:
        """Give what `rows` has written.

        Raises
        ------
        DataError
            Names the file, line and column of what cannot be used.
        """
        columns, number = table.columns, len(settings.masses)
        if not columns["step"] or len(columns["step"]) % number:
            raise DataError(f"{table.path}: is not of {number} masses in each step")
        level = table.numbers("level", above=0, at_most=1).tolist()
        coupling = table.numbers("coupling", above=0, empty=np.nan).tolist()
        events = table.numbers("events_at_point", at_least=0).tolist()
        landings = []
        for first in range(0, len(level), number):
            limits = tuple(
                None
                if np.isnan(coupling[i])
                else Limit(
                    settings.masses[i - first], level[i], columns["kind"][i], "lower",
                    columns["method"][i], coupling[i], columns["open"][i] == "true",
                )
                for i in range(first, first + number)
            )  # fmt: skip
            keys = tuple(columns["keys"][first].split())
            head = columns["step"][first], keys, level[first], columns["kind"][first]
            landings.append(Landing(*head, limits, events[first]))
        return cls(settings.masses, settings.point, tuple(landings))
