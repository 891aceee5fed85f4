"""All kinds of searches, by name."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from hnlstat.config.base import suggest, validate
from hnlstat.config.channels import Channels
from hnlstat.config.photons import Photons
from hnlstat.config.search import Recast, Search
from hnlstat.config.tracks import Tracks
from hnlstat.errors import ConfigError

SEARCHES: dict[str, type[Search]] = {
    "recast": Recast,
    "tracks": Tracks,
    "photons": Photons,
    "channels": Channels,
}


def _by_kind(value: object) -> object:
    """Read a search by its kind."""
    if not isinstance(value, Mapping):
        return value
    kind, where = str(value.get("kind")), f"search.{value.get('name', 'NAME')}"
    if kind not in SEARCHES:
        raise ConfigError(
            f"{where}.kind: {kind} is not a kind of search; {suggest(kind, SEARCHES)}"
        )
    return validate(SEARCHES[kind], value, where)


AnySearch = Annotated[
    SerializeAsAny[Recast | Tracks | Photons | Channels], BeforeValidator(_by_kind)
]
