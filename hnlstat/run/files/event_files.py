"""Events as parquet, HepMC3 or npz files; the columns are those of hnlstat.simulation.events."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from importlib.util import find_spec
from operator import sub
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hnlstat.physics.processes import Product
from hnlstat.physics.targets import target
from hnlstat.run.files.folder import atomic_file
from hnlstat.simulation.batches import Columns, join
from hnlstat.studies.checks import EVENT_LIBRARIES
from hnlstat.version import __version__

if TYPE_CHECKING:
    import pyhepmc

FILES = {"parquet": "events.parquet", "hepmc": "events.hepmc3", "npz": "events.npz"}
MM_PER_M = 1e3


def best_format() -> str:
    """Pick what events.format=auto writes: the first whose library is installed, else npz."""
    return next((name for name, library in EVENT_LIBRARIES.items() if find_spec(library)), "npz")


def write_events(
    path: Path, batches: Iterable[Columns], kind: str, products: Sequence[Product]
) -> None:
    """Write events, all or nothing.

    Parameters
    ----------
    path : file to write
    batches : at least one, each with columns of equal length; only npz holds all in memory
    kind : "parquet", "hepmc" or "npz"
    products : what N decays to, whose names the columns have

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_file(path) as temporary:
        WRITERS[kind](temporary, batches, products)


def _write_npz(path: Path, batches: Iterable[Columns], _: Sequence[Product]) -> None:
    content: dict[str, Any] = join(list(batches))
    with path.open("wb") as file:
        np.savez(file, **content)


def _write_parquet(path: Path, batches: Iterable[Columns], _: Sequence[Product]) -> None:
    from pyarrow import parquet

    tables = map(_arrow_table, batches)
    first = next(tables)
    with (
        path.open("wb") as file,
        parquet.ParquetWriter(file, first.schema, compression="zstd") as writer,
    ):
        for table in itertools.chain([first], tables):
            writer.write_table(table)


def _arrow_table(events: Columns) -> Any:
    """Columns as Arrow has them, text as a dictionary."""
    import pyarrow

    arrays = {name: pyarrow.array(column) for name, column in events.items()}
    for name, column in events.items():
        if column.dtype.kind == "U":
            arrays[name] = arrays[name].dictionary_encode()
    return pyarrow.table(arrays)


def _write_hepmc(path: Path, batches: Iterable[Columns], products: Sequence[Product]) -> None:
    import pyhepmc

    run = pyhepmc.GenRunInfo()
    remaining = iter(batches)
    first = next(remaining)
    names = [name for name in first if name.partition("_")[0] == "weight"]
    run.weight_names = names
    run.tools = [("hnlstat", __version__, "")]
    rows = itertools.chain.from_iterable(map(_rows, itertools.chain([first], remaining)))
    with path.open("wb") as file, pyhepmc.open(file, "w") as writer:
        for number, row in enumerate(rows):
            event = _hepmc_event(row, products)
            event.run_info, event.event_number = run, number
            event.weights = [row[name] for name in names]
            writer.write(event)


def _rows(events: Columns) -> Iterator[dict[str, Any]]:
    """Events one by one, as Python's own numbers and strings."""
    for values in zip(*(column.tolist() for column in events.values()), strict=True):
        yield dict(zip(events, values, strict=True))


def _hepmc_event(row: dict[str, Any], products: Sequence[Product]) -> pyhepmc.GenEvent:
    """Graph of an event: beam and target at rest to N and recoil, N to neutrino and products."""
    import pyhepmc

    def particle(name: str, code: int, status: int) -> pyhepmc.GenParticle:
        vector = [row[f"{name}_{part}"] for part in ("px", "py", "pz", "e")]
        return pyhepmc.GenParticle(vector, code, status)

    along = [row[f"nu_p{axis}"] for axis in "xyz"] if "nu_px" in row else [0, 0, row["nu_e"]]
    beam = pyhepmc.GenParticle([*along, row["nu_e"]], row["nu_pdg"], 4)
    mass = target(row["target"].removeprefix("bound ")).mass
    struck = pyhepmc.GenParticle([0, 0, 0, mass], row["target_pdg"], 4)
    n = particle("n", row["n_pdg"], 2)
    seen = [particle(product.name, product.code, 1) for product in products]
    recoil = pyhepmc.GenParticle(beam.momentum + struck.momentum - n.momentum, row["target_pdg"], 1)
    ends = list(seen)
    if "decay_nu_pdg" in row:
        left = reduce(sub, (one.momentum for one in seen), n.momentum)
        ends.insert(0, pyhepmc.GenParticle(left, row["decay_nu_pdg"], 1))
    made = [row[f"vertex_{axis}"] * MM_PER_M for axis in "xyz"]
    ended = [row[f"decay_{axis}"] * MM_PER_M for axis in "xyz"]
    time = math.dist(made, ended) * n.momentum.e / n.momentum.p3mod()
    event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    production, decay = pyhepmc.GenVertex([*made, 0]), pyhepmc.GenVertex([*ended, time])
    for incoming in (beam, struck):
        production.add_particle_in(incoming)
    for outgoing in (n, recoil):
        production.add_particle_out(outgoing)
    decay.add_particle_in(n)
    for outgoing in ends:
        decay.add_particle_out(outgoing)
    event.add_vertex(production)
    event.add_vertex(decay)
    for name in ("dataset", "mode", "volume", "target", "n_helicity"):
        event.attributes[name] = row[name]
    return event


WRITERS: dict[str, Callable[[Path, Iterable[Columns], Sequence[Product]], None]] = {
    "npz": _write_npz,
    "parquet": _write_parquet,
    "hepmc": _write_hepmc,
}
