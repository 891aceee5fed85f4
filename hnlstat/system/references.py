"""What results rest on: the bibliography that comes with hnlstat, by keys that settings name."""

import re
from functools import cache

from hnlstat.system.shipped import DATA

FILE = "references.bib"
ENTRY = re.compile(r"^@\w+\{([^\s,{}]+),\n(?:  .*\n)+\}$", re.MULTILINE)
"""An entry as the file has them: a field in each line."""

FIELD = r"^  {} = \{{(.*)\}},?$"
NUMBERED = re.compile(r"arXiv:([\w.-]+(?:/\d+)?)|doi:(10\.\d+/[^\s,{}\"#%\\]+)")
"""What is no entry of the file, but says where to find it."""

ACCENTS = re.compile(r"\\([\"'^~`])\{?(\w)\}?")
COMBINING = {'"': "\u0308", "'": "\u0301", "^": "\u0302", "~": "\u0303", "`": "\u0300"}


@cache
def bibliography() -> dict[str, str]:
    """Give the entries of references.bib, as BibTeX, by key."""
    text = (DATA / FILE).read_text(encoding="utf-8")
    return {found[1]: found[0] for found in ENTRY.finditer(text)}


def is_reference(key: str) -> bool:
    """Tell whether a key is one of the bibliography, arXiv:NUMBER or doi:NUMBER."""
    return key in bibliography() or NUMBERED.fullmatch(key) is not None


def entry(reference: str) -> str:
    """Give the BibTeX entry of a key; of other words one that has them as a note."""
    if known := bibliography().get(reference):
        return known
    key = re.sub(r"[^A-Za-z0-9.:/-]+", "-", reference).strip("-") or "unnamed"
    numbered = NUMBERED.fullmatch(reference)
    if numbered is None:
        fields = f"  note = {{{re.sub('[{}%#]', ' ', reference)}}}"
    elif numbered[1]:
        fields = f"  eprint = {{{numbered[1]}}},\n  archivePrefix = {{arXiv}}"
    else:
        fields = f"  doi = {{{numbered[2]}}}"
    return f"@misc{{{key},\n{fields}\n}}"


def words(reference: str) -> str:
    """Give authors, title, journal and number of an entry in a line."""
    text = entry(reference)

    def field(name: str) -> str:
        found = re.search(FIELD.format(name), text, re.MULTILINE)
        return _plain(found[1]) if found else ""

    who, group, eprint, doi = map(field, ("author", "collaboration", "eprint", "doi"))
    names = who.split(" and ")
    authors = f"{names[0]} et al." if len(names) > 3 or names[-1] == "others" else ", ".join(names)
    if group:
        authors = f"{authors} ({group})" if who else group
    number = f"arXiv:{eprint}" if eprint and not eprint.startswith("hep-") else eprint
    place = field("journal") or field("number")
    where = f"{place} ({field('year')})" if place and field("year") else place or field("year")
    found = (authors, field("title"), where, number or (doi and f"doi:{doi}"), _note(field("note")))
    return ", ".join(filter(None, found))


def _note(text: str) -> str:
    return "" if text.endswith("from memory") else text


def _plain(text: str) -> str:
    """Write accents of TeX as letters, without braces."""
    text = ACCENTS.sub(lambda found: found[2] + COMBINING[found[1]], text)
    return re.sub(r"[{}]", "", text)
