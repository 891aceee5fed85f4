"""What is known between the masses of a grid, for contours that do not cut corners."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.study import Study
from hnlstat.inference.limits.limits import MassLimits
from hnlstat.inference.limits.sensitivity import SensitivityField
from hnlstat.inference.limits.yields import CouplingYields
from hnlstat.likelihood import experiment as likelihood
from hnlstat.likelihood.experiment import Experiment
from hnlstat.search.masses import Simulation

STEP = 0.03
"""Of ln(mass), at most: kinks of efficiency and branching ratio are cut by a few per mille."""


def between(
    study: Study, source: Simulation, experiment: Experiment, results: Sequence[MassLimits]
) -> SensitivityField | None:
    """Sensitivity at the masses of the results and at others between these.

    Parameters
    ----------
    source
        The Study's simulation on its grid.
    experiment
        The likelihood with its yields there.
    results
        Limits at masses of the grid, rising; where there are none for a reason is passed over.

    Returns
    -------
    SensitivityField or None
        None for fewer than two masses.
    """
    known = np.array([result.mass_gev for result in results if result.profiles])
    if known.size < 2:
        return None
    masses = _with_steps(known)
    added = np.setdiff1d(masses, known)
    signal = dict(zip(source.table.masses.tolist(), experiment.signal, strict=True))
    if added.size:
        more = likelihood.experiment(study, source.between(added))
        signal |= dict(zip(added.tolist(), more.signal, strict=True))
    couplings = source.table.couplings
    yields = [CouplingYields.build(couplings, signal[mass]) for mass in masses.tolist()]
    return SensitivityField.build(masses, yields, experiment.base)


def _with_steps(masses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give masses with as many between them as it takes, shape (N,)."""
    parts = [masses]
    for low, high in itertools.pairwise(masses.tolist()):
        number = int(np.ceil(np.log(high / low) / STEP))
        parts.append(np.geomspace(low, high, number + 1)[1:-1])
    return np.sort(np.concatenate(parts))
