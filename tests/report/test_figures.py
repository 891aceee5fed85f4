import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from axes import ANY, MU, U2, E
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from scipy.stats import norm

from hnlstat.bounds import Scaling, comparable, load_bounds
from hnlstat.report.figure_job import ContourFigureJob
from hnlstat.report.figures import BAND_1, VERMILION, contour_figure
from hnlstat.report.look import Look
from hnlstat.run.contours import Region
from hnlstat.run.files.folder import RunFolder
from hnlstat.run.store.packing import key

FIVE_SIGMA = 1 - norm.sf(5)


def make_region(level=0.90, kind="observed", method="exact CLs", scale=1.0, points=81):
    """An egg around 100 MeV and 1e-6 GeV^-1, `scale` times as large as the nominal one."""
    angle = np.linspace(-np.pi, np.pi, points)
    shape = np.column_stack([1.5 * np.cos(angle), 2.0 * np.sin(angle)])
    outline = np.array([0.1, 1e-6]) * np.exp(scale * shape)
    return Region(level, kind, method, outline, (), (outline,), *[False] * 4)


def all_regions():
    kinds = {"observed": 1.0, "expected": 0.95}
    kinds |= {f"expected_{n:+d}": 0.95 - 0.05 * n for n in (-2, -1, 1, 2)}
    return [
        *(make_region(0.90, kind, scale=scale) for kind, scale in kinds.items()),
        *(make_region(FIVE_SIGMA, kind, scale=0.5) for kind in ("observed", "expected")),
        make_region(FIVE_SIGMA, "observed", "exact CLs+b", scale=0.55),
        make_region(FIVE_SIGMA, "discovery", "exact p0", scale=0.6),
    ]


@pytest.fixture(scope="module")
def figure():
    bounds = comparable(load_bounds(ANY), MU)
    return contour_figure(all_regions(), bounds, axis=MU, title="ND280")


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_axes_are_logarithmic_and_named(figure):
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlabel().endswith("[MeV]")
    assert r"$d_{\mu}$" in axes.get_ylabel()
    assert axes.get_xlim() == pytest.approx((10.0, 1200.0))
    assert axes.get_ylim() == (1e-8, 1e-4)


def test_legend_names_what_is_drawn(figure):
    assert legend_texts(figure) == [
        "90% CL$_s$ observed",
        "90% CL$_s$ expected, ±1σ, ±2σ",
        "5σ CL$_s$ observed",
        "5σ discovery",
        "MiniBooNE angle 95%, 99.7%",
        "MiniBooNE energy 95%, 99.7%",
    ]
    assert figure.legends[0].get_title().get_text() == "ND280"


def test_likelihood_ratios_are_not_called_cls():
    regions = [make_region(level, "expected", "published LR") for level in (0.95, FIVE_SIGMA)]
    figure = contour_figure(regions, axis=MU)
    assert legend_texts(figure) == ["95% LR expected", "5σ LR expected"]


def test_lines_lie_where_the_limits_are(figure):
    (axes,) = figure.axes
    observed = next(line for line in axes.get_lines() if line.get_linewidth() == 1.3)
    mass, coupling = np.asarray(observed.get_data(), dtype=float)
    assert np.nanmin(coupling) == pytest.approx(1e-6 * np.exp(-2.0), rel=5e-3)
    assert np.nanmax(mass) == pytest.approx(100 * np.exp(1.5))
    red = [line for line in axes.get_lines() if to_hex(line.get_color()).upper() == VERMILION]
    assert len(red) == 2  # exclusion by CLs and discovery, not CLs+b


@pytest.mark.parametrize("title", ["", "nd280: Dirac N"])
@pytest.mark.parametrize("bounds", [[], comparable(load_bounds(ANY), E)])
def test_nothing_to_name_but_a_title(title, bounds):
    figure = contour_figure([], bounds, axis=E, title=title)
    FigureCanvasAgg(figure).draw()
    assert figure.legends == []
    assert figure.get_suptitle() == title


