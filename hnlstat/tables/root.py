"""Histograms of ROOT files, `file.root:name`, as tables like those of csv files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.config.base import suggest
from hnlstat.errors import DataError
from hnlstat.system.reading import open_regular, shortened
from hnlstat.tables.csv_table import CsvTable

Array = NDArray[np.float64]

INNER = "[inner]"
"""Behind the name of a histogram: what lies beyond its edges is left out."""

MOST_NAMES = 300  # characters of names that a complaint lists
_FILE = re.compile(r"(.*\.root)(?::(.*))?", re.DOTALL)
_HISTOGRAM = re.compile(r"TH([12])[CSIFDL]")
_INSTEAD = {
    "TEfficiency": "; write its passed over its total histogram, by TH1::Divide",
    "TProfile": "; write its ProjectionX()",
    "TProfile2D": "; write its ProjectionXY()",
}


@dataclass(frozen=True)
class Histogram:
    """Edges of the bins along each axis, (n + 1,), and the contents, one axis each.

    Beyond the edges lies nothing, or what is there is not wanted. `errors` of the contents are
    those of its Sumw2; None: it has none.
    """

    name: str
    edges: tuple[Array, ...]
    values: Array
    errors: Array | None

    @property
    def error(self) -> float:
        """Errors over contents, on average; 0 without any."""
        total = float(np.abs(self.values).sum())
        return 0.0 if self.errors is None or not total else float(self.errors.sum()) / total


def split(table: str) -> tuple[str, str | None] | None:
    """Take `file.root:name` apart; None for the name of another file. Paths may have colons."""
    found = _FILE.fullmatch(table)
    return None if found is None else (found[1], found[2])


def histogram(table: str, axes: int = 1) -> Histogram:
    """Read a TH1 (or TH2, of two axes) of a ROOT file.

    Raises
    ------
    DataError
        In one line: what cannot be read, which histograms there are, and bins that cannot be used.
    """
    (found,) = _histograms(table, axes, lambda name, asked: name == asked)
    return found


def histograms(pattern: str, names: str) -> dict[re.Match[str], Histogram]:
    """Read all TH1 of a ROOT file whose names match the pattern of names in `file.root:pattern`.

    The pattern is that of a user; `names` is the regular expression that stands for it.
    """
    matches: dict[str, re.Match[str]] = {}

    def fits(name: str, _: str) -> bool:
        if match := re.fullmatch(names, name):
            matches[name] = match
        return match is not None

    return {matches[one.name]: one for one in _histograms(pattern, 1, fits)}


def _histograms(table: str, axes: int, fits: Any) -> Iterator[Histogram]:
    parts = split(table)
    assert parts is not None  # the caller has looked
    path, asked = parts
    inner = bool(asked and asked.endswith(INNER))
    asked = (asked or "").removesuffix(INNER)
    with _opened(Path(path)) as file:
        classes: Mapping[str, str] = file.classnames(recursive=True, cycle=False)
        known = {name: kind for name, kind in classes.items() if _HISTOGRAM.fullmatch(kind)}
        plain = re.sub(r";\d+$", "", asked)
        chosen = [name for name in classes if fits(name, plain)]
        if not asked or not chosen:
            raise DataError(f"{path}: {_absent(asked, path, known)}")
        for name in chosen:
            kind = _HISTOGRAM.fullmatch(classes[name])
            if kind is None or int(kind[1]) != axes:
                raise DataError(
                    f"{path}: {name} is a {classes[name]}, no histogram TH{axes}"
                    f"{_INSTEAD.get(classes[name], '')}; it has {_listed(known)}"
                )
            try:
                content = file[asked if name == plain else name]
                edges = tuple(np.asarray(axis.edges(), float) for axis in content.axes)
                values = np.asarray(content.values(flow=True), float)
                squares = np.asarray(content.member("fSumw2"), float)
            except KeyError:  # a cycle that is not there
                raise DataError(f"{path}: {_absent(asked, path, known)}") from None
            where = f"{path}:{name}"
            within = _checked(where, name, edges, values, inner)
            yield Histogram(name, edges, within, _errors(where, squares, values.shape))


def _errors(where: str, squares: Array, shape: tuple[int, ...]) -> Array | None:
    """Errors of the bins from their squares, x first and with those beyond the edges."""
    if squares.size != np.prod(shape):
        return None
    squares = squares.reshape(shape[::-1]).T[(slice(1, -1),) * len(shape)]
    bad = np.argwhere(~(np.isfinite(squares) & (squares >= 0)))
    if bad.size:
        place = ", ".join(str(i + 1) for i in bad[0])
        raise DataError(f"{where}: the error of bin {place} is not a number")
    return np.sqrt(squares)


def _checked(where: str, name: str, edges: tuple[Array, ...], values: Array, inner: bool) -> Array:
    """Refuse edges that cannot be, and what lies beyond them; `values` have bins for that."""
    if any(not np.all(np.isfinite(one)) or np.any(np.diff(one) <= 0) for one in edges):
        raise DataError(f"{where}: its edges do not rise")
    within = values[(slice(1, -1),) * values.ndim]
    bad = np.argwhere(~np.isfinite(within))
    if bad.size:
        place = ", ".join(str(i + 1) for i in bad[0])
        raise DataError(f"{where}: bin {place} is {within[tuple(bad[0])]:g}, not finite")
    beyond = values.copy()
    beyond[(slice(1, -1),) * values.ndim] = 0.0
    if not inner and np.any(beyond != 0):
        raise DataError(
            f"{where}: has {np.nansum(np.abs(beyond)):.4g} in its under- and overflow bins, which "
            f"would be lost; widen its axis, or leave them out by {name}{INNER}"
        )
    return np.asarray(within)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a ROOT file; whatever its reader meets becomes one line."""
    try:
        import uproot  # only now: most tables are csv
    except ImportError:
        raise DataError(
            f"{path}: needs uproot, which is not installed; install hnlstat[root]"
        ) from None
    with open_regular(path) as stream:
        try:
            with uproot.open(stream) as file:
                size, whole = path.stat().st_size, int(file.file.fEND)
                if size < whole:
                    raise DataError(f"{path}: is cut off: it has {size} of {whole} bytes")
                yield file
        except DataError:
            raise
        except Exception as error:  # uproot meets damage in many ways
            with open_regular(path) as again:
                if again.read(4) != b"root":
                    raise DataError(f"{path}: cannot be read: it is no ROOT file") from None
            reason = re.split(r" from \w*Source\b", " ".join(str(error).split()))[0]
            reason = shortened(reason or type(error).__name__, 120)
            raise DataError(f"{path}: cannot be read as a ROOT file: {reason}") from None


def _absent(asked: str, path: str, known: Mapping[str, str]) -> str:
    if not known:
        return "has no histogram"
    if not asked:
        return f"say which histogram: {path}:NAME; it has {_listed(known)}"
    hint = suggest(asked, list(known))
    near = f"{hint} It" if hint.startswith("did") else "it"
    return f"has no {shortened(asked, 80)}; {near} has {_listed(known)}"


def _listed(known: Mapping[str, str]) -> str:
    return shortened(", ".join(f"{name} ({kind})" for name, kind in known.items()), MOST_NAMES)


def as_table(path: str, columns: Mapping[str, ArrayLike]) -> CsvTable:
    """Give columns as the table of a csv file; its rows are the bins."""
    text = {name: [repr(float(x)) for x in np.asarray(v)] for name, v in columns.items()}
    rows = range(1, 1 + len(next(iter(text.values()))))
    return CsvTable(Path(path), {}, text, rows, {}, "bin")
