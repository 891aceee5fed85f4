import numpy as np
import pytest
from matplotlib.figure import Figure

from hnlstat.report.labels import Label, place_labels


def axes_of_a_level_curve():
    figure = Figure(figsize=(3, 3), dpi=300)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xscale="log", yscale="log", xlim=(10, 1000), ylim=(1e-8, 1e-4))
    figure.draw_without_rendering()
    return axes, Label("NOMAD", "black", np.array([10.0, 1000.0]), np.array([1e-6, 1e-6]))


def hatching(low, high):
    """Upright lines, nearer to each other than a label is long."""
    return [(np.array([m, m]), np.array([low, high])) for m in np.geomspace(10, 1000, 40)]


def test_a_label_keeps_off_minor_curves_where_it_can():
    axes, label = axes_of_a_level_curve()
    line = (label.mass, label.coupling)
    (text,) = place_labels(axes, [label], [line], hatching(1e-6, 1e-4), size=8)
    assert text.get_position()[1] < 1e-6
    assert not text.get_path_effects()


def test_a_label_that_covers_minor_curves_has_a_halo():
    axes, label = axes_of_a_level_curve()
    line = (label.mass, label.coupling)
    (text,) = place_labels(axes, [label], [line], hatching(1e-8, 1e-4), size=8)
    assert len(text.get_path_effects()) == 1


@pytest.mark.parametrize("low", [1e-8, 1e-7])
def test_a_label_without_room_is_left_out(low):
    axes, label = axes_of_a_level_curve()
    line = (label.mass, label.coupling)
    assert place_labels(axes, [label], [line, *hatching(low, 1e-4)], size=8) == []
    assert len(axes.texts) == 0
