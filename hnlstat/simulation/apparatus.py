"""The detector as rays see it, and the matter behind a decay point."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.geometry import SignedShapes
from hnlstat.detector.rays import interval_within
from hnlstat.detector.shapes import Shape
from hnlstat.physics.processes import Scattering, Upscattering, Variation
from hnlstat.simulation.sampling import Rays, Scatterer

Array = NDArray[np.float64]


@dataclass(frozen=True)
class WeightedColumn:
    """A column of the result: row `flux` of the fluxes, and a weight of each ray besides."""

    flux: int
    weight: Variation


class Selection(Protocol):
    """What adds columns of selected decays to those of all decays; a search has them."""

    @property
    def added(self) -> int:
        """Number of columns that it adds."""

    def columns(
        self, columns: Array, rays: Rays, volume: NDArray[np.int64], rng: np.random.Generator
    ) -> Array:
        """The columns (K, N) of all decays of N rays in volumes (N,), followed by its own."""


@dataclass(frozen=True)
class Apparatus:
    """What does not depend on the mass: detector, targets, beam and limits of the sampled volume.

    Attributes
    ----------
    boxes : the detector's media
    source : how neutrinos become N
    scatterers : every kind of target in them
    rock : (n_media,) whether a medium is rock (for its density uncertainty)
    beyond : (n_media,) whether a medium is rock upstream of where it begins, which does not count
        (for the uncertainty of its length); None: none is
    fiducial : (V) shapes in which decays are looked for
    edges : (J + 1,) flux bin edges [GeV]
    flux : (F, J) fluxes per cm^2 and bin; each is a column of the result
    weighted : further columns of the result, with weights of their own
    selection : adds columns of selected decays, so that there are K in all; None: only all decays
    min_cos_theta : cut on the angle of N to the beam
    radius, upstream : limits of the sampled volume [m], None for the whole described world
    upstream_offset, decay_lengths : with k decay lengths, those of N with the neutrino's energy,
        vertices lie up to offset + min(k decay lengths, upstream) upstream [m]; the sampled volume
        then depends on the coupling and on the neutrino
    survival : whether N must survive from its vertex to the fiducial volume; without it the yield
        is wrong at short lifetimes, as in arXiv:2412.15051
    distance : of the point that neutrinos come from, upstream of the origin [m]; None: they run
        along z
    """

    boxes: SignedShapes
    source: Upscattering
    scatterers: tuple[Scatterer, ...]
    rock: NDArray[np.bool_]
    fiducial: tuple[Shape, ...]
    edges: Array
    flux: Array
    min_cos_theta: float
    radius: float | None
    upstream: float | None
    survival: bool
    upstream_offset: float = 0.0
    decay_lengths: float | None = None
    weighted: tuple[WeightedColumn, ...] = ()
    selection: Selection | None = None
    beyond: NDArray[np.bool_] | None = None
    distance: float | None = None

    @property
    def min_cos_scattering(self) -> float:
        """Cut on the angle of N to its neutrino: none where that is not the one to the beam."""
        return self.min_cos_theta if self.distance is None else -1.0

    @property
    def columns(self) -> int:
        """Number of columns of the result, K."""
        added = 0 if self.selection is None else self.selection.added
        return len(self.flux) + len(self.weighted) + added


def ray_columns(apparatus: Apparatus, rays: Rays, scatterer: Scatterer) -> Array:
    """What each column of all decays weights rays with, (K, N) without a selection."""
    flux = apparatus.flux[:, rays.energy_bin]
    distinct = dict.fromkeys(column.weight for column in apparatus.weighted)
    # rays below threshold count for nothing; their energy must only not divide by zero
    energy = np.where(rays.weight > 0, rays.energy, rays.mass + 1.0)
    made = Scattering(
        rays.q2, energy, rays.mass, scatterer.target, scatterer.fermi_momentum, rays.cross_section
    )
    weight = {each: each(made) for each in distinct}
    weighted = [flux[column.flux] * weight[column.weight] for column in apparatus.weighted]
    return np.stack([*flux, *weighted])


def matter_behind(
    apparatus: Apparatus, rays: Rays, boxes: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Distances [m] (N, B) back along rays at which shapes begin and end, within the volume.

    With `decay_lengths` that is the volume of N that live for ever.
    """
    upstream = apparatus.upstream
    if upstream is not None and apparatus.decay_lengths is not None:
        upstream += apparatus.upstream_offset
    near, far = apparatus.boxes.crossings(rays.origin, rays.direction, boxes)
    if apparatus.radius is not None or upstream is not None:
        first, last = interval_within(rays.origin, rays.direction, apparatus.radius, upstream)
        near = np.clip(near, first[:, None], last[:, None])
        far = np.clip(far, first[:, None], last[:, None])
    if rays.first is not None and rays.last is not None:
        near = np.clip(near, rays.first[:, None], rays.last[:, None])
        far = np.clip(far, rays.first[:, None], rays.last[:, None])
    return near, far


def chords(apparatus: Apparatus, rays: Rays, volume: NDArray[np.int64]) -> tuple[Array, Array]:
    """Distances (N,) [m] from decay points to the fiducial volume's surface, back and onward."""
    back, onward = np.empty(len(volume)), np.empty(len(volume))
    for v in np.unique(volume):
        shape, mine = apparatus.fiducial[v], volume == v
        origin, direction = rays.origin[mine], rays.direction[mine]
        back[mine] = shape.crossings(origin, direction)[1]
        onward[mine] = shape.crossings(origin, -direction)[1]
    return back, onward


def without_survival(
    apparatus: Apparatus,
    rays: Rays,
    volume: NDArray[np.int64],
    lengths: tuple[Array, Array],
    density: Array,
) -> tuple[Array, Array, Array]:
    """Decay within the fiducial volume with 1 - exp(-chord / lambda), however far the vertex is.

    For a vertex upstream of it the chord is all of the ray within it, and the decay points
    along it are one case (1 / chord each); a vertex inside is the sampled point itself.

    Returns
    -------
    near, far, weight : (N, 2), as `propagation.decays` takes them, lengths not yet proper
    """
    back, onward = chords(apparatus, rays, volume)
    near, far = lengths
    column = np.maximum(far - np.maximum(near, back[:, None]), 0.0) @ density
    here = ((near == 0) & (far > 0)) @ density
    chord = np.stack([back + onward, onward], axis=1)
    return np.zeros_like(chord), chord, np.stack([column / (back + onward), here], axis=1)
