"""The screen: what a run says, shown once its files are written."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.style import Style
from rich.table import Column, Table
from rich.text import Text

from hnlstat.system.streams import readable

WIDTH, WIDEST = 80, 10_000  # columns where the width is unknown, and that any table fits into


class Words(Console):
    """A terminal, or file, for words as they are: names may hold brackets and colons."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)
        if self.width < 1:  # COLUMNS=0, as some terminals have it
            self.width = WIDTH

    def render_str(self, text: str, **how: Any) -> Text:
        """Lay out letters that the encoding has, so that columns stay in line."""
        return super().render_str(readable(text, self.encoding), **how)


@dataclass(frozen=True)
class Fitting:
    """A table, or where the screen is too narrow for its words the same row by row."""

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Choose the layout for the width at hand."""
        wide = options.update(max_width=WIDEST)
        needed = Measurement.get(console, wide, self.table).minimum
        needed += sum(_unbroken(column) for column in self.table.columns if column.no_wrap)
        if needed <= options.max_width:
            yield self.table
        else:
            yield from _listed(self.table)


def _unbroken(column: Column) -> int:
    """Count what a column needs beyond its longest word, so that no cell is cut."""
    cells = [str(column.header), *map(str, column.cells)]
    longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    return max(map(cell_len, cells)) - longest


def _listed(table: Table) -> Iterator[Lines]:
    """Give each row as its first cell with the others below, each after its heading."""
    if table.title:
        yield Lines(str(table.title), "italic")
    headings = [str(column.header) for column in table.columns]
    for first, *rest in zip(*(column.cells for column in table.columns), strict=True):
        yield Lines(str(first), "bold")
        for heading, cell in zip(headings[1:], rest, strict=True):
            yield Lines(f"{heading}: {cell}" if heading else str(cell), indent="  ")
    if table.caption:
        yield Lines(str(table.caption), "dim")


@dataclass(frozen=True)
class Lines:
    """A text in lines that end between words; a longer name, or all of it, stays whole."""

    text: str
    style: Style | str = ""
    indent: str = ""
    whole: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Break the text for the width at hand."""
        text = readable(self.text, console.encoding)
        lines = [text] if self.whole else textwrap.wrap(
            text, options.max_width, initial_indent=self.indent, subsequent_indent=2 * self.indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for line in lines:
            yield Text(line, self.style, no_wrap=True, overflow="ignore")


def line_of(text: str, style: str = "dim") -> Lines:
    """Write a line that is never broken, such as one with a path."""
    return Lines(text, style, whole=True)


def fitting(part: RenderableType) -> RenderableType:
    """Give texts and tables in a form that fits any width."""
    if isinstance(part, Table):
        return Fitting(part)
    if isinstance(part, Group):
        return Group(*map(fitting, part.renderables))
    if isinstance(part, str):
        return Lines(part)
    if isinstance(part, Text):
        return Lines(part.plain, part.style)
    return part


class Screen:
    """Keeps what is said until it is shown.

    Attributes
    ----------
    console : Words
        Where it is shown; displays of progress may use it before.
    """

    def __init__(self, console: Words | None = None) -> None:
        self.console = console or Words()
        self._kept: list[RenderableType] = []

    @classmethod
    def silent(cls) -> Screen:
        """Make one that shows nothing."""
        return cls(Words(quiet=True))

    def say(self, *parts: RenderableType) -> None:
        """Keep texts and tables for the end."""
        self._kept += map(fitting, parts)

    def show(self) -> None:
        """Show what was said."""
        while self._kept:
            self.console.print(self._kept.pop(0), crop=False)

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        """Show what was said so far, however the block ends."""
        self.show()
