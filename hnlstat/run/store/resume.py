"""The folder of a run: a new one, or that of the same run which did not come to its end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import filelock
import yaml  # type: ignore[import-untyped]

from hnlstat.config.study import Study
from hnlstat.errors import ConfigError, DataError, InferenceError, OutputError
from hnlstat.run.files.folder import RunFolder
from hnlstat.run.store.units import MARK
from hnlstat.studies.saved import to_yaml
from hnlstat.system.reading import read_text

CONFIG, SUMMARY, LOCK = "config.yaml", "summary.json", ".lock"

_ELSEWHERE = ("defaults", "executor", "runs", "store", "resume")
"""Keys that may differ between a run and its continuation."""

REFUSED = ConfigError, DataError, InferenceError
"""Faults of what was given: a run that they end before it found anything leaves no folder."""


@contextmanager
def run_folder(study: Study, content_hash: str) -> Iterator[RunFolder]:
    """Give the folder that a Study's results go to, held against other runs.

    That is the one of `resume`, else the latest of the same study that was begun, is not complete
    and not in use, else a new one. A run without a store cannot be continued and gets a new one.

    Raises
    ------
    OutputError
        If the folder cannot be made or written to, is in use, complete, or another study's.
    """
    if study.resume is not None:
        folder = RunFolder(study.resume)
        _check(folder, study)
        lock = _lock(folder)
    else:
        folder, lock = _unfinished(study, content_hash) or _new(study, content_hash)
    try:
        folder.clear_temporary()
        folder.write_text(CONFIG, to_yaml(study.model_copy(update={"resume": None})))
        try:
            yield folder
        except REFUSED:
            _discard(folder)
            raise
    finally:
        lock.release()
        if (folder.path / SUMMARY).exists():
            (folder.path / LOCK).unlink(missing_ok=True)


def _discard(folder: RunFolder) -> None:
    """Delete a folder that holds nothing but what every run begins with."""
    begun = {CONFIG, LOCK, "run.log", "units", f"units/{MARK}"}
    if {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*")} <= begun:
        shutil.rmtree(folder.path, ignore_errors=True)
        with suppress(OSError):  # others may have runs there
            folder.path.parent.rmdir()
            folder.path.parent.parent.rmdir()


def _new(study: Study, content_hash: str) -> tuple[RunFolder, filelock.BaseFileLock]:
    """Make and hold a new folder."""
    folder = RunFolder.create(study.runs, study.name, content_hash)
    return folder, _lock(folder)


def _unfinished(study: Study, content_hash: str) -> tuple[RunFolder, filelock.BaseFileLock] | None:
    """Find and hold the latest folder in which the same study was begun."""
    if study.store == "off":
        return None
    for path in sorted((study.runs / study.name).glob(f"*_{content_hash[:8]}*"), reverse=True):
        folder = RunFolder(path)
        if not (path / SUMMARY).exists() and _same(folder, study):
            with suppress(_InUseError):
                return folder, _lock(folder)
    return None


class _InUseError(OutputError):
    pass


def _lock(folder: RunFolder) -> filelock.BaseFileLock:
    """Hold a folder until the process ends, however it does."""
    lock = filelock.FileLock(folder.path / LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise _InUseError(f"{folder.path} is in use by another run; wait for its end") from None
    except OSError as error:
        raise OutputError(f"cannot write {folder.path}: {error.strerror or error}") from error
    return lock


def _same(folder: RunFolder, study: Study) -> bool:
    """Whether a folder's study differs at most in where it is run."""
    try:
        content = yaml.safe_load(read_text(folder.path / CONFIG))
        return _essence(content) == _essence(yaml.safe_load(to_yaml(study)))
    except (DataError, ValueError, AttributeError, RecursionError, yaml.YAMLError):
        return False


def _essence(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in _ELSEWHERE}


def _check(folder: RunFolder, study: Study) -> None:
    """Refuse a folder that cannot be continued."""
    if not (folder.path / CONFIG).is_file():
        raise OutputError(f"resume: {folder.path} is not a run folder: it has no {CONFIG}")
    if (folder.path / SUMMARY).exists():
        raise OutputError(f"resume: {folder.path} is complete; there is nothing left to do")
    if not _same(folder, study):
        raise OutputError(
            f"resume: {folder.path} was begun with other settings; give resume alone, or the same"
        )
