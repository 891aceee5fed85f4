"""Checks of a Study whose N are made in decays of kaons."""

import numpy as np

from hnlstat.beam.kaons import KaonBeam, load_kaons, of_kaons
from hnlstat.config.channels import Channels
from hnlstat.config.dataset import Dataset
from hnlstat.config.flux import KaonFlux, ScaledKaons
from hnlstat.config.search import Search
from hnlstat.config.study import Study
from hnlstat.errors import ConfigError
from hnlstat.physics.processes import Kaons
from hnlstat.tables.modes import modes_of

ROUNDING = 1e-9
"""Relative distance that a mass may lie beyond the end of a table."""


def check_kaons(study: Study, source: Kaons, key: str, least: float, most: float) -> None:
    """
    Make sure that N of all masses are made in decays of kaons, in these above all, and reach it.

    Parameters
    ----------
    study
        What is checked.
    source
        Of its model.
    key, least, most
        Key of the masses of N, the least of them and the largest [GeV].

    Raises
    ------
    ConfigError
        Names the key, the value and what would be right.
    DataError
        If a table cannot be read.
    """
    if not source.modes:
        raise ConfigError(
            f"model.mixing: N of {study.model.axis.name} alone is made in no decay of kaons; mix e "
            "or mu, or give yields by yields_from"
        )
    if least < source.lightest:
        pions = any(mode.lepton == "e" for mode in source.modes)
        why = "below that pi -> e N exceeds K -> e N by 10 to 470, and is not here"
        raise ConfigError(
            f"{key}: {least:.6g} GeV is below {source.lightest:g} GeV, where the tables of N from "
            f"kaons begin{f'; {why}' if pions else ''}"
        )
    reach = max(source.modes, key=lambda mode: mode.heaviest)
    if most >= reach.heaviest:
        raise ConfigError(
            f"{key}: {most:.6g} GeV is above the reach of K -> {reach.lepton} N, "
            f"{reach.heaviest:.6g} GeV"
        )
    _check_simulation(study)
    for _, search in study.searches:
        _check_search(search, (key, least, most))
    for dataset in study.datasets:
        flux = of_kaons(dataset.flux)
        _check_flux(dataset, flux, load_kaons(flux), (key, least, most))


def _check_simulation(study: Study) -> None:
    """Settings that N of the beam's kaons do not have."""
    simulation = study.simulation
    for name, usual in (
        ("radius", "auto"), ("upstream", "auto"), ("decay_lengths", None), ("survival", True)
    ):  # fmt: skip
        if (value := getattr(simulation, name)) != usual:
            shown = "null" if usual is None else str(usual).lower()
            raise ConfigError(
                f"simulation.{name}: {str(value).lower()} is of N that are made in matter; those "
                f"of kaons need {shown}"
            )


def _check_flux(
    dataset: Dataset, flux: KaonFlux, table: KaonBeam, masses: tuple[str, float, float]
) -> None:
    key, least, most = masses
    # where neutrinos stand for N, those of one horn mode do: a run says that the others are missing
    enough = isinstance(flux, ScaledKaons) and any(m in table.modes for m in dataset.exposure.pot)
    for mode in dataset.exposure.pot:
        if mode not in table.modes and not enough:
            raise ConfigError(
                f"exposure.pot.{mode}: exposure {dataset.exposure.name} has the mode {mode}, which "
                f"flux {flux.name} lacks; it has {', '.join(table.modes)}"
            )
    first, last = table.range
    for mass in (least, most):
        if not first * (1 - ROUNDING) <= mass <= last * (1 + ROUNDING):
            raise ConfigError(
                f"{key}: {mass:.6g} GeV lies outside the table of flux {flux.name}, which is for "
                f"{first:g} to {last:g} GeV"
            )
    for name in {n for search in dataset.search.values() for n in dataset.volumes(search)}:
        shape = dataset.detector.fiducial[name].solid
        first = np.min(shape.points(_CORNERS)[:, 2])
        if first <= flux.tunnel[1]:
            raise ConfigError(
                f"flux.tunnel: kaons decay to z = {flux.tunnel[1]:g} m, but the fiducial volume "
                f"{name} of {dataset.detector.name} reaches back to {first:.4g} m"
            )


_CORNERS = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0 - 1e-12, 5)] * 3), axis=-1).reshape(-1, 3)
"""Points of the unit cube that lie all over a volume."""


def _check_search(search: Search, masses: tuple[str, float, float]) -> None:
    """Make sure that the efficiencies of a search by mode are known at all masses."""
    if not isinstance(search, Channels):
        return
    key, least, most = masses
    known = modes_of(search).masses
    for mass in (least, most):
        if not known[0] * (1 - ROUNDING) <= mass <= known[-1] * (1 + ROUNDING):
            raise ConfigError(
                f"{key}: {mass:.6g} GeV lies outside the efficiencies of search {search.name}, "
                f"{known[0]:g} to {known[-1]:g} GeV"
            )
