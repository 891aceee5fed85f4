"""task=events: weighted events of one mass, with a weight for each coupling."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hnlstat.physics.processes import Kaons, Product
from hnlstat.run.current import Run
from hnlstat.run.files.event_files import FILES, best_format, write_events
from hnlstat.run.stages import point_of
from hnlstat.search.table import YieldTable
from hnlstat.simulation.batches import Batches, Columns, EventModel, join
from hnlstat.simulation.kaon_events import kaon_jobs
from hnlstat.simulation.strata import Job, divide, strata
from hnlstat.simulation.tally import Tally

BATCHES_IN_MEMORY = 16
"""Of events, between their making and the file: some 10 MB each."""


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Make events, batch by batch into the file where there is one."""
    study = current.study
    assert given is None  # a Study with yields_from and this task is not valid
    mass, coupling = point_of(study)
    couplings = (coupling, *study.events.couplings)
    model = EventModel.of(study, mass, couplings)
    assert model.decay is not None  # a Study whose model does not sample it is not valid
    kaons = isinstance(study.model.source, Kaons)
    jobs: Sequence[Job] = [*kaon_jobs(study, model)] if kaons else strata(study, model)
    spreads = current.map("planning", Batches.spread, jobs)
    axis, (state,) = study.model.axis, study.final_states
    tally = Tally(couplings, axis.column, state)
    batches = tally.passing(_batches(current, [*divide(jobs, spreads, study.events.number)]))
    kind = study.events.format if study.events.format != "auto" else best_format()
    if kaons and kind == "hepmc":  # of auto, see studies.checks
        kind = "npz"
    if current.folder is None:
        current.keep(FILES[kind], join(list(batches)), partial(_write, kind, model.decay.products))
    else:
        write_events(current.folder.file(FILES[kind]), batches, kind, model.decay.products)
    found = tally.expectations()
    for row in found:
        current.say(
            f"{row['channel']}, {axis.text(row[axis.column], 6)}: {row[f'decays_to_{state}']:.4g} "
            f"+- {row['mc_error']:.2g} decays to {state} expected"
        )
    return {"task": "events", "remarks": current.remarks, "file": FILES[kind],
            "rows": tally.rows, "mass_gev": mass, "expected": found}  # fmt: skip


def _batches(current: Run, parts: Sequence[Job]) -> Iterator[Columns]:
    for start in range(0, len(parts), BATCHES_IN_MEMORY):
        yield from current.map("events", Batches.run, parts[start : start + BATCHES_IN_MEMORY])


def _write(kind: str, products: Sequence[Product], path: Path, events: Columns) -> None:
    write_events(path, [events], kind, products)
