import numpy as np
import pytest
from axes import MU

from hnlstat.report.kaon_figures import spectra_figure
from hnlstat.report.production_figures import (
    OTHER,
    close_view,
    colours,
    production_figure,
    spread,
    vertices_figure,
)
from hnlstat.simulation.production import Production

MATERIALS = ["rock", "ecal", "gas", "lead", "water", "iron", "brass", "own", "epoxy", "air"]


def make(mass=0.2, dataset="nd280"):
    """Ten materials, each with half the weight of the one before; half the N pass."""
    n = 2 * len(MATERIALS)
    rng = np.random.default_rng(1)
    vertex = rng.uniform([-1, -1, -200], [1, 1, 2], (n, 3))
    vertex[:6, 2] = np.linspace(-3, 3, 6)
    cos = np.tile([1.0, 0.5], n // 2)
    return Production(mass, 1e-6, 0.999, np.full(n, dataset), np.repeat(MATERIALS, 2), vertex,
                      np.ones(n), cos, np.repeat(0.5 ** np.arange(n // 2), 2), vertex)  # fmt: skip


def test_large_materials_have_a_colour_each_and_the_rest_is_other():
    palette = colours([make()])
    assert list(palette) == [*MATERIALS[:8], OTHER]
    assert len(set(palette.values())) == 9
    assert palette["rock"] == colours([make(), make(0.4)])["rock"]


def test_shares_fill_the_whole_and_acceptance_is_drawn():
    figure = production_figure(
        [make(0.1), make(0.2), make(0.4)], np.array([0.1, 0.2, 0.1]), axis=MU
    )
    upper, lower = figure.axes
    first, second = (line.get_ydata() for line in upper.get_lines())
    assert first.tolist() == [0.5] * 3
    assert second == pytest.approx([0.05, 0.1, 0.05])
    top = max(path.get_paths()[0].vertices[:, 1].max() for path in lower.collections)
    assert top == pytest.approx(1.0)
    assert [text.get_text() for text in lower.texts] == [*MATERIALS[:8], OTHER]


def test_labels_are_spread_within_the_frame():
    places = np.array([0.0, 0.001, 0.5, 0.98, 0.99, 1.0])
    moved = spread(places, 0.1)
    assert np.all(np.diff(moved) >= 0.1 - 1e-12)
    assert moved[2] == 0.5
    assert moved.min() >= 0.05
    assert moved.max() <= 0.95 + 1e-12
    assert spread(np.linspace(0, 1, 50), 0.1) == pytest.approx(np.arange(50) / 50 + 0.01)


def test_vertices_are_drawn_where_they_are(nd280):
    (dataset,) = nd280.datasets
    figure = vertices_figure(make(), dataset, axis=MU, rng=np.random.default_rng(1))
    side_far, side_near, top_far, _ = figure.axes
    passing = make().vertex[make().passes]
    for axes, up in ((side_far, 1), (top_far, 0)):
        drawn = np.asarray(axes.collections[0].get_offsets())
        distance = np.abs(drawn[:, None] - passing[:, [2, up]]).sum(axis=-1).min(axis=1)
        assert distance.max() == 0
    low, high = side_near.get_xlim()
    near = np.asarray(side_near.collections[0].get_offsets())[:, 0]
    assert np.all((near > low) & (near < high))
    assert side_near.get_ylim() == close_view(dataset.detector)[1]


def test_the_close_view_holds_the_magnet_and_not_the_rock(nd280):
    (start, end), (low, high) = close_view(nd280.datasets[0].detector)
    assert (start, end) == pytest.approx((-4.3, 4.3))
    assert (low, high) == pytest.approx((-3.55, 3.55))


def test_spectra_of_kaons_are_normalised_and_parents_are_told_where_there_are_several():
    rng = np.random.default_rng(3)

    def made(mass, parents):
        n, place = 4000, np.zeros((4000, 3))
        return Production(mass, 1e-9, 0.999, np.full(n, "nd280"), np.resize(parents, n), place,
                          rng.uniform(0, 1 / mass, n), np.ones(n), np.ones(n), place)  # fmt: skip

    both = [made(mass, ["K → e N", "K → μ N"]) for mass in np.linspace(0.2, 0.4, 8)]
    figure = spectra_figure(both, axis=MU)
    upper, lower = figure.axes
    drawn = [patch.get_data() for patch in upper.patches]
    whole = [float(one.values @ np.diff(one.edges)) for one in drawn]
    assert whole == pytest.approx([1.0] * 6, abs=0.01)
    assert [t.get_text() for t in upper.get_legend().get_texts()][::5] == ["200 MeV", "400 MeV"]
    assert [t.get_text() for t in lower.texts] == ["K → e N", "K → μ N"]
    assert len(spectra_figure([made(0.2, ["K → μ N"]), made(0.3, ["K → μ N"])], axis=MU).axes) == 1
