"""Ctrl-C and what batch systems and terminals send to end a run."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

TO_THE_RUN = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
"""What a terminal sends to all processes of a group: workers leave it to the run."""


IN_ORDER = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""What ends a run in order."""


class StoppedError(KeyboardInterrupt):
    """Stands for a signal that ends a run as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `StoppedError`, where nobody handles or ignores them."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in IN_ORDER:
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_at_once() -> None:
    """Let those signals end this process, which a run has forked, as they do by themselves."""
    for number in IN_ORDER:
        if signal.getsignal(number) is _stop:
            signal.signal(number, signal.SIG_DFL)


def interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """Find what interrupted a run, even behind the error of a library that tidied up badly."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _stop(number: int, _: object) -> NoReturn:
    raise StoppedError(number)


@contextmanager
def held() -> Iterator[None]:
    """Let processes and threads that start meanwhile never see Ctrl-C; ours waits for the end."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker  # not on Windows

    before = signal.pthread_sigmask(signal.SIG_BLOCK, TO_THE_RUN)
    try:
        # a helper of Python's, which by itself would start later, and lets go what is held
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, TO_THE_RUN)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
