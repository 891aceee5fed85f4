"""The studies between two studies: settings are taken over from the second, step by step."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hnlstat.config.base import suggest, validate
from hnlstat.config.compare import REST, Step
from hnlstat.config.compose import load_anew
from hnlstat.config.explain import paths
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError

SHARED = (
    "name",
    "task",
    "events",
    "scan",
    "executor",
    "store",
    "resume",
    "runs",
    "yields_from",
    "inputs",
    "compare",
    "bounds",
)
"""Parts of a Study that say nothing about the experiment: all studies on the way share them."""

SHARED_KEYS = {
    "model": ("mass", "coupling"),
    "simulation": ("seed", "precision", "max_points", "interpolate_masses"),
    "inference": ("toys", "seed"),
}
"""Likewise, within parts that are compared."""

Tree = dict[str, Any]


@dataclass(frozen=True)
class Stair:
    """A study on the way.

    Attributes
    ----------
    name
        Of the step that leads to it; for the first, the name of the study itself.
    keys
        What the step has changed.
    study
        The whole of it, as after this step.
    """

    name: str
    keys: tuple[str, ...]
    study: Study


def staircase(study: Study) -> tuple[Stair, ...]:
    """
    Compose the two studies of `study.compare` and the ones between them.

    Raises
    ------
    ConfigError
        If a study does not compose, cannot be run, or a step names an unknown key.
    DataError
        If a flux table cannot be read.
    """
    compare = study.compare
    ends = []
    for key, overrides in (("from", compare.from_), ("to", compare.to)):
        try:
            ends.append(study if overrides is None else load_anew(overrides))
        except ConfigError as error:
            raise ConfigError(f"compare.{key}: {error}") from None
    first, last = ends
    return stairs(
        first, last.replace(**{key: getattr(study, key) for key in SHARED}), compare.steps
    )


def stairs(first: Study, last: Study, steps: Sequence[Step]) -> tuple[Stair, ...]:
    """
    List the first study, the one after each step that changes something, and so the last.

    Parameters
    ----------
    first, last
        The studies to go from and to; the grid and the Monte Carlo settings are those of the last.
    steps
        Each takes over the values of its keys; what then differs is the step "rest".

    Returns
    -------
    tuple of Stair
        The first study with the settings that are shared, ..., the last.

    Raises
    ------
    ConfigError
        If a step names an unknown key, or leads to a study that cannot be.
    """
    running, target = (study.model_dump(mode="json", by_alias=True) for study in (first, last))
    for key in SHARED:
        running[key] = target[key]
    for part, keys in SHARED_KEYS.items():
        running[part] |= {key: target[part][key] for key in keys}
    found = [Stair(first.name, (), validate(Study, running))]
    known = [path for path in paths(target) if path.split(".")[0] not in SHARED]
    for i, step in enumerate(steps):
        for key in step.keys:
            if key not in known:
                hint = suggest(key, known) if "." in key else suggest(key, [*_parts(known)])
                raise ConfigError(f"compare.steps.{i}.keys: {key} is unknown; {hint}")
        before = copy.deepcopy(running)
        for key in step.keys:
            _take(running, target, key)
        if changed := tuple(_differences(before, running)):
            found.append(Stair(step.name, changed, _valid(running, i, step)))
    if rest := tuple(_differences(running, target)):
        found.append(Stair(REST, rest, last))
    return tuple(found)


def _parts(known: Sequence[str]) -> Iterator[str]:
    return (path for path in known if "." not in path)


def _take(running: Tree, target: Tree, key: str) -> None:
    """Set a key of the running tree to its value in the target."""
    *parents, leaf = key.split(".")
    for parent in parents:
        running, target = running.setdefault(parent, {}), target[parent]
    running[leaf] = copy.deepcopy(target[leaf])


def _differences(one: Tree, two: Tree, prefix: str = "") -> Iterator[str]:
    """Keys whose values differ, down to what is not a mapping in both."""
    for key in {**one, **two}:
        values = one.get(key), two.get(key)
        if all(isinstance(value, dict) for value in values):
            yield from _differences(one[key], two[key], f"{prefix}{key}.")
        elif values[0] != values[1]:
            yield f"{prefix}{key}"


def _valid(content: Tree, i: int, step: Step) -> Study:
    try:
        return validate(Study, content)
    except ConfigError as error:
        raise ConfigError(
            f"compare.steps.{i}: after {step.name!r}: {error}; name the keys that belong "
            "together in one step"
        ) from None
