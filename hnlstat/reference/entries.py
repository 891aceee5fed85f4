"""Keys with what the files of conf/ say of them: defaults, comments, and who sets them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from hnlstat.reference.keys import Key
from hnlstat.reference.presets import Preset, Setting, chosen, presets

DESCRIBING = ("detector", "exposure", "flux", "search")
"""Groups whose options describe something: none of them is the usual value."""

LONGEST = 60
"""Letters of a value beside others."""


@cache
def options() -> tuple[Preset, ...]:
    """Give the files of conf/."""
    return tuple(presets())


@cache
def usual() -> dict[str, str]:
    """Give the option of each group that runs when nothing else is asked for."""
    return chosen()


def of_group(group: str) -> list[Preset]:
    """List the options of a group, without parts of them."""
    return [one for one in options() if one.group == group]


def matches(pattern: str, key: str) -> bool:
    """Tell whether a key in a file is meant by one of the list."""
    return _expression(pattern).fullmatch(key) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    name = r"(?:\\.[^.]+|\\[\\])"  # by a place in its mapping, too
    return re.compile(re.sub(r"\\\.<\w+>", name, re.escape(pattern)))


@dataclass(frozen=True)
class Entry:
    """
    A key and what is known of it.

    Attributes
    ----------
    key
        Of the list.
    asked
        As it was asked for, with names in place of <name>.
    """

    key: Key
    asked: str

    @property
    def meaning(self) -> str:
        """What it means, in the words of files."""
        return re.sub(r"\bNone\b", "null", self.key.meaning)

    def facts(self, most: int) -> Iterator[tuple[str, str]]:
        """
        Give the rest of it: headings and texts.

        Parameters
        ----------
        most
            Options to name that set it.
        """
        key, found = self.key, [*self._settings()]
        usual = [(option, one) for option, one in found if self._is_usual(option) and one.value]
        if key.of:
            yield "of", ", ".join(key.of)
        yield "type", key.type + ", or null" * key.null
        if key.unit:
            yield "unit", key.unit
        if usual:
            yield "default", "; ".join(f"{one.value} ({called(option)})" for option, one in usual)
        elif key.default is not None:
            yield "default", key.default or "''"
        if (said := self._comment([*usual, *found])) is not None:
            yield f"in conf/{file(said[0])}", said[1].comment
        values: dict[str, list[str]] = {}
        for option, one in found:
            if (option, one) not in usual:
                values.setdefault(called(option), []).append(_shown(one))
        others = [_listed(name, each) for name, each in values.items()]
        if others:
            more = f"; and {len(others) - most} more" if len(others) > most else ""
            yield "set by", "; ".join(others[:most]) + more

    def _comment(self, found: Sequence[tuple[Preset, Setting]]) -> tuple[Preset, Setting] | None:
        """Choose what stands beside it; of files that describe things, what several say."""
        with_words = [pair for pair in found if pair[1].comment]
        if self.key.group in DESCRIBING and self.asked == self.key.key:
            texts = [one.comment for _, one in with_words]
            with_words = [pair for pair in with_words if texts.count(pair[1].comment) > 1]
        return next(iter(with_words), None)

    def _settings(self) -> Iterator[tuple[Preset, Setting]]:
        """Files that set it, with what they say."""
        for option in options():
            if option.prefix and option.group.partition("/")[0] != self.key.group:
                continue
            for setting in option.settings:
                if matches(self.asked, setting.key) and self._is_of(option):
                    yield option, setting

    def _is_of(self, option: Preset) -> bool:
        """Whether the section of a file is one of those that have the key."""
        kind = next((s.value for s in option.settings if s.key == f"{option.prefix}kind"), None)
        told = [one.partition("=")[2].split(" or ") for one in self.key.of if "shape" not in one]
        if not told or not option.prefix:
            return True
        return any(kind in kinds if kind else kinds == [""] for kinds in told)

    def _is_usual(self, option: Preset) -> bool:
        """Whether a file has the default: that of the usual option, or the one of a kind."""
        group = self.key.group
        if option.group != group or group in DESCRIBING:
            return not option.group and group not in DESCRIBING
        if group in ("task", "executor") and self.key.of:
            return any(option.name in one.partition("=")[2].split(" or ") for one in self.key.of)
        return usual().get(group) == option.name


def entry(key: Key, asked: str | None = None) -> Entry:
    """Make the entry of a key, as it was asked for."""
    return Entry(key, asked or key.key)


def called(option: Preset) -> str:
    """Say how an option is chosen: "inference=published"."""
    return f"{option.group}={option.name}" if option.group else file(option)


def file(option: Preset) -> str:
    """Name the file of an option in conf/."""
    return f"{option.group}/{option.name}.yaml".lstrip("/")


def _shown(setting: Setting) -> str:
    return setting.value if len(setting.value) <= LONGEST else ""


def _listed(name: str, values: Sequence[str]) -> str:
    """Name an option with what it sets, each value once."""
    shown = ", ".join(dict.fromkeys(value for value in values if value))
    return f"{name}: {shown}" if shown else name


def below(keys: Sequence[Key], asked: str) -> list[Key]:
    """List the keys below one, with the names that were asked for in place of <name>."""
    found, parts = [], asked.split(".")
    for key in keys:
        pattern = key.key.split(".")
        if len(pattern) > len(parts) and all(map(_fits, pattern, parts)):
            names = map(_named, pattern, parts)
            found.append(replace(key, key=".".join([*names, *pattern[len(parts) :]])))
    return found


def _fits(one: str, part: str) -> bool:
    return part in (one, one.removesuffix("[]")) or one.startswith("<")


def _named(one: str, part: str) -> str:
    return part if one.startswith("<") else one


def kind_of(asked: str) -> str | None:
    """Give the kind of the search that a key is of, if it comes with hnlstat."""
    name = asked.partition(".")[2].partition(".")[0]
    found = [option for option in of_group("search") if option.name == name]
    settings = found[0].settings if found and asked.startswith("search.") else ()
    return next((one.value for one in settings if one.key == f"search.{name}.kind"), None)
