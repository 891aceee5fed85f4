"""Checks of a Study against tables: nuclides that are known, a beam that reaches the masses."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.beam.flux import FluxTable, load_flux
from hnlstat.beam.kaons import of_neutrinos
from hnlstat.bounds import chosen_bounds
from hnlstat.config.base import suggest
from hnlstat.config.dataset import Dataset
from hnlstat.config.detector import Detector
from hnlstat.config.flux import AnyFlux, Flux
from hnlstat.config.photons import Photons
from hnlstat.config.registry import is_foreign
from hnlstat.config.scan import TableGrid
from hnlstat.config.search import CHARGED
from hnlstat.config.study import Study
from hnlstat.config.task import AT_A_POINT, ON_FOLDERS, EfficiencyTask, RequirementsTask
from hnlstat.config.tracks import Tracks
from hnlstat.errors import ConfigError
from hnlstat.models.checks import (
    check_model,
    pair_sampler,
    photon_sampler,
    sampler,
)
from hnlstat.physics.processes import Kaons
from hnlstat.physics.targets import Target, target
from hnlstat.studies.compose import load_anew
from hnlstat.studies.explained import others
from hnlstat.studies.kaons import check_kaons
from hnlstat.studies.mixings import check_marginal, check_plane, mixed_by
from hnlstat.studies.staircase import staircase

ROUNDING = 1e-9
"""Relative distance that a point may lie beyond the end of a table."""

EVENT_LIBRARIES = {"parquet": "pyarrow", "hepmc": "pyhepmc"}
"""What writes each format of events, in the order in which `auto` looks; npz needs nothing."""


def check(study: Study) -> None:
    """
    Check what needs tables (nuclides, flux columns, the reach of the beam) or libraries.

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    DataError
        If the flux table or a bound cannot be read.
    """
    if study.task.kind not in ("figures", "collect"):  # those of other runs
        study.report.check(study.model.axis)
    earlier = study.task.kind in ("combine", *ON_FOLDERS)
    if study.inference.marginal is not None and not earlier:
        check_marginal(study, study.inference.marginal)
    if study.scan.plane is None or earlier:
        check_tables(study)
    else:
        check_plane(study, study.scan.plane)
        check_tables(mixed_by(study, dict.fromkeys(study.scan.plane, 1.0)))
    if study.task.kind in ("contour", "explained"):
        chosen_bounds(study.bounds, study.model.axis)
    if study.task.kind == "events":
        _check_events(study)
    if isinstance(study.task, EfficiencyTask):
        reference(study.task)
    if study.task.kind == "compare":
        for stair in staircase(study):
            check_tables(stair.study)
    if study.task.kind == "explained":
        for name, test in others(study).items():
            try:
                check_tables(test)
            except ConfigError as error:
                raise ConfigError(f"task.tests.{name}: {error}") from None


def reference(task: EfficiencyTask) -> Study:
    """
    Compose the study whose searches task=efficiency compares with.

    Raises
    ------
    ConfigError
        If it does not compose.
    """
    try:
        found = load_anew(task.reference)
        check_tables(found)
        if any(dataset.search != found.datasets[0].search for dataset in found.datasets):
            raise ConfigError("datasets: have different searches; give one for all")
    except ConfigError as error:
        raise ConfigError(f"task.reference: {error}") from None
    return found


def check_tables(study: Study) -> None:
    """Check the nuclides and the flux table of a study; errors as in `check`."""
    if is_foreign(type(study.model)):
        check_model(study.model, *_axes(study), study.model.final_states)
    for dataset, search in study.searches:
        if isinstance(search, Tracks) and study.yields_from is None:
            pair_sampler(study.model, search.final_state)
        if isinstance(search, Photons) and study.yields_from is None:
            photon_sampler(study.model, search.final_state)
            if search.conversion is not None:
                _check_charges(dataset.detector)
    if isinstance(study.model.source, Kaons):
        if study.yields_from is None:
            check_kaons(study, study.model.source, *_masses(study))
        return
    for beam, datasets in by_flux(study):
        flux = of_neutrinos(beam)
        _check_columns(study, flux, datasets, load_flux(flux.table, flux.unit))
    _check_reach(study)
    if study.scan.table is not None and study.yields_from is None:
        _check_within_table(study, study.scan.table)


def _axes(study: Study) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Masses and couplings at which a study looks."""
    model = study.model
    if study.task.kind in AT_A_POINT and model.mass is not None and model.coupling is not None:
        return np.array([model.mass]), np.array([model.coupling])
    if isinstance(study.task, RequirementsTask):
        return study.task.masses, study.task.couplings
    return study.scan.mass.array(), study.scan.coupling.array()


