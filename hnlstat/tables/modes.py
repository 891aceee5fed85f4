"""Efficiencies by mode: N of a decay of kaons that decay to something, and end in a channel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.channels import Channels
from hnlstat.errors import DataError
from hnlstat.physics.kaon_decay import KAON_TO_NEUTRINO
from hnlstat.physics.mixing import CHARGED, FLAVOURS, WIDTHS
from hnlstat.tables.csv_table import CsvTable, read_csv
from hnlstat.tables.efficiency import efficiency_file

Array = NDArray[np.float64]

LEPTONS = tuple(KAON_TO_NEUTRINO)


@dataclass(frozen=True)
class Mode:
    """N of K -> l N that decay by mixing with some flavours.

    Attributes
    ----------
    lepton : "e" or "mu"
    decay : final state
    flavours : of the mixing
    numbers : lepton numbers of a Majorana N that it has, 1 or 2
    """

    lepton: str
    decay: str
    flavours: tuple[str, ...]
    numbers: int


@dataclass(frozen=True, eq=False)
class ModeEfficiency:
    """Efficiencies of Q modes at M masses in B channels, by horn mode.

    Attributes
    ----------
    path : of the table
    masses : (M,) [GeV], rising
    modes : Q of them
    value : (M, Q, B) by horn mode
    own : (M, Q, B) relative errors, each by itself
    common : (M, Q, B, K) relative shifts by components, common to all modes and channels
    """

    path: str
    masses: Array
    modes: tuple[Mode, ...]
    value: dict[str, Array]
    own: dict[str, Array]
    common: dict[str, Array]

    def at(self, horn: str, mass: float) -> Array:
        """Efficiencies (Q, B), linear in the mass; of a mode where it is open."""
        value = self.value[horn]
        found = np.zeros(value.shape[1:])
        for q in range(len(self.modes)):
            rows = np.flatnonzero(self._open[:, q])
            if rows.size:
                known = value[rows, q]
                found[q] = [np.interp(mass, self.masses[rows], column) for column in known.T]
        return found

    def errors(self, horn: str, mass: float) -> tuple[Array, Array]:
        """Own errors (Q, B) and common ones (Q, B, K), of the nearest mass."""
        i = int(np.argmin(np.abs(self.masses - mass)))
        return self.own[horn][i], self.common[horn][i]

    @property
    def _open(self) -> NDArray[np.bool_]:
        """Whether N of a mass have a mode, (M, Q): some channel has it."""
        return np.asarray(sum(value.sum(axis=2) for value in self.value.values()) > 0)


def load_modes(
    modes: str, efficiency: str, channels: Sequence[str], horns: Sequence[str]
) -> ModeEfficiency:
    """Read tables, shipped (by name) or the user's own (by path).

    That of the modes has columns `mode` (from 0), `lepton`, `decay`, `flavours` (blanks between)
    and `numbers`; that of the efficiencies `mass_gev`, `mode`, `horn`, `channel`, `efficiency`,
    and of its relative errors `own` and any number of `common_...`. Rows that are left out are 0.

    Raises
    ------
    DataError
        If a file cannot be read, or a row is not right, or one is there twice.
    """
    try:
        known = _modes(read_csv(efficiency_file(modes), required=_MODES))
        table = read_csv(efficiency_file(efficiency), required=_EFFICIENCY)
        mode = table.whole("mode")
        for row, number in enumerate(mode):
            if number >= len(known):
                raise table.error(row, "mode", f"is no mode; the table of modes has {len(known)}")
        places = [_places(table, "horn", horns), _places(table, "channel", channels)]
        masses, mass = np.unique(table.numbers("mass_gev", above=0), return_inverse=True)
        if len(masses) < 2:
            raise DataError(f"{table.path}: has one mass; needed are two or more")
        shape = len(masses), len(known), len(channels)
        index = np.array([places[0], mass, mode, places[1]])
        mine = np.flatnonzero(index.min(axis=0) >= 0)
        _, first = np.unique(index[:, mine], axis=1, return_index=True)
        if len(first) < len(mine):
            row = mine[min({*range(len(mine))} - {*first.tolist()})]
            raise table.error(int(row), "mode", "is there twice, with this mass, horn and channel")
        common = [name for name in table.columns if name.startswith("common_")]
        columns = ["efficiency", "own", *common]
        limits = {"efficiency": (0.0, 1.0), "own": (0.0, np.inf)}
        values = [
            table.numbers(name, at_least=low, at_most=high)
            for name in columns
            for low, high in [limits.get(name, (-np.inf, np.inf))]
        ]
    except DataError as error:
        raise DataError(f"efficiency by mode {error}") from None
    filled = np.zeros((len(columns), len(horns), *shape))
    filled[:, *index[:, mine]] = np.array(values)[:, mine]
    value, own = (dict(zip(horns, part, strict=True)) for part in filled[:2])
    shifts = dict(zip(horns, np.moveaxis(filled[2:], 0, -1), strict=True))
    return ModeEfficiency(str(table.path), masses, known, value, own, shifts)


def modes_of(search: Channels) -> ModeEfficiency:
    """The efficiencies of a search, in all horn modes that it has a background of."""
    return load_modes(search.modes, search.efficiency, search.channels, [*search.background])


_MODES = ("mode", "lepton", "decay", "flavours", "numbers")
_EFFICIENCY = ("mass_gev", "mode", "horn", "channel", "efficiency", "own")


def _modes(table: CsvTable) -> tuple[Mode, ...]:
    numbers = table.whole("numbers")
    columns = (table.columns[name] for name in ("lepton", "decay", "flavours"))
    found = [
        Mode(lepton, decay, tuple(flavours.split()), number)
        for lepton, decay, flavours, number in zip(*columns, numbers, strict=True)
    ]
    decays = [name for name in WIDTHS if name != "nununu"] + [*CHARGED]
    for row, (number, mode) in enumerate(zip(table.whole("mode"), found, strict=True)):
        if number != row:
            raise table.error(row, "mode", f"must be {row}: modes are counted from 0")
        if mode.numbers not in (1, 2):
            raise table.error(row, "numbers", "must be 1 or 2")
        if mode.lepton not in LEPTONS:
            raise table.error(row, "lepton", f"must be {' or '.join(LEPTONS)}, of K -> l N")
        if mode.decay not in decays:
            raise table.error(row, "decay", f"is no decay of N; they are {', '.join(decays)}")
        flavours = CHARGED[mode.decay][:1] if mode.decay in CHARGED else FLAVOURS
        if not mode.flavours or not {*mode.flavours} <= {*flavours}:
            raise table.error(row, "flavours", f"must be of {' '.join(flavours)}, blanks between")
        if len({*mode.flavours}) < len(mode.flavours):
            raise table.error(row, "flavours", "has one twice")
    return tuple(found)


def _places(table: CsvTable, column: str, known: Sequence[str]) -> list[int]:
    """Place of each entry among the names that are looked for, -1 of others."""
    entries = table.columns[column]
    for name in known:
        if name not in entries:
            have = ", ".join(dict.fromkeys(entries))
            raise DataError(f"{table.path}: has no row of the {column} {name}; it has {have}")
    return [known.index(entry) if entry in known else -1 for entry in entries]
