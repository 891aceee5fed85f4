"""Where the work of a stage is done: an executor, a store of results, a display of progress."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from hnlstat.errors import StoreError
from hnlstat.run.executors.executors import SerialExecutor, WorkExecutor
from hnlstat.run.store import packing
from hnlstat.run.store.run_store import RunStore
from hnlstat.system.progress import bar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
R = TypeVar("R")

LOG = logging.getLogger("hnlstat")
LOG.addHandler(logging.NullHandler())  # or Python itself would print remarks


@dataclass(frozen=True, kw_only=True)
class Work:
    """What does the work of stages, and keeps what there is to say of it.

    Attributes
    ----------
    executor, store
        Where units of work are done, and where their results are kept; None: nowhere.
    progress
        Where bars of progress are shown, if that can move them; None: nowhere.
    remarks
        What the user should know.
    meanwhile
        What this process does first while others work, if anything is to be calculated.
    """

    executor: WorkExecutor = field(default_factory=SerialExecutor)
    store: RunStore | None = None
    progress: Console | None = None
    log: logging.Logger = LOG
    remarks: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def map(self, title: str, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """Apply a function to pieces of work under a progress bar; results in their order."""
        return self._work(title, function, pieces, [None] * len(pieces))

    def map_stored(self, title: str, function: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
        """Do as `map`, but take from the store what it has, and keep the rest there."""
        if self.store is None:
            return self.map(title, function, pieces)
        keys = [packing.key(function, piece) for piece in pieces]
        found, damaged = [], []
        for key in keys:
            try:
                found.append(self.store.get(key))
            except StoreError as error:
                found.append(None)
                damaged.append(str(error))
        if damaged:
            more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
            self.remark(f"{damaged[0]}{more}; calculated again")
        known = sum(result is not None for result in found)
        self.log.info("%s: %d of %d in the store", title, known, len(pieces))
        store = self.store

        def keep(i: int, result: R) -> None:
            if remark := store.put(keys[i], result):
                self.remark(remark)

        return self._work(title, function, pieces, found, keep)

    def _work(
        self,
        title: str,
        function: Callable[[T], R],
        pieces: Sequence[T],
        known: Sequence[R | None],
        keep: Callable[[int, R], None] | None = None,
    ) -> list[R]:
        """Calculate the results that are not known."""
        started = time.perf_counter()
        missing = [i for i, result in enumerate(known) if result is None]
        results = dict(enumerate(known))
        # before the bar, which may run a thread: processes of one thread are forked
        coming = self.executor.each(function, [pieces[i] for i in missing])
        with bar(title, len(pieces), len(pieces) - len(missing), self.progress) as advance:
            if missing and self.meanwhile is not None:
                self.meanwhile()
            for number, result in coming:
                if keep is not None:
                    keep(missing[number], result)
                results[missing[number]] = result
                advance()
        self.log.info("%s: %d done in %.1f s", title, len(missing), time.perf_counter() - started)
        return [cast(R, results[i]) for i in range(len(pieces))]

    def remark(self, text: str) -> None:
        """Keep something that the user should know, once."""
        if text not in self.remarks:
            self.log.warning(text)
            self.remarks.append(text)
