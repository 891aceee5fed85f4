"""T2K's search for N of kaons with more data and in the upgrade: what closed forms give."""

from functools import cache

import numpy as np
import pytest
from scipy.special import erfinv

from hnlstat.app import main
from hnlstat.likelihood.channels import channels
from hnlstat.search.masses import simulate_study
from hnlstat.studies import load
from hnlstat.tables.csv_table import read_csv

SEARCH = ("model=mixed_mu", "search=t2k_2019")
UPGRADE = (*SEARCH, "detector=nd280_upgrade")
MASSES = np.array([0.15, 0.26, 0.35])
COUPLINGS = np.array([1e-10, 1e-9])
"""N live long."""
VOLUMES = 3 * 1.70 * 1.96 * 0.563, 2 * 1.592 * 0.27 * 1.709
"""Of the three TPCs and of the two of the upgrade [m^3]."""
POT = {
    "2019": {"fhc": 1.234e21, "rhc": 6.29e20},
    "2023": {"fhc": 1.97e21, "rhc": 1.63e21},
    "upgrade": {"fhc": 8.03e21, "rhc": 8.37e21},
}


@cache
def events(*overrides):
    """Events at the smaller coupling by mass, of each channel."""
    study = load([*overrides])
    table = simulate_study(study, MASSES, COUPLINGS, lambda jobs: [job.run() for job in jobs])
    found = table.by_channel()
    return dict(zip(found.channel, found.signal[:, 0].T, strict=True))


def test_rates_go_with_exposure_and_volume():
    """Ratio by ratio; MC errors are 0.3 % of each of two samples."""
    nominal, more = events(*SEARCH), events(*SEARCH, "exposure=t2k_2023")
    both = events(*UPGRADE)
    assert len(both) == 2 * len(nominal) == 20
    for name, before in nominal.items():
        mode, channel = name.split("_", 2)[1:]
        scale = POT["2023"][mode] / POT["2019"][mode]
        # the same sample
        assert more[name] == pytest.approx(scale * before, rel=1e-9)
        assert both[name] == pytest.approx(scale * before, rel=1e-9)
        scale = POT["upgrade"][mode] / POT["2019"][mode] * sum(VOLUMES) / VOLUMES[0]
        assert both[f"nd280_upgrade_{mode}_{channel}"] == pytest.approx(scale * before, rel=0.01)


def test_backgrounds_go_with_exposure_and_the_number_of_tpcs():
    published = {c.name: c for c in channels(load([*SEARCH]))}
    assert all(c.observed == (0.0,) for c in published.values())
    found = {c.name: c for c in channels(load([*UPGRADE]))}
    for name, channel in published.items():
        _, mode, rest = name.split("_", 2)
        for other, exposure, tpcs in (
            (name, "2023", 1), (f"nd280_upgrade_{mode}_{rest}", "upgrade", 5 / 3)
        ):  # fmt: skip
            scale = tpcs * POT[exposure][mode] / POT["2019"][mode]
            assert found[other].background[0] == pytest.approx(scale * channel.background[0])
            # the relative error stays; nothing is observed: a projection
            assert found[other].error == channel.error
            assert found[other].observed is None
    # one beam: its uncertainty is common to both detectors
    assert {channel.flux for channel in found.values()} == {"flux_t2k_kaons"}


def test_the_upgrade_has_what_it_assumes_marked():
    study = load([*UPGRADE])
    assumed = study.datasets[0].detector.assumptions()
    assert {"background_factor", "fiducial.hatpc_top", "fiducial.hatpc_bottom"} <= set(assumed)


def test_expected_limits_without_background_are_those_of_all_datasets_together(tmp_path):
    """No event is expected or seen: erfinv(0.9) / sqrt(A), of A events at |U|^2 = 1."""
    none = [
        f"search.t2k_2019.background.{mode}.{key}={value}"
        for mode in ("fhc", "rhc")
        for key, value in (("events", [1e-7] * 5), ("error", [0.0] * 5))
    ]
    status = main(
        [*UPGRADE, *none, "systematics=none", f"runs={tmp_path}", "executor=serial", "bounds=none",
         "inference.calculator=bayesian", "inference.levels=[0.9]", "inference.sigmas=[]",
         "scan.mass.values=[0.26, 0.35]", "scan.coupling.points=13"]
    )  # fmt: skip
    assert status == 0
    (path,) = tmp_path.glob("*/*/limits.csv")
    limits = read_csv(path)
    found = [
        float(coupling)
        for coupling, kind, branch in zip(
            *(limits.columns[name] for name in ("coupling", "kind", "branch")), strict=True
        )
        if (kind, branch) == ("expected", "lower")
    ]
    total = sum(events(*UPGRADE).values())[1:] / COUPLINGS[0] ** 2
    assert found == pytest.approx(erfinv(0.9) / np.sqrt(total), rel=0.005)
