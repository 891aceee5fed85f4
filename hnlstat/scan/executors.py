"""Where independent pieces of work run: here, or in processes of this machine.

Results come back in the order of the pieces and do not depend on the number of workers.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Literal, TypeVar

from hnlstat.errors import HnlstatError

T = TypeVar("T")
R = TypeVar("R")


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalExecutor:
    """Maps functions over pieces of work, in this process or in workers that live as long as it.

    Parameters
    ----------
    workers : number of processes; "auto" is one per core, 1 runs here
    """

    def __init__(self, workers: int | Literal["auto"] = "auto") -> None:
        self.workers = available_cores() if workers == "auto" else workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "LocalExecutor":
        if self.workers > 1:
            # spawn, not fork: forking a process that runs threads can hang
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=context)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def map(
        self, function: Callable[[T], R], pieces: Sequence[T], advance: Callable[[], None]
    ) -> list[R]:
        """Apply `function` to every piece and return the results in order.

        Parameters
        ----------
        function, pieces : picklable; one call per piece
        advance : called here as each result arrives

        Raises
        ------
        HnlstatError
            If a worker dies, as for lack of memory.
        """
        results: list[R] = []
        try:
            source = map(function, pieces) if self._pool is None else self._pool.map(
                function, pieces
            )  # fmt: skip
            for result in source:
                results.append(result)
                advance()
        except BrokenProcessPool:
            raise HnlstatError(
                "a worker process died, perhaps for lack of memory; try executor.workers=1"
            ) from None
        return results
