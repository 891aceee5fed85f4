import json

import numpy as np
import pytest
from axes import MU

from hnlstat.report.summary import summarise
from hnlstat.report.wording import length_text, power_symbol, power_text
from hnlstat.report.words import tables, without_folders, words
from hnlstat.run.contours import Region


def contour_document():
    outline = np.array([[0.1, 3e-6], [0.2, 2.5e-7], [0.3, 3e-6], [0.1, 3e-6]])
    regions = [
        Region(0.9, kind, "exact CLs", outline * [1, scale], (), (), *[False] * 4)
        for kind, scale in (("observed", 1.0), ("expected", 2.0), ("expected_+1", 3.0))
    ]
    summary = summarise(regions, (), axis=MU, title="ND280", remarks=["odd"])
    return json.loads(json.dumps(summary.document()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("runs: /home/me/work/runs", "runs: runs"),
        ("[/a/b/one.csv, /a/b/two.csv]", "[one.csv, two.csv]"),
        ("see runs/nd280/1 at 5/3 g/cm3", "see runs/nd280/1 at 5/3 g/cm3"),
        ("store: shared:/data/store/", "store: shared:store"),
        ("https://arxiv.org/abs/2412.15051", "https://arxiv.org/abs/2412.15051"),
    ],
)
def test_of_absolute_paths_the_last_part_is_left(text, shown):
    assert without_folders(text) == shown


def test_a_contour_in_words():
    found = words("contour", contour_document(), MU)
    assert found[0] == (
        "90% CLs observed: couplings d_mu from 2.50 × 10⁻⁷ GeV⁻¹ (at 200 MeV) are excluded, at "
        "masses of 100 – 300 MeV."
    )
    assert "5.00 × 10⁻⁷" in found[1]
    assert not any("+1" in sentence for sentence in found)
    (grid,) = tables("contour", contour_document())
    assert [row[0] for row in grid.rows][:2] == ["90% CLs observed", "90% CLs expected"]


def test_a_contour_without_limits_in_words():
    summary = summarise([], (), axis=MU, title="ND280").document()
    assert words("contour", summary, MU) == ["Nothing is excluded on this grid."]
    assert tables("contour", summary) == []


def test_other_summaries_are_laid_out_whole():
    document = {
        "task": "x", "remarks": ["r"], "mass_gev": 0.25, "covers": True, "observed": None,
        "shares": {"fhc": 0.125, "rhc": 2.0},
        "tests": {"exact": {"cls": 0.5}, "asymptotic": {"cls": 0.25}},
        "rows": [{"name": "a", "value": 1.0}, {"name": "b", "value": [1.0, 2.0]}],
    }  # fmt: skip
    result, shares, tests, rows = tables("x", document)
    assert result.rows == (("mass [GeV]", "0.25"), ("covers", "yes"), ("observed", "–"))
    assert shares.rows == (("fhc", "0.125"), ("rhc", "2"))
    assert tests.columns == ("quantity", "exact", "asymptotic")
    assert tests.rows == (("cls", "0.5", "0.25"),)
    assert rows.rows == (("a", "1"), ("b", "1, 2"))


def test_the_level_of_five_sigma_is_not_1_in_tables():
    (result,) = tables("x", {"task": "x", "level": 0.999999713348, "other": 1.0})
    assert result.rows == (("level", "2.867e-07 below 1"), ("other", "1"))


def test_numbers_and_lengths_in_words():
    assert power_text(4.593e-7) == "4.59 × 10⁻⁷"
    assert power_symbol(2.0e-6) == r"2.00 \times 10^{-6}"
    lengths = [length_text(x) for x in (1e-4, 0.003, 0.01, 1.0, 100.0, 1e4, 1e6)]
    assert lengths == ["100 µm", "3 mm", "1 cm", "1 m", "100 m", "10 km", "1,000 km"]


def test_what_has_no_source_is_counted():
    document = {"rows": 3, "assumed": {"a.b": "assumed", "a.c": "from memory", "d": "assumed"}}
    assert words("yields", document, MU)[-1] == (
        "3 settings have no source (assumed: a.b, d; from memory: a.c)."
    )
    assert len(words("yields", document | {"assumed": {}}, MU)) == 1
