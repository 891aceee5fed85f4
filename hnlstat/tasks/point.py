"""task=point: everything about one mass and coupling."""

from typing import Any

from hnlstat.report import keep
from hnlstat.report.point import describe_point, limits_of, point_tables
from hnlstat.run import stages
from hnlstat.run.current import Run
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Describe a point."""
    study = current.study
    assert given is None  # a Study with yields_from and this task is not valid
    table = keep.simulation(current).table
    experiment = keep.likelihood(current, table)
    document = describe_point(study, experiment.at(0, 0), *stages.point_of(study))
    for flow in table.cut_flows:
        document["searches"][flow.search]["efficiency"] *= float(flow.shares()[0, 0, -1])
    if study.inference.calculator == "bayesian":  # a posterior is one of all couplings
        document["limits"] = limits_of(stages.limits_at_point(study, current))
    document |= {"task": "point", "remarks": current.remarks}
    current.say(*point_tables(document, study.model.axis))
    return document
