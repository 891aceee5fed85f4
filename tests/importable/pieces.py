"""Work for the tests of executors; on the import path of the tests and of their workers."""

import os
import signal
import sys
import time
from pathlib import Path

from hnlstat.errors import ConfigError


def square(x):
    return x * x


def refuse(x):
    raise ConfigError(f"{x}: no")


def die_once(path):
    """Die at the first call for a path, as a worker does for which there is no memory."""
    mark = Path(path)
    if not mark.exists():
        mark.write_text("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return mark.name


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def pid(_):
    return os.getpid()


def main_file(_):
    return getattr(sys.modules["__mp_main__"], "__file__", None)


def interrupt_self(seconds):
    """Get the signal of Ctrl-C, as all processes of a terminal do, and go on."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(seconds)


class LoadsBadly:
    """Cannot be unpickled, as where there is no memory for a library."""

    def __reduce__(self):
        return _no_room, ()


def _no_room():
    raise MemoryError("no room")
