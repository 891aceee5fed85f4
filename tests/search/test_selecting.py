"""Selected yields against the events of the other sampler, and what shares must add up to."""

import numpy as np
import pytest

from hnlstat.detector.response import first_failed, reconstruct
from hnlstat.physics.constants import LEPTON_MASS
from hnlstat.search.kept import branching_ratio
from hnlstat.search.layout import Layout
from hnlstat.search.selecting import PairSelection
from hnlstat.search.yields import Plan
from hnlstat.simulation.batches import EventModel, join
from hnlstat.simulation.strata import divide, strata
from hnlstat.simulation.tally import Tally
from hnlstat.studies import load

COUPLINGS = np.array([1e-7, 1e-6, 1e-5])
KINEMATIC = ("search=tpc_ee_tracks", "systematics=none", "simulation.precision=0.02")
MASS_BINS = "{name: pair_mass, edges: [10 MeV, 30 MeV, 60 MeV], background: [0.5, 0.5]}"


def table(*overrides, mass=0.1, couplings=COUPLINGS):
    plan = Plan.of(load([*KINEMATIC, *overrides]), np.array([mass]), couplings)
    return plan.table([job.run() for job in plan.jobs()])


def tracks(study):
    return study.datasets[0].search["tpc_ee_tracks"]


def events(found):
    """Events (D, R) at the one mass."""
    return found.events[0]


@pytest.fixture(scope="module")
def histogram():
    return table(f"search.tpc_ee_tracks.observable={MASS_BINS}")


def test_layout_holds_each_column_once():
    three = Layout(modes=2, shifts=4, bins=3, cuts=("one", "two"))
    columns = np.arange(8 + len(three.products))
    taken = [columns[:8]]
    for mode in range(2):
        taken += [columns[three.selected(mode, b)] for b in range(3)] + [columns[three.flow(mode)]]
    assert np.sort(np.concatenate(taken)).tolist() == columns.tolist()
    assert [columns[three.flow(1)].size, columns[three.selected(0, 2)].size] == [3, 4]
    plain = Layout(modes=2, shifts=4)
    assert (plain.products, plain.selected(1)) == ((), slice(1, 8, 2))


def test_without_cuts_everything_is_selected():
    """The same rays as a recast of the same acceptance and a constant efficiency, bit by bit."""
    off = [
        f"search.tpc_ee_tracks.cuts.{name}=null"
        for name in tracks(load(KINEMATIC)).cuts.model_fields_set
    ]
    off[off.index("search.tpc_ee_tracks.cuts.opposite_charge=null")] = (
        "search.tpc_ee_tracks.cuts.opposite_charge=false"
    )
    mine = table(
        *off, "search.tpc_ee_tracks.min_cos_theta=0.999", "search.tpc_ee_tracks.calibration=0.1"
    )
    constant = "search.tpc_ee.efficiency={mass: [0.1], value: [0.1]}"
    theirs = table("search=tpc_ee", constant)
    assert np.array_equal(mine.decays, theirs.decays)
    assert mine.events == pytest.approx(theirs.events, rel=1e-12)
    assert mine.modifiers["flux"] == pytest.approx(theirs.modifiers["flux"], rel=1e-9)


def test_bins_and_cut_flow_add_up(histogram):
    (flow,), study = histogram.cut_flows, load(KINEMATIC)
    assert flow.cuts == tuple(tracks(study).cuts.active)
    assert np.all(np.diff(flow.passing, axis=-1) <= 1e-12 * flow.passing[..., :1])
    for c, channel in enumerate(flow.channel):
        rows = [i for i, name in enumerate(histogram.channel) if name == channel]
        selected = events(histogram)[:, rows].sum(axis=1)
        assert selected == pytest.approx(
            tracks(study).calibration * flow.passing[0, :, c, -1], rel=1e-9
        )
        first = [i for i in rows if histogram.bin[i] == 0]
        made = histogram.decays[0][:, first].sum(axis=1) * branching_ratio(
            study, tracks(study), 0.1
        )
        assert flow.passing[0, :, c, 0] == pytest.approx(made, rel=1e-12)
    # masses of pairs below 10 MeV and above 60 MeV are there, and not lost
    assert np.all(flow.beyond > 0.05 * flow.passing[..., -1])
    assert np.all(flow.beyond < 0.9 * flow.passing[..., -1])


def test_events_of_the_other_sampler_are_selected_alike(histogram):
    """Forward events with vertices and one decay each, cut one by one, give the same histogram."""
    study = load(
        [*KINEMATIC, "task=events", "model.mass=0.1", "model.coupling=1e-6",
         f"search.tpc_ee_tracks.observable={MASS_BINS}"]
    )  # fmt: skip
    model = EventModel.of(study, 0.1, [1e-6])
    jobs = strata(study, model)
    sample = join([j.run() for j in divide(jobs, [j.spread() for j in jobs], 150_000)])
    search, detector, volumes = tracks(study), study.datasets[0].detector, ("tpc1", "tpc2", "tpc3")
    minus, plus, origin = (
        np.stack([sample[f"{name}{axis}"] for axis in "xyz"])
        for name in ("eminus_p", "eplus_p", "decay_")
    )
    mine = Layout.of(study, search, 2)
    asked = PairSelection.of(study, detector, volumes, search, mine)
    kept, masses = np.zeros(minus.shape[1], dtype=bool), np.zeros(minus.shape[1])
    for v, volume in enumerate(volumes):
        mine = np.flatnonzero(sample["volume"] == volume)
        pairs = reconstruct(
            minus[:, mine], plus[:, mine], origin[:, mine], tuple(asked.gas[v]), asked.response,
            np.random.default_rng(v), (LEPTON_MASS["e"],) * 2,
        )  # fmt: skip
        kept[mine] = first_failed(pairs, asked.cuts) == len(asked.cuts)
        masses[mine] = pairs.pair_mass
    tally = Tally([1e-6], "coupling_inv_gev", "ee")
    for _ in tally.passing([sample]):
        pass
    assert tally.rows == len(sample["weight"])
    total = tally.expectations()
    assert sum(one["decays_to_ee"] for one in total) == pytest.approx(
        histogram.cut_flows[0].passing[0, 1, :, 0].sum(), rel=0.03
    )
    for bin_, inside in enumerate((masses < 0.03, masses >= 0.03)):
        weight = search.calibration * sample["weight"][kept & inside]
        rows = [i for i, index in enumerate(histogram.bin) if index == bin_]
        expected = events(histogram)[1, rows].sum()
        error = np.hypot(np.sqrt(np.sum(weight**2)), 0.03 * expected)
        assert abs(weight.sum() - expected) < 3 * error


def test_majorana_n_decay_without_a_preferred_side(histogram):
    """Of Dirac N the photon goes backwards: pairs of Majorana N, per decay, are harder."""
    found = table("model.nature=majorana", couplings=COUPLINGS / 2**0.5)
    assert found.cut_flows[0].shares()[0, 0, 1] > 1.1 * histogram.cut_flows[0].shares()[0, 0, 1]


def test_n_too_light_for_a_pair_leave_nothing():
    found = table(mass=0.9e-3)
    assert not found.events.any()
    assert found.decays.any()
