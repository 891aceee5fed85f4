"""What docstrings say of attributes, in the convention of numpy."""

import inspect
import re
from functools import cache


@cache
def attributes(kind: type) -> dict[str, str]:
    """
    Give the text of each entry of a class' `Attributes`, by the attribute's name.

    Of an entry for several, "radius, upstream", each has the text with these names before it.
    """
    text = inspect.cleandoc(kind.__dict__.get("__doc__") or "")
    found: dict[str, str] = {}
    block = re.search(r"(?ms)^Attributes\n-+\n(.*?)(?=\n\w+\n---|\Z)", text)
    if block is None:
        return found
    for entry in re.split(r"\n(?=\S)", block[1]):
        head, _, rest = entry.partition("\n")
        names = [name.strip() for name in head.partition(" : ")[0].split(",")]
        words = " ".join(rest.split())
        if len(names) > 1:
            words = f"{', '.join(names)}: {words}"
        found |= dict.fromkeys(names, words)
    return found


def said_of(kind: type, name: str) -> str | None:
    """Find what the class, or one that it derives from, says of an attribute."""
    return next((attributes(c)[name] for c in kind.__mro__ if name in attributes(c)), None)


def summary(kind: type) -> str:
    """Give the first sentence of the docstring of a class."""
    lines = inspect.cleandoc(kind.__dict__.get("__doc__") or "").partition("\n\n")[0]
    return " ".join(lines.split())
