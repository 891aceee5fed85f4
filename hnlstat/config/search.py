"""Where the shipped configuration lies."""

from pathlib import Path

from hnlstat.errors import ConfigError


def conf_dir() -> Path:
    """
    Find the shipped configuration: in the package if installed, beside it in a checkout.

    Raises
    ------
    ConfigError
        If it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigError(
        f"conf/config.yaml: not found in {package} or beside it; install hnlstat anew"
    )
