"""Datasets: what took the data, for how long, in which beam, and what is looked for in them."""

from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, model_validator

from hnlstat.config.base import GONE, Assuming, Name, Section, home, problem, suggest, validate
from hnlstat.config.detector import Detector
from hnlstat.config.quantities import (
    Energy,
    Exposed,
    Length,
    NotEmpty,
    PositiveRatio,
    Rising,
)
from hnlstat.config.search import CHARGED, Search, Tracks
from hnlstat.config.searches import AnySearch
from hnlstat.config.sections import Size
from hnlstat.config.shapes import FiducialBox


class Exposure(Section):
    """Protons on target by horn mode; what was observed with them the searches say."""

    name: Name
    description: str = ""
    pot: Annotated[dict[Name, Exposed], NotEmpty]

    @model_validator(mode="before")
    @classmethod
    def _data_are_of_searches(cls, value: Any) -> Any:
        if isinstance(value, dict) and "observed" in value:
            raise problem("observed", GONE["exposure.observed"])
        return value


class FluxUncertainty(Section):
    """Relative size (n,) between energy edges (n + 1,) [GeV]; constant beyond them."""

    edges: Annotated[tuple[Energy, ...], NotEmpty, Rising]
    size: tuple[Size, ...]

    @model_validator(mode="after")
    def _one_size_per_bin(self) -> Self:
        if len(self.size) != len(self.edges) - 1:
            raise problem(
                "size", f"has {len(self.size)} values for {len(self.edges) - 1} bins of `edges`"
            )
        return self


FluxFlavours = Annotated[tuple[Literal["numu", "numubar", "nue", "nuebar"], ...], NotEmpty]


def _table(value: str) -> str:
    return str(home(Path(value)))


class Flux(Section):
    """A table of neutrinos, shipped (by name) or the user's own (by path), and its uncertainty.

    Of the table the columns of `flavours` are used; in the horn modes that `flavours_by_mode` names
    only those that are in both.
    """

    name: Name
    table: Annotated[str, AfterValidator(_table)]
    flavours: FluxFlavours
    flavours_by_mode: dict[str, FluxFlavours] | None = None
    uncertainty: FluxUncertainty

    def flavours_in(self, mode: str) -> tuple[str, ...]:
        """Flavours that are used in a horn mode."""
        allowed = (self.flavours_by_mode or {}).get(mode, self.flavours)
        return tuple(flavour for flavour in self.flavours if flavour in allowed)

    @property
    def tables(self) -> dict[str, str]:
        """Keys of the tables, and these by name or path."""
        return {"table": self.table}

    def parameter(self, mode: str) -> str:
        """Name of the uncertainty in a horn mode."""
        return f"flux_{self.name}_{mode}"


class KaonFlux(Assuming):
    """N of kaons that decay along a beam, which runs along z.

    Attributes
    ----------
    table
        Decays of long-lived N over |U_l|^2 and width, by mass: `beam.kaons.load_kaons`.
    spectra
        Shapes of their spectra by lepton and mass, in all horn modes.
    volume, pot
        What `table` is for [m^3], [POT].
    tunnel
        z where kaons begin and end to decay, evenly between [m].
    uncertainty
        Relative, common to all horn modes.
    """

    name: Name
    kind: Literal["kaons"]
    table: Annotated[str, AfterValidator(_table)]
    spectra: Annotated[str, AfterValidator(_table)]
    volume: PositiveRatio
    pot: Annotated[dict[Name, Exposed], NotEmpty]
    tunnel: Annotated[tuple[Length, Length], Rising]
    uncertainty: Size

    @property
    def tables(self) -> dict[str, str]:
        """Keys of the tables, and these by name or path."""
        return {"table": self.table, "spectra": self.spectra}

    def parameter(self, mode: str) -> str:  # noqa: ARG002
        """Name of the uncertainty in a horn mode: one for all."""
        return f"flux_{self.name}"


AnyFlux = Flux | KaonFlux


def read_flux(settings: object, where: str) -> AnyFlux:
    """Read a flux, of neutrinos or with a `kind`; errors as `validate`."""
    if isinstance(settings, dict) and "kind" in settings:
        return validate(KaonFlux, settings, where)
    return validate(Flux, settings, where)


class Dataset(Section):
    """
    A detector with an exposure, in a beam, and what is looked for.

    Attributes
    ----------
    name
        Unique in a Study.
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
        return tuple(self.detector.fiducial) if search.fiducial is None else search.fiducial

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
            for name in self.volumes(search):
                if name not in self.detector.fiducial:
                    raise problem(
                        f"search.{search.name}.fiducial",
                        f"{name} is not a fiducial volume of {self.detector.name}; "
                        + suggest(name, self.detector.fiducial),
                    )
                if isinstance(search, Tracks) and self.detector.around(name) is None:
                    box = isinstance(self.detector.fiducial[name], FiducialBox)
                    fault = "does not lie in a single box" if box else "is not a box"
                    raise problem(
                        f"detector.fiducial.{name}",
                        f"{fault}; search {search.name} needs one with gas",
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
    return (
        f"counts the decays to {search.final_state} in {', '.join(common)} that {search.name} "
        f"counts; if not say disjoint_from: [{search.name}]"
    )
