"""Which searches one sample serves: those in one detector and beam that want the same decays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hnlstat.config.channels import Channels
from hnlstat.config.dataset import Dataset
from hnlstat.config.detector import Detector
from hnlstat.config.flux import AnyFlux
from hnlstat.config.photons import Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.config.tracks import Tracks

SIMULATED = {
    "final_state", "field", "smearing", "cuts", "separation_path", "decays", "observable",
    "efficiency_map",
}  # fmt: skip
"""Settings of cuts on tracks that the decays of a sample depend on."""


OF_SHOWERS = {
    "final_state", "smearing", "efficiency", "conversion", "min_visible_energy", "binding",
    "decays", "observable", "efficiency_map",
}  # fmt: skip
"""Likewise, of searches for photons."""


@dataclass(frozen=True, eq=False)
class Station:
    """
    A detector in a beam, as one sample sees it.

    Attributes
    ----------
    detector, flux, min_cos_theta
        Of all members.
    pairs
        What is simulated of the decays, of all members; None: nothing.
    members
        Searches, each with its dataset.
    """

    detector: Detector
    flux: AnyFlux
    min_cos_theta: float
    pairs: dict[str, Any] | None
    members: list[tuple[Dataset, Search]] = field(default_factory=list)

    @property
    def modes(self) -> tuple[str, ...]:
        """Horn modes, in the order of the flux columns."""
        return tuple(dict.fromkeys(mode for d, _ in self.members for mode in d.exposure.pot))

    @property
    def volumes(self) -> tuple[str, ...]:
        """Fiducial volumes that some member uses, in the detector's order."""
        used = {name for dataset, search in self.members for name in dataset.volumes(search)}
        return tuple(name for name in self.detector.fiducial if name in used)

    @property
    def search(self) -> Search:
        """A member that says what is simulated of the decays."""
        return self.members[0][1]

    def serves(self, dataset: Dataset, search: Search) -> bool:
        """Whether a sample that serves the members serves this search, too."""
        return (
            self.min_cos_theta == search.min_cos_theta
            and self.pairs == simulated(search)
            and self.flux == dataset.flux
            and self.detector == dataset.detector
        )


def simulated(search: Search) -> dict[str, Any] | None:
    """What is simulated of the decays for a search; None: nothing."""
    for kind, settings in ((Tracks, SIMULATED), (Photons, OF_SHOWERS), (Channels, {"kind"})):
        if isinstance(search, kind):
            return search.model_dump(include=settings)
    return None


def stations(study: Study) -> tuple[Station, ...]:
    """Stations of a study, in the order in which datasets and searches first need them."""
    found: list[Station] = []
    for dataset, search in study.searches:
        mine = next((one for one in found if one.serves(dataset, search)), None)
        if mine is None:
            mine = Station(dataset.detector, dataset.flux, search.min_cos_theta, simulated(search))
            found.append(mine)
        mine.members.append((dataset, search))
    return tuple(found)
