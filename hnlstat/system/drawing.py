"""Drawing that depends on nobody's settings of matplotlib, and changes none."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any


def own_settings(settings: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Draw with matplotlib's defaults and these settings while the block runs."""
    import matplotlib as mpl  # takes 0.3 s, which workers and --help need not spend

    # to ask for the backend would choose one
    every: dict[Any, Any] = {k: v for k, v in mpl.rcParamsDefault.items() if k != "backend"}
    return mpl.rc_context(every | dict(settings))
