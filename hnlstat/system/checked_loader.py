"""Hydra's loader with what it lacks: users' files are checked, and no file makes Hydra run code."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import Any

import hydra._internal.hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobRuntime
from hydra.errors import HydraException, MissingConfigException
from hydra.plugins.plugin import Plugin
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from hnlstat.errors import ConfigError
from hnlstat.system.user_files import FileConfigSource

CALLBACKS = {"sweep": {"_target_": "hnlstat.run.sweep.SweepFolder"}}
"""What Hydra calls while it runs: see runtime.yaml."""

LOGGING = re.compile(
    r"logging\.((Stream|File|Null)Handler|Formatter|handlers\.(TimedR|R)otatingFileHandler)|"
    r"colorlog\.ColoredFormatter|ext://sys\.std(out|err)"
)
"""Classes and objects that the configuration of Hydra's logging may name."""

PROVIDERS = {"model": "hnlstat.config.registry:option"}
"""What may know an option of a group that no file is found for, and give its settings."""

SEVERAL = ("experiment", "search")
"""Groups of which several options may be taken."""


@contextmanager
def installed() -> Iterator[None]:
    """Have Hydra use what stands here while the block runs: whoever calls may have a Hydra, too.

    Hydra has no setting for that.
    """
    Plugins.instance()  # registers Hydra's own sources, once
    before = SourcesRegistry.instance().types["file"], vars(hydra._internal.hydra)[_LOADER]
    version, job = VersionBase.instance().version_base, JobRuntime.instance().get("name")
    _use(FileConfigSource, CheckedLoader)
    try:
        yield
    finally:
        _use(*before)
        VersionBase.instance().version_base = version
        JobRuntime.instance().set("name", job)


_LOADER = ConfigLoaderImpl.__name__


def _use(source: type[Any], loader: type[Any]) -> None:
    Plugins.instance()
    SourcesRegistry.instance().types["file"] = source
    vars(hydra._internal.hydra)[_LOADER] = loader


class CheckedLoader(ConfigLoaderImpl):
    """Composes configurations, of which nothing has been obeyed yet when they are checked."""

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Compose a configuration.

        Raises
        ------
        ConfigError
            If it does not compose for a reason that Hydra has no error for, a group has a list of
            options, or Hydra would run code.
        """
        try:
            self._check_groups(overrides)
            given = config_name, overrides, run_mode, from_shell, validate_sweep_overrides
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "provider=.*is not available", UserWarning)
                try:
                    config = super().load_configuration(*given)
                except MissingConfigException as error:
                    with _provided(error):
                        config = super().load_configuration(*given)
        except RecursionError:
            raise ConfigError(
                f"{FileConfigSource.latest or 'defaults'}: its defaults lead back to itself"
            ) from None
        except COMPOSITION:
            raise
        except UserWarning as warning:
            raise ConfigError(f"hydra.searchpath: {' '.join(str(warning).split())}") from None
        except OTHERS as error:
            raise ConfigError(f"the configuration does not compose: {error}") from None
        check_hydra(config)
        for group, option in config.hydra.runtime.choices.items():
            _one_option(group, option, f"{group}={option}")
        return config

    def _check_groups(self, overrides: list[str]) -> None:
        """Look at the options that are asked for, before some of them fail on the way."""
        for override in OverridesParser.create().parse_overrides(overrides):
            group = override.key_or_group
            if self.repository.group_exists(group) and not override.is_sweep_override():
                option = override.value()
                if override.is_delete() != (option is None):
                    raise ConfigError(f"{override.input_line}: to take it out write ~{group}")
                _one_option(group, option, str(override.input_line))


COMPOSITION = HydraException, OmegaConfBaseException, YAMLError
OTHERS = ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError
"""What Hydra raises for input that it has not thought of."""


@contextmanager
def _provided(error: MissingConfigException) -> Iterator[None]:
    """Lend Hydra the settings of an option that it has no file for, if somebody knows them."""
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    settings = group in PROVIDERS and resolve_name(PROVIDERS[group])(name, error.options)
    if not settings:
        raise error
    store = ConfigStore.instance()
    store.store(group=group, name=name, node=settings)
    try:
        yield
    finally:
        del store.repo[group][f"{name}.yaml"]


def _one_option(group: str, option: object, shown: str) -> None:
    """Refuse what cannot choose an option of a group."""
    several = isinstance(option, Sequence) and not isinstance(option, str)
    options = list(option) if several else [option]  # type: ignore[call-overload]
    if group == "search" and len(set(map(str, options))) < len(options):
        raise ConfigError(f"{shown}: has an option twice")
    if several and options and group not in SEVERAL:
        raise ConfigError(
            f"{shown}: is a list, where one option belongs; write {group}=NAME, -m {group}=NAME,"
            "NAME to run each, or datasets=[...] for several detectors in one likelihood"
        )
    if not all(isinstance(one, str) for one in options) and option is not None:
        raise ConfigError(f"{shown}: is not the name of an option; write {group}=NAME")


def check_hydra(config: DictConfig) -> None:
    """
    Refuse a configuration by which Hydra would run code that is neither its own nor ours.

    Raises
    ------
    ConfigError
        Names the setting.
    """
    node: Any = OmegaConf.to_container(config.hydra)
    if node["callbacks"] not in ({}, CALLBACKS):
        raise ConfigError("hydra.callbacks: would run code; hnlstat takes none")
    if node["job"]["env_set"]:
        raise ConfigError("hydra.job.env_set: is not taken; set variables in the shell")
    for part in ("job_logging", "hydra_logging"):
        for key, value in _entries(node[part], f"hydra.{part}"):
            names = key.endswith((".class", ".()")) or str(value).startswith(("ext://", "cfg://"))
            if names and not LOGGING.fullmatch(str(value)):
                raise ConfigError(f"{key}: {value} would run code")
    known = {
        f"{found.__module__}.{found.__name__}" for found in Plugins.instance().discover(Plugin)
    }
    for part in ("launcher", "sweeper"):
        for key, value in _entries(node[part], f"hydra.{part}"):
            made = isinstance(value, str) and re.search(r"\boc\.(create|decode)\b", value)
            if made or (key.endswith("._target_") and value not in known):
                raise ConfigError(f"{key}: {value} would run code that is not Hydra's")


def _entries(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    """All values below a node, with their keys."""
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _entries(value, f"{where}.{key}")
    else:
        yield where, node
