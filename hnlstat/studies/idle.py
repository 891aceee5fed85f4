"""Overrides that change nothing, as the task has no use for what they set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hnlstat.config.task import AT_A_POINT, ON_FOLDERS, FitTask
from hnlstat.models.checks import made_by_kaons
from hnlstat.system.arguments import key_of
from hnlstat.system.reading import shortened

if TYPE_CHECKING:
    from hnlstat.config.study import Study

EARLIER = ("combine", *ON_FOLDERS)
"""Tasks on the files of earlier runs, which have been made with settings of their own."""

OF_A_STUDY = (
    "bounds", "compare", "data_from", "datasets", "detector", "events", "exposure", "flux",
    "inference", "model", "report", "scan", "search", "simulation", "systematics", "yields_from",
)  # fmt: skip

WITH_ERRORS = (
    "contour", "yields", "workspace", "point", "coverage", "inject", "fit", "explained",
    "efficiency", "requirements", "compare", "benchmark",
)  # fmt: skip
"""Tasks whose yields have systematic uncertainties."""

USERS = {
    "compare": ("compare",),
    "events": ("events",),
    "bounds": ("contour", "fit", "explained", "collect", "benchmark"),
    "inference": ("contour", "explained", "coverage", "requirements", "point", "compare",
                  "benchmark"),
    "systematics": WITH_ERRORS,
    "data_from": ("contour", "workspace", "point", "fit", "explained", "compare", "benchmark"),
}  # fmt: skip
"""The tasks that use a section; of sections that are not here all do that simulate."""

OF_EARLIER = {"figures": ("report",), "collect": ("report", "bounds", "model")}
"""What tasks on earlier runs take from their own study."""


SIMULATED = (
    r"simulation|scan|flux\.(table|unit|distance)|detector\.(volumes|materials)|"
    r"model\.(width_factor|branching_ratio|release_widths)|"
    r"search\.\w+\.(efficiency(_map)?|calibration|cuts|smearing|separation_path|fiducial|field|"
    r"min_cos_theta|min_visible_energy|binding|decays|conversion)"
)
"""What yields come of."""


NOTHING = "changes nothing"


def idle(study: Study, overrides: Sequence[str]) -> tuple[str, ...]:
    """
    Say which overrides change nothing.

    Parameters
    ----------
    study
        What they led to.
    overrides
        As on the command line; those that take something out, or put it back to null, are passed.

    Returns
    -------
    tuple of str
        A remark for each.
    """
    rules = [*_idle_keys(study)]
    last = {key_of(text): i for i, text in enumerate(overrides)}
    found = []
    for i, text in enumerate(overrides):
        plain = text.lstrip("+")
        key, value = key_of(text), plain.partition("=")[2]
        if i < last[key] and plain != (winner := overrides[last[key]].lstrip("+")):
            found.append(f"{_short(plain)} {NOTHING}: {_short(winner)} comes after it")
            continue
        if text.startswith("~") or value.strip() == "null":
            continue
        for pattern, why in rules:
            if re.fullmatch(rf"({pattern})(\..+)?", key):
                found.append(f"{_short(plain)} {NOTHING}: {why}")
                break
    return tuple(dict.fromkeys(found))


def _short(override: str) -> str:
    return shortened(override, 80)


def _idle_keys(study: Study) -> Iterator[tuple[str, str]]:
    """Patterns of the keys that a study has no use for, and why."""
    task, inference, plane = study.task.kind, study.inference, study.scan.plane
    unused = f"task={task} does not use it"
    if task in EARLIER:
        mine = OF_EARLIER.get(task, ())
        rest = "|".join(key for key in OF_A_STUDY if key not in mine)
        yield rest, f"task={task} takes runs as they were made"
        return
    for key, users in USERS.items():
        if task not in users:
            yield key, unused
    yield from _idle_points(study)
    if task in ("coverage", "requirements", "compare") or (
        task == "point" and inference.calculator != "bayesian"
    ):
        yield r"inference\.sigmas", unused
        if task != "compare":
            yield r"inference\.levels", unused
    if inference.calculator in ("asymptotic", "published"):
        yield r"inference\.(toys|seed)", f"inference.calculator={inference.calculator} has no toys"
    if inference.marginal is None and (plane is None or inference.calculator != "bayesian"):
        yield r"inference\.prior_max", "only inference.marginal and credible planes have it"
    yield from _idle_searches(study)
    for key in ("mass", "coupling"):
        if getattr(study.scan, key).values is not None:
            yield rf"scan\.{key}\.(min|max|points|spacing)", f"scan.{key}.values has the points"
    if study.yields_from is not None:
        yield SIMULATED, "yields_from takes the place of the simulation"
    elif made_by_kaons(study.model):
        why = "only N that are made in matter have it"
        yield r"simulation\.(bound_nucleons|pauli|fermi_momentum|upstream_offset)", why
        yield r"systematics\.(rock_density|rock_length|form_factor|pauli)", why
    elif study.simulation.decay_lengths is None:
        yield r"simulation\.upstream_offset", "only simulation.decay_lengths has it"


def _idle_searches(study: Study) -> Iterator[tuple[str, str]]:
    """Likewise of backgrounds and data."""
    task, exposures = study.task.kind, {d.exposure.name for d in study.datasets}
    if task in ("yields", "events", "efficiency"):
        parts = "background|background_factor|covariance|side_bands|observed"
        yield rf"search\.\w+\.({parts})", f"task={task} does not use it"
    if task in ("requirements", "coverage", "inject"):
        yield r"search\.\w+\.observed", f"no data count for task={task}"
    if study.data_from is not None:
        yield r"search\.\w+\.observed", "data_from takes its place"
    for _, search in study.searches:
        if search.covariance is not None:
            modes = "|".join(search.covariance.modes)
            why = "the search's covariance takes its place"
            yield rf"search\.{search.name}\.background\.({modes})\.error", why
        for name in search.observed.keys() - exposures:
            why = f"there is no exposure {name} in this study"
            yield rf"search\.{search.name}\.observed\.{name}", why


def _idle_points(study: Study) -> Iterator[tuple[str, str]]:
    """Likewise of the masses and couplings that are looked at."""
    task, credible = study.task.kind, study.inference.calculator == "bayesian"
    if task in AT_A_POINT:
        along = "mass" if task == "point" and credible else "mass|coupling"
        yield rf"scan\.({along})", f"task={task} is at model.mass and model.coupling"
        return
    if study.scan.plane is not None:
        yield r"scan\.mass", "scan.plane is at model.mass"
        yield r"model\.coupling", "scan.plane is of all couplings"
        return
    where = {"requirements": "at task.points", "compare": "at compare.masses"}
    on = where.get(task, "on the grid of scan.mass and scan.coupling")
    hint = "" if isinstance(study.task, FitTask) else "; task=point is at one"
    yield r"model\.(mass|coupling)", f"task={task} is {on}{hint}"
    if task in where:
        along = "mass" if task == "compare" else "mass|coupling"
        yield rf"scan\.({along})", f"task={task} is {on}"
