"""The files that a study reads: as absolute paths, so that a run is the same from any folder.

A run's config.yaml keeps the SHA-256 of each; what has changed since is not taken for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hnlstat.config.channels import Channels
from hnlstat.config.executor import SHARED, shared_folder
from hnlstat.errors import ConfigError, DataError
from hnlstat.system.reading import file_digest
from hnlstat.system.shipped import shipped_table
from hnlstat.tables.root import split

if TYPE_CHECKING:
    from hnlstat.config.study import Study

LIKELIHOOD = ("BkgOnly.json", "patchset.json")
"""Files in the folder `workspace` of a run that task=combine reads."""

TABLES = {"table", "spectra"}
"""Keys of the tables of a flux."""

BY_MODE = ("modes", "efficiency")
"""Keys of the tables of a search by mode."""

DRAWN = ("bounds.files", *(f"flux.{key}" for key in sorted(TABLES)))
"""What is read again for figures of a run that is finished."""

_TABLE = re.compile(r"(\+{0,2}flux\.table=)(['\"]?)(.+)\2")
_OVERRIDES = ("from", "to", "reference", "overrides")
"""Settings that are the overrides of another study."""


def input_files(study: Study) -> Iterator[tuple[str, Path]]:
    """Give the files that a study reads, with the key that names each; shipped ones are none."""
    for key in ("yields_from", "data_from"):
        if (path := getattr(study, key)) is not None:
            yield key, path
    for i, path in enumerate(study.bounds.files):
        yield f"bounds.files.{i}", path
    tables = dict.fromkeys(item for d in study.datasets for item in d.flux.tables.items())
    for key, table in tables:
        if (path := _own_table(table)) is not None:
            yield f"flux.{key}", path
    yield from _by_mode(study)
    for i, folder in enumerate(getattr(study.task, "folders", ())):
        yield from ((f"task.folders.{i}", folder / "workspace" / name) for name in LIKELIHOOD)
    content = study.model_dump(include={"compare", "task"}, by_alias=True)
    for name, settings, key in _of_studies(content):
        for i, text in enumerate(settings[key]):
            if (match := _TABLE.fullmatch(text)) and (path := _own_table(match[3])) is not None:
                yield f"{name}.{key}.{i}", path


def _of_studies(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give the settings that hold the overrides of other studies, with their names and keys."""
    tests = content["task"].get("tests") or {}
    parts = {"compare": content["compare"], "task": content["task"]}
    parts |= {f"task.tests.{name}": test for name, test in tests.items()}
    for name, settings in parts.items():
        yield from ((name, settings, key) for key in _OVERRIDES if settings.get(key))


def _by_mode(study: Study) -> Iterator[tuple[str, Path]]:
    """Own tables of searches by mode."""
    for _, search in study.searches:
        for key in BY_MODE if isinstance(search, Channels) else ():
            if (path := _own_table(getattr(search, key))) is not None:
                yield f"search.{search.name}.{key}", path


def digests(study: Study) -> dict[str, str]:
    """Give the SHA-256 of each file that a study reads, by absolute path.

    Raises
    ------
    DataError
        Names the key and the file that cannot be read.
    """
    return {_absolute(path): digest(key, path) for key, path in input_files(study)}


def check_inputs(study: Study, keys: tuple[str, ...] = ("",)) -> None:
    """Compare the files of a study with those of the run whose configuration it has.

    Parameters
    ----------
    study
        With `inputs` if it comes from a run.
    keys
        Beginnings of the keys to look at.

    Raises
    ------
    ConfigError
        Names the key and the file that has changed.
    DataError
        If a file cannot be read.
    """
    known = study.inputs or {}
    for key, path in input_files(study):
        before = known.get(_absolute(path))
        if before is not None and key.startswith(keys) and before != digest(key, path):
            raise ConfigError(
                f"{key}: {path} has changed since the run was made; bring back its content, or "
                "give inputs=null to take it as it is now"
            )


def anchor(study: Study, content: dict[str, Any]) -> None:
    """Make the paths in the resolved configuration of a study absolute, except `runs`.

    Results of a run that is made again belong where it is made.
    """
    for key in ("yields_from", "data_from"):
        if content[key] is not None:
            content[key] = _absolute(content[key])
    content["bounds"]["files"] = [_absolute(file) for file in content["bounds"]["files"]]
    for dataset in content["datasets"]:
        for key in TABLES & dataset["flux"].keys():
            if _own_table(table := dataset["flux"][key]) is not None:
                dataset["flux"][key] = _absolute_table(table)
        for search in dataset["search"].values():
            for key in BY_MODE if search["kind"] == "channels" else ():
                if (path := _own_table(search[key])) is not None:
                    search[key] = _absolute(path)
    task, executor = content["task"], content["executor"]
    if task.get("folder") is not None:
        task["folder"] = _absolute(task["folder"])
    if "folders" in task:
        task["folders"] = [_absolute(folder) for folder in task["folders"]]
    if executor.get("log_directory") is not None:
        executor["log_directory"] = _absolute(executor["log_directory"])
    if (store := shared_folder(study.store)) is not None:
        content["store"] = SHARED + _absolute(store)
    for _, settings, key in _of_studies(content):
        settings[key] = list(map(_anchored, settings[key]))
    content["inputs"] = digests(study) or None


def _anchored(override: str) -> str:
    match = _TABLE.fullmatch(override)
    if match is None or _own_table(match[3]) is None:
        return override
    return f"{match[1]}{match[2]}{_absolute_table(match[3])}{match[2]}"


def _absolute(path: str | Path) -> str:
    return os.path.abspath(path)


def _own_table(table: str) -> Path | None:
    """The file of a table that does not come with hnlstat; of a histogram, that which has it."""
    if shipped_table(table):
        return None
    parts = split(table)
    return Path(table if parts is None else parts[0])


def _absolute_table(table: str) -> str:
    """Give a table of the user's own by its absolute path, a histogram with its name."""
    parts = split(table)
    if parts is None or parts[1] is None:
        return _absolute(table)
    return f"{_absolute(parts[0])}:{parts[1]}"


def digest(key: str, path: Path) -> str:
    """Give the SHA-256 of a file that a key names; raises a DataError with that key."""
    try:
        return file_digest(path)
    except DataError as error:
        raise DataError(f"{key}: {error}") from None
