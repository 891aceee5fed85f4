"""Efficiency maps: by bins of one variable or two of what is simulated and measured of decays."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, Self

from pydantic import field_validator, model_validator

from hnlstat.config.base import Section, problem, suggest
from hnlstat.config.bins import OBSERVABLES
from hnlstat.config.quantities import ANGLE, ENERGY, PLAIN, Dimension, NotEmpty, Number, Rising
from hnlstat.config.sections import Probability, Size

MOST_BINS = 40_000
"""Bins of a map: they stand in config.yaml."""

BinErrors = Size | None


class EfficiencyMap(Section):
    """
    Efficiency by bins of one variable or two, the same within each.

    Attributes
    ----------
    axes
        Names of the variables; `true_...` are those of the decay, others as measured.
    edges
        Of the bins along each [GeV], [rad]; the last one has both of its edges.
    value
        Rows along the first variable, (n, m), m = 1 of one variable. In a file: `table`, a csv or
        `file.root:name`, in place of this and the edges.
    beyond
        What the efficiency is outside of the map: zero, or constant, that of the nearest bin; None:
        nothing may lie there.
    bin_errors
        Relative errors of its bins, on average, as the file has them. No part of the likelihood,
        whose `systematics` are to have them.
    """

    dimensions: ClassVar[dict[str, Dimension]] = {}

    axes: tuple[str, ...]
    edges: tuple[Annotated[tuple[Number, ...], Rising], ...]
    value: Annotated[tuple[tuple[Probability, ...], ...], NotEmpty]
    beyond: Literal["zero", "constant"] | None = None
    bin_errors: BinErrors = None

    @classmethod
    def checked(cls, axes: Iterable[str]) -> tuple[str, ...]:
        """Pass names of one variable or two that differ; a ValueError else."""
        axes = tuple(axes)
        if len(axes) not in (1, 2) or len(set(axes)) < len(axes):
            raise ValueError(f"are {', '.join(map(str, axes)) or 'none'}; give one name or two")
        for name in axes:
            if name not in cls.dimensions:
                raise ValueError(f"has {name}: {suggest(str(name), cls.dimensions)}")
        return axes

    @field_validator("axes")
    @classmethod
    def _are_known(cls, axes: tuple[str, ...]) -> tuple[str, ...]:
        return cls.checked(axes)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(self.edges) != len(self.axes):
            raise problem("edges", f"are of {len(self.edges)} axes, `axes` has {len(self.axes)}")
        shape = [len(one) - 1 for one in self.edges] + [1]
        if min(shape) < 1 or shape[0] * shape[1] > MOST_BINS:
            raise problem("edges", f"make {shape[0] * shape[1]} bins; from 1 to {MOST_BINS}")
        if [*map(len, self.value)] != [shape[1]] * shape[0]:
            raise problem("value", f"is not {shape[0]} rows of {shape[1]}, as `edges` have it")
        if not any(map(any, self.value)):
            raise problem("value", "is 0 everywhere")
        return self


_OF_PAIRS = OBSERVABLES | {"pair_momentum": ENERGY, "pair_cos": PLAIN}


class PairMap(EfficiencyMap):
    """Efficiency by bins of what pairs of tracks have, beside cuts and calibration."""

    dimensions: ClassVar = _OF_PAIRS | {f"true_{name}": unit for name, unit in _OF_PAIRS.items()}


class ShowerMap(EfficiencyMap):
    """Efficiency by bins of what photons have, beside that by energy or in place of it."""

    dimensions: ClassVar = {
        "true_energy": ENERGY,
        "true_cos_angle": PLAIN,
        "true_angle": ANGLE,
        "visible_energy": ENERGY,
        "cos_angle": PLAIN,
        "angle": ANGLE,
        "quasi_elastic_energy": ENERGY,
    }
