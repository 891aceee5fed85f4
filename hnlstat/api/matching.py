"""Whether a study that takes yields would make the same ones."""

from __future__ import annotations

import re
from typing import Any

from hnlstat.config.study import Study
from hnlstat.errors import ConfigError

OTHER = re.compile(
    r"model\.(mass|coupling)|simulation\.(seed|precision|max_points|interpolate_masses)|"
    r".+\.(assumed|cite|description|name)|datasets\..+\.detector\.background_factor|"
    r"datasets\..+\.search\..+\.(beam|background|background_factor|covariance|observed|systematics|"
    r"disjoint_from|observable\.background)"
)
"""Settings of which the yields do not come: of the grid, the samples, background and data."""

SIZES = ("rock_density", "rock_length", "form_factor", "pauli")
"""Uncertainties whose size is in the yields; a likelihood may leave them out."""


def check_made_for(study: Study, made: Study | None) -> None:
    """
    Refuse yields of another model, exposure, beam, detector or search.

    Parameters
    ----------
    study
        That takes the yields.
    made
        That they were made for; None: not known.

    Raises
    ------
    ConfigError
        Names the first setting that differs.
    """
    if made is None or made is study:
        return
    ours, theirs = _signal(study), _signal(made)
    for name in SIZES:
        if not ours["systematics"][name]:
            theirs["systematics"][name] = ours["systematics"][name]
    if key := _difference(ours, theirs, ""):
        mine, other = (_at(settings, key) for settings in (ours, theirs))
        raise ConfigError(
            f"yields: were made with {key} = {other!r:.60}, the study has {mine!r:.60}; simulate it"
        )


def _signal(study: Study) -> dict[str, Any]:
    """The parts of a configuration that yields come of."""
    found = study.model_dump(mode="json", by_alias=True)
    return {
        "model": found["model"],
        "datasets": {dataset["name"]: dataset for dataset in found["datasets"]},
        "simulation": found["simulation"],
        "systematics": {name: found["systematics"][name] for name in SIZES},
    }


def _difference(ours: Any, theirs: Any, key: str) -> str | None:
    """Key of the first setting that differs, below one that both have."""
    if ours == theirs or OTHER.fullmatch(key):
        return None
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        return key
    names = [f"{key}.{name}".removeprefix(".") for name in {**ours, **theirs}]
    values = [(ours.get(name), theirs.get(name)) for name in {**ours, **theirs}]
    found = (_difference(*two, name) for two, name in zip(values, names, strict=True))
    return next(filter(None, found), None)


def _at(settings: Any, key: str) -> Any:
    """The value of a key; None where there is none."""
    for name in key.split("."):
        settings = settings.get(name) if isinstance(settings, dict) else None
    return settings
