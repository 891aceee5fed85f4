"""Weighted events: neutrino, vertex, N, decay point and products, at one mass and some couplings.

Rays are drawn as for the yields: backwards, from decay points uniform in a fiducial volume. Each
gets one vertex, one neutrino and one decay, so that it is an event of weight

    flux * volume * dsigma/dQ^2 * BR * S int n kappa exp(-kappa s) ds,

S the model's strength, and the sum of weights is the expected number of decays to the final state
before the selection's efficiency.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.physics.processes import Decay
from hnlstat.simulation.apparatus import Apparatus, matter_behind
from hnlstat.simulation.batches import AXES, Array, Batches, Columns, EventModel, Maker, four_vector
from hnlstat.simulation.divergence import bent, neutrino_direction, pieces
from hnlstat.simulation.sampling import DIMENSIONS, Rays, Scatterer, sample_rays
from hnlstat.simulation.vertices import Vertices, draw_vertices, matter_segments


@dataclass(frozen=True)
class EventJob(Batches):
    """Events of one dataset in one fiducial volume on one kind of target.

    Attributes
    ----------
    model : mass, couplings and decays of N
    apparatus : detector; its flux (K, J) is one column per horn mode and flavour, times POT
    modes, codes : (K,) horn mode and PDG code of the neutrino of each column
    dataset, volume : names
    place : index of the volume
    scatterer : what the neutrinos scatter on
    proposal : (J,) probability of each flux bin
    rays, all_rays : number to sample, here and in all jobs on the same dataset, volume and target
    seed : fixes the random numbers
    directed : whether events have momenta of their neutrinos, which need not run along z
    """

    model: EventModel
    apparatus: Apparatus
    modes: tuple[str, ...]
    codes: tuple[int, ...]
    dataset: str
    volume: str
    place: int
    scatterer: Scatterer
    proposal: Array
    rays: int
    all_rays: int
    seed: tuple[int, ...]
    directed: bool = False

    def _rays(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Rays, Vertices, Array, NDArray[np.int64]]:
        """Rays, their vertices, weights (n, D) and flux columns (n,)."""
        app, model = self.apparatus, self.model
        rays = sample_rays(
            rng.random((n, DIMENSIONS)), app.edges, self.proposal, model.mass, app.source,
            self.scatterer, app.min_cos_scattering, app.fiducial, np.full(n, self.place),
        )  # fmt: skip
        density = app.boxes.coefficients @ self.scatterer.density
        boxes = np.flatnonzero(density)
        slices = [
            matter_behind(app, piece, boxes)
            for piece in pieces(rays, app.distance, app.min_cos_theta)
        ]
        near, far = (np.hstack(ends) for ends in zip(*slices, strict=True))
        vertices = draw_vertices(
            matter_segments(near, far, np.tile(density[boxes], len(slices))),
            model.mass / rays.momentum, model.strength, model.kappa, rng.random((n, 2)),
        )  # fmt: skip
        if app.distance is not None:
            rays = bent(rays, app.distance, vertices.distance, app.min_cos_theta)
        return rays, vertices, *self._drawn(rays, vertices, app.flux[:, rays.energy_bin], rng)

    def _maker(self, column: NDArray[np.int64], energy: Array, vertex: Array) -> Maker:
        """Neutrinos, and what they scattered on."""
        neutrino, n = np.array(self.codes)[column], len(column)
        columns: Columns = {
            "target": np.full(n, self.scatterer.name),
            "target_pdg": np.full(n, self.scatterer.target.pdg_code),
            "nu_pdg": neutrino,
            "nu_e": energy,
            **(self._neutrino(energy, vertex) if self.directed else {}),
        }
        return Maker(np.array(self.modes)[column], columns, np.sign(neutrino))

    def _neutrino(self, energy: Array, vertex: Array) -> Columns:
        """Momenta of neutrinos with energies (n,) at vertices (n, 3)."""
        distance = self.apparatus.distance
        along = np.array([[0.0, 0.0, 1.0]])
        if distance is not None:
            along = neutrino_direction(vertex, distance)
        return {f"nu_p{axis}": energy * along[:, i] for i, axis in enumerate(AXES)}

    def _named(
        self,
        decay: Decay,
        found: Sequence[Array],
        number: NDArray[np.int64],  # noqa: ARG002
    ) -> Columns:
        """Columns of the products (n, 4), which are those of any lepton number."""
        columns: Columns = {}
        for product, vector in zip(decay.products, found, strict=True):
            columns |= four_vector(product.name, vector)
        return columns
