"""Results of units of work, kept under a hash of everything that they depend on.

An entry appears complete or not at all, and is checked when it is read, so that several processes
and users can share a folder, and a run can be killed at any moment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnlstat.errors import DataError, OutputError, StoreError
from hnlstat.inference.limits.limits import Limit, MassLimits, Profile
from hnlstat.inference.limits.mixings import Marginal
from hnlstat.inference.limits.points import PointTest
from hnlstat.inference.limits.requirements import Median
from hnlstat.inference.results import Discovery, Exclusion
from hnlstat.run.files.folder import TEMPORARY, atomic_file, write_json
from hnlstat.run.store.packing import pack, unpack
from hnlstat.simulation.sample import MassSample
from hnlstat.system.reading import open_regular, parse_json, read_json
from hnlstat.version import __version__

FORMAT = 3
"""Of the entries and their folders; an increase makes earlier stores unreadable."""

MARK = "store.json"
"""File that a folder is known by as a store."""

STORED = (
    MassSample, MassLimits, Limit, Profile, PointTest, Exclusion, Discovery, Median, Marginal,
)  # fmt: skip

ABANDONED = 3600.0
"""Age of a half written file whose writer was killed [s]; none takes so long to write."""

_SUFFIX = ".unit"


@dataclass(frozen=True)
class Entry:
    """A file of the store: where it is, its size in bytes and its age since the last use [s]."""

    path: Path
    size: int
    age: float


@dataclass(frozen=True)
class UnitStore:
    """A folder of results; `None` in its place keeps nothing.

    Attributes
    ----------
    root : Path
        The folder, with two levels below: first two digits of the key, key.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> UnitStore:
        """Open a store, and make it where there is none.

        Raises
        ------
        StoreError
            If the folder holds a store of another format, or other things.
        OutputError
            If the folder cannot be made.
        """
        mark = root / MARK
        if not mark.exists():
            if root.is_dir() and any(root.iterdir()):
                raise StoreError(f"store: {root} is a folder of other things; name an empty one")
            try:
                root.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = error.strerror or error
                raise OutputError(f"store: cannot make {root}: {reason}") from error
            write_json(mark, {"format": FORMAT, "hnlstat": __version__})
        try:
            content = read_json(mark)
            made_by, found = str(content["hnlstat"])[:20], int(content["format"])
        except (DataError, LookupError, TypeError, ValueError) as error:
            raise StoreError(f"store: {mark} cannot be read; name another folder") from error
        if found != FORMAT:
            raise StoreError(
                f"store: {root} was made by hnlstat {made_by} in format {found}, this one has "
                f"{FORMAT}; name another folder, or delete that one"
            )
        return cls(root)

    def path(self, key: str) -> Path:
        """Where the entry of a key is, or would be."""
        return self.root / key[:2] / f"{key}{_SUFFIX}"

    def get(self, key: str) -> Any | None:
        """Read the result under a key, None if there is none; mark it as used.

        Raises
        ------
        StoreError
            If there is an entry that cannot be used.
        """
        path = self.path(key)
        try:
            content = _content(path)
        except DataError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise StoreError(f"store: {error}") from error
        except OSError as error:
            raise StoreError(f"store: cannot read {path}: {error.strerror or error}") from error
        value = _read(path, content)
        with suppress(OSError):  # it may belong to somebody else
            os.utime(path)
        return value

    def put(self, key: str, value: object) -> None:
        """Keep a result.

        Raises
        ------
        OutputError
            If it cannot be written, as on a full disk.
        """
        path, content = self.path(key), pack(value)
        head = {"format": FORMAT, "key": key, "sha256": hashlib.sha256(content).hexdigest()}
        try:
            path.parent.mkdir(exist_ok=True)
            if path.is_dir():  # no entry of ours
                shutil.rmtree(path)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        with atomic_file(path) as temporary:
            temporary.write_bytes(json.dumps(head).encode() + b"\n" + content)

    def entries(self) -> Iterator[Entry]:
        """List all entries, damaged ones too."""
        return self._files(f"??/*{_SUFFIX}")

    def _files(self, pattern: str) -> Iterator[Entry]:
        """List files, but not those that another process has just deleted."""
        now = time.time()
        for path in sorted(self.root.glob(pattern)):
            with suppress(FileNotFoundError):
                status = path.lstat()
                yield Entry(path, status.st_size, now - status.st_mtime)

    def damaged(self) -> Iterator[StoreError]:
        """Read every entry, and say what is wrong with those that cannot be used."""
        for entry in self.entries():
            try:
                _check(entry.path)
            except StoreError as error:
                if os.path.lexists(entry.path):  # else it has just been deleted
                    yield error

    def prune(self, age: float) -> int:
        """Delete what is of no use; gives the number of files.

        That are entries not used for `age` seconds, damaged ones, and what killed runs left half
        written.

        Raises
        ------
        StoreError
            At the end, if some cannot be deleted.
        """
        useless = [e.path for e in self._files(f"**/.*{TEMPORARY}") if e.age >= ABANDONED]
        for entry in self.entries():
            try:
                _check(entry.path)
            except StoreError:
                useless.append(entry.path)
            else:
                useless += [entry.path] if entry.age >= age else []
        gone, kept = 0, []
        for path in useless:
            try:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                gone += 1
            except FileNotFoundError:
                pass  # by another process
            except OSError as error:
                kept.append(f"{path}: {error.strerror or error}")
        if kept:
            raise StoreError(
                f"store: {gone} files deleted; {len(kept)} cannot be, the first {kept[0]}"
            )
        return gone


def _content(path: Path) -> bytes:
    """Read a regular file; a pipe or a device could keep a run for ever."""
    with open_regular(path) as file:
        return file.read()


def _check(path: Path) -> None:
    """Read an entry to see whether it can be used."""
    try:
        _read(path, _content(path))
    except DataError as error:
        raise StoreError(f"store: {error}") from error
    except OSError as error:
        raise StoreError(f"store: cannot read {path}: {error.strerror or error}") from error


def _read(path: Path, content: bytes) -> Any:
    """Check an entry and restore what it holds."""
    line, _, body = content.partition(b"\n")
    try:
        head = parse_json(line)
        found, key, digest = head["format"], head["key"], head["sha256"]
        if found != FORMAT:
            raise StoreError(f"store: {path} has another format than {FORMAT}")
        if key != path.stem:
            raise StoreError(f"store: {path} is damaged: it is the entry of another key")
        if digest != hashlib.sha256(body).hexdigest():
            raise StoreError(f"store: {path} is damaged: its content has another checksum")
        return unpack(body, STORED)
    except StoreError:
        raise
    except Exception as error:  # whatever somebody may have put there
        reason = str(error) or type(error).__name__
        raise StoreError(f"store: {path} is damaged: {reason[:100]}") from error
