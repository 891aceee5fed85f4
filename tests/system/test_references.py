"""The bibliography: that it parses, and that it has what settings name, and no more."""

import re

import pytest
import yaml

from hnlstat.config.base import Cited, validate
from hnlstat.errors import ConfigError
from hnlstat.models.dipole import Dipole
from hnlstat.models.mixed import Mixed
from hnlstat.report.citations import FITS, LIKELIHOODS, METHODS
from hnlstat.system.references import FILE, bibliography, entry, words
from hnlstat.system.shipped import DATA, conf_dir

ENTRY = re.compile(r"@(?:article|misc|software|techreport)\{([^\s,{}]+),\n((?:  .*\n)+)\}\n")
FIELD = re.compile(r"  (\w+) = \{(.*)\}(,?)\n")
NEEDED = {"author", "collaboration"}, {"title"}, {"eprint", "doi", "journal", "number"}
DOIS = {
    r"Phys\. Rev\. D (\d+), (\w+)": r"10.1103/PhysRevD.\1.\2",
    r"Phys\. Rev\. Lett\. (\d+), (\w+)": r"10.1103/PhysRevLett.\1.\2",
    r"JHEP (\d+), (\d+)": r"10.1007/JHEP\1(YEAR)\2",
    r"JCAP (\d+), (\d+)": r"10.1088/1475-7516/YEAR/\1/\2",
    r"JINST (\d+), P(\d\d)(\d+)": r"10.1088/1748-0221/\1/\2/P\2\3",
    r"Phys\. Lett\. B 8\d\d, (\d+)": r"10.1016/j.physletb.YEAR.\1",
}
"""What journals make DOIs of."""


def parsed(text):
    """Fields of entries by key; a strict reader of the form that the files have."""
    found, rest = {}, re.sub(r"^%.*\n", "", text, flags=re.MULTILINE).strip("\n") + "\n"
    for piece in re.split(r"\n\n+", rest.strip("\n")):
        match = ENTRY.fullmatch(piece + "\n")
        assert match, piece
        fields = FIELD.findall(match[2])
        assert "".join(f"  {a} = {{{b}}}{c}\n" for a, b, c in fields) == match[2]
        assert [c for *_, c in fields] == [","] * (len(fields) - 1) + [""]
        for _, value, _ in fields:
            depth = [value[:i].count("{") - value[:i].count("}") for i in range(len(value) + 1)]
            assert min(depth) == depth[-1] == 0, value
        assert match[1] not in found
        found[match[1]] = {name: value for name, value, _ in fields}
        assert len(found[match[1]]) == len(fields)
    return found


def cited():
    """Keys that shipped settings, bounds, models and methods name."""
    found = {*Dipole.references, *Mixed.references, *LIKELIHOODS, *FITS, "hnlstat"}
    found.update(key for keys in METHODS.values() for key in keys)
    for path in conf_dir().rglob("*.yaml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found.update(content.get("cite", ()) if isinstance(content, dict) else ())
    for path in DATA.glob("bounds*/*/*.csv"):
        (line,) = re.findall(r"^# cite: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        found.update(line.split(", "))
    return found


def test_the_file_parses():
    entries = parsed((DATA / FILE).read_text(encoding="utf-8"))
    assert [*entries] == [*bibliography()]
    for key, fields in entries.items():
        if key != "hnlstat":
            assert all(names & fields.keys() for names in NEEDED), key
        if key.startswith("arXiv:"):
            assert fields["eprint"] == key.removeprefix("arXiv:")
            assert fields["archivePrefix"] == "arXiv"
        assert re.fullmatch(r"10\.\d{4,}/\S+", fields.get("doi", "10.1234/x")), key


def test_journals_years_and_numbers_agree():
    checked = 0
    for key, fields in parsed((DATA / FILE).read_text(encoding="utf-8")).items():
        for journal, doi in DOIS.items():
            if found := re.fullmatch(journal, fields.get("journal", "")):
                assert fields["doi"] == found.expand(doi).replace("YEAR", fields["year"]), key
                checked += 1
        if number := re.match(r"(?:hep-ex/)?(\d\d)\d{2}", fields.get("eprint", "")):
            assert 0 <= int(fields["year"]) - 2000 - int(number[1]) <= 2, key
    assert checked > 35


def test_every_key_is_in_it_and_every_entry_is_used():
    assert cited() == {*bibliography()}


def test_other_references_become_entries():
    new = [entry(text) for text in ("arXiv:2101.00001", "doi:10.1000/x(1)", "A. Uthor, 5 % {1}")]
    keys = parsed("\n\n".join(new))
    assert [*keys.values()] == [
        {"eprint": "2101.00001", "archivePrefix": "arXiv"},
        {"doi": "10.1000/x(1)"},
        {"note": "A. Uthor, 5    1 "},
    ]


def test_entries_in_words():
    assert words("arXiv:2304.06772").startswith(
        "E. Fern\u0061\u0301ndez-Mart\u0069\u0301nez et al., Eff"
    )
    assert words("arXiv:1902.07598") == (
        "K. Abe et al. (T2K), Search for heavy neutrinos with the T2K near detector ND280, "
        "Phys. Rev. D 100, 052006 (2019), arXiv:1902.07598"
    )
    assert words("arXiv:2101.00001") == "arXiv:2101.00001"
    assert words("ICARUS:2004").endswith("329 (2004), doi:10.1016/j.nima.2004.02.044")
    assert words("Somebody, in words") == "Somebody, in words"


def test_a_misspelt_key_is_an_error():
    with pytest.raises(ConfigError, match=r"flux.cite.0: arXiv1902.07598 is neither .*did you mea"):
        validate(Cited, {"cite": ["arXiv1902.07598"]}, "flux")
    assert validate(Cited, {"cite": ["doi:10.1/a"]}, "flux").cite == ("doi:10.1/a",)
