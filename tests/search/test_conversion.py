"""Searches for photons that convert: what each step leaves of them, and what cannot be asked."""

import numpy as np
import pytest

from hnlstat.config import Photons
from hnlstat.detector.conversion import conversion_coefficient
from hnlstat.errors import ConfigError, DataError
from hnlstat.physics.processes import KaonMode
from hnlstat.search.layout import Layout
from hnlstat.search.showers import PhotonSelection
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import Plan, branching_ratio
from hnlstat.simulation.sampling import Rays
from hnlstat.studies import load
from hnlstat.studies.checks import check_tables

POINT = np.array([0.47]), np.array([1.25e-6])


def yields(*overrides: str) -> YieldTable:
    study = load([*overrides, "task=yields", "simulation.precision=0.1", "systematics=none"])
    plan = Plan.of(study, *POINT)
    return plan.table([job.run() for job in plan.jobs()])


def test_steps_add_up_to_what_is_selected():
    found = yields("search=fgd_photon", "search.fgd_photon.efficiency.energy=[0.3]")
    (flow,) = found.cut_flows
    assert flow.cuts == (
        "threshold", "efficiency", "conversion", "crossing", "min_visible_energy", "edges"
    )  # fmt: skip
    assert flow.settings[0] == "efficiency.energy.0 = 0.3"
    left = flow.passing[0, 0].sum(axis=0)
    assert np.all(np.diff(left) < 0)
    assert left[2] == pytest.approx(0.1 * left[1], rel=1e-12)  # flat above its threshold
    assert left[-1] == pytest.approx(found.events.sum(), rel=1e-12)
    assert flow.beyond.tolist() == [[[0, 0]]]  # edges are a cut, and nothing is left beyond them


def test_each_step_is_there_that_takes_something_away():
    search = "search.sfgd_photon"
    of = ["detector=nd280_upgrade", "search=sfgd_photon"]
    (flow,) = yields(*of, f"{search}.observable=null", f"{search}.min_visible_energy=0").cut_flows
    assert flow.cuts == ("efficiency", "conversion")
    every = yields(*of, f"{search}.conversion=null", f"{search}.efficiency.value=[1]")
    assert every.cut_flows[0].shares()[0, 0, 1] == 1


def test_photons_of_a_thick_target_convert_by_their_path_in_it():
    """Photons along the beam from the upstream face of the super-FGD cross 1.92 m of it."""
    study = load(["detector=nd280_upgrade", "search=sfgd_photon", "model.nature=majorana"])
    (dataset,) = study.datasets
    search = dataset.search["sfgd_photon"]
    assert isinstance(search, Photons)
    layout = Layout.of(study, search, 2)
    chosen = PhotonSelection.of(study, dataset.detector, ("sfgd",), search, layout)
    n, mass, momentum = 2000, 0.01, 50.0  # photons within a milliradian of N
    origin = np.tile([0, 0, -2.205 - 0.96], (n, 1))
    rays = Rays(
        origin, np.tile([0, 0, -1.0], (n, 1)), np.zeros(n, np.int64), np.full(n, 50.0),
        np.zeros(n), mass, np.zeros(n), np.full(n, momentum), np.ones(n), KaonMode("mu", 1.0),
    )  # fmt: skip
    shares = chosen.shares(rays, np.zeros(n, np.int64), np.random.default_rng(1))
    converted = shares[1 + [*search.cut_flow].index("conversion")]
    scintillator = dataset.detector.materials["scintillator"]
    depth = conversion_coefficient(np.geomspace(0.5, 50, 50), scintillator) * 105 * 1.92
    low, high = 0.3 * -np.expm1(-depth[[0, -1]])
    assert low < converted.mean() < high
    assert high - low < 0.02


