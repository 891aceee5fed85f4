import pytest
from scipy.stats import norm

from hnlstat.report.wording import coupling_symbol, coupling_text, level_text, range_text


@pytest.mark.parametrize(
    ("level", "text"),
    [(0.9, "90%"), (0.95, "95%"), (0.997, "99.7%"), (norm.cdf(5), "5σ"), (norm.cdf(3), "3σ")],
)
def test_levels_are_written_as_the_field_does(level, text):
    assert level_text(level) == text


@pytest.mark.parametrize(
    ("flavours", "text", "symbol"),
    [
        ({"e": 0, "mu": 1, "tau": 0}, "d_mu", r"d_{\mu}"),
        ({"e": 1, "mu": 1, "tau": 1}, "d_e = d_mu = d_tau", r"d_{e}=d_{\mu}=d_{\tau}"),
        ({"e": 1.0, "mu": 0.5, "tau": 0.0}, "d", "d"),
        ({"e": 0, "mu": 2.0, "tau": 0}, "d", "d"),
    ],
)
def test_coupling_is_named_by_its_flavours(flavours, text, symbol):
    assert coupling_text(flavours) == text
    assert coupling_symbol(flavours) == symbol


def test_ranges_are_in_mev_and_tell_the_ends_of_the_grid():
    assert range_text(0.39, 0.743) == "390 – 743 MeV"
    assert range_text(0.01, 1.2, low_open=True, high_open=True) == "≤ 10 – ≥ 1200 MeV"
