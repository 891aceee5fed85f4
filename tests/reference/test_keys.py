"""The list of keys: all of the study's and of conf/'s, each with a meaning, and as it is kept."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator

from hnlstat.config.base import Section
from hnlstat.config.coupling import PositiveCoupling
from hnlstat.config.quantities import Energy, Mass, NotEmpty, PositiveLength, Ratio, whole
from hnlstat.config.sections import LengthOrAuto, Level
from hnlstat.reference.docstrings import attributes, said_of, summary
from hnlstat.reference.entries import matches, options
from hnlstat.reference.keys import load, write
from hnlstat.reference.presets import Preset
from hnlstat.reference.types import describe
from hnlstat.reference.walk import walk

KEYS = walk()


def test_every_key_has_a_meaning():
    assert [key.key for key in KEYS if not key.meaning.strip()] == []


def test_the_list_that_is_kept_is_that_of_the_classes():
    assert load() == KEYS, "run python -m hnlstat.reference"


def test_every_key_of_conf_is_in_the_list():
    """Or holds names alone, below a mapping."""
    known = [key.key for key in KEYS]
    mappings = [key.key for key in KEYS if "mapping" in key.type]
    unknown = [
        f"{option.group}/{option.name}: {setting.key}"
        for option in options()
        for setting in option.settings
        if not any(matches(key, setting.key) for key in known)
        and not any(matches(key, _outer(setting.key, key)) for key in mappings)
    ]
    assert unknown == []


def _outer(key, pattern):
    return ".".join(key.split(".")[: len(pattern.split("."))])


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("simulation.radius", "m"), ("scan.mass.min", "GeV"), ("scan.coupling.max", "of the model"),
        ("detector.volumes.<name>.density", "g/cm3"), ("exposure.pot", "POT"),
        ("search.<name>.cuts.max_opening_angle", "rad"), ("inference.toys", ""),
    ],
)  # fmt: skip
def test_units_are_those_of_the_types(key, unit):
    assert {one.unit for one in KEYS if one.key == key} == {unit}


def test_keys_say_which_kinds_have_them():
    found = {(key.key, key.of) for key in KEYS}
    assert ("task.nuisances", ("task=coverage",)) in found
    assert ("task.sigmas", ("task=fit", "task=explained")) in found
    assert ("search.<name>.field", ("kind=tracks",)) in found
    assert ("flux.tunnel", ("kind=kaons",)) in found
    assert ("search.<name>.background.<mode>.events", ()) in found
    assert ("model.nature", ()) in found


@pytest.mark.parametrize(
    ("annotation", "words", "unit"),
    [
        (Mass, "energy, 1e-05 to 1000 GeV", "GeV"),
        (Energy, "energy", "GeV"),
        (PositiveLength | None, "length, 1e-06 to 1e+06 m", "m"),
        (LengthOrAuto, "length or auto", "m"),
        (Annotated[tuple[Level, ...], NotEmpty],
         "list of numbers, or in %, from 0.01 to 1, 1 excluded, not empty", ""),
        (PositiveCoupling, "coupling", "of the model"),
        (Literal["a", "b"], "a | b", ""),
        (dict[str, Ratio], "mapping <name>: number, or in %", ""),
        (tuple[Energy, Energy], "list of 2 energies", "GeV"),
        (Annotated[int, whole(1, 9)], "whole number, 1 to 9", ""),
        (Annotated[float, AfterValidator(abs)], "number", ""),
        (tuple[tuple[bool, ...], ...], "list of lists of true or false", ""),
    ],
)  # fmt: skip
def test_types_in_words(annotation, words, unit):
    found = describe(annotation)
    assert (found.words, found.unit) == (words, unit)


def test_docstrings_of_bases_count():
    class Base(Section):
        """
        A base. More of it.

        Attributes
        ----------
        one, two
            First;
            second.
        three : int
            Third.

        Raises
        ------
        ValueError
            Never.
        """

    class Derived(Base):
        """Derived."""

    assert said_of(Derived, "one") == "one, two: First; second."
    assert said_of(Derived, "three") == "Third."
    assert said_of(Derived, "ValueError") is None
    assert attributes(Derived) == {}
    assert summary(Derived) == "Derived."


FILE = """\
# What it is. And where from: K. Abe et al.
# @ some
defaults:
  - other
# Of all,
# in words.
one: {two: 1 MeV, three: 'a # b'}  # beside
four:        # the fourth,
             # and more of it
  - {five: 5}                        # a list

# not of the next

six: 6
"""


def test_comments_belong_to_the_keys_that_they_stand_at():
    found = {one.key: one for one in Preset("group", "name", FILE).settings}
    assert {key: one.comment for key, one in found.items()} == {
        "group.one": "Of all, in words. beside",
        "group.one.two": "",
        "group.one.three": "",
        "group.four": "the fourth, and more of it",
        "group.four[].five": "a list",
        "group.six": "",
    }
    assert found["group.one.three"].value == "'a # b'"
    assert found["group.four"].value == ""


def test_options_say_what_they_are():
    assert [option.name for option in options() if not option.line] == []
    assert Preset("group", "name", FILE).line == "What it is"
    assert all("Phys" not in option.line[-5:] for option in options())


def test_the_list_can_be_written_and_read(tmp_path, monkeypatch):
    file = tmp_path / "keys.jsonl"
    write(KEYS, file)
    monkeypatch.setattr("hnlstat.reference.keys.FILE", file)
    assert load() == KEYS
