import pytest
from scipy.stats import norm

from hnlstat.report.wording import level_text, range_text


@pytest.mark.parametrize(
    ("level", "text"),
    [(0.9, "90%"), (0.95, "95%"), (0.997, "99.7%"), (norm.cdf(5), "5σ"), (norm.cdf(3), "3σ")],
)
def test_levels_are_written_as_the_field_does(level, text):
    assert level_text(level) == text


def test_ranges_are_in_mev_and_tell_the_ends_of_the_grid():
    assert range_text(0.39, 0.743) == "390 – 743 MeV"
    assert range_text(0.01, 1.2, low_open=True, high_open=True) == "≤ 10 – ≥ 1200 MeV"
