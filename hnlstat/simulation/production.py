"""Where the N come from whose decays are looked for: vertices, origins, momenta and angles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnlstat.config.detector import Detector
from hnlstat.config.study import Study
from hnlstat.detector.geometry import paint
from hnlstat.physics.constants import LEPTON_CODE
from hnlstat.physics.processes import Kaons
from hnlstat.simulation.batches import EventModel, join
from hnlstat.simulation.kaon_events import kaon_jobs
from hnlstat.simulation.strata import Job, divide, strata

Array = NDArray[np.float64]

OUTSIDE = "outside"
"""Material of points that lie in no volume."""

PARENTS = {"e": "K → e N", "mu": "K → μ N"}
"""Decays of kaons, by the lepton beside N."""


@dataclass(frozen=True)
class Production:
    """Sampled N of one mass that decay to the final state in a fiducial volume.

    Attributes
    ----------
    mass, coupling : of N [GeV], [unit of the coupling]
    min_cos_theta : the widest that searches ask for
    dataset, material : (N,) names: what the N decays in, and what it was made in (or of, of kaons)
    vertex : (N, 3) where it was made [m]
    momentum : (N,) of N [GeV]
    cos_theta : (N,) of N to the beam
    weight : (N,) expected decays to it that each stands for
    decay : (N, 3) where it decays [m]
    """

    mass: float
    coupling: float
    min_cos_theta: float
    dataset: NDArray[np.str_]
    material: NDArray[np.str_]
    vertex: Array
    momentum: Array
    cos_theta: Array
    weight: Array
    decay: Array

    @property
    def of_kaons(self) -> bool:
        """Whether the N are of kaons in flight, and not made in matter."""
        return str(self.material[0]) in PARENTS.values()

    @property
    def passes(self) -> NDArray[np.bool_]:
        """Whether each N is as close to the beam as searches ask, shape (N,)."""
        return np.asarray(self.cos_theta > self.min_cos_theta)

    def acceptance(self) -> float:
        """Share of N that pass; they must have been sampled at all angles."""
        return float(np.sum(self.weight[self.passes]) / np.sum(self.weight))

    def shares(self) -> dict[str, float]:
        """Share of each material in the decays that pass, largest first."""
        weight, material = self.weight[self.passes], self.material[self.passes]
        names, place = np.unique(material, return_inverse=True)
        parts = np.bincount(place, weight) / np.sum(weight)
        return {str(names[i]): float(parts[i]) for i in np.argsort(-parts)}

    def median_momentum(self) -> float:
        """Momentum [GeV] that half of the N that pass exceed."""
        momentum, weight = self.momentum[self.passes], self.weight[self.passes]
        order = np.argsort(momentum)
        below = np.cumsum(weight[order])
        return float(momentum[order][np.searchsorted(below, 0.5 * below[-1])])


@dataclass(frozen=True)
class ProductionJob:
    """The production at one mass and coupling; sampled in whichever process.

    Attributes
    ----------
    study : detectors, exposures, flux, model and `simulation.seed` are used
    mass, coupling : of N [GeV], [unit of the coupling]
    number : of events to sample, about
    all_angles : whether to sample those, too, that the searches' cuts on the angle take away
    """

    study: Study
    mass: float
    coupling: float
    number: int
    all_angles: bool

    def run(self) -> Production | None:
        """Sample events; None where no N passes."""
        study, angles = self.study, -1.0 if self.all_angles else None
        model = EventModel.of(study, self.mass, (self.coupling,))
        kaons = isinstance(study.model.source, Kaons)
        jobs: Sequence[Job]
        jobs = [*kaon_jobs(study, model)] if kaons else strata(study, model, angles)
        spreads = [job.spread() for job in jobs]
        if not np.any(spreads):
            return None
        events = join([job.run() for job in divide(jobs, spreads, self.number)])
        vertex, momentum, decay = (
            np.stack([events[f"{name}{axis}"] for axis in "xyz"], axis=1)
            for name in ("vertex_", "n_p", "decay_")
        )
        size = np.linalg.norm(momentum, axis=1)
        material = np.full(len(size), OUTSIDE, dtype=object)
        for dataset in () if kaons else study.datasets:
            mine = events["dataset"] == dataset.name
            material[mine] = material_at(dataset.detector, vertex[mine])
        if kaons:
            for lepton, name in PARENTS.items():
                material[np.abs(events["lepton_pdg"]) == LEPTON_CODE[lepton]] = name
        found = Production(
            self.mass, self.coupling, study.min_cos_theta, events["dataset"],
            material.astype(str), vertex, size, momentum[:, 2] / size, events["weight"],
            decay,
        )  # fmt: skip
        return found if found.passes.any() else None


def material_at(detector: Detector, points: Array) -> NDArray[np.str_]:
    """Name of the material at points (N, 3) [m], shape (N,)."""
    painted, media, _ = detector.painted()
    inside = paint(painted, len(media)).at(points) > 0.5
    names = np.array([*(material for material, _ in media), OUTSIDE])
    return np.asarray(names[np.where(inside.any(axis=1), inside.argmax(axis=1), len(media))])
