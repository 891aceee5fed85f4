"""What worker processes need: a quiet start, and an end with the run.

They load little more than this module by themselves, so that whatever goes wrong later, as when
there is no memory for libraries, comes back as the error of a piece of work.
"""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import spawn
from typing import Any

from hnlstat.system.interrupts import stop_at_once
from hnlstat.system.memory import keep_freed, reserve


@contextmanager
def main_left_alone() -> Iterator[None]:
    """Let processes that start meanwhile not load the script behind `__main__`.

    By itself Python loads it in each of them, where one without `if __name__ == "__main__"` would
    begin the run anew. Pieces of work are of this package, so that workers do not need it.
    """
    with _LOCK:  # other threads may start processes, too
        if not _before:
            _before.append(spawn.get_preparation_data)
            spawn.get_preparation_data = _without_main(spawn.get_preparation_data)
        _before.append(None)
    try:
        yield
    finally:
        with _LOCK:
            _before.pop()
            if len(_before) == 1:
                spawn.get_preparation_data = _before.pop()


_LOCK = threading.Lock()
_before: list[Any] = []
"""What Python has for it, and an entry for each block that runs."""


def _without_main(original: Callable[[str], dict[str, Any]]) -> Any:
    def without(name: str) -> dict[str, Any]:
        data = original(name)
        return {key: value for key, value in data.items() if not key.startswith("init_main")}

    return without


ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Settings of linear algebra: threads of workers would compete, and add up in another order."""


def begin() -> None:
    """Set a worker up before it loads what it works with, or as it is forked."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    stop_at_once()
    keep_freed()
    end_with_parent()


def end_with_parent() -> None:
    """Let a worker end when the run is killed, which by itself it would not notice."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def call(work: bytes) -> Any:
    """Apply a function to a piece, pickled together: if they cannot be loaded, that is an error."""
    reserve()
    function, piece = pickle.loads(work)
    return function(piece)
