"""The parts of a Study other than detector and scan. Values are in GeV, m and POT."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    model_validator,
)

from hnlstat.config.base import Assuming, Name, Section, problem
from hnlstat.config.quantities import (
    LENGTH,
    Dimension,
    Length,
    NotEmpty,
    Number,
    PositiveEnergy,
    PositiveNumber,
    Ratio,
    Seed,
    inside,
    memory,
    parse,
    positive,
    whole,
    within,
)
from hnlstat.config.scan import Flavour, MixingBounds

MAX_SIGMAS, LEAST_LEVEL = 7.0, 0.01
"""Standard deviations that p-values resolve, and the lowest confidence level of a limit."""

ALIKE = 1e-6
"""Relative distance of 1 - level within which two levels are one."""

MAX_RELATIVE = 10.0
"""Relative uncertainties from here on are taken for percentages without their sign."""

MAX_SHIFT = 1000.0
"""Longest uncertainty of where the rock begins [m]; beams are some hundred metres long."""


def not_negative(value: float) -> float:
    """Pass zero and positive numbers only."""
    if value < 0:
        raise ValueError("is negative")
    return value


def _relative(value: float) -> float:
    """Pass what is from 0 to 10 only."""
    if not 0 <= value < MAX_RELATIVE:
        raise ValueError(f"is not a relative size from 0 to {MAX_RELATIVE:g}; 30 % is 0.3")
    return value


def _shift(value: float) -> float:
    """Pass what is from 0 to 1000 m only."""
    if not 0 <= value <= MAX_SHIFT:
        raise ValueError(f"is not a length from 0 to {MAX_SHIFT:g} m")
    return value


def _up_to_one(value: float) -> float:
    """Pass what is from 0 to 1 only."""
    if not 0 <= value <= 1:
        raise ValueError("is not between 0 and 1")
    return value


def _inside_unit_interval(value: float) -> float:
    """Pass what is from 0 to 1, both excluded, only."""
    if not 0 < value < 1:
        raise ValueError("is not between 0 and 1, both excluded")
    return value


def _resolvable(value: float) -> float:
    if value > MAX_SIGMAS:
        raise ValueError("is above 7 standard deviations, which p-values do not resolve")
    return value


def _level(value: float) -> float:
    """Pass what is from 0.01 to 1, 1 excluded, only."""
    _inside_unit_interval(value)
    if value < LEAST_LEVEL:
        raise ValueError(f"is below {LEAST_LEVEL:g}, which no limit is given at; 90 % is 0.9")
    if 1.0 - value < (1.0 - ALIKE) * one_sided(MAX_SIGMAS):
        raise ValueError("is beyond 7 standard deviations, which p-values do not resolve")
    return value


def one_sided(sigma: float) -> float:
    """Probability to exceed a number of standard deviations."""
    return 0.5 * math.erfc(sigma / math.sqrt(2.0))


def two_sided(sigma: float) -> float:
    """Probability to be further off than a number of standard deviations."""
    return math.erfc(sigma / math.sqrt(2.0))


def check_levels(
    levels: Sequence[float], sigmas: Sequence[float], beyond: Callable[[float], float]
) -> None:
    """Make sure that no two levels are one; `beyond` gives what lies beyond so many sigma."""
    given = [(1.0 - level, f"{level:.12g}") for level in levels]
    deviates = [(beyond(sigma), f"{sigma:.12g}") for sigma in sigmas]
    named = [(share, f"that of {text} sigma") for share, text in deviates]
    for key, entries in (("levels", given), ("sigmas", deviates), ("levels", [*given, *named])):
        for (larger, first), (smaller, second) in pairwise(sorted(entries, reverse=True)):
            if larger - smaller < ALIKE * larger:
                same = "appears twice" if first == second else f"is the same as {second}"
                raise problem(key, f"{first} {same}")


def _or_auto(value: object, dimension: Dimension) -> float | str:
    if value == "auto":
        return "auto"
    return inside(positive(parse(value, dimension)), 1e-6, 1e6, dimension.base_unit)


Events = Annotated[Number, AfterValidator(not_negative), within(0, 1e6, "events")]
Observed = Annotated[int, whole(0, 10**6)]
Size = Annotated[Ratio, AfterValidator(_relative)]
Probability = Annotated[Ratio, AfterValidator(_up_to_one)]
OpenProbability = Annotated[Ratio, AfterValidator(_inside_unit_interval)]
Level = Annotated[Ratio, AfterValidator(_level)]
Significance = Annotated[PositiveNumber, AfterValidator(_resolvable), within(0.1, MAX_SIGMAS)]
LengthOrAuto = Annotated[
    float | Literal["auto"], BeforeValidator(partial(_or_auto, dimension=LENGTH))
]


def _all_or_modes(value: object) -> str:
    return "<modes>" if isinstance(value, Mapping) else "<all>"


class Systematics(Assuming):
    """
    Relative uncertainties.

    Attributes
    ----------
    searches
        Whether the uncertainties that searches state themselves count.
    background, efficiency
        In place of what the searches state: of the background in all horn modes, or by mode; of
        all signals. None: as they state.
    rock_density, rock_length
        Of all rock; by how much [m] it may begin further upstream, or less far, than described.
    form_factor, pauli
        Of the charge and magnetisation radii of all targets; of the Fermi momentum.
    flux, mc_statistics
        Whether those of the flux, and the Monte Carlo errors of the yields, count.
    """

    searches: Annotated[bool, Field(strict=True)]
    background: (
        Annotated[
            Annotated[Size, Tag("<all>")] | Annotated[dict[Name, Size], Tag("<modes>")],
            Discriminator(_all_or_modes),
        ]
        | None
    )
    efficiency: Size | None
    flux: bool
    rock_density: Size
    rock_length: Annotated[Length, AfterValidator(_shift)]
    form_factor: Size
    pauli: Size
    mc_statistics: bool


class Simulation(Section):
    """
    Sampling of N production and decay.

    Attributes
    ----------
    radius, upstream
        Vertices lie within this distance [m] of the beam axis, and up to this far upstream of the
        detector's centre; "auto": all described volumes.
    upstream_offset, decay_lengths
        With `decay_lengths` k, vertices lie up to offset + min(k decay lengths, upstream) upstream,
        decay lengths being those of N with the energy of the neutrino.
    survival
        Whether N must survive from its production to the fiducial volume.
    bound_nucleons, pauli, fermi_momentum
        Nucleons in nuclei that scatter on their own, their Pauli suppression, Fermi momentum [GeV].
    precision, seed
        Relative Monte Carlo error asked for; the same seed gives the same numbers.
    max_points
        Sampled points per mass at most.
    interpolate_masses
        Whether fine grids are sampled at some masses only, and the precision is proven at others.
    """

    radius: LengthOrAuto
    upstream: LengthOrAuto
    upstream_offset: Length
    decay_lengths: PositiveNumber | None
    survival: bool
    bound_nucleons: tuple[Literal["p", "n"], ...]
    pauli: Literal["fermi_gas", "none"]
    fermi_momentum: Annotated[PositiveEnergy, within(1e-3, 10, "GeV")]
    seed: Seed
    precision: Annotated[OpenProbability, within(1e-4, 1)]
    max_points: Annotated[int, whole(1, 10**8, memory(200))]
    interpolate_masses: bool

    @model_validator(mode="after")
    def _nucleons_differ(self) -> Self:
        if len({*self.bound_nucleons}) < len(self.bound_nucleons):
            raise problem("bound_nucleons", f"{', '.join(self.bound_nucleons)} has one twice")
        return self

    @model_validator(mode="after")
    def _reach_has_an_end(self) -> Self:
        if self.decay_lengths is not None and self.upstream == "auto":
            raise problem("upstream", "auto cannot go with decay_lengths; give a length")
        return self


CalculatorName = Literal[
    "auto", "exact", "convolution", "saddlepoint", "toys", "asymptotic", "published", "bayesian",
]  # fmt: skip


class Inference(Section):
    """
    Limits and the discovery reach.

    Attributes
    ----------
    calculator
        What gives p-values; "auto": the first that holds of exact, convolution, saddlepoint, toys.
    levels, sigmas
        Confidence levels of exclusion; significances of discovery [standard deviations].
    prior_power
        Credible limits have a prior that is flat in this power of the coupling; None: that of the
        model, the square of an amplitude.
    marginal
        The flavour whose |U|^2 has credible limits with all other mixings integrated over.
    prior_max
        Where priors end for `marginal` and credible regions of `scan.plane`, which hang on it.
    toys, seed
        Toys for each test of a point, where toys are used, and the seed of their random numbers.
    """

    calculator: CalculatorName
    prior_power: Annotated[PositiveNumber, within(0.25, 16)] | None = None
    marginal: Flavour | None = None
    prior_max: MixingBounds = MixingBounds(e=1.0, mu=1.0, tau=1.0)
    toys: Annotated[int, whole(1000, 10**7, memory(200))]
    seed: Seed
    levels: Annotated[tuple[Level, ...], NotEmpty]
    sigmas: tuple[Significance, ...]

    @model_validator(mode="after")
    def _prior_is_used(self) -> Self:
        if self.prior_power is not None and self.calculator != "bayesian":
            raise problem("prior_power", "is of no use without inference.calculator=bayesian")
        if self.marginal is not None and self.calculator != "bayesian":
            raise problem("marginal", "is of no use without inference.calculator=bayesian")
        if self.marginal is not None and self.prior_power is not None:
            raise problem("prior_power", "cannot go with marginal, whose priors are flat in |U|^2")
        return self

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        check_levels(self.levels, self.sigmas, one_sided)
        return self

    @property
    def tester(self) -> CalculatorName:
        """Calculator of p-values: "bayesian" has none, and discoveries beside it are of "auto"."""
        return "auto" if self.calculator == "bayesian" else self.calculator


FINISHED = "finished"
"""Context in which a study is validated whose run came to its end."""


def existing_file(value: Path, info: ValidationInfo) -> Path:
    """Pass what is of an existing file only; a finished run has read them, and they may be gone."""
    if info.context != FINISHED and not value.is_file():
        raise ValueError("is not a file")
    return value
