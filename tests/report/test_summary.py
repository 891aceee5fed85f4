import dataclasses
import io
import json

import numpy as np
import pytest
from axes import ANY, MU
from rich.console import Console
from scipy.stats import norm

from hnlstat.bounds import LeadingRange, load_bounds, lower_envelope
from hnlstat.report.summary import lower_edge, summarise
from hnlstat.report.summary_text import render, sentences
from hnlstat.run.contours import Region

FIVE_SIGMA = float(norm.cdf(5))


def make_region(level=0.90, kind="observed", method="exact CLs", centre=3e-6, width=1.5, mass=0.3):
    """An egg of this half-width in ln(mass), and a half-height of 3 in ln(coupling)."""
    angle = np.linspace(-np.pi, np.pi, 81)
    shape = np.column_stack([width * np.cos(angle), 3.0 * np.sin(angle)])
    outline = np.array([mass, centre]) * np.exp(shape)
    return Region(level, kind, method, outline, (), (outline,), *[False] * 4)


def all_regions():
    return [
        make_region(FIVE_SIGMA, "discovery", "exact p0", centre=6e-6),
        make_region(0.90, "expected", centre=3.1e-6),
        make_region(0.90, "expected_+1", centre=3.5e-6),
        make_region(0.90, "observed"),
        make_region(FIVE_SIGMA, "observed", "exact CLs", centre=7e-6),
    ]


@pytest.fixture(scope="module")
def bounds():
    return load_bounds(ANY)


