"""How much of the yield the limits of the sampled volume leave out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.search.masses import RunJobs, simulate_study
from hnlstat.search.yields import RELEVANT_EVENTS

Array = NDArray[np.float64]

MASSES, COUPLINGS = 3, 9
"""Of a grid, at how many of each the question is asked."""

_PRECISION = 0.5


@dataclass(frozen=True)
class LeftOut:
    """The largest share of all events that lies outside the sampled volume, and where."""

    share: float
    mass: float
    coupling: float


def left_out(study: Study, masses: Array, couplings: Array, run: RunJobs) -> LeftOut | None:
    """Compare yields with those of the whole described world, with the same random numbers.

    These have the same rays in both, so that few are enough.

    Parameters
    ----------
    study : its `simulation.radius` and `simulation.upstream` are in question
    masses, couplings : (M,) [GeV] and (D,); some of them are looked at
    run : runs jobs and returns their samples in order

    Returns
    -------
    The largest share where yields matter; None where the whole world is sampled, and without
    survival, where yields have no volume that they converge to.
    """
    simulation = study.simulation
    if not simulation.survival or simulation.radius == simulation.upstream == "auto":
        return None
    axes = _some(masses, MASSES), _some(couplings, COUPLINGS)
    rough = simulation.replace(precision=_PRECISION)
    whole = rough.replace(radius="auto", upstream="auto", decay_lengths=None)
    found, everything = (
        np.sum([table.total(name)[0] for name in dict.fromkeys(table.dataset)], axis=0)
        for table in (
            simulate_study(study.replace(simulation=each), *axes, run) for each in (rough, whole)
        )
    )
    share = np.zeros_like(everything)
    np.divide(everything - found, everything, out=share, where=everything >= RELEVANT_EVENTS)
    i, j = np.unravel_index(np.argmax(share), share.shape)
    return LeftOut(float(share[i, j]), float(axes[0][i]), float(axes[1][j]))


def _some(values: Array, number: int) -> Array:
    """At most so many of the values, from the first to the last."""
    place = np.unique(np.linspace(0, values.size - 1, number).round().astype(int))
    return np.asarray(values[place])
