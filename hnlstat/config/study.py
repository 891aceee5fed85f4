"""The Study: everything that a run needs, validated and immutable."""

import html
import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ModelWrapValidatorHandler, PrivateAttr, model_validator

from hnlstat.config.base import Assuming, Name, Section, UserPath, problem, suggest
from hnlstat.config.bounds import BoundChoice
from hnlstat.config.compare import Compare
from hnlstat.config.coupling import measured_on
from hnlstat.config.dataset import Dataset, count_twice
from hnlstat.config.events import EventFile
from hnlstat.config.executor import AnyExecutor, Store, shared_folder
from hnlstat.config.flux import KaonFlux
from hnlstat.config.model import Model
from hnlstat.config.quantities import NotEmpty
from hnlstat.config.registry import AnyModel, read_model
from hnlstat.config.report import Report
from hnlstat.config.scan import Scan
from hnlstat.config.search import Search
from hnlstat.config.sections import (
    Inference,
    Simulation,
    Systematics,
    existing_file,
)
from hnlstat.config.task import AT_A_POINT, AnyTask, FitTask

MIN_COUPLINGS = 4
"""Couplings that the cubic interpolation of the yields needs."""

LEAST_MASSES = {
    "contour": 2, "fit": MIN_COUPLINGS, "explained": MIN_COUPLINGS, "compare": 1, "benchmark": 2
}  # fmt: skip
"""Masses that the tasks need which work on the grid; `compare` has its own."""


