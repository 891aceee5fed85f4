"""The list of all keys, as it is kept beside this file: no class of a study is loaded for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).with_name("keys.jsonl")
"""What `walk` gives, a key a line; `python -m hnlstat.reference` writes it anew."""


@dataclass(frozen=True)
class Key:
    """
    A key of the configuration.

    Attributes
    ----------
    key
        With dots between; what stands for a name is <name>, and for each entry of a list [].
    meaning
        In words.
    type, unit
        What a value is, and the base unit of its numbers.
    null
        Whether null is possible.
    default
        What holds if no file sets it; None: some file must.
    of
        What has it, "task=coverage" or "kind=tracks"; empty: all.
    """

    key: str
    meaning: str
    type: str
    unit: str = ""
    null: bool = False
    default: str | None = None
    of: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The first part of it."""
        return self.key.partition(".")[0].removesuffix("[]")


def load() -> list[Key]:
    """Read the list."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [Key(**{**entry, "of": tuple(entry.get("of", ()))}) for entry in map(json.loads, lines)]


def write(keys: Iterable[Key], file: Path = FILE) -> None:
    """Write the list; what is as usual is left out."""
    usual = asdict(Key("", "", ""))
    lines = [
        json.dumps({name: value for name, value in asdict(key).items() if value != usual[name]})
        for key in keys
    ]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
