"""One clear line for what Hydra and OmegaConf reject."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError  # type: ignore[import-untyped]

from hnlstat.config.base import closest, suggest

COMPOSITION_ERRORS: tuple[type[Exception], ...] = (
    HydraException,
    OmegaConfBaseException,
    YAMLError,
)
"""What a configuration that does not compose raises."""


def explain(error: BaseException, overrides: Sequence[str] = ()) -> str:
    """
    Say in one line what is wrong and, if it can be guessed, what was meant.

    Parameters
    ----------
    error
        What Hydra, OmegaConf or the YAML reader raised.
    overrides
        The overrides of the command line. Hydra must be initialised for suggestions to be made.
    """
    if isinstance(error, OverrideParseException):
        return f"{error.override}: cannot be read; write key=value, quoting values with spaces or ^"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"{group}={name}: no such {group}; {suggest(name, error.options)}"
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{mark.name}, line {mark.line + 1}: not valid YAML: {error.problem}"
    message = str(error) or (str(error.__cause__) if error.__cause__ else type(error).__name__)
    if unknown := re.search(r"Could not override '([^']+)'", message):
        return _explain_key(unknown[1], overrides)
    if existing := re.search(r"An item is already at '([^']+)'", message):
        return f"{existing[1]}: is there already; write {existing[1]}=... without the +"
    return " ".join(message.split("\n")[0].split())


def _explain_key(key: str, overrides: Sequence[str]) -> str:
    groups, tree = _known(key, overrides)
    first = key.split(".")[0]
    if first in groups and first not in tree and "." in key:
        return f"{key}: no {first} is chosen; add {first}=NAME ({', '.join(_options(first))})"
    node: Any = tree
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(node, dict):
            return f"{key}: {'.'.join(parts[:depth])} holds a value, not keys"
        if part not in node:
            return f"{key}: unknown key; " + _suggest_path(parts, depth, node, tree, groups)
        node = node[part]
    return (
        f"{key}: is not a group; its keys are {', '.join(tree[first])}"
        if isinstance(node, dict)
        else f"{key}: cannot be set"
    )


def _suggest_path(
    parts: list[str], depth: int, node: dict[str, Any], tree: dict[str, Any], groups: list[str]
) -> str:
    options = [*node, *(g for g in groups if depth == 0 and g not in node)]
    match = closest(parts[depth], options)
    if match is not None:
        path = [*parts[:depth], match, *parts[depth + 1 :]]
        while len(path) > depth + 1 and ".".join(path) not in set(_paths(tree)):
            path.pop()
        return f"did you mean {'.'.join(path)}?"
    elsewhere = [path for path in _paths(tree) if path.split(".")[-1] == parts[-1]]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere[:2])}?"
    return suggest(parts[depth], options)


def _paths(node: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{key}.")


def _options(group: str) -> list[str]:
    loader = GlobalHydra.instance().config_loader()
    return list(loader.get_group_options(group, ObjectType.CONFIG))


def _known(key: str, overrides: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Collect the groups and the configuration as it is without the override in question."""
    loader = GlobalHydra.instance().config_loader()
    groups = [g for g in loader.get_group_options("", ObjectType.GROUP) if g != "hydra"]
    choices = [o for o in overrides if o.partition("=")[0] in groups and o.partition("=")[0] != key]
    try:
        tree = compose("config", choices)
    except HydraException:
        tree = compose("config")
    content: Any = OmegaConf.to_container(tree)
    return groups, content
