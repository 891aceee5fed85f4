import numpy as np
from axes import ANY, MU
from matplotlib.colors import to_rgb

from hnlstat.report.sweep_figure import Scenario, sweep_figure

LINE = np.array([[0.01, 1e-6], [0.1, 1e-7], [1.0, 1e-6]])
RANGES = {"mass_range": (0.01, 1.0), "coupling_range": (1e-8, 1e-4)}


def figure(number):
    scenarios = [
        Scenario((f"detector_{i // 4}", f"{i % 4} g/cm3"), (LINE * [1, 1 + i],))
        for i in range(number)
    ]
    keys = ("detector", "detector.volumes.rock.density")
    return sweep_figure(scenarios, keys, (0.9, "expected"), axis=MU, **RANGES)


def test_every_scenario_has_a_line_and_a_look_of_its_own():
    for number in (1, 5, 8, 24):
        drawn = figure(number)
        lines = drawn.axes[0].get_lines()
        assert len({(str(line.get_color()), str(line._dash_pattern)) for line in lines}) == number
        texts = [text.get_text() for text in drawn.legends[0].get_texts()]
        assert texts[0] == "detector_0, 0 g/cm3"
        assert len(texts) == number
        np.testing.assert_allclose(np.nanmin(lines[-1].get_ydata()), 1e-7 * number)
        np.testing.assert_allclose(np.nanmin(lines[-1].get_xdata()), 10.0)


def test_of_many_the_first_choice_is_the_colour_and_the_second_the_line():
    lines = figure(24).axes[0].get_lines()
    for i, line in enumerate(lines):
        assert (line.get_color() == lines[0].get_color()) == (i < 4)
        assert (line._dash_pattern == lines[0]._dash_pattern) == (i % 4 == 0)


def test_a_scenario_that_excludes_nothing_stays_in_the_legend():
    drawn = sweep_figure([Scenario(("a",), ())], ["model"], (0.9, "observed"), axis=ANY, **RANGES)
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["a"]


def test_many_numbers_get_shades_from_dark_to_light():
    scenarios = [Scenario((f"{i}.5 g/cm3",), (LINE,)) for i in range(9)]
    drawn = sweep_figure(scenarios, ["rock.density"], (0.9, "observed"), axis=ANY, **RANGES)
    lines = drawn.axes[0].get_lines()
    brightness = [np.dot(to_rgb(line.get_color()), (0.2, 0.7, 0.1)) for line in lines]
    assert np.all(np.diff(brightness) > 0)
    assert drawn.legends[0].get_title().get_text() == "90% CL observed\nby density"
