import numpy as np
from scipy.stats import qmc

from hnlstat.simulation.sampling import DIMENSIONS
from hnlstat.simulation.sobol import sobol


def test_sequence_is_that_of_scipy() -> None:
    expected = qmc.Sobol(DIMENSIONS, scramble=False).random(2**17)
    for n in (1, 32, 64, 2**17):
        np.testing.assert_array_equal(sobol(n), expected[:n])
