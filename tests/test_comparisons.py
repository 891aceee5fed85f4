"""The page of comparisons: what is written, and when the committed one is stale."""

from types import SimpleNamespace

import comparisons
import numpy as np
import pytest
from comparisons import SUBJECTS, ValidationPage, compared, page, stale


def entry(ours, theirs, what="width [GeV]", rel=None, absolute=None):
    return compared(SUBJECTS[0], what, ours, theirs, rel=rel, absolute=absolute, source="a code")


def row(*entries):
    (line,) = (line for line in page(entries).splitlines() if "a code" in line)
    return [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize(
    ("found", "cells"),
    [
        (entry(1.0042, 1.0, rel=0.03), ["1.004", "1.000", "0.4 %", "3 %"]),
        (
            entry(2.00001e-27, 2e-27, rel=3e-4),
            ["2.00001e-27", "2.00000e-27", "< 0.001 %", "0.03 %"],
        ),
        (entry(1 + 4e-9, 1.0, rel=1e-8), ["1.000000", "1.000000", "4e-9", "1e-08"]),
        (entry(9440.3, 9360, absolute=397.0), ["9440", "9360", "80", "400"]),
        (entry(-0.16, 0.0, absolute=0.25), ["-0.16", "0", "-0.16", "0.25"]),
    ],
)
def test_digits_are_those_that_the_tolerance_makes_worth_reading(found, cells):
    assert row(found)[1:5] == cells


def test_of_several_the_worst_is_shown_and_noise_chooses_none():
    found = entry([1.01, 2.04, 3.0], [1.0, 2.0, 3.0], rel=0.03)
    assert row(found, entry(5.0, 5.0, rel=0.03))[:4] == [
        "width [GeV] (worst of 4)", "2.040", "2.000", "2.0 %"
    ]  # fmt: skip
    noise = entry([7.0, 1.0 + 1e-13, 2.0 + 2e-13], [7.0, 1.0, 2.0], rel=1e-6)
    assert noise["theirs"] == 7.0


def test_what_is_outside_its_tolerance_or_no_number_is_found():
    assert entry([1.0, 1.02], [1.0, 1.0], rel=0.01)["used"] > 1
    assert entry([1.0, np.nan], [1.0, 1.0], rel=0.01)["used"] == np.inf
    with pytest.raises(AssertionError, match="no tolerance"):
        entry(1.0, 0.0, rel=0.01)


def test_a_page_is_stale_where_more_than_the_last_digit_differs():
    old = page([entry(1.0042, 1.0, rel=0.03)])
    assert stale(old, old) == []
    assert stale(page([entry(1.0051, 1.0, rel=0.03)]), old) == []
    for other in (
        entry(1.0062, 1.0, rel=0.03),  # ours
        entry(1.0042, 1.0, rel=0.02),  # tolerance
        entry(1.0052, 1.001, rel=0.03),  # theirs
        entry(1.0042, 1.0, "another", rel=0.03),
    ):
        new, gone = stale(page([other]), old)
        assert gone == f"- {old.splitlines()[-1]}"
        assert new in page([other])
    assert len(stale(page([]), old)) >= 1
    assert stale(page([entry(1.0, 1.0, rel=0.03)]), page([entry(1.0004, 1.0, rel=0.03)])) == []


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A session that was given a path, with what gathers its reports, and a page of 1.0042."""
    monkeypatch.setattr(comparisons, "PAGE", tmp_path / "page.md")
    comparisons.PAGE.write_text(page([entry(1.0042, 1.0, rel=0.03)]))

    def make(ours, *args, write=False, **options):
        option = SimpleNamespace(collectonly=False, **options)
        place = SimpleNamespace(dir=comparisons.HERE.parents[1])
        config = SimpleNamespace(
            args=args, option=option, invocation_params=place, getoption=lambda _: write
        )
        found = ValidationPage(config)
        found.found.append(("f", 1, "f::t", 0, entry(ours, 1.0, rel=0.03)))
        run = SimpleNamespace(shouldstop=False, shouldfail=False, exitstatus=0)
        found.pytest_sessionfinish(run)
        return run.exitstatus, " ".join(found.words)

    return make


def test_a_whole_run_fails_on_a_stale_page_and_parts_of_it_do_not(session):
    assert session(1.0042, "tests") == (0, "")
    status, words = session(1.02, "tests/validation")
    assert status == 1
    assert "is stale" in words
    assert session(1.02, "tests/validation/test_yields.py") == (0, "")
    assert session(1.02, "tests", keyword="yields") == (0, "")


def test_the_page_is_written_when_asked_after_a_whole_run_alone(session):
    assert session(1.02, "tests/validation", write=True)[0] == 0
    assert "| 1.020 |" in comparisons.PAGE.read_text()
    assert session(1.02, "tests") == (0, "")
    status, words = session(1.0, "tests/validation/test_yields.py", write=True)
    assert status == 1
    assert "not all" in words