def test_bands_and_shade_are_filled(figure):
    (axes,) = figure.axes
    assert len(axes.patches) >= 3 + 6 + 3  # band, band, shade; excluded bounds; allowed regions


def test_labels_cover_neither_each_other_nor_the_limits(figure):
    (axes,) = figure.axes
    assert {"NOMAD", "MINERvA", "CHARM-II", "LSND"} <= {t.get_text() for t in axes.texts}
    corners = {}
    for text in axes.texts:
        angle = text.get_rotation()
        text.set_rotation(0)
        box = text.get_window_extent()
        text.set_rotation(angle)
        corners[text.get_text()] = (axes.transData.transform(text.get_position()), box.size, angle)
    for name, (middle, size, angle) in corners.items():
        turn = np.exp(-1j * np.radians(angle))
        observed = next(line for line in axes.get_lines() if line.get_linewidth() == 1.3)
        points = [axes.transData.transform(np.asarray(observed.get_data(), float).T)]
        points += [other[0][None] for key, other in corners.items() if key != name]
        local = ((np.vstack(points) - middle) @ [1, 1j]) * turn
        covered = (np.abs(local.real) < size[0] / 2) & (np.abs(local.imag) < size[1] / 2)
        assert not covered.any(), name


def test_image_is_not_blank(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3]
    assert image.shape[0] > 900  # 3.6 inches at 300 dpi
    assert 0.05 < np.mean(np.any(image < 250, axis=-1)) < 0.9
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 50


def test_pdf_holds_truetype_fonts_and_no_bitmap(figure, tmp_path):
    run = RunFolder.create(tmp_path, "nd280", "0" * 8)
    png, pdf = run.write_figure("contours", figure)
    assert png.read_bytes().startswith(b"\x89PNG")
    content = pdf.read_bytes()
    assert b"/Subtype /Type3" not in content
    assert b"/FontFile2" in content
    assert b"/Subtype /Image" not in content


def test_only_limits_have_lines_not_edges_of_the_grid():
    region = make_region()
    cut = dataclasses.replace(region, lines=(region.outline[:20], region.outline[30:40]))
    (axes,) = contour_figure([cut], axis=MU).axes
    (line,) = axes.get_lines()
    mass = np.asarray(line.get_xdata(), dtype=float)
    assert np.isfinite(mass).sum() == 30
    np.testing.assert_allclose(mass[np.isfinite(mass)][:20], 1e3 * region.outline[:20, 0])


def test_holes_and_what_nested_regions_share_are_not_filled():
    hole = make_region(scale=0.3).outline[::-1]
    outer = dataclasses.replace(make_region(kind="expected_-1"), holes=(hole,), lines=())
    inner = make_region(kind="expected_+1", scale=0.6)
    inner = dataclasses.replace(inner, holes=(hole,), lines=())
    figure = contour_figure([outer, inner], axis=MU)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[::-1, :, :3]
    (axes,) = figure.axes

    def color(distance):
        """Colour at this fraction of the egg's height above its middle."""
        x, y = axes.transData.transform((100.0, 1e-6 * np.exp(2.0 * distance))).astype(int)
        return to_hex(image[y, x] / 255).upper()

    assert [color(d) for d in (0.1, 0.45, 0.8, 1.2)] == ["#FFFFFF", "#FFFFFF", BAND_1, "#FFFFFF"]


def test_projections_have_no_observed_line():
    regions = [region for region in all_regions() if region.kind != "observed"]
    figure = contour_figure(regions, axis=MU)
    assert legend_texts(figure) == [
        "90% CL$_s$ expected, ±1σ, ±2σ",
        "5σ CL$_s$ expected",
        "5σ discovery",
    ]


