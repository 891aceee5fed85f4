"""Studies that can be run: composed, and checked against the tables and files that they name."""

from collections.abc import Sequence
from typing import Any

from hydra.conf import HydraConf
from omegaconf import DictConfig

from hnlstat.config.study import Study
from hnlstat.studies import compose
from hnlstat.studies.checks import check
from hnlstat.studies.compose import read
from hnlstat.studies.inputs import check_inputs

__all__ = ["checked", "from_config", "from_settings", "load", "load_anew", "read"]


def checked(study: Study) -> Study:
    """
    Pass a study that can be run.

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    DataError
        If a file or table cannot be read.
    """
    check_inputs(study)
    check(study)
    return study


def load(overrides: Sequence[str] = (), config_name: str = "config") -> Study:
    """Compose and check a study; arguments as in `compose.load`, errors also as in `checked`."""
    return checked(compose.load(overrides, config_name))


def load_anew(overrides: Sequence[str]) -> Study:
    """Compose and check a study; as `compose.load_anew`, errors also as in `checked`."""
    return checked(compose.load_anew(overrides))


def from_config(config: DictConfig, hydra: HydraConf | None = None) -> Study:
    """Make and check a study; as `compose.from_config`, errors also as in `checked`."""
    return checked(compose.from_config(config, hydra))


def from_settings(data: dict[str, Any], hydra: HydraConf | None = None) -> Study:
    """Make and check a study; as `compose.from_settings`, errors also as in `checked`."""
    return checked(compose.from_settings(data, hydra))
