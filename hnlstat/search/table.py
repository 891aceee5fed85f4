"""The table of yields that stands between simulation and inference."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChannelYields:
    """Signal yields summed over the volumes of each channel and bin.

    Attributes
    ----------
    channel, bin : tuple, length C
        Name of the channel and index of the bin behind each entry of the last axis.
    signal : array, shape (M, D, C)
        Expected signal events.
    mc_error : array, shape (M, D, C)
        Absolute Monte Carlo error of `signal`.
    modifiers : dict of arrays, shape (M, D, C)
        Relative change of `signal` when a parameter moves by +1 sigma.
    """

    channel: tuple[str, ...]
    bin: tuple[int, ...]
    signal: FloatArray
    mc_error: FloatArray
    modifiers: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class CutFlow:
    """Decays to the final state of a search that are left after each cut.

    Attributes
    ----------
    search : str
        Its name.
    masses, couplings : arrays, shape (M,) and (D,)
        As in the table of yields.
    channel : tuple, length C
        Names of the channels.
    cuts, settings : tuple of str
        Names of the cuts, in their order, and the settings of the search that ask for them.
    passing : array, shape (M, D, C, 1 + number of cuts)
        All decays, then those that pass the first cut, the first two, ...; no calibration.
    beyond : array, shape (M, D, C)
        Those that pass all cuts, but lie beyond the edges of the observable; they are counted in
        its outermost bins. None where that is a cut.
    """

    search: str
    masses: FloatArray
    couplings: FloatArray
    channel: tuple[str, ...]
    cuts: tuple[str, ...]
    settings: tuple[str, ...]
    passing: FloatArray
    beyond: FloatArray

    def shares(self) -> FloatArray:
        """Share of the decays of all channels that is left, (M, D, 1 + cuts); 0 without decays."""
        return _of_first(self.passing.sum(axis=2))

    @property
    def step_names(self) -> tuple[str, ...]:
        """What the last axis of `steps` stands for."""
        return ("none", *self.cuts, "beyond_edges")

    def steps(self) -> tuple[FloatArray, FloatArray]:
        """Decays (M, D, C, S) by step: all, after each cut, beyond the edges; and shares of all."""
        decays = np.concatenate([self.passing, self.beyond[..., None]], axis=-1)
        return decays, _of_first(decays)


def _of_first(values: FloatArray) -> FloatArray:
    """Values over the first along the last axis, 0 where that is 0."""
    first = np.broadcast_to(values[..., :1], values.shape)
    return np.asarray(np.divide(values, first, out=np.zeros_like(values), where=first > 0))


@dataclass(frozen=True, eq=False)
class YieldTable:
    """Yields on the grid of masses and couplings, for each fiducial volume of each dataset.

    Attributes
    ----------
    masses : array, shape (M,)
        HNL masses [GeV], increasing.
    couplings : array, shape (D,)
        Couplings in the unit of the model, increasing.
    dataset, mode, volume, channel, bin : tuple, length R
        What each entry of the last axis of the arrays below stands for.
    decays : array, shape (M, D, R)
        All N decays in the volume, before branching ratio, selection and efficiency;
        NaN where a table made elsewhere does not give them.
    events : array, shape (M, D, R)
        Expected signal events after selection.
    mc_error : array, shape (M, D, R)
        Absolute Monte Carlo error of `events`, with that of an interpolation in mass.
    modifiers : dict of arrays, shape (M, D, R)
        Relative change of `events` when the named parameter ("flux", "rock_density", "pauli", ...)
        moves by +1 sigma; a column `rel_<name>` of the file.
    interpolated : array of bool, shape (M, R), optional
        Whether the decays come from samples at other masses; None: nowhere.
    cut_flows : tuple of CutFlow
        Of each search that simulates decays; not part of the file.

    Raises
    ------
    ValueError
        If a shape does not fit, or an axis is not increasing.
    """

    masses: FloatArray
    couplings: FloatArray
    dataset: tuple[str, ...]
    mode: tuple[str, ...]
    volume: tuple[str, ...]
    channel: tuple[str, ...]
    bin: tuple[int, ...]
    decays: FloatArray
    events: FloatArray
    mc_error: FloatArray
    modifiers: dict[str, FloatArray] = field(default_factory=dict)
    interpolated: NDArray[np.bool_] | None = None
    cut_flows: tuple[CutFlow, ...] = ()

    def __post_init__(self) -> None:
        shape = (self.masses.size, self.couplings.size, len(self.channel))
        for name in ("masses", "couplings"):
            axis = getattr(self, name)
            if axis.ndim != 1 or np.any(np.diff(axis) <= 0):
                raise ValueError(f"{name} must be a one-dimensional increasing array")
        for name in ("dataset", "mode", "volume", "bin"):
            if len(getattr(self, name)) != shape[2]:
                raise ValueError(f"{name} must have {shape[2]} entries, one for each row")
        arrays = {"decays": self.decays, "events": self.events, "mc_error": self.mc_error}
        for name, array in (arrays | self.modifiers).items():
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, not {shape}")
        if self.interpolated is not None and self.interpolated.shape != (shape[0], shape[2]):
            raise ValueError(f"interpolated has shape {self.interpolated.shape}")

    def total(self, dataset: str) -> tuple[FloatArray, FloatArray]:
        """Events of a dataset and their Monte Carlo error, each (M, D)."""
        mine = [i for i, name in enumerate(self.dataset) if name == dataset]
        # one sample serves all modes of a volume: their errors add up
        part = [(self.volume[i], self.bin[i]) for i in mine]
        member = np.array([[own == other for other in dict.fromkeys(part)] for own in part])
        error = np.linalg.norm(self.mc_error[..., mine] @ member, axis=-1)
        return self.events[..., mine].sum(axis=-1), error

    def precision(self) -> FloatArray:
        """Relative Monte Carlo error of the dataset's events for each row, (M, D, R)."""
        relative = {}
        for name in dict.fromkeys(self.dataset):
            events, error = self.total(name)
            relative[name] = np.divide(error, events, out=np.zeros_like(error), where=events > 0)
        return np.stack([relative[name] for name in self.dataset], axis=-1)

    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in order of first appearance."""
        return tuple(dict.fromkeys(self.channel))

    def by_channel(self) -> ChannelYields:
        """Sum the volumes of each channel and bin.

        Monte Carlo errors of the volumes are added in quadrature; modifiers are averaged with the
        events as weights (plainly, where there are none).

        Returns
        -------
        ChannelYields
            Arrays of shape (M, D, C); with one bin per channel the last axis follows `channels()`.
        """
        rows = list(zip(self.channel, self.bin, strict=True))
        order = {name: position for position, name in enumerate(self.channels())}
        keys = sorted(set(rows), key=lambda key: (order[key[0]], key[1]))
        member = np.array([[row == key for key in keys] for row in rows], dtype=float)
        signal = self.events @ member
        plain = member / member.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            modifiers = {
                name: np.where(
                    signal > 0, ((change * self.events) @ member) / signal, change @ plain
                )
                for name, change in self.modifiers.items()
            }
        return ChannelYields(
            channel=tuple(name for name, _ in keys),
            bin=tuple(index for _, index in keys),
            signal=signal,
            mc_error=np.sqrt(self.mc_error**2 @ member),
            modifiers=modifiers,
        )
