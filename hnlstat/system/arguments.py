"""The command line: its flags, Hydra's own, which folders it looks into, and keys of overrides."""

import argparse
import os
import re
from pathlib import Path
from typing import NoReturn

from hnlstat.errors import ConfigError


def own_folder_first(
    arguments: list[str], shipped: Path
) -> tuple[Path, list[str], argparse.Namespace]:
    """
    Let Hydra look into the user's --config-dir before the shipped configuration.

    By itself it does the opposite, so that neither a file of the same name nor the config.yaml of
    a run would be found. Nor does it take flags between overrides: they come behind these.
    """
    from hydra._internal.utils import get_args_parser

    parser = get_args_parser()
    parser.error = _bad_arguments  # type: ignore[method-assign]
    options = parser.parse_intermixed_args(arguments)
    commands = "run", "multirun", "cfg", "info", "shell_completion"
    if sum(bool(getattr(options, command)) for command in commands) > 1:
        raise ConfigError("give only one of --run, --multirun, --cfg, --info, --shell-completion")
    if options.resolve and not options.cfg and not options.help:
        raise ConfigError("--resolve: goes with --cfg")
    if options.experimental_rerun is not None:
        raise ConfigError("--experimental-rerun: is not for hnlstat; use --config-dir RUN")
    if options.shell_completion and not re.fullmatch(
        "(install|uninstall|query)=(bash|fish|zsh)",
        options.overrides[0] if options.overrides else "",
    ):
        raise ConfigError("--shell-completion: write --shell-completion install=bash (fish, zsh)")
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config-dir", "-cd", type=Path)
    found, rest = finder.parse_known_args(arguments)
    for override in options.overrides:
        rest.remove(override)
    rest = [*options.overrides, *rest]
    if found.config_dir is None:
        found.config_dir = _folder_to_resume(options.overrides)
    if found.config_dir is None:
        return shipped, rest, options
    own = Path(os.path.expanduser(found.config_dir))
    if not own.is_dir():
        raise ConfigError(f"--config-dir: {own} is not a folder")
    return own.resolve(), ["--config-dir", str(shipped), *rest], options


def key_of(override: str) -> str:
    """Give the key that an override sets, adds or takes out."""
    return override.lstrip("+~").partition("=")[0].strip()


def _folder_to_resume(overrides: list[str]) -> Path | None:
    """Give the folder of a run that is to go on; its configuration is taken."""
    values = [text.partition("=")[2].strip("'\"") for text in overrides if text[:7] == "resume="]
    chosen = [value for value in values if value not in ("null", "")]
    if not chosen:
        return None
    folder = Path(os.path.expanduser(chosen[-1]))
    if not (folder / "config.yaml").is_file():
        raise ConfigError(f"resume: {folder} is not the folder of a run: it has no config.yaml")
    return folder


def _bad_arguments(message: str) -> NoReturn:
    raise ConfigError(f"{message}; see hnlstat --help")
