"""Searches for pairs by cuts on simulated tracks."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hnlstat.config.base import Section
from hnlstat.config.bins import Observable
from hnlstat.config.maps import PairMap
from hnlstat.config.quantities import (
    Angle,
    Cosine,
    Length,
    Number,
    PositiveAngle,
    PositiveEnergy,
    PositiveLength,
    Ratio,
    memory,
    whole,
    within,
)
from hnlstat.config.search import Search
from hnlstat.config.sections import Probability, not_negative


class Smearing(Section):
    """
    Resolution of the TPCs.

    Attributes
    ----------
    momentum
        Of the momentum p_T across the field: sigma(p_T) / p_T at p_T = 1 GeV, proportional to p_T.
    angle
        Of each of the two projections of a track's direction [rad].
    """

    momentum: Annotated[Ratio, AfterValidator(not_negative), within(0, 100)]
    angle: Annotated[Angle, AfterValidator(not_negative)]


class Cuts(Section):
    """
    What a pair must pass, in this order; None: not asked for. All as reconstructed.

    Attributes
    ----------
    min_momentum
        Of both tracks [GeV].
    opposite_charge
        Whether the curvatures must have opposite signs.
    min_track_length
        Of both tracks in the gas around the fiducial box [m].
    min_separation
        Between the tracks [m], after the path `separation_path`.
    max_opening_angle
        Between the tracks [rad].
    min_pair_cos
        Cosine of the angle of the pair to the beam.
    max_pair_mass
        Of the pair [GeV].
    """

    min_momentum: PositiveEnergy | None
    opposite_charge: Annotated[bool, Field(strict=True)]
    min_track_length: PositiveLength | None
    min_separation: PositiveLength | None
    max_opening_angle: PositiveAngle | None
    min_pair_cos: Cosine | None
    max_pair_mass: PositiveEnergy | None

    @property
    def active(self) -> dict[str, float]:
        """The cuts that are made, in their order."""
        return {name: bound for name, bound in self if bound is not None and bound is not False}


class Tracks(Search):
    """
    Cuts on the two tracks of simulated decays.

    Attributes
    ----------
    field
        Magnetic field along x [T].
    smearing, cuts
        Resolution, and what is asked for.
    separation_path
        Path from the decay [m] after which the separation of the tracks is taken.
    calibration, efficiency_map
        Efficiency for decays that pass the cuts, and by what they have; None: by nothing.
    decays
        Decays sampled for each N.
    observable
        What is histogrammed; None: each channel is one number.
    """

    kind: Literal["tracks"]
    field: Annotated[Number, within(-100, 100, "T")]
    smearing: Smearing
    cuts: Cuts
    separation_path: Annotated[Length, AfterValidator(not_negative)]
    calibration: Probability
    efficiency_map: PairMap | None = None
    decays: Annotated[int, whole(1, 10_000, memory(1e5))]
    observable: Observable | None

    @property
    def cut_flow(self) -> dict[str, str]:
        """The cuts that are made, and the map."""
        steps = {name: f"cuts.{name} = {bound:g}" for name, bound in self.cuts.active.items()}
        return steps | ({"efficiency_map": "efficiency_map"} if self.efficiency_map else {})
