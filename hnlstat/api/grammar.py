"""From keyword sections to overrides in the grammar of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.override_parser.types import Quote, QuotedString

from hnlstat.config.base import GONE, suggest
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.system.shipped import conf_dir

PLAIN_KEY = re.compile(r"(?!(null|true|false|inf|nan)$)[a-z_]\w*", re.ASCII | re.IGNORECASE)
"""A key that may stand behind a dot in an override, and in a mapping, and is no value there."""

DEEPEST = 20
"""Levels of mappings and lists, of which no setting has half as many."""


def overrides_of(sections: Mapping[str, object]) -> Iterator[str]:
    """
    Write sections as overrides.

    Parameters
    ----------
    sections
        By section: a string chooses an option of a group, None takes the group out, a mapping sets
        keys of it; any other value is that of the key.

    Raises
    ------
    ConfigError
        Names a section that there is not, or a value that has no place in a configuration.
    """
    groups = {path.name for path in conf_dir().iterdir() if path.is_dir()} - {"hydra"}
    known = sorted({*Study.model_fields, *groups} - {"inputs"})
    for name, value in sections.items():
        if name in GONE:
            raise ConfigError(f"{name}: {GONE[name]}")
        if name not in known:
            raise ConfigError(f"{name}: is no section of a study; {suggest(name, known)}")
        if isinstance(value, Mapping):
            yield from _keys(name, value)
        elif name in groups and value is None:
            yield f"~{name}"
        elif name in groups and not isinstance(value, str | list | tuple | np.ndarray):
            raise ConfigError(
                f"{name}: {value!r:.100} is neither the name of an option nor a mapping of keys"
            )
        else:
            yield f"{name}={literal(value, name)}"


def _keys(where: str, mapping: Mapping[Any, object]) -> Iterator[str]:
    """Set the keys of a mapping, as deep as they can stand behind dots."""
    for key, value in mapping.items():
        if not isinstance(key, str) or not PLAIN_KEY.fullmatch(key):
            raise ConfigError(
                f"{where}: {key!r:.100} is not a key; keys are names of letters, digits and _"
            )
        path = f"{where}.{key}"
        if isinstance(value, Mapping) and value:
            if path.count(".") >= DEEPEST:
                raise ConfigError(f"{where}: mappings lie more than {DEEPEST} deep")
            yield from _keys(path, value)
        else:
            yield f"++{path}={literal(value, path)}"


def literal(value: object, where: str, depth: int = 0) -> str:
    """
    Write a value so that the grammar of overrides reads the same one.

    Parameters
    ----------
    value
        None, truth values, numbers, strings, paths, arrays, lists and mappings of these.
    where
        Key of the setting, for complaints.
    depth
        Levels above it.

    Raises
    ------
    ConfigError
        For a value of another kind.
    """
    if depth > DEEPEST:
        raise ConfigError(f"{where}: lists and mappings lie more than {DEEPEST} deep")
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return _quoted(str(value))
    if isinstance(value, Mapping):
        return f"{{{','.join(_entries(value, where, depth))}}}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return f"[{','.join(literal(item, where, depth + 1) for item in value)}]"
    raise ConfigError(
        f"{where}: {value!r:.100} is a {type(value).__name__}, which has no place in a "
        "configuration; give numbers, strings, lists, mappings or None"
    )


def _entries(mapping: Mapping[Any, object], where: str, depth: int) -> Iterator[str]:
    for key, value in mapping.items():
        if not isinstance(key, str) or not PLAIN_KEY.fullmatch(key):
            raise ConfigError(
                f"{where}: {key!r:.100} is not a key; keys are names of letters, digits and _"
            )
        yield f"{key}:{literal(value, f'{where}.{key}', depth + 1)}"


def _quoted(text: str) -> str:
    """Quote a text, in which nothing is an interpolation."""
    plain = re.sub(r"(\\*)\$\{", lambda found: f"{2 * found[1]}\\${{", text)
    return QuotedString(plain, Quote.single).with_quotes()
