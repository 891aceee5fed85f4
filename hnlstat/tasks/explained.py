"""task=explained: what a fit to an excess prefers, and which part of it other data test."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hnlstat.bounds import chosen_bounds, comparable
from hnlstat.config.task import ExplainedTask
from hnlstat.report import keep
from hnlstat.report.explained_figure import probes_document
from hnlstat.report.explained_text import screen_table, sentences
from hnlstat.report.gallery import draw
from hnlstat.report.wording import fit_level_text
from hnlstat.run import stages
from hnlstat.run.current import Rows, Run
from hnlstat.run.explaining import Probe, Tested, closed, compare, probe
from hnlstat.run.fitting import Fitted, fit
from hnlstat.search.table import YieldTable
from hnlstat.studies.explained import others

COLUMNS = (
    "test", "label", "kind", "level", "region", "area", "likelihood", "best_fit", "whole_gev",
    "part_gev", "apart", "apart_at_gev",
)  # fmt: skip


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Fit the data, find the limits of the tests, and compare them with what the fit prefers."""
    study, task = current.study, current.study.task
    assert isinstance(task, ExplainedTask)
    studies = others(study)
    for test in studies.values():
        stages.given(test)  # faults of their likelihoods cost no time
    table = keep.simulated_or_given(current, given)
    experiment = keep.likelihood(current, table)
    found = fit(task, table, experiment, current)
    keep.contours(current, found.regions)
    for text in _remarks(found):
        current.remark(text)
    probes = []
    if closed(found):
        labels = {name: test.label for name, test in task.tests.items()}
        probes = [probe(test, labels[name], found, current) for name, test in studies.items()]
    axis = study.model.axis
    bounds = comparable(chosen_bounds(study.bounds, axis), axis)
    tested = tuple(compare(found, probes, bounds))
    current.keep_rows("explained.csv", Rows(COLUMNS, tuple(map(_row, tested))))
    current.keep_json("explained.json", probes_document(probes))
    summary = _summary(current, found, probes, tested)
    draw(current, summary)
    if probes:
        current.say(screen_table(summary, axis))
    current.say(*sentences(summary, axis))
    return summary


def _remarks(found: Fitted) -> Iterator[str]:
    """What to know of the regions: those that are none, and those that go on beyond the grid."""
    if not closed(found):
        yield "the data prefer no region to no signal: there is nothing to test"
    elif endless := [fit_level_text(x) for x in found.levels if x not in closed(found)]:
        yield (
            f"no signal at all lies within -2 Delta ln L = {found.best.improvement:.2f}, in the "
            f"regions {', '.join(endless)}: these have no end, and no share of them is given"
        )
    for end, key in (
        ("low masses", "low_mass_open"),
        ("high masses", "high_mass_open"),
        ("small couplings", "coupling_low_open"),
        ("large couplings", "coupling_high_open"),
    ):
        levels = {region.level for region in found.regions if getattr(region, key)}
        if named := [fit_level_text(level) for level in closed(found) if level in levels]:
            yield (
                f"regions that go on beyond the grid at {end}: {', '.join(named)}; shares are of "
                "their parts within"
            )


def _row(tested: Tested) -> tuple[object, ...]:
    share = tested.share
    ranges = (
        "; ".join(f"{low:.5g} - {high:.5g}" for low, high in ranges)
        for ranges in (share.whole, share.part)
    )
    return (
        tested.test, tested.label, tested.kind,
        "" if tested.level is None else f"{tested.level:.12g}", f"{tested.region:.12g}",
        f"{share.area:.5g}", f"{share.likelihood:.5g}", str(share.best_fit).lower(), *ranges,
        *("" if value is None else f"{value:.5g}" for value in (share.apart, share.apart_at)),
    )  # fmt: skip


def _summary(
    current: Run, found: Fitted, probes: Sequence[Probe], tested: Sequence[Tested]
) -> dict[str, Any]:
    best, mine = found.best, current.study.assumptions()
    assumed = {one.name: one.study.assumptions() for one in probes}
    column = current.study.model.axis.column
    return {
        "task": "explained",
        "remarks": current.remarks,
        "validity": best.validity,
        "best_fit": {"mass_gev": best["mass"].value, column: best["coupling"].value},
        "improvement": best.improvement,
        "goodness": {k: None if v != v else v for k, v in best.goodness.items()},
        "regions": [*closed(found)],
        "tests": [
            {
                "name": one.name,
                "label": one.label,
                "data": one.title,
                "kind": one.kind,
                "signal_at_best_fit": one.signal,
                "background": one.background,
                "assumed": [key for key in assumed[one.name] if key not in mine],
            }
            for one in probes
        ],
        "shares": [_flat(one) for one in tested],
        "assumed": {k: why for keys in assumed.values() for k, why in keys.items()},
    }


def _flat(tested: Tested) -> dict[str, Any]:
    content: dict[str, Any] = asdict(tested)
    share: dict[str, Any] = content.pop("share")
    return content | share