class Study(Section):
    """
    A complete scenario. Quantities are in GeV, m, g/cm3 and POT, couplings as the model has them.

    Attributes
    ----------
    name
        Folder of the results below `runs`.
    task
        What the run does.
    datasets
        What enters the likelihood together.
    runs, yields_from, data_from
        Where results go, tables in place of the simulation and of the data.
    inputs
        SHA-256 of the files that are read, by absolute path; None: any content.
    report
        How figures look.
    executor, store, resume
        Where the work is done, where its results are kept, and a run's folder to go on in.
    """

    name: Name
    task: AnyTask
    datasets: Annotated[tuple[Dataset, ...], NotEmpty]
    model: AnyModel
    systematics: Systematics
    simulation: Simulation
    events: EventFile
    compare: Compare
    bounds: BoundChoice
    inference: Inference
    scan: Scan
    report: Report = Report()
    executor: AnyExecutor
    store: Store
    resume: UserPath | None
    runs: UserPath
    yields_from: Annotated[UserPath, AfterValidator(existing_file)] | None
    data_from: Annotated[UserPath, AfterValidator(existing_file)] | None
    inputs: dict[str, str] | None = None
    _remarks: tuple[str, ...] = PrivateAttr(())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of how it was asked for; no part of the configuration."""
        return self._remarks

    def remarking(self, *texts: str) -> Self:
        """Have runs of this study say so."""
        self._remarks = texts
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _in_the_unit_of_its_model(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        model = read_model(data.get("model")) if isinstance(data, Mapping) else None
        if not isinstance(model, Model):
            return handler(data)
        with measured_on(model.axis):
            return handler({**data, "model": model})

    @model_validator(mode="after")
    def _dataset_names_differ(self) -> Self:
        names = [dataset.name for dataset in self.datasets]
        for name in names:
            if names.count(name) > 1:
                raise problem("datasets", f"{name} appears twice; give each entry its own `name`")
        return self

    @property
    def searches(self) -> Iterator[tuple[Dataset, Search]]:
        """All searches of all datasets."""
        return ((d, search) for d in self.datasets for search in d.search.values())

    @model_validator(mode="after")
    def _events_count_once(self) -> Self:
        for one, two in combinations(self.searches, 2):
            if reason := in_one_exposure(one, two):
                raise problem("datasets", reason)
            called = [f"{dataset.name}_{search.name}" for dataset, search in (one, two)]
            if called[0] == called[1]:  # so are their parameters
                raise problem(
                    "datasets", f"two searches are called {called[0]}; name datasets otherwise"
                )
            bins = [b for d, s in (one, two) for m in d.exposure.pot for b in d.bins(s, m)]
            for name in (channel for channel, _ in bins):
                if bins.count((name, 0)) > 1:
                    raise problem(
                        "datasets", f"two searches have the channel {name}; name datasets otherwise"
                    )
        return self

    @model_validator(mode="after")
    def _model_has_the_final_states(self) -> Self:
        for _, search in self.searches:
            if reason := self.model.lacks(search.final_state):
                raise problem(f"search.{search.name}.final_state", reason)
        return self

    @model_validator(mode="after")
    def _uncertain_modes_are_known(self) -> Self:
        sizes = self.systematics.background
        known = {mode for dataset in self.datasets for mode in dataset.exposure.pot}
        for mode in sizes if isinstance(sizes, dict) else ():
            if mode not in known:
                raise problem(
                    f"systematics.background.{mode}",
                    f"{mode} is no horn mode of the exposures; {suggest(mode, sorted(known))}",
                )
        return self

    @model_validator(mode="after")
    def _task_has_what_it_needs(self) -> Self:
        if self.task.kind in AT_A_POINT:
            for key in ("mass", "coupling"):
                if getattr(self.model, key) is None:
                    raise problem(f"model.{key}", f"is missing; task={self.task.kind} needs it")
        if self.task.kind == "events" and not self.simulation.survival:
            raise problem("simulation.survival", "is false; task=events needs true")
        if self.task.kind == "events" and self.simulation.decay_lengths is not None:
            raise problem("simulation.decay_lengths", "is set; task=events needs null")
        if self.task.kind == "events" and len(self.final_states) > 1:
            raise problem(
                "search", f"look for {', '.join(self.final_states)}; task=events writes one of them"
            )
        simulating = (*AT_A_POINT, "compare", "efficiency", "requirements", "benchmark")
        if self.task.kind in simulating and self.yields_from is not None:
            raise problem("yields_from", f"is of no use to task={self.task.kind}, which simulates")
        if self.task.kind == "store" and shared_folder(self.store) is None:
            raise problem("store", f"{self.store} is not for task=store; give shared:<folder>")
        if self.task.kind == "combine" and self.yields_from is not None:
            raise problem("yields_from", "is of no use to task=combine, which takes workspaces")
        if self.task.kind == "inject" and self.data_from is not None:
            raise problem("data_from", "is of no use to task=inject, which makes data")
        if isinstance(self.task, FitTask) and self.data_from is None and not self.has_data:
            raise problem(
                "data_from", "missing; a projection has no data to fit, task=inject makes some"
            )
        if self.task.kind == "coverage" and self.inference.calculator == "bayesian":
            raise problem(
                "inference.calculator",
                "is bayesian, whose limits promise no coverage; task=coverage takes auto",
            )
        for key in ("mass", "coupling"):
            if reason := self.too_few(key, getattr(self.scan, key).size):
                raise problem(f"scan.{key}", reason)
        return self

    @model_validator(mode="after")
    def _requirements_have_no_data(self) -> Self:
        if self.task.kind == "requirements":
            if self.data_from is not None:
                raise problem("data_from", "is of no use to task=requirements: no data count")
            lacking = {"published": "looks at no uncertainties", "bayesian": "has no p-values"}
            if (why := lacking.get(name := self.inference.calculator)) is not None:
                raise problem(
                    "inference.calculator", f"{name} {why}; task=requirements takes any other"
                )
        return self

    def __repr__(self) -> str:
        names = ", ".join(dataset.name for dataset in self.datasets)
        return f"<Study {self.name}: task={self.task.kind}, datasets {names}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Show the sections in a notebook."""
        rows = "".join(
            f"<tr><th>{key}</th><td><code>{html.escape(_shown(value))}</code></td></tr>"
            for key, value in self.model_dump(mode="json", by_alias=True, exclude_none=True).items()
        )
        return f"<table><caption>{html.escape(repr(self)[1:-1])}</caption>{rows}</table>"

    @property
    def has_data(self) -> bool:
        """Whether searches have data: each its own or Asimov data, and not all of these."""
        observed = [dataset.data(search) for dataset, search in self.searches]
        return None not in observed and any(data != "asimov" for data in observed)

    @property
    def min_cos_theta(self) -> float:
        """The widest cut on the angle of N to the beam."""
        return min(search.min_cos_theta for _, search in self.searches)

    @property
    def final_states(self) -> tuple[str, ...]:
        """Decays that are looked for."""
        return tuple(dict.fromkeys(search.final_state for _, search in self.searches))

    def too_few(self, key: str, points: int) -> str | None:
        """Say so if a grid has fewer masses, or couplings, than the task needs."""
        if self.task.kind not in LEAST_MASSES:
            return None
        least = LEAST_MASSES[self.task.kind] if key == "mass" else MIN_COUPLINGS
        noun = "point" if points == 1 else "points"
        task = "fit" if isinstance(self.task, FitTask) else self.task.kind
        return f"has {points} {noun}; a {task} needs {least}" if points < least else None

    def signal_sizes(self, search: Search) -> dict[str, float]:
        """Relative uncertainties of the signal of a search that are its own, by parameter."""
        systematics = self.systematics
        sizes = dict(search.systematics) if systematics.searches else {}
        if systematics.efficiency is not None:
            own = [name for name in sizes if name.startswith("efficiency")]
            sizes |= dict.fromkeys(own or ["efficiency"], systematics.efficiency)
        return {name: size for name, size in sizes.items() if size}

    def assumptions(self) -> dict[str, str]:
        """
        Settings without a source that change what a run finds: key -> "assumed" or "from memory".

        Where yields are given those of the simulation do not count.
        """
        parts: dict[str, Assuming] = {"systematics": self.systematics}
        parts |= {f"search {search.name}": search for _, search in self.searches}
        parts |= {f"exposure {d.exposure.name}": d.exposure for d in self.datasets}
        if self.yields_from is None:
            parts |= {f"detector {d.detector.name}": d.detector for d in self.datasets}
            fluxes = [d.flux for d in self.datasets if isinstance(d.flux, KaonFlux)]
            parts |= {f"flux {flux.name}": flux for flux in fluxes}
        return {
            f"{name}: {key}" if " " in name else f"{name}.{key}": why
            for name, part in parts.items()
            for key, why in part.assumptions().items()
            if not isinstance(part, Search) or self._counts(part, key)
        }

    def _counts(self, search: Search, key: str) -> bool:
        """Whether a setting of a search changes what a run finds."""
        part, _, name = key.partition(".")
        if part == "systematics":
            return self.signal_sizes(search).get(name) == search.systematics.get(name)
        return self.yields_from is None or part in ("background", "covariance", "side_bands")


def in_one_exposure(one: tuple[Dataset, Search], two: tuple[Dataset, Search]) -> str | None:
    """Say so if searches count the same decays in one exposure of a detector."""
    (first, _), (second, other) = one, two
    places = [(dataset.detector.name, dataset.exposure.name) for dataset in (first, second)]
    if places[0] != places[1] or not (reason := count_twice(one, two)):
        return None
    return f"{second.name} with search {other.name} {reason} (of {first.name})"


SHOWN = 200
"""Characters of a section that are shown in a notebook."""


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False).replace('"', "")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."
