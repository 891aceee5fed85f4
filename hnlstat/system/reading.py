"""Reading files that others wrote: regular ones of a sane size, as text or JSON."""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from hnlstat.errors import DataError

MOST_BYTES = 2**31
"""Of any file: patch sets of a million points take less."""


def open_regular(path: Path, most: int = MOST_BYTES) -> BinaryIO:
    """Open a regular file for reading; a pipe or device could keep a run for ever.

    Raises
    ------
    DataError
        If it cannot be opened, is no regular file, or is larger than `most` bytes.
    """
    try:
        # without O_NONBLOCK the mere opening of a pipe waits for its writer
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason}") from error
    file = None
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise DataError(f"{path}: cannot be read: Is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path}: cannot be read: it is a pipe or device, not a file")
        if status.st_size > most:
            size, limit = status.st_size / 1e6, most / 1e6
            raise DataError(f"{path}: is too large: {size:.0f} MB, at most {limit:.0f} MB are read")
        file = os.fdopen(handle, "rb")
    finally:
        if file is None:
            os.close(handle)
    return file


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Read a file as UTF-8, with or without a byte order mark.

    Raises
    ------
    DataError
        Names the file and why it cannot be read.
    """
    with open_regular(path, most) as file:
        try:
            return file.read().decode("utf-8-sig")
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: cannot be read: not UTF-8 text") from error


def read_json(path: Path) -> Any:
    """Read a JSON file; see `parse_json`.

    Raises
    ------
    DataError
        Names the file and, where it is not JSON, the line.
    """
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        raise DataError(f"{path}: is not JSON: {error}") from error


def parse_json(text: str | bytes) -> Any:
    """Read JSON as its standard has it: finite numbers, no NaN; and as deep as is sane.

    Raises
    ------
    ValueError
        In one line.
    """
    try:
        content = json.loads(
            text, parse_constant=_not_a_number, parse_float=_finite, parse_int=_whole
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if "\\ud" in (text if isinstance(text, str) else text.decode()).lower():
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("it has half of a character (a lone surrogate)") from None
    return content


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"it has {text}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"it has {shortened(text)}, which is no finite number")
    return value


def _whole(text: str) -> int:
    if len(text) > 300:  # beyond what a float can hold
        raise ValueError(f"it has a whole number of {len(text)} digits")
    return int(text)


def shortened(text: str, most: int = 40) -> str:
    """Give a text, its end left out if it is long."""
    return text if len(text) <= most else f"{text[:most]}..."


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file's content, 64 hex digits.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    with open_regular(path) as file:
        # a file opened as bytes is what it wants, but its types ask for more
        return hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
