"""hnlstat for scripts and notebooks; `import hnlstat` has it without loading it."""

from hnlstat.api.running import fit, likelihood, limits, run, simulate
from hnlstat.api.studies import study

__all__ = ["fit", "likelihood", "limits", "run", "simulate", "study"]
