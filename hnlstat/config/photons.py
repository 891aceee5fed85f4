"""Searches for single photons: what a detector measures of them, and which of them are kept."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from hnlstat.config.base import Name, Section, problem, suggest
from hnlstat.config.bins import Observable
from hnlstat.config.maps import BinErrors, ShowerMap
from hnlstat.config.quantities import (
    ANGLE,
    ENERGY,
    PLAIN,
    Angle,
    Dimension,
    Energy,
    Length,
    NotEmpty,
    Number,
    Ratio,
    Rising,
    inside,
    memory,
    parse,
    whole,
    within,
)
from hnlstat.config.search import Search
from hnlstat.config.sections import Events, Observed, Probability, not_negative

ROOT = Annotated[Number, AfterValidator(not_negative), within(0, 100)]


class ShowerSmearing(Section):
    """
    Resolution by true energy E [GeV]; terms are added, not in quadrature.

    Attributes
    ----------
    energy_root, energy_linear, energy_constant
        sigma_E = energy_root sqrt(E) + energy_linear E + energy_constant [GeV].
    angle, angle_root, angle_log
        Of each of the two projections of the direction: angle + angle_root / sqrt(E) + angle_log
        ln(1 GeV / E) [rad].
    angle_least
        What that is at least [rad].
    """

    energy_root: ROOT = 0.0
    energy_linear: Annotated[Ratio, AfterValidator(not_negative), within(0, 10)] = 0.0
    energy_constant: Annotated[Energy, AfterValidator(not_negative)] = 0.0
    angle: Annotated[Angle, AfterValidator(not_negative)] = 0.0
    angle_root: Annotated[Angle, AfterValidator(not_negative)] = 0.0
    angle_log: Annotated[Angle, AfterValidator(not_negative)] = 0.0
    angle_least: Annotated[Angle, AfterValidator(not_negative)] = 0.0


class ShowerEfficiency(Section):
    """
    Efficiency (n,) at true energies (n,) [GeV]; linear between them.

    Attributes
    ----------
    energy, value
        In a file: `table`, the name of a shipped table or the path of a csv, in place of both.
    below, above
        What holds beyond the first and the last row; to be said where that row is not 0.
    bin_errors
        Relative errors of its rows, on average, as the file has them. No part of the likelihood,
        whose `systematics` are to have them.
    """

    energy: Annotated[tuple[Energy, ...], NotEmpty, Rising]
    value: tuple[Probability, ...]
    below: Literal["zero", "constant"] = "zero"
    above: Literal["zero", "constant"] = "zero"
    bin_errors: BinErrors = None

    @model_validator(mode="after")
    def _rows_are_right(self) -> Self:
        if len(self.value) != len(self.energy):
            raise problem("value", f"has {len(self.value)} entries for {len(self.energy)} energies")
        if self.energy[0] < 0:
            raise problem("energy", f"begins at {self.energy[0]:g} GeV, below 0")
        if not any(self.value):
            raise problem("value", "is 0 everywhere")
        for key, end in (("below", 0), ("above", -1)):
            if self.value[end] and key not in self.model_fields_set:
                raise problem(
                    key,
                    f"is missing; the efficiency is {self.value[end]:g} at {self.energy[end]:g} "
                    "GeV, where it ends: zero or constant beyond it",
                )
        return self

    @property
    def sudden(self) -> bool:
        """Whether photons below the first row are left out, though it is not 0."""
        return self.below == "zero" and self.energy[0] > 0 and self.value[0] > 0


class ShowerObservable(Observable):
    """
    A histogram of selected photons.

    Attributes
    ----------
    name
        visible_energy, cos_angle, angle or quasi_elastic_energy, as measured.
    beyond
        What lies beyond the edges counts in the outermost bins, or is left out.
    only
        Ranges, lower end included, in which what is measured has to lie, by its name.
    """

    dimensions: ClassVar[dict[str, Dimension]] = {
        "visible_energy": ENERGY,
        "cos_angle": PLAIN,
        "angle": ANGLE,
        "quasi_elastic_energy": ENERGY,
    }

    beyond: Literal["outermost", "left_out"] = "outermost"
    only: dict[str, tuple[float, float]] = Field(default_factory=dict)

    @field_validator("only", mode="before")
    @classmethod
    def _in_the_units_of_what_is_measured(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        found = {}
        for name, ends in value.items():
            if name not in cls.dimensions:
                raise ValueError(f"has {name}: {suggest(str(name), cls.dimensions)}")
            if not isinstance(ends, list | tuple) or len(ends) != 2:
                raise ValueError(f"{name} is {ends}; needed are two ends, such as [0, 1 GeV]")
            try:
                low, high = (inside(parse(e, cls.dimensions[name]), -1e6, 1e6) for e in ends)
            except ValueError as error:
                raise ValueError(f"{name} has an end which {error}") from None
            if not low < high:
                raise ValueError(f"{name} is from {ends[0]} to {ends[1]}: nothing lies between")
            found[name] = (low, high)
        return found


class Beside(Section):
    """
    A distribution of the events of a search that is no part of the likelihood.

    What a fit prefers is shown beside it: where its bins count the same events as others, or no
    covariance is known.

    Attributes
    ----------
    observable
        What is histogrammed.
    observed, background
        Events (n,) by horn mode, at the exposure that `background` of the search is for.
    """

    observable: ShowerObservable
    observed: Annotated[dict[Name, tuple[Observed, ...]], NotEmpty]
    background: dict[Name, tuple[Events, ...]]

    @model_validator(mode="after")
    def _has_the_bins(self) -> Self:
        if self.observed.keys() != self.background.keys():
            raise problem(
                "background", f"is of {[*self.background]}, observed of {[*self.observed]}"
            )
        for key in ("observed", "background"):
            for mode, values in getattr(self, key).items():
                if len(values) != self.observable.bins:
                    raise problem(
                        f"{key}.{mode}",
                        f"has {len(values)} entries for {self.observable.bins} bins",
                    )
        return self


class Conversion(Section):
    """
    Where photons must convert to a pair.

    Attributes
    ----------
    volumes
        Volume of the detector in which they convert -> volume that the pair crosses next, null:
        any.
    min_track_length
        Of the pair, which goes on as the photon did, in the volume that it crosses [m].
    """

    volumes: Annotated[dict[Name, Name | None], NotEmpty]
    min_track_length: Annotated[Length, AfterValidator(not_negative)] = 0.0

    @property
    def crosses(self) -> bool:
        """Whether something is asked of the pair."""
        return any(after is not None for after in self.volumes.values())

    @model_validator(mode="after")
    def _something_is_crossed(self) -> Self:
        for name, after in self.volumes.items():
            if name == after:
                raise problem(f"volumes.{name}", f"{after} is where photons convert; null: any")
        if self.min_track_length > 0 and not self.crosses:
            raise problem(
                "min_track_length",
                f"{self.min_track_length:g} m changes nothing; `volumes` names none to cross",
            )
        return self


class Photons(Search):
    """
    Single photons, as their showers are measured.

    Attributes
    ----------
    smearing
        Resolution.
    efficiency
        By true energy of the photon; with a conversion, of those that it keeps. None: as
        `efficiency_map` has it.
    efficiency_map
        By what else the photon has, of those that are selected else; None: by nothing.
    conversion
        To a pair; None: as the efficiency has it.
    min_visible_energy
        Of the shower, as measured [GeV].
    binding
        Energy that binds the neutron [GeV], for quasi_elastic_energy.
    decays
        Decays sampled for each N.
    observable
        What is histogrammed; None: each channel is one number.
    beside
        Distributions that are no part of the likelihood, by name.
    """

    kind: Literal["photons"]
    smearing: ShowerSmearing
    efficiency: ShowerEfficiency | None
    efficiency_map: ShowerMap | None = None
    conversion: Conversion | None = None
    min_visible_energy: Annotated[Energy, AfterValidator(not_negative)] = 0.0
    binding: Annotated[Energy, AfterValidator(not_negative), within(0, 0.5, "GeV")] = 0.0
    decays: Annotated[int, whole(1, 10_000, memory(1e5))] = 4
    observable: ShowerObservable | None = Field(default=None)
    beside: dict[Name, Beside] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_an_efficiency(self) -> Self:
        if self.efficiency is None and self.efficiency_map is None:
            raise problem("efficiency", "is null, and there is no efficiency_map")
        return self

    @model_validator(mode="after")
    def _beside_are_its_modes(self) -> Self:
        for name, one in self.beside.items():
            for mode in one.observed:
                if mode not in self.background:
                    raise problem(
                        f"beside.{name}.observed",
                        f"{mode} is not in background; {suggest(mode, self.background)}",
                    )
        return self

    @property
    def left_out(self) -> bool:
        """Whether what lies beyond the edges of the observable is left out."""
        return self.observable is not None and self.observable.beyond == "left_out"

    @property
    def cut_flow(self) -> dict[str, str]:
        """What takes photons away."""
        efficiency, energy = self.efficiency, self.min_visible_energy
        conversion = self.conversion
        sudden = efficiency.energy[0] if efficiency and efficiency.sudden else 0.0
        steps = {
            "threshold": f"efficiency.energy.0 = {sudden:g}" if sudden else "",
            "efficiency": "efficiency" if efficiency else "",
            "conversion": "conversion.volumes" if conversion else "",
            "crossing": "conversion.volumes" if conversion and conversion.crosses else "",
            "min_visible_energy": f"min_visible_energy = {energy:g}" if energy else "",
            "edges": "observable.edges" if self.left_out else "",
            "efficiency_map": "efficiency_map" if self.efficiency_map else "",
        }
        return {name: setting for name, setting in steps.items() if setting}
