"""Patch sets of pyhf: the signal of each grid point, as a change of the background's workspace.

The background-only workspace together with a patch set is what likelihoods are published as
(ATL-PHYS-PUB-2019-029).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.likelihood.model import CountingModel
from hnlstat.likelihood.workspace import (
    VERSION,
    FloatArray,
    background_only,
    digest,
    signal_samples,
)

MASS_LABEL = "mass_gev"
NOT_ON_HEPDATA = "ins0000000"
_POINTS_AT_ONCE = 1000


@dataclass(frozen=True, eq=False)
class SignalGrid:
    """The signal at P points of the (mass, coupling) plane, in C bins.

    Attributes
    ----------
    masses, couplings : (P,) [GeV], [unit of the model]
    signal : (P, C) expected events
    modifiers : name -> (P, C) relative change of the signal at +1 sigma
    mc_error : (P, C) relative Monte Carlo error of the signal
    """

    masses: FloatArray
    couplings: FloatArray
    signal: FloatArray
    modifiers: Mapping[str, FloatArray]
    mc_error: FloatArray

    def parts(self, points: int) -> Iterator["SignalGrid"]:
        """Give the grid in parts of at most so many points."""
        for start in range(0, len(self.signal), points):
            one = slice(start, start + points)
            modifiers = {name: change[one] for name, change in self.modifiers.items()}
            yield SignalGrid(
                self.masses[one],
                self.couplings[one],
                self.signal[one],
                modifiers,
                self.mc_error[one],
            )


def patch_name(mass: float, coupling: float, digits: int = 6) -> str:
    """Name of the patch of a point: letters, digits and _ only, "." as p, "-" as m."""
    text = f"mass_{mass:.{digits}g}_coupling_{coupling:.{digits}g}"
    return text.replace(".", "p").replace("-", "m").replace("+", "")


def _digits(grid: SignalGrid) -> int:
    """Return to how many digits masses and couplings are written, so that all patches differ."""
    for axis in map(np.unique, (grid.masses, grid.couplings)):
        if len({f"{value:.6g}" for value in axis.tolist()}) < axis.size:
            return 17
    return 6


def patchset(
    background: CountingModel,
    grid: SignalGrid,
    description: str,
    coupling: str,
    hepdata: str = NOT_ON_HEPDATA,
) -> dict[str, Any]:
    """Return the patch set that brings the signal of each grid point; see `lazy_patchset`."""
    content = lazy_patchset(background, grid, description, coupling, hepdata)
    return content | {"patches": list(content["patches"])}


def lazy_patchset(
    background: CountingModel,
    grid: SignalGrid,
    description: str,
    coupling: str,
    hepdata: str = NOT_ON_HEPDATA,
) -> dict[str, Any]:
    """Return the patch set with an iterator of its patches, as all of them take much memory.

    Points without any signal are left out: `mu` would have no meaning there.

    Parameters
    ----------
    background
        The model whose `background_only` workspace the patches are for; its digest is stored.
    grid
        Signals; each point becomes one patch with values (mass, coupling).
    description
        What the patches represent.
    coupling
        Label of the coupling, such as "coupling_inv_gev".
    hepdata
        HEPData record, "ins" and seven digits; the schema demands one.

    Raises
    ------
    InferenceError
        If no point has a signal.
    """
    if not np.any(grid.signal):
        raise InferenceError("no grid point has a signal: there is nothing to put into a patch set")
    digits = _digits(grid)
    return {
        "metadata": {
            "name": "hnlstat",
            "description": description,
            "digests": {"sha256": digest(background_only(background))},
            "labels": [MASS_LABEL, coupling],
            "references": {"hepdata": hepdata},
        },
        "patches": chain.from_iterable(
            _patches(background.members, part, digits) for part in grid.parts(_POINTS_AT_ONCE)
        ),
        "version": VERSION,
    }


def _patches(
    members: Mapping[str, NDArray[np.intp]], grid: SignalGrid, digits: int
) -> Iterator[dict[str, Any]]:
    """Give the patches of the points with a signal, whose names have so many digits."""
    samples = signal_samples(members, grid.signal, grid.modifiers, grid.mc_error)
    points = zip(grid.masses.tolist(), grid.couplings.tolist(), strict=True)
    used = np.any(grid.signal, axis=1)
    for point, mine, signal in zip(points, samples, used.tolist(), strict=True):
        if signal:
            yield {
                "metadata": {"name": patch_name(*point, digits), "values": list(point)},
                "patch": [
                    {"op": "replace", "path": f"/channels/{i}/samples/0", "value": sample}
                    for i, sample in enumerate(mine)
                ],
            }
