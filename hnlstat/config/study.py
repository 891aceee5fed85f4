"""The Study: everything that a run needs, validated and immutable."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Self

import yaml  # type: ignore[import-untyped]
from pydantic import AfterValidator, model_validator

import hnlstat
from hnlstat.config.base import Assuming, Section, problem
from hnlstat.config.bounds import BoundChoice
from hnlstat.config.compare import Compare
from hnlstat.config.executor import AnyExecutor, Store, shared_folder
from hnlstat.config.quantities import NotEmpty
from hnlstat.config.scan import Scan
from hnlstat.config.sections import (
    Dataset,
    EventFile,
    Flux,
    Inference,
    Model,
    Simulation,
    Systematics,
    existing_file,
)
from hnlstat.config.selection import AnySelection, Kinematic
from hnlstat.config.task import AT_A_POINT, AnyTask

MIN_COUPLINGS = 4
"""Couplings that the cubic interpolation of the yields needs."""

LEAST_MASSES = {"contour": 2, "fit": MIN_COUPLINGS, "compare": 1, "benchmark": 2}
"""Masses that the tasks need which work on the grid; `compare` has its own."""


def _folder_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", value):
        raise ValueError("is not a name for a folder: use letters, digits and _ . + -")
    return value


class Study(Section):
    """
    A complete scenario. All quantities are in GeV, m, g/cm3, POT and GeV^-1.

    Attributes
    ----------
    name
        Folder of the results below `runs`.
    datasets
        What enters the likelihood together.
    runs, yields_from, data_from
        Where results go, tables in place of the simulation and of the data.
    executor, store, resume
        Where the work is done, where its results are kept, and a run's folder to go on in.
    """

    name: Annotated[str, AfterValidator(_folder_name)]
    task: AnyTask
    datasets: Annotated[tuple[Dataset, ...], NotEmpty]
    flux: Flux
    model: Model
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
    resume: Path | None
    runs: Path
    yields_from: Annotated[Path, AfterValidator(existing_file)] | None
    data_from: Annotated[Path, AfterValidator(existing_file)] | None

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
    def _tracks_have_gas(self) -> Self:
        if isinstance(self.selection, Kinematic):
            for i, dataset in enumerate(self.datasets):
                for name in dataset.detector.fiducial:
                    if dataset.detector.around(name) is None:
                        raise problem(
                            f"datasets.{i}.detector.fiducial.{name}",
                            "does not lie in a single box; selection=kinematic needs one with gas",
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
        if self.task.kind in LEAST_MASSES:
            least_masses = LEAST_MASSES[self.task.kind]
            for key, least in (("mass", least_masses), ("coupling", MIN_COUPLINGS)):
                points = getattr(self.scan, key).array().size
                if points < least:
                    text = f"has {points} points; a {self.task.kind} needs {least}"
                    raise problem(f"scan.{key}", text)
        return self

    @property
    def has_data(self) -> bool:
        """Whether exposures have data: each its own or Asimov data, and not all of these."""
        observed = [dataset.exposure.observed for dataset in self.datasets]
        return None not in observed and any(data != "asimov" for data in observed)

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

    def content_hash(self) -> str:
        """
        Give 12 hex digits that stand for everything that changes the numbers of a run.

        That is the configuration without names, descriptions, kind of task, executor, store, `runs`
        and the bounds that limits are only compared with. It has the content of the flux table, of
        `yields_from` and of `data_from`, and the version of hnlstat.
        """
        from hnlstat.beam import load_flux

        unimportant: Any = {
            "name": True,
            "task": {"kind"},
            "executor": True,
            "store": True,
            "resume": True,
            "runs": True,
            "yields_from": True,
            "data_from": True,
            "events": {"format"},
            "bounds": True,
            "systematics": {"assumed"},
            "selection": {"assumed"},
            "datasets": {
                "__all__": {"detector": {"description", "assumed"}, "exposure": {"description"}}
            },
        }
        if self.task.kind != "compare":
            unimportant["compare"] = True
        content = json.dumps(self.model_dump(mode="json", exclude=unimportant))
        digest = hashlib.sha256(f"{hnlstat.__version__} {content}".encode())
        table = load_flux(self.flux.table)
        for values in (table.edges_gev, *table.flux.values()):
            digest.update(values.tobytes())
        for file in (self.yields_from, self.data_from):
            if file is not None:
                digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def to_yaml(self) -> str:
        """
        Write the resolved configuration, quantities as numbers in their base units.

        Saved as config.yaml in a folder DIR, `python -m hnlstat --config-dir DIR` runs it again.
        """
        content: dict[str, Any] = {
            "defaults": ["runtime", "_self_"],
            **self.model_dump(mode="json", by_alias=True),
        }
        head = "# Resolved configuration of an hnlstat run: GeV, m, g/cm3, POT, GeV^-1.\n"
        return head + str(
            yaml.safe_dump(
                content, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
            )
        )
