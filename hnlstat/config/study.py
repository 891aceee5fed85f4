"""The Study: everything that a run needs, validated and immutable."""

import html
import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ModelWrapValidatorHandler, model_validator

from hnlstat.config.base import Assuming, Name, Section, UserPath, problem
from hnlstat.config.bounds import BoundChoice
from hnlstat.config.compare import Compare
from hnlstat.config.coupling import measured_on
from hnlstat.config.executor import AnyExecutor, Store, shared_folder
from hnlstat.config.model import Model
from hnlstat.config.quantities import NotEmpty
from hnlstat.config.registry import AnyModel, read_model
from hnlstat.config.scan import Scan
from hnlstat.config.search import AnySelection, Kinematic
from hnlstat.config.sections import (
    Dataset,
    EventFile,
    Flux,
    Inference,
    Simulation,
    Systematics,
    existing_file,
)
from hnlstat.config.shapes import FiducialBox
from hnlstat.config.task import AT_A_POINT, AnyTask

MIN_COUPLINGS = 4
"""Couplings that the cubic interpolation of the yields needs."""

LEAST_MASSES = {"contour": 2, "fit": MIN_COUPLINGS, "compare": 1, "benchmark": 2}
"""Masses that the tasks need which work on the grid; `compare` has its own."""


class Study(Section):
    """
    A complete scenario. Quantities are in GeV, m, g/cm3 and POT, couplings as the model has them.

    Attributes
    ----------
    name
        Folder of the results below `runs`.
    datasets
        What enters the likelihood together.
    runs, yields_from, data_from
        Where results go, tables in place of the simulation and of the data.
    inputs
        SHA-256 of the files that are read, by absolute path; None: any content.
    executor, store, resume
        Where the work is done, where its results are kept, and a run's folder to go on in.
    """

    name: Name
    task: AnyTask
    datasets: Annotated[tuple[Dataset, ...], NotEmpty]
    flux: Flux
    model: AnyModel
    selection: AnySelection
    systematics: Systematics
    simulation: Simulation
    events: EventFile
    compare: Compare
    bounds: BoundChoice
    inference: Inference
    scan: Scan
    executor: AnyExecutor
    store: Store
    resume: UserPath | None
    runs: UserPath
    yields_from: Annotated[UserPath, AfterValidator(existing_file)] | None
    data_from: Annotated[UserPath, AfterValidator(existing_file)] | None
    inputs: dict[str, str] | None = None

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

    @model_validator(mode="after")
    def _modes_are_known(self) -> Self:
        for mode, exposure in ((m, d.exposure) for d in self.datasets for m in d.exposure.pot):
            for key, known in (
                ("selection.background", self.selection.background),
                ("systematics.background", self.systematics.background),
            ):
                if mode not in known:
                    raise problem(
                        key,
                        f"lacks the horn mode {mode} of exposure {exposure.name} (has {[*known]})",
                    )
            other = self.selection.background[mode].pot_of
            if other is not None and other not in exposure.pot:
                raise problem(
                    f"selection.background.{mode}.pot_of",
                    f"{other} is not a horn mode of exposure {exposure.name} ({[*exposure.pot]})",
                )
        return self

    @model_validator(mode="after")
    def _model_has_the_final_state(self) -> Self:
        if reason := self.model.lacks(self.selection.channel):
            raise problem("selection.channel", reason)
        return self

    @model_validator(mode="after")
    def _tracks_have_gas(self) -> Self:
        if isinstance(self.selection, Kinematic):
            for i, dataset in enumerate(self.datasets):
                for name, region in dataset.detector.fiducial.items():
                    if dataset.detector.around(name) is None:
                        box = isinstance(region, FiducialBox)
                        fault = "does not lie in a single box" if box else "is not a box"
                        raise problem(
                            f"datasets.{i}.detector.fiducial.{name}",
                            f"{fault}; selection=kinematic needs one with gas",
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
        simulating = (*AT_A_POINT, "compare", "efficiency")
        if self.task.kind in simulating and self.yields_from is not None:
            raise problem("yields_from", f"is of no use to task={self.task.kind}, which simulates")
        if self.task.kind == "store" and shared_folder(self.store) is None:
            raise problem("store", f"{self.store} is not for task=store; give shared:<folder>")
        if self.task.kind == "combine" and self.yields_from is not None:
            raise problem("yields_from", "is of no use to task=combine, which takes workspaces")
        if self.task.kind == "inject" and self.data_from is not None:
            raise problem("data_from", "is of no use to task=inject, which makes data")
        if self.task.kind == "fit" and self.data_from is None and not self.has_data:
            raise problem(
                "data_from", "missing; a projection has no data to fit, task=inject makes some"
            )
        for key in ("mass", "coupling"):
            if reason := self.too_few(key, getattr(self.scan, key).size):
                raise problem(f"scan.{key}", reason)
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
        """Whether exposures have data: each its own or Asimov data, and not all of these."""
        observed = [dataset.exposure.observed for dataset in self.datasets]
        return None not in observed and any(data != "asimov" for data in observed)

    def too_few(self, key: str, points: int) -> str | None:
        """Say so if a grid has fewer masses, or couplings, than the task needs."""
        if self.task.kind not in LEAST_MASSES:
            return None
        least = LEAST_MASSES[self.task.kind] if key == "mass" else MIN_COUPLINGS
        noun = "point" if points == 1 else "points"
        return f"has {points} {noun}; a {self.task.kind} needs {least}" if points < least else None

    def assumptions(self) -> dict[str, str]:
        """
        Settings without a source that change what a run finds: key -> "assumed" or "from memory".

        Where yields are given those of the simulation do not count.
        """
        parts: dict[str, Assuming] = {"systematics": self.systematics}
        if self.yields_from is None:
            parts["selection"] = self.selection
            parts |= {f"detector {d.detector.name}": d.detector for d in self.datasets}
        return {
            f"{name}: {key}" if " " in name else f"{name}.{key}": why
            for name, part in parts.items()
            for key, why in part.assumptions().items()
        }


SHOWN = 200
"""Characters of a section that are shown in a notebook."""


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False).replace('"', "")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} ..."
