"""task=efficiency: how searches compare with others, mass by mass."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from hnlstat.config.study import Study
from hnlstat.config.task import EfficiencyTask
from hnlstat.report import keep
from hnlstat.report.wording import mev_text
from hnlstat.run.current import Rows, Run
from hnlstat.run.stages import simulate
from hnlstat.search.kept import looked_for
from hnlstat.search.table import YieldTable
from hnlstat.studies.checks import reference

Array = NDArray[np.float64]

COLUMNS = ("place", "decays_to_channel", "events", "events_reference", "ratio")
"""Behind mass and coupling. `place` says which coupling it is: that of the task, or where the
reference expects its events; `decays_to_channel` are of N within the angle that is simulated."""


@dataclass(frozen=True)
class Ratio:
    """Events of two searches at one mass and coupling; NaN for the coupling: there is none."""

    mass: float
    coupling: float
    place: str
    decays: float
    events: float
    reference: float

    @property
    def ratio(self) -> float:
        """Events of the searches over those of the reference."""
        return self.events / self.reference if self.reference > 0 else np.nan


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Find the events that the searches keep over those that a reference keeps."""
    study = current.study
    assert given is None  # a Study with yields_from and this task is not valid
    assert isinstance(study.task, EfficiencyTask)
    search = reference(study.task).datasets[0].search
    other = study.replace(datasets=tuple(d.replace(search=search) for d in study.datasets))
    _check_decays(current, study, other)
    masses, axis = study.scan.mass.array(), study.model.axis
    couplings = np.unique([*study.scan.coupling.array(), compared_at(study)])
    mine = simulate(study, masses, couplings, current).table
    keep.yields(current, mine)
    theirs = simulate(other, masses, couplings, current).table
    ratios = list(compare_events(study, mine, theirs))
    columns = ("mass_gev", axis.column, *COLUMNS)
    current.keep_rows("efficiency.csv", Rows(columns, tuple(map(_row, ratios))))
    current.say(screen_table(ratios, study))
    return {
        "task": "efficiency",
        "remarks": current.remarks,
        "ratios": [
            {"mass_gev": r.mass, "place": r.place, axis.column: r.coupling, "ratio": r.ratio}
            for r in ratios
            if np.isfinite(r.ratio)
        ],
    }


def compared_at(study: Study) -> float:
    """The coupling to compare at: that of the task, or the usual one."""
    assert isinstance(study.task, EfficiencyTask)
    asked = study.task.coupling or study.model.axis.compared_at
    return asked or float(study.scan.coupling.array()[0])


def _check_decays(current: Run, study: Study, other: Study) -> None:
    """Say so where the two look for different decays."""
    mine, theirs = (", ".join(s.final_states) for s in (study, other))
    if mine != theirs:
        current.remark(
            f"the searches look for decays to {mine}, those of task.reference to {theirs}: ratios "
            "are of events of different decays, not of efficiencies for the same"
        )


def compare_events(study: Study, mine: YieldTable, theirs: YieldTable) -> Iterator[Ratio]:
    """Events of two tables on one grid at the coupling of the task, and where `theirs` has enough.

    Between couplings the logarithms are linear.
    """
    task = study.task
    assert isinstance(task, EfficiencyTask)
    made = looked_for(study, mine)
    with np.errstate(divide="ignore"):
        x = np.log(mine.couplings)
        logs = [np.log(a) for a in (made, mine.events.sum(axis=-1), theirs.events.sum(axis=-1))]
    for i, mass in enumerate(mine.masses.tolist()):
        for place, at in (
            ("coupling", np.log(compared_at(study))),
            ("events", _first_crossing(x, logs[2][i], np.log(task.events))),
        ):
            values = [float(np.exp(np.interp(at, x, log[i]))) for log in logs]
            yield Ratio(mass, float(np.exp(at)), place, *values)


def _first_crossing(x: Array, y: Array, level: float) -> float:
    """Where y first rises to a level, NaN where it does not."""
    above = np.flatnonzero((y[1:] >= level) & (y[:-1] < level))
    if not above.size:
        return np.nan
    i = int(above[0])
    share = (level - y[i]) / (y[i + 1] - y[i]) if np.isfinite(y[i]) else 1.0
    return float(x[i] + share * (x[i + 1] - x[i]))


def _row(ratio: Ratio) -> tuple[str, ...]:
    values = (ratio.decays, ratio.events, ratio.reference, ratio.ratio)
    shown = (f"{value:.6g}" if np.isfinite(value) else "" for value in values)
    coupling = f"{ratio.coupling:.6g}" if np.isfinite(ratio.coupling) else ""
    return (f"{ratio.mass:.10g}", coupling, ratio.place, *shown)


def screen_table(ratios: list[Ratio], study: Study) -> Table:
    """Ratios by mass, at the two couplings."""
    task, axis = study.task, study.model.axis
    assert isinstance(task, EfficiencyTask)
    table = Table(
        "mass", axis.text(compared_at(study)), f"where it expects {task.events:g} events",
        title=f"events over those with {' '.join(task.reference)}",
    )  # fmt: skip
    by_mass: dict[float, list[str]] = {}
    for r in ratios:
        where = f" ({axis.name} = {r.coupling:.2g})" if r.place == "events" else ""
        by_mass.setdefault(r.mass, []).append(
            f"{r.ratio:.3g}{where}" if np.isfinite(r.ratio) else "-"
        )
    for mass, cells in by_mass.items():
        table.add_row(f"{mev_text(mass)} MeV", *cells)
    return table
