"""Datasets with data beside projected ones: in one likelihood, and said so."""

from functools import cache

import numpy as np
import pytest

from hnlstat.config import Study
from hnlstat.errors import ConfigError
from hnlstat.inference.engines.calculators import choose
from hnlstat.likelihood import experiment as likelihood
from hnlstat.likelihood.channels import channels
from hnlstat.run.remarks import projections
from hnlstat.search.table import YieldTable
from hnlstat.studies import load

UPGRADE = ["detector=nd280_upgrade"]
TRACKS = "search.tpc_ee_tracks"
OLD = "{detector: nd280, exposure: t2k_2019}"


@cache
def mixed(observed: str, *more: str) -> Study:
    new = "{exposure: {name: new, pot: {fhc: 8e21, rhc: 8e21}}}"
    name = "tpc_ee_tracks" if "search=tpc_ee_tracks" in more else "tpc_ee"
    data = [] if observed == "null" else [f"+search.{name}.observed.new={observed}"]
    return load([*UPGRADE, f"datasets=[{new}, {OLD}]", *more, *data])


def table(study: Study, bins: int = 1) -> YieldTable:
    """Yields of one point, 3 events in each channel."""
    rows = [(c, i) for c in channels(study) for i in range(bins)]
    events = np.full((1, 1, len(rows)), 3.0 / bins)
    return YieldTable(
        np.array([0.1]), np.array([1e-6]), tuple(c.dataset for c, _ in rows),
        tuple(c.mode for c, _ in rows), ("tpc",) * len(rows), tuple(c.name for c, _ in rows),
        tuple(i for _, i in rows), events, events, 0.01 * events,
    )  # fmt: skip


def observed(study: Study, bins: int = 1):
    return likelihood.experiment(study, table(study, bins)).base.observed


def test_asimov_data_are_the_background_of_that_dataset_alone():
    study = mixed("asimov")
    base = likelihood.experiment(study, table(study)).base
    assert study.has_data
    np.testing.assert_array_equal(base.observed[:2], base.background[:2])
    np.testing.assert_array_equal(base.observed[2:], [0, 0])
    assert base.datasets == ("nd280_upgrade",) * 2 + ("nd280",) * 2


def test_asimov_data_of_bins_follow_the_background():
    study = mixed(
        "asimov", "search=tpc_ee_tracks",
        TRACKS + ".observable={name: pair_energy, edges: [0, 1, 9], background: [0.8, 0.2]}",
    )  # fmt: skip
    base = likelihood.experiment(study, table(study, 2)).base
    np.testing.assert_array_equal(base.observed[:4], base.background[:4])
    assert base.observed[0] == pytest.approx(4 * base.observed[1])


@pytest.mark.parametrize(
    ("data", "has", "said"),
    [
        ("asimov", True, "projected: nd280_upgrade (new), where the expected background stands"),
        ("null", False, "the data of nd280 (t2k_2019) do not count beside projections: nd280_up"),
        ("{fhc: 6, rhc: 0}", True, ""),
    ],
)
def test_the_run_says_what_is_projected(data, has, said):
    study = mixed(data)
    assert study.has_data == has
    assert (observed(study) is not None) == has
    assert projections(study).startswith(said)
    assert bool(projections(study)) == bool(said)


@pytest.mark.parametrize(
    ("exposure", "more"),
    [("t2k_2023", []), ("t2k_upgrade_3yr", ["+search.tpc_ee.observed.t2k_upgrade_3yr=asimov"])],
)
def test_projections_alone_have_no_data(exposure, more):
    study = load([f"exposure={exposure}", *more])
    assert not study.has_data
    assert observed(study) is None
    assert projections(study) == ""


def test_the_default_upgrade_is_a_projection(upgrade):
    assert observed(upgrade) is None
    assert projections(upgrade) == ""


