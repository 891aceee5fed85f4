"""Bars of progress, in terminals and notebooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PAUSE = 0.1
"""Seconds between two states that a notebook is shown."""

WIDTH = 40


@contextmanager
def bar(title: str, total: int, done: int, console: Console | None) -> Iterator[Callable[[], None]]:
    """Show the progress of some work while the block runs; gives what each piece done calls.

    Parameters
    ----------
    title
        What is done.
    total, done
        Pieces of work, and those that are done already.
    console
        Where to show it; neither None nor what cannot take back a line shows anything.
    """
    if console is None or not (console.is_terminal or console.is_jupyter):
        yield lambda: None
    elif console.is_jupyter:
        yield from _line(title, total, done, console)
    else:
        yield from _rich(title, total, done, console)


def _rich(title: str, total: int, done: int, console: Console) -> Iterator[Callable[[], None]]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = TextColumn(f"{title:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=total, completed=done)
        yield lambda: progress.advance(task)


def _line(title: str, total: int, done: int, console: Console) -> Iterator[Callable[[], None]]:
    """Write one line anew and anew, which notebooks show as it is without further packages."""
    started, shown = time.monotonic(), 0.0

    def write(text: str) -> None:
        console.file.write(f"\r{text:<{WIDTH}}")
        console.file.flush()

    def advance() -> None:
        nonlocal done, shown
        done += 1
        now = time.monotonic()
        if now - shown >= PAUSE:
            shown = now
            write(f"{title:<12} {done}/{total}  {now - started:.0f} s")

    try:
        yield advance
    finally:
        if shown:
            write("")
            console.file.write("\r")
