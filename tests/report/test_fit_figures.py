import numpy as np
import pytest
from axes import MU

from hnlstat.bounds import chosen_bounds
from hnlstat.inference.fit.fit import FitResult, Impact, Parameter, sigma_level
from hnlstat.report.fit_figures import fit_figure, pulls_figure
from hnlstat.run.contours import LimitField, regions
from hnlstat.studies import load

BEST = FitResult(
    parameters=(
        Parameter("mass", 0.1, 0.01, 0.09, None),
        Parameter("coupling", 1e-6, 1e-7, 9e-7, 1.1e-6),
        Parameter("flux", 0.4, 0.9, None, None),
        Parameter("efficiency", -0.1, 1.0, None, None),
    ),
    impacts=(Impact("flux", -0.02, 0.03), Impact("efficiency", -0.2, 0.21)),
    expected=np.ones(2),
    nll=0.1,
    improvement=12.0,
    validity="ok",
)
LEVELS = (0.6827, 0.90, sigma_level(3.0))


@pytest.fixture(scope="module")
def figure():
    masses, couplings = np.geomspace(0.02, 0.5, 60), np.geomspace(1e-7, 1e-5, 60)
    x, y = np.log(masses / 0.1)[:, None], np.log(couplings / 1e-6)
    found = [
        region
        for i, level in enumerate(LEVELS)
        for region in regions(
            LimitField(level, "fit", "profile likelihood", masses, couplings, i + 0.3 - x**2 - y**2)
        )
    ]
    return fit_figure(
        found, BEST, axis=MU, title="ND280",
        mass_range=(0.02, 0.5), coupling_range=(1e-7, 1e-5),
    )  # fmt: skip


def test_each_level_has_one_entry_and_the_best_fit_a_star(figure):
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["68.27%", "90%", "3σ", "best fit"]
    (axes,) = figure.axes
    star = next(line for line in axes.get_lines() if line.get_marker() == "*")
    assert star.get_xdata()[0] == pytest.approx(100.0)
    assert star.get_ydata()[0] == pytest.approx(1e-6)
    figure.draw_without_rendering()


def test_contours_lie_where_the_likelihood_has_them(figure):
    line = figure.axes[0].get_lines()[0]
    mass, coupling = np.asarray(line.get_data(), dtype=float)
    radius = np.log(mass / 100.0) ** 2 + np.log(coupling / 1e-6) ** 2
    # between grid points the field is linear, which a parabola is not
    assert radius == pytest.approx(0.3, abs=0.01)


def test_pulls_are_sorted_by_impact():
    figure = pulls_figure(BEST)
    pulls, impacts = figure.axes
    assert [t.get_text() for t in pulls.get_yticklabels()] == ["flux", "efficiency"]
    widths = [bar.get_width() for bar in impacts.patches]
    assert widths == pytest.approx([-2.0, -20.0, 3.0, 21.0])
    figure.draw_without_rendering()


def test_regions_that_others_published_are_beside_ours_and_their_bounds_are_not():
    bounds = chosen_bounds(load().bounds, MU)
    figure = fit_figure(
        [], BEST, axis=MU, mass_range=(0.01, 1.2), coupling_range=(1e-7, 1e-4), bounds=bounds
    )
    (legend,) = figure.legends
    texts = [t.get_text() for t in legend.get_texts()]
    assert texts == ["best fit", "MiniBooNE angle 95%, 99.7%", "MiniBooNE energy 95%, 99.7%"]
    drawn = [line.get_xdata().max() for line in figure.axes[0].get_lines()]
    assert len(drawn) == 1 + 4  # the star, two curves of each