@pytest.mark.parametrize("name", ["exact", "convolution", "toys", "asymptotic", "published"])
def test_every_calculator_takes_mixed_data(name):
    study = mixed("asimov", "systematics=none")
    model = likelihood.experiment(study, table(study)).at(0, 0)
    _, calculator = choose(name, model)
    seen = calculator.exclusion(model).cls_observed
    # the test is one of data between the whole numbers beside them
    more, less = model.observed.copy(), model.observed.copy()
    more[:2], less[:2] = np.ceil(more[:2]), np.floor(less[:2])
    ends = [calculator.exclusion(model.with_data(n)).cls_observed for n in (less, more)]
    assert ends[0] * 0.95 < seen < ends[1] * 1.05
    assert seen < calculator.exclusion(model).cls_expected[2]


def test_a_fit_takes_asimov_data_beside_others():
    assert mixed("asimov", "task=fit").has_data
    for data in ("null", "asimov"):
        with pytest.raises(ConfigError, match="data_from: missing; a projection has no data"):
            load(["task=fit", f"search.tpc_ee.observed.t2k_2019={data}"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("asimv", "search.tpc_ee.observed.t2k_2019: asimv is not one of 'asimov'"),
        ("3", "search.tpc_ee.observed.t2k_2019: 3 is not a mapping of keys to values"),
        ("{fhc: -1}", "search.tpc_ee.observed.t2k_2019.fhc: -1"),
        ("{fhc: asimov}", "search.tpc_ee.observed.t2k_2019.fhc: asimov"),
        ("{fhc: [0, 1], rhc: 0}", "search.tpc_ee.observed.t2k_2019.fhc: has 2 entries for 1 bins"),
    ],
)
def test_other_data_are_one_clear_line(value, message):
    with pytest.raises(ConfigError) as raised:
        load(["exposure=t2k_2019", f"search.tpc_ee.observed.t2k_2019={value}"])
    assert str(raised.value).startswith(message)


def test_flavours_of_one_horn_mode():
    right = load(
        ["flux.flavours_by_mode={fhc: [numu], rhc: [numubar, nue]}", "flux.flavours=[numu,numubar]"]
    )
    assert right.datasets[0].flux.flavours_in("fhc") == ("numu",)
    assert right.datasets[0].flux.flavours_in("rhc") == ("numubar",)  # in both lists
    only = load(["flux.flavours_by_mode={rhc: [nue]}"]).datasets[0].flux
    assert only.flavours_in("fhc")[0] == "numu"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{fhc: [nux]}", "flux.flavours_by_mode.fhc.0: nux is not one of 'numu'"),
        (
            "{rch: [numu]}",
            "flux.flavours_by_mode: rch is no horn mode of flux table t2k_nd280_flux;",
        ),
        ("{fhc: numu}", "flux.flavours_by_mode.fhc: numu is not a list; write [numu]"),
        ("{fhc: []}", "flux.flavours_by_mode.fhc: [] is empty"),
        ("numu", "flux.flavours_by_mode: numu is not a mapping"),
        ("{fhc: [nue], rhc: [nuebar]}", "flux.table: t2k_nd280_flux has no flux that the model"),
    ],
)
def test_other_flavours_are_one_clear_line(value, message):
    with pytest.raises(ConfigError) as raised:
        load([f"flux.flavours_by_mode={value}"])
    assert str(raised.value).startswith(message)


def test_yields_come_from_the_flavours_of_their_mode():
    from hnlstat.search.yields import Plan

    grid = np.array([0.1]), np.array([1e-6])
    few = ["simulation.precision=0.5", "systematics=none"]

    def decays(*overrides):
        plan = Plan.of(load([*few, *overrides]), *grid)
        found = plan.table([job.run() for job in plan.jobs()])
        return {m: sum(found.decays[0, 0, np.array(found.mode) == m]) for m in ("fhc", "rhc")}

    right = decays("flux.flavours_by_mode={fhc: [numu], rhc: [numubar]}")
    assert right["fhc"] == pytest.approx(decays("flux.flavours=[numu]")["fhc"], rel=0.1)
    assert right["rhc"] == pytest.approx(decays("flux.flavours=[numubar]")["rhc"], rel=0.1)
    assert right["rhc"] < 0.9 * decays()["rhc"]
