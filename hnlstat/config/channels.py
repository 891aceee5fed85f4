"""Searches in several channels at once, into each of which N fall by several of their decays."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from hnlstat.config.base import Name, home, problem
from hnlstat.config.quantities import NotEmpty
from hnlstat.config.search import Search


def _table(value: str) -> str:
    return str(home(Path(value)))


class Channels(Search):
    """
    Recast of a search by its efficiencies by mode, a decay of kaons to N and of these.

    Attributes
    ----------
    channels
        Names of the bins.
    modes, efficiency
        Tables: `tables.modes.load_modes`.
    """

    kind: Literal["channels"]
    final_state: Literal["charged"]
    channels: Annotated[tuple[Name, ...], NotEmpty]
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

    @model_validator(mode="after")
    def _channels_differ(self) -> Self:
        for name in self.channels:
            if self.channels.count(name) > 1:
                raise problem("channels", f"{name} appears twice")
        return self
