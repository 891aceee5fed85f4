"""Memory does not grow with the grid beyond the tables themselves."""

import json
import tracemalloc

import numpy as np
import pyhf
import pytest
from axes import ANY

from hnlstat.likelihood.experiment import experiment
from hnlstat.report import keep
from hnlstat.run.current import Run
from hnlstat.run.files.folder import RunFolder
from hnlstat.run.files.yields import read_yields, write_yields
from hnlstat.search.table import YieldTable
from hnlstat.studies import load
from hnlstat.system.screen import Screen

MASSES, COUPLINGS = 60, 60


@pytest.fixture(scope="module")
def table():
    shape = (MASSES, COUPLINGS, 2)
    couplings = np.geomspace(1e-8, 1e-5, COUPLINGS)
    events = np.broadcast_to(30.0 * (couplings[:, None] / 1e-6) ** 4 * [1.0, 0.3], shape)
    return YieldTable(
        np.geomspace(0.05, 0.8, MASSES),
        couplings,
        dataset=("nd280",) * 2,
        mode=("fhc", "rhc"),
        volume=("all",) * 2,
        channel=("nd280_fhc", "nd280_rhc"),
        bin=(0, 0),
        decays=np.full(shape, np.nan),
        events=events.copy(),
        mc_error=0.01 * events,
        modifiers={"flux": np.full(shape, 0.1)},
    )


def peak(function, *arguments):
    """Most memory that a call takes beside what there was before [MB]."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_the_patches_of_a_large_grid_are_written_as_they_are_made(tmp_path, table):
    study, folder = load([]), RunFolder(tmp_path)
    made = experiment(study, table)
    current = Run(study=study, screen=Screen.silent(), folder=folder)
    assert peak(keep.workspace, current, table, made) < 12  # 24 for all of them at once
    spec, patches = (
        json.loads((tmp_path / "workspace" / name).read_text())
        for name in ("BkgOnly.json", "patchset.json")
    )
    assert len(patches["patches"]) == MASSES * COUPLINGS
    first = pyhf.PatchSet(patches | {"patches": patches["patches"][:2]})
    first.verify(spec)
    assert "mu" in first.apply(spec, first.patches[1].name).model().config.par_order


def test_the_yields_of_a_large_grid_are_written_mass_by_mass(tmp_path, table):
    assert (
        peak(write_yields, tmp_path / "yields.csv", table, ANY) < 1.5
    )  # 3.5 for all lines at once
    found = read_yields(tmp_path / "yields.csv", ANY)
    np.testing.assert_allclose(found.events, table.events, rtol=1e-7)
