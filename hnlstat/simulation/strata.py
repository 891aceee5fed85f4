"""Events of a Study shared out: to datasets, volumes and targets, and rays to each of these."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from hnlstat.beam.flux import POT_UNIT, FluxTable, load_flux
from hnlstat.beam.kaons import of_neutrinos
from hnlstat.config.dataset import Dataset
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.physics.constants import NEUTRINO_CODE
from hnlstat.simulation import setup
from hnlstat.simulation.batches import Array, EventModel
from hnlstat.simulation.events import EventJob
from hnlstat.simulation.kaon_events import KaonEventJob
from hnlstat.simulation.sampling import energy_proposal

_MOST_RAYS = 16384

Job = EventJob | KaonEventJob


def strata(study: Study, model: EventModel, min_cos_theta: float | None = None) -> list[EventJob]:
    """One job for each dataset, fiducial volume and kind of target that can make N.

    Of the volumes that a search of the dataset uses, and with its widest cut on the angle, if none
    is given.
    """
    jobs: list[EventJob] = []
    directed = any(of_neutrinos(dataset.flux).distance for dataset in study.datasets)
    for i, dataset in enumerate(study.datasets):
        beam = of_neutrinos(dataset.flux)
        table = load_flux(beam.table, beam.unit).only(beam.flavours_in)
        modes, codes, flux = _sources(study, dataset, table)
        volumes = dataset.used_volumes
        cut = min(search.min_cos_theta for search in dataset.search.values())
        app = setup.apparatus(
            study, dataset.detector, volumes, cut if min_cos_theta is None else min_cos_theta,
            flux, table.edges_gev, distance=beam.distance,
        )  # fmt: skip
        for k, scatterer in enumerate(app.scatterers):
            proposal = energy_proposal(
                app.edges,
                flux.sum(axis=0),
                model.mass,
                app.source,
                scatterer,
                app.min_cos_scattering,
            )
            if not np.any(proposal > 0) or not np.any(app.boxes.coefficients @ scatterer.density):
                continue
            key = study.simulation.seed, int(np.float64(model.mass).view(np.uint64)), i, k
            jobs += [
                EventJob(
                    model, app, modes, codes, dataset.name, volume, v, scatterer, proposal,
                    rays=1, all_rays=1, seed=(*key, v), directed=directed,
                )
                for v, volume in enumerate(volumes)
            ]  # fmt: skip
    return jobs


def _sources(
    study: Study, dataset: Dataset, table: FluxTable
) -> tuple[tuple[str, ...], tuple[int, ...], Array]:
    """Mode, neutrino and flux (K, J) per cm^2 in the exposure, times the flavour's weight."""
    weights = study.model.flavour_weights()
    found = []
    for mode, pot in dataset.exposure.pot.items():
        for (table_mode, name), flux in table.flux.items():
            flavour = name.removeprefix("nu").removesuffix("bar")
            if table_mode == mode and weights.get(flavour, 0.0) != 0:
                sign = -1 if name.endswith("bar") else 1
                scaled = flux * pot / POT_UNIT * weights[flavour]
                found.append((mode, sign * NEUTRINO_CODE[flavour], scaled))
    modes, codes, fluxes = zip(*found, strict=True)
    return modes, codes, np.array(fluxes)


def divide(jobs: Sequence[Job], spreads: Sequence[Array], number: int) -> Iterator[Job]:
    """Share out rays by the spread of the weights, and cut large jobs into pieces.

    A twentieth goes to all alike, so that no job is left without for what its pilot missed.

    Parameters
    ----------
    jobs : from `strata`, or `kaon_events.kaon_jobs`
    spreads : (D,) of each job, from `EventJob.spread`
    number : of rays in all, about

    Raises
    ------
    ConfigError
        If no N decays in any fiducial volume at any coupling.
    """
    spread = np.array(spreads).reshape(len(jobs), -1)
    total = spread.sum(axis=0)
    if not np.any(total > 0):
        raise ConfigError("model.mass, model.coupling: no N decays in any fiducial volume")
    share = np.mean(spread[:, total > 0] / total[total > 0], axis=1)
    rays = np.ceil(number * (0.95 * share + 0.05 / len(jobs))).astype(int)
    for job, own in zip(jobs, rays.tolist(), strict=True):
        for piece, start in enumerate(range(0, own, _MOST_RAYS), 1):
            size = min(_MOST_RAYS, own - start)
            yield replace(job, rays=size, all_rays=own, seed=(*job.seed, piece))
