"""Work for the tests of executors; on the import path of the tests and of their workers."""

import os
import signal
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
