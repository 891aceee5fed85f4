"""The likelihood of a counting experiment with one bin or several in each channel.

The model is HistFactory's (CERN-OPEN-2012-016) with log-normal uncertainties,

    n_i ~ Poisson( mu s_i gamma_i prod_k (1 + delta_ki)^theta_k
                   + (b_i + sum_j zeta_j c_ji) (1 + beta_c)^eta_c ),

for bin i of channel c, with standard normal theta_k (shared by channels: flux, efficiency, rock
density), standard normal eta_c (each channel's own background, the same in all its bins) and
gamma_i = 1 +- the MC error of the signal. The standard normal zeta_j are components of the
background's covariance, shared by name between channels and datasets (`components`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hnlstat.errors import InferenceError

FloatArray = NDArray[np.float64]

MOST_EVENTS = 1e9
"""Of the data or the background of a bin, and of signals that calculators take as they are."""


@dataclass(frozen=True, eq=False)
class CountingModel:
    """Signal, background and their uncertainties in C bins, at one (mass, coupling).

    Parameters
    ----------
    channels
        Name of the channel of each bin, shape (C,).
    signal, background
        Expected events, shape (C,); the background must be positive.
    observed
        Observed events, shape (C,), or None for a projection. Asimov data may be fractional.
    signal_modifiers
        For each correlated uncertainty the relative change of the signal at +1 sigma, shape (C,);
        0 where it does not act. The change at -1 sigma is 1 / (1 + delta).
    background_modifiers
        Relative background uncertainty, shape (C,) or a number for all bins; the same in all bins
        of a channel, fully correlated between them, independent between channels.
    mc_error
        Relative Monte Carlo error of the signal, shape (C,) or a number for all of them,
        independent between bins.
    bins
        Index of each bin in its channel, shape (C,); left out where each channel has one.
    datasets
        Name of the dataset of each bin, shape (C,), for tests of summed counts; left out where each
        channel is a dataset of its own.
    background_components
        For each component of the background's covariance the change of the background [events] at
        +1 sigma, shape (C,), 0 where it does not act; at -1 sigma it is the opposite. Components
        that act nowhere are left out. Of a covariance matrix V (C, C) of some bins these are
        `{f"{name}_{k}": shift for k, shift in enumerate(principal_components(V).shifts)}` with
        zeros for all other bins, where `name` is that of the search (of the dataset and the search
        where searches of several datasets have matrices of their own). What V holds does not
        belong into `background_modifiers` as well, and the Poisson statistics of the data do not
        belong into V.

    Raises
    ------
    InferenceError
        For a wrong shape, a value that is not finite, one outside its range, a bin twice, or a
        component with the name of another parameter.
    """

    channels: tuple[str, ...]
    signal: FloatArray
    background: FloatArray
    observed: FloatArray | None = None
    signal_modifiers: Mapping[str, FloatArray] = field(default_factory=dict)
    background_modifiers: FloatArray = field(default_factory=lambda: np.array(0.0))
    mc_error: FloatArray = field(default_factory=lambda: np.array(0.0))
    bins: tuple[int, ...] = ()
    datasets: tuple[str, ...] = ()
    background_components: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = tuple(self.channels)
        bins = tuple(self.bins) or (0,) * len(names)
        unique = len(bins) == len(names) == len({*zip(names, bins, strict=False)})
        if not names or not unique:
            raise InferenceError(
                f"channels must be unique names and at least one, got {names} with bins {bins}"
            )
        object.__setattr__(self, "channels", names)
        object.__setattr__(self, "bins", bins)
        object.__setattr__(self, "datasets", tuple(self.datasets) or names)
        if len(self.datasets) != len(names):
            raise InferenceError(f"datasets has {len(self.datasets)} names for {len(names)} bins")
        values: dict[str, object] = {
            "signal": self._column("signal", self.signal, lowest=0.0),
            "background": self._column("background", self.background, above=0.0, most=MOST_EVENTS),
            "signal_modifiers": {
                name: self._column(name, delta, above=-1.0)
                for name, delta in self.signal_modifiers.items()
            },
            "background_modifiers": self._column(
                "background_modifiers", self.background_modifiers, lowest=0.0
            ),
            "mc_error": self._column("mc_error", self.mc_error, lowest=0.0),
            "background_components": {
                name: column
                for name, shift in self.background_components.items()
                if (
                    column := self._column(name, shift, lowest=-MOST_EVENTS, most=MOST_EVENTS)
                ).any()
            },
        }
        if self.observed is not None:
            values["observed"] = self._column(
                "observed", self.observed, lowest=0.0, most=MOST_EVENTS
            )
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check_parameters()

    def _check_parameters(self) -> None:
        """Refuse channels with several parameters, and components with that of something else."""
        error_of = dict(zip(self.channels, self.background_modifiers.tolist(), strict=True))
        for name, error in zip(self.channels, self.background_modifiers.tolist(), strict=True):
            if error != error_of[name]:
                raise InferenceError(
                    f"background_modifiers of channel {name} are {error:g} and {error_of[name]:g}; "
                    "all bins of a channel share one"
                )
        own = [f"{kind}_{name}" for kind in ("background", "mc") for name in self.channels]
        if twice := self.background_components.keys() & {"mu", *self.signal_modifiers, *own}:
            raise InferenceError(
                f"background_components: {min(twice)} is the name of another parameter; "
                "give the component a name of its own"
            )

    def _column(
        self,
        name: str,
        values: ArrayLike,
        *,
        lowest: float = -np.inf,
        above: float = -np.inf,
        most: float = np.inf,
    ) -> FloatArray:
        """Return `values` as a read-only array (C,) after checking its shape and range."""
        column = np.array(values, dtype=np.float64)
        if column.ndim == 0:
            column = np.full(len(self.channels), column)
        if column.shape != (len(self.channels),):
            raise InferenceError(
                f"{name} has shape {column.shape}, needed is one value for each of the "
                f"{len(self.channels)} bins"
            )
        wrong = ~np.isfinite(column) | (column < lowest) | (column <= above) | (column > most)
        if wrong.any():
            i = int(np.argmax(wrong))
            bound = f"at least {lowest:g}" if np.isfinite(lowest) else f"above {above:g}"
            bound += f" and at most {most:g}" if np.isfinite(most) else ""
            raise InferenceError(
                f"{name} of channel {self.labels[i]} is {column[i]:g}; needed is a finite "
                f"number {bound}"
            )
        column.flags.writeable = False
        return column

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each bin: its channel, and its index where the channel has several bins."""
        return tuple(
            f"{name}[{index}]" if self.channels.count(name) > 1 else name
            for name, index in zip(self.channels, self.bins, strict=True)
        )

    @property
    def members(self) -> dict[str, NDArray[np.intp]]:
        """Indices of the bins of each channel, in the order of the channels."""
        names = np.array(self.channels)
        return {name: np.flatnonzero(names == name) for name in dict.fromkeys(self.channels)}

    @property
    def background_shifts(self) -> FloatArray:
        """Change of ln(background) per sigma of each of the G channels' own, shape (C, G)."""
        own = np.array([[a == b for b in dict.fromkeys(self.channels)] for a in self.channels])
        shifts: FloatArray = own * np.log1p(self.background_modifiers)[:, None]
        return shifts

    @cached_property
    def component_matrix(self) -> FloatArray:
        """Change of the background [events] per sigma of each of the K components, shape (C, K)."""
        columns = list(self.background_components.values())
        return np.column_stack(columns) if columns else np.zeros((len(self.channels), 0))

    @property
    def background_covariance(self) -> FloatArray:
        """Covariance of the background between bins [events^2], shape (C, C), to first order."""
        own = self.background[:, None] * self.background_shifts
        both = np.concatenate([own, self.component_matrix], axis=1)
        return np.asarray(both @ both.T)

    @property
    def log_signal_covariance(self) -> FloatArray:
        """Covariance of ln(signal) between bins, shape (C, C), from modifiers and MC error."""
        shifts = [np.log1p(delta) for delta in self.signal_modifiers.values()]
        covariance = np.diag(np.log1p(self.mc_error) ** 2)
        for shift in shifts:
            covariance += np.outer(shift, shift)
        return covariance

    def with_signal(
        self,
        signal: ArrayLike,
        signal_modifiers: Mapping[str, FloatArray] | None = None,
        mc_error: FloatArray | None = None,
    ) -> "CountingModel":
        """Return the same experiment with the signal of another point.

        Parameters
        ----------
        signal
            Expected signal events, shape (C,).
        signal_modifiers, mc_error
            As in the class; None keeps the present ones.
        """
        kept = self.signal_modifiers if signal_modifiers is None else signal_modifiers
        error = self.mc_error if mc_error is None else mc_error
        return replace(
            self,
            signal=np.asarray(signal, dtype=np.float64),
            signal_modifiers=kept,
            mc_error=error,
        )

    def capped(self) -> "CountingModel":
        """Return the model with at most 1e9 signal events, which no calculator tells from more.

        Its p-values are upper bounds, far below all that is asked for.
        """
        largest = float(self.signal.max())
        if largest <= MOST_EVENTS:
            return self
        return self.with_signal(np.minimum(self.signal / largest, 1.0) * MOST_EVENTS)

    def with_data(self, observed: FloatArray) -> "CountingModel":
        """Return the same rates with other observed events, shape (C,)."""
        return replace(self, observed=observed)

    def without_uncertainties(self) -> "CountingModel":
        """Return the same rates and data with every uncertainty set to zero."""
        none = np.zeros(len(self.channels))
        return replace(
            self,
            signal_modifiers={},
            background_modifiers=none,
            mc_error=none,
            background_components={},
        )

    def select(self, chosen: NDArray[np.intp]) -> "CountingModel":
        """Return the model of the chosen bins only (their indices, in order)."""
        if np.array_equal(chosen, np.arange(len(self.channels))):
            return self
        return CountingModel(
            channels=tuple(self.channels[i] for i in chosen),
            signal=self.signal[chosen],
            background=self.background[chosen],
            observed=None if self.observed is None else self.observed[chosen],
            signal_modifiers={k: delta[chosen] for k, delta in self.signal_modifiers.items()},
            background_modifiers=self.background_modifiers[chosen],
            mc_error=self.mc_error[chosen],
            bins=tuple(self.bins[i] for i in chosen),
            datasets=tuple(self.datasets[i] for i in chosen),
            background_components={
                name: shift[chosen] for name, shift in self.background_components.items()
            },
        )
