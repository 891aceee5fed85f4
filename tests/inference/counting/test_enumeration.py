import numpy as np
import pytest
from scipy.stats import poisson

from hnlstat.inference.counting.enumeration import enumerate_outcomes
from hnlstat.inference.counting.marginal import SignalNodes, background_pmf


def outcomes(signal, background, limit, weight=None):
    signal = np.asarray(signal, float)
    tables = [background_pmf(b, 0.0, 1e-12) for b in background]
    keys = [-np.log(table) for table in tables]
    nodes = SignalNodes(signal, np.ones(1) if weight is None else np.asarray(weight))
    found = enumerate_outcomes(tables, keys, limit)
    return found, found.with_signal(nodes)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_probabilities_are_products_of_poissons(count):
    background = np.array([0.6, 2.0, 0.05, 1.0, 0.3])[:count]
    signal = np.array([1.0, 0.5, 2.0, 0.1, 3.0])[:count]
    result, with_signal = outcomes(signal[:, None], background, 14.0)
    b_only = np.prod(poisson.pmf(result.counts, background[:, None]), axis=0)
    s_plus_b = np.prod(poisson.pmf(result.counts, (signal + background)[:, None]), axis=0)
    assert result.background == pytest.approx(b_only, rel=1e-10)
    assert with_signal == pytest.approx(s_plus_b, rel=1e-10)


def test_exactly_the_outcomes_within_the_limit_are_kept():
    background, limit = np.array([0.6, 2.0, 0.4]), 12.0
    result, _ = outcomes(np.ones((3, 1)), background, limit)
    box = np.stack(np.meshgrid(*[np.arange(30.0)] * 3, indexing="ij")).reshape(3, -1)
    probable = np.prod(poisson.pmf(box, background[:, None]), axis=0) >= np.exp(-limit)
    assert {tuple(n) for n in result.counts.T} == {tuple(n) for n in box[:, probable].T}
    assert result.counts.shape[1] == np.count_nonzero(probable)


def test_nodes_are_averaged_over():
    background = np.array([0.6, 2.0])
    weight = [0.25, 0.75]
    _, both = outcomes([[1.0, 2.0], [0.5, 3.0]], background, 10.0, weight)
    _, first = outcomes([[1.0], [0.5]], background, 10.0)
    _, second = outcomes([[2.0], [3.0]], background, 10.0)
    mean = 0.25 * first + 0.75 * second
    assert both == pytest.approx(mean, rel=1e-12)
