"""Which keys a study has no use for: rules that idle overrides are found by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hnlstat.config.executor import Dask
from hnlstat.config.photons import Photons
from hnlstat.config.task import (
    AT_A_POINT,
    ON_FOLDERS,
    ExplainedTask,
    FiguresTask,
    FitTask,
    InjectTask,
    StoreTask,
)
from hnlstat.config.tracks import Tracks
from hnlstat.models.checks import made_by_kaons
from hnlstat.models.mixed import Mixed
from hnlstat.system.shipped import conf_dir

if TYPE_CHECKING:
    from hnlstat.config.study import Study

EARLIER = ("combine", *ON_FOLDERS)
"""Tasks on the files of earlier runs, which have been made with settings of their own."""

OF_A_STUDY = (
    "bounds", "compare", "data_from", "datasets", "detector", "events", "executor", "exposure",
    "flux", "inference", "model", "report", "resume", "runs", "scan", "search", "simulation",
    "store", "systematics", "yields_from", "name",
)  # fmt: skip

OF_EARLIER = {
    "combine": ("name", "resume", "runs"),
    "figures": ("executor", "report"),
    "collect": ("report", "bounds", "model"),
    "store": ("store",),
}
"""What tasks on earlier runs take from their own study."""

LIKELIHOODS = (
    "contour", "workspace", "point", "coverage", "inject", "fit", "explained", "requirements",
    "compare", "benchmark",
)  # fmt: skip
"""Tasks that build likelihoods; others have yields alone."""

WITH_ERRORS = ("yields", "efficiency", *LIKELIHOODS)
"""Tasks whose yields have systematic uncertainties."""

USERS = {
    "compare": ("compare",),
    "events": ("events",),
    "bounds": ("contour", "fit", "explained", "benchmark"),
    "inference": ("contour", "explained", "coverage", "requirements", "point", "compare",
                  "benchmark"),
    "systematics": WITH_ERRORS,
    r"systematics\.(searches|background|efficiency|flux|mc_statistics)": LIKELIHOODS,
    "data_from": ("contour", "workspace", "point", "coverage", "fit", "explained", "compare",
                  "benchmark"),
    r"search\.\w+\.(background|background_factor|covariance|side_bands|observed|systematics)":
        LIKELIHOODS,
    r"detector\.background_factor": LIKELIHOODS,
    r"systematics\.background|search\.\w+\.background\.\w+\.(error|mc_error)":
        tuple(kind for kind in LIKELIHOODS if kind != "requirements"),
    r"search\.\w+\.beside": ("fit", "compare"),
    r"flux\.uncertainty": WITH_ERRORS,
    r"simulation\.(precision|max_points)": ("point", *WITH_ERRORS),
    r"simulation\.interpolate_masses": ("contour", "yields", "workspace", "fit", "explained",
                                        "efficiency", "requirements", "benchmark"),
}  # fmt: skip
"""The tasks that use a section, or keys; of those that are not here all do that simulate."""

SELECTED = (
    r"search\.\w+\.(efficiency(_map)?|calibration|cuts|smearing|separation_path|field|"
    r"min_visible_energy|binding|decays|conversion)"
)
"""What searches keep of decays."""

SIMULATED = (
    rf"simulation|scan|flux\.(table|unit|distance|flavours|flavours_by_mode|uncertainty)|{SELECTED}|"
    r"detector\.(volumes|materials)|model\.(width_factor|branching_ratio|release_widths)|"
    r"search\.\w+\.min_cos_theta"
)
"""What yields come of."""

COMPARED = (
    r"data_from|datasets|detector|exposure|flux|search|simulation|systematics|scan\.table|"
    r"inference|model\.(nature|width_factor|branching_ratio|release_widths)"
)
"""What is of the second study of task=compare."""

PLACED = {
    "mass": ("brazil", "vertices", "production", "decay_length"),
    "coupling": ("vertices", "production", "decay_length"),
    "masses": ("production", "decay_length"),
    "number": ("vertices", "production", "decay_length"),
}
"""Settings of task=figures, with the figures that have them."""

TOYLESS = ("asymptotic", "published", "exact", "convolution", "saddlepoint")
"""Calculators without toys; "auto" may come to them."""

Rules = Iterator[tuple[str, str]]
"""Patterns of keys (or of one with its value), and why they change nothing."""


def _where(*rules: tuple[object, str, str]) -> Rules:
    """Patterns and reasons of the rules that hold."""
    return ((keys, why) for holds, keys, why in rules if holds)


def idle_keys(study: Study) -> Rules:
    """Patterns of the keys that a study has no use for, and why."""
    task = study.task.kind
    if task in EARLIER:
        yield from _of_earlier(study)
        return
    for key, users in USERS.items():
        if task not in users:
            yield key, f"task={task} does not use it"
    yield from _points(study)
    yield from _others(study)
    if task != "compare":  # where all that differs is a step
        for rules in (_inference, _mixings, _searches, _backgrounds, _matter):
            yield from rules(study)


def _of_earlier(study: Study) -> Rules:
    """All but what the task itself takes; what shipped experiments set is nothing of that."""
    task, mine = study.task, OF_EARLIER.get(study.task.kind, ())
    if isinstance(task, FiguresTask) and task.folder and (task.folder / "jobs").is_dir():
        mine = OF_EARLIER["collect"]  # of a sweep
    why = f"task={task.kind} takes runs as they were made"
    yield "|".join(key for key in OF_A_STUDY if key not in mine), why
    if task.kind in ("figures", "hepdata", "store") and "bounds" not in mine:
        shipped = "|".join(file.stem for file in (conf_dir() / "experiment").glob("*.yaml"))
        yield f"experiment=({shipped})", why
    if isinstance(task, StoreTask) and task.action != "prune":
        yield r"task\.days", "only task.action=prune has it"
    if isinstance(task, FiguresTask) and task.figures != "all":
        for key, figures in PLACED.items():
            if not {*figures} & {*task.figures}:
                yield rf"task\.{key}", f"only the figures {', '.join(figures)} have it"


def _points(study: Study) -> Rules:
    """Of the masses and couplings that are looked at."""
    task, scan = study.task.kind, study.scan
    for grid, name in ((scan, "scan"), (scan.table, r"scan\.table")):
        for key in ("mass", "coupling"):
            if grid is not None and getattr(grid, key).values is not None:
                why = f"{name}.{key}.values has the points".replace("\\", "")
                yield rf"{name}\.{key}\.(min|max|points|spacing)", why
    if task in AT_A_POINT:
        credible = task == "point" and study.inference.calculator == "bayesian"
        along = "mass" if credible else "mass|coupling"
        yield rf"scan\.({along})", f"task={task} is at model.mass and model.coupling"
        return
    if scan.plane is not None:
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


def _inference(study: Study) -> Rules:
    """Of levels, significances and toys."""
    task, name = study.task.kind, study.inference.calculator
    joint = study.inference.marginal is not None or (study.scan.plane and name == "bayesian")
    at_point = task == "point" and name != "bayesian"
    unused, toyless = f"task={task} does not use it", f"inference.calculator={name} has no toys"
    none = "limits over mixings are found without toys"
    bounds = "only inference.marginal and credible planes have it"
    untested = isinstance(study.task, ExplainedTask) and not study.task.tests
    yield from _where(
        (at_point or task in ("coverage", "requirements"), r"inference\.(sigmas|levels)", unused),
        (name in TOYLESS, r"inference\.toys", toyless),
        (name in TOYLESS and task != "coverage", r"inference\.seed", toyless),
        (joint, r"inference\.(toys|seed)", none),
        (not joint, r"inference\.prior_max", bounds),
        (untested, "inference", "there are no task.tests that have limits"),
    )


def _mixings(study: Study) -> Rules:
    """Of planes of mixings, and of mixings that take no part."""
    plane, credible = study.scan.plane, study.inference.calculator == "bayesian"
    if not isinstance(study.model, Mixed):
        return
    for flavour, share in study.model.mixing:
        out = flavour not in plane if plane else not share
        if out:
            yield rf"inference\.prior_max\.{flavour}", f"N do not mix with {flavour} here"
        if out and plane:
            yield rf"model\.mixing\.{flavour}", "scan.plane is of its own two mixings alone"
    if plane:
        yield "bounds", "none is drawn in a plane of mixings"
    if plane and credible:
        why = "credible planes take its ends alone"
        yield r"scan\.coupling\.(points|spacing)", why


def _searches(study: Study) -> Rules:
    """Of data and of what searches select."""
    task, exposures = study.task.kind, {d.exposure.name for d in study.datasets}
    no_data = f"no data count for task={task}"
    yield from _where(
        (task == "events", rf"{SELECTED}|search\.\w+\.observable", "events are of all decays"),
        (task in ("requirements", "inject"), r"search\.\w+\.observed", no_data),
        (study.data_from, r"search\.\w+\.observed", "data_from takes its place"),
        (study.yields_from, SIMULATED, "yields_from takes the place of the simulation"),
    )
    for _, search in study.searches:
        key = rf"search\.{search.name}"
        for name in search.observed.keys() - exposures:
            yield rf"{key}\.observed\.{name}", f"there is no exposure {name} in this study"
        if isinstance(search, Tracks) and search.cuts.min_separation is None:
            yield rf"{key}\.separation_path", "there is no cut on the separation after it"
        if isinstance(search, Photons) and "quasi_elastic_energy" not in str(search):
            yield rf"{key}\.binding", "only quasi_elastic_energy has it"


def _backgrounds(study: Study) -> Rules:
    """Of the backgrounds of searches and their uncertainties."""
    systematics, modes = study.systematics, {m for d in study.datasets for m in d.exposure.pot}
    given = systematics.background
    for _, search in study.searches:
        key = rf"search\.{search.name}"
        side = [*search.side_bands, *getattr(search, "beside", ())]
        if search.covariance is not None:
            if not side and (isinstance(given, float) or not systematics.searches):
                yield rf"{key}\.covariance", "the systematics take its place"
            own = "|".join(search.covariance.modes)
            yield rf"{key}\.background\.({own})\.error", "the search's covariance takes its place"
        for mode in search.background:
            stated = rf"{key}\.background\.{mode}\.(error|mc_error)"
            if mode not in modes and not side:
                why = f"no exposure of this study has the horn mode {mode}"
                yield rf"{key}\.background\.{mode}", why
            elif not isinstance(given, dict | None) or (given and mode in given):
                yield stated, "systematics.background takes its place"
            elif not systematics.searches:
                yield stated, "systematics.searches=false leaves it out"
        named = [name for name in search.systematics if name.startswith("efficiency")]
        if systematics.efficiency is not None and named == ["efficiency"]:
            yield rf"{key}\.systematics\.efficiency", "systematics.efficiency takes its place"
        if not systematics.searches:
            yield rf"{key}\.systematics", "systematics.searches=false leaves it out"
    scaled = [s.fiducial is None and s.background_factor is None for _, s in study.searches]
    if not any(scaled):
        why = "searches that name their volumes, or have a background_factor, do without"
        yield r"detector\.background_factor", why


def _matter(study: Study) -> Rules:
    """Of what N are made in."""
    simulation, kaons = study.simulation, made_by_kaons(study.model)
    pauli = simulation.pauli == "fermi_gas" and bool(simulation.bound_nucleons)
    free = "no nucleon is bound" if simulation.pauli == "fermi_gas" else "simulation.pauli=none"
    why = "only N that are made in matter have it"
    yield from _where(
        (kaons, r"simulation\.(bound_nucleons|pauli|fermi_momentum|upstream_offset)", why),
        (kaons, r"simulation\.interpolate_masses", why),
        (kaons, r"systematics\.(rock_density|rock_length|form_factor|pauli)", why),
        (kaons, r"detector\.(materials|volumes\.\w+\.density)", why),
        (simulation.decay_lengths is None, r"simulation\.upstream_offset",
         "only simulation.decay_lengths has it"),
        (not pauli, r"simulation\.fermi_momentum|systematics\.pauli", free),
        (not simulation.bound_nucleons, r"simulation\.pauli", free),
    )  # fmt: skip
    used = {material for d in study.datasets for material, _ in d.detector.painted()[1]}
    for name in {name for d in study.datasets for name in d.detector.materials} - used:
        yield rf"detector\.materials\.{name}", f"no volume is of {name}"


def _others(study: Study) -> Rules:
    """Of tasks, of the look of figures and of where the work is done."""
    task, executor, bounds = study.task, study.executor, study.bounds
    elsewhere = isinstance(executor, Dask) and executor.scheduler is not None
    asimov = isinstance(task, InjectTask) and task.data == "asimov"
    compared = task.kind == "compare" and study.compare.to is not None
    yield from _where(
        (task.kind == "events", "report", "no figure is drawn of events"),
        (elsewhere, r"executor\.workers", "executor.scheduler has workers of its own"),
        (task.kind == "benchmark", "executor|store", "task=benchmark has its own"),
        (asimov, r"task\.seed", "task.data=asimov is not drawn"),
        (compared, COMPARED, "compare.to says what is compared"),
        (not bounds.curves and not bounds.files,
         r"bounds\.(folder|without|projections|level|style)", "no bounds are chosen"),
    )  # fmt: skip
