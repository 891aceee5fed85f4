"""One clear line for what Hydra and OmegaConf reject."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from hnlstat.config.base import GONE, closest, suggest
from hnlstat.system.conf_search import groups, hydra_session, options

COMPOSITION_ERRORS: tuple[type[Exception], ...] = (
    HydraException,
    OmegaConfBaseException,
    YAMLError,
)
"""What a configuration that does not compose raises."""

NAMED_BY_USER = re.compile(
    r"detector\.(volumes|fiducial|materials(\.\w+)?)|exposure\.pot|systematics\.background|"
    r"search\.\w+\.(background|systematics|observed(\.\w+)?)|bounds\.style(\.\w+)?|"
    r"task\.tests"
)
"""Where the keys are names that users may add to."""

LEFT_OUT = re.compile(
    r"search\.\w+\.(background\.\w+\.(error|mc_error|pot_of)|covariance|observed|"
    r"systematics|efficiency_map|efficiency\.(table|unit)|disjoint_from|background_factor|description)"
)
"""Keys that the file of a search need not have."""

LAUNCHER = re.compile(r"\b(joblib|submitit)(_\w+)?\b")
EXTRAS = {"joblib": "joblib", "submitit": "slurm"}
"""Launchers that are plugins of Hydra, and the extras of hnlstat that bring them."""


def explain(error: BaseException, overrides: Sequence[str] = ()) -> str:
    """
    Say in one line what is wrong and, if it can be guessed, what was meant.

    Parameters
    ----------
    error
        What Hydra, OmegaConf or the YAML reader raised.
    overrides
        The overrides of the command line. They tell which options were chosen.
    """
    if isinstance(error, OverrideParseException):
        return f"{error.override}: cannot be read; {_quoting(str(error.override))}"
    message = str(error) or (str(error.__cause__) if error.__cause__ else type(error).__name__)
    if isinstance(error, MissingConfigException) and (launcher := LAUNCHER.search(message)):
        extra = EXTRAS[launcher[1]]
        return f"hydra/launcher: {launcher[0]} is missing; pip install 'hnlstat[{extra}]'"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"{group}={name}: no such {group}; {suggest(name, error.options)}"
    where = getattr(error, "full_key", None) or getattr(error.__cause__, "full_key", None) or ""
    if unknown := re.search(r"Could not override '([^']+)'", message):
        key = unknown[1]
        if relative := re.fullmatch(r"\w+/(\w+)(@.*)?", key):
            return f"defaults: {key}: there is none; write override /{relative[1]}, with the slash"
        return _explain_key(where if where.startswith(f"{key}.") else key, overrides)
    if twice := re.match(r"(\w+) appears more than once in the final defaults list", message):
        return f"{twice[1]}: is chosen twice; choose one option"
    if again := re.match(r"Multiple values for (\w+)\. .*: (.+)'", message):
        return f"{again[1]}: is there already; write {again[1]}={again[2]} without the +"
    if absent := re.match(r"Missing mandatory value: (.+)", message):
        return f"{where or absent[1]}: is missing; give it by {where or absent[1]}=..."
    if existing := re.search(r"An item is already at '([^']+)'", message):
        return f"{existing[1]}: is there already; write {existing[1]}=... without the +"
    if ambiguous := re.search(r"Ambiguous value for argument '(.+)'", message):
        return f"{ambiguous[1]}: has several values; add -m to run each, or write [a,b] for a list"
    if lost := re.search(r"Could not load '(\w+)/([^']+)'", message):
        with hydra_session():
            return f"{lost[1]}={lost[2]}: no such {lost[1]}; {suggest(lost[2], options(lost[1]))}"
    if (merged := re.match(r"Error merging override [+]*([^=\s]+)=(.*)", message)) and where:
        return f"{merged[1]}: {_of_the_wrong_shape(merged[2])}"
    first, *more = message.split("\n")
    if (file := re.match(r"In '([^']+)': \w+ raised while composing config:", first)) and more:
        where, first = ": ".join(filter(None, [file[1], where])), more[0]
    return " ".join([f"{where}:"] * bool(where) + first.split())


def _of_the_wrong_shape(value: str) -> str:
    if value.startswith("{"):
        return f"{value} is a mapping of keys to values, where a list belongs; write [...]"
    return f"{value} is not a mapping of keys to values"


def _quoting(override: str) -> str:
    """Say how to write an override that Hydra's grammar does not take."""
    key, _, value = override.partition("=")
    escaped = value.strip().replace("\\", "\\\\").replace("'", "\\'")
    quoted = f"{key}='{escaped}'"
    if re.fullmatch(r"[+~]*[\w./@]+", key) and value and value.strip()[0] not in "[{'\"":
        try:
            OverridesParser.create().parse_overrides([quoted])
        except OverrideParseException:
            pass
        else:
            plain = not re.search(r'["$`\\!]', quoted)
            return f'write "{quoted}"' if plain else f"write {shlex.quote(quoted)}"
    return "write key=value, quoting values with spaces, = or ^"


