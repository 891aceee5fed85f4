"""Figures with names that mean something to matplotlib, and with nothing to show."""

import numpy as np
import pytest
from axes import MU

from hnlstat.bounds import Bound
from hnlstat.inference.coverage import CoveragePoint
from hnlstat.report.coverage_figure import coverage_figure
from hnlstat.report.figures import contour_figure
from hnlstat.report.plane_figures import yields_figure
from hnlstat.report.sweep_figure import Scenario, sweep_figure
from hnlstat.report.wording import level_text
from hnlstat.run.files.folder import figure_files

NAMES = ("a$b", r"a$\frac$b$", "_hidden", "50 % {x} \\n", "$", "", "a^b_c")
AXES = {"mass_range": (0.1, 0.2), "coupling_range": (1e-8, 1e-5)}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("error")
def test_names_are_shown_as_they_are(name):
    line = np.array([[0.1, 1e-6], [0.2, 1e-6]])
    bound = Bound(
        "x", name or "x", 0.9, "limit", "excluded", "mu", "none",
        mass=line[:, 0], coupling=line[:, 1], column=MU.column,
    )  # fmt: skip
    events = np.geomspace(1e-3, 1e3, 4).reshape(2, 2)
    figures = (
        contour_figure((), [bound], axis=MU, title=name, **AXES),
        yields_figure(*np.array([[0.1, 0.2], [1e-7, 1e-6]]), events, axis=MU, title=name),
        coverage_figure([CoveragePoint(1.0, 0.9, "drawn", 0.9, 0.01)], name),
        sweep_figure([Scenario((name,), (line,))], ["model.x"], (0.9, "observed"), axis=MU,
                     **AXES),
    )  # fmt: skip
    for figure in figures:
        assert figure_files(figure)["png"].startswith(b"\x89PNG")
    assert figures[2].axes[0].get_title().strip() == name.replace("$", r"\$")


def test_a_figure_of_nothing_has_its_title():
    figure = contour_figure((), (), axis=MU, title="nothing", **AXES)
    assert figure.get_suptitle() == "nothing"
    assert figure_files(figure)


@pytest.mark.parametrize(
    ("level", "text"),
    [(0.9, "90%"), (0.9999999, "5.2σ"), (1 - 1e-10, "6.36σ"), (0.9999997133484281, "5σ"),
     (0.01, "1%")],
)  # fmt: skip
def test_no_level_is_written_as_certainty(level, text):
    assert level_text(level) == text
