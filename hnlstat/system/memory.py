"""Room for the libraries of linear algebra."""

import mmap
from functools import cache

BUFFERS = 96 * 2**20
"""Bytes that OpenBLAS takes for itself, once in numpy and once in scipy, with some to spare."""


@cache
def reserve() -> None:
    """Let OpenBLAS take its buffers while there is room: where there is none it tries for ever.

    Raises
    ------
    MemoryError
        If there is no room.
    """
    try:
        mmap.mmap(-1, BUFFERS).close()
    except OSError:
        raise MemoryError from None
    import numpy as np
    from scipy.linalg import lapack

    unit = np.eye(200)
    unit @ np.ones((200, 200))
    lapack.dgesv(unit, unit[0])
