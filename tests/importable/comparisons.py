"""Comparisons with what was made elsewhere: recorded by tests, written as docs/validation.md.

The fixture `compare` of tests/validation asserts each and leaves it among the properties of its
test. They come with the reports, from other processes too, to `ValidationPage`, which writes the
page, or tells that the committed one is stale.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parents[1] / "validation"
PAGE = HERE.parents[1] / "docs" / "validation.md"
PROPERTY = "compared"
SUBJECTS = (
    "Cross sections",
    "Decays of N with a dipole",
    "Decays of mass-mixed N",
    "N in detectors",
    "Photons",
    "Statistics",
    "Published limits and regions",
)
"""Sections of the page; `SUBJECT` of a module of tests is one of them."""

COLUMNS = ("what", "hnlstat", "theirs", "difference", "tolerance", "source")
HEAD = """\
# Validation

Every comparison of tests/validation with something made elsewhere, written by

    pytest tests/validation --write-validation

Those tests fail where a difference is larger than its tolerance, and where this page is no longer
what they find. *Worst of n*: the row has the entry of n that comes nearest to its tolerance, or
exceeds it. *Difference* is relative where the tolerance is. What DarkNews and cabinetry give is
frozen in tables beside the tests; where they are installed (`hnlstat[peers]`) they are asked again.
"""
DIGITS = 7
"""That are printed at most."""


def compared(subject, what, ours, theirs, *, rel, absolute, source):
    """Give the entry that comes nearest to its tolerance, as plain numbers and words.

    Parameters
    ----------
    ours, theirs
        Numbers or arrays of them.
    rel, absolute
        Tolerances, relative to theirs and not, of which the larger counts; None: not given.
    """
    shapes = (ours, theirs, rel or 0.0 if np.ndim(rel) == 0 else rel, absolute)
    one, other, relative, fixed = (
        np.ravel(part)
        for part in np.broadcast_arrays(
            *(np.asarray(0.0 if part is None else part, dtype=float) for part in shapes)
        )
    )
    allowed = np.maximum(relative * np.abs(other), fixed)
    assert subject in SUBJECTS
    assert np.all(allowed > 0), f"{what}: no tolerance"
    used = np.abs(one - other) / allowed
    used = np.where(np.isfinite(used), used, np.inf)
    # in hundredths, so that noise chooses none of those that agree to that
    worst = int(np.argmax(np.round(used, 2)))
    return {
        "subject": subject,
        "what": what,
        "source": source,
        "number": int(used.size),
        "used": float(used[worst]),
        "ours": float(one[worst]),
        "theirs": float(other[worst]),
        "tolerance": float((relative if absolute is None else allowed)[worst]),
        "relative": absolute is None,
    }


def _exponent(tolerance):
    """Of the last digit of what is printed: a tenth of the first digit of the tolerance."""
    return int(np.floor(np.log10(tolerance) + 1e-9)) - 1


def _shown(value, exponent):
    """A number to the digit of an exponent; the exponent can be read off it."""
    if not np.isfinite(value):
        return str(value)
    number = Decimal(round(value * 10.0**-exponent)).scaleb(exponent)
    if number == 0:
        return f"< {Decimal(1).scaleb(exponent)}".lower()
    return (f"{number:f}" if exponent > -5 else str(number)).lower()


def _number(value, allowed):
    """One of both numbers that are compared: to what the tolerance makes worth reading."""
    if value == 0:
        return "0"
    largest = int(np.floor(np.log10(abs(value)) + 1e-9))
    exponent = max(min(_exponent(allowed), largest), largest - DIGITS + 1)
    if -4 <= largest < 6:
        return f"{round(value, -exponent):.{max(-exponent, 0)}f}"
    return f"{value:.{largest - exponent}e}"


def cells(record, number):
    """Cells of the row of an entry, the worst of a number of them."""
    tolerance, relative = record["tolerance"], record["relative"]
    off, allowed = record["ours"] - record["theirs"], tolerance
    if relative:
        off, allowed = off / record["theirs"], tolerance * abs(record["theirs"])
    # per cent, but where those need more than four decimals
    percent = relative and tolerance >= 1e-5
    scale, unit = (100.0, " %") if percent else (1.0, "")
    return (
        record["what"] + (f" (worst of {number})" if number > 1 else ""),
        _number(record["ours"], allowed),
        _number(record["theirs"], allowed),
        _shown(scale * off, _exponent(scale * tolerance)) + unit,
        f"{float(f'{scale * tolerance:.2g}'):g}{unit}",
        record["source"],
    )


def rows(records: Iterable[dict]) -> dict[str, list[tuple[str, ...]]]:
    """Rows by subject: entries that are called the same are one, the worst of them."""
    groups: dict[tuple[str, ...], list[dict]] = {}
    for record in records:
        groups.setdefault(tuple(record[k] for k in ("subject", "what", "source")), []).append(
            record
        )
    found: dict[str, list[tuple[str, ...]]] = {subject: [] for subject in SUBJECTS}
    for (subject, *_), group in groups.items():
        worst = max(group, key=lambda record: round(record["used"], 2))
        found[subject].append(cells(worst, sum(record["number"] for record in group)))
    return {subject: table for subject, table in found.items() if table}


def _line(row: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"


def page(records: Iterable[dict]) -> str:
    """Give the page as text."""
    lines = [HEAD]
    for subject, table in rows(records).items():
        rule = ["---", "---:", "---:", "---:", "---:", "---"]
        lines += [f"## {subject}\n", _line(COLUMNS), _line(rule), *map(_line, table), ""]
    return "\n".join(lines)


def stale(text: str, committed: str) -> list[str]:
    """Lines of a page that the committed one lacks, and with a minus those that it has besides.

    Our numbers, and differences, may be off by one in the last digit that is printed.
    """
    new, old = (text.splitlines(), committed.splitlines())
    lacks = [line for line in new if not any(_same(line, other) for other in old)]
    besides = [line for line in old if not any(_same(line, other) for other in new)]
    return lacks + [f"- {line}" for line in besides]


def _same(line: str, other: str) -> bool:
    if line == other:
        return True
    one, two = (re.split(r" (?<!\\)\| ", row) for row in (line, other))
    if len(one) != len(COLUMNS) or len(two) != len(COLUMNS):
        return False
    near = {COLUMNS.index("hnlstat"), COLUMNS.index("difference")}
    pairs = enumerate(zip(one, two, strict=True))
    return all(_near(a, b) if i in near else a == b for i, (a, b) in pairs)


def _near(one: str, other: str) -> bool:
    """Whether two numbers differ by at most one in their last digit."""
    found = [re.fullmatch(r"(< )?([-+.\de]+)( %)?", cell) for cell in (one, other)]
    if None in found or found[0][3] != found[1][3]:
        return one == other
    numbers = [Decimal(match[2]) for match in found]
    last = max(Decimal(1).scaleb(number.as_tuple().exponent) for number in numbers)
    values = [0 if match[1] else number for match, number in zip(found, numbers, strict=True)]
    return abs(values[0] - values[1]) <= last


NARROWING = ("keyword", "markexpr", "deselect", "lf", "stepwise", "ignore", "ignore_glob")
"""Options with which not all tests run."""


@dataclass(eq=False)  # plugins are hashed
class ValidationPage:
    """What gathers comparisons where reports come together, and looks after the page."""

    config: pytest.Config
    found: list[tuple] = field(default_factory=list)
    failed: bool = False
    words: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file, line, _ = report.location
        if HERE.name not in Path(file).parts:
            return
        self.failed |= report.failed
        if report.when == "call":
            mine = (value for name, value in report.user_properties if name == PROPERTY)
            self.found += ((file, line or 0, report.nodeid, i, v) for i, v in enumerate(mine))

    def whole(self, session: pytest.Session) -> bool:
        """Whether all of tests/validation has run, and well."""
        config = self.config
        given = [*map(str, config.args)]
        places = [(config.invocation_params.dir / arg).resolve() for arg in given]
        narrowed = any(getattr(config.option, name, None) for name in NARROWING)
        stopped = session.shouldstop or session.shouldfail or config.option.collectonly
        everywhere = any(HERE.is_relative_to(place) for place in places)
        return everywhere and bool(self.found) and not (narrowed or stopped or self.failed)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        write, whole = self.config.getoption("--write-validation"), self.whole(session)
        if write and not whole:
            self._fail(session, "docs/validation.md is not written: not all its tests ran well")
        if not whole:
            return
        text = page(record for *_, record in sorted(self.found, key=lambda entry: entry[:4]))
        committed = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
        lines = stale(text, committed)
        if lines and write:
            PAGE.write_text(text, encoding="utf-8", newline="\n")
            self.words.append("docs/validation.md is written")
        elif lines:
            self._fail(
                session,
                "docs/validation.md is stale: `pytest tests/validation --write-validation` renews "
                f"it. {len(lines)} lines differ:",
                *lines[:20],
            )

    def _fail(self, session: pytest.Session, *words: str) -> None:
        self.words += words
        if session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.words:
            terminalreporter.section("validation page")
            for line in self.words:
                terminalreporter.line(line)
