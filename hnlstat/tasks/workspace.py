"""task=workspace: yields and the pyhf workspace of every grid point."""

from typing import Any

from hnlstat.report import keep
from hnlstat.run.current import Run
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Build the likelihood, and no more."""
    table = keep.simulated_or_given(current, given)
    experiment = keep.likelihood(current, table)
    return {
        "task": "workspace",
        "remarks": current.remarks,
        "channels": list(experiment.base.members),
        "patches": table.masses.size * table.couplings.size,
    }
