import numpy as np
import pytest
from scipy.stats import poisson

from hnlstat.inference.counting.poisson import likely_counts


@pytest.mark.parametrize("tail", [1e-12, 1e-9, 1e-3, 0.5])
def test_quantiles_are_those_of_scipy(tail):
    rates = np.concatenate([[0.0], np.geomspace(1e-12, 1e5, 400)])
    assert likely_counts(tail, rates).tolist() == poisson.isf(tail, rates).tolist()


def test_whole_quantiles_are_not_rounded_up():
    for rate in (0.5, 3.0, 40.0):
        tails = poisson.sf(np.arange(3.0, 6.0), rate)
        assert [float(likely_counts(t, rate)) for t in tails] == poisson.isf(tails, rate).tolist()
