"""`--docs KEY`: the reference of a key in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hnlstat.errors import ConfigError
from hnlstat.reference.entries import Entry, called, file
from hnlstat.reference.keys import Key, load
from hnlstat.reference.lookup import Answer, find
from hnlstat.reference.presets import Preset
from hnlstat.system.screen import Lines, Screen, line_of

MOST = 6
"""Options that are named which set a key."""

MODEL = "model"


def show(words: Sequence[str]) -> None:
    """
    Print what is asked for.

    Parameters
    ----------
    words
        What stands on the command line: --docs KEY, --docs=KEY, or --docs alone.

    Raises
    ------
    ConfigError
        If there is nothing of that name, or more than one is asked for.
    """
    question = asked(words)
    keys = load()
    faults: list[str] = []
    if question.partition(".")[0] == MODEL:
        own, faults = _own_models()
        keys += own
    answer = find(question, keys)
    with Screen() as screen:
        screen.say(*_parts(answer), *(Lines(fault) for fault in faults))
        if not question.strip():
            screen.say(Lines("hnlstat --docs KEY: a key, a part of one, an option (search=tpc_ee) "
                             "or a word.", "dim"))  # fmt: skip


def asked(words: Sequence[str]) -> str:
    """Give the key that is asked for, or nothing; errors as in `show`."""
    given = list(words) if words[0] == "--docs" else [*words[0].split("=", 1), *words[1:]]
    if given[0] != "--docs" or len(given) > 2 or any(word[:1] == "-" for word in given[1:]):
        raise ConfigError("--docs: stands alone with one KEY, such as --docs inference.levels")
    return given[1] if len(given) > 1 else ""


def _own_models() -> tuple[list[Key], list[str]]:
    """Keys of the models of users' packages, and what is wrong with these."""
    from importlib.metadata import entry_points

    found: list[Key] = []
    faults = []
    if entry_points(group="hnlstat.models"):
        from hnlstat.config.registry import foreign_kinds  # only now: it brings pydantic
        from hnlstat.reference.walk import foreign

        try:
            for kind in foreign_kinds():
                found += foreign(kind)
        except ConfigError as error:
            faults.append(str(error))
    return found, faults


def _parts(answer: Answer) -> Iterator[Lines]:
    if answer.file is not None:
        yield from _file(answer.file)
    for one in answer.entries:
        yield from _entry(one)
    if answer.entries and (answer.keys or answer.options):
        yield Lines(" ", whole=True)
    for key in answer.keys:
        yield Lines(key.key + _of(key), "bold", whole=True)
        yield Lines(_first(Entry(key, key.key).meaning), indent="  ")
    if answer.options:
        yield Lines("Options:", whole=True)
    for option in answer.options:
        yield Lines(called(option), "bold", whole=True)
        yield Lines(option.line, indent="  ")


def _of(key: Key) -> str:
    return f" ({', '.join(key.of)})" if key.of else ""


def _first(meaning: str) -> str:
    """Give the first sentence of a text."""
    return meaning.partition(". ")[0].rstrip(".")


def _entry(one: Entry) -> Iterator[Lines]:
    yield Lines(one.asked, "bold", whole=True)
    yield Lines(one.meaning, indent="  ")
    for heading, text in one.facts(MOST):
        yield Lines(f"{heading}: {text}", indent="  ")


def _file(option: Preset) -> Iterator[Lines]:
    yield Lines(called(option), "bold", whole=True)
    yield Lines(f"conf/{file(option)}", "dim", whole=True)
    for line in option.text.splitlines():
        yield line_of(line, "") if line.strip() else Lines(" ", whole=True)
