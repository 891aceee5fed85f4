"""Weighted events of N of kaons: where the kaon decayed, N, decay point and products.

Rays are those of the yields (`simulation.kaons`). Kaons are K+ where the horns take positive
particles (fhc) and K- elsewhere: tables do not tell them apart, and weights are those of both. N
keep the polarisation that they have in the rest frame of the kaon, as those along its flight do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.beam.kaons import load_kaons, of_kaons
from hnlstat.config.study import Study
from hnlstat.physics.constants import LEPTON_CODE
from hnlstat.physics.processes import Decay
from hnlstat.simulation import setup
from hnlstat.simulation.batches import Batches, Columns, EventModel, Maker, four_vector
from hnlstat.simulation.kaons import CM_PER_M, KaonSample, Tunnel
from hnlstat.simulation.sampling import DIMENSIONS, Rays
from hnlstat.simulation.vertices import Vertices, draw_vertices, matter_segments

Array = NDArray[np.float64]

KAON_CODE = 321
POSITIVE = "fhc"
"""Horn mode of K+."""


@dataclass(frozen=True)
class KaonEventJob(Batches):
    """Events of one dataset in one fiducial volume from one decay of kaons.

    Attributes
    ----------
    model : mass, couplings and decays of N
    tunnel : kaons, as the detector sees their N
    pot : protons on target by horn mode, in the order of the columns
    dataset, volume : names
    place, production : index of the volume and of the decay of kaons
    rays, all_rays : number to sample, here and in all jobs like this
    seed : fixes the random numbers
    """

    model: EventModel
    tunnel: Tunnel
    pot: dict[str, float]
    dataset: str
    volume: str
    place: int
    production: int
    rays: int
    all_rays: int
    seed: tuple[int, ...]

    def _rays(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Rays, Vertices, Array, NDArray[np.int64]]:
        """Rays, where their kaons decayed, weights (n, D) and horn modes (n,)."""
        model, tunnel = self.model, self.tunnel
        table = np.zeros((1, len(model.couplings)))
        sample = KaonSample(tunnel, model.mass, table, self.production, [*self.seed])
        rays = sample.rays_at(rng.random((n, DIMENSIONS)), np.full(n, self.place))
        far, near = (rays.origin[:, 2:] - end for end in tunnel.ends)
        density = np.array([1 / ((tunnel.ends[1] - tunnel.ends[0]) * CM_PER_M)])
        vertices = draw_vertices(
            matter_segments(near, far, density), model.mass / rays.momentum, model.strength,
            model.kappa, rng.random((n, 2)),
        )  # fmt: skip
        pot = np.array([*self.pot.values()])[:, None]
        flux = pot * sample.flux[: len(pot), rays.energy_bin]
        return rays, vertices, *self._drawn(rays, vertices, flux, rng)

    def _maker(
        self,
        column: NDArray[np.int64],
        energy: Array,  # noqa: ARG002
        vertex: Array,  # noqa: ARG002
    ) -> Maker:
        """Kaons, and the leptons that they decayed to beside N."""
        mode = np.array([*self.pot])[column]
        sign = np.where(mode == POSITIVE, 1, -1)
        production = self.tunnel.modes[self.production]
        columns: Columns = {
            "kaon_pdg": sign * KAON_CODE,
            "lepton_pdg": -sign * LEPTON_CODE[production.lepton],
        }
        return Maker(mode, columns, sign)

    def _named(self, decay: Decay, found: Sequence[Array], number: NDArray[np.int64]) -> Columns:
        """Columns of the products (n, 4); of lepton number -1 they are antiparticles."""
        products = decay.products
        side = number if decay.number is None else np.ones_like(number)
        if len(products) == 2 and products[0].code == -products[1].code:
            # a pair stays what its columns are called
            turned = side[:, None] < 0
            found = np.where(turned, found[1], found[0]), np.where(turned, found[0], found[1])
            side = np.ones_like(number)
        columns: Columns = {}
        for product, vector in zip(products, found, strict=True):
            own = product.code if product.charge == 0 else product.code * side
            columns |= {
                f"{product.name}_pdg": np.broadcast_to(own, len(number)),
                **four_vector(product.name, vector),
            }
        return columns


def kaon_jobs(study: Study, model: EventModel) -> Iterator[KaonEventJob]:
    """One job for each dataset, fiducial volume and decay of kaons that makes N of the mass."""
    for i, dataset in enumerate(study.datasets):
        flux, volumes, pot = of_kaons(dataset.flux), dataset.used_volumes, dataset.exposure.pot
        parts = study, dataset.detector, volumes, flux, load_kaons(flux), tuple(pot)
        tunnel = setup.tunnel(*parts, model.mass, None)
        key = study.simulation.seed, int(np.float64(model.mass).view(np.uint64)), i
        for k, spectrum in enumerate(tunnel.flux):
            if np.any(spectrum > 0):
                for v, volume in enumerate(volumes):
                    yield KaonEventJob(
                        model, tunnel, dict(pot), dataset.name, volume, v, k, 1, 1, (*key, k, v)
                    )
