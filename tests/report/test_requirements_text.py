import numpy as np
import pytest
from axes import MU

from hnlstat.report.requirements_figure import PointMap, requirements_figure
from hnlstat.report.requirements_text import requirement_sentences


def row(point, uncertainty, **found):
    return {"point": point, "efficiency": 0.1, "signal": 1234.5, "uncertainty": uncertainty} | found


def document():
    nothing = {"exclusion_below": 0.0, "exclusion_open": False,
               "discovery_below": 0.0, "discovery_open": False}  # fmt: skip
    return {
        "level": 0.9, "sigma": 5.0, "final_states": ["photon"], "own_background": 653.2,
        "background_min": 0.1, "background_max": 1e4,
        "points": [
            {"name": name, "mass_gev": 0.031, MU.column: 4.9e-7, "decays": 12345.0,
             "own_signal": 65.8, "own_efficiency": 0.0454}
            for name in ("best", "worst")
        ],
        "required": [
            row("best", 0.0, exclusion_below=1e4, exclusion_open=True, discovery_below=12.34,
                discovery_open=False),
            row("worst", 0.0, **nothing), row("worst", 0.2, **nothing),
        ],
        "calculation": {"asked_up_to": (12.74, 79.1), "exclusion_difference": 0.05,
                        "discovery_difference": 0.11},
    }  # fmt: skip


def test_what_it_takes_in_words():
    first, best, _, worst, how = requirement_sentences(document(), MU)
    assert first == (
        "best (31 MeV, 4.9e-07 GeV⁻¹): 12,300 decays to photon in the fiducial volumes. Searches "
        "as they are select 4.54 %, 65.8 signal events, with 653 of background."
    )
    assert best == (
        "At an efficiency of 10 % (1,230 signal events) and 0 % uncertainty a 90% exclusion is "
        "possible over any background up to 10,000 events, a 5 sigma discovery takes fewer than "
        "12.3 background events."
    )
    assert "0 % or 20 % uncertainty a 90% exclusion takes more signal, even over 0.1" in worst
    assert "Above 12.7 to 79.1 (by uncertainty) background events, and above 7 sigma," in how
    assert "up to 0.05 (exclusion) and 0.11 (discovery) standard deviations off." in how


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"asked_up_to": (1e4, 1e4)}, "Above 7 sigma they come from a formula."),
        ({"asked_up_to": (0.0, 0.0)}, "They come from a formula for many events."),
        ({"asked_up_to": (10.0, 10.0), "discovery_difference": None}, "formula for many events."),
    ],
)
def test_how_it_was_calculated(found, text):
    content = document()
    content["calculation"] = content["calculation"] | found
    assert requirement_sentences(content, MU)[-1].endswith(text)


def test_each_point_has_a_panel_with_a_line_for_each_uncertainty_and_kind():
    efficiencies, backgrounds = np.geomspace(0.01, 1.0, 6), np.geomspace(0.1, 1e4, 5)
    known = 50.0 * efficiencies / np.sqrt(backgrounds[:, None])
    maps = np.stack([known, 0.5 * known])
    points = [
        PointMap("fit", 0.031, 4.9e-7, 1450.0, 0.05, maps, maps),
        PointMap("", 0.2, 1e-6, 0.5, 0.1, maps, 1e-3 * maps),  # never discovered
        PointMap("x$y", 0.2, 2e-6, 5.0, 0.1, maps, maps),
    ]
    figure = requirements_figure(
        points, efficiencies, backgrounds, (0.0, 0.2), level=0.9, sigma=5.0, own_background=0.58,
        axis=MU, title="ND280",
    )  # fmt: skip
    figure.draw_without_rendering()
    assert len(figure.axes) == len(points)
    for panel, lines in zip(figure.axes, (4, 2, 4), strict=True):
        assert len(panel.collections) == lines
        (star,) = [line for line in panel.get_lines() if line.get_marker() == "*"]
        assert star.get_ydata() == [0.58]
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels[3:] == ["background ± 0 %", "background ± 20 %"]
    assert [panel.get_title().partition(":")[0] for panel in figure.axes][::2] == ["fit", r"x\$y"]
