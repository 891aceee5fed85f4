"""Styles and units of figures."""

import math
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from axes import ANY, MU, U2
from matplotlib import font_manager
from scipy import constants

import hnlstat.config.report
from hnlstat.bounds import comparable, load_bounds
from hnlstat.config.base import validate
from hnlstat.config.report import EXPERIMENTS, STYLES, Report
from hnlstat.errors import ConfigError
from hnlstat.physics.constants import BOHR_MAGNETON_INV_GEV
from hnlstat.report.brazil_figure import BrazilCurves, brazil_figure
from hnlstat.report.figures import contour_figure
from hnlstat.report.look import Look
from hnlstat.run.contours import Region
from hnlstat.studies import load
from hnlstat.studies.saved import content_hash

OUTLINE = np.array([[0.05, 1e-6], [0.2, 1e-6], [0.2, 1e-5], [0.05, 1e-5], [0.05, 1e-6]])
REGION = Region(0.9, "observed", "exact CLs", OUTLINE, (), (OUTLINE,), *[False] * 4)


def test_the_bohr_magneton_is_that_in_a_field_of_a_tesla():
    """Of a field of 1 T the energy density B^2/(2 mu_0) is that of B^2/2 in natural units."""
    per_volume = (constants.hbar * constants.c / (1e9 * constants.e)) ** 3
    tesla = math.sqrt(1 / constants.mu_0 / (1e9 * constants.e) * per_volume)
    magneton = constants.value("Bohr magneton in eV/T") * 1e-9 / tesla
    assert pytest.approx(magneton, rel=1e-6) == BOHR_MAGNETON_INV_GEV


def test_a_dipole_coupling_is_half_a_magnetic_moment():
    # what data/bounds/coupling_inv_gev/charm_ii.csv has from its source
    assert 1 / Look(coupling_axis="mu_B").coupling(MU).factor == pytest.approx(148.15, abs=5e-3)
    moment = Look(coupling_axis="mu_tr").coupling(MU)
    assert (moment.factor, moment.unit) == (2.0, "GeV^-1")
    assert moment.symbol == r"\mu_{\mathrm{tr},\mu}"
    every = replace(ANY, symbol=r"d_{e}=d_{\mu}")
    names = Look(coupling_axis="mu_B").coupling(every).symbol
    assert names == r"\mu_{\mathrm{tr},e}=\mu_{\mathrm{tr},\mu}"


def test_units_change_axes_and_all_that_lies_on_them_alike():
    bounds = comparable(load_bounds(ANY), MU)
    drawn = [
        contour_figure([REGION], bounds, axis=MU, look=look).axes[0]
        for look in (Look(), Look(mass_axis="GeV", coupling_axis="mu_B"))
    ]
    factors = 1e-3, 2 / BOHR_MAGNETON_INV_GEV
    for usual, other in zip(*(axes.get_lines() for axes in drawn), strict=True):
        for before, after, factor in zip(usual.get_data(), other.get_data(), factors, strict=True):
            assert np.asarray(after, float) == pytest.approx(
                factor * np.asarray(before, float), nan_ok=True
            )
    for side, factor in zip(("xlim", "ylim"), factors, strict=True):
        ends = [getattr(axes, f"get_{side}")() for axes in drawn]
        assert ends[1] == pytest.approx(factor * np.array(ends[0]))
    assert drawn[1].get_xlabel().endswith("[GeV]")
    assert drawn[1].get_ylabel() == (
        r"Transition magnetic moment $\mu_{\mathrm{tr},\mu}$ [$\mu_\mathrm{B}$]"
    )


def test_the_curves_of_cls_move_with_their_axis():
    cls_ = np.linspace(1, 1e-4, 9)
    curves = BrazilCurves(0.1, np.geomspace(1e-7, 1e-5, 9), cls_, np.array([cls_] * 5))
    usual, other = (
        brazil_figure(curves, [0.9], axis=MU, look=look).axes[0]
        for look in (Look(), Look(mass_axis="GeV", coupling_axis="mu_tr"))
    )
    assert other.get_xlim() == pytest.approx(2 * np.array(usual.get_xlim()))
    assert usual.get_ylabel().endswith("100 MeV")
    assert other.get_ylabel().endswith("0.1 GeV")


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_in_fonts_that_come_with_matplotlib(style):
    if style in EXPERIMENTS:
        pytest.importorskip("mplhep")
    look = Look(style)
    with look.settings():
        found = font_manager.findfont(font_manager.FontProperties(), fallback_to_default=False)
        assert not mpl.rcParams["text.usetex"]
        assert mpl.rcParams["mathtext.fontset"] in ("stix", "dejavusans")
    assert Path(found).is_relative_to(mpl.get_data_path())
    figure = contour_figure([REGION], (), axis=MU, title="ND280", look=look)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert figure.bbox.containsx(legend.get_window_extent().x0)
    assert figure.bbox.containsx(legend.get_window_extent().x1)


def test_sizes_are_those_of_a_page_and_of_a_slide():
    page, slide = (
        contour_figure([REGION], axis=MU, look=Look(style)) for style in ("double_column", "slides")
    )
    assert page.get_size_inches()[0] == 7.0
    pixels = slide.get_size_inches() * slide.dpi
    assert pixels == pytest.approx([1920, 1080], abs=3)


def test_experiments_styles_have_their_ticks():
    pytest.importorskip("mplhep")
    with Look("CMS").settings():
        assert mpl.rcParams["xaxis.labellocation"] == "right"
        assert mpl.rcParams["xtick.minor.visible"]
        assert mpl.rcParams["xtick.major.size"] == pytest.approx(12 * 3.375 / 10)


def test_without_mplhep_it_is_one_line(monkeypatch):
    monkeypatch.setattr(hnlstat.config.report, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"^report\.style: CMS needs mplhep, which is not inst"):
        load(["report.style=CMS"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"style": "column_double"}, "style: column_double is none; did you mean column"),
        ({"mass_axis": "TeV"}, "mass_axis: TeV is none; did you mean"),
        ({"mass_axis": 1}, "mass_axis: 1 is none; choose from MeV, GeV"),
        ({"coupling_axis": ["d"]}, "coupling_axis: .'d'. is none"),
        ({"styl": "slides"}, "styl: unknown key; did you mean report.style"),
    ],
)
def test_looks_that_cannot_be_are_one_line(settings, words):
    with pytest.raises(ConfigError, match=rf"^report\.{words}"):
        validate(Report, settings, "report")


def test_a_mixing_has_no_magnetic_moment():
    with pytest.raises(ConfigError, match=r"mu_B is of a dipole coupling, not of \|U_mu\|\^2"):
        load(["report.coupling_axis=mu_B", "model=mixed_mu"])


def test_a_mixing_is_shown_as_it_is():
    shown = Look(mass_axis="GeV").coupling(U2)
    assert (shown.symbol, shown.unit, shown.factor) == (U2.symbol, "", 1.0)


def test_of_two_reports_the_first_counts_where_it_says_something():
    mine, theirs = (
        validate(Report, settings, "report")
        for settings in ({"style": "slides"}, {"style": "column", "mass_axis": "GeV"})
    )
    assert Look.of(mine.over(theirs)) == Look("slides", "GeV", "d")
    assert Look.of(Report()) == Look()


def test_the_look_changes_no_result(nd280):
    other = nd280.model_copy(update={"report": Report(style="slides")})
    assert content_hash(other) == content_hash(nd280)
