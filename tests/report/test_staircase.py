import numpy as np
import pytest
from axes import ANY, MU
from rich.console import Console

from hnlstat.config.compare import Point
from hnlstat.inference.limits.limits import Limit
from hnlstat.report.staircase import markdown, screen_table, staircase_figure
from hnlstat.run.comparison import COLUMNS, Comparison, Landing

POINT = Point(mass=0.53, coupling=1.5e-6)


def landing(name, *couplings, events=1.0, kind="observed", opened=False):
    limits = tuple(
        None if d is None else Limit(mass, 0.9, kind, "lower", "exact CLs", d, opened)
        for mass, d in zip((0.097, 0.44), couplings, strict=True)
    )
    return Landing(name, (f"key.{name}",), 0.9, kind, limits, events)


@pytest.fixture
def comparison():
    return Comparison(
        (0.097, 0.44),
        POINT,
        (
            landing("first", 2e-7, 6e-7, events=5.0),
            landing("second", 3e-7, None, events=0.01),
            landing("third", 6e-7, 3e-5, events=0.0),
        ),
    )


def test_ratios_are_to_the_step_before_where_both_exclude_something(comparison):
    np.testing.assert_allclose(
        comparison.ratios(), [[np.nan, np.nan], [1.5, np.nan], [2.0, np.nan]], rtol=1e-12
    )


def test_rows_leave_empty_what_is_not_there(comparison):
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in comparison.rows()]
    assert [row["coupling"] for row in rows] == ["2e-07", "6e-07", "3e-07", "", "6e-07", "3e-05"]
    assert [row["ratio_to_previous"] for row in rows] == ["", "", "1.5", "", "2", ""]
    assert rows[3]["method"] == rows[3]["open"] == ""


def test_markdown_has_a_row_for_each_step_and_names_the_settings(comparison):
    lines = markdown(comparison, MU).splitlines()
    assert len({line.count("|") for line in lines[:5]}) == 1
    assert lines[0] == "| step | limit | 97 MeV | 440 MeV | events at (530 MeV, 1.5e-06) |"
    assert lines[3] == "| second | 90% observed | 3e-07 (×1.50) | - | 0.01 |"
    assert "- third: `key.third`" in lines


def test_the_end_of_the_grid_is_marked():
    only = Comparison((0.097, 0.44), POINT, (landing("a", 1e-8, 1e-8, opened=True),))
    assert "| ≤ 1e-08 |" in markdown(only, MU)


def test_screen_table_fits_a_terminal(comparison):
    console = Console(width=80, record=True)
    console.print(screen_table(comparison, MU))
    text = console.export_text()
    assert "3e-05" in text
    assert "…" not in text


def test_figure_has_a_staircase_for_each_mass_and_one_of_events(comparison):
    figure = staircase_figure(comparison, MU)
    left, right = figure.axes
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["97 MeV", "440 MeV"]
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["first", "second", "third"]
    lines = {line.get_label(): np.asarray(line.get_xdata()) for line in left.get_lines()}
    np.testing.assert_allclose(lines["97 MeV"], [1.0, 1.5, 3.0], rtol=1e-12)
    np.testing.assert_allclose(lines["440 MeV"], [1.0, np.nan, 50.0], rtol=1e-12)
    assert left.get_xscale() == "log"
    assert left.get_xlabel().startswith("Observed limit on $d_{\\mu}$")
    assert "1.5\\times10^{-6}" in right.get_xlabel()
    assert left.get_ylim() == (2.5, -0.5)  # the first step on top
    figure.draw_without_rendering()


def test_figure_of_small_changes_and_mixed_kinds():
    steps = (landing("a", 1e-7, None), landing("b", 1.1e-7, None, kind="expected"))
    figure = staircase_figure(Comparison((0.097, 0.44), POINT, steps), ANY)
    assert figure.axes[0].get_xscale() == "linear"
    assert figure.axes[0].get_xlabel().startswith("Limit on")
    figure.draw_without_rendering()
