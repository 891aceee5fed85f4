import numpy as np
import pytest
from axes import MU
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hnlstat.report.plane_figures import decay_length_figure, edges, yields_figure
from hnlstat.run.contours import Region

MASSES, COUPLINGS = np.geomspace(0.01, 1.2, 24), np.geomspace(1e-8, 1e-4, 31)


def power_law(scale=1e12):
    """Events that go as coupling squared, 1 event at 1e-6 GeV^-1 whatever the mass."""
    return np.repeat(scale * COUPLINGS[None] ** 2, MASSES.size, axis=0)


def limit():
    line = np.column_stack([[0.02, 0.5], [3e-6, 3e-6]])
    outline = np.vstack([line, [[0.5, 1e-4], [0.02, 1e-4], line[0]]])
    return [Region(0.9, "observed", "exact CLs", outline, (), (line,), *[True] * 4)]


def labels(figure):
    return {text.get_text(): text for text in figure.axes[0].texts}


def test_cells_meet_halfway_in_the_logarithm_and_end_with_the_grid():
    assert edges(np.array([1.0, 100.0, 10000.0])) == pytest.approx([1, 10, 1000, 10000])


def test_lines_lie_at_their_numbers_of_events():
    figure = yields_figure(MASSES, COUPLINGS, power_law(), limit(), axis=MU)
    (contours,) = [c for c in figure.axes[0].collections if hasattr(c, "levels")]
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        assert path.vertices[:, 1] == pytest.approx(1e-6 * level**0.5, rel=0.02)


def test_every_line_is_named_and_no_label_covers_a_curve():
    figure = yields_figure(MASSES, COUPLINGS, power_law(), limit(), axis=MU)
    axes, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
    assert set(labels(figure)) == {"1", "10", "100"}
    curves = [np.log10(axes.get_lines()[0].get_ydata()[1:])]
    curves += [np.array([np.log10(1e-6 * n**0.5)]) for n in (1, 10, 100)]
    for text in labels(figure).values():
        box = text.get_window_extent(renderer)
        (_, low), (_, high) = axes.transData.inverted().transform(box)
        assert not any(np.any((c > np.log10(low)) & (c < np.log10(high))) for c in curves)
    assert figure.legends[0].get_texts()[0].get_text() == "90% CL$_s$ observed"


def test_lengths_are_named_in_units_that_suit_them():
    length = 1e-14 / (MASSES[:, None] ** 2 * COUPLINGS**2)
    figure = decay_length_figure(MASSES, COUPLINGS, length, axis=MU, title="ND280")
    assert {"1 cm", "1 m", "100 m", "10 km"} <= set(labels(figure))
    assert figure.legends[0].get_title().get_text() == "ND280"


def test_a_plane_without_a_limit_or_a_title_needs_no_legend():
    figure = yields_figure(MASSES, COUPLINGS, power_law(0.0), axis=MU)
    assert not figure.legends
