"""pyhf workspaces and patch sets of a counting experiment.

JSON as the HistFactory schema 1.0.0 of pyhf has it. The background-only workspace together with a
patch set is what likelihoods are published as (ATL-PHYS-PUB-2019-029): each patch brings the
signal of one (mass, coupling) point.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyhf
from numpy.typing import NDArray

from hnlstat.errors import InferenceError
from hnlstat.inference.model import CountingModel

FloatArray = NDArray[np.float64]

PARAMETER_OF_INTEREST = "mu"
LABELS = ("mass_gev", "coupling_inv_gev")
NOT_ON_HEPDATA = "ins0000000"

_VERSION = "1.0.0"
_SIGNAL = "signal"


@dataclass(frozen=True, eq=False)
class GridPoint:
    """The model at one point of the (mass [GeV], coupling [GeV^-1]) plane."""

    mass_gev: float
    coupling_inv_gev: float
    model: CountingModel

    @property
    def name(self) -> str:
        """Name of the point's patch: letters, digits and _ only, "." as p, "-" as m."""
        text = f"mass_{self.mass_gev:.6g}_coupling_{self.coupling_inv_gev:.6g}"
        return text.replace(".", "p").replace("-", "m").replace("+", "")


def workspace(model: CountingModel) -> dict[str, Any]:
    """Return the workspace with signal and background, its parameter of interest `mu`.

    Without data the observations are the expected background.
    """
    observed = model.background if model.observed is None else model.observed
    # mu is tested at 1; a fit beyond the default bound of 10 could not change that test
    parameter = {"name": PARAMETER_OF_INTEREST, "bounds": [[0.0, 10.0]], "inits": [1.0]}
    config = {"poi": PARAMETER_OF_INTEREST, "parameters": [parameter]}
    return {
        "channels": [
            {
                "name": name,
                "samples": [_signal_sample(model, name), _background_sample(model, name)],
            }
            for name in model.members
        ],
        "observations": [
            {"name": name, "data": observed[rows].tolist()} for name, rows in model.members.items()
        ],
        "measurements": [{"name": "hnl", "config": config}],
        "version": _VERSION,
    }


def background_only(model: CountingModel) -> dict[str, Any]:
    """Return the workspace with an empty signal, which a patch replaces by that of a grid point.

    The empty signal sample keeps `mu` declared: without it pyhf and cabinetry refuse to build the
    model, and a patch of the channels alone could not bring it back.
    """
    return workspace(model.with_signal([0.0] * len(model.channels), signal_modifiers={}))


def patchset(
    background_only_spec: dict[str, Any],
    points: Iterable[GridPoint],
    description: str,
    hepdata: str = NOT_ON_HEPDATA,
) -> dict[str, Any]:
    """Return the patch set that brings the signal of each grid point.

    Points without any signal are left out: `mu` would have no meaning there.

    Parameters
    ----------
    background_only_spec
        The result of `background_only`, of which the digest is stored.
    points
        Grid points; each becomes one patch with values (mass_gev, coupling_inv_gev).
    description
        What the patches represent.
    hepdata
        HEPData record, "ins" and seven digits; the schema demands one.

    Raises
    ------
    InferenceError
        If no point has a signal.
    """
    patches = [
        {
            "metadata": {
                "name": point.name,
                "values": [float(point.mass_gev), float(point.coupling_inv_gev)],
            },
            "patch": [
                {
                    "op": "replace",
                    "path": f"/channels/{i}/samples/0",
                    "value": _signal_sample(point.model, name),
                }
                for i, name in enumerate(point.model.members)
            ],
        }
        for point in points
        if point.model.signal.any()
    ]
    if not patches:
        raise InferenceError("no grid point has a signal: there is nothing to put into a patch set")
    return {
        "metadata": {
            "name": "hnlstat",
            "description": description,
            "digests": {"sha256": pyhf.utils.digest(background_only_spec, algorithm="sha256")},
            "labels": list(LABELS),
            "references": {"hepdata": hepdata},
        },
        "patches": patches,
        "version": _VERSION,
    }


def _signal_sample(model: CountingModel, channel: str) -> dict[str, Any]:
    """Return the signal sample of a channel: its rates, `mu` and the signal's uncertainties."""
    rows = model.members[channel]
    events = model.signal[rows]
    modifiers: list[dict[str, Any]] = [
        {"name": PARAMETER_OF_INTEREST, "type": "normfactor", "data": None}
    ]
    for name, delta in model.signal_modifiers.items():
        modifiers += _signal_modifiers(name, events, delta[rows])
    error = events * model.mc_error[rows]
    if np.any(error > 0.0):
        # staterror acts on all samples of the channel that carry it: here the signal alone
        modifiers.append({"name": f"mc_{channel}", "type": "staterror", "data": error.tolist()})
    return {"name": _SIGNAL, "data": events.tolist(), "modifiers": modifiers}


def _signal_modifiers(name: str, events: FloatArray, delta: FloatArray) -> list[dict[str, Any]]:
    """Return what one uncertainty does to the signal of a channel.

    It is a factor common to the bins and, where they change differently, a shift of shape that
    goes with it, so that a bin's rate is times 1 + delta at +1 sigma and its inverse at -1.
    """
    used = delta[events > 0.0]
    if not used.any():
        return []
    common = float(np.exp(np.log1p(used).mean()) - 1.0) if np.ptp(used) > 0.0 else float(used[0])
    modifiers = [_normsys(name, common)]
    if np.ptp(used) > 0.0:
        shape = np.where(events > 0.0, (1.0 + delta) / (1.0 + common), 1.0)
        data = {"hi_data": (events * shape).tolist(), "lo_data": (events / shape).tolist()}
        modifiers.append({"name": name, "type": "histosys", "data": data})
    return modifiers


def _background_sample(model: CountingModel, channel: str) -> dict[str, Any]:
    """Return the background sample of a channel with its own normalisation uncertainty."""
    rows = model.members[channel]
    error = float(model.background_modifiers[rows[0]])
    return {
        "name": "background",
        "data": model.background[rows].tolist(),
        "modifiers": [_normsys(f"background_{channel}", error)] if error > 0.0 else [],
    }


def _normsys(name: str, delta: float) -> dict[str, Any]:
    """Return a log-normal uncertainty: a factor 1 + delta at +1 sigma, its inverse at -1."""
    return {"name": name, "type": "normsys", "data": {"hi": 1.0 + delta, "lo": 1.0 / (1.0 + delta)}}
