"""Contours in the plane of two mixings, |U_a|^2 and |U_b|^2, of N of one mass.

In a direction, where their ratio is fixed, limits lie along the sum |U|^2 as along any coupling.
The directions take the place of masses: from all but |U_a|^2 alone to all but |U_b|^2 alone, over
the whole plane. Between two of them a strength goes with the sensitivity, as between masses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator, RegularGridInterpolator

from hnlstat.config.study import Study
from hnlstat.inference.limits.limits import Limit, MassLimits
from hnlstat.inference.limits.sensitivity import SensitivityField
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood.experiment import Experiment
from hnlstat.physics.mixing import FLAVOURS
from hnlstat.run import stages
from hnlstat.run.contours import (
    PLANE_SCHEMA,
    LimitField,
    Region,
    contours_document,
    limit_fields,
    plane_edges,
    regions,
)
from hnlstat.run.files.folder import write_json
from hnlstat.run.jobs import LimitJob, limit_jobs
from hnlstat.run.remarks import check_error
from hnlstat.run.work import Work
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import Plan
from hnlstat.studies.mixings import mixed_by

Array = NDArray[np.float64]

STEP = 0.5 * np.log(10)  # of ln(ratio), at most, between directions
BETWEEN = 8  # directions whose sensitivity is known, for each that is simulated
CELLS = 400  # of the plane, along each axis
FAINT = 1e-9  # events; fewer are none


@dataclass(frozen=True, eq=False)
class Plane:
    """What is found over a plane.

    Attributes
    ----------
    flavours, mass
        Of the axes, and of N [GeV].
    ends
        Of both axes.
    ratios
        |U_b|^2 / |U_a|^2, rising.
    results
        Limits on the sum in each direction, the ratio in place of the mass.
    regions
        |U_a|^2 in place of the mass, |U_b|^2 of the coupling.
    """

    flavours: tuple[str, ...]
    mass: float
    ends: tuple[float, float]
    ratios: Array
    results: tuple[MassLimits, ...]
    regions: tuple[Region, ...]

    @property
    def limits(self) -> list[Limit]:
        """Of all directions."""
        return [limit for result in self.results for limit in result.limits]


def shares(ratio: float) -> tuple[float, float]:
    """Shares of |U_a|^2 and |U_b|^2 in their sum."""
    return 1.0 / (1.0 + ratio), ratio / (1.0 + ratio)


def remark_on_others(flavours: tuple[str, ...], work: Work) -> None:
    """Say what the third mixing is."""
    (rest,) = (name for name in FLAVOURS if name not in flavours)
    work.remark(f"in the plane |U_{rest}|^2 is 0")


def directions_of_plane(low: float, high: float) -> Array:
    """Ratios of the two mixings over a whole plane, rising, of which the middle one is 1."""
    reach = np.log(high / low)
    return np.asarray(np.exp(np.linspace(-reach, reach, 2 * int(np.ceil(reach / STEP)) + 1)))


def find_plane(study: Study, work: Work) -> Plane:
    """Limits by CLs and regions of a study with `scan.plane`."""
    table = simulate(study, work)
    experiment = stages.build(study, table, work)
    jobs = limit_jobs(study, table, experiment)
    flavours, mass = study.scan.plane, study.model.mass
    assert flavours is not None
    assert mass is not None  # else the study is not valid
    remark_on_others(flavours, work)
    results = work.map_stored("inference", LimitJob.run, jobs)
    for result in results:
        if result.validity != "ok":
            words = result.validity.replace("ok: ", "")
            work.remark(
                f"at |U_{flavours[1]}|^2 / |U_{flavours[0]}|^2 = {result.mass_gev:.3g} {words}"
            )
    field = _between(table, experiment)
    known = study.scan.coupling.array()
    ends = float(known[0]), float(known[-1])
    usable = [result for result in results if result.profiles]
    found = limit_fields(usable, field) if len(usable) == len(results) else ()
    over = tuple(region for one in found for region in regions(_over_plane(one, ends)))
    return Plane(flavours, mass, ends, table.masses, tuple(results), over)


def simulate(study: Study, work: Work) -> YieldTable:
    """Yields of all directions, the ratios in place of masses."""
    couplings, mass = study.scan.coupling.array(), study.model.mass
    flavours: tuple[str, ...] | None = study.scan.plane
    assert flavours is not None  # else the study is not valid
    ratios = directions_of_plane(couplings[0], couplings[-1])
    mixings = [dict(zip(flavours, shares(ratio), strict=True)) for ratio in ratios.tolist()]
    plans = [Plan.of(mixed_by(study, one), np.array([mass]), couplings) for one in mixings]
    found = _joined(ratios, stages.simulate_each(plans, work))
    check_error(study, found, work)
    stages.remark_inputs(study, work)
    return found


def _joined(ratios: Array, tables: Sequence[YieldTable]) -> YieldTable:
    """Tables of one mass each as one of many directions."""
    decays, events, error = (
        np.concatenate([getattr(table, name) for table in tables])
        for name in ("decays", "events", "mc_error")
    )
    modifiers = {
        name: np.concatenate([table.modifiers[name] for table in tables])
        for name in tables[0].modifiers
    }
    return replace(
        tables[0], masses=ratios, decays=decays, events=events, mc_error=error,
        modifiers=modifiers, interpolated=None, cut_flows=(),
    )  # fmt: skip


def _between(table: YieldTable, experiment: Experiment) -> SensitivityField:
    """Sensitivity in the directions, and in others between them."""
    t = np.log(table.masses)
    places = np.arange(BETWEEN * (t.size - 1) + 1) / BETWEEN
    ratios = np.exp(np.interp(places, np.arange(t.size), t))
    ratios[::BETWEEN] = table.masses  # without rounding
    logs = PchipInterpolator(t, np.log(np.maximum(experiment.signal, FAINT)))
    signal = np.exp(logs(np.log(ratios)))
    signal[signal <= FAINT * (1 + 1e-9)] = 0.0
    yields = [CouplingYields.build(table.couplings, one) for one in signal]
    return SensitivityField.build(ratios, yields, experiment.base)


def _over_plane(field: LimitField, ends: tuple[float, float]) -> LimitField:
    """The strength by |U_a|^2 and |U_b|^2, of one by their ratio and sum."""
    axis = np.geomspace(*ends, CELLS)
    first, second = np.meshgrid(axis, axis, indexing="ij")
    place = np.stack([np.log(second / first), np.log(first + second)], axis=-1)
    known = np.log(field.mass), np.log(field.coupling)
    for i, one in enumerate(known):
        place[..., i] = np.clip(place[..., i], one[0], one[-1])
    strength = RegularGridInterpolator(known, field.strength)(place)
    return replace(field, mass=axis, coupling=axis, strength=strength)


def write_plane(plane: Plane, path: Path, _: Sequence[Region]) -> None:
    """Write `contours.json`, which holds all regions of a plane."""
    write_json(path, plane_document(plane), indent=None)


def plane_document(plane: Plane) -> dict[str, Any]:
    """Content of `contours.json`: that of `contours_document`, with mixings on the axes.

    Points are [|U_a|^2, |U_b|^2] by the names in `axes`, `mass_gev` is the mass of N, and the
    edges in `open` are `low_a`, `high_a`, `low_b` and `high_b`.
    """
    found = contours_document(plane.regions)["contours"]
    a, b = plane.flavours
    for entry in found:
        known = entry["open"].values()
        entry["open"] = dict(zip(plane_edges(plane.flavours), known, strict=True))
    return {
        "schema": PLANE_SCHEMA, "axes": [f"u2_{a}", f"u2_{b}"], "mass_gev": plane.mass,
        "contours": found,
    }  # fmt: skip
