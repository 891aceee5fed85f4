"""What a user should know of yields and data: errors, volumes left out, projections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hnlstat.beam.flux import bin_error
from hnlstat.beam.kaons import load_kaons
from hnlstat.config.flux import Flux, ScaledKaons
from hnlstat.config.photons import Photons
from hnlstat.config.search import Recast
from hnlstat.config.study import Study
from hnlstat.inference.limits.points import PointTest
from hnlstat.run.work import Work
from hnlstat.search.table import YieldTable
from hnlstat.search.volume import left_out
from hnlstat.search.yields import RELEVANT_EVENTS, TOLERATED, Job
from hnlstat.simulation.sample import MassSample

Array = NDArray[np.float64]

EXCESS = 2.0
"""Local significance of data above the background that is worth a word."""


def check_error(study: Study, table: YieldTable, work: Work, where: str = "") -> None:
    """Log the largest MC error, and remark on it where it is well above the one asked for."""
    reached, asked = largest_error(table), study.simulation.precision
    work.log.info("largest relative MC error of a dataset's yield%s: %.2g", where, reached)
    if reached > TOLERATED * asked:
        work.remark(
            f"MC error reaches {reached:.1%}{where}, more than simulation.precision = "
            f"{asked:.1%}: raise simulation.max_points"
        )


def largest_error(table: YieldTable) -> float:
    """Largest relative MC error of a dataset's yield, where it is 0.1 events or more."""
    largest = 0.0
    for dataset in dict.fromkeys(table.dataset):
        events, error = table.total(dataset)
        relevant = events >= RELEVANT_EVENTS
        if np.any(relevant):
            largest = max(largest, float(np.max(error[relevant] / events[relevant])))
    return largest


def check_volume(study: Study, masses: Array, couplings: Array, work: Work) -> None:
    """Remark on limits of the sampled volume that leave out more than 1 % of the events."""

    def run_jobs(jobs: Sequence[Job]) -> list[MassSample]:
        return work.map_stored("volume", Job.run, jobs)

    found = left_out(study, masses, couplings, run_jobs)
    if found is not None and found.share > 0.01:
        simulation = study.simulation
        limits = {"radius": simulation.radius, "upstream": simulation.upstream}
        given = [f"simulation.{key} = {v:g} m" for key, v in limits.items() if v != "auto"]
        work.remark(
            f"up to {found.share:.0%} of the events in the described world lie outside "
            f"{' and '.join(given)} ({1e3 * found.mass:.3g} MeV, "
            f"{study.model.axis.text(found.coupling, 2)})"
        )


def efficiencies(study: Study) -> list[str]:
    """Say where efficiencies by energy end above 0, and photons of less energy do not count."""
    return [
        f"search.{search.name}.efficiency is {search.efficiency.value[0]:g} at its first row, "
        f"{1e3 * search.efficiency.energy[0]:.4g} MeV, and 0 below it (below: zero)"
        for _, search in study.searches
        if isinstance(search, Photons) and search.efficiency and search.efficiency.sudden
    ]


def bin_errors(study: Study) -> list[str]:
    """Say which errors of bins in files of efficiencies and fluxes are not in the likelihood."""
    found = [
        f"search.{search.name}.{key}: the errors of its bins, {one.bin_errors:.2g} of it on "
        f"average, are not in the likelihood; search.{search.name}.systematics is to have them"
        for _, search in study.searches
        for key in ("efficiency", "efficiency_map")
        if (one := getattr(search, key, None)) and getattr(one, "bin_errors", None)
    ]
    tables = dict.fromkeys(d.flux.table for d in study.datasets if isinstance(d.flux, Flux))
    found += [
        f"flux {table}: the errors of its bins, {error:.2g} of it on average, are not in the "
        "likelihood; flux.uncertainty is to have them"
        for table in tables
        if (error := bin_error(table))
    ]
    return found


def beams(study: Study) -> list[str]:
    """Say where the protons of an exposure are of another beam, or place, than its flux."""
    return [
        f"{d.name}: flux {d.flux.name} is that of {d.flux.beam}, but exposure {d.exposure.name} "
        f"is of {d.exposure.beam}"
        for d in study.datasets
        if d.flux.beam and d.exposure.beam and d.flux.beam != d.exposure.beam
    ]


