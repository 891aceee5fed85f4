"""The studies between two studies: settings are taken over from the second, step by step."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from hnlstat.config.base import suggest, validate
from hnlstat.config.compare import REST, Step
from hnlstat.config.explain import paths
from hnlstat.config.search import Search
from hnlstat.config.searches import SEARCHES
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.studies.compose import load_anew

SHARED = (
    "name",
    "task",
    "events",
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
    "scan": ("mass", "coupling"),
    "systematics": ("assumed",),
    "model": ("mass", "coupling"),
    "simulation": ("seed", "precision", "max_points", "interpolate_masses"),
    "inference": ("toys", "seed"),
}
"""Likewise, within parts that are compared."""

DATASETS, EACH = "datasets", "*"
"""Keys of a step may lie in each dataset, datasets.*.detector.volumes.rock, and in each of its
searches, datasets.*.search.*.background."""

SEARCH, EACH_DATASET = "search", f"{DATASETS}.{EACH}."

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
        If a step names an unknown key, or leads to a study that cannot be, or the two are on the
        couplings of different models.
    """
    axes = [study.model.coupling_axis for study in (first, last)]
    if axes[0] != axes[1]:
        raise ConfigError(
            f"compare.from: its model is {first.model.kind}, whose coupling ({axes[0].column}) is "
            f"not that of {last.model.kind} ({axes[1].column}); limits on both are no steps"
        )
    running, target = (study.model_dump(mode="json", by_alias=True) for study in (first, last))
    for key in SHARED:
        running[key] = target[key]
    for part, keys in SHARED_KEYS.items():
        running[part] |= {key: target[part][key] for key in keys}
    found = [Stair(first.name, (), validate(Study, running))]
    known = [path for path in _paths(target) if path.split(".")[0] not in SHARED]
    for i, step in enumerate(steps):
        for key in step.keys:
            if key not in known:
                hint = suggest(key, known) if "." in key else suggest(key, [*_parts(known)])
                raise ConfigError(f"compare.steps.{i}.keys: {key} is unknown; {hint}")
        before = copy.deepcopy(running)
        for key in step.keys:
            for pair in _trees(running, target, key):
                _take(*pair)
        if changed := tuple(_differences(before, running)):
            found.append(Stair(step.name, changed, _valid(running, i, step)))
    if rest := tuple(_differences(running, target)):
        found.append(Stair(REST, rest, last))
    return tuple(found)


def _parts(known: Sequence[str]) -> Iterator[str]:
    return (path for path in known if "." not in path)


def _paths(target: Tree) -> list[str]:
    """Keys that a step may name; of searches those of every kind."""
    each = f"{EACH_DATASET}{SEARCH}.{EACH}."
    found = [*paths(target)]
    found += [f"{each}{name}" for kind in SEARCHES.values() for name in kind.model_fields]
    for data in target[DATASETS]:
        found += paths(data, EACH_DATASET)
        for search in data[SEARCH].values():
            found += paths(search, each)
    return found


def _trees(running: Tree, target: Tree, key: str) -> Iterator[tuple[Tree, Tree, str]]:
    """Trees in which a key is taken over: the whole ones, or each dataset and its counterpart.

    A part of datasets must be in both: a volume that came in would be last in the painter's order.
    Of searches the first of one dataset is the counterpart of the first of the other, and so on;
    what only some kinds of search have must be of one kind.
    """
    place, each, rest = key.partition(f".{EACH}.")
    if not each:
        yield running, target, key
    elif all(place in paths(tree) for tree in (running, target)):
        parts: list[Any] = [tree[place] for tree in (running, target)]
        ones, others = (list(p.values()) if isinstance(p, dict) else p for p in parts)
        if len(ones) == len(others):
            for pair in zip(ones, others, strict=True):
                alike = pair[0].get("kind") == pair[1].get("kind") or _of_all_searches(rest)
                if EACH in rest or (alike and all(rest in paths(tree) for tree in pair)):
                    yield from _trees(*pair, rest)


def _of_all_searches(key: str) -> bool:
    return key.split(".")[0] in Search.model_fields


def _take(running: Tree, target: Tree, key: str) -> None:
    """Set a key of the running tree to its value in the target."""
    *parents, leaf = key.split(".")
    for parent in parents:
        running, target = running.setdefault(parent, {}), target[parent]
    running[leaf] = copy.deepcopy(target[leaf])


def _differences(one: Tree, two: Tree, prefix: str = "") -> Iterator[str]:
    """Keys whose values differ, down to what is not a mapping in both; of all datasets together.

    There, mappings of other keys are named as a whole, such as the volumes of another detector.
    """
    for key in {**one, **two}:
        if key == "cite":  # says nothing about the experiment
            continue
        name = f"{prefix}{key}"
        values: tuple[Any, Any] = one.get(key), two.get(key)
        mappings = all(isinstance(value, dict) for value in values)
        if values[0] == values[1]:
            continue
        if name == DATASETS and len(values[0]) == len(values[1]):
            found = (_differences(*pair, f"{name}.{EACH}.") for pair in zip(*values, strict=True))
            yield from dict.fromkeys(chain.from_iterable(found))
        elif mappings and (EACH not in prefix or values[0].keys() == values[1].keys()):
            yield from _differences(*values, f"{name}.")
        else:
            yield name


def _valid(content: Tree, i: int, step: Step) -> Study:
    try:
        return validate(Study, content)
    except ConfigError as error:
        raise ConfigError(
            f"compare.steps.{i}: after {step.name!r}: {error}; name the keys that belong "
            "together in one step"
        ) from None
