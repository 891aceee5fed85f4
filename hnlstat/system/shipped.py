"""What comes with hnlstat: where its data and its configuration are, and the help text."""

import string
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from hnlstat.errors import ConfigError

PACKAGE = Path(__file__).resolve().parent.parent
DATA = PACKAGE / "data"


def shipped_table(name: str) -> Path | None:
    """Find a table that comes with hnlstat by its name, such as `folder/name`; None: no such."""
    file = DATA / f"{name}.csv"
    # of absolute paths and those with .. the folder of the data is no part
    inside = ".." not in file.parts and file.is_relative_to(DATA)
    return file if inside and file.is_file() else None


def conf_dir() -> Path:
    """
    Find the shipped configuration: in the package if installed, beside it in a checkout.

    Raises
    ------
    ConfigError
        If it is in neither place.
    """
    for folder in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigError(
        f"conf/config.yaml: not found in {PACKAGE} or beside it; install hnlstat anew"
    )


def help_text() -> str:
    """
    Fill in the help of runtime.yaml as Hydra does, which takes a second to list the groups.

    Raises
    ------
    ConfigError
        As `conf_dir`.
    """
    conf = conf_dir()
    template = yaml.safe_load((conf / "runtime.yaml").read_text(encoding="utf-8"))["hydra"]["help"]
    options: dict[str, list[str]] = {}
    for file in sorted(conf.rglob("*.yaml")):
        group = file.parent.relative_to(conf)
        if group.parts and group.parts[0] != "hydra":
            options.setdefault(group.as_posix(), []).append(file.stem)
    groups = "".join(f"{group}: {', '.join(options[group])}\n" for group in sorted(options))
    return string.Template(template["template"]).substitute(APP_CONFIG_GROUPS=groups)
