"""Overrides that change nothing, as the task has no use for what they set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hnlstat.studies.idle_rules import idle_keys
from hnlstat.system.arguments import key_of
from hnlstat.system.reading import shortened

if TYPE_CHECKING:
    from hnlstat.config.study import Study

NOTHING = "changes nothing"


def idle(study: Study, overrides: Sequence[str]) -> tuple[str, ...]:
    """
    Say which overrides change nothing.

    Parameters
    ----------
    study
        What they led to.
    overrides
        As on the command line; those that take something out, or put it back to null, are passed.

    Returns
    -------
    tuple of str
        A remark for each.
    """
    rules = [*idle_keys(study)]
    last = {key_of(text): i for i, text in enumerate(overrides)}
    found = []
    for i, text in enumerate(overrides):
        plain = text.lstrip("+")
        key, value = key_of(text), plain.partition("=")[2]
        if i < last[key] and plain != (winner := overrides[last[key]].lstrip("+")):
            found.append(f"{_short(plain)} {NOTHING}: {_short(winner)} comes after it")
            continue
        if text.startswith("~") or value.strip() == "null":
            continue
        for pattern, why in rules:
            if re.fullmatch(rf"({pattern})(\..+)?", key) or re.fullmatch(pattern, f"{key}={value}"):
                found.append(f"{_short(plain)} {NOTHING}: {why}")
                break
    return tuple(dict.fromkeys(found))


def _short(override: str) -> str:
    return shortened(override, 80)
