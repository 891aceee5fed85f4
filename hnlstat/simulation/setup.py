"""From a Study's detector and beam to the arrays that the sampling works on."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hnlstat.beam.flux import POT_UNIT, FluxTable
from hnlstat.beam.kaons import KaonBeam
from hnlstat.config.detector import Detector, Medium, cut_by
from hnlstat.config.flux import Flux, FluxUncertainty, KaonFlux
from hnlstat.config.shapes import Box, Stack, Volume
from hnlstat.config.study import Study
from hnlstat.detector.geometry import CutError, PaintedBox, PaintedShape, paint
from hnlstat.detector.materials import BOUND_NEUTRON, BOUND_PROTON, target_densities
from hnlstat.detector.relations import ROUNDING
from hnlstat.detector.round_shapes import Cylinder
from hnlstat.detector.shapes import HexagonalPrism
from hnlstat.errors import ConfigError
from hnlstat.models.checks import from_kaons, from_neutrinos
from hnlstat.physics.processes import Kaons, Variation
from hnlstat.physics.targets import target
from hnlstat.simulation.apparatus import Apparatus, Selection, WeightedColumn
from hnlstat.simulation.kaons import Tunnel
from hnlstat.simulation.sampling import Scatterer

Array = NDArray[np.float64]
BOUND = {BOUND_PROTON: "p", BOUND_NEUTRON: "n"}
"""Nucleons that are bound in nuclei, and the target that stands for each."""

ROCK = "rock"
"""Material whose density is uncertain as `systematics.rock_density` says."""


def apparatus(
    study: Study,
    detector: Detector,
    volumes: Sequence[str],
    min_cos_theta: float,
    flux: Array,
    edges: Array,
    weighted: tuple[WeightedColumn, ...] = (),
    selection: Selection | None = None,
    beyond: float = 0.0,
    distance: float | None = None,
) -> Apparatus:
    """Arrays for the simulation of one detector.

    Parameters
    ----------
    study : simulation settings are used
    detector : of one of its datasets
    volumes : names of its fiducial volumes that decays are looked for in
    min_cos_theta : N at larger angles to the beam are left out
    flux : (F, J) flux columns to fold with, per POT and cm^2
    edges : (J + 1,) flux bin edges [GeV]
    weighted : columns with a weight of each ray besides
    selection : adds columns of selected decays; None: only all decays
    beyond : length [m] of rock to follow rays through upstream of where it begins
    distance : of the point that neutrinos come from [m]; None: they run along z
    """
    painted, media, names = detector.painted()
    rock = [material == ROCK for material, _ in media]
    further, more = rock_beyond(detector, beyond, len(media)) if beyond else ([], [])
    media = media + more
    try:
        # first in the painter's order, so that whatever is described there stays
        boxes = paint([*further, *painted], len(media))
    except CutError as cut:
        added = "the rock that is added upstream"
        name = [*[added] * len(further), *names][cut.later]
        raise ConfigError(
            f"systematics.rock_length: {detector.name}.volumes.{name} {cut_by(added)}"
        ) from None
    simulation = study.simulation
    fermi = simulation.fermi_momentum if simulation.pauli == "fermi_gas" else None
    return Apparatus(
        boxes=boxes,
        source=from_neutrinos(study.model),
        scatterers=scatterers(detector, media, simulation.bound_nucleons, fermi),
        rock=np.array(rock + [False] * len(more)),
        beyond=np.array([False] * len(rock) + [True] * len(more)),
        fiducial=tuple(detector.fiducial[name].solid for name in volumes),
        edges=edges,
        flux=flux,
        min_cos_theta=min_cos_theta,
        radius=None if simulation.radius == "auto" else simulation.radius,
        upstream=None if simulation.upstream == "auto" else simulation.upstream,
        upstream_offset=simulation.upstream_offset,
        decay_lengths=simulation.decay_lengths,
        survival=simulation.survival,
        weighted=weighted,
        selection=selection,
        distance=distance,
    )


def tunnel(
    study: Study,
    detector: Detector,
    volumes: Sequence[str],
    flux: KaonFlux,
    table: KaonBeam,
    modes: tuple[str, ...],
    mass: float,
    selection: Selection | None,
) -> Tunnel:
    """Decays of kaons, as one detector sees their N of a mass [GeV].

    Parameters
    ----------
    study : its model says which
    detector, volumes : of one of its datasets, and names of the fiducial volumes
    flux, table : where they are, and how many
    modes : horn modes; each is a column, nominal, then each at +1 sigma
    mass : of N [GeV]
    selection : adds columns of selected decays; None: only all decays
    """
    source = from_kaons(study.model)
    nominal = [
        mode.share * np.array([table.flux(horn, mode.lepton, mass) for horn in modes])
        for mode in source.modes
    ]
    shapes = tuple(detector.fiducial[name].solid for name in volumes)
    return Tunnel(
        modes=source.modes,
        flux=tuple(np.concatenate([one, one * (1 + flux.uncertainty)]) for one in nominal),
        edges=table.bins(mass),
        ends=flux.tunnel,
        fiducial=shapes,
        selection=selection,
    )


def has_rock(detector: Detector) -> bool:
    """Whether anything of a detector is made of what the uncertainties of the rock act on."""
    return any(material == ROCK for material, _ in detector.painted()[1])


def without_rock(study: Study) -> list[str]:
    """Say which detectors have nothing that the uncertainties of the rock act on; not of kaons."""
    if isinstance(study.model.source, Kaons):
        return []
    keys = [key for key in ("rock_density", "rock_length") if getattr(study.systematics, key)]
    bare = dict.fromkeys(d.detector.name for d in study.datasets if not has_rock(d.detector))
    return [
        f"no volume of {name} is of the material {ROCK!r}, so that {' and '.join(keys)} of the "
        "systematics change nothing there"
        for name in bare
        if keys
    ]


def rock_beyond(
    detector: Detector, length: float, first: int
) -> tuple[list[PaintedBox | PaintedShape], list[Medium]]:
    """So much more rock [m] upstream of where it begins, and its media, numbered from `first`.

    Raises
    ------
    ConfigError
        If it begins with a shape that has no flat face there.
    """
    found = []
    for name, volume in detector.volumes.items():
        face = volume.layers[0] if isinstance(volume, Stack) else volume
        if face.material == ROCK:
            found.append((name, volume, (face.material, face.density)))
    start = min((volume.extent[2][0] for _, volume, _ in found), default=0.0)
    edge = [one for one in found if one[1].extent[2][0] == start]
    shapes = [_more(name, volume, length, first + i) for i, (name, volume, _) in enumerate(edge)]
    return shapes, [medium for *_, medium in edge]


def _more(name: str, volume: Volume, length: float, medium: int) -> PaintedBox | PaintedShape:
    """The same volume from its upstream face on, so much longer [m]."""
    (x0, x1), (y0, y1), (start, _) = volume.extent
    if isinstance(volume, Box | Stack):
        return PaintedBox((x0, y0, start - length), (x1, y1, start), medium)
    shape = volume.solid
    if isinstance(shape, Cylinder | HexagonalPrism) and np.hypot(*shape.axis[:2]) < ROUNDING:
        x, y, _ = shape.centre
        further = replace(shape, centre=(x, y, start - length / 2), length=length)
        return PaintedShape(further, medium)
    raise ConfigError(
        f"systematics.rock_length: {name} of the detector, where the rock begins, has no flat face "
        "upstream that could be moved; write 0"
    )


def scatterers(
    detector: Detector, media: list[Medium], nucleons: Sequence[str], fermi_momentum: float | None
) -> tuple[Scatterer, ...]:
    """Everything in the media that neutrinos scatter on; `nucleons` of nuclei by themselves too."""
    bound = {name: nucleon for name, nucleon in BOUND.items() if nucleon in nucleons}
    densities = [target_densities(detector.materials[name], rho) for name, rho in media]
    names = sorted({n for density in densities for n in density if n in bound or n not in BOUND})
    return tuple(
        Scatterer(
            name,
            target(bound.get(name, name)),
            fermi_momentum if name in bound else None,
            np.array([density.get(name, 0.0) for density in densities]),
        )
        for name in names
    )


def flux_columns(study: Study, flux: Flux, table: FluxTable, modes: tuple[str, ...]) -> Array:
    """Flux per POT and cm^2 that makes N, (2 * modes, J): nominal, then each at +1 sigma."""
    weights = study.model.flavour_weights()
    nominal = np.array([table.coupled(mode, weights) for mode in modes]) / POT_UNIT
    shift = flux_uncertainty(flux.uncertainty, table.edges_gev)
    return np.concatenate([nominal, nominal * (1 + shift)])


def variations(study: Study) -> dict[str, Variation]:
    """Uncertainties of the cross section that are switched on, at +1 sigma."""
    if isinstance(study.model.source, Kaons):
        return {}
    return from_neutrinos(study.model).variations(_sizes(study))


def _sizes(study: Study) -> dict[str, float]:
    """Relative sizes of the uncertainties of the cross section that are switched on."""
    found = {"form_factor": study.systematics.form_factor}
    if study.simulation.pauli == "fermi_gas" and study.simulation.bound_nucleons:
        found["pauli"] = study.systematics.pauli
    return {name: size for name, size in found.items() if size}


def without_variation(study: Study) -> list[str]:
    """Say which uncertainties of the cross section the model does not have; kaons have none."""
    if isinstance(study.model.source, Kaons):
        return []
    known = variations(study)
    return [
        f"systematics.{name} changes nothing: the model {study.model.kind} does not vary it"
        for name in _sizes(study)
        if name not in known
    ]


def flux_uncertainty(uncertainty: FluxUncertainty, edges: Array) -> Array:
    """Relative uncertainty (J,) of each flux bin, taken at its centre."""
    centre = (edges[1:] + edges[:-1]) / 2
    place = np.searchsorted(uncertainty.edges, centre, side="right") - 1
    return np.array(uncertainty.size)[np.clip(place, 0, len(uncertainty.size) - 1)]
