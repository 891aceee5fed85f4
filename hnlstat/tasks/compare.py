"""task=compare: from one study to another in steps, the limits and expected events after each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.report.gallery import draw
from hnlstat.report.staircase import markdown, screen_table
from hnlstat.run.comparison import COLUMNS, Comparison, Landing
from hnlstat.run.current import Rows, Run
from hnlstat.run.remarks import check_error
from hnlstat.run.stages import build, limits
from hnlstat.run.work import Work
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import Job, Plan
from hnlstat.simulation.sample import MassSample
from hnlstat.simulation.setup import variations
from hnlstat.studies.staircase import Stair, staircase

OF_LIKELIHOOD = {
    "description", "background", "covariance", "background_factor", "observed", "systematics",
    "disjoint_from", "assumed", "cite",
}  # fmt: skip
"""Settings of searches that no sample depends on."""

Array = NDArray[np.float64]


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Find limits and expected events after each step from one study to another."""
    assert given is None  # a Study with yields_from and this task is not valid
    study = current.study
    comparison = compare(study, staircase(study), current)
    axis = study.model.axis
    current.keep_rows("compare.csv", Rows(COLUMNS, tuple(comparison.rows())))
    current.keep_text("compare.md", markdown(comparison, axis))
    draw(current)
    current.say(screen_table(comparison, axis))
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
                axis.column.replace("coupling", "couplings", 1): [
                    limit and limit.coupling for limit in landing.limits
                ],
                "events_at_point": landing.events,
            }
            for landing in comparison.landings
        ],
    }


def compare(study: Study, stairs: Sequence[Stair], work: Work) -> Comparison:
    """Simulate each study where it changes the samples, and find its limits."""
    settings = study.compare
    couplings = study.scan.coupling.array()
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
            samples, last = work.map_stored("simulation", Job.run, jobs), basis
        number = len(of_grid)
        tables = plans[0].table(samples[:number]), plans[1].table(samples[number:])
        landings.append(_landing(stair, *tables, work))
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
    unused: Any = {"datasets": {"__all__": {"search": {"__all__": OF_LIKELIHOOD}}}}
    parts = {"datasets", "model", "scan", "simulation"}
    basis = study.model_dump(include=parts, exclude=unused)
    further = study.systematics.rock_length
    return basis | {"variations": variations(study), "rock_length": further}


def _landing(stair: Stair, table: YieldTable, point: YieldTable, work: Work) -> Landing:
    """Find the limits of one study: those of its first level, without significances."""
    level = stair.study.inference.levels[0]
    inference = stair.study.inference.replace(levels=(level,), sigmas=())
    study = stair.study.replace(inference=inference)
    check_error(study, table, work, f" at step {stair.name}")
    experiment = build(study, table, work)
    kind = "expected" if experiment.base.observed is None else "observed"
    found = tuple(
        next((x for x in result.limits if (x.kind, x.branch) == (kind, "lower")), None)
        for result in limits(study, table, experiment, work)
    )
    return Landing(stair.name, stair.keys, level, kind, found, float(point.events.sum()))
