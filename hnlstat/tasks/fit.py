"""task=fit: best fit and contours of mass and coupling."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from hnlstat.config.task import FitTask
from hnlstat.inference.fit.fit import FitResult
from hnlstat.report import keep
from hnlstat.report.gallery import draw
from hnlstat.report.spectrum_figure import COLUMNS, spectrum_rows
from hnlstat.report.words import beside_text
from hnlstat.run.beside import Distribution, distributions
from hnlstat.run.current import Rows, Run
from hnlstat.run.fitting import fit, share_from_rock
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Fit the data over the plane."""
    study, task = current.study, current.study.task
    assert isinstance(task, FitTask)
    table = keep.simulated_or_given(current, given)
    experiment = keep.likelihood(current, table)
    found = fit(task, table, experiment, current)
    best = found.best
    keep.contours(current, found.regions)
    rock = share_from_rock(study, table, best)
    current.say(_table(best))
    if best.goodness["degrees_of_freedom"] > 0:
        current.say(_goodness(best, rock))
    if shown_beside := distributions(study, experiment, best, current):
        current.keep_rows("spectrum.csv", Rows(COLUMNS, tuple(spectrum_rows(shown_beside))))
    beside = [_indicative(one) for one in shown_beside if not one.fitted]
    current.say(*map(beside_text, beside))
    summary = {
        "task": "fit",
        "remarks": current.remarks,
        "validity": best.validity,
        "improvement": best.improvement,
        "nll": best.nll,
        "goodness": {k: None if v != v else v for k, v in best.goodness.items()},
        "share_from_rock": rock,
        "beside": beside,
        "parameters": [asdict(parameter) for parameter in best.parameters],
        "impacts": [asdict(impact) for impact in best.impacts],
        "expected": dict(zip(experiment.base.labels, best.expected, strict=True)),
        "delta_2nll": {f"{level:.8g}": end for level, end in found.levels.items()},
    }
    draw(current, summary)
    return summary


def _table(best: FitResult) -> Table:
    """Return the best fit for the screen."""
    title = f"best fit, -2 Delta ln L to no signal {best.improvement:.2f}"
    shown = Table("parameter", "best fit", "error", "MINOS 68 %", title=title)
    for p in best.parameters:
        ends = ("open" if end is None else f"{end:.4g}" for end in (p.lower, p.upper))
        interval = " .. ".join(ends) if p.name in ("mass", "coupling") else ""
        shown.add_row(p.name, f"{p.value:.4g}", f"{p.error:.2g}", interval)
    return shown


def _goodness(best: FitResult, rock: float | None) -> str:
    """How well the best fit agrees with the data, in words."""
    good = best.goodness
    text = (
        f"chi2 {good['chi2']:.1f} for {good['degrees_of_freedom']} degrees of freedom "
        f"(p = {good['p_value']:.2g}); without signal {good['chi2_no_signal']:.1f}"
    )
    return text if rock is None else f"{text}; {rock:.0%} of the signal from N made in rock"


def _indicative(one: Distribution) -> dict[str, Any]:
    """Chi-square of what is not in the likelihood, of the best fit and without signal."""
    return {
        "channel": one.channel,
        "observable": one.observable,
        "bins": one.observed.size,
        "chi2": one.chi2(one.prediction),
        "chi2_no_signal": one.chi2(one.background),
    }
