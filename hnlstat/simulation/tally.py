"""Sums of the weights of events, while they pass by."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnlstat.simulation.batches import Columns, weight_names

Array = NDArray[np.float64]


class Tally:
    """Running sums of weights while events pass by, by channel and coupling.

    Attributes
    ----------
    rows : number of events so far
    """

    def __init__(self, couplings: Sequence[float], column: str, final_state: str) -> None:
        self.rows = 0
        self._names = column, f"decays_to_{final_state}"
        self._couplings = dict(zip(weight_names(couplings), couplings, strict=True))
        self._sums: dict[str, dict[str, Array]] = {name: {} for name in self._couplings}

    def passing(self, batches: Iterable[Columns]) -> Iterator[Columns]:
        """Hand events on, batch by batch, and count them."""
        for events in batches:
            self.rows += len(events["weight"])
            channel = np.char.add(np.char.add(events["dataset"], "_"), events["mode"])
            for name, sums in self._sums.items():
                for one in np.unique(channel).tolist():
                    weight = events[name][channel == one]
                    new = np.array([np.sum(weight), np.sum(weight**2)])
                    sums[one] = sums.get(one, 0.0) + new
            yield events

    def expectations(self) -> list[dict[str, Any]]:
        """Sums of the weights by channel at each coupling, with their errors, as plain numbers.

        The names are those of the coupling's column and of the final state; `effective_events` is
        the number of events of equal weight that would be as precise.
        """
        return [
            {
                self._names[0]: self._couplings[name],
                "column": name,
                "channel": channel,
                self._names[1]: total,
                "mc_error": squares**0.5,
                "effective_events": total**2 / squares if squares > 0 else 0.0,
            }
            for name, sums in self._sums.items()
            for channel, (total, squares) in sorted((c, s.tolist()) for c, s in sums.items())
        ]
