"""The figure and the words of task=explained."""

import json

import numpy as np
import pytest
from axes import MU

from hnlstat.bounds import Bound
from hnlstat.report.explained_figure import explained_figure, probes_document, read_probes
from hnlstat.report.explained_text import screen_table, sentences
from hnlstat.run.contours import LimitField, regions
from hnlstat.run.explaining import Probe

MASSES, COUPLINGS = np.geomspace(0.02, 0.5, 60), np.geomspace(1e-7, 1e-5, 60)
X, Y = np.log(MASSES / 0.1)[:, None], np.log(COUPLINGS / 1e-6)


def preferred():
    above = 8 * (X**2 + Y**2)
    return [
        region
        for level, end in ((0.6827, 2.3), (0.95, 6.0))
        for region in regions(LimitField(level, "fit", "ln L", MASSES, COUPLINGS, end - above))
    ]


def probe(name, strengths):
    fields = tuple(
        LimitField(level, kind, "exact", MASSES, COUPLINGS, np.broadcast_to(s, (60, 60)))
        for (level, kind), s in strengths.items()
    )
    return Probe(name, name.title(), name, None, fields, 1.0, 1.0)


def test_the_figure_names_every_region_test_and_line():
    probes = [
        probe(
            "near",
            {(0.9, "observed"): Y, (1 - 2.87e-7, "observed"): Y, (1 - 2.87e-7, "discovery"): Y - 1},
        ),
        probe("far", {(0.9, "expected"): Y - 9}),
    ]
    bounds = [
        Bound(status, status, 0.9, "limit", status, "mu", "", MASSES, 0 * MASSES + 4e-6, MU.column)
        for status in ("excluded", "projected", "allowed")
    ]
    tests = read_probes(json.loads(json.dumps(probes_document(probes))), "explained.json")
    figure = explained_figure(
        preferred(), (0.1, 1e-6), tests, bounds, axis=MU, mass_range=(0.02, 0.5),
        coupling_range=(1e-7, 1e-5), title="A study",
    )  # fmt: skip
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "preferred, 68.27%", "preferred, 95%", "best fit", "Near, 90% observed",
        "Near, 5σ discovery", "Far, 90% expected",
    ]  # fmt: skip
    (axes,) = figure.axes
    figure.draw_without_rendering()
    assert {text.get_text() for text in axes.texts} == {"excluded"}
    lines = [np.asarray(line.get_data(), dtype=float) for line in axes.get_lines()]
    assert lines[1][1][1:-1] == pytest.approx(1e-6)  # the exclusion of the first, after the star
    assert lines[2][1][1:-1] == pytest.approx(1e-6 * np.e, rel=1e-2)


def share(test, kind, area, level=0.9, region=0.95, **changes):
    entry = {
        "test": test, "label": test.title(), "kind": kind, "level": level, "region": region,
        "area": area, "likelihood": area, "best_fit": area > 0.5, "whole": [], "part": [],
        "apart": None, "apart_at": None,
    }  # fmt: skip
    return entry | changes


def document(shares, regions=(0.95,)):
    names = dict.fromkeys(entry["test"] for entry in shares if entry["kind"] != "published")
    tests = [
        {"name": name, "label": name.title(), "data": name, "kind": "expected",
         "signal_at_best_fit": 0.01234, "background": 2.0, "assumed": ["search a: efficiency"]}
        for name in names
    ]  # fmt: skip
    return {
        "best_fit": {"mass_gev": 0.0679, MU.column: 2.61e-7}, "improvement": 23.56,
        "goodness": {"chi2": 11.2, "bins": 22}, "regions": list(regions), "tests": tests,
        "shares": shares,
    }  # fmt: skip


def test_words_say_which_part_of_the_region_is_tested():
    shares = [
        share("near", "expected", 0.42, whole=[[0.01, 0.02]], part=[[0.02, 0.05]]),
        share("near", "discovery", 1.0, whole=[[0.01, 0.6]]),
        share("far", "expected", 0.0, apart=3.21, apart_at=0.07),
    ]
    first, near, far = sentences(document(shares), MU)
    assert first == (
        "Best fit: N of 67.9 MeV with a coupling of 2.61 × 10⁻⁷ GeV⁻¹, better than no signal by "
        "-2 Δ ln L = 23.6 (chi2 11.2 for 22 bins)."
    )
    assert (
        "excludes at 90% 42% of the 95% region (all at 10 – 20 MeV, part at 20 – 50 MeV);" in near
    )
    assert "would discover at 90% all of the 95% region" in near
    assert "0.0123 signal events on a background of 2." in near
    assert near.endswith("Without a source (1): search a: efficiency.")
    assert far.startswith(
        "Far (expected): tests nothing of the 95% region at 90%: the couplings that it reaches at "
        "90% lie above it by a factor 3.21 (at 70 MeV) or more. At the best fit"
    )


def test_many_ranges_are_counted():
    ends = [[0.01 * n, 0.01 * n + 0.001] for n in (1, 2, 3, 4)]
    (_, found) = sentences(document([share("near", "expected", 0.1, part=ends)]), MU)
    assert "part at places within 10 – 41 MeV" in found


def test_bounds_are_named_with_their_shares_and_those_without_any():
    shares = [
        share("weak", "published", 0.0),
        share("good", "published", 0.25, level=0.95),
        share("better", "published", 0.5),
        share("together", "published", 0.6, level=None, part=[[0.01, 0.2]]),
    ]
    assert sentences(document(shares), MU)[1] == (
        "Published bounds together exclude 60% of the 95% region (part at 10 – 200 MeV), each at "
        "its own level: Better (90%) 50%; Good (95%) 25%; no part: Weak."
    )


def test_without_a_region_the_words_say_so():
    assert sentences(document([], regions=()), MU)[1:] == [
        "The data prefer no region to no signal: there is nothing to test."
    ]


def test_the_table_has_a_row_for_each_test_and_a_column_for_each_region():
    shares = [share("near", "expected", area, region=r) for area, r in ((0.4, 0.68), (0.6, 0.95))]
    table = screen_table(document(shares, regions=(0.68, 0.95)), MU)
    assert [c.header for c in table.columns] == ["test", "", "68%", "95%", "best fit"]
    cells = [next(iter(column.cells)) for column in table.columns]
    assert cells == ["Near", "90% expected", "40%", "60%", "no"]
