"""Everything about one (mass, coupling): lifetime, branching ratios, yields, tests."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.table import Table

from hnlstat.config.coupling import CouplingAxis
from hnlstat.config.study import Study
from hnlstat.inference.engines.asymptotic import AsymptoticCalculator
from hnlstat.inference.engines.calculators import choose
from hnlstat.inference.engines.toys import ToySettings
from hnlstat.inference.limits.discovery import DiscoveryTests
from hnlstat.inference.limits.limits import MassLimits
from hnlstat.inference.results import BANDS, Calculator
from hnlstat.likelihood.model import CountingModel
from hnlstat.physics.constants import HBAR_C_GEV_M
from hnlstat.report.wording import level_text
from hnlstat.search.kept import branching_ratio, efficiency

MOST_SIGMAS = 7.0
"""Of a discovery; beyond, a smaller signal gives a bound."""


def describe_point(
    study: Study, model: CountingModel, mass: float, coupling: float
) -> dict[str, Any]:
    """Content of `summary.json` of task=point.

    Parameters
    ----------
    study : the model of N, the searches and the calculator are used
    model : the counting experiment with the signal of the point
    mass, coupling : of N [GeV], [unit of the model]
    """
    physics = study.model
    kappa = float(physics.inverse_decay_length(np.array([mass]), np.array([coupling]))[0, 0])
    inference = study.inference
    toys = ToySettings(inference.toys, inference.seed)
    name, calculator = choose(inference.tester, model, toys)
    engines: dict[str, Calculator] = {name: calculator, "asymptotic": AsymptoticCalculator()}
    return {
        "mass_gev": mass,
        physics.axis.column: coupling,
        "width_gev": kappa * HBAR_C_GEV_M,
        "proper_decay_length_m": 1 / kappa,
        "branching_ratio": {s: float(physics.branching(mass, s)) for s in physics.final_states},
        "searches": {
            search.name: {
                "final_state": search.final_state,
                "branching_ratio": float(branching_ratio(study, search, mass)),
                "efficiency": float(efficiency(search, mass)),
            }
            for _, search in study.searches
        },
        "channels": [
            {
                "channel": channel,
                "signal": model.signal[i],
                "mc_error": model.signal[i] * model.mc_error[i],
                "background": model.background[i],
                "observed": None if model.observed is None else model.observed[i],
            }
            for i, channel in enumerate(model.labels)
        ],
        "tests": {key: _tests(engine, model) for key, engine in engines.items()},
    }


def _tests(engine: Calculator, model: CountingModel) -> dict[str, Any] | None:
    if not model.signal.any():
        return None
    discovery, more = DiscoveryTests(engine, MOST_SIGMAS).test(model)
    return asdict(engine.exclusion(model.capped())) | {
        "p0_expected": discovery.p0_expected,
        "significance_expected": discovery.significance,
        "p0_is_bound": more > 1.0,
    }


def limits_of(found: MassLimits) -> list[dict[str, Any]]:
    """List the limits at the mass of a point."""
    columns = ("level", "kind", "branch", "method", "coupling", "open", "error")
    return [{name: getattr(limit, name) for name in columns} for limit in found.limits]


def point_tables(document: dict[str, Any], axis: CouplingAxis) -> Iterator[Table]:
    """Tables for the screen of what `describe_point` gives."""
    ratios = ", ".join(f"{c} {b:.3g}" for c, b in document["branching_ratio"].items() if b > 0)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("mass", f"{document['mass_gev']:.4g} GeV")
    facts.add_row("coupling", axis.amount(document[axis.column], 4))
    facts.add_row("proper decay length", f"{document['proper_decay_length_m']:.3g} m")
    facts.add_row("branching ratios", ratios)
    for name, search in document["searches"].items():
        facts.add_row(f"efficiency ({name})", f"{search['efficiency']:.3g}")
    yield facts

    yields = Table("channel", "signal", "background", "observed", title="events")
    for row in document["channels"]:
        seen = "-" if row["observed"] is None else f"{row['observed']:g}"
        signal = f"{row['signal']:.4g} ± {row['mc_error']:.1g} (MC)"
        yields.add_row(row["channel"], signal, f"{row['background']:.3g}", seen)
    yield yields

    tests = {name: test for name, test in document["tests"].items() if test is not None}
    results = Table("test at mu = 1", *tests, title="p-values")
    if any(test["cls_observed"] is not None for test in tests.values()):
        results.add_row("CLs observed", *(f"{t['cls_observed']:.4g}" for t in tests.values()))
    for i, z in enumerate(BANDS):
        shift = f" {z:+d} sigma" if z else ""
        row = (f"{test['cls_expected'][i]:.4g}" for test in tests.values())
        results.add_row(f"CLs expected{shift}", *row)
    median = (
        f"{'> ' if t['p0_is_bound'] else ''}{t['significance_expected']:.2f} sigma"
        for t in tests.values()
    )
    results.add_row("discovery, median", *median)
    if tests:
        yield results
    if limits := document.get("limits"):
        found = Table("limit", "coupling", "error", title=f"limits at this mass, {axis.name}")
        for limit in (limit for limit in limits if limit["branch"] == "lower"):
            error = "" if limit["error"] is None else f"{limit['error']:.1%}"
            test = limit["method"].rpartition(" ")[2]
            name = f"{level_text(limit['level'])} {test} {limit['kind'].replace('_', ' ')}"
            found.add_row(name, axis.amount(limit["coupling"], 4), error)
        yield found
