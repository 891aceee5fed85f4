"""Configuration files that are not ours: read and checked before Hydra sees them.

What lies in the folder of a run is data: of it only `config.yaml` is taken, and of that only plain
settings. What lies in other folders are presets, which Hydra composes as it does ours.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal.core_plugins import file_config_source
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult
from omegaconf import OmegaConf
from yaml import MappingNode, Node, ScalarNode, SequenceNode, YAMLError  # type: ignore[import-untyped]

from hnlstat.errors import ConfigError
from hnlstat.system import yaml_tree as tree
from hnlstat.system.places import placed
from hnlstat.system.shipped import conf_dir
from hnlstat.system.yaml_nodes import scalars

RUN = "config.yaml"
"""The file that makes a folder that of a run."""

RUN_DEFAULTS = ["runtime", "_self_"]
"""The defaults list of a resolved configuration."""

COMMANDS = ("prologue", "directives", "scheduler")
"""Settings of an executor that run commands, or hand the work to somebody else."""

NO_RUN = (
    "this is not the configuration of a run, as config.yaml is; keep own settings in a folder "
    "without it, as experiment/mine.yaml, and add experiment=mine"
)

SUFFIXES = (".yaml", ".yml")


def is_run(folder: Path) -> bool:
    """Whether a folder is taken for that of a run."""
    return (folder / RUN).is_file() and folder.resolve() != conf_dir()


def read_run(path: Path) -> dict[str, Any]:
    """
    Read the configuration of a run: mappings, lists, numbers and strings, without `defaults`.

    Raises
    ------
    ConfigError
        If the file cannot be read, or asks for more than to be taken as it stands.
    """
    node, _, loader = tree.parse(path)
    if not any(key.value == "defaults" for key, _ in tree.pairs(node)):
        raise ConfigError(f"{path}: {NO_RUN}")
    for key, value in tree.pairs(node):
        if key.value == "hydra" or key.value.startswith("hydra/"):
            raise ConfigError(
                f"{tree.place(path, key)}: {key.value} is not taken from the folder of a run; "
                "give it on the command line"
            )
        if key.value == "defaults" and [tree.text(entry) for entry in value.value] != RUN_DEFAULTS:
            raise ConfigError(f"{tree.place(path, key)}: {NO_RUN}")
    for scalar in scalars(node):
        if "${" in scalar.value or scalar.value == "???":
            raise ConfigError(
                f"{tree.place(path, scalar)}: {scalar.value} stands for another value; the "
                "settings of a run are plain ones"
            )
    try:
        content: dict[str, Any] = loader.construct_document(node)
    except (YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(tree.invalid_yaml(path, error)) from None
    return {key: value for key, value in content.items() if key != "defaults"}


class FileConfigSource(file_config_source.FileConfigSource):
    """Folders of configuration files, in place of Hydra's own class, by whose name it goes.

    What comes with hnlstat is read as it is.
    """

    latest: ClassVar[Path | None] = None
    """The file that was read last."""

    @property
    def _ours(self) -> bool:
        return Path(self.path) == conf_dir()

    def _file(self, config_path: str) -> Path | None:
        """The file of an option, if there is one."""
        stem = Path(self.path, re.sub(r"\.ya?ml$", "", config_path))
        found = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
        return next((path for path in found if path.exists() and not path.is_dir()), None)

    def is_config(self, config_path: str) -> bool:
        """Whether there is an option; in the folder of a run there is nothing but itself."""
        if self._ours:
            return bool(super().is_config(config_path))
        if is_run(Path(self.path)) and re.sub(r"\.yaml$", "", config_path) != "config":
            return False
        return self._file(config_path) is not None

    def is_group(self, config_path: str) -> bool:
        """Whether there is a folder of options."""
        if config_path and not self._ours and is_run(Path(self.path)):
            return False
        return bool(super().is_group(config_path))

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List options, or groups."""
        return list(super().list(config_path, results_filter)) if self.is_group(config_path) else []

    def load_config(self, config_path: str) -> ConfigResult:
        """Read an option.

        Raises
        ------
        ConfigError
            Names the file, the line and what would be right.
        """
        if self._ours:
            return placed(config_path, super().load_config(config_path))
        path = self._file(config_path)
        if path is None:
            raise ConfigLoadError(f"Config not found : {Path(self.path, config_path)}")
        FileConfigSource.latest = path
        if path == Path(self.path, RUN):
            content = read_run(path)
            _no_commands(path, content)
            header: dict[str, str | None] = {"package": None}
            config = OmegaConf.create({"defaults": RUN_DEFAULTS, **content})
        else:
            node, text, _ = tree.parse(path)
            header = _header(path, text)
            _check_defaults(path, node)
            if config_path.startswith("experiment/") and header["package"] is None:
                raise ConfigError(
                    f"{path}: its first line must be '# @package _global_', or its settings would "
                    "count for nothing"
                )
            if config_path.startswith("search/") and header["package"] not in (
                None, f"search.{path.stem}"
            ):  # fmt: skip
                raise ConfigError(
                    f"{path}: # @package {header['package']} is not where searches stand; leave "
                    "the line out"
                )
            config = _create(path, text)
        found = ConfigResult(
            config=config, path=f"file://{self.path}", provider=self.provider, header=header
        )
        return placed(config_path, found)


def _no_commands(path: Path, content: dict[str, Any]) -> None:
    executor = content.get("executor")
    for key in COMMANDS:
        if isinstance(executor, dict) and executor.get(key):
            raise ConfigError(
                f"{path}: executor.{key} is not taken from the folder of a run; give the run's own "
                "command again, which goes on where it was"
            )


def _check_defaults(path: Path, node: Node) -> None:
    """Check that the defaults list is one of names, and of groups with names."""
    for key, value in tree.pairs(node):
        entries = [] if key.value != "defaults" else value.value
        if key.value == "defaults" and not isinstance(value, SequenceNode):
            raise ConfigError(
                f"{tree.place(path, key)}: defaults is not a list; write [nd280, _self_]"
            )
        for entry in entries:
            option, group = entry, ""
            if isinstance(entry, MappingNode) and len(entry.value) == 1:
                group, option = tree.text(entry.value[0][0]), entry.value[0][1]
            names = (
                option.value if isinstance(option, SequenceNode) and option != entry else [option]
            )
            if not all(
                isinstance(n, ScalarNode) and n.tag in (*tree.WORDS, tree.NULL) for n in names
            ) or (entry is option and entry.tag == tree.NULL):
                raise ConfigError(
                    f"{tree.place(path, entry)}: defaults has an entry that is no name; write "
                    "[nd280, _self_] or [override /detector: nd280]"
                )
            if len(names) > 1 and re.fullmatch(r"override\s+/?(?!(experiment|search)$)\w+", group):
                raise ConfigError(
                    f"{tree.place(path, entry)}: {group}: has a list, where one option belongs"
                )


def _header(path: Path, text: str) -> dict[str, str | None]:
    """The package of a file, from the comments before its settings."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if found := re.match(r"\s*#\s*@package\b\s*(.*)", line):
            if not re.fullmatch(r"[\w.]+", found[1].strip()):
                raise ConfigError(
                    f"{path}: {line.strip()} is not understood; write # @package _global_"
                )
            return {"package": found[1].strip()}
    return {"package": None}


def _create(path: Path, text: str) -> Any:
    try:
        return OmegaConf.load(io.StringIO(text))
    except (YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(tree.invalid_yaml(path, error)) from None
