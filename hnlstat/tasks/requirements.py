"""task=requirements: what efficiency and background exclude or discover N at given points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hnlstat.config.requirements import Point
from hnlstat.config.task import RequirementsTask
from hnlstat.errors import ConfigError
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits.requirements import WEIGHTED, Edge, Kind, Row
from hnlstat.likelihood.model import CountingModel
from hnlstat.report import keep
from hnlstat.report.gallery import draw
from hnlstat.report.requirements_text import requirement_sentences
from hnlstat.run.current import Rows, Run
from hnlstat.run.stages import build, simulate
from hnlstat.search.kept import looked_for
from hnlstat.search.table import YieldTable

Array = NDArray[np.float64]
KINDS: tuple[Kind, ...] = ("exclusion", "discovery")

COLUMNS = (
    "efficiency", "background", "uncertainty", "signal", "cls_expected", "exclusion_sigma",
    "p0_expected", "discovery_sigma", "exclusion_method", "discovery_method", "validity",
)  # fmt: skip
"""Behind name, mass and coupling of the point."""

SEEN = 0.5, 7.0
"""Significances between which calculations are compared."""


@dataclass(frozen=True, eq=False)
class Signal:
    """What a point gives.

    Attributes
    ----------
    point : its name, mass and coupling
    decays : to the final states of the searches in their fiducial volumes
    events : of these, what the searches select themselves
    model : with a signal of all decays, shared as the selected ones
    """

    point: Point
    decays: float
    events: float
    model: CountingModel


@dataclass(frozen=True, eq=False)
class Map:
    """All tests: (P, U, B, E) by point, uncertainty, background and efficiency, of both kinds."""

    signals: tuple[Signal, ...]
    uncertainties: tuple[float, ...]
    backgrounds: Array
    efficiencies: Array
    medians: dict[Kind, NDArray[Any]]

    def significance(self, kind: Kind) -> Array:
        """Standard deviations, (P, U, B, E)."""
        values: list[float] = [median.significance for median in self.medians[kind].flat]
        return np.reshape(values, self.medians[kind].shape)


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Test the signals of the points over backgrounds of all sizes."""
    study, task = current.study, current.study.task
    assert isinstance(task, RequirementsTask)
    assert given is None  # a Study with yields_from and this task is not valid
    signals = _signals(current, task)
    found = _map(current, task, signals)
    axis = study.model.axis
    columns = ("point", "mass_gev", axis.column, *COLUMNS)
    current.keep_rows("requirements.csv", Rows(columns, tuple(_rows(found))))
    document = {
        "task": "requirements",
        "remarks": current.remarks,
        "level": task.level,
        "sigma": task.sigma,
        "final_states": list(study.final_states),
        "background_min": task.background.min,
        "background_max": task.background.max,
        "own_background": _own_background(signals),
        "points": [
            {"name": s.point.label, "mass_gev": s.point.mass, axis.column: s.point.coupling,
             "decays": s.decays, "own_signal": s.events, "own_efficiency": s.events / s.decays}
            for s in signals
        ],
        "required": _required(current, task, found),
        "calculation": _calculation(found),
    }  # fmt: skip
    draw(current, document)
    current.say(*requirement_sentences(document, axis))
    return document


def _own_background(signals: Sequence[Signal]) -> float:
    return float(signals[0].model.background.sum())


def _signals(current: Run, task: RequirementsTask) -> tuple[Signal, ...]:
    """Simulate the points; those without a signal become remarks.

    Raises
    ------
    ConfigError
        If none has a signal.
    """
    study = current.study
    masses, couplings = task.masses, task.couplings
    table = simulate(study, masses, couplings, current).table
    keep.yields(current, table)
    experiment = build(study, table, current)
    if experiment.base.background_components:
        current.remark("the covariance of backgrounds gives way to task.uncertainties")
    decays = looked_for(study, table)
    found = []
    for k, point in enumerate(task.points):
        at = (
            int(np.searchsorted(masses, point.mass)),
            int(np.searchsorted(couplings, point.coupling)),
        )
        model = experiment.at(*at)
        made, events = float(decays[at]), float(model.signal.sum())
        if made > 0.0 and events > 0.0:
            full = model.with_signal(model.signal * (made / events))
            found.append(Signal(point, made, events, full))
            continue
        states = ", ".join(study.final_states)
        reason = f"none of the {made:.3g} decays to {states} in the fiducial volumes is selected"
        if made <= 0.0:
            reason = f"there are no decays to {states} in the fiducial volumes"
        text = f"task.points.{k}: {point.label}: {reason}, so that nothing can be required"
        current.remark(text)
    if not found:
        raise ConfigError(current.remarks[-1])
    return tuple(found)


def _settings(current: Run) -> dict[str, Any]:
    inference = current.study.inference
    toys = ToySettings(inference.toys, inference.seed)
    return {"calculator": inference.calculator, "toys": toys}


