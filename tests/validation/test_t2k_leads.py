"""Where T2K's search of 2019 leads among the curves that come with hnlstat.

Known: "for U_e^2 above about 360 MeV and for U_mu^2 from about 262 to 384 MeV", the end of the
kaon's reach. T2K's table ends at 380 MeV, and peak searches fluctuate below it at a few masses.
"""

from dataclasses import replace

import numpy as np
import pytest
from axes import U2

from hnlstat.bounds import comparable, load_bounds, world_leading_ranges

SUBJECT = "Published limits and regions"
SOURCE = "T2K, arXiv:1902.07598: leads from about 360 MeV (e), 262 to 384 MeV (mu)"


def leading(flavour, nature):
    axis = replace(U2, flavour=flavour, nature=nature)
    known = {bound.name: bound for bound in comparable(load_bounds(axis), axis)}
    limit = known.pop(f"t2k_2019_{flavour}")
    return world_leading_ranges(limit.mass, limit.coupling, [*known.values()])


def share(ranges, low, high):
    """Of the masses from low to high in ranges, by ln(mass)."""
    widths = (
        np.log(min(r.mass_high, high) / max(r.mass_low, low))
        for r in ranges
        if r.mass_low < high and r.mass_high > low
    )
    return sum(widths) / np.log(high / low)


@pytest.mark.parametrize("nature", ["dirac", "majorana"])
def test_for_the_mixing_with_the_electron(nature):
    ranges = leading("e", nature)
    # NA62 alone is stronger, in peaks of a few MeV; from 412 MeV on nothing is
    assert {r.high_set_by for r in ranges} == {"NA62", None}
    assert [r.mass_high for r in ranges][-1] == pytest.approx(0.49)
    assert ranges[-1].mass_low == pytest.approx(0.412, abs=1e-3)
    assert share(ranges, 0.360, 0.490) > 0.8
    assert share(ranges, 0.200, 0.340) == 0
    assert share(ranges, 0.340, 0.360) < 0.5


@pytest.mark.parametrize("nature", ["dirac", "majorana"])
def test_for_the_mixing_with_the_muon(compare, nature):
    ranges = leading("mu", nature)
    assert share(ranges, 0.2615, 0.380) > 0.9
    assert share(ranges, 0.150, 0.261) == 0
    first = next(r for r in ranges if r.mass_low > 0.2)
    what = f"T2K 2019 leads in |U_mu|^2 from [GeV], {nature}"
    compare(what, first.mass_low, 0.262, absolute=1e-3)
    assert ranges[-1].mass_high == pytest.approx(0.380)
    assert {r.low_set_by for r in ranges if r.mass_low > 0.2} == {"E949", "NA62"}
