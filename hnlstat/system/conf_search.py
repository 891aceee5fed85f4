"""How configurations are found: Hydra with the shipped folder on its search path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType

from hnlstat.system.checked_loader import CheckedLoader, installed
from hnlstat.system.shipped import conf_dir

if TYPE_CHECKING:
    from hydra._internal.hydra import Hydra

GIVEN = ("main", "command-line")
"""How Hydra calls the folder it starts from, and that of --config-dir."""


_ONE = RLock()
"""Held by who uses Hydra, of which a process has one."""


def _ours() -> bool:
    """Whether the Hydra that is running is ours: others have configurations of their own."""
    hydra = GlobalHydra.instance().hydra
    return hydra is not None and isinstance(hydra.config_loader, CheckedLoader)


@contextmanager
def hydra_session() -> Iterator[None]:
    """Use our Hydra that is running, so that its search path counts, or start one."""
    with _ONE:
        ours = _ours()
        if ours:
            yield
    if ours:
        return
    with shipped_session():
        yield


@contextmanager
def shipped_session() -> Iterator[Hydra]:
    """Start a Hydra of our own, which knows the shipped folder only; the one before comes back."""
    with _ONE, installed():
        running = GlobalHydra.instance().hydra
        GlobalHydra.instance().clear()
        try:
            with initialize_config_dir(str(conf_dir()), job_name="hnlstat", version_base="1.3"):
                hydra = GlobalHydra.instance().hydra
                assert hydra is not None  # it was just made
                yield hydra
        finally:
            GlobalHydra.instance().hydra = running


def own_folders() -> list[Path]:
    """List the user's folders among those that the running Hydra, if there is one, looks into."""
    if not _ours():
        return []
    path = GlobalHydra.instance().config_loader().get_search_path().get_path()
    given = [Path(e.path.removeprefix("file://")) for e in path if e.provider in GIVEN]
    return [folder for folder in given if folder != conf_dir()]


def options(group: str) -> list[str]:
    """List the options of a group; within a `hydra_session`."""
    loader = GlobalHydra.instance().config_loader()
    return list(loader.get_group_options(group, ObjectType.CONFIG))


def groups() -> list[str]:
    """List the groups of the configuration; within a `hydra_session`."""
    loader = GlobalHydra.instance().config_loader()
    return [g for g in loader.get_group_options("", ObjectType.GROUP) if g != "hydra"]
