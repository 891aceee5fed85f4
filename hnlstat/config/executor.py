"""Where the work is done and where its results are kept; the numbers depend on neither."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SerializeAsAny

from hnlstat.config.base import Section, validate

SHARED = "shared:"
"""What stands before the folder of a store for several runs."""


def _count_or_auto(value: object) -> object:
    if value != "auto" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError("is neither a positive whole number nor auto")
    return value


class Executor(Section):
    """An executor without settings: work in the process of the run itself."""

    kind: Literal["serial", "processes"]


class Processes(Executor):
    """
    Processes of this machine.

    Attributes
    ----------
    workers
        Their number; "auto" is one per core.
    """

    kind: Literal["processes"]
    workers: Annotated[int | Literal["auto"], BeforeValidator(_count_or_auto)]


EXECUTORS: dict[str, type[Executor]] = {"processes": Processes}


def _with_settings(value: object) -> object:
    """Read an executor by its kind."""
    if isinstance(value, Mapping):
        return validate(EXECUTORS.get(str(value.get("kind")), Executor), value, "executor")
    return value


AnyExecutor = Annotated[SerializeAsAny[Executor], BeforeValidator(_with_settings)]


def _store(value: str) -> str:
    if value in ("off", "run") or value.removeprefix(SHARED) not in ("", value):
        return value
    raise ValueError("is not a store; use off, run or shared:<folder>")


Store = Annotated[str, AfterValidator(_store)]
"""Where results of units of work are kept: "off", "run" (its folder), "shared:<folder>"."""


def shared_folder(store: str) -> Path | None:
    """Give the folder of a shared store, None for another kind."""
    return Path(store.removeprefix(SHARED)) if store.startswith(SHARED) else None
