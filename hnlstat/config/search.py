"""Where configurations are found: the shipped folder, and Hydra with it on its search path."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType

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


@contextmanager
def hydra_session() -> Iterator[None]:
    """Use the Hydra that is running, so that its search path counts, or start one of our own."""
    if GlobalHydra.instance().is_initialized():
        yield
        return
    with initialize_config_dir(str(conf_dir()), job_name="hnlstat", version_base="1.3"):
        yield


def options(group: str) -> list[str]:
    """List the options of a group; within a `hydra_session`."""
    loader = GlobalHydra.instance().config_loader()
    return list(loader.get_group_options(group, ObjectType.CONFIG))


def groups() -> list[str]:
    """List the groups of the configuration; within a `hydra_session`."""
    loader = GlobalHydra.instance().config_loader()
    return [g for g in loader.get_group_options("", ObjectType.GROUP) if g != "hydra"]
