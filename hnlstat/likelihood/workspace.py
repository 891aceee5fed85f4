"""pyhf workspaces of a counting experiment, JSON as the HistFactory schema 1.0.0 of pyhf has it."""

import hashlib
import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.likelihood.model import CountingModel

FloatArray = NDArray[np.float64]

PARAMETER_OF_INTEREST = "mu"

VERSION = "1.0.0"
_SIGNAL = "signal"


def workspace(model: CountingModel) -> dict[str, Any]:
    """Return the workspace with signal and background, its parameter of interest `mu`.

    Without data the observations are the expected background.
    """
    observed = model.background if model.observed is None else model.observed
    signals = signal_samples(
        model.members,
        model.signal[None],
        {name: delta[None] for name, delta in model.signal_modifiers.items()},
        model.mc_error[None],
    )
    # mu is tested at 1; a fit beyond the default bound of 10 could not change that test
    parameter = {"name": PARAMETER_OF_INTEREST, "bounds": [[0.0, 10.0]], "inits": [1.0]}
    config = {"poi": PARAMETER_OF_INTEREST, "parameters": [parameter]}
    return {
        "channels": [
            {
                "name": name,
                "samples": [signal, _background_sample(model, name)],
            }
            for name, signal in zip(model.members, signals[0], strict=True)
        ],
        "observations": [
            {"name": name, "data": observed[rows].tolist()} for name, rows in model.members.items()
        ],
        "measurements": [{"name": "hnl", "config": config}],
        "version": VERSION,
    }


def background_only(model: CountingModel) -> dict[str, Any]:
    """Return the workspace with an empty signal, which a patch replaces by that of a grid point.

    The empty signal sample keeps `mu` declared: without it pyhf and cabinetry refuse to build the
    model, and a patch of the channels alone could not bring it back; see `settle`.
    """
    spec = workspace(model.with_signal([0.0] * len(model.channels), signal_modifiers={}))
    settle(spec)
    return spec


def settle(spec: Mapping[str, Any]) -> None:
    """Give a parameter of interest that acts on nothing, or on empty samples, a constraint.

    Free, Minuit (and so cabinetry) fails on it without a patch. Fixed in the measurement, no patch
    of the channels could free it, and pyhf tests no parameter that is fixed. So it is a log-normal
    uncertainty of no size there, and fits to 0; the signal of a patch brings the factor. It is a
    factor everywhere if some sample with events has it: one parameter cannot be both.
    """
    poi = spec["measurements"][0]["config"]["poi"]
    samples = [sample for channel in spec["channels"] for sample in channel["samples"]]
    found = [
        (modifier, any(sample["data"]))
        for sample in samples
        for modifier in sample["modifiers"]
        if modifier["name"] == poi
    ]
    acts = any(filled for _, filled in found)
    for modifier, _ in found:
        if acts and modifier == _normsys(poi, 0.0):
            modifier.update(_strength(poi))
        elif not acts and modifier["type"] == "normfactor":
            modifier.update(_normsys(poi, 0.0))


def digest(spec: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a workspace as `pyhf.utils.digest` does; pyhf is slow to load."""
    text = json.dumps(spec, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf8")).hexdigest()


def signal_samples(
    members: Mapping[str, NDArray[np.intp]],
    signal: FloatArray,
    modifiers: Mapping[str, FloatArray],
    mc_error: FloatArray,
) -> list[tuple[dict[str, Any], ...]]:
    """Return for each of P points the signal samples of all channels; arrays as in `SignalGrid`.

    A sample has its rates, `mu` and the uncertainties of the signal.
    """
    by_channel = []
    for channel, rows in members.items():
        events = signal[:, rows]
        shifts = [_signal_modifiers(n, events, delta[:, rows]) for n, delta in modifiers.items()]
        shifts.append(_mc_modifiers(channel, events * mc_error[:, rows]))
        by_channel.append(
            [
                {"name": _SIGNAL, "data": data, "modifiers": [_strength(), *chain(*mine)]}
                for data, *mine in zip(events.tolist(), *shifts, strict=True)
            ]
        )
    return list(zip(*by_channel, strict=True))


def _mc_modifiers(channel: str, error: FloatArray) -> list[list[dict[str, Any]]]:
    """Return the Monte Carlo errors [events] of the signal of a channel, for each point."""
    # staterror acts on all samples of the channel that carry it: here the signal alone
    return [
        [{"name": f"mc_{channel}", "type": "staterror", "data": data}] if any(data) else []
        for data in error.tolist()
    ]


def _signal_modifiers(
    name: str, events: FloatArray, delta: FloatArray
) -> list[list[dict[str, Any]]]:
    """Return what one uncertainty does to the signal of a channel, for each point; arrays (P, B).

    It is a factor common to the bins and, where they change differently, a shift of shape that
    goes with it, so that a bin's rate is times 1 + delta at +1 sigma and its inverse at -1.
    """
    filled = events > 0.0
    used = np.where(filled, delta, 0.0)
    acts = np.any(used, axis=1)
    least = np.where(filled, delta, np.inf).min(axis=1)
    bends = np.where(filled, delta, -np.inf).max(axis=1) > least
    mean = np.log1p(used).sum(axis=1) / np.maximum(filled.sum(axis=1), 1)
    common = np.where(bends, np.exp(mean) - 1.0, np.where(acts, least, 0.0))
    found: list[list[dict[str, Any]]] = [
        [_normsys(name, change)] if act else []
        for change, act in zip(common.tolist(), acts.tolist(), strict=True)
    ]
    shape = np.where(filled, (1.0 + delta) / (1.0 + common[:, None]), 1.0)
    for i in np.flatnonzero(bends).tolist():
        found[i].append(_histosys(name, events[i] * shape[i], events[i] / shape[i]))
    return found


def _background_sample(model: CountingModel, channel: str) -> dict[str, Any]:
    """Return the background sample of a channel: its own normalisation, and components b +- c."""
    rows = model.members[channel]
    background, error = model.background[rows], float(model.background_modifiers[rows[0]])
    modifiers = [_normsys(f"background_{channel}", error)] if error > 0.0 else []
    for name, component in model.background_components.items():
        if np.any(change := component[rows]):  # b - c may be negative: the shift stays linear
            modifiers.append(_histosys(name, background + change, background - change))
    return {"name": "background", "data": background.tolist(), "modifiers": modifiers}


def _strength(name: str = PARAMETER_OF_INTEREST) -> dict[str, Any]:
    """Return the parameter of interest as a modifier of a signal."""
    return {"name": name, "type": "normfactor", "data": None}


def _normsys(name: str, delta: float) -> dict[str, Any]:
    """Return a log-normal uncertainty: a factor 1 + delta at +1 sigma, its inverse at -1."""
    return {"name": name, "type": "normsys", "data": {"hi": 1.0 + delta, "lo": 1.0 / (1.0 + delta)}}


def _histosys(name: str, high: FloatArray, low: FloatArray) -> dict[str, Any]:
    """Return an uncertainty of shape: the rates at +1 and -1 sigma, shape (B,)."""
    data = {"hi_data": high.tolist(), "lo_data": low.tolist()}
    return {"name": name, "type": "histosys", "data": data}