def on_screen(summary, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(render(summary, ["contours.pdf", "limits.csv"]))
    return console.file.getvalue()


def test_reach_is_the_strongest_point_and_the_tips(bounds):
    summary = summarise(all_regions(), bounds, axis=MU, title="nd280")
    observed = summary.reaches[0]
    assert observed.text == "90% CLs observed"
    assert observed.mass == pytest.approx(0.3)
    assert observed.coupling == pytest.approx(3e-6 * np.exp(-3))
    np.testing.assert_allclose(
        [observed.mass_low, observed.mass_high], 0.3 * np.exp([-1.5, 1.5]), rtol=1e-12
    )
    texts = [reach.text for reach in summary.reaches]
    assert texts[1:3] == ["90% CLs expected", "90% CLs expected_+1"]
    assert texts[3:] == ["5σ CLs observed", "5σ discovery"]


def test_leading_ranges_lie_below_the_bounds(bounds):
    summary = summarise(all_regions(), bounds, axis=MU, title="nd280")
    assert summary.compared == "90% CLs observed"
    for found in summary.leading:
        inside = np.geomspace(found.mass_low * 1.001, found.mass_high * 0.999, 20)
        assert np.all(lower_edge([make_region()], inside) < lower_envelope(bounds, inside))
    assert summary.leading[-1].high_set_by == "NOMAD"


def test_what_is_so_beside_cls_is_said_there_alone(bounds):
    known = [dataclasses.replace(b, note_by_cls="weaker by CLs") if b.note else b for b in bounds]
    for method, said in (("exact CLs", True), ("bayesian credible(d_mu^2)", False)):
        regions = [dataclasses.replace(one, method=method) for one in all_regions()]
        remarks = " ".join(summarise(regions, known, axis=MU, title="t").remarks)
        assert "NOMAD ends a range: public versions" in remarks
        assert ("weaker by CLs" in remarks) is said


def test_a_bound_that_ends_a_range_brings_its_note(bounds):
    remark = (
        "NOMAD ends a range: public versions of this bound differ by sqrt 2 and by 2 in the "
        "coupling; this is the strongest, that of arXiv:1803.03262 has twice the coupling"
    )
    summary = summarise(all_regions(), bounds, axis=MU, title="t", remarks=["other"])
    assert summary.remarks == (remark, "other")
    assert "NOMAD ends a range" in on_screen(summary)
    weak = [make_region(centre=1e-3)]
    assert summarise(weak, bounds, axis=MU, title="t").remarks == ()


def test_without_data_the_expected_limit_is_compared(bounds):
    regions = [region for region in all_regions() if region.kind != "observed"]
    summary = summarise(regions, bounds, axis=MU, title="upgrade")
    assert summary.compared == "90% CLs expected"


def test_other_couplings_are_not_compared(bounds):
    several = dataclasses.replace(ANY, name="d_e = d_mu = d_tau")
    summary = summarise(all_regions(), bounds, axis=several, title="nd280")
    assert summary.compared is None
    assert summary.leading == ()
    text = on_screen(summary)
    assert "no existing bounds on d_e = d_mu = d_tau" in text
    assert "2412.15051" not in text


def test_screen_tells_ranges_bounds_publication_and_files(bounds):
    remarks = [f"mass {n}: no limits" for n in range(9)]
    text = on_screen(summarise(all_regions(), bounds, axis=MU, title="t", remarks=remarks))
    flat = " ".join(text.split())
    assert len(text.splitlines()) <= 24
    assert "90% CLs observed 1.49e-07 GeV⁻¹ 300 MeV 66.9 – 1345 MeV" in flat
    assert "expected_+1" not in flat
    assert "Excluded by 90% CLs observed / 5σ CLs observed, by area" in flat
    assert "NOMAD above" in flat
    assert "390 – 743 MeV (ND280 to 2019)" in flat
    assert "148 – 860 MeV (ND280 to 2023 and three years of the upgrade)" in flat
    assert "differ by method" in flat
    assert "and 6 more notes in run.log" in flat
    assert flat.endswith("Files: contours.pdf, limits.csv")


def test_shares_are_kept_for_all_limits_but_bands(bounds):
    summary = summarise(all_regions(), bounds, axis=MU, title="t")
    assert {share.limit for share in summary.shares} == {
        "90% CLs observed", "90% CLs expected", "5σ CLs observed", "5σ discovery",
    }  # fmt: skip
    document = json.loads(json.dumps(summary.document(), allow_nan=False))
    mine = [s for s in document["shares"] if s["region"] == "MiniBooNE energy 95%"]
    weaker = ["90% CLs observed", "90% CLs expected", "5σ discovery", "5σ CLs observed"]
    assert [s["limit"] for s in sorted(mine, key=lambda s: -s["fraction"])] == weaker


def test_a_weak_limit_leads_nowhere(bounds):
    weak = [make_region(centre=1e-3)]
    text = on_screen(summarise(weak, bounds, axis=MU, title="t"))
    assert "nowhere, a bound is stronger at every mass" in " ".join(text.split())


def test_nothing_excluded_is_said(bounds):
    summary = summarise([], bounds, axis=MU, title="t")
    assert summary.compared is None
    assert "Nothing is excluded" in on_screen(summary)


def test_document_is_json_of_the_same_content(bounds):
    summary = summarise(all_regions(), bounds, axis=MU, title="nd280")
    document = json.loads(json.dumps(summary.document(), allow_nan=False))
    assert document["reaches"][0]["kind"] == "observed"
    assert document["leading"][-1]["high_set_by"] == "NOMAD"
    assert document["published"][0]["mass_high"] == 0.743


def test_lower_edge_is_that_of_the_lowest_region():
    low, high = make_region(mass=0.02, width=0.3), make_region(mass=0.3, width=0.3)
    above = make_region(mass=0.3, width=1.0, centre=3e-4)
    edge = lower_edge([low, above, high], np.array([0.01, 0.02, 0.05, 0.2, 0.3, 0.6]))
    # the outline is a polygon of 80 sides: chords are off by up to 1e-3 of its height
    x = np.log(0.2 / 0.3)
    np.testing.assert_allclose(
        edge,
        [
            np.nan, 3e-6 * np.exp(-3.0), np.nan, 3e-4 * np.exp(-3.0 * np.sqrt(1 - x**2)),
            3e-6 * np.exp(-3.0), 3e-4 * np.exp(-3.0 * np.sqrt(1 - np.log(2) ** 2)),
        ],
        rtol=5e-3,
    )  # fmt: skip


def test_separate_regions_lead_separately(bounds):
    islands = [make_region(mass=m, width=0.1, centre=5e-7) for m in (0.4, 0.6)]
    summary = summarise(islands, bounds, axis=MU, title="t")
    ends = [(found.mass_low, found.mass_high) for found in summary.leading]
    np.testing.assert_allclose(ends, np.outer([0.4, 0.6], np.exp([-0.1, 0.1])), rtol=1e-9)


def test_a_coupling_at_the_edge_of_the_grid_is_marked(bounds):
    open_below = dataclasses.replace(make_region(), coupling_low_open=True)
    text = on_screen(summarise([open_below], bounds, axis=MU, title="t"))
    assert "≤ 1.49e-07 GeV⁻¹" in text


def test_masses_reached_at_the_largest_coupling_are_no_end(bounds):
    outline = np.array([[0.1, 1e-6], [0.2, 1e-5], [0.7, 1e-4], [0.05, 1e-4], [0.1, 1e-6]])
    wedge = dataclasses.replace(make_region(), outline=outline, coupling_high_open=True)
    text = on_screen(summarise([wedge], bounds, axis=MU, title="t"))
    assert "≤ 50 – ≥ 700 MeV" in text


def test_ranges_published_for_another_coupling_are_not_shown(bounds):
    other = dataclasses.replace(MU, unit="", column="coupling_u2")
    mine = [dataclasses.replace(bound, column="coupling_u2") for bound in bounds]
    summary = summarise(all_regions(), mine, axis=other, title="t")
    assert summary.leading
    assert summary.published == ()
    text = on_screen(summary)
    assert "2412.15051" not in text
    assert "GeV⁻¹" not in text


def test_of_many_ranges_the_widest_are_named(bounds):
    summary = summarise(all_regions(), bounds, axis=MU, title="t")
    ends = [(0.1, 0.101), (0.11, 0.2), (0.21, 0.211), (0.22, 0.3), (0.31, 0.4), (0.41, 0.6)]
    found = tuple(LeadingRange(low, high, "NA62", "NA62") for low, high in ends)
    text = " ".join(sentences(dataclasses.replace(summary, leading=found)))
    assert text.count("set by NA62 below") == 4
    assert "101" not in text
    assert "411" not in text
    assert "410 – 600 MeV" in text
    assert "; 2 narrower ones within 100 – 600 MeV (summary.json)." in text
    assert "narrower" not in " ".join(sentences(dataclasses.replace(summary, leading=found[:4])))
