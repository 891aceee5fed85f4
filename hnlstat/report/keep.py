"""What the stages of a run leave: their files, and words for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.study import Study
from hnlstat.config.task import AT_A_POINT
from hnlstat.errors import ConfigError
from hnlstat.inference.limits.limits import Limit, MassLimits
from hnlstat.inference.limits.points import PointTest
from hnlstat.likelihood.experiment import Experiment
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.patchset import SignalGrid, lazy_patchset, patchset
from hnlstat.likelihood.workspace import background_only
from hnlstat.run import stages
from hnlstat.run.current import Run
from hnlstat.run.files.folder import json_parts, write_json, write_parts
from hnlstat.run.files.limits import write_limits
from hnlstat.run.files.point_table import write_points
from hnlstat.run.files.yields import write_cut_flows, write_yields
from hnlstat.search.masses import Simulation
from hnlstat.search.table import YieldTable

if TYPE_CHECKING:
    from hnlstat.run.contours import Region


@dataclass(frozen=True, eq=False)
class Points:
    """The tests of grid points, with the names of the channels."""

    channels: tuple[str, ...]
    tests: tuple[PointTest, ...]

    @classmethod
    def of(cls, experiment: Experiment, tests: Sequence[tuple[PointTest, ...]]) -> Points:
        """All tests, of those of each mass."""
        return cls(tuple(experiment.base.members), tuple(chain.from_iterable(tests)))


@dataclass(frozen=True, eq=False)
class Patches:
    """The signals of a grid, as patches of a background."""

    base: CountingModel
    grid: SignalGrid
    description: str
    column: str

    def lazy(self) -> dict[str, Any]:
        """The patch set, its patches an iterator."""
        return lazy_patchset(self.base, self.grid, self.description, self.column)

    def document(self) -> dict[str, Any]:
        """The whole patch set, which takes much memory for a large grid."""
        return patchset(self.base, self.grid, self.description, self.column)


def yields(current: Run, table: YieldTable) -> None:
    """Keep yields.csv, and the cut flows of searches that simulate decays, with remarks on them."""
    axis = current.study.model.axis
    current.keep("yields.csv", table, partial(write_yields, axis=axis))
    if table.cut_flows:
        from hnlstat.report.cut_flow import cut_flow_remarks, cut_flow_table

        current.keep("cutflow.csv", table.cut_flows, partial(write_cut_flows, axis=axis))
        for flow in table.cut_flows:
            current.say(cut_flow_table(flow, axis))
            for text in cut_flow_remarks(flow):
                current.remark(text)


def simulation(current: Run) -> Simulation:
    """Simulate where the task works, and keep the yields."""
    found = stages.simulate(current.study, *stages.place(current.study), current)
    yields(current, found.table)
    return found


def simulated_or_given(current: Run, given: YieldTable | None) -> YieldTable:
    """Keep the yields that are given, else those of the simulation."""
    if given is None:
        return simulation(current).table
    yields(current, given)
    return given


def likelihood(current: Run, table: YieldTable) -> Experiment:
    """Build the likelihood, and keep it as pyhf workspace and patch set."""
    experiment = stages.build(current.study, table, current)
    workspace(current, table, experiment)
    return experiment


def workspace(current: Run, table: YieldTable, experiment: Experiment) -> None:
    """Keep the pyhf workspace and the patch set of a grid."""
    check_signal(current.study, experiment)
    current.keep("workspace/BkgOnly.json", background_only(experiment.base), write_strict)
    found = patches(table, experiment, current.study)
    current.keep("workspace/patchset.json", found, _write_patches)


def check_signal(study: Study, experiment: Experiment) -> None:
    """Raise a ConfigError if no point of a grid has a signal."""
    if np.any(experiment.signal):
        return
    if study.yields_from is not None:
        raise ConfigError(f"yields_from: {study.yields_from}: no grid point has a signal")
    masses, _ = stages.place(study)
    key = "model.mass" if study.task.kind in AT_A_POINT else "scan.mass"
    ends = " to ".join(f"{mass:.6g}" for mass in dict.fromkeys(masses[[0, -1]].tolist()))
    raise ConfigError(
        f"{key}: {ends} GeV: no grid point has a signal: of these N no decay to "
        f"{', '.join(study.final_states)} is made or selected"
    )


def patches(table: YieldTable, experiment: Experiment, study: Study) -> Patches:
    """Give the patches of all points of a grid."""
    bins = len(experiment.base.channels)
    grid = SignalGrid(
        np.repeat(table.masses, table.couplings.size),
        np.tile(table.couplings, table.masses.size),
        experiment.signal.reshape(-1, bins),
        {name: change.reshape(-1, bins) for name, change in experiment.modifiers.items()},
        experiment.mc_error.reshape(-1, bins),
    )
    return Patches(experiment.base, grid, study.name, study.model.axis.column)


def points(current: Run, experiment: Experiment, tests: Sequence[tuple[PointTest, ...]]) -> None:
    """Keep points.csv."""
    found = Points.of(experiment, tests)
    current.keep("points.csv", found, partial(_write_points, current.study.model.axis))


def limits(current: Run, results: Sequence[MassLimits]) -> None:
    """Keep limits.csv."""
    found: tuple[Limit, ...] = tuple(limit for result in results for limit in result.limits)
    current.keep("limits.csv", found, write_limits)


def contours(current: Run, regions: Sequence[Region]) -> None:
    """Keep contours.json."""
    current.keep("contours.json", tuple(regions), _write_contours)


def write_strict(path: Path, content: object) -> None:
    """Write a likelihood, of which every number must be finite."""
    write_json(path, content, strict=True)


def write_compact(path: Path, content: object) -> None:
    """Write a large one, without line breaks."""
    write_json(path, content, indent=None, strict=True)


def _write_patches(path: Path, found: Patches) -> None:
    write_parts(path, json_parts(found.lazy()))


def _write_points(axis: CouplingAxis, path: Path, found: Points) -> None:
    write_points(path, found.channels, found.tests, axis)


def _write_contours(path: Path, regions: Sequence[Region]) -> None:
    from hnlstat.run.contours import contours_document

    write_json(path, contours_document(regions), indent=None)
