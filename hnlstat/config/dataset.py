"""Datasets: what took the data, for how long, in which beam, and what is looked for in them."""

from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from hnlstat.config.base import GONE, Assuming, Name, Section, problem, suggest
from hnlstat.config.detector import Detector
from hnlstat.config.flux import AnyFlux, Flux
from hnlstat.config.photons import Photons
from hnlstat.config.quantities import (
    Exposed,
    NotEmpty,
)
from hnlstat.config.search import CHARGED, Search
from hnlstat.config.searches import AnySearch
from hnlstat.config.solids import BoxShape
from hnlstat.config.tracks import Tracks
from hnlstat.detector.relations import apart


class Exposure(Assuming):
    """Protons on target by horn mode; what was observed with them the searches say.

    Attributes
    ----------
    name, description
        What searches give its data under; in words.
    beam
        That they are of, and where, as its flux has it; None: any.
    pot
        By horn mode.
    """

    name: Name
    description: str = ""
    beam: str | None = None
    pot: Annotated[dict[Name, Exposed], NotEmpty]

    @model_validator(mode="before")
    @classmethod
    def _data_are_of_searches(cls, value: Any) -> Any:
        if isinstance(value, dict) and "observed" in value:
            raise problem("observed", GONE["exposure.observed"])
        return value


class Dataset(Section):
    """
    A detector with an exposure, in a beam, and what is looked for.

    Attributes
    ----------
    name
        Unique in a study; None: that of the detector.
    flux
        The beam: a table of neutrinos, or of N from kaons.
    search
        Searches by name.
    """

    name: Name
    detector: Detector
    exposure: Exposure
    flux: AnyFlux
    search: Annotated[dict[Name, AnySearch], NotEmpty]

    def volumes(self, search: Search) -> tuple[str, ...]:
        """Names of the fiducial volumes that a search uses."""
        if search.fiducial is not None:
            return search.fiducial
        return tuple(name for name, one in self.detector.fiducial.items() if not one.by_name)

    @property
    def used_volumes(self) -> tuple[str, ...]:
        """Names of the fiducial volumes that some search uses, in the detector's order."""
        used = {name for search in self.search.values() for name in self.volumes(search)}
        return tuple(name for name in self.detector.fiducial if name in used)

    def channel(self, search: Search, mode: str) -> str:
        """Name of the channel of a search in a horn mode."""
        parts = (self.name, mode) if len(self.search) == 1 else (self.name, search.name, mode)
        return "_".join(parts)

    def bins(self, search: Search, mode: str) -> list[tuple[str, int]]:
        """Channel of each bin of a search in a horn mode, and the index there."""
        name = self.channel(search, mode)
        if search.apart:
            return [(f"{name}_{part}", 0) for part in search.apart]
        return [(name, i) for i in range(search.bins)]

    def data(self, search: Search) -> dict[str, tuple[int, ...] | int] | Literal["asimov"] | None:
        """Observed events of a search by horn mode; None: a projection."""
        return search.observed.get(self.exposure.name)

    @model_validator(mode="after")
    def _searches_have_their_names(self) -> Self:
        for key, search in self.search.items():
            if search.name != key:
                raise problem(f"search.{key}.name", f"{search.name} is not {key}")
        return self

    @model_validator(mode="after")
    def _volumes_are_there(self) -> Self:
        for search in self.search.values():
            if not self.volumes(search):
                raise problem(
                    f"search.{search.name}.fiducial",
                    f"is null, but all fiducial volumes of {self.detector.name} are by_name; name "
                    f"some: {', '.join(self.detector.fiducial)}",
                )
            for name in self.volumes(search):
                if name not in self.detector.fiducial:
                    raise problem(
                        f"search.{search.name}.fiducial",
                        f"{name} is not a fiducial volume of {self.detector.name}; "
                        + suggest(name, self.detector.fiducial),
                    )
                if isinstance(search, Tracks) and self.detector.around(name) is None:
                    box = isinstance(self.detector.fiducial[name], BoxShape)
                    fault = "does not lie in a single box" if box else "is not a box"
                    raise problem(
                        f"detector.fiducial.{name}",
                        f"{fault}; search {search.name} needs one with gas",
                    )
        return self

    @model_validator(mode="after")
    def _photons_convert_somewhere(self) -> Self:
        volumes = self.detector.volumes
        for search in self.search.values():
            conversion = search.conversion if isinstance(search, Photons) else None
            asked = {} if conversion is None else conversion.volumes
            key = f"search.{search.name}.conversion.volumes"
            for name, after in asked.items():
                for one in (name, *([] if after is None else [after])):
                    if one not in volumes:
                        raise problem(
                            key,
                            f"{one} is not a volume of {self.detector.name}; "
                            + suggest(one, volumes),
                        )
            for one, two in combinations(asked, 2):
                if not apart(volumes[one].solid, volumes[two].solid):
                    raise problem(key, f"{two} overlaps {one}: photons would convert twice there")
        return self

    @model_validator(mode="after")
    def _matter_lies_in_the_beam(self) -> Self:
        distance = self.flux.distance if isinstance(self.flux, Flux) else None
        for name, volume in self.detector.volumes.items():
            start = -volume.extent[2][0]
            if distance is not None and start >= distance:
                raise problem(
                    "flux.distance",
                    f"{distance:g} m: {name} of {self.detector.name} reaches {start:g} m upstream, "
                    "beyond the source of the beam; let it begin nearer, or write null",
                )
        return self

    @model_validator(mode="after")
    def _modes_are_known(self) -> Self:
        for search in self.search.values():
            key, pot = f"search.{search.name}", self.exposure.pot
            for mode in pot:
                if mode not in search.background:
                    raise problem(
                        f"{key}.background",
                        f"lacks the horn mode {mode} of exposure {self.exposure.name} "
                        f"(has {[*search.background]})",
                    )
                other = search.background[mode].pot_of
                if other is not None and other not in pot:
                    raise problem(
                        f"{key}.background.{mode}.pot_of",
                        f"{other} is not a horn mode of exposure {self.exposure.name} ({[*pot]})",
                    )
            data = self.data(search)
            if isinstance(data, dict) and data.keys() != pot.keys():
                raise problem(
                    f"{key}.observed.{self.exposure.name}",
                    f"has {[*data]}, but pot has the modes {[*pot]}",
                )
        return self

    @model_validator(mode="after")
    def _events_count_once(self) -> Self:
        for one, two in combinations(self.search.values(), 2):
            if reason := count_twice((self, one), (self, two)):
                raise problem(f"search.{two.name}", reason)
        return self


def count_twice(one: tuple[Dataset, Search], two: tuple[Dataset, Search]) -> str | None:
    """Say so if two searches count the same decays, as far as can be seen from their names."""
    (first, search), (second, other) = one, two
    states = {search.final_state, other.final_state}
    if len(states) > 1 and CHARGED not in states:
        return None
    if other.name in search.disjoint_from or search.name in other.disjoint_from:
        return None
    common = [name for name in first.volumes(search) if name in second.volumes(other)]
    if not common:
        return None
    state = min(states, key=lambda name: name == CHARGED)  # what both count
    return (
        f"counts the decays to {state} in {', '.join(common)} that {search.name} "
        f"counts; if not say disjoint_from: [{search.name}]"
    )
