"""The stage of a run that fits mass and coupling to the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.config.task import FitTask
from hnlstat.inference.fit.fit import FitResult, sigma_level, threshold
from hnlstat.inference.fit.fit import fit as find_best
from hnlstat.inference.fit.problem import FitProblem, scan
from hnlstat.inference.fit.surface import YieldSurface
from hnlstat.likelihood.experiment import Experiment
from hnlstat.run.contours import LimitField, Region, regions
from hnlstat.run.work import Work
from hnlstat.search.table import YieldTable

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Best fit of mass and coupling, with contours.

    Attributes
    ----------
    best
        Parameters at the best fit.
    regions
        Of each level, as contours of the profile likelihood.
    masses, couplings
        The plane that these are drawn on [GeV], [unit of the coupling].
    above
        -2 Delta ln L from the best fit on that plane.
    levels
        Two-sided confidence levels, each with -2 Delta ln L of its contour.
    """

    best: FitResult
    regions: tuple[Region, ...]
    masses: Array
    couplings: Array
    above: Array
    levels: dict[float, float]


def fit(task: FitTask, table: YieldTable, experiment: Experiment, work: Work) -> Fitted:
    """Fit the data of a likelihood over the grid of its yields.

    Raises
    ------
    InferenceError
        If there are no data.
    """
    axes = table.masses, table.couplings
    surface = YieldSurface.build(
        *axes, experiment.signal, experiment.modifiers, experiment.mc_error
    )
    problem = FitProblem(surface, experiment.base)
    masses, couplings = (np.geomspace(axis[0], axis[-1], task.points) for axis in axes)
    scanned = scan(problem, masses, couplings)
    best = find_best(problem, masses, couplings, scanned)
    if best.validity != "ok":
        work.remark(best.validity)
    above = 2.0 * (scanned - best.nll)
    levels = {level: threshold(level) for level in (*task.levels, *map(sigma_level, task.sigmas))}
    fields = (
        LimitField(level, "fit", "profile likelihood", masses, couplings, end - above)
        for level, end in levels.items()
    )
    found = tuple(region for field in fields for region in regions(field))
    return Fitted(best, found, masses, couplings, above, levels)


def share_from_rock(study: Study, table: YieldTable, best: FitResult) -> float | None:
    """Share of the events at the best fit whose N were made in rock; None: it is not known.

    It comes from the uncertainty of the rock's density, linear between the points of the grid.
    """
    size, change = study.systematics.rock_density, table.modifiers.get("rock_density")
    if not size or change is None:
        return None
    axes = np.log(table.masses), np.log(table.couplings)
    made = (table.events * change).sum(axis=-1) / size
    whole = table.events.sum(axis=-1)
    share = np.divide(made, whole, out=np.zeros_like(made), where=whole > 0)
    point = np.log([[best["mass"].value, best["coupling"].value]])
    return float(scipy.interpolate.interpn(axes, share, point, bounds_error=False)[0])