def borrowed(study: Study) -> list[str]:
    """Say where a search stands in a beam that its background and data are not of."""
    return [
        f"{d.name}: search {search.name} is of {search.beam}, but exposure {d.exposure.name} is of "
        f"{d.exposure.beam}: what it keeps and its background are taken over from there"
        for d, search in study.searches
        if search.beam and d.exposure.beam and search.beam != d.exposure.beam
    ]


def scaled(study: Study) -> list[str]:
    """What is to be known of neutrinos that stand for N of kaons."""
    found = []
    for d in study.datasets:
        if not isinstance(d.flux, ScaledKaons):
            continue
        known = load_kaons(d.flux).modes
        if missing := [mode for mode in d.exposure.pot if mode not in known]:
            have = ", ".join(known)
            found.append(
                f"{d.name}: flux {d.flux.name} has neutrinos of {have} alone; no N of the exposure "
                f"in {', '.join(missing)} count"
            )
        if d.flux.caveat:
            found.append(f"flux {d.flux.name}: {d.flux.caveat}")
    return found


def recast_by_mass(study: Study, masses: Array) -> list[str]:
    """Say where an efficiency by mass is of other decays than those of the model."""
    found = []
    for _, search in study.searches:
        kept = search.kept_by_cuts.get(study.model.kind) if isinstance(search, Recast) else None
        if kept is None or masses.max() < kept.mass[0]:
            continue
        known = np.array(kept.mass)
        low, high = np.clip([masses.min(), masses.max()], known[0], known[-1])
        there = np.union1d([low, high], known[(known > low) & (known < high)])
        shares = np.interp(np.log(there), np.log(known), kept.value)
        listed = ", ".join(
            f"{share:.2f} at {1e3 * mass:.4g} MeV"
            for mass, share in zip(there.tolist(), shares.tolist(), strict=True)
        )
        found.append(
            f"search {search.name}: its efficiency by mass is of other decays than those of the "
            f"{study.model.kind}, of which cuts on tracks keep less: {listed} of it"
        )
    return found


def assumed(study: Study) -> list[str]:
    """Say which searches have a background that is assumed."""
    found = []
    for search in {search.name: search for _, search in study.searches}.values():
        keys = dict.fromkeys(key.partition(".")[0] for key in search.assumptions())
        if "background" in keys:
            named = " and ".join(key for key in ("efficiency", "background") if key in keys)
            found.append(f"search {search.name}: {named} assumed, and so is what its limits show")
    return found


def projections(study: Study) -> str:
    """What comes of projected datasets beside those with data; nothing where all are alike."""
    by_kind: dict[str, list[str]] = {"": [], "asimov": [], "data": []}
    for d, search in study.searches:
        data = d.data(search)
        kind = data if isinstance(data, str) else "" if data is None else "data"
        name = d.name if len(d.search) == 1 else f"{d.name} {search.name}"
        by_kind[kind].append(f"{name} ({d.exposure.name})")
    asimov, missing, seen = (", ".join(by_kind[k]) for k in ("asimov", "", "data"))
    if seen and missing:
        return (
            f"the data of {seen} do not count beside projections: {missing}; with `observed: "
            "{EXPOSURE: asimov}` in their searches these take their expected background for data"
        )
    if seen and asimov:
        return f"projected: {asimov}, where the expected background stands for data"
    return ""


def excess(study: Study, tests: Sequence[PointTest]) -> str:
    """What comes of data above the background at some point; nothing where there are none."""
    seen = [
        (t.discovery.p0_observed, t.mass_gev, t.coupling)
        for t in tests
        if t.discovery is not None and t.discovery.p0_observed is not None
    ]
    p, mass, coupling = min(seen, default=(1.0, 0.0, 0.0))
    if (size := -float(ndtri(max(p, 5e-324)))) < EXCESS:
        return ""
    return (
        f"the data have an excess, of {size:.1f} sigma for the signal at {1e3 * mass:.3g} MeV, "
        f"{study.model.axis.text(coupling, 2)} (local): observed limits are weaker than expected; "
        "task=fit finds what it prefers"
    )
