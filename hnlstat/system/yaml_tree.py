"""YAML as a tree whose size, depth and keys are checked before anything is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf._utils import get_yaml_loader
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, YAMLError  # type: ignore[import-untyped]
from yaml.reader import ReaderError  # type: ignore[import-untyped]

from hnlstat.errors import ConfigError

MAX_DEPTH, MAX_ENTRIES, MAX_BYTES = 50, 1_000_000, 20_000_000
"""Of a file; aliases count as often as they are used."""

WORDS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
NULL = "tag:yaml.org,2002:null"
"""Tags of keys, and of nothing."""


def parse(path: Path) -> tuple[Node, str, Any]:
    """
    Read a file: the tree of its nodes, whose keys are words, its text and its loader.

    Raises
    ------
    ConfigError
        If it is no file, not UTF-8, not YAML, not a mapping, or larger or deeper than any config.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path}: has more than {MAX_BYTES // 10**6} MB")
    try:
        text = path.read_text(encoding="utf-8-sig")
        loader = get_yaml_loader()(text)
        node = loader.get_single_node() or MappingNode("tag:yaml.org,2002:map", [])
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start + 1} is not UTF-8; save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested more than {MAX_DEPTH} levels deep") from None
    except (YAMLError, ValueError) as error:
        raise ConfigError(invalid_yaml(path, error)) from None
    if not isinstance(node, MappingNode):
        raise ConfigError(f"{path}: is not a mapping of keys to values")
    _measure(path, node, {}, 0)
    return node, text, loader


def invalid_yaml(path: object, error: Exception) -> str:
    """Say in one line where a file is not valid YAML."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"{path}, line {error.problem_mark.line + 1}: not valid YAML: {error.problem}"
    if isinstance(error, ReaderError):
        return f"{path}: not valid YAML: the character {error.character!r} is not allowed"
    return f"{path}: not valid YAML: {' '.join(str(error).split())}"


def _measure(path: Path, node: Node, sizes: dict[int, int], depth: int) -> int:
    """Count the entries below a node with all its aliases; refuses what has no end, or no name."""
    where = place(path, node)
    if depth > MAX_DEPTH:
        raise ConfigError(f"{where}: is nested more than {MAX_DEPTH} levels deep")
    if id(node) in sizes:
        if sizes[id(node)] == 0:
            raise ConfigError(f"{where}: holds itself")
        return sizes[id(node)]
    sizes[id(node)] = 0
    total = 1
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.tag not in WORDS:
                shown = key.value if isinstance(key, ScalarNode) else "a list or mapping"
                raise ConfigError(f"{place(path, key)}: {shown} is not a word, as keys are")
            total += _measure(path, value, sizes, depth + 1)
    elif not isinstance(node, ScalarNode):
        total += sum(_measure(path, entry, sizes, depth + 1) for entry in node.value)
    if total > MAX_ENTRIES:
        raise ConfigError(f"{where}: has more than {MAX_ENTRIES} entries, with its aliases")
    sizes[id(node)] = total
    return total


def pairs(node: Node) -> list[tuple[Any, Any]]:
    """Keys and values of a mapping."""
    return list(node.value)


def text(node: Node) -> str:
    """The text of a scalar, of anything else none."""
    return str(node.value) if isinstance(node, ScalarNode) else ""


def place(path: Path, node: Node) -> str:
    """File and line where a node begins, as complaints name them."""
    return f"{path}, line {int(node.start_mark.line) + 1 if node.start_mark else 1}"
