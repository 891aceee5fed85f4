"""task=point: everything about one mass and coupling."""

from typing import Any

from hnlstat.report import keep
from hnlstat.report.point import describe_point, point_tables
from hnlstat.run.current import Run
from hnlstat.run.stages import point_of
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Describe a point."""
    study = current.study
    assert given is None  # a Study with yields_from and this task is not valid
    table = keep.simulation(current).table
    experiment = keep.likelihood(current, table)
    document = describe_point(study, experiment.at(0, 0), *point_of(study))
    for flow in table.cut_flows:
        document["searches"][flow.search]["efficiency"] *= float(flow.shares()[0, 0, -1])
    document |= {"task": "point", "remarks": current.remarks}
    current.say(*point_tables(document, study.model.axis))
    return document
