"""What all parts of a Study share: frozen, strict about keys, errors of one clear line."""

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from hnlstat.errors import ConfigError
from hnlstat.system.references import bibliography, is_reference

GONE = {
    "selection": "is search now: search=tpc_ee or tpc_ee_tracks, settings search.NAME.KEY",
    "exposure.observed": "is of the searches now: search.NAME.observed.EXPOSURE",
}
"""Settings that were, and their successors."""


class Section(BaseModel):
    """A part of the configuration: immutable, and every key must be a known one."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        coerce_numbers_to_str=True,
        defer_build=True,  # most sections are only ever built as parts of others
    )

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: object) -> object:
        if isinstance(data, Mapping):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in data:
                if key not in known and key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key", "{key}", {"key": str(key), "known": known}
                    )
        return data

    def replace(self, **changes: object) -> Self:
        """Copy with some values changed, validated like the original; errors as in `validate`."""
        mine = {key: getattr(self, key) for key in type(self).model_fields}
        return validate(type(self), mine | changes)


def file_name(value: str) -> str:
    """Pass what can be the name of a file or folder everywhere, or a part of one."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{,99}", value):
        raise ValueError("is not a name for a folder: use letters, digits and _ . + -, at most 100")
    return value


Name = Annotated[str, AfterValidator(file_name)]


def home(value: Path) -> Path:
    """Write out ~, which shells do not do behind a sign such as =."""
    if "\0" in str(value):
        raise ValueError("is not a path")
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but there is no such home; write it out") from None


UserPath = Annotated[Path, AfterValidator(home)]


def _reference(value: str) -> str:
    if not is_reference(value):
        raise ValueError(
            "is neither arXiv:NUMBER nor doi:NUMBER nor an entry of hnlstat's references; "
            + suggest(value, [*bibliography()])
        )
    return value


class Cited(Section):
    """
    A part of the configuration that says what it comes from.

    Attributes
    ----------
    cite
        Entries of hnlstat/data/references.bib, arXiv:NUMBER or doi:NUMBER, for `citations.bib`.
    """

    cite: tuple[Annotated[str, AfterValidator(_reference)], ...] = ()


class Assuming(Cited):
    """
    A part of the configuration that says which of its settings have no source.

    Attributes
    ----------
    assumed
        Key of the setting below this part, dots between -> "assumed" or "from memory"; None: it has
        a source after all.
    """

    assumed: dict[str, str | None] = {}

    @model_validator(mode="after")
    def _assumed_are_settings(self) -> Self:
        for key in self.assumed:
            if (reason := self._misspelt(key)) is not None:
                raise problem("assumed", f"{key} is no setting of this part{reason}")
        return self

    def _misspelt(self, key: str) -> str | None:
        """Say why there cannot be such a setting; None if there is, or could be."""
        value: Any = self
        for part in key.split("."):
            if value is None:  # is switched off
                return None
            if isinstance(value, Section):
                value = {name: getattr(value, name) for name in type(value).model_fields}
            elif isinstance(value, dict) and closest(part, value, 0.8) is None:  # was taken out
                return None
            options = value if isinstance(value, dict) else ()
            if part not in options:
                known = [name for name in options if name != "assumed"]
                return f"; {suggest(part, known)}" if known else ""
            value = value[part]
        return None

    def assumptions(self) -> dict[str, str]:
        """Those of them that are there and not switched off, with what is said of them."""
        return {key: why for key, why in self.assumed.items() if why and self._value(key)}

    def _value(self, key: str) -> object:
        value: Any = self.model_dump()
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


AnySection = TypeVar("AnySection", bound=Section)


def problem(key: object, text: str) -> PydanticCustomError:
    """Make the error for a key below the section that is being validated; dots go deeper."""
    return PydanticCustomError("problem", "{key}: {text}", {"key": str(key), "text": text})


