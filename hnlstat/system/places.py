"""Where settings of an option belong in the whole configuration, as far as files need not say."""

from __future__ import annotations

import re
from typing import Any

from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf


def placed(config_path: str, found: ConfigResult) -> ConfigResult:
    """Say for options where they belong, as far as their files need not.

    Searches stand under their names, so that there can be several, and what one begins with
    (`defaults: [tpc_ee, _self_]`) is part of it; what a detector or a model overrides in other
    groups (`override /flux: mine`) is theirs, not below the detector.
    """
    group, _, name = re.sub(r"\.ya?ml$", "", config_path).partition("/")
    if group == "search" and found.header.get("package") is None:
        found.header["package"] = f"search.{name.rpartition('/')[2]}"
    if group in ("search", "detector", "model") and "defaults" in found.config:
        entries: Any = OmegaConf.to_container(found.config["defaults"])
        found.config["defaults"] = [_absolute(group, entry) for entry in entries]
    return found


def _absolute(group: str, entry: Any) -> Any:
    """Entry of the defaults list of an option, with the place where it belongs."""
    if isinstance(entry, dict):
        place = r"\1@_global_.\2"
        return {re.sub(r"^(override\s+/(\w+))$", place, key): v for key, v in entry.items()}
    here = group == "search" and "@" not in entry and entry != "_self_"
    return f"{entry}@_here_" if here else entry
