"""Searches: which decays are looked for, where, what is kept, the background and the data.

Decays are kept by a published efficiency; tracks and photons have their own modules.
"""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from hnlstat.config.base import Assuming, Name, Section, problem, suggest
from hnlstat.config.bins import Background, Covariance, Observable, PerBin, SideBands
from hnlstat.config.quantities import (
    Cosine,
    Mass,
    NotEmpty,
    PositiveRatio,
    Rising,
)
from hnlstat.config.sections import Observed, Probability, Size


class Efficiency(Section):
    """
    Efficiency by mass.

    Attributes
    ----------
    mass, value
        Masses (n,) [GeV], and the efficiency at each; linear between them, constant beyond.
    """

    mass: Annotated[tuple[Mass, ...], NotEmpty, Rising]
    value: tuple[Probability, ...]

    @model_validator(mode="after")
    def _one_value_per_mass(self) -> Self:
        if len(self.value) != len(self.mass):
            raise problem("value", f"has {len(self.value)} entries for {len(self.mass)} masses")
        return self


CHARGED = "charged"
"""Final state of searches for all decays to two charged particles at once."""

Data = Annotated[
    Annotated[dict[Name, PerBin[Observed]], Tag("<events>")]
    | Annotated[Literal["asimov"], Tag("<asimov>")],
    Discriminator(lambda value: "<asimov>" if isinstance(value, str) else "<events>"),
]
"""Observed events by horn mode, or the word for the expected ones."""


RESERVED = ("flux", "rock_density", "rock_length", "form_factor", "pauli", "mu", "background")
"""Uncertainties that come from elsewhere, and other names of the likelihood."""


class Search(Assuming):
    """
    What every search has.

    Attributes
    ----------
    name, description
        The key it stands under; in words.
    beam
        That background and data are of, and where, as its flux has it; a run says so where its
        exposure is of another one. None: any.
    final_state
        The decay that is looked for.
    fiducial
        Names of the detector's fiducial volumes that are used; None: all but those `by_name`.
    min_cos_theta
        N at larger angles to the beam are not simulated.
    background
        By horn mode.
    covariance
        Of the background, in place of the errors of its modes.
    side_bands
        By horn mode of `covariance`; they constrain the background of all of these.
    background_factor
        Background in the detector at hand over `background`; None: as the detector says of all its
        volumes, 1 in volumes that are named.
    observed
        Events by exposure and horn mode, in all bins together or in each. "asimov": projected, but
        beside data of others the expected background counts as its data; without any it is as None,
        and as an exposure that is not named: a projection.
    systematics
        Relative uncertainties of the signal; searches share those of one name.
    disjoint_from
        Searches that never count the same events as this one.
    """

    name: Name
    description: str = ""
    kind: Literal["recast", "tracks", "photons", "channels"]
    beam: str | None = None
    final_state: Name
    fiducial: Annotated[tuple[Name, ...], NotEmpty] | None = None
    min_cos_theta: Cosine
    background: Annotated[dict[Name, Background], NotEmpty]
    covariance: Covariance | None = None
    side_bands: dict[Name, SideBands] = Field(default_factory=dict)
    background_factor: PositiveRatio | None = None
    observed: dict[Name, Data | None] = Field(default_factory=dict)
    systematics: dict[Name, Size] = Field(default_factory=dict)
    disjoint_from: tuple[Name, ...] = ()

    @property
    def bins(self) -> int:
        """Number of bins of each channel."""
        observable: Observable | None = getattr(self, "observable", None)
        return 1 if observable is None else observable.bins

    @property
    def apart(self) -> tuple[str, ...]:
        """Names of the bins where each is a channel of its own."""
        return ()

    @property
    def shares(self) -> tuple[float, ...] | None:
        """Shares (n,) of a background that is given for all bins together; None: not known."""
        observable: Observable | None = getattr(self, "observable", None)
        return (1.0,) if observable is None or observable.bins == 1 else observable.background

    @property
    def cut_flow(self) -> dict[str, str]:
        """Steps of the selection of simulated decays, in their order, and what asks for each."""
        return {}

    @model_validator(mode="after")
    def _volumes_differ(self) -> Self:
        for name in self.fiducial or ():
            if (self.fiducial or ()).count(name) > 1:
                raise problem("fiducial", f"{name} appears twice")
        return self

    @model_validator(mode="after")
    def _uncertainties_are_its_own(self) -> Self:
        for name in self.systematics:
            if name in RESERVED or name.startswith(("flux_", "rock_", "mc_", "background_")):
                raise problem(
                    f"systematics.{name}", "is not of a search: see the group systematics"
                )
        return self

    @model_validator(mode="after")
    def _background_has_the_bins(self) -> Self:
        for mode, background in self.background.items():
            for key in ("events", "error", "mc_error"):
                self._check_bins(f"background.{mode}.{key}", getattr(background, key))
            if not isinstance(background.events, tuple) and self.shares is None:
                raise problem(
                    f"background.{mode}.events",
                    f"is for {self.bins} bins together; give each, or observable.background",
                )
            if isinstance(background.error, tuple) and self.covariance is not None:
                raise problem(f"background.{mode}.error", "cannot go with covariance; leave it out")
        return self

    @model_validator(mode="after")
    def _data_have_the_bins(self) -> Self:
        for exposure, data in self.observed.items():
            for mode, events in data.items() if isinstance(data, dict) else ():
                self._check_bins(f"observed.{exposure}.{mode}", events)
        return self

    def _check_bins(self, key: str, values: object) -> None:
        if isinstance(values, tuple) and len(values) != self.bins:
            raise problem(key, f"has {len(values)} entries for {self.bins} bins")

    @model_validator(mode="after")
    def _covariance_fits(self) -> Self:
        modes = () if self.covariance is None else self.covariance.modes
        for mode in self.side_bands:
            if mode not in modes:
                raise problem(f"side_bands.{mode}", "is not in covariance.modes")
        if self.covariance is None:
            return self
        for mode in self.covariance.modes:
            if mode not in self.background:
                raise problem(
                    "covariance.modes",
                    f"{mode} is not in background; {suggest(mode, self.background)}",
                )
        bands = sum(len(band.observed) for band in self.side_bands.values())
        size, needed = len(self.covariance.matrix), self.bins * len(modes) + bands
        if size != needed:
            side = f" and {bands} side bands" if bands else ""
            raise problem(
                "covariance.matrix",
                f"is {size} x {size}; {', '.join(modes)} with {self.bins} bins each{side} need "
                f"{needed} x {needed}",
            )
        return self


class Recast(Search):
    """
    Recast of a published search: acceptance in the angle of N, and the published efficiency.

    Attributes
    ----------
    efficiency
        Of decays in the fiducial volumes.
    kept_by_cuts
        By kind of model whose decays differ from those that the efficiency is of: what cuts on
        simulated tracks keep of it. Not used, but said.
    """

    kind: Literal["recast"]
    efficiency: Efficiency
    kept_by_cuts: dict[Name, Efficiency] = Field(default_factory=dict)
