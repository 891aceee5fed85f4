"""From the classes of a study to a list of all keys: what each means and what it can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from hnlstat.config.base import Section
from hnlstat.config.dataset import Dataset
from hnlstat.config.executor import EXECUTORS, Executor
from hnlstat.config.model import Model
from hnlstat.config.registry import SHIPPED, model_class
from hnlstat.config.study import Study
from hnlstat.config.task import TASKS, Task
from hnlstat.reference.docstrings import said_of, summary
from hnlstat.reference.keys import Key
from hnlstat.reference.types import Type, describe

TELLING = ("kind", "shape")
"""Fields that tell classes apart which can stand under one key."""

TOLD = "Which of these it is; other keys depend on it."
"""What is said of them where nothing else is."""

BY_MODE = ("background", "flavours_by_mode", "observed", "pot", "side_bands")
"""Mappings whose keys are horn modes."""

CALLED = dict.fromkeys(BY_MODE, "mode") | {"search.<name>.observed": "exposure"}
"""What the keys of a mapping are, where it is more than a name; by its name, or its whole key."""

OPTION = "name of an option, or keys of its own"
"""What stands in an entry of `datasets` for each group."""

BEFORE = (
    Key("detector.datasets", "Datasets that count where `datasets` is null and no exposure is "
        "chosen: entries as of `datasets`.", "list of sections"),
    Key("search.<name>.covariance.columns", "With the matrix in a csv: those of its columns that "
        "are used, each a name, or that of numbered ones.", "list of text", null=True),
    Key("search.<name>.efficiency.table", "In place of energy and value: name of a shipped table, "
        "or the path of a csv.", "text", of=("kind=photons",)),
    Key("search.<name>.efficiency.unit", "Of a table that does not say it, such as {energy: MeV}.",
        "mapping of names to text", null=True, of=("kind=photons",)),
    Key("search.<name>.efficiency_map.table", "In place of edges and value: `file.root:name`, or "
        "the path of a csv.", "text", of=("kind=photons", "kind=tracks")),
    Key("search.<name>.efficiency_map.unit", "Of a table that does not say it, by energy, mass, "
        "momentum or angle, such as {energy: MeV}.", "mapping of names to text", null=True,
        of=("kind=photons", "kind=tracks")),
)  # fmt: skip
"""Keys of files that become others before a study is made."""


def walk() -> list[Key]:
    """List all keys, those of a section after it; the groups of a dataset as groups."""
    found, of_detectors = [], []
    for name, field in Study.model_fields.items():
        found += _field(Study, name, field, "", inside=name != "datasets")
    for name, field in Dataset.model_fields.items():
        (key,) = _field(Dataset, name, field, "datasets[].", inside=False)
        if name != "name":
            key = replace(key, type=OPTION, null=True, default="null")
        found.append(key)
        of_detectors.append(replace(key, key=f"detector.{key.key}"))
        if name != "name":
            found += _field(Dataset, name, field, "")
    return [*found, *BEFORE, *of_detectors]


def foreign(kind: str) -> list[Key]:
    """List the keys of the model of a user's package."""
    return [replace(key, of=(f"kind={kind}",)) for key in _keys(model_class(kind), "model.")]


def _field(
    owner: type[Section], name: str, field: FieldInfo, prefix: str, *, inside: bool = True
) -> list[Key]:
    """Give the key of a field and all below it."""
    key = f"{prefix}{field.alias or name}"
    called = CALLED.get(key) or CALLED.get(name, "name")
    what = describe(field.annotation, tuple(field.metadata), called)
    classes = _by_path(what)
    meaning = said_of(owner, name) or _of_sections(classes)
    default = None if field.is_required() else _text(field.get_default(call_default_factory=True))
    found = [Key(key, meaning, what.words, what.unit, what.null, default)]
    for path, kinds in classes.items() if inside else ():
        found += _merged(kinds, f"{key}{path}.")
    return found


def _of_sections(classes: Mapping[str, list[type[Section]]]) -> str:
    """What is said of a section itself."""
    found = [summary(kinds[0] if len(kinds) == 1 else _base(kinds)) for kinds in classes.values()]
    return next(iter(found), "")


def _base(kinds: list[type[Section]]) -> type[Section]:
    """What classes have in common."""
    common = [base for base in kinds[0].__mro__ if all(issubclass(kind, base) for kind in kinds)]
    return common[0]


def _by_path(what: Type) -> dict[str, list[type[Section]]]:
    """Classes of the sections that a type holds, by what leads to them, with all kinds of each."""
    found: dict[str, list[type[Section]]] = {}
    for path, section in what.sections:
        found.setdefault(path, []).extend(_kinds(section))
    return {path: list(dict.fromkeys(classes)) for path, classes in found.items()}


def _kinds(section: type[Section]) -> list[type[Section]]:
    if section is Task:
        return [Task, *TASKS.values()]
    if section is Executor:
        return [Executor, *EXECUTORS.values()]
    if section is Model:
        return [model_class(kind) for kind in SHIPPED]
    return [section]


def _keys(section: type[Section], prefix: str) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        yield from _field(section, name, field, prefix)


def _merged(kinds: list[type[Section]], prefix: str) -> list[Key]:
    """Keys of the classes that can stand under one key, each with the kinds that have it."""
    if len(kinds) == 1:
        return [*_keys(kinds[0], prefix)]
    found: dict[Key, list[str]] = {}
    for kind in kinds:
        for key in _keys(kind, prefix):
            if key.key.removeprefix(prefix) not in TELLING:
                found.setdefault(key, []).append(_label(kind, prefix))
    telling = _telling(kinds, prefix)
    return [*telling, *(
        key if len(labels) == len(kinds) else replace(key, of=tuple(dict.fromkeys(labels)))
        for key, labels in found.items()
    )]  # fmt: skip


def _telling(kinds: list[type[Section]], prefix: str) -> list[Key]:
    """Give the key that tells the classes apart."""
    for name in TELLING:
        having = [kind for kind in kinds if name in kind.model_fields]
        if having:
            names = dict.fromkeys(one for kind in having for one in _names(kind, name))
            said = next((text for kind in having if (text := said_of(kind, name))), TOLD)
            default = None if len(having) == len(kinds) and name == "kind" else "null"
            return [Key(f"{prefix}{name}", said, " | ".join(names), default=default)]
    return []


def _names(kind: type[Section], field: str) -> tuple[str, ...]:
    annotation = kind.model_fields[field].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _label(kind: type[Section], prefix: str) -> str:
    """What tells one class from others: "task=coverage", "kind=tracks", "shape=box"."""
    for name in TELLING:
        if name in kind.model_fields:
            values = " or ".join(_names(kind, name))
            return f"task={values}" if prefix == "task." else f"{name}={values}"
    return "without kind"


def _text(value: Any) -> str:
    """Write a default as in a file."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, Section):
        value = value.model_dump()
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_text(one)}' for key, one in value.items())}}}"
    return f"{value:g}" if isinstance(value, float) else str(value)
