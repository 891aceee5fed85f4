"""Frozen dataclasses of arrays and plain values as a JSON document with arrays apart, and back.

One form serves two ends: the content of a unit of work, of which the hash is its key, and its
result in a file. Nothing that is read can run code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.registry import foreign_code, is_foreign

AnyArray = NDArray[Any]

CALCULATING = (
    "physics",
    "models",
    "beam",
    "tables",
    "detector",
    "simulation",
    "search",
    "likelihood",
    "inference",
    "inference/counting",
    "inference/engines",
    "inference/limits",
    "data",
)
"""Parts of the package whose code and tables results depend on."""

_DOCUMENT = "document"

_PLAIN = (float, int, str, bool, type(None))


def flatten(value: object) -> tuple[Any, list[AnyArray]]:
    """Part a value into a JSON document and the arrays that it refers to by number.

    Raises
    ------
    TypeError
        For what is neither plain, an array, a sequence, a mapping nor a dataclass.
    """
    document, arrays, _ = _flatten(value)
    return document, arrays


def _flatten(value: object) -> tuple[Any, list[AnyArray], set[str]]:
    """Do as `flatten`, and give the modules of users' own dataclasses, too."""
    arrays: list[AnyArray] = []
    foreign: set[str] = set()

    def walk(item: object) -> object:
        if type(item) in _PLAIN:  # most are, and isinstance takes longer
            return item
        if isinstance(item, np.generic):
            return item.item()
        if isinstance(item, np.ndarray):
            arrays.append(item)
            return {"array": len(arrays) - 1}
        if isinstance(item, tuple | list):
            return [walk(part) for part in item]
        if isinstance(item, Mapping):
            return {"mapping": [[walk(key), walk(part)] for key, part in item.items()]}
        if dataclasses.is_dataclass(item) and not isinstance(item, type):
            names, module = _fields(type(item))
            if module is not None:
                foreign.add(module)
            fields = {name: walk(getattr(item, name)) for name in names}
            return {"type": type(item).__name__, "fields": fields}
        raise TypeError(f"{type(item).__name__} cannot be stored")

    return walk(value), arrays, foreign


def key(function: Callable[..., object], piece: object) -> str:
    """Give 64 hex digits that stand for a function, what it works on, and the code behind both."""
    document, arrays, foreign = _flatten(piece)
    own = _own_code(function.__module__)
    code = " ".join([code_digest(), own, *map(foreign_code, sorted(foreign))])
    digest = hashlib.sha256(f"{code} {function.__qualname__}\n".encode())
    digest.update(json.dumps(document).encode())
    for array in arrays:
        digest.update(f"\n{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def pack(value: object) -> bytes:
    """Write a value as the bytes of an npz archive: the document, and one array for each type.

    A result has many short arrays, each of which would take longer to open than to read.
    """
    document, arrays = flatten(value)
    joined: dict[str, list[AnyArray]] = {}
    for array in arrays:
        joined.setdefault(array.dtype.str, []).append(array.ravel())
    shapes = [[array.dtype.str, array.shape] for array in arrays]
    text = json.dumps([document, shapes]).encode()
    content = {kind: np.concatenate(parts, dtype=kind) for kind, parts in joined.items()}
    stream = io.BytesIO()
    archive: Any = {_DOCUMENT: np.frombuffer(text, dtype=np.uint8), **content}
    np.savez(stream, allow_pickle=False, **archive)
    return stream.getvalue()


def unpack(content: bytes, types: Iterable[type]) -> Any:
    """Read what `pack` wrote; sequences come back as tuples.

    Parameters
    ----------
    content
        The archive.
    types
        Dataclasses that it may hold.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it holds anything else.
    """
    known = {one.__name__: one for one in types}
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        document, shapes = json.loads(archive[_DOCUMENT].tobytes())
        joined = {kind: archive[kind] for kind in archive if kind != _DOCUMENT}
    arrays, start = [], dict.fromkeys(joined, 0)
    for kind, shape in shapes:
        end = start[kind] + math.prod(shape)
        arrays.append(joined[kind][start[kind] : end].reshape(shape))
        start[kind] = end

    def build(item: Any) -> Any:
        if isinstance(item, list):
            return tuple([build(part) for part in item])
        if not isinstance(item, dict):
            return item
        if "array" in item:
            return arrays[item["array"]]
        if "mapping" in item:
            return {build(name): build(part) for name, part in item["mapping"]}
        fields = {name: build(part) for name, part in item["fields"].items()}
        return known[item["type"]](**fields)

    return build(document)


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], str | None]:
    """Give the names of the fields of a dataclass, and its module if that is a user's own."""
    names = tuple(f.name for f in dataclasses.fields(kind))
    return names, kind.__module__ if is_foreign(kind) else None


@cache
def _own_code(module: str) -> str:
    """Give a hash of the module that a function stands in, which may do more than call others."""
    return hashlib.sha256(inspect.getsource(sys.modules[module]).encode()).hexdigest()


@cache
def code_digest(parts: tuple[str, ...] = CALCULATING) -> str:
    """Give a hash of the code and tables in parts of the package."""
    package = resources.files("hnlstat")
    digest = hashlib.sha256()
    for part in parts:
        for file in sorted(package.joinpath(part).iterdir(), key=lambda entry: entry.name):
            if file.name.endswith((".py", ".csv")):
                digest.update(f"{part}/{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()
