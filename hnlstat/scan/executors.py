"""Where independent pieces of work run: here, in processes of this machine, or in those of Dask.

All are `concurrent.futures` executors behind one class, which hands results over as they arrive.
Results do not depend on where or in which order pieces ran.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor as FuturesExecutor
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol, Self, TypeVar

from hnlstat.config.executor import DaskCluster, Executor, Processes
from hnlstat.errors import HnlstatError
from hnlstat.scan.dask_cluster import DaskExecutor

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 3
"""How often pieces are tried again in a row without any result when workers die."""


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WorkExecutor(Protocol):
    """Somewhere to work, within a `with` block."""

    def __enter__(self) -> Self:
        """Make it ready."""
        ...

    def __exit__(self, *_: object) -> None:
        """Give up what it holds."""
        ...

    def each(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply `function` to every piece; yields the piece's index with its result."""
        ...


class SerialExecutor:
    """Works piece by piece in this process."""

    def __enter__(self) -> "SerialExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def each(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply `function` to every piece; yields the piece's index with its result."""
        for index, piece in enumerate(pieces):
            yield index, function(piece)


class PoolExecutor:
    """Spreads pieces over an executor of `concurrent.futures`, and over a new one if it breaks.

    Parameters
    ----------
    make : gives a new executor
    """

    def __init__(self, make: Callable[[], FuturesExecutor]) -> None:
        self._make = make
        self._pool: FuturesExecutor | None = None

    def __enter__(self) -> "PoolExecutor":
        self._pool = self._make()
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def each(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply `function` to every piece; yields the piece's index with its result, as it comes.

        The pieces of a worker that dies are done again.

        Parameters
        ----------
        function, pieces : picklable

        Raises
        ------
        HnlstatError
            If workers keep dying, as for lack of memory.
        """
        missing = dict(enumerate(pieces))
        failures = 0
        while missing:
            assert self._pool is not None
            try:
                futures: dict[Future[R], int] = {
                    self._pool.submit(function, piece): index for index, piece in missing.items()
                }
                for future in as_completed(futures):
                    result = future.result()
                    del missing[futures[future]]
                    failures = 0
                    yield futures[future], result
            except BrokenProcessPool:
                failures += 1
                if failures >= ATTEMPTS:
                    raise HnlstatError(
                        f"worker processes died {failures} times in a row, perhaps for lack of "
                        "memory; try executor=serial"
                    ) from None
                self._pool.shutdown()
                self._pool = self._make()


def work_executor(settings: Executor) -> WorkExecutor:
    """Give the executor that a Study asks for."""
    if isinstance(settings, DaskCluster):
        return DaskExecutor(settings, available_cores())
    if not isinstance(settings, Processes):
        return SerialExecutor()
    number = available_cores() if settings.workers == "auto" else settings.workers
    if number == 1:
        return SerialExecutor()
    # spawn, not fork: forking a process that runs threads can hang
    context = multiprocessing.get_context("spawn")
    return PoolExecutor(
        lambda: ProcessPoolExecutor(number, mp_context=context, initializer=_end_with_parent)
    )


def _end_with_parent() -> None:
    """Let a worker end when the run is killed, which by itself it would not notice."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
