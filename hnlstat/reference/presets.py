"""The files of conf/: what they set, and the comments beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from hnlstat.system.shipped import conf_dir
from hnlstat.system.yaml_nodes import LOADER, scalars

SENTENCE = re.compile(
    r"(?<=[\w)]{2})(?<!\bal)(?<!Nucl)(?<!Instrum)(?<!Meth)(?<!Phys)(?<!Rev)(?<!Lett)[.:] +(?=[A-Z])"
)
"""Where a sentence ends, which the names of journals do not."""

GLOBAL = "# @package _global_"
"""First line of a file whose keys are those of the whole configuration."""


@dataclass(frozen=True)
class Setting:
    """
    A key in a file.

    Attributes
    ----------
    key
        In the whole configuration; of the entries of a list "steps[].name".
    value
        As it is written; empty for what has keys below it, line by line.
    comment
        Beside it, or in the lines above it; empty: none.
    """

    key: str
    value: str
    comment: str


@dataclass(frozen=True)
class Preset:
    """A file of conf/: group and name, as in group=name; that of config.yaml has no group."""

    group: str
    name: str
    text: str

    @property
    def head(self) -> str:
        """What stands at its top, in one line."""
        return " ".join(line.lstrip("# ") for line in self._head if line != GLOBAL)

    @property
    def line(self) -> str:
        """The first sentence of that."""
        return SENTENCE.split(self.head)[0].rstrip(".:")

    @property
    def _head(self) -> list[str]:
        lines = self.text.splitlines()
        return lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]

    @property
    def prefix(self) -> str:
        """What its keys stand below."""
        if not self.group or self.text.startswith(GLOBAL):
            return ""
        group = self.group.partition("/")[0]
        return f"{group}.{self.name}." if group == "search" else f"{group}."

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """What it sets, in its order, without its list of defaults."""
        node = yaml.compose(self.text, Loader=LOADER)
        comments = _Comments(self.text, node, len(self._head))
        return tuple(
            Setting(key, _value(self.text, value), comments.of(place.start_mark.line))
            for key, place, value in _pairs(node, self.prefix)
            if not key.removeprefix(self.prefix).startswith("defaults")
        )


def presets(folder: Path | None = None) -> list[Preset]:
    """Read the files of conf/, but for those of Hydra itself; the first is config.yaml."""
    folder = folder or conf_dir()
    found = []
    for file in sorted(folder.rglob("*.yaml")):
        group = file.parent.relative_to(folder).as_posix().removeprefix(".")
        if group.partition("/")[0] != "hydra" and (group or file.stem == "config"):
            found.append(Preset(group, file.stem, file.read_text(encoding="utf-8")))
    return found


def chosen() -> dict[str, str]:
    """Option of each group that runs when nothing else is asked for."""
    text = (conf_dir() / "config.yaml").read_text(encoding="utf-8")
    entries = yaml.load(text, Loader=LOADER)["defaults"]
    return {k: v for entry in entries if isinstance(entry, dict) for k, v in entry.items() if v}


def _pairs(node: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    """Keys of a tree, where they are and what they hold; of lists each entry."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{prefix}{key.value}", key, value
            yield from _pairs(value, f"{prefix}{key.value}.")
    elif isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _pairs(entry, f"{prefix[:-1]}[].")


def _value(text: str, node: Any) -> str:
    if not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        return ""
    return " ".join(text[node.start_mark.index : node.end_mark.index].split())


class _Comments:
    """Comments of a file by the line that they are for."""

    def __init__(self, text: str, node: Any, head: int) -> None:
        self._lines, self._head = text.splitlines(), head
        self._ends: dict[int, int] = {}
        for scalar in scalars(node):
            end = scalar.end_mark
            self._ends[end.line] = max(end.column, self._ends.get(end.line, 0))
        self._given: set[int] = set()

    def of(self, line: int) -> str:
        """Give the comment of a line: to its first key only."""
        if line in self._given:
            return ""
        self._given.add(line)
        return " ".join([*self._above(line), *self._beside(line)])

    def _beside(self, line: int) -> list[str]:
        text = self._lines[line]
        start = re.search(r"\s#", text[self._ends.get(line, 0) :])
        if start is None:
            return []
        column = self._ends.get(line, 0) + start.start() + 1
        found = [text[column:]]
        while self._continues(line + len(found), column):
            found.append(self._lines[line + len(found)])
        return [one.strip().lstrip("# ") for one in found]

    def _continues(self, line: int, column: int) -> bool:
        """Whether a line goes on with the comment that begins in a column of the one before."""
        text = self._lines[line] if line < len(self._lines) else ""
        return text.lstrip().startswith("#") and abs(text.index("#") - column) <= 1 and column > 0

    def _above(self, line: int) -> list[str]:
        indent = len(self._lines[line]) - len(self._lines[line].lstrip(" -"))
        found: list[str] = []
        while line - len(found) - 1 >= self._head:
            text = self._lines[line - len(found) - 1]
            if not text.lstrip().startswith("#") or text.index("#") > indent:
                break
            found.insert(0, text.strip().lstrip("# "))
        return found
