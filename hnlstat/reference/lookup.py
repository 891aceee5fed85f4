"""From what somebody asks for to keys and options: exact names, parts of them, words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from hnlstat.errors import ConfigError
from hnlstat.reference.entries import (
    Entry,
    below,
    called,
    entry,
    kind_of,
    matches,
    of_group,
    options,
)
from hnlstat.reference.keys import Key
from hnlstat.reference.presets import Preset

SHOWN = 60
"""Letters of a question that a complaint repeats."""


@dataclass(frozen=True)
class Answer:
    """
    What was found.

    Attributes
    ----------
    entries
        Keys that are meant, in full.
    keys, options
        What else belongs to it, a line each.
    file
        An option that is meant, in full.
    """

    entries: Sequence[Entry] = ()
    keys: Sequence[Key] = ()
    options: Sequence[Preset] = field(default_factory=list)
    file: Preset | None = None


def find(question: str, keys: Sequence[Key]) -> Answer:
    """
    Find what is asked for.

    Parameters
    ----------
    question
        A key, also with names ("search.tpc_ee.background") or places in lists, a part of one, an
        option ("search=tpc_ee") or a word; empty: the groups.
    keys
        All keys.

    Raises
    ------
    ConfigError
        If there is nothing; it names what is nearest.
    """
    if not question.strip():
        return Answer(keys=[key for key in keys if key.key == key.group])
    name, equals, value = (part.strip() for part in question.partition("="))
    name = re.sub(r"\[\d*\]|\.\d+(?=\.|$)", "[]", name.lstrip("+~")).strip(".")
    if name and equals and (of := of_group(name)):
        return Answer(file=_option(name, value, of))
    if found := _exact(_complete(name, keys), keys):
        return found
    if len(word := name.casefold().replace("[]", "")) > 1:
        of_word = [key for key in keys if word in key.key.casefold()]
        if len(of_word) == 1:
            return Answer([entry(of_word[0])])
        said = of_word or [key for key in keys if word in key.meaning.casefold()]
        chosen = [o for o in options() if word in f"{called(o)} {o.head}".casefold()]
        if said or chosen:
            return Answer(keys=said, options=chosen)
    raise ConfigError(
        f"--docs: {_short(question)} is no key, option or word here; {_near(name, keys)}"
    )


def _complete(name: str, keys: Sequence[Key]) -> str:
    """Put <name> where it was left out: "search.decays" is "search.<name>.decays"."""
    parts = name.removesuffix("[]").split(".")
    tries = [".".join([*parts[:i], "<name>", *parts[i:]]) for i in range(1, len(parts))]
    named = parts[0] != "search" or parts[1:2] in [[option.name] for option in of_group("search")]
    if named and any(matches(key.key, name) for key in keys):
        return name
    return next((one for one in tries if any(matches(key.key, one) for key in keys)), name)


def _exact(name: str, keys: Sequence[Key]) -> Answer | None:
    """Keys of a name, or the mapping whose entries have it, and what lies below."""
    asked = name.removesuffix("[]")
    kind = kind_of(asked)
    keys = [key for key in keys if kind is None or not key.of or f"kind={kind}" in key.of]
    meant = [entry(key, _named(key.key, asked)) for key in keys if matches(key.key, asked)]
    under = below(keys, asked)
    if not meant and not under:  # below a mapping whose keys are names alone
        parts = asked.split(".")
        for size in range(len(parts) - 1, 0, -1):
            outer = ".".join(parts[:size])
            meant = [entry(k, _named(k.key, outer)) for k in keys if matches(k.key, outer)]
            if meant:
                holds = [one for one in meant if "mapping" in one.key.type]
                return Answer(holds) if holds and not below(keys, outer) else None
        return None
    own = [option for option in options() if f"{option.group}.{option.name}" == asked]
    return Answer(meant, under, [*(of_group(asked)), *own])


def _named(pattern: str, asked: str) -> str:
    """A key in which names that were asked for stand in place of <name>, as far as these go."""
    return asked if len(asked.split(".")) == len(pattern.split(".")) else pattern


def _option(group: str, name: str, known: Sequence[Preset]) -> Preset:
    found = next((one for one in known if one.name == name), None)
    if found is None:
        names = [one.name for one in known]
        near = get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"
        raise ConfigError(f"--docs: {group}={_short(name)}: no such {group}; {hint}")
    return found


def _near(name: str, keys: Sequence[Key]) -> str:
    """Name the keys that are most like a name, by all of them or by their last parts."""
    names = [key.key for key in keys]
    last = {one.rpartition(".")[2]: one for one in reversed(names)}
    head, _, leaf = name[:SHOWN].rpartition(".")
    near = get_close_matches(name[:SHOWN], names, 2, 0.7)
    near += [last[one] for one in get_close_matches(leaf, last, 2, 0.7)]
    near += get_close_matches(head.partition(".")[0] or leaf, _groups(keys), 1)
    if near:
        return f"did you mean {' or '.join(list(dict.fromkeys(near))[:3])}?"
    return f"groups: {', '.join(_groups(keys))}"


def _groups(keys: Iterable[Key]) -> list[str]:
    return list(dict.fromkeys(key.group for key in keys if "." in key.key))


def _short(text: str) -> str:
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
