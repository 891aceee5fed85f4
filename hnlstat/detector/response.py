"""What the TPCs make of a pair of tracks: resolution, tracks in the gas and in the field, cuts.

The field points along x, so that tracks bend in the plane of y and z, in which the pads lie, and
their curvature measures p_T, the momentum in that plane. Momenta are (3, N), rows x, y, z.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BEND = 0.299792458
"""Curvature [1/m] of 1 GeV in 1 T."""


@dataclass(frozen=True)
class Response:
    """Field and resolution.

    Attributes
    ----------
    field : along x [T]
    momentum : sigma(p_T) / p_T at p_T = 1 GeV; proportional to p_T
    angle : resolution of each projection of a track's direction [rad]
    separation_path : path [m] after which the separation of the tracks is taken
    """

    field: float
    momentum: float
    angle: float
    separation_path: float


@dataclass(frozen=True)
class Pairs:
    """Reconstructed pairs; each array (N,), momenta (3, N) [GeV].

    Attributes
    ----------
    first, second : measured momenta of the two tracks
    opposite : whether the measured charges are opposite
    length : of the shorter track in the gas [m]
    separation : of the tracks [m] after the path of the selection
    masses : of the two particles that the tracks are taken for [GeV]
    """

    first: Array
    second: Array
    opposite: NDArray[np.bool_]
    length: Array
    separation: Array
    masses: tuple[float, float]

    @property
    def momentum(self) -> Array:
        """Momentum of the pair (3, N) [GeV]."""
        return self.first + self.second

    @property
    def pair_energy(self) -> Array:
        """Energy of the pair [GeV]."""
        first, second = self._energies
        return first + second

    @property
    def pair_mass(self) -> Array:
        """Invariant mass of the pair [GeV]."""
        (m1, m2), (e1, e2) = self.masses, self._energies
        square = m1**2 + m2**2 + 2 * (e1 * e2 - _dot(self.first, self.second))
        return np.asarray(np.sqrt(np.maximum(square, 0.0)))

    @property
    def _energies(self) -> tuple[Array, Array]:
        m1, m2 = self.masses
        return _energy(self.first, m1), _energy(self.second, m2)

    @property
    def pair_angle(self) -> Array:
        """Angle of the pair to the beam, which is along z [rad]."""
        x, y, z = self.momentum
        return np.asarray(np.arctan2(np.hypot(x, y), z))

    @property
    def pair_momentum(self) -> Array:
        """Size of the pair's momentum [GeV]."""
        return _size(self.momentum)

    @property
    def pair_cos(self) -> Array:
        """Cosine of the angle of the pair to the beam."""
        return np.asarray(np.cos(self.pair_angle))

    @property
    def opening_angle(self) -> Array:
        """Angle between the tracks [rad]."""
        cosine = _dot(self.first, self.second) / (_size(self.first) * _size(self.second))
        return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)))


def reconstruct(
    minus: Array,
    plus: Array,
    origin: Array,
    gas: tuple[Array, Array],
    response: Response,
    rng: np.random.Generator,
    masses: tuple[float, float],
) -> Pairs:
    """Measure pairs of tracks.

    Parameters
    ----------
    minus, plus : (3, N) true momenta of the negative and the positive particle [GeV]
    origin : (3, N) where N decayed, inside the gas [m]
    gas : lower and upper corner of the box of gas [m], (3,), or (3, N) for one box each
    response : field and resolution
    rng : for the resolution, eight normal numbers for each pair
    masses : of the negative and the positive particle [GeV]
    """
    first, right = smear(minus, response, rng)
    second, also = smear(plus, response, rng)
    return Pairs(
        first,
        second,
        right == also,
        np.minimum(length_in_box(origin, minus, *gas), length_in_box(origin, plus, *gas)),
        separation(minus, plus, response.separation_path, response.field),
        masses,
    )


def smear(
    momentum: Array, response: Response, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Measured momenta (3, N), and whether the sign of the charge is right (N,).

    What is measured, and normal, is the curvature: 1 / p_T changes by the same amount at every
    p_T, and tracks that are nearly straight may get the wrong sign.
    """
    size = _size(momentum)
    direction = momentum / size + response.angle * rng.standard_normal(momentum.shape)
    across = np.hypot(momentum[1], momentum[2])
    curvature = 1 + response.momentum * across * rng.standard_normal(across.shape)
    with np.errstate(divide="ignore"):
        measured = np.minimum(size / np.abs(curvature), 1e6)  # a straight track
    return direction * (measured / _size(direction)), curvature > 0


def length_in_box(origin: Array, momentum: Array, lower: Array, upper: Array) -> Array:
    """Distance (N,) [m] from points (3, N) in a box, (3,) or (3, N), to where tracks leave it.

    Tracks of 60 MeV bend by 2 cm in the 20 cm that are asked for: that is left out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        wall = np.where(momentum > 0, upper.reshape(3, -1), lower.reshape(3, -1))
        distance = np.where(momentum == 0, np.inf, (wall - origin) / momentum)
    return np.asarray(np.min(distance, axis=0) * _size(momentum))


def separation(minus: Array, plus: Array, path: float, field: float) -> Array:
    """Distance (N,) [m] between two tracks from one point after the same path, on their helices.

    Parameters
    ----------
    minus, plus : (3, N) momenta [GeV]
    path : [m]
    field : along x [T]
    """
    apart = _along_helix(plus, path, field) - _along_helix(minus, path, -field)
    return _size(apart)


def _along_helix(momentum: Array, path: float, field: float) -> Array:
    """Displacement (3, N) [m] of particles of charge 1 after a path."""
    size = _size(momentum)
    x, y, z = momentum * (path / size)
    turn = _BEND * field * path / size
    along, aside = np.sinc(turn / np.pi), turn / 2 * np.sinc(turn / (2 * np.pi)) ** 2
    # the force on a positive charge is v x B: it turns z towards y
    return np.stack([x, along * y + aside * z, along * z - aside * y])


def first_failed(pairs: Pairs, cuts: Mapping[str, float]) -> NDArray[np.int64]:
    """Position (N,) of the first cut that each pair fails, their number where it passes all.

    Parameters
    ----------
    pairs : as measured
    cuts : name -> bound, made in this order; the names are those of `config.tracks.Cuts`

    Raises
    ------
    ValueError
        If a cut is unknown.
    """
    failed = np.full(pairs.length.shape, len(cuts))
    for position, (name, bound) in reversed([*enumerate(cuts.items())]):
        failed[~_passes(pairs, name, bound)] = position
    return failed


def _passes(pairs: Pairs, name: str, bound: float) -> NDArray[np.bool_]:
    """Whether each pair passes one cut."""
    match name:
        case "min_momentum":
            passes = np.minimum(_size(pairs.first), _size(pairs.second)) >= bound
        case "opposite_charge":
            passes = pairs.opposite
        case "min_track_length":
            passes = pairs.length >= bound
        case "min_separation":
            passes = pairs.separation >= bound
        case "max_opening_angle":
            passes = pairs.opening_angle <= bound
        case "min_pair_cos":
            passes = pairs.pair_cos >= bound
        case "max_pair_mass":
            passes = pairs.pair_mass <= bound
        case _:
            raise ValueError(f"unknown cut {name!r}")
    return np.asarray(passes)


def _dot(first: Array, second: Array) -> Array:
    return np.asarray(np.einsum("in,in->n", first, second))


def _size(vector: Array) -> Array:
    return np.asarray(np.sqrt(_dot(vector, vector)))


def _energy(momentum: Array, mass: float) -> Array:
    return np.asarray(np.sqrt(_dot(momentum, momentum) + mass**2))
