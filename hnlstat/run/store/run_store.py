"""The store that a run uses, with a reserve in the run's own folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hnlstat.errors import OutputError
from hnlstat.run.store.units import MARK, UnitStore


@dataclass
class RunStore:
    """What a run takes results from and keeps them in: a store, and its own folder as a reserve.

    Attributes
    ----------
    main : UnitStore
        The store that is asked for.
    reserve : Path, optional
        Folder for results that `main` does not take, as it is full or belongs to somebody else.
    """

    main: UnitStore
    reserve: Path | None = None
    _spare: UnitStore | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.reserve is not None and (self.reserve / MARK).is_file():  # of a run that goes on
            self._spare = UnitStore.open(self.reserve)

    def get(self, key: str) -> Any | None:
        """Read the result under a key; see `UnitStore.get`."""
        found = None if self._spare is None else self._spare.get(key)
        return self.main.get(key) if found is None else found

    def put(self, key: str, value: object) -> str | None:
        """Keep a result; see `UnitStore.put`. Gives a remark when it first goes to the reserve."""
        try:
            self.main.put(key, value)
        except OutputError as error:
            if self.reserve is None:
                raise
            remark = None
            if self._spare is None:
                self._spare = UnitStore.open(self.reserve)
                remark = f"store: {error}; new results are kept in {self.reserve}"
            self._spare.put(key, value)
            return remark
        return None
