"""Searches in several channels at once, into each of which N fall by several of their decays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, model_validator

from hnlstat.config.base import Name, home, problem, suggest
from hnlstat.config.quantities import NotEmpty
from hnlstat.config.search import Search


def _table(value: str) -> str:
    return str(home(Path(value)))


def _only(search: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out of a search, as it is read, what is of other channels than those in `only`."""
    known, wanted = search.get("channels"), search.get("only")
    if wanted is None or not isinstance(known, list | tuple):
        return search
    if not isinstance(wanted, list | tuple) or not wanted:
        raise problem("only", f"{wanted} is no list of channels; choose from {', '.join(known)}")
    for name in wanted:
        if name not in known:
            raise problem("only", f"{name} is no channel; {suggest(str(name), known)}")
    kept = [i for i, name in enumerate(known) if name in wanted]

    def part(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: part(entry) for key, entry in value.items()}
        if isinstance(value, Sequence) and len(value) == len(known) and not isinstance(value, str):
            return [value[i] for i in kept]
        return value  # another length is told of below

    lists = {key: part(search[key]) for key in ("background", "observed") if key in search}
    return {**search, **lists, "channels": [known[i] for i in kept], "only": None}


class Channels(Search):
    """
    Recast of a search by its efficiencies by mode, a decay of kaons to N and of these.

    Attributes
    ----------
    channels
        Names of the bins.
    only
        Channels to use, when a search is read: lists lose the entries of others. Then None.
    modes, efficiency
        Tables: `tables.modes.load_modes`.
    """

    kind: Literal["channels"]
    final_state: Literal["charged"]
    channels: Annotated[tuple[Name, ...], NotEmpty]
    only: tuple[Name, ...] | None = None
    modes: Annotated[str, AfterValidator(_table)]
    efficiency: Annotated[str, AfterValidator(_table)]

    @property
    def bins(self) -> int:
        """Number of bins: each is a channel."""
        return len(self.channels)

    @property
    def apart(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self.channels

    @property
    def shares(self) -> tuple[float, ...] | None:
        """Nothing is known of how a background is shared."""
        return None

    @property
    def errors(self) -> str:
        """What names of the uncertainties of the efficiencies begin with."""
        return f"{self.name}_efficiency_"

    @model_validator(mode="before")
    @classmethod
    def _without_others(cls, data: Any) -> Any:
        return _only(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _channels_differ(self) -> Self:
        for name in self.channels:
            if self.channels.count(name) > 1:
                raise problem("channels", f"{name} appears twice")
        return self
