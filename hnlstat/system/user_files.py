"""Configuration files that are not ours: read and checked before Hydra sees them.

What lies in the folder of a run is data: of it only `config.yaml` is taken, and of that only plain
settings. What lies in other folders are presets, which Hydra composes as it does ours.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal.core_plugins import file_config_source
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader
from yaml import MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, YAMLError  # type: ignore[import-untyped]
from yaml.reader import ReaderError  # type: ignore[import-untyped]

from hnlstat.errors import ConfigError
from hnlstat.system.places import placed
from hnlstat.system.shipped import conf_dir

RUN = "config.yaml"
"""The file that makes a folder that of a run."""

RUN_DEFAULTS = ["runtime", "_self_"]
"""The defaults list of a resolved configuration."""

MAX_DEPTH, MAX_ENTRIES, MAX_BYTES = 50, 1_000_000, 20_000_000
"""Of a file; aliases count as often as they are used."""

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
    node, _, loader = _parse(path)
    if not any(key.value == "defaults" for key, _ in _pairs(node)):
        raise ConfigError(f"{path}: {NO_RUN}")
    for key, value in _pairs(node):
        if key.value == "hydra" or key.value.startswith("hydra/"):
            raise ConfigError(
                f"{path}, line {_line(key)}: {key.value} is not taken from the folder of a run; "
                "give it on the command line"
            )
        if key.value == "defaults" and [_text(entry) for entry in value.value] != RUN_DEFAULTS:
            raise ConfigError(f"{path}, line {_line(key)}: {NO_RUN}")
    for scalar in _scalars(node):
        if "${" in scalar.value or scalar.value == "???":
            raise ConfigError(
                f"{path}, line {_line(scalar)}: {scalar.value} stands for another value; the "
                "settings of a run are plain ones"
            )
    try:
        content: dict[str, Any] = loader.construct_document(node)
    except (YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(invalid_yaml(path, error)) from None
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
            node, text, _ = _parse(path)
            header = _header(path, text)
            _check_defaults(path, node)
            if config_path.startswith("experiment/") and header["package"] is None:
                raise ConfigError(
                    f"{path}: its first line must be '# @package _global_', or its settings would "
                    "count for nothing"
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


def _parse(path: Path) -> tuple[Node, str, Any]:
    """Read a file: the tree of its nodes, whose keys are words, its text and its loader."""
    if not path.is_file():
        raise ConfigError(f"{path}: is not a file")
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path}: has more than {MAX_BYTES // 10**6} MB")
    try:
        text = path.read_text(encoding="utf-8-sig")
        loader = get_yaml_loader()(text)
        node = loader.get_single_node() or MappingNode("tag:yaml.org,2002:map", [])
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: byte {error.start + 1} is not UTF-8; save it as UTF-8"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested more than {MAX_DEPTH} levels deep") from None
    except (YAMLError, ValueError) as error:
        raise ConfigError(invalid_yaml(path, error)) from None
    if not isinstance(node, MappingNode):
        raise ConfigError(f"{path}: is not a mapping of keys to values")
    _measure(path, node, {}, 0)
    return node, text, loader


def invalid_yaml(path: object, error: Exception) -> str:
    """Say in one line where a file is not valid YAML."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"{path}, line {error.problem_mark.line + 1}: not valid YAML: {error.problem}"
    if isinstance(error, ReaderError):
        return f"{path}: not valid YAML: the character {error.character!r} is not allowed"
    return f"{path}: not valid YAML: {' '.join(str(error).split())}"


def _measure(path: Path, node: Node, sizes: dict[int, int], depth: int) -> int:
    """Count the entries below a node with all its aliases; refuses what has no end, or no name."""
    where = f"{path}, line {_line(node)}"
    if depth > MAX_DEPTH:
        raise ConfigError(f"{where}: is nested more than {MAX_DEPTH} levels deep")
    if id(node) in sizes:
        if sizes[id(node)] == 0:
            raise ConfigError(f"{where}: holds itself")
        return sizes[id(node)]
    sizes[id(node)] = 0
    total = 1
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or key.tag not in WORDS:
                shown = key.value if isinstance(key, ScalarNode) else "a list or mapping"
                raise ConfigError(f"{path}, line {_line(key)}: {shown} is not a word, as keys are")
            total += _measure(path, value, sizes, depth + 1)
    elif not isinstance(node, ScalarNode):
        total += sum(_measure(path, entry, sizes, depth + 1) for entry in node.value)
    if total > MAX_ENTRIES:
        raise ConfigError(f"{where}: has more than {MAX_ENTRIES} entries, with its aliases")
    sizes[id(node)] = total
    return total


WORDS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


def _check_defaults(path: Path, node: Node) -> None:
    """Check that the defaults list is one of names, and of groups with names."""
    for key, value in _pairs(node):
        entries = [] if key.value != "defaults" else value.value
        if key.value == "defaults" and not isinstance(value, SequenceNode):
            raise ConfigError(
                f"{path}, line {_line(key)}: defaults is not a list; write [nd280, _self_]"
            )
        for entry in entries:
            option, group = entry, ""
            if isinstance(entry, MappingNode) and len(entry.value) == 1:
                group, option = _text(entry.value[0][0]), entry.value[0][1]
            names = (
                option.value if isinstance(option, SequenceNode) and option != entry else [option]
            )
            if not all(isinstance(n, ScalarNode) and n.tag in (*WORDS, NULL) for n in names) or (
                entry is option and entry.tag == NULL
            ):
                raise ConfigError(
                    f"{path}, line {_line(entry)}: defaults has an entry that is no name; write "
                    "[nd280, _self_] or [override /detector: nd280]"
                )
            if len(names) > 1 and re.fullmatch(r"override\s+/?(?!(experiment|search)$)\w+", group):
                raise ConfigError(
                    f"{path}, line {_line(entry)}: {group}: has a list, where one option belongs"
                )


NULL = "tag:yaml.org,2002:null"


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
        raise ConfigError(invalid_yaml(path, error)) from None


def _pairs(node: Node) -> list[tuple[Any, Any]]:
    return list(node.value)


def _text(node: Node) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else ""


def _scalars(node: Node) -> Iterator[ScalarNode]:
    """All values and keys below a node."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, MappingNode):
        for pair in node.value:
            for part in pair:
                yield from _scalars(part)
    else:
        for entry in node.value:
            yield from _scalars(entry)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1 if node.start_mark else 1
