"""task=compare: from one study to another in steps, the limits and expected events after each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.compare import Point
from hnlstat.config.study import Study
from hnlstat.inference.limits.limits import Limit
from hnlstat.run.stages import Run, build, check_error, limits
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import Job, Plan
from hnlstat.simulation.sample import MassSample
from hnlstat.simulation.setup import variations
from hnlstat.studies.staircase import Stair, staircase

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


def run_compare(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """task=compare: limits and expected events after each step from one study to another."""
    from hnlstat.report.staircase import markdown, screen_table, staircase_figure

    assert given is None  # a Study with yields_from and this task is not valid
    study, folder = current.study, current.folder
    comparison = compare(current, staircase(study))
    folder.write_csv("compare.csv", COLUMNS, comparison.rows())
    folder.write_text("compare.md", markdown(comparison))
    flavours = study.model.flavours.model_dump()
    current.draw("compare", lambda: staircase_figure(comparison, flavours))
    current.say(screen_table(comparison))
    return {
        "task": "compare",
        "remarks": current.remarks,
        "masses_gev": comparison.masses,
        "point": study.compare.point.model_dump(),
        "steps": [
            {
                "name": landing.name,
                "keys": landing.keys,
                "level": landing.level,
                "kind": landing.kind,
                "couplings_inv_gev": [limit and limit.coupling for limit in landing.limits],
                "events_at_point": landing.events,
            }
            for landing in comparison.landings
        ],
    }


def compare(current: Run, stairs: Sequence[Stair]) -> Comparison:
    """Simulate each study where it changes the samples, and find its limits."""
    settings = current.study.compare
    couplings = current.study.scan.coupling.array()
    point = np.array([settings.point.mass]), np.array([settings.point.coupling])
    landings = []
    last: Any = None
    samples: list[MassSample] = []
    for stair in stairs:
        grid = np.array(settings.masses), _within_table(stair.study, couplings)
        plans = [Plan.of(stair.study, *axes) for axes in (grid, point)]
        of_grid, of_point = (list(plan.jobs()) for plan in plans)
        if (basis := _simulated(stair.study)) != last:
            jobs = [*of_grid, *of_point]
            samples, last = current.map_stored("simulation", Job.run, jobs), basis
        number = len(of_grid)
        tables = plans[0].table(samples[:number]), plans[1].table(samples[number:])
        landings.append(_landing(current, stair, *tables))
    return Comparison(settings.masses, settings.point, tuple(landings))


def _within_table(study: Study, couplings: Array) -> Array:
    """The couplings of a study's table and those of the grid between them; all without a table."""
    if study.scan.table is None:
        return couplings
    known = study.scan.table.coupling.array()
    inside = (couplings > known[0]) & (couplings < known[-1])
    return np.union1d(known, couplings[inside])


def _simulated(study: Study) -> dict[str, Any]:
    """All that the samples depend on, through what is simulated or the precision asked for."""
    parts = {"datasets", "flux", "model", "scan", "selection", "simulation"}
    basis = study.model_dump(include=parts, exclude={"selection": {"background"}})
    further = study.systematics.rock_length
    return basis | {"variations": variations(study), "rock_length": further}


def _landing(current: Run, stair: Stair, table: YieldTable, point: YieldTable) -> Landing:
    """Find the limits of one study: those of its first level, without significances."""
    level = stair.study.inference.levels[0]
    inference = stair.study.inference.replace(levels=(level,), sigmas=())
    mine = replace(current, study=stair.study.replace(inference=inference))
    check_error(mine, table, f" at step {stair.name}")
    experiment = build(mine, table)
    kind = "expected" if experiment.base.observed is None else "observed"
    found = tuple(
        next((x for x in result.limits if (x.kind, x.branch) == (kind, "lower")), None)
        for result in limits(mine, table, experiment)
    )
    return Landing(stair.name, stair.keys, level, kind, found, float(point.events.sum()))
