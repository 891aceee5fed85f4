"""Words and tables on screens of any width."""

import io

import pytest
from rich.table import Column, Table
from rich.text import Text

from hnlstat.system.screen import Screen, Words, line_of

NAMES = ("nd280_upgrade_fhc_bin_3", "[red]x[/x]", ":smile:")
PATH = "runs/nd280/2026-11-26_160904_46242499/report of mine.html"


def shown(width, encoding="utf-8"):
    """What a screen of that width shows of two tables and some lines."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    screen = Screen()
    screen.console = Words(file=file, width=width)
    events = Table("channel", "events", "error", title="events, ±1σ")
    limits = Table(*(Column(name, no_wrap=True) for name in ("limit", "lowest coupling")))
    for name in NAMES:
        events.add_row(name, "4.5 ± 1", "3 .. open")
        limits.add_row(name, "≤ 4.92e-07 GeV⁻¹")
    screen.say(events, limits, "words " * 30, Text("bold " * 9, style="bold"), line_of(PATH))
    assert file.buffer.getvalue() == b""
    screen.show()
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [0, 1, 20, 40, 80, 500])
def test_names_stay_whole(width, encoding):
    text = shown(width, encoding)
    for name in (*NAMES, PATH, "lowest", "open"):
        assert name in text
    assert "…" not in text
    lines = [line for line in text.splitlines() if len(line) > (width or 80)]
    assert all(PATH in line or len(line.split()) == 1 for line in lines)


def test_a_table_becomes_a_list_where_it_does_not_fit():
    assert "limit: " not in shown(80)
    text = shown(30)
    assert f"{NAMES[0]}\n  events: 4.5 ± 1\n  error: 3 .. open\n" in text
    assert f"{NAMES[0]}\n  lowest coupling: ≤ 4.92e-07\n    GeV⁻¹\n" in text


def test_columns_stay_in_line_in_ascii():
    lines = [line for line in shown(80, "ascii").splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines[: len(NAMES)]}) == 1
    assert "4.5 +- 1" in lines[2]


def test_what_was_said_before_an_error_is_shown(capsys):
    screen = Screen()
    screen.say("first")
    with pytest.raises(ValueError, match="no"), screen:
        raise ValueError("no")
    assert capsys.readouterr().out == "first\n"
