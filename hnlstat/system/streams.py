"""Where words go: streams that lose no result, whoever reads them and in whatever encoding."""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

_SUPERSCRIPT = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_READABLE = {
    "σ": " sigma", "Δ": "Delta", "μ": "u", "µ": "u", "τ": "tau", "γ": "gamma", "ν": "nu",
    "±": "+-", "−": "-", "–": "-", "—": "-", "×": "x", "·": "*", "≤": "<=", "≥": ">=", "≈": "~",
    "→": "->", "←": "<-", "…": "...", "°": " deg", "²": "^2", "³": "^3",
    "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*", "│": "|", "┃": "|", "║": "|",
}  # fmt: skip
_DRAWN = range(0x2500, 0x25A0)
"""Lines and blocks; those that stand upright are above."""


def readable(text: str, encoding: str | None) -> str:
    """Write what an encoding lacks in letters that it has: "5 sigma", "GeV^-1", "+-"."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except LookupError:
        return text
    except UnicodeEncodeError:
        text = _SUPERSCRIPT.sub(lambda found: f"^{found[0].translate(_DIGITS)}", text)
        return text.encode(encoding, "hnlstat").decode(encoding)
    return text


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    """Give ascii for letters that cannot be encoded; those without any as their number."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(map(_ascii, letters)), error.end


def _ascii(letter: str) -> str:
    if ord(letter) in _DRAWN:
        return _READABLE.get(letter, "-")
    return _READABLE.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error("hnlstat", _stand_in)


class Stream:
    """A stream of text that never fails: what cannot be written is let go.

    Attributes
    ----------
    error : OSError or None
        Why words were lost, if they were; none are where nobody reads (a closed pipe).
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream if stream is not None else SimpleNamespace(write=len, flush=bool)
        self._gone = False
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        """Encoding of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        try:
            return bool(self._stream.isatty())
        except (AttributeError, ValueError):
            return False

    def write(self, text: str) -> int:
        """Write what can be written of a text."""
        if not self._gone:
            self._try(lambda: self._stream.write(readable(text, self.encoding)))
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        if not self._gone:
            self._try(self._stream.flush)

    def _try(self, action: Any) -> None:
        try:
            action()
        except OSError as error:
            self._gone = True
            self.error = None if isinstance(error, BrokenPipeError) else error
            # or Python would try once more at its end, complain, and exit with 120
            with suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
        except ValueError:  # closed
            self._gone = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def own_streams() -> Iterator[Stream]:
    """Print and complain through a Stream while the block runs; gives that of stdout."""
    before = sys.stdout, sys.stderr
    out, err = Stream(sys.stdout), Stream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before
