"""pyhf workspaces and patch sets of a counting experiment.

JSON as the HistFactory schema 1.0.0 of pyhf has it. The background-only workspace together with a
patch set is what likelihoods are published as (ATL-PHYS-PUB-2019-029): each patch brings the
signal of one (mass, coupling) point.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyhf

from hnlstat.errors import InferenceError
from hnlstat.inference.model import CountingModel

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
            {"name": name, "samples": [_signal_sample(model, i), _background_sample(model, i)]}
            for i, name in enumerate(model.channels)
        ],
        "observations": [
            {"name": name, "data": [float(n)]}
            for name, n in zip(model.channels, observed, strict=True)
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
                    "value": _signal_sample(point.model, i),
                }
                for i in range(len(point.model.channels))
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


def _signal_sample(model: CountingModel, channel: int) -> dict[str, Any]:
    """Return the signal sample of a channel: its rate, `mu` and the signal's uncertainties."""
    events = float(model.signal[channel])
    modifiers: list[dict[str, Any]] = [
        {"name": PARAMETER_OF_INTEREST, "type": "normfactor", "data": None}
    ]
    modifiers += [
        _normsys(name, float(delta[channel]))
        for name, delta in model.signal_modifiers.items()
        if delta[channel] != 0.0
    ]
    error = events * float(model.mc_error[channel])
    if error > 0.0:
        # staterror acts on all samples of the channel that carry it: here the signal alone
        name = f"mc_{model.channels[channel]}"
        modifiers.append({"name": name, "type": "staterror", "data": [error]})
    return {"name": _SIGNAL, "data": [events], "modifiers": modifiers}


def _background_sample(model: CountingModel, channel: int) -> dict[str, Any]:
    """Return the background sample of a channel with its own normalisation uncertainty."""
    error = float(model.background_modifiers[channel])
    name = f"background_{model.channels[channel]}"
    return {
        "name": "background",
        "data": [float(model.background[channel])],
        "modifiers": [_normsys(name, error)] if error > 0.0 else [],
    }


def _normsys(name: str, delta: float) -> dict[str, Any]:
    """Return a log-normal uncertainty: a factor 1 + delta at +1 sigma, its inverse at -1."""
    return {"name": name, "type": "normsys", "data": {"hi": 1.0 + delta, "lo": 1.0 / (1.0 + delta)}}