def closest(word: str, options: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Find the option most like a word, if any is like it."""
    return next(iter(difflib.get_close_matches(word, list(options), n=1, cutoff=cutoff)), None)


def suggest(word: str, options: Iterable[str], prefix: str = "") -> str:
    """Say what was perhaps meant by a word, else what there is."""
    options = list(options)
    if not options:
        return "there is none yet"
    match = closest(word, options)
    return f"did you mean {prefix}{match}?" if match else f"choose from {', '.join(options)}"


def validate(
    section: type[AnySection], data: object, where: str = "", context: str | None = None
) -> AnySection:
    """
    Build a section from plain data.

    Parameters
    ----------
    section
        The class to build.
    data
        Mappings, lists, numbers and strings, as read from YAML.
    where
        Key of the section in the whole configuration.
    context
        What validators are told; see `existing_file`.

    Raises
    ------
    ConfigError
        Names the first key that is wrong, its value and what would be right.
    """
    try:
        return section.model_validate(data, context=context)
    except ValidationError as error:
        found = error.errors(include_url=False)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise ConfigError(_describe(found[0], data, where) + more)


def by_kind(
    kinds: Mapping[str, type[Section]], plain: type[Section], where: str
) -> BeforeValidator:
    """
    Make the validator that reads a section as the class of its `kind`.

    Parameters
    ----------
    kinds
        Class of each kind that has settings.
    plain
        Class of all others; it refuses kinds that do not exist.
    where
        Key of the section in the whole configuration.
    """

    def read(value: object) -> object:
        if isinstance(value, Mapping):
            return validate(kinds.get(str(value.get("kind")), plain), value, where)
        return value

    return BeforeValidator(read)


PLAIN = {"string_type": "is not a text", "path_type": "is not a path"}
"""Of errors that the user would not know by pydantic's words."""


def _describe(error: ErrorDetails, data: object, where: str) -> str:
    steps = [step for step in error["loc"] if not str(step).startswith("<")]
    prefix = "".join(f"{step}." for step in [where, *steps] if step != "")
    context: dict[str, Any] = error.get("ctx", {})
    value = error["input"]
    shown = _short(value)
    if error["type"] == "problem":
        steps.append(context["key"])
        text = context["text"]
    elif error["type"] == "unknown_key":
        steps.append(context["key"])
        text = f"unknown key; {suggest(context['key'], context['known'], prefix)}"
    elif error["type"] == "missing":
        text = "is missing" + _misspelt_entry(steps, data)
    elif error["type"] == "value_error":
        text = f"{shown} {context['error']}"
    elif error["type"] == "literal_error":
        text = f"{shown} is not one of {context['expected']}"
    elif error["type"] in ("tuple_type", "list_type"):
        text = f"{shown} is not a list; write [{shown}]"
    elif error["type"] in ("dict_type", "model_type", "model_attributes_type"):
        text = f"{shown} is not a mapping of keys to values"
    elif error["type"] in PLAIN:
        text = f"{shown} {PLAIN[error['type']]}"
    else:
        text = f"{shown}: {error['msg'][0].lower()}{error['msg'][1:]}"
    path = ".".join([where, *map(str, steps)] if where else map(str, steps))
    return f"{path}: {text}"


def _short(value: object) -> str:
    """Show a value in one line that can be read."""
    if isinstance(value, float):
        text = f"{value:.12g}"
    else:
        plain = isinstance(value, str) and value.isprintable() and value.strip()
        text = str(value) if plain else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


LONGEST = 200


def _misspelt_entry(steps: list[int | str], data: object) -> str:
    """Hint at a neighbour of an entry that holds one key only, most likely a misspelt name."""
    if len(steps) < 2:
        return ""
    for step in steps[:-2]:
        data = data[step] if isinstance(data, dict | list | tuple) else {}  # type: ignore[index]
    entry, name = (data, str(steps[-2])) if isinstance(data, dict) else ({}, "")
    if not isinstance(entry.get(name), dict) or len(entry[name]) > 1:
        return ""
    match = closest(name, [key for key in entry if key != name])
    return f"; did you mean {match} in place of {name}?" if match else ""
