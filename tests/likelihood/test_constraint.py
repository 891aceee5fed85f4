"""Backgrounds that side bands constrain, from the settings of a search to the likelihood."""

import numpy as np
import pytest

from hnlstat.errors import HnlstatError
from hnlstat.likelihood.channels import channels, covariance
from hnlstat.likelihood.experiment import bins, components
from hnlstat.studies import load

LOW = slice(9)
"""200-1250 MeV."""

PUBLISHED = {"miniboone_fhc": (2309.4, 119.6), "miniboone_rhc": (400.6, 28.5)}
"""Phys. Rev. D 103, 052002."""


@pytest.mark.parametrize("exposure", ["miniboone", "miniboone_fhc", "miniboone_rhc"])
def test_background_of_miniboone_and_its_error(exposure):
    study = load(["detector=miniboone", f"exposure={exposure}"])
    ((dataset, search),) = study.searches
    left = covariance(study, dataset, search)
    for i, channel in enumerate(channels(study)):
        weight = np.zeros(len(left))
        weight[11 * i : 11 * i + 9] = 1
        found = sum(channel.background[LOW]), np.sqrt(weight @ left @ weight)
        assert found == pytest.approx(PUBLISHED[channel.name], abs=0.06)
    shifts = np.array([*components(study, *bins(study)).values()])
    sigma = np.sqrt(left.diagonal())
    assert np.abs((shifts.T @ shifts - left) / np.outer(sigma, sigma)).max() < 1e-3


def test_without_side_bands_the_background_is_as_stated():
    whole = "covariance.columns=[fhc_background,rhc_background]"
    study = load(
        ["detector=miniboone", "~search.electron_like.side_bands", f"search.electron_like.{whole}"]
    )
    first, _ = channels(study)
    assert first.background[0] == pytest.approx(527.164624)
    ((dataset, search),) = study.searches
    # 3 % to 4 % of what the first bin has, by the file
    error = np.sqrt(covariance(study, dataset, search)[0, 0]) / first.background[0]
    assert 0.1 < error < 0.3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("side_bands.fhc.observed=[1,2]", "side_bands.fhc.observed: has 2 entries for 8 predicted"),
        ("side_bands.fhc.observed=[1,9,9,9,9,9,9,9]", "side band of bin 11 has 1 events"),
        ("covariance.columns=[fhc_background,rhc_background]", "is 22 x 22; fhc, rhc with 11 bins"),
        (
            "covariance.columns=[fhc_backgrounds]",
            "covariance.columns: fhc_backgrounds is no column",
        ),
        ("covariance.modes=[fhc]", "side_bands.rhc: is not in covariance.modes"),
        ("covariance.matrix=[[1,0],[0,1]]", "covariance.columns: are those of a file, but matrix"),
        ("covariance.matrix=nowhere.csv", "covariance.matrix: nowhere.csv"),
        ("background.fhc.events='miniboone/muon_like:fhc'", "events: fhc is no column of"),
        ("background.fhc.events='nowhere.csv:a'", "background.fhc.events: nowhere.csv"),
        ("efficiency.table=nowhere.csv", "efficiency.table: efficiency table"),
        ("efficiency.above=null", "add a row of 0, or say what holds above it"),
        ("efficiency.above=nothing", "electron_like.efficiency"),
        ("observable.name=pair_mass", "observable.name: pair_mass is not an observable"),
        ("observable.beyond=lost", "observable.beyond"),
        ("smearing.energy_root=-0.1", "smearing.energy_root"),
        ("binding=-1", "binding"),
        ("min_visible_energy=-1", "min_visible_energy"),
        ("final_state=ee", "ee is no single photon, but eminus, eplus"),
        ("final_state=gamma", "gamma is no final state"),
    ],
)
def test_bad_settings_are_one_line(change, said):
    with pytest.raises(HnlstatError) as error:
        channels(load(["detector=miniboone", f"search.electron_like.{change}"]))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
