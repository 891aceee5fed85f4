from hnlstat.inference.coverage import CoveragePoint
from hnlstat.report.coverage_figure import coverage_figure


def test_each_level_and_treatment_has_a_line_and_the_level_itself_one():
    points = [
        CoveragePoint(signal, level, nuisances, 0.97, 0.001)
        for signal in (0.0, 1.0, 2.0)
        for level in (0.90, 0.95)
        for nuisances in ("drawn", "nominal", -2.0)
    ]
    figure = coverage_figure(points, "limits by the exact calculation")
    (axes,) = figure.axes
    (legend,) = figure.legends
    how_drawn = ("drawn", "nominal", "signal -2 sigma")
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == [f"{level} % CL, {how}" for level in (90, 95) for how in how_drawn]
    low, high = axes.get_ylim()
    assert low < 0.90 < 0.97 < high
    figure.draw_without_rendering()
