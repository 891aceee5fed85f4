import dataclasses

import numpy as np
import pytest
from axes import ANY, MU, U2

from hnlstat.bounds import Scaling, load_bounds
from hnlstat.config.bounds import BoundChoice
from hnlstat.report.existing import (
    left_out,
    level_remarks,
    not_compared,
    percent,
    shares,
    shares_text,
)
from hnlstat.run.contours import Region

GRID = (0.01, 1.2), (1e-8, 1e-4)


def region(left, right, low, high):
    ring = np.array([[left, low], [right, low], [right, high], [left, high], [left, low]])
    return Region(0.90, "observed", "exact CLs", ring, (), (ring,), *[False] * 4)


@pytest.fixture(scope="module")
def shipped():
    return {bound.name: bound for bound in load_bounds(ANY)}


def test_shares_of_the_shipped_regions(shipped):
    everything, light = region(0.001, 10, 1e-9, 1e-3), region(0.001, 0.3, 1e-9, 1e-3)
    limits = [("90% CLs observed", [everything]), ("5σ discovery", [light])]
    found = {(s.region, s.limit): s for s in shares(list(shipped.values()), limits, GRID)}
    assert {name for name, _ in found} == {
        "MiniBooNE angle 95%", "MiniBooNE angle 99.7%", "MiniBooNE energy 95%",
        "MiniBooNE energy 99.7%",
    }  # fmt: skip
    whole = found["MiniBooNE angle 99.7%", "90% CLs observed"]
    assert whole.fraction == pytest.approx(1)
    # its tip at 1.24 GeV lies beyond the grid
    assert 0.99 < whole.scanned < 0.9999
    assert found["MiniBooNE angle 99.7%", "5σ discovery"].fraction == 0  # begins at 379 MeV
    assert 0.1 < found["MiniBooNE energy 95%", "5σ discovery"].fraction < 0.9
    assert found["MiniBooNE energy 95%", "5σ discovery"].scanned == pytest.approx(1)
    edge = found["MiniBooNE energy 99.7%", "90% CLs observed"]
    assert (edge.fraction, edge.scanned) == (None, None)


def test_shares_add_up_where_limits_lie_beside_each_other(shipped):
    bound = [shipped["miniboone_enuqe_95"]]
    sides = region(0.001, 0.1, 1e-9, 1e-3), region(0.1, 10, 1e-9, 1e-3)
    parts = [shares(bound, [("x", [side])], GRID)[0].fraction for side in sides]
    assert sum(parts) == pytest.approx(1, abs=1e-3)
    assert shares(bound, [("x", sides)], GRID)[0].fraction == pytest.approx(1, abs=1e-3)


def test_the_sentence_on_shares(shipped):
    limits = [("A", [region(0.001, 0.1, 1e-9, 1e-3)]), ("B", [])]
    narrow = (0.01, 0.3), (1e-8, 1e-4)
    text = shares_text(shares(list(shipped.values()), limits, narrow), ["A", "B"])
    assert text.startswith("Excluded by A / B, by area in ln(mass), ln(coupling): ")
    assert "MiniBooNE angle 95%: 0% / 0% (0% scanned)" in text
    assert "MiniBooNE energy 99.7%: only an edge is known" in text


def test_percent():
    assert [percent(x) for x in (0.0, 0.004, 0.0994, 0.0996, 1.0)] == [
        "0%", "0.4%", "9.9%", "10%", "100%",
    ]  # fmt: skip


def test_levels_that_differ_are_told(shipped):
    assert level_remarks(list(shipped.values()), None) == ()
    remarks = level_remarks([shipped[n] for n in ("charm_ii", "lep", "minerva", "nomad")], 0.90)
    assert remarks == tuple(
        f"{name} stays at 95%: nothing says how it goes over to 90%" for name in ("LEP", "MINERvA")
    )
    scaling = Scaling("gaussian", 2.0, "an example")
    scaled = dataclasses.replace(shipped["minerva"], scaling=scaling).at_level(0.90)
    (remark,) = level_remarks([scaled], 0.90)
    assert remark == "MINERvA → 90% is rescaled from 95%: d^2 gaussian, an example"


def test_bounds_asked_for_that_are_for_another_coupling_are_named(shipped):
    bounds, asked = [*shipped.values()], ("lsnd_e", "lep", "nomad")
    assert left_out(bounds, asked, MU) == (
        "the bound lsnd_e is not shown: it is for flavour e alone, not for d_mu",
    )
    assert left_out(bounds, asked, dataclasses.replace(ANY, name="d_e = d_mu")) == (
        "the bound lep is not shown: it is for one flavour alone, not for d_e = d_mu",
        "the bound lsnd_e is not shown: it is for flavour e alone, not for d_e = d_mu",
        "the bound nomad is not shown: it is for flavour mu alone, not for d_e = d_mu",
    )


def test_a_bound_for_other_n_than_those_of_the_model_is_named():
    axis = dataclasses.replace(U2, flavour="mu", nature="dirac")
    asked = {"microboone_2022_mu_majorana", "microboone_2022_mu_dirac", "t2k_2019_mu"}
    assert left_out(load_bounds(axis), asked, axis) == (
        "the bound microboone_2022_mu_majorana is not shown: its search has a curve for dirac N, "
        "too",
    )


def test_bounds_that_a_comparison_leaves_out_are_named():
    every = BoundChoice(curves="all", without=(), files=(), level=None, style={})
    assert not_compared(every, MU) == ()
    (remark,) = not_compared(every.replace(without=("lep",)), MU)
    assert remark.endswith("left out: LEP")
    assert not_compared(every.replace(curves=()), MU) == ()  # nothing is compared
