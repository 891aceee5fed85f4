"""What a run rests on, as `citations.bib` and as a list: only what it has used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hnlstat.bounds import Bound, chosen_bounds, comparable, established
from hnlstat.config.study import Study
from hnlstat.config.task import CombineTask, FitTask
from hnlstat.physics.processes import Kaons
from hnlstat.run.files.finished import FinishedRun
from hnlstat.studies.mixings import limited
from hnlstat.system.references import entry, words
from hnlstat.version import __version__

FILE = "citations.bib"
WITH_BOUNDS = ("contour", "explained")
"""Tasks that compare with existing bounds."""

CLS = "CLs:2002"
METHODS: dict[str, tuple[str, ...]] = {
    "exact": (CLS,),
    "convolution": (CLS,),
    "saddlepoint": (CLS, "SaddlePoint:1980"),
    "toys": (CLS,),
    "asymptotic": (CLS, "arXiv:1007.1727"),
    "published": ("arXiv:2412.15051",),
}
"""By the calculator that a limit is of; credible limits follow none in particular."""

LIKELIHOODS, FITS = ("pyhf", "pyhf:joss", "HistFactory:2012"), ("iminuit", "Minuit:1975")

Uses = dict[str, list[str]]
"""What each reference is for, by key."""


@dataclass(frozen=True)
class Sources:
    """What a run rests on: the bounds that it has compared with, and all that it has used."""

    bounds: tuple[Bound, ...]
    uses: Uses

    @classmethod
    def of(cls, run: FinishedRun) -> Sources:
        """Read the bounds, and collect what there is."""
        bounds = drawn_bounds(run.study)
        return cls(bounds, citations(run, bounds))


def drawn_bounds(study: Study) -> tuple[Bound, ...]:
    """Give the bounds that a run of a study compares with; of a fit, regions that are allowed."""
    axis = limited(study)
    if study.task.kind == "fit":
        return tuple(b for b in chosen_bounds(study.bounds, axis) if b.status == "allowed")
    if study.task.kind not in WITH_BOUNDS or study.scan.plane is not None:
        return ()
    found = comparable(chosen_bounds(study.bounds, axis), axis)
    return established(found) if study.task.kind == "explained" else found


def citations(run: FinishedRun, bounds: Sequence[Bound]) -> Uses:
    """Give what a run has used, by key.

    Parameters
    ----------
    run : FinishedRun
        The run.
    bounds : sequence of Bound
        Those that it has compared with.
    """
    found: Uses = {}
    for use, keys in _used(run, bounds):
        for key in keys:
            uses = found.setdefault(key, [])
            if use not in uses:
                uses.append(use)
    return found


def _used(run: FinishedRun, bounds: Sequence[Bound]) -> Iterator[tuple[str, Sequence[str]]]:
    study = run.study
    yield "software", ("hnlstat",)
    if not isinstance(study.task, CombineTask):  # else others have made the likelihoods
        yield "model", study.model.references
        for dataset in study.datasets:
            if study.yields_from is None:
                yield f"detector {dataset.detector.name}", dataset.detector.cite
            yield f"flux {dataset.flux.name}", dataset.flux.cite
            yield f"exposure {dataset.exposure.name}", dataset.exposure.cite
            for search in dataset.search.values():
                yield f"search {search.name}", search.cite
        yield "systematics", _of_systematics(study)
    for method in _methods(run.summary):
        yield f"limits ({method})", METHODS[method]
    if run.has("workspace/BkgOnly.json"):
        yield "likelihoods", LIKELIHOODS
    if isinstance(study.task, FitTask):
        yield "fits", FITS
    for bound in bounds:
        yield f"bound {bound.label.partition(' →')[0]}", bound.cite or (bound.source,)


def _of_systematics(study: Study) -> Sequence[str]:
    """References of the uncertainties; those of matter and scattering are none of N of kaons."""
    own = study.systematics
    scattered = not isinstance(study.model.source, Kaons)
    stated = own.background is not None or own.efficiency is not None
    return own.cite if scattered or stated else ()


def _methods(summary: Any) -> Iterator[str]:
    """Calculators of the limits in a summary."""
    if isinstance(summary, Mapping):
        if isinstance(method := summary.get("method"), str):
            yield from (name for name in METHODS if re.search(rf"\b{name}\b", method))
        for value in summary.values():
            yield from _methods(value)
    elif isinstance(summary, list | tuple):
        for value in summary:
            yield from _methods(value)


def bibtex(uses: Uses) -> str:
    """Write citations.bib."""
    entries = (f"% {', '.join(use)}\n{entry(key)}\n" for key, use in uses.items())
    return "\n".join((f"% What this run of hnlstat {__version__} has used.\n", *entries))


def listed(uses: Uses) -> list[str]:
    """Say what was used, and what for, in lines."""
    return [f"{', '.join(use)}: {words(key)}." for key, use in uses.items()]
