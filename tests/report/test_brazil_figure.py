import numpy as np
import pytest
from axes import MU

from hnlstat.errors import DataError
from hnlstat.report.brazil_figure import BrazilCurves, brazil_figure
from hnlstat.run.files.point_reader import PointTable

COUPLINGS = np.geomspace(1e-8, 1e-4, 41)


def points(observed=True, tested=slice(None)):
    """CLs = exp(-(d / 1e-6)^2) at two masses, times as much in the bands."""
    signal = (COUPLINGS / 1e-6) ** 2
    cls = np.full((2, 41, 6), np.nan)
    cls[:, tested] = np.exp(-signal[tested, None] * [1, 4, 2, 1, 0.5, 0.25])
    if not observed:
        cls[..., 0] = np.nan
    text = np.full((2, 41), "ok")
    return PointTable(np.array([0.1, 0.2]), COUPLINGS, (), np.empty((2, 41, 0)), cls[..., 0],
                      cls[..., 1:], np.zeros((2, 41)), text, text)  # fmt: skip


def test_between_the_points_a_power_law_is_met():
    curves = BrazilCurves.of(points(), 1)
    inside = (curves.coupling > 1e-7) & (curves.coupling < 5e-6)
    exact = np.exp(-((curves.coupling[inside] / 1e-6) ** 2))
    assert curves.mass == 0.2
    assert curves.observed[inside] == pytest.approx(exact, rel=1e-6)
    assert curves.expected[0][inside] == pytest.approx(exact**4, rel=1e-6)


@pytest.mark.parametrize("beyond", [False, True])
def test_steps_lie_halfway_between_points_and_curves_go_on_to_them(beyond):
    """Of few counts quantiles jump from 1; beside the step the power law holds, at all places."""
    found, i = points(), 20
    one = slice(i + 1, None) if beyond else slice(None, i + 1)
    found.cls_expected[0, one, 3] = 1.0
    curves, middle = BrazilCurves.of(found, 0), np.sqrt(COUPLINGS[i] * COUPLINGS[i + 1])
    flat = (curves.coupling > middle) == beyond
    assert curves.expected[3][flat] == pytest.approx(1.0, rel=1e-6)
    near = ~flat & (curves.coupling > 1e-7) & (curves.coupling < 1e-5)
    exact = np.exp(-0.5 * (curves.coupling[near] / 1e-6) ** 2)
    assert curves.expected[3][near] == pytest.approx(exact, rel=1e-6)


def test_points_without_a_test_are_passed_over():
    curves = BrazilCurves.of(points(tested=slice(5, 30)), 0)
    assert curves.coupling[[0, -1]] == pytest.approx(COUPLINGS[[5, 29]])
    with pytest.raises(DataError, match=r"points.csv: has no tests at mass_gev = 0.1"):
        BrazilCurves.of(points(tested=slice(0, 1)), 0)


def test_the_figure_shows_where_the_levels_are_passed():
    figure = brazil_figure(BrazilCurves.of(points(), 0), [0.9, 0.95, 0.9999997], axis=MU)
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.texts] == ["90% CL", "95% CL"]
    observed = next(line for line in axes.get_lines() if line.get_linewidth() == 1.3)
    coupling, cls = observed.get_data()
    crossing = np.interp(-0.1, -cls, coupling)
    assert crossing == pytest.approx(1e-6 * np.log(10) ** 0.5, rel=1e-3)
    low, high = axes.get_xlim()
    assert low < crossing / 3
    assert low > 1e-8
    assert high < 1e-4


def test_a_projection_has_only_what_is_expected():
    curves = BrazilCurves.of(points(observed=False), 0)
    assert curves.observed is None
    figure = brazil_figure(curves, [0.9], axis=MU)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["expected without signal, ±1σ, ±2σ"]