def test_conversions_are_a_share_of_all_decays():
    found = yields("search=fgd_photon", "search.fgd_photon.fiducial=[fgd1]")
    study = load(["search=fgd_photon"])
    search = study.datasets[0].search["fgd_photon"]
    made = found.decays[0, 0] * branching_ratio(study, search, 0.47)
    (flow,) = found.cut_flows
    assert flow.passing[0, 0, :, 0] == pytest.approx(made, rel=1e-12)
    converted = flow.passing[0, 0, :, 2] / flow.passing[0, 0, :, 1]
    # half of 29 cm of scintillator on average forwards, more aside: 0.25 at 7 / 9 of X_0 = 42 cm
    assert np.all((converted > 0.15) & (converted < 0.4))


@pytest.mark.parametrize("order", ["tpc_ee,sfgd_photon", "sfgd_photon,tpc_ee"])
def test_a_search_is_of_the_detectors_that_have_its_volumes(order):
    study = load(["detector=nd280_upgrade", f"search=[{order}]"])
    upgrade, before = study.datasets
    assert [*upgrade.search] == order.split(",")
    assert [*before.search] == ["tpc_ee"]
    assert [d.name for d in load(["detector=nd280_upgrade", "search=sfgd_photon"]).datasets] == [
        "nd280_upgrade"
    ]
    both = load(["detector=nd280_upgrade", "search=[fgd_photon,sfgd_photon]"])
    assert [[*d.search] for d in both.datasets] == [["fgd_photon", "sfgd_photon"], ["fgd_photon"]]


FGD = "search.fgd_photon"
VOLUMES = f"{FGD}.conversion.volumes"
BAD = [
    ("search=sfgd_photon", "search.sfgd_photon.fiducial: sfgd is not a fiducial volume of nd280; "),
    ("detector=miniboone search=fgd_photon", "fiducial: tpc1 is not a fiducial volume of minibo"),
    ("detector=nd280_upgrade datasets=[{search:sfgd_photon},{detector:nd280,search:sfgd_photon}] "
     "exposure=t2k_2023", "sfgd is not a fiducial volume of nd280; "),
    (f"{FGD}.fiducial=[tpc1,fgd9]", "fiducial: fgd9 is not a fiducial volume of nd280; did you"),
    (f"+{VOLUMES}.fdg1=null", "volumes: fdg1 is not a volume of nd280; did you mean fgd1?"),
    (f"{VOLUMES}.fgd1=tpc2_gass", "tpc2_gass is not a volume of nd280; did you mean tpc2_gas?"),
    (f"{VOLUMES}.fgd1=fgd1", "volumes.fgd1: fgd1 is where photons convert; null: any"),
    (f"+{VOLUMES}.fgd1_frame=null", "volumes: fgd1_frame overlaps fgd1: photons would convert tw"),
    (f"{VOLUMES}={{fgd1:null,fgd2:null}}", "min_track_length: 0.2 m changes nothing; `volumes` na"),
    (f"{FGD}.conversion.min_track_length=-1", "conversion.min_track_length: -1 is negative"),
    (f"{FGD}.conversion.min_track_length='20MeV'", "min_track_length: 20MeV is an energy"),
    (f"+{FGD}.conversion.volume=null", "conversion.volume: unknown key; did you mean"),
    (f"{FGD}.conversion=fgd1", "conversion: fgd1 is not a mapping"),
    (f"{FGD}.efficiency.value=[1.2]", "efficiency.value.0: 1.2 is"),
    (f"{FGD}.efficiency.value=[0.1,0.2]", "efficiency.value: has 2 entries for 1 energies"),
    (f"{FGD}.efficiency={{energy:[1,0.5],value:[0.1,0.2]}}", "efficiency.energy: "),
    (f"{FGD}.efficiency.energy=[-1]", "efficiency.energy: begins at -1 GeV, below 0"),
    ("+detector.materials.scintillator.n=1e-3", "materials.scintillator.n: n has no charge"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "line"), BAD, ids=[overrides for overrides, _ in BAD])
def test_bad_input_is_one_line(overrides: str, line: str) -> None:
    search = [] if "search=" in overrides else ["search=fgd_photon"]
    with pytest.raises((ConfigError, DataError)) as error:
        check_tables(load([*search, *overrides.split(" ")]))
    assert line in str(error.value)
    assert "\n" not in str(error.value)