def _check_within_table(study: Study, table: TableGrid) -> None:
    scan, kind = study.scan, study.task.kind
    wanted: list[tuple[str, ArrayLike | None]] = [
        ("scan.mass", scan.mass.array()), ("scan.coupling", scan.coupling.array())
    ]  # fmt: skip
    if kind in AT_A_POINT:
        wanted = [(f"model.{key}", getattr(study.model, key)) for key in ("mass", "coupling")]
    if kind == "compare":
        point = study.compare.point
        wanted = [("compare.masses", study.compare.masses), ("compare.point.mass", point.mass),
                  ("compare.point.coupling", point.coupling)]  # fmt: skip
    if isinstance(study.task, RequirementsTask):
        wanted = [("task.points.mass", study.task.masses)]
        wanted.append(("task.points.coupling", study.task.couplings))
    if isinstance(study.task, EfficiencyTask) and study.task.coupling is not None:
        wanted.append(("task.coupling", study.task.coupling))
    for key, values in wanted:
        known = (table.coupling if "coupling" in key else table.mass).array()
        ends = known[[0, -1]] * (1 - ROUNDING, 1 + ROUNDING)
        for value in np.atleast_1d(np.asarray(values, dtype=float)).tolist():
            if not ends[0] <= value <= ends[1]:
                raise ConfigError(
                    f"{key}: {value:.6g} lies outside scan.table, {known[0]:g} to {known[-1]:g}; "
                    "stay within, or give scan.table=null"
                )


def _targets(detector: Detector) -> list[Target]:
    found = []
    for material, fractions in detector.materials.items():
        for nuclide in fractions:
            try:
                found.append(target(nuclide))
            except ValueError:
                raise ConfigError(
                    f"detector.materials.{material}.{nuclide}: {nuclide} is not a known nuclide; "
                    "write element and mass number, such as O16 or Pb208"
                ) from None
    return found


def _check_charges(detector: Detector) -> None:
    """Make sure that photons can convert in all materials."""
    for material, fractions in detector.materials.items():
        for nuclide in fractions:
            if target(nuclide).charge == 0:
                raise ConfigError(
                    f"detector.materials.{material}.{nuclide}: {nuclide} has no charge, and "
                    "photons do not convert on it"
                )


def by_flux(study: Study) -> list[tuple[AnyFlux, list[Dataset]]]:
    """The fluxes of a study, each with the datasets that lie in it."""
    found: list[tuple[AnyFlux, list[Dataset]]] = []
    for dataset in study.datasets:
        for flux, datasets in found:
            if flux == dataset.flux:
                datasets.append(dataset)
                break
        else:
            found.append((dataset.flux, [dataset]))
    return found


