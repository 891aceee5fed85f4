"""Which column of a sample holds what: all decays, then those selected, then the cut flow."""

from dataclasses import dataclass

from hnlstat.config.channels import Channels
from hnlstat.config.photons import Photons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.config.tracks import Tracks
from hnlstat.models.checks import from_kaons
from hnlstat.simulation.setup import variations


@dataclass(frozen=True)
class Layout:
    """Which columns hold what: all decays first, then those in each bin, then the cut flow.

    Attributes
    ----------
    modes : horn modes, the inner index of the columns
    shifts : nominal, and each variation at +1 sigma
    bins : bins of the selection, or leptons of K -> l N; 0 where no decays are selected, and all
        count
    cuts : names of the cuts in their order
    """

    modes: int
    shifts: int
    bins: int = 0
    cuts: tuple[str, ...] = ()

    @classmethod
    def of(cls, study: Study, search: Search, modes: int) -> "Layout":
        """All decays with their variations, and what a search adds."""
        shifts = 2 + len(variations(study))
        if isinstance(search, Channels):
            return cls(modes, shifts, len(from_kaons(study.model).modes))
        if not isinstance(search, Tracks | Photons):
            return cls(modes, shifts)
        return cls(modes, shifts, search.bins, tuple(search.cut_flow))

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        """Column of all decays and share of a selection behind each further column."""
        if not self.bins:
            return ()
        per_bin = self.modes * self.shifts
        selected = [(column, b) for b in range(self.bins) for column in range(per_bin)]
        flow = [(m, self.bins + c) for c in range(len(self.cuts) + 1) for m in range(self.modes)]
        return (*selected, *flow)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self.modes * self.shifts + len(self.products)

    def all_decays(self, mode: int) -> int:
        """Column of all decays."""
        return mode

    def selected(self, mode: int, bin_: int = 0) -> slice:
        """Columns of selected decays in a bin: nominal, then each variation."""
        size = self.modes * self.shifts
        start = size * (1 + bin_) if self.bins else 0
        return slice(start + mode, start + size, self.modes)

    def nominal(self, mode: int) -> list[int]:
        """Columns whose sum is the nominal selected yield."""
        return [self.selected(mode, bin_).start for bin_ in range(max(self.bins, 1))]

    def flow(self, mode: int) -> slice:
        """Columns of decays that pass the first cut, the first two, ...; and beyond the edges."""
        return slice(self.modes * self.shifts * (1 + self.bins) + mode, None, self.modes)
