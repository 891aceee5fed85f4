"""`yields.csv`, ours or another generator's, and `cutflow.csv`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.coupling import CouplingAxis
from hnlstat.errors import DataError
from hnlstat.run.files.folder import write_csv, write_parts
from hnlstat.search.table import CutFlow, FloatArray, YieldTable
from hnlstat.system.reading import shortened
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.grids import first_missing
from hnlstat.tables.plausible import (
    MOST_EVENTS,
    check_couplings,
    check_distinct,
    check_masses,
    check_mc_error,
    check_relative,
)

YIELD_LABELS = ("dataset", "mode", "volume", "channel", "bin")
YIELD_VALUES = ("decays", "events", "mc_error")
YIELD_QUALITY = ("precision", "interpolated")
MODIFIER_PREFIX = "rel_"
CUT_FLOW_COLUMNS = ("channel", "cut", "decays", "share")


def yield_axes(axis: CouplingAxis) -> tuple[str, str]:
    """Columns of the mass and of the coupling."""
    return "mass_gev", axis.column


def write_yields(path: Path, table: YieldTable, axis: CouplingAxis) -> None:
    """Write a table of yields as long csv: one line for each mass, coupling and row.

    The columns are dataset, mode, volume, channel, bin, mass_gev, that of the coupling, decays,
    events, mc_error, precision (relative Monte Carlo error of the dataset's events), interpolated
    (1 where the mass lies between sampled ones) and one `rel_<name>` per modifier. Decays that are
    not known stay empty.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    names = [*YIELD_LABELS, *yield_axes(axis), *YIELD_VALUES, *YIELD_QUALITY]
    names += [MODIFIER_PREFIX + name for name in table.modifiers]
    labels = [
        ",".join(map(str, row))
        for row in zip(*(getattr(table, name) for name in YIELD_LABELS), strict=True)
    ]
    between = np.zeros((), bool) if table.interpolated is None else table.interpolated[:, None]
    quality = [table.precision(), np.broadcast_to(between, table.events.shape)]
    arrays = [table.decays, table.events, table.mc_error, *quality, *table.modifiers.values()]
    pattern = ",".join(["%.8g"] * 3 + ["%.3g", "%d"] + ["%.8g"] * len(table.modifiers))
    couplings = [f"{d:.10g}" for d in table.couplings]

    def lines_of(i: int) -> str:
        """Give the lines of a mass: all at once would take much memory."""
        values = np.stack([array[i].ravel() for array in arrays], axis=1).tolist()
        points = itertools.product(couplings, labels)
        mass = f"{table.masses[i]:.10g}"
        text = "".join(
            f"{label},{mass},{coupling},{pattern % tuple(row)}\n"
            for (coupling, label), row in zip(points, values, strict=True)
        )
        return text.replace(",nan", ",") if np.isnan(table.decays[i]).any() else text

    head = ",".join(names) + "\n"
    write_parts(path, itertools.chain([head], map(lines_of, range(table.masses.size))))


def write_cut_flows(path: Path, flows: Sequence[CutFlow], axis: CouplingAxis) -> None:
    """Write cut flows as csv: for each point and channel all decays, then what each cut leaves.

    The columns are mass_gev, that of the coupling, channel, cut ("none" for all), decays and share
    (of all); a last line "beyond_edges" counts selected decays outside the observable's edges.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    rows = itertools.chain.from_iterable(map(_cut_flow_rows, flows))
    write_csv(path, (*yield_axes(axis), *CUT_FLOW_COLUMNS), rows)


def _cut_flow_rows(flow: CutFlow) -> Iterator[tuple[str, ...]]:
    decays, share = flow.steps()
    points = itertools.product(
        [f"{mass:.10g}" for mass in flow.masses],
        [f"{d:.10g}" for d in flow.couplings],
        flow.channel,
        flow.step_names,
    )
    values = zip(decays.ravel().tolist(), share.ravel().tolist(), strict=True)
    for point, (number, part) in zip(points, values, strict=True):
        yield (*point, f"{number:.6g}", f"{part:.6g}")


def read_yields(
    path: Path, axis: CouplingAxis, channels: Sequence[str] | None = None, *, own: bool = False
) -> YieldTable:
    """Read a table of yields, our own or another generator's.

    Needed are `mass_gev`, the column of the coupling, `events` and `channel` (or `dataset` and
    `mode`, which make up its name); the lines may come in any order but must fill a rectangular
    grid. Left out, `volume` is "all", `bin` 0, `mc_error` 0 and `decays` unknown (NaN). Of other
    columns only `rel_<name>` are read. Lines that begin with `#` are comments, of which
    `# mass_unit: MeV`, `# coupling_unit: ...` and `# rel_unit: %` count.

    Parameters
    ----------
    path : Path
        The file.
    axis : CouplingAxis
        The coupling.
    channels : sequence of str, optional
        The channels of the study; every other one is an error, and so is one that is missing.
    own : bool
        A run of ours wrote the file, so that nothing in it is in another unit.

    Raises
    ------
    DataError
        Names the file, row and column of what cannot be used.
    """
    table = read_csv(path, required=(*yield_axes(axis), "events"))
    labels = _labels(table)
    check_channels(table, labels[3], channels)
    keys = list(zip(*labels, bins_of(table), strict=True))
    rows = list(dict.fromkeys(keys))
    number_of = {key: number for number, key in enumerate(rows)}
    row = np.array([number_of[key] for key in keys])
    axes = [_distinct(table, name) for name in yield_axes(axis)]
    if not own:
        _check_units(table, axis, *axes)
    (masses, mass), (couplings, coupling) = (np.unique(a, return_inverse=True) for a in axes)
    shape = (masses.size, couplings.size, len(rows))
    place = np.ravel_multi_index((mass, coupling, row), shape)
    _check_grid(table, place, masses, couplings, rows, axis)

    def on_grid(column: str, default: float, **limits: float) -> FloatArray:
        values = np.full(shape, default)
        if column in table.columns:
            values.flat[place] = table.numbers(column, **limits)
        return values

    dataset, mode, volume, channel, bins = zip(*rows, strict=True)
    return YieldTable(
        masses,
        couplings,
        dataset=dataset,
        mode=mode,
        volume=volume,
        channel=channel,
        bin=bins,
        decays=on_grid("decays", np.nan, at_least=0, empty=np.nan),
        events=on_grid("events", 0.0, at_least=0, at_most=MOST_EVENTS),
        mc_error=on_grid("mc_error", 0.0, at_least=0, empty=0),
        modifiers={
            column.removeprefix(MODIFIER_PREFIX): on_grid(column, 0.0, above=-1, empty=0)
            for column in table.columns
            if column.startswith(MODIFIER_PREFIX)
        },
    )


def _distinct(table: CsvTable, name: str) -> FloatArray:
    """Masses or couplings of every line."""
    values = table.numbers(name, above=0)
    check_distinct(table, name, values)
    return values


def _check_units(
    table: CsvTable, axis: CouplingAxis, mass: FloatArray, coupling: FloatArray
) -> None:
    """Refuse numbers that can only be in another unit."""
    check_masses(table, mass)
    check_couplings(table, coupling, axis)
    for column in table.columns:
        if column.startswith(MODIFIER_PREFIX):
            check_relative(table, column, table.numbers(column, above=-1, empty=0))
    if "mc_error" in table.columns:
        error = table.numbers("mc_error", at_least=0, empty=0)
        check_mc_error(table, error, table.numbers("events"))


def _labels(table: CsvTable) -> list[Sequence[str]]:
    """Dataset, mode, volume and channel of every line; the channel is "<dataset>_<mode>"."""
    columns: dict[str, Sequence[str]] = {**table.columns}
    if "channel" in columns:
        parts = [name.rpartition("_") for name in columns["channel"]]
        dataset = columns.get("dataset", tuple(part[0] or part[2] for part in parts))
        mode = columns.get("mode", tuple(part[2] for part in parts))
        channel = columns["channel"]
    elif "dataset" in columns and "mode" in columns:
        dataset, mode = columns["dataset"], columns["mode"]
        channel = tuple(f"{name}_{current}" for name, current in zip(dataset, mode, strict=True))
    else:
        raise DataError(f"{table.path}: lacks the column 'channel' (or 'dataset' and 'mode')")
    volume = columns.get("volume", ("all",) * len(channel))
    return [dataset, mode, volume, channel]


def bins_of(table: CsvTable) -> list[int]:
    """Index of the bin of every line, 0 where the column is left out."""
    if "bin" not in table.columns:
        return [0] * len(table.lines)
    return table.whole("bin")


def check_channels(table: CsvTable, channel: Sequence[str], known: Sequence[str] | None) -> None:
    """Compare the channels of the file with those of the study."""
    if known is None:
        return
    for line, name in zip(table.lines, channel, strict=True):
        if name not in known:
            raise DataError(
                f"{table.path}, line {line}: channel {shortened(name)!r} is unknown; the study has "
                + ", ".join(known)
            )
    missing = [name for name in known if name not in set(channel)]
    if missing:
        raise DataError(f"{table.path}: has no line for channel {missing[0]!r} of the study")


def _check_grid(
    table: CsvTable,
    place: NDArray[np.intp],
    masses: FloatArray,
    couplings: FloatArray,
    rows: Sequence[tuple[object, ...]],
    axis: CouplingAxis,
) -> None:
    """Make sure that every mass, coupling and row occurs exactly once."""
    shape = masses.size, couplings.size, len(rows)
    if (missing := first_missing(table, place, shape, "mass, coupling and channel")) is not None:
        m, d, r = missing
        raise DataError(
            f"{table.path}: the grid is not rectangular: no line for mass_gev = {masses[m]:g}, "
            f"{axis.column} = {couplings[d]:g}, {'/'.join(map(str, rows[r]))}"
        )
