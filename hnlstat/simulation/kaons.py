"""N of kaons that decay along the beam: flown to a detector, and decayed there.

N fly along z, those of all angles being as many as the flux at the detector says. Where kaons
decay evenly over a length L, the distances l of N that decay at a point go from `near` to `far`:

    decays = S sum_rays w (1 / L) int_near^far kappa exp(-kappa l m / p) (m / p) dl
           = S sum_rays w (1 / L) [ exp(-kappa near m / p) - exp(-kappa far m / p) ] ,

the same steps as of matter (`propagation`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.detector.shapes import Shape
from hnlstat.physics.processes import KaonMode
from hnlstat.simulation.apparatus import Selection
from hnlstat.simulation.propagation import decays
from hnlstat.simulation.replicas import PARTS, REPLICAS, Replicas
from hnlstat.simulation.sampling import M3_TO_CM3, Rays

Array = NDArray[np.float64]

CM_PER_M = 100.0


@dataclass(frozen=True)
class Tunnel:
    """Where kaons decay, and what of their N is looked for; at one mass.

    Attributes
    ----------
    modes : decays of kaons
    flux : for each of them (F, J) N per cm^2 and bin; each row is a column of the result
    edges : (J + 1,) edges of the bins of the energy of N [GeV]
    ends : z where kaons begin and end to decay [m]
    fiducial : (V) shapes in which decays are looked for, downstream of it
    selection : adds columns of selected decays; None: only all decays
    """

    modes: tuple[KaonMode, ...]
    flux: tuple[Array, ...]
    edges: Array
    ends: tuple[float, float]
    fiducial: tuple[Shape, ...]
    selection: Selection | None

    @property
    def columns(self) -> int:
        """Number of columns of the result, K."""
        return len(self.flux[0]) + (0 if self.selection is None else self.selection.added)


class KaonSample(Replicas):
    """N of one decay of kaons."""

    def __init__(
        self, tunnel: Tunnel, mass: float, table: Array, mode: int, key: list[int]
    ) -> None:
        super().__init__(len(tunnel.fiducial), tunnel.columns, table.shape[-1], key)
        self.tunnel, self.mass, self.table = tunnel, mass, table
        self.mode, self.flux = tunnel.modes[mode], tunnel.flux[mode]
        self.rapidity = np.arccosh(tunnel.edges / mass)
        self.proposal = self._proposal()

    def _proposal(self) -> Array:
        """Probability (J,) with which each bin is sampled.

        Half goes by decays of long-lived N, half by these times E^2: fast N survive.
        """
        width = np.diff(self.tunnel.edges)
        slow = np.divide(np.diff(self.rapidity), width, out=np.zeros_like(width), where=width > 0)
        plain = self.flux.sum(axis=0) * slow
        fast = plain * self.tunnel.edges[1:] ** 2
        return np.asarray(plain / plain.sum() + fast / fast.sum()) / 2

    def decays(self, new: Array, volumes: NDArray[np.int64]) -> Array:
        """Decays over the strength from new points in some volumes, by part (P, V, R, K, D)."""
        tunnel = self.tunnel
        points, volume = self.shifted(new, volumes)
        rays = self.rays_at(points, volume)
        columns = self.flux[:, rays.energy_bin]
        if tunnel.selection is not None:
            rng = np.random.default_rng([*self.key, *volumes, self.points[volumes[0]]])
            columns = tunnel.selection.columns(columns, rays, volume, rng)
        proper = self.mass / rays.momentum
        far, near = ((rays.origin[:, 2] - end) * proper for end in tunnel.ends)
        density = 1 / ((tunnel.ends[1] - tunnel.ends[0]) * CM_PER_M)
        found = decays(near[:, None], far[:, None], np.array(density), self.table)
        weight = (columns * rays.weight).reshape(len(columns), -1, len(new)).swapaxes(0, 1)
        total = np.zeros((PARTS, len(volumes), REPLICAS, *self.total.shape[3:]))
        mine = weight @ found.reshape(len(weight), len(new), -1)
        total[0] = mine.reshape(total.shape[1:])
        return total

    def rays_at(self, points: Array, volume: NDArray[np.int64]) -> Rays:
        """Turn points of the unit cube into N that decay in volumes (N,).

        Within a bin they are even in rapidity, so that decays of long-lived N are alike.
        """
        tunnel, cumulative = self.tunnel, np.append(0.0, np.cumsum(self.proposal))
        cumulative[-1] = 1.0
        place = np.searchsorted(cumulative, points[:, 0], side="right") - 1
        place = np.minimum(place, np.flatnonzero(self.proposal)[-1])
        within = (points[:, 0] - cumulative[place]) / self.proposal[place]
        step = np.diff(self.rapidity)[place]
        rapidity = self.rapidity[place] + within * step
        momentum = np.maximum(self.mass * np.sinh(rapidity), 1e-9 * self.mass)
        size = np.array([shape.volume for shape in tunnel.fiducial])[volume] * M3_TO_CM3
        # dE = p d(rapidity)
        weight = size * momentum * step / np.diff(tunnel.edges)[place] / self.proposal[place]
        origin = np.empty((len(points), 3))
        for v in np.unique(volume):
            origin[volume == v] = tunnel.fiducial[v].points(points[volume == v, 3:])
        back = np.broadcast_to([0.0, 0.0, -1.0], origin.shape)
        nothing = np.zeros(len(points))
        return Rays(
            origin, back, place, self.mass * np.cosh(rapidity), nothing, self.mass, nothing,
            momentum, weight, self.mode,
        )  # fmt: skip
