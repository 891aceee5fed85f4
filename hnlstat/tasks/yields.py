"""task=yields: the table of yields."""

from typing import Any

from hnlstat.report import keep
from hnlstat.run.current import Run
from hnlstat.search.table import YieldTable


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Simulate, and no more."""
    table = keep.simulated_or_given(current, given)
    return {"task": "yields", "remarks": current.remarks, "rows": table.events.size}
