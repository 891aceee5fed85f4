"""Shares of what a fit prefers, for likelihoods and limits whose areas are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from axes import MU

from hnlstat.bounds import Bound
from hnlstat.inference.fit.fit import sigma_level, threshold
from hnlstat.run.contours import LimitField
from hnlstat.run.explaining import TOGETHER, Plane, Probe, closed, compare
from hnlstat.run.fitting import Fitted

MASSES, COUPLINGS = np.geomspace(0.01, 1.0, 300), np.geomspace(1e-8, 1e-4, 300)
X, Y = np.log(MASSES / 0.1)[:, None], np.log(COUPLINGS / 1e-6)
WIDTH, HEIGHT = 0.3, 0.4
LEVELS = (0.6827, 0.95, sigma_level(3.0))
TWO = WIDTH * np.sqrt(threshold(0.95)), HEIGHT * np.sqrt(threshold(0.95))


def fitted(improvement=30.0):
    """A normal likelihood around 100 MeV and 1e-6."""
    values = {"mass": SimpleNamespace(value=0.1), "coupling": SimpleNamespace(value=1e-6)}
    best = type("Best", (), {"improvement": improvement, "__getitem__": lambda _, k: values[k]})()
    levels = {level: threshold(level) for level in LEVELS}
    return Fitted(best, (), MASSES, COUPLINGS, (X / WIDTH) ** 2 + (Y / HEIGHT) ** 2, levels)


def field(strength, kind="expected", level=0.9):
    strength = np.broadcast_to(strength, (MASSES.size, COUPLINGS.size))
    return LimitField(level, kind, "exact CLs", MASSES, COUPLINGS, strength)


def shares(*fields, bounds=(), found=None):
    """Shares by test, kind and level of the region."""
    probe = Probe("other", "Other", "other", None, fields, 1.0, 1.0)
    found = compare(found or fitted(), [probe] if fields else [], bounds)
    return {(one.test, one.kind, one.region): one.share for one in found}


def test_the_regions_have_the_area_of_ellipses():
    plane = Plane.of(fitted())
    cell = np.log(plane.mass[1] / plane.mass[0]) * np.log(plane.coupling[1] / plane.coupling[0])
    for level in LEVELS:
        area = np.sum(plane.above < threshold(level)) * cell
        assert area == pytest.approx(np.pi * WIDTH * HEIGHT * threshold(level), rel=0.01)


@pytest.mark.parametrize("end", [1.0, 4.0])
def test_an_ellipse_within_takes_its_share_of_area_and_likelihood(end):
    above = fitted().above
    found = shares(field(end - above))["other", "expected", 0.95]
    assert found.area == pytest.approx(end / threshold(0.95), rel=0.015)
    # the integral of exp(-r^2 / 2) over a disc of radius r is 1 - exp(-r^2 / 2)
    assert found.likelihood == pytest.approx((1 - np.exp(-end / 2)) / 0.95, rel=0.015)
    assert found.best_fit
    assert found.whole == ()  # above and below the ellipse some of the region is left
    ((low, high),) = found.part
    half = WIDTH * np.sqrt(end)
    assert np.log([low / 0.1, high / 0.1]) == pytest.approx([-half, half], abs=0.01)


def test_a_limit_through_the_best_fit_halves_all_regions():
    found = shares(field(Y))
    for level in LEVELS:
        share = found["other", "expected", level]
        assert share.area == pytest.approx(0.5, abs=0.01)
        assert share.likelihood == pytest.approx(0.5, abs=0.01)


def test_masses_where_all_is_tested_stand_beside_those_where_a_part_is():
    # below 100 MeV everything is, above it all but small couplings
    share = shares(field(np.where(X < 0, 1.0, Y)))["other", "expected", 0.95]
    assert share.area == pytest.approx(0.75, abs=0.01)
    ((low, high),), ((start, end),) = share.whole, share.part
    assert high == pytest.approx(0.1, rel=0.01) == start
    assert np.log([low / 0.1, end / 0.1]) == pytest.approx([-TWO[0], TWO[0]], abs=0.01)


def test_what_misses_the_region_says_by_how_much_and_where():
    # a limit that falls with the mass, a line that is tangent to an ellipse at a point on its right
    slope, offset = -1.0, 1.6
    share = shares(field(Y - offset - slope * X))["other", "expected", 0.95]
    assert (share.area, share.likelihood, share.best_fit) == (0.0, 0.0, False)
    assert (share.whole, share.part) == ((), ())
    x = np.linspace(-TWO[0], TWO[0], 100_001)
    gap = offset + slope * x - TWO[1] * np.sqrt(1 - (x / TWO[0]) ** 2)
    assert np.log(share.apart) == pytest.approx(gap.min(), abs=0.03)
    assert np.log(share.apart_at / 0.1) == pytest.approx(x[gap.argmin()], abs=0.1)
    below = shares(field(-1.5 - Y))["other", "expected", 0.95]  # nothing that it tests lies above
    assert (below.area, below.apart, below.apart_at) == (0.0, None, None)


def bound(name, mass, coupling, kind="limit", status="excluded"):
    return Bound(
        name, name.upper(), 0.9, kind, status, "mu", "", np.array(mass), np.array(coupling),
        MU.column,
    )  # fmt: skip


def test_bounds_hold_above_their_curves_at_their_masses_and_together():
    found = shares(
        bounds=[
            bound("light", [0.001, 0.1], [1e-9, 1e-9]),
            bound("large", [0.001, 9.0], [1e-6, 1e-6]),
            bound("preferred", [0.001, 9.0], [1e-9, 1e-9], status="allowed"),
        ]
    )
    assert {name for name, _, _ in found} == {"light", "large", TOGETHER}
    area = [found[name, "published", 0.95].area for name in ("light", "large", TOGETHER)]
    assert area == pytest.approx([0.5, 0.5, 0.75], abs=0.01)


def test_regions_that_hold_no_signal_have_no_share():
    found = fitted(improvement=7.0)
    assert [*closed(found)] == [0.6827, 0.95]
    assert {level for _, _, level in shares(field(Y), found=found)} == {0.6827, 0.95}
    assert shares(field(Y), found=fitted(improvement=0.3)) == {}


def test_limits_on_another_grid_hold_within_it_alone():
    half = LimitField(
        0.9, "observed", "exact CLs", np.array([0.02, 0.1]), COUPLINGS, np.ones((2, COUPLINGS.size))
    )
    share = shares(half)["other", "observed", 0.95]
    assert share.area == pytest.approx(0.5, abs=0.01)
    assert share.part == ()
