"""Where independent pieces of work run: here, in processes of this machine, or in those of Dask.

All are `concurrent.futures` executors behind one class, which hands results over as they arrive.
Results do not depend on where or in which order pieces ran.
"""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol, Self, TypeVar

from hnlstat.config.executor import DaskCluster, Executor, Processes
from hnlstat.errors import HnlstatError
from hnlstat.run.executors.dask_cluster import DaskExecutor
from hnlstat.run.executors.workers import ONE_THREAD, begin, call, main_left_alone
from hnlstat.system.interrupts import held

T = TypeVar("T")
R = TypeVar("R")

ATTEMPTS = 3
"""How often pieces are tried again in a row without any result when workers die."""


_STARTING = threading.Lock()
"""Held while workers start, so that those of runs in several threads are told apart."""


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_method() -> str:
    """Fork, which leaves nothing to load, where this process has one thread: others may hang.

    Linear algebra that is loaded without a limit to its threads would begin them in the workers.
    """
    threads = Path("/proc/self/task")  # those of libraries, too; on Linux
    alone = threads.is_dir() and len([*threads.iterdir()]) == 1
    return "fork" if alone and all(name in os.environ for name in ONE_THREAD) else "spawn"


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
    """Spreads pieces over processes of this machine, and over new ones if one dies.

    They are started when there is work, as many as that takes.

    Parameters
    ----------
    workers : their number, at most
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._size = 0
        self._pool: ProcessPoolExecutor | None = None
        self._processes: list[BaseProcess] = []

    def __enter__(self) -> "PoolExecutor":
        return self

    def __exit__(self, *error: object) -> None:
        self._close(at_once=any(error))

    def each(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply `function` to every piece; yields the piece's index with its result, as it comes.

        The work begins at once. The pieces of a worker that dies are done again. A single piece is
        done in this process, when its result is asked for.

        Parameters
        ----------
        function, pieces : picklable

        Raises
        ------
        HnlstatError
            While results are asked for, if workers keep dying, as for lack of memory.
        """
        if len(pieces) < 2:
            return SerialExecutor().each(function, pieces)
        missing = dict(enumerate(pieces))
        return self._results(function, missing, self._submit(function, missing))

    def _results(
        self, function: Callable[[T], R], missing: dict[int, T], futures: dict[Future[R], int]
    ) -> Iterator[tuple[int, R]]:
        failures = 0
        while missing:
            with suppress(BrokenProcessPool):
                for future in as_completed(futures):
                    result = future.result()
                    index = futures.pop(future)
                    del missing[index]
                    failures = 0
                    yield index, result
            if missing:
                failures += 1
                if failures >= ATTEMPTS:
                    raise HnlstatError(
                        f"worker processes died {failures} times in a row, perhaps for lack of "
                        "memory; try executor=serial"
                    )
                self._close()
                futures = self._submit(function, missing)

    def _submit(self, function: Callable[[T], R], missing: Mapping[int, T]) -> dict[Future[R], int]:
        """Hand pieces to workers, which are started where there are too few."""
        wanted = min(self._workers, len(missing))
        with _STARTING, main_left_alone(), held():
            others = set(multiprocessing.active_children())
            if wanted > self._size:
                self._close()
                context = multiprocessing.get_context(_start_method())
                self._size = wanted
                self._pool = ProcessPoolExecutor(wanted, mp_context=context, initializer=begin)
            assert self._pool is not None
            futures: dict[Future[R], int] = {}
            with suppress(BrokenProcessPool):  # which those behind tell, too, or their lack
                for index, piece in missing.items():
                    futures[self._pool.submit(call, pickle.dumps((function, piece)))] = index
            self._processes += set(multiprocessing.active_children()) - others
        return futures

    def _close(self, *, at_once: bool = False) -> None:
        """End the workers; at once: without waiting for what they work on."""
        if self._pool is None:
            return
        if at_once:
            for process in self._processes:
                process.kill()
        self._pool.shutdown(cancel_futures=True)
        self._pool, self._size, self._processes = None, 0, []


def work_executor(settings: Executor) -> WorkExecutor:
    """Give the executor that a Study asks for; more processes than cores would cost time."""
    if isinstance(settings, DaskCluster):
        return DaskExecutor(settings, available_cores())
    if not isinstance(settings, Processes) or multiprocessing.current_process().daemon:
        return SerialExecutor()  # a daemon, such as a worker of a caller's pool, may start none
    cores = available_cores()
    number = cores if settings.workers == "auto" else min(settings.workers, cores)
    return SerialExecutor() if number == 1 else PoolExecutor(number)
