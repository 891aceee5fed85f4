"""Kinds of models and their classes: the shipped ones, and those of users' packages.

A package adds a model by an entry point of the group `hnlstat.models`, named like its `kind`:

    [project.entry-points."hnlstat.models"]
    my_kind = "my_package.my_module:MyModel"
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from pydantic import BeforeValidator, SerializeAsAny
from pydantic_core import to_jsonable_python

from hnlstat.config.base import suggest, validate
from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.model import Model
from hnlstat.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "hnlstat.models"
"""Of the entry points."""

SHIPPED = {
    "dipole": "hnlstat.models.dipole:Dipole",
    "mixed": "hnlstat.models.mixed:Mixed",
}
"""Class of each kind, loaded when it is asked for."""


def model_class(kind: str) -> type[Model]:
    """
    Load the class of a kind of model.

    Raises
    ------
    ConfigError
        Names what there is, or the entry point that is not right.
    """
    return _load(kind)


@cache
def _load(kind: str) -> type[Model]:
    if kind in SHIPPED:
        module, _, name = SHIPPED[kind].partition(":")
        found: type[Model] = getattr(importlib.import_module(module), name)
        return found
    points = _entry_points()
    if kind not in points:
        known = [*SHIPPED, *points]
        raise ConfigError(f"model.kind: {kind} is no kind of model; {suggest(kind, known)}")
    return _checked(points[kind])


def option(name: str, options: list[str] | None = None) -> dict[str, Any] | None:
    """
    Give the settings of the model of a user's package, so that it can be chosen as model=NAME.

    None if there is none of that name; `options` get those that there are. Settings without a
    default have OmegaConf's mark for it; defaults that are sections are mappings.

    Raises
    ------
    ConfigError
        If its entry point is not right.
    """
    points = _entry_points()
    if name not in points:
        if options is not None:
            options += points
        return None
    fields = model_class(name).model_fields
    settings = {
        key: "???"
        if field.is_required()
        else to_jsonable_python(field.get_default(call_default_factory=True))
        for key, field in fields.items()
    }
    return {**settings, "kind": name}


def foreign_kinds() -> list[str]:
    """List the kinds of models of users' packages, which are not loaded for it."""
    return [*_entry_points()]


def is_foreign(kind: type) -> bool:
    """Tell whether a class comes from a package of a user's own."""
    return kind.__module__.partition(".")[0] != __package__.partition(".")[0]


def foreign_code(module: str) -> str:
    """
    Give a hash of the package of a module: what it calculates depends on all of its files.

    The version of the package that an entry point came from counts as well. Code that cannot be
    read, as of a notebook, is not known again: its hash is another one each time that it is asked
    for in a new process.
    """
    root = module.partition(".")[0]
    return hashlib.sha256(f"{_VERSIONS.get(root)} {files_digest(root)}".encode()).hexdigest()


@cache
def files_digest(root: str) -> str:
    """Give a hash of the files of a package, or of a module that is none."""
    found = sys.modules.get(root)
    folders, file = getattr(found, "__path__", ()), getattr(found, "__file__", None)
    files = [path for folder in folders for path in sorted(Path(folder).rglob("*"))]
    if not folders and file is not None:
        files = [Path(file)]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest() if files else uuid4().hex


def packages() -> dict[str, str]:
    """Name the packages that models of this process came from, with the hash of their files."""
    return {root: files_digest(root) for root in _VERSIONS}


_VERSIONS: dict[str, str] = {}
"""Of the packages that models came from, by their module."""


def _entry_points() -> dict[str, EntryPoint]:
    """Entry points of models by their kind; looked for only where a kind is not shipped."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in SHIPPED:
            raise ConfigError(
                f"{_described(point)}: {point.name} is a kind that comes with hnlstat; rename it"
            )
        if point.name in found and found[point.name].value != point.value:
            raise ConfigError(
                f"{_described(point)}: {point.name} is also {found[point.name].value} of "
                f"{_package(found[point.name])}; take one of the packages out"
            )
        found[point.name] = point
    return found


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else f"{point.dist.name}"


def _described(point: EntryPoint) -> str:
    return f"model.kind: entry point {point.name} = {point.value} of {_package(point)}"


def _checked(point: EntryPoint) -> type[Model]:
    """Load an entry point that must be a complete model."""
    where = _described(point)
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # whatever the package does when it is imported
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"{where}: does not load: {reason}") from error
    if not (inspect.isclass(found) and issubclass(found, Model)):
        shown = found.__name__ if inspect.isclass(found) else type(found).__name__
        raise ConfigError(f"{where}: {shown} is no subclass of hnlstat.config.model.Model")
    version = "" if point.dist is None else f"{point.dist.name} {point.dist.version}"
    _VERSIONS[found.__module__.partition(".")[0]] = version
    if missing := sorted(found.__abstractmethods__):
        raise ConfigError(f"{where}: {found.__name__} lacks {', '.join(missing)}")
    axis, states = (getattr(found, name, None) for name in ("coupling_axis", "final_states"))
    if not isinstance(axis, CouplingAxis):
        raise ConfigError(f"{where}: {found.__name__}.coupling_axis is no CouplingAxis")
    if not isinstance(states, tuple) or not states or not all(isinstance(s, str) for s in states):
        raise ConfigError(
            f"{where}: {found.__name__}.final_states is {states!r}, not names such as ('ee',)"
        )
    return found


def read_model(value: object) -> object:
    """
    Read a model as the class of its `kind`; what is no mapping passes.

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    """
    if not isinstance(value, Mapping):
        return value
    if "kind" not in value:
        raise ConfigError(f"model.kind: is missing; choose from {', '.join(SHIPPED)}")
    return validate(model_class(str(value["kind"])), value, "model")


AnyModel = Annotated[SerializeAsAny[Model], BeforeValidator(read_model)]
