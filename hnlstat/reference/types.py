"""Types of settings in words: what a value is, its unit, and the sections that it holds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from inspect import isclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hnlstat.config.base import Section
from hnlstat.config.coupling import PositiveCoupling
from hnlstat.config.quantities import DIMENSIONLESS, Dimension

NAMES = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}

COUPLING = get_args(PositiveCoupling)[1]
"""What reads a coupling, in the unit of its model."""

OF_THE_MODEL = "of the model"
"""Unit of a coupling: GeV^-1, or none."""


@dataclass(frozen=True)
class Type:
    """
    A type in words.

    Attributes
    ----------
    words
        "list of energies"; without its unit.
    unit
        Base unit of its numbers; empty: they have none, or it is not the type that tells.
    sections
        Classes of the sections that it holds, and what leads to them: "" itself, "[]" each of a
        list, ".<name>" each of a mapping.
    null
        Whether null is possible.
    """

    words: str
    unit: str = ""
    sections: tuple[tuple[str, type[Section]], ...] = ()
    null: bool = False


def describe(annotation: Any, metadata: tuple[Any, ...] = (), name: str = "name") -> Type:
    """
    Put a type into words.

    Parameters
    ----------
    annotation
        As a field of a section has it.
    metadata
        What stands beside it in `Annotated`, and in the field.
    name
        What the keys of a mapping are.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return describe(args[0], (*args[1:], *metadata), name)
    if COUPLING in metadata:
        return Type("coupling", OF_THE_MODEL)
    if origin in (Union, UnionType):
        found = _union(args, name)
    elif origin is Literal:
        found = Type(" | ".join(str(value) for value in args))
    elif origin is tuple:
        found = _list(args, name)
    elif origin is dict:
        found = _mapping(args[1], name)
    elif isclass(annotation) and issubclass(annotation, Section):
        found = Type("section", sections=(("", annotation),))
    else:
        found = Type(NAMES[annotation])
    return _limited(found, metadata)


def _limited(found: Type, metadata: tuple[Any, ...]) -> Type:
    """Add what the validators of a type say: what its numbers measure, and which are possible."""
    dimension, words, unit = _dimension(metadata), found.words, found.unit
    if dimension is not None:
        unit = dimension.base_unit
        words = words.replace("number", dimension.noun if unit else "number")
        words += ", or in %" * (dimension == DIMENSIONLESS)
    words = ", ".join([words, *_limits(metadata)])
    return Type(words, unit, found.sections, found.null)


def _union(args: tuple[Any, ...], name: str) -> Type:
    found = [describe(one, (), name) for one in args if one is not NoneType]
    words = " or ".join(dict.fromkeys(one.words for one in found))
    unit = next((one.unit for one in found if one.unit), "")
    sections = tuple(part for one in found for part in one.sections)
    return Type(words, unit, sections, NoneType in args)


def _list(args: tuple[Any, ...], name: str) -> Type:
    inner = describe(args[0], (), name)
    words = _plural(inner.words)
    held = tuple((f"[]{suffix}", section) for suffix, section in inner.sections)
    return Type(
        f"list of {words}" if args[-1] is Ellipsis else f"list of {len(args)} {words}",
        inner.unit,
        held,
    )


def _plural(words: str) -> str:
    noun, comma, rest = words.partition(",")
    if re.fullmatch(r"(whole )?\w+", noun):
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return noun.replace("list of", "lists of") + comma + rest


def _mapping(values: Any, name: str) -> Type:
    inner = describe(values, (), "mode" if name == "exposure" else "name")
    held = tuple((f".<{name}>{suffix}", section) for suffix, section in inner.sections)
    return Type(f"mapping <{name}>: {inner.words}", inner.unit, held)


def _functions(metadata: tuple[Any, ...]) -> list[Any]:
    """What checks values, in the order of the type."""
    return [one.func for one in metadata if hasattr(one, "func")]


def _dimension(metadata: tuple[Any, ...]) -> Dimension | None:
    settings = [one.keywords for one in _functions(metadata) if isinstance(one, partial)]
    return next((one["dimension"] for one in settings if "dimension" in one), None)


def _limits(metadata: tuple[Any, ...]) -> list[str]:
    """What values are possible: a range, and what functions say that pass such values only."""
    ranges, found = [], []
    for function in _functions(metadata):
        if isinstance(function, partial) and "least" in function.keywords:
            ranges.append(function.keywords)
        elif said := re.match(r"Pass (.+?) only\b", getattr(function, "__doc__", None) or ""):
            found.append(said[1].removeprefix("what is ").rstrip(","))
    least = max((one["least"] for one in ranges), default=-math.inf)
    most = min((one["most"] for one in ranges), default=math.inf)
    if "zero and positive numbers" in found:
        least = max(least, 0)
    told = any(" to " in text for text in found)
    if -least == most or told:  # numbers of any size, or less is said
        return [text for text in found if text not in BOUNDS or not told]
    unit = next((one["unit"] for one in ranges if one.get("unit")), "")
    return [f"{least:g} to {most:g} {unit}".strip(), *(t for t in found if t not in BOUNDS)]


BOUNDS = ("positive numbers", "zero and positive numbers")
"""What need not be said beside a range."""
