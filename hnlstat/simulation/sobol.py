"""The Sobol sequence, without `scipy.stats.qmc`, which takes half a second to load.

Direction numbers of S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30 (2008) 2635.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

_BITS = 30
_DIRECTIONS = (
    (0, (1,)), (1, (1, 3)), (1, (1, 3, 1)), (2, (1, 1, 1)), (1, (1, 1, 3, 3)),
)  # fmt: skip
"""Of the second dimension and on: inner coefficients of its polynomial, as bits, and first m."""


@cache
def sobol(n: int) -> NDArray[np.float64]:
    """First n (a power of 2) points of the sequence in the unit cube: (n, 6)."""
    index = np.arange(n, dtype=np.uint32)
    gray = index ^ (index >> 1)
    points = np.zeros((n, _NUMBERS.shape[1]), dtype=np.uint32)
    for bit in range(n.bit_length() - 1):
        points[gray >> bit & 1 == 1] ^= _NUMBERS[bit]
    return np.asarray(points * 2.0**-_BITS)


def _numbers() -> NDArray[np.uint32]:
    """Direction numbers by bit, (_BITS, 6)."""
    found = [[1] * _BITS]
    for inner, first in _DIRECTIONS:
        m, degree = list(first), len(first)
        while len(m) < _BITS:
            new = m[-degree] ^ m[-degree] << degree
            for i in range(1, degree):
                if inner >> (degree - 1 - i) & 1:
                    new ^= m[-i] << i
            m.append(new)
        found.append(m)
    shifts = np.arange(_BITS - 1, -1, -1)
    return (np.array(found).T << shifts[:, None]).astype(np.uint32)


_NUMBERS = _numbers()
