"""Memory: room for the libraries of linear algebra, and what is kept of what was freed."""

import ctypes
import mmap
from contextlib import suppress
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


KEPT = {"TRIM": (-1, 2**27), "MMAP": (-3, 2**25)}
"""Thresholds of glibc: numbers for mallopt, sizes [bytes]; before 2.35 it takes no larger MMAP."""


def keep_freed() -> None:
    """Let this process keep freed memory for its next arrays, where the system's library can.

    To give it back at once and ask for it again takes a third of a scan's time.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for setting, size in KEPT.values():
            mallopt(setting, size)
