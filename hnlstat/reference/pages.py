"""The reference of the configuration as a page of the site, in MyST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from hnlstat.reference.entries import entry, of_group, usual
from hnlstat.reference.keys import Key, load

PAGE = "configuration.md"

MOST = 12
"""Options that are named which set a key."""

HEAD = """\
# Configuration

All keys of a run, as `key=value` on the command line and in files of your own. A quantity is a
number in the unit that is given here, or text with its own: `scan.mass.min='50 MeV'`. What stands
for a name is `<name>`, for each entry of a list `[]`; `kind=...`, `shape=...` or `task=...` tells
that only these have a key. In the terminal, `python -m hnlstat --docs KEY` shows the same.
"""


def write_reference(folder: Path) -> Path:
    """Write the page into a folder, from the list of keys and conf/; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PAGE
    text = "\n".join([HEAD, *_sections()])
    if not path.is_file() or path.read_text(encoding="utf-8") != text:  # its date tells what is new
        path.write_text(text, encoding="utf-8")
    return path


def _sections() -> Iterator[str]:
    groups: dict[str, list[Key]] = {}
    for key in load():
        groups.setdefault(key.group, []).append(key)
    alone = [keys[0] for keys in groups.values() if len(keys) == 1]
    yield from ["## The run", *_keys(alone)]
    for name in sorted(name for name, keys in groups.items() if len(keys) > 1):
        yield from [f"({name}-keys)=", f"## {name}", *_options(name), *_keys(groups[name])]


def _options(group: str) -> Iterator[str]:
    """List what can be chosen."""
    found = of_group(group)
    if found:
        yield f"Options, `{group}=NAME`:\n"
    for option in found:
        chosen = ", the usual one" if usual().get(group) == option.name else ""
        yield f"- **{_plain(option.name)}**{chosen}: {_plain(option.line)}"
    yield ""


def _keys(keys: list[Key]) -> Iterator[str]:
    ordered = sorted(keys, key=lambda key: keys.index(next(k for k in keys if k.key == key.key)))
    for name, variants in groupby(ordered, key=lambda key: key.key):
        yield f"```{{confval}} {name}"
        for key in variants:
            one = entry(key)
            yield f"{_plain(one.meaning)}\n"
            yield from (f"- {heading}: {_plain(text)}" for heading, text in one.facts(MOST))
            yield ""
        yield "```\n"


def _plain(text: str) -> str:
    """Write a text as Markdown that shows it as it is, code in backticks included."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if part[:1] == "`" else re.sub(r"([\\*_<>\[\]#~|{}$`^])", r"\\\1", part)
        for part in parts
    )