def _map(current: Run, task: RequirementsTask, signals: tuple[Signal, ...]) -> Map:
    """Make all tests."""
    efficiencies, backgrounds = task.axes()
    models = tuple(signal.model for signal in signals)
    rows = [
        Row(models, efficiencies, events, uncertainty, **_settings(current))
        for uncertainty in task.uncertainties
        for events in backgrounds.tolist()
    ]
    done = current.map_stored("tests", Row.run, rows)
    shape = (len(task.uncertainties), len(backgrounds), len(signals), len(efficiencies))
    medians = {}
    for i, kind in enumerate(KINDS):
        flat = np.empty(np.prod(shape), dtype=object)
        flat[:] = [pair[i] for row in done for point in row for pair in point]
        medians[kind] = np.moveaxis(flat.reshape(shape), 2, 0)
    return Map(signals, task.uncertainties, backgrounds, efficiencies, medians)


def _rows(found: Map) -> Iterator[tuple[object, ...]]:
    """Lines of requirements.csv."""
    for i, j, k, n in np.ndindex(found.medians["exclusion"].shape):
        point, efficiency = found.signals[i].point, found.efficiencies[n]
        tests: list[Any] = [found.medians[kind][i, j, k, n] for kind in KINDS]
        numbers = [
            text
            for test in tests
            for text in (f"{test.p_value:.6g}", f"{max(test.significance, 0.0):.6g}")
        ]
        remarks = dict.fromkeys(test.validity for test in tests if test.validity != "ok")
        yield (
            point.label, f"{point.mass:.10g}", f"{point.coupling:.6g}", f"{efficiency:.6g}",
            f"{found.backgrounds[k]:.6g}", f"{found.uncertainties[j]:.6g}",
            f"{efficiency * found.signals[i].decays:.6g}", *numbers,
            *(test.method for test in tests), "; ".join(remarks) or "ok",
        )  # fmt: skip


def _required(current: Run, task: RequirementsTask, found: Map) -> list[dict[str, Any]]:
    """Largest backgrounds for each quoted efficiency, by point and uncertainty.

    0 where even the least background is too much; `open` where the largest of the map is not.
    """
    targets: dict[Kind, float] = {"exclusion": float(ndtri(task.level)), "discovery": task.sigma}
    sigmas = {kind: found.significance(kind) for kind in KINDS}
    rows: list[dict[str, Any]] = []
    edges: list[tuple[dict[str, Any], Edge]] = []
    places = np.searchsorted(found.efficiencies, task.quoted).tolist()
    for (i, signal), n, (j, uncertainty) in product(
        enumerate(found.signals), places, enumerate(found.uncertainties)
    ):
        share = float(found.efficiencies[n])
        row = {"point": signal.point.label, "efficiency": share, "signal": share * signal.decays,
               "uncertainty": uncertainty}  # fmt: skip
        rows.append(row)
        for kind, target in targets.items():
            # more background may help a little where counts are few; the first that is too much
            missed = [*(sigmas[kind][i, j, :, n] < target), True].index(True)
            row[f"{kind}_below"] = float(found.backgrounds[missed - 1]) if missed else 0.0
            row[f"{kind}_open"] = missed == len(found.backgrounds)
            if 0 < missed < len(found.backgrounds):
                low, high = found.backgrounds[[missed - 1, missed]].tolist()
                model = signal.model.with_signal(share * signal.model.signal)
                edge = Edge(model, low, high, uncertainty, kind, target, **_settings(current))
                edges.append((row, edge))
    values = current.map_stored("edges", Edge.run, [edge for _, edge in edges])
    for (row, edge), value in zip(edges, values, strict=True):
        row[f"{edge.kind}_below"] = value
    return rows


def _calculation(found: Map) -> dict[str, Any]:
    """Up to which backgrounds calculators were asked, least and most of all uncertainties.

    With what the formula differs from them by, there; None where there is nothing to compare.
    """
    ends: list[float] = []
    differences: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    for j in range(len(found.uncertainties)):
        asked = [
            {
                kind: [m for m in tests[:, j, i].flat if m.method != WEIGHTED]
                for kind, tests in found.medians.items()
            }
            for i in range(len(found.backgrounds))
        ]
        last = max((i for i, row in enumerate(asked) if any(row.values())), default=None)
        if last is None:
            continue
        ends.append(float(found.backgrounds[last]))
        for kind, tests in asked[last].items():
            seen = [m for m in tests if SEEN[0] <= m.significance <= SEEN[1]]
            differences[kind] += [abs(m.weighted - m.significance) for m in seen]
    return {
        "asked_up_to": (min(ends, default=0.0), max(ends, default=0.0)),
        **{f"{kind}_difference": max(values, default=None) for kind, values in differences.items()},
    }
