"""The errors that a user can cause; each message is one line that says what to change."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HnlstatError(Exception):
    """Base of all errors that are reported as one line; `status` is the exit status."""

    status = 2

    def __str__(self) -> str:
        return " ".join(super().__str__().split())  # values that are quoted may have line breaks


class ConfigError(HnlstatError):
    """A configuration that cannot be run: names the key, the value and what would be right."""


class DataError(HnlstatError):
    """A table or file that cannot be used: names the file, the row or column, and the reason."""


class InferenceError(HnlstatError):
    """A likelihood or limit that cannot be evaluated: names the channel or point and the reason."""


class OutputError(HnlstatError):
    """A run folder or file that cannot be written."""


class FigureError(HnlstatError):
    """Figures that could not be drawn, while all else of the run is in its folder."""

    status = 1

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(message)
        self.folder = folder


class StoreError(HnlstatError):
    """A store of results, or an entry of it, that cannot be used."""


class SweepError(HnlstatError):
    """Jobs of a sweep that failed, while others did not."""

    status = 1


class OutOfMemoryError(HnlstatError):
    """No memory is left."""


NUMERICAL_ERRORS = ArithmeticError, ValueError, RuntimeError
"""What calculations raise on numbers that nobody thought of; singular matrices are among them."""

_NO_MEMORY = (
    "failed to map segment",
    "annot allocate memory",
    "can't start new thread",
    "error return without exception set",  # of CPython, where a MemoryError finds no room
)


@contextmanager
def memory_in_a_line() -> Iterator[None]:
    """Turn whatever says that there is no memory, as the loading of a library may, into one line.

    Raises
    ------
    OutOfMemoryError
        In its place.
    """
    try:
        yield
    except OutOfMemoryError:  # said already
        raise
    except Exception as error:
        if not _lacks_memory(error):
            raise
        detail = str(error).splitlines()
        raise OutOfMemoryError(
            f"out of memory{f' ({detail[-1][:100]})' if detail else ''}: allow more, or try "
            "executor=serial or a smaller grid; finished work is kept, and not done again"
        ) from None


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, is for lack of memory."""
    while error is not None:
        if isinstance(error, MemoryError) or any(text in str(error) for text in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False