def _explain_key(key: str, overrides: Sequence[str]) -> str:
    if key.startswith("hydra."):
        return f"{key}: no such setting of Hydra; see --hydra-help"
    for gone, successor in GONE.items():
        if f"{key}.".startswith(f"{gone}."):
            return f"{key}: {successor}"
    with hydra_session():
        known = groups()
        names = {*known, "hydra.searchpath"} - {key}
        tree = _tree([o for o in overrides if o.partition("=")[0] in names])
        first, *rest = key.split(".")
        if first in known and first not in tree and rest:
            return f"{key}: no {first} is chosen; add {first}=NAME ({', '.join(options(first))})"
    if key in known:  # shipped configurations choose an option of each
        own = "task.kind=NAME" if key == "task" else "keys as in its config.yaml"
        return f"{key}: a run's configuration has no options to choose from; set {own}"
    parts = key.split(".")
    node: Any = tree
    for depth, part in enumerate(parts):
        if not isinstance(node, dict):
            return f"{key}: {'.'.join(parts[:depth])} holds a value, not keys"
        if part not in node:
            if LEFT_OUT.fullmatch(".".join(parts[: depth + 1])):
                return f"{key}: is not in the file of the search; write +{key}=..."
            new = (
                "; add a new one with +" if NAMED_BY_USER.fullmatch(".".join(parts[:depth])) else ""
            )
            return f"{key}: unknown key; {_suggest_path(parts, depth, node, tree, known)}{new}"
        node = node[part]
    keys = ", ".join(f"{key}.{name}" for name in node) if isinstance(node, dict) else key
    return f"{key}: has no options to choose from here; set {keys}"


def _tree(choices: list[str]) -> dict[str, Any]:
    """Compose the configuration with the options chosen, as far as they are right."""
    try:
        config = compose("config", choices)
    except COMPOSITION_ERRORS:
        config = compose("config")
    content: Any = OmegaConf.to_container(config)
    return dict(content)


def _suggest_path(
    parts: list[str], depth: int, node: dict[str, Any], tree: dict[str, Any], known: list[str]
) -> str:
    every = set(paths(tree))
    elsewhere = sorted(path for path in every if path.split(".")[-1] == parts[-1])
    if elsewhere and len(parts) == 1:
        return f"did you mean {' or '.join(elsewhere[:2])}?"
    here = [*node, *(group for group in known if depth == 0 and group not in node)]
    if match := closest(parts[depth], here):
        path = [*parts[:depth], match, *parts[depth + 1 :]]
        while len(path) > depth + 1 and ".".join(path) not in every:
            path.pop()
        return f"did you mean {'.'.join(path)}?"
    return suggest(parts[depth], here)


def paths(node: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """List the keys of a tree with those below them, dots between."""
    for key, value in node.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{key}.")