def _check_columns(study: Study, flux: Flux, datasets: Sequence[Dataset], table: FluxTable) -> None:
    weights = study.model.flavour_weights()
    for mode in flux.flavours_by_mode or {}:
        if mode not in table.modes:
            raise ConfigError(
                f"flux.flavours_by_mode: {mode} is no horn mode of flux table {flux.table}; "
                + suggest(mode, table.modes)
            )
    for mode, exposure in ((m, d.exposure) for d in datasets for m in d.exposure.pot):
        if mode not in table.modes:
            raise ConfigError(
                f"exposure.pot.{mode}: exposure {exposure.name} has the mode {mode}, which flux "
                f"table {flux.table} lacks; it has {', '.join(table.modes)}"
            )
        for flavour in flux.flavours_in(mode):
            couples = weights.get(flavour.removeprefix("nu").removesuffix("bar"), 0.0) != 0
            if couples and (mode, flavour) not in table.flux:
                raise ConfigError(
                    f"flux.table: {flux.table} lacks the column {mode}_{flavour}, which "
                    f"the model {study.model.kind} asks for"
                )


def _masses(study: Study) -> tuple[str, float, float]:
    """The key of the masses of N that are made, the least of them and the largest."""
    if study.task.kind == "compare":
        masses = (*study.compare.masses, study.compare.point.mass)
        return "compare", min(masses), max(masses)
    at_one = study.task.kind in AT_A_POINT or study.scan.plane is not None
    if at_one and study.model.mass is not None:
        return "model.mass", study.model.mass, study.model.mass
    if isinstance(study.task, RequirementsTask):
        return "task.points", float(study.task.masses[0]), float(study.task.masses[-1])
    key, simulated = "scan.mass", study.scan.mass
    if study.scan.table is not None:
        key, simulated = "scan.table.mass", study.scan.table.mass
    return key, float(simulated.array()[0]), float(simulated.array()[-1])


def _check_reach(study: Study) -> None:
    """Make sure that N of the largest mass can be made in one of the beams."""
    key, _, mass = _masses(study)
    missed = []
    for beam, datasets in by_flux(study):
        flux = of_neutrinos(beam)
        reach = _reach(study, flux, datasets)
        heaviest = max((t for d in datasets for t in _targets(d.detector)), key=lambda t: t.mass)
        threshold = mass + mass**2 / (2 * heaviest.mass)
        if threshold >= reach:
            missed.append(
                f"{threshold:.6g} GeV on {heaviest.name}, flux {flux.name} ends at {reach:g} GeV"
            )
    if len(missed) == len(by_flux(study)):
        raise ConfigError(
            f"{key}: {mass:.6g} GeV is above the beam's reach: it takes neutrinos of "
            + "; ".join(missed)
        )


def _reach(study: Study, flux: Flux, datasets: Sequence[Dataset]) -> float:
    """Highest energy [GeV] of neutrinos that the model couples to."""
    weights = study.model.flavour_weights()
    table = load_flux(flux.table, flux.unit).only(flux.flavours_in)
    modes = {mode for dataset in datasets for mode in dataset.exposure.pot}
    total = np.sum([table.coupled(mode, weights) for mode in modes], axis=0)
    if not np.any(total > 0):
        raise ConfigError(
            f"flux.table: {flux.table} has no flux that the model {study.model.kind} couples to"
        )
    return float(table.edges_gev[1:][total > 0][-1])


def _check_events(study: Study) -> None:
    mass, kind, (state,) = study.model.mass, study.events.format, study.final_states
    if state == CHARGED:
        name = next(study.searches)[1].name
        raise ConfigError(
            f"search: {name} takes all decays to two charged particles at once; task=events makes "
            "those of one kind, choose such as search=tpc_mupi_tracks"
        )
    if kind == "hepmc" and isinstance(study.model.source, Kaons):
        raise ConfigError(
            "events.format: hepmc has neutrinos that scatter; N of kaons need parquet or npz"
        )
    products = sampler(study.model, state).products
    if mass is not None and mass <= sum(product.mass for product in products):
        raise ConfigError(f"model.mass: N of {mass:.6g} GeV is too light to decay to {state}")
    library = EVENT_LIBRARIES.get(kind)
    if library is not None and find_spec(library) is None:
        raise ConfigError(
            f"events.format: {kind} needs {library}, which is not installed; install "
            f"hnlstat[{kind}] or take events.format=auto"
        )
