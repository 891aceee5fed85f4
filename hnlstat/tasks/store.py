"""task=store: what a shared store of results holds, whether it is sound, and how to make room."""

from typing import Any

from hnlstat.config.executor import shared_folder
from hnlstat.config.task import StoreTask
from hnlstat.errors import StoreError
from hnlstat.run.current import Run
from hnlstat.run.store.units import MARK, UnitStore
from hnlstat.search.table import YieldTable
from hnlstat.system.screen import line_of

_DAY = 86400.0


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """List, verify or prune the Study's shared store; nothing is calculated, no folder made.

    Raises
    ------
    StoreError
        If there is no store, or one with damaged entries is to be verified.
    """
    task, root = current.study.task, shared_folder(current.study.store)
    assert given is None  # nothing is asked for yields
    assert isinstance(task, StoreTask)
    assert root is not None  # a Study with this task and another store is not valid
    if not (root / MARK).is_file():
        raise StoreError(f"store: {root} holds no store; name the folder that runs were given")
    store = UnitStore.open(root)
    if task.action == "prune":
        gone = store.prune(task.days * _DAY)
        text = f"deleted, as damaged, half written or not used for {task.days:g} days: {gone}"
        current.say(text)
    contents = _contents(store)
    current.say(line_of(contents))
    if task.action == "verify":
        _verify(store, current)
    return {"task": "store", "contents": contents, "entries": len(list(store.entries()))}


def _contents(store: UnitStore) -> str:
    """Say in a line what a store holds."""
    entries = list(store.entries())
    if not entries:
        return f"{store.root}: empty"
    size = sum(entry.size for entry in entries) / 1e6
    ages = [entry.age / _DAY for entry in entries]
    return (
        f"{store.root}: {len(entries)} entries, {size:.1f} MB, "
        f"last used {min(ages):.1f} to {max(ages):.1f} days ago"
    )


def _verify(store: UnitStore, current: Run) -> None:
    """Read every entry."""
    damaged = list(store.damaged())
    for error in damaged:
        current.say(line_of(str(error)))
    if damaged:
        raise StoreError(
            f"store: damaged entries: {len(damaged)}; runs calculate them anew, and "
            "task.action=prune deletes them"
        )
    current.say("every entry is sound")
