"""`data.csv`: the events seen in each bin of each channel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hnlstat.errors import DataError
from hnlstat.run.files.folder import write_csv
from hnlstat.run.files.yields import bins_of, check_channels
from hnlstat.search.table import FloatArray
from hnlstat.tables.csv_table import read_csv
from hnlstat.tables.plausible import MOST_OBSERVED

DATA_COLUMNS = ("channel", "bin", "observed")


def write_data(
    path: Path, channels: Sequence[str], bins: Sequence[int], observed: FloatArray
) -> None:
    """Write the events of each bin of each channel as csv.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_csv(path, DATA_COLUMNS, data_rows(channels, bins, observed))


def data_rows(
    channels: Sequence[str], bins: Sequence[int], observed: FloatArray
) -> list[tuple[str, int, str]]:
    """Give the rows of a table of data."""
    events = [f"{n:.10g}" for n in observed]
    return list(zip(channels, bins, events, strict=True))


def read_data(path: Path, channels: Sequence[str], bins: Sequence[int]) -> FloatArray:
    """Read the events of each bin of each channel, shape (C,), as `write_data` writes them.

    The column `bin` may be left out of channels with one bin, and where no event was seen.

    Raises
    ------
    DataError
        Names the file and line of what cannot be used, or the channel and bin that is missing.
    """
    table = read_csv(path, required=("channel", "observed"))
    check_channels(table, table.columns["channel"], channels)
    events = table.numbers("observed", at_least=0, at_most=MOST_OBSERVED).tolist()
    wanted = list(zip(channels, bins, strict=True))
    found: dict[tuple[str, int], float] = {}
    for i, key in enumerate(zip(table.columns["channel"], bins_of(table), strict=True)):
        if key not in wanted:
            raise table.error(i, "bin", f"is not a bin of channel {key[0]}")
        if key in found:
            raise table.error(i, "channel", "is there twice")
        several = channels.count(key[0]) > 1
        if "bin" not in table.columns and several and events[i] > 0.0:
            raise table.error(i, "observed", "lacks the column bin: the channel has several")
        if "bin" not in table.columns:
            found |= {(name, index): 0.0 for name, index in wanted if name == key[0]}
        found[key] = events[i]
    for name, index in wanted:
        if (name, index) not in found:
            raise DataError(f"{path}: has no line for bin {index} of channel {name!r}")
    return np.array([found[key] for key in wanted])
