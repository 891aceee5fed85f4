"""Remarks on what a study takes."""

import numpy as np
import pytest

from hnlstat.run.remarks import recast_by_mass
from hnlstat.studies import load

MASSES = np.array([0.05, 0.3])


def test_efficiency_by_mass_of_other_n_is_told():
    (text,) = recast_by_mass(load([]), MASSES)
    assert text.startswith("search tpc_ee: its efficiency by mass is of other decays than")
    assert "0.65 at 200 MeV, 0.43 at 300 MeV of it" in text
    assert recast_by_mass(load(["detector=nd280_upgrade"]), MASSES)


def test_at_one_mass_it_is_that_between_those_that_are_known():
    (text,) = recast_by_mass(load([]), np.array([0.245]))
    assert ": 0.54 at 245 MeV of it" in text


@pytest.mark.parametrize(
    ("overrides", "masses"),
    [
        ([], [0.02, 0.1]),
        (["search=tpc_ee_tracks"], MASSES),
        (["search=fgd_photon"], MASSES),
        (["model=mixed_mu", "search=tpc_ee"], MASSES),
        (["~search.tpc_ee.kept_by_cuts.dipole"], MASSES),
    ],
)
def test_nothing_is_told_where_it_is_not_so(overrides, masses):
    assert recast_by_mass(load(overrides), np.array(masses)) == []