def test_nothing_excluded_still_gives_axes():
    (axes,) = contour_figure([], axis=MU).axes
    assert axes.get_xlim() == pytest.approx((10.0, 1200.0))
    figure = contour_figure([], axis=MU, mass_range=(0.05, 3.0), coupling_range=(1e-9, 1))
    assert figure.axes[0].get_xlim() == pytest.approx((50.0, 3000.0))
    assert figure.axes[0].get_ylim() == (1e-9, 1.0)


def test_legend_and_a_long_title_stay_within_the_figure():
    title = "nd280_upgrade (t2k_upgrade_3yr), nd280 (t2k_2023): Dirac N"
    bounds = comparable(load_bounds(ANY), MU)
    figure = contour_figure(all_regions(), bounds, axis=MU, title=title)
    FigureCanvasAgg(figure).draw()
    box, frame = figure.legends[0].get_window_extent(), figure.bbox
    assert frame.x0 <= box.x0 < box.x1 <= frame.x1
    assert box.y1 <= frame.y1


def test_curves_with_a_look_of_their_own_or_rescaled_are_in_the_legend():
    bounds = {bound.name: bound for bound in load_bounds(ANY)}
    coloured = dataclasses.replace(bounds["sbnd"], label="Coloured", color="green", line="dashed")
    scaled = dataclasses.replace(bounds["minerva"], scaling=Scaling("gaussian", 2.0, "x")).at_level(
        0.90
    )
    figure = contour_figure([], [coloured, scaled, bounds["nomad"]], axis=MU)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["Coloured", "MINERvA → 90%"]
    (line,) = [line for line in figure.axes[0].get_lines() if line.get_color() == "green"]
    assert line.get_linestyle() == "--"
    np.testing.assert_allclose(line.get_ydata(), bounds["sbnd"].coupling)


def figure_job(**changes):
    job = ContourFigureJob(
        tuple(all_regions()), comparable(load_bounds(ANY), MU), MU, "ND280",
        (0.01, 1.2), (1e-8, 1e-4),
    )  # fmt: skip
    return dataclasses.replace(job, **changes)


def test_the_figure_of_a_run_is_the_same_whatever_a_matplotlibrc_says():
    ours = {suffix: file.tobytes() for suffix, file in figure_job().run().items()}
    theirs = {"axes.grid": True, "figure.dpi": 50, "savefig.transparent": True, "font.size": 30}
    with mpl.rc_context({**theirs, "pdf.compression": 0}):
        assert {suffix: file.tobytes() for suffix, file in figure_job().run().items()} == ours
    assert ours["png"].startswith(b"\x89PNG")
    assert ours["pdf"].startswith(b"%PDF")


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "ND280 upgrade"},
        {"regions": (make_region(scale=1.01),)},
        {"bounds": ()},
        {"mass_range": (0.01, 1.0)},
        {"drawn_with": "matplotlib 3.0"},
        {"look": Look("slides")},
    ],
)
def test_a_figure_in_the_store_is_of_what_it_shows_and_what_draws_it(changes):
    kept = key(ContourFigureJob.run, figure_job())
    assert key(ContourFigureJob.run, figure_job()) == kept
    assert key(ContourFigureJob.run, figure_job(**changes)) != kept


def filled(bounds, axis):
    figure = contour_figure([], bounds, axis=axis, mass_range=(0.001, 2), coupling_range=(1e-12, 1))
    return [patch.get_path().get_extents() for patch in figure.axes[0].patches]


def test_what_a_bound_from_below_excludes_is_filled_down():
    bounds = {bound.name: bound for bound in load_bounds(U2)}
    axis = dataclasses.replace(U2, flavour="e")
    (below,) = filled([bounds["bbn_e"]], axis)
    assert below.y0 < 1e-12
    assert below.y1 == pytest.approx(bounds["bbn_e"].coupling.max())
    (above,) = filled([bounds["na62_2020_e"]], axis)
    assert above.y0 == pytest.approx(bounds["na62_2020_e"].coupling.min())
    assert above.y1 > 1
    # indicative ones are lines only
    assert filled([bounds["ps191_e"]], axis) == []
