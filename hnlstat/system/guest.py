"""A guest in somebody else's process: what it changes there it puts back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOUD = ("distributed", "distributed.client", "distributed.core", "asyncio", "tornado")
"""Loggers that Dask's executor silences while it works."""


@contextmanager
def as_guest() -> Iterator[None]:
    """Leave loggers of others as they were before the block."""
    levels = {name: logging.getLogger(name).level for name in LOUD}
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
