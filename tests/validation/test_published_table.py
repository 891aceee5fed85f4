"""A table of signal yields in the publication's manner, and limits on it by the publication's test.

The grid is that of the rates quoted from arXiv:2412.15051, 64 masses and as many couplings, or one
with 3 couplings per decade. Its yields are made up, but rise and bend as those do: as the fourth
power of the coupling, and as the square where N decay at once. So all contours are known.
"""

import numpy as np
import pytest
from axes import ANY
from scipy.optimize import brentq
from scipy.stats import norm

from hnlstat.errors import DataError
from hnlstat.inference.limits.limits import limits_at_mass
from hnlstat.likelihood import experiment as likelihood
from hnlstat.likelihood.channels import channels
from hnlstat.report.summary import lower_edge
from hnlstat.run.contours import limit_fields, regions
from hnlstat.run.files.yields import read_yields
from hnlstat.studies import load

SUBJECT = "Published limits and regions"
SOURCE = "algebra, with the test of arXiv:2412.15051"
MASSES = np.geomspace(0.01, 2.0, 64)
FINE = np.geomspace(1e-9, 1e-3, 64) / 2  # of mu_tr = 2 d
COARSE = np.geomspace(1e-9, 1e-3, 19) / 2
FIVE_SIGMA = norm.cdf(5)


def events(mass, coupling):
    """Signal events of all channels: production d^2, decay 1 - exp(-gas / decay length)."""
    return 3e14 * coupling**2 * -np.expm1(-((mass / 0.3) ** 4) * (coupling / 1e-6) ** 2)


def write_table(path, channels, masses, couplings, keep=slice(None)):
    """Lines in no order, columns in another one than ours, nothing that is not needed."""
    share = np.arange(1, len(channels) + 1) / np.sum(np.arange(1, len(channels) + 1))
    lines = [
        f"{fraction * events(mass, coupling):.9g},{channel},{coupling:.9g},{mass:.9g}"
        for mass in masses
        for coupling in couplings
        for channel, fraction in zip(channels, share, strict=True)
    ]
    lines = np.random.default_rng(1).permutation(lines)[keep]
    path.write_text("\n".join(["# signal", "events,channel,coupling_inv_gev,mass_gev", *lines]))
    return share


def find(study, path, levels):
    """Limits at all masses of a table."""
    table = read_yields(path, ANY, [channel.name for channel in channels(study)])
    experiment = likelihood.experiment(study, table)
    return experiment, [
        limits_at_mass(
            mass, table.couplings, experiment.mass(i).signal, experiment.base,
            levels=levels, sigmas=(5.0,), calculator=study.inference.calculator,
        )
        for i, mass in enumerate(table.masses)
    ]  # fmt: skip


def threshold(kind, level, share, background, seen):
    """Events that the publication's test excludes, or finds: -2 Delta ln L is Z^2.

    The channels, with shares of s, are those of each dataset together, or all of them.
    """

    def excess(total):
        s, log = share * total, np.log1p(share * total / background)
        found = (s + background) * log - s if kind == "discovery" else s - seen * log
        return 2 * found.sum() - norm.ppf(level) ** 2

    return brentq(excess, 1e-6, 1e3)


def contour(mass, total):
    return brentq(lambda x: np.log(events(mass, np.exp(x)) / total), np.log(1e-10), np.log(1e-2))


@pytest.mark.parametrize(("couplings", "tolerance"), [(FINE, 3e-3), (COARSE, 1e-2)])
@pytest.mark.parametrize("experiment", ["published_2019", "published_upgrade"])
def test_limits_are_where_algebra_puts_them(compare, tmp_path, experiment, couplings, tolerance):
    study = load([f"experiment={experiment}"])
    names = [channel.name for channel in channels(study)]
    masses = MASSES[[9, 27, 30, 45, 51]]  # irregular
    share = write_table(tmp_path / "signal.csv", names, masses, couplings)
    built, found = find(study, tmp_path / "signal.csv", study.inference.levels)
    position = [names.index(name) for name in built.base.channels]
    base = built.base
    groups = np.array([[a == b for b in base.datasets] for a in dict.fromkeys(base.datasets)])
    each = groups @ np.stack([share[position], base.background, base.observed], axis=1)
    total = each.sum(axis=0, keepdims=True)
    expected = {}
    for kind, level, (part, background, seen) in (
        ("expected", 0.95, each.T), ("expected", FIVE_SIGMA, each.T), ("observed", 0.95, each.T),
        ("observed", FIVE_SIGMA, each.T), ("discovery", FIVE_SIGMA, total.T),
    ):  # fmt: skip
        data = background if kind == "expected" else seen
        expected[kind, level] = threshold(kind, level, part, background, data)
    if experiment == "published_2019":  # no event seen: 2 s = Z^2
        assert expected["observed", FIVE_SIGMA] == pytest.approx(12.5)
    for at_mass in found:
        limits = {(x.kind, round(x.level, 9)): x for x in at_mass.limits if x.branch == "lower"}
        for (kind, level), total in expected.items():
            limit = limits[kind, round(level, 9)]
            assert not limit.open
            truth = np.exp(contour(at_mass.mass_gev, total))
            grid = "fine" if couplings is FINE else "coarse"
            what = f"{experiment}, limits from a table of yields, {grid} grid: d [1 / GeV]"
            compare(what, limit.coupling, truth, rel=tolerance)


def test_contours_between_the_masses(compare, tmp_path):
    study = load(["experiment=published"])
    names = [channel.name for channel in channels(study)]
    write_table(tmp_path / "signal.csv", names, MASSES[25:48], FINE)
    _, found = find(study, tmp_path / "signal.csv", study.inference.levels)
    mine = [f for f in limit_fields(found) if f.kind == "observed" and f.level == 0.95]
    at = np.sqrt(MASSES[25:47] * MASSES[26:48])
    edge = lower_edge(regions(mine[0]), at)
    truth = np.exp([contour(mass, norm.ppf(0.95) ** 2 / 2) for mass in at])
    compare("contour between the masses of a table: d [1 / GeV]", edge, truth, rel=5e-3)


def test_holes_in_the_grid_are_named(tmp_path):
    study = load(["experiment=published"])
    names = [channel.name for channel in channels(study)]
    write_table(tmp_path / "signal.csv", names, MASSES[:3], FINE[:5], keep=slice(1, None))
    with pytest.raises(DataError, match=r"signal.csv: the grid is not rectangular: no line for"):
        find(study, tmp_path / "signal.csv", (0.95,))


def test_masses_that_differ_between_channels_are_a_hole(tmp_path):
    study = load(["experiment=published"])
    write_table(tmp_path / "a.csv", ["nd280_fhc"], MASSES[:2], FINE[:4])
    write_table(tmp_path / "b.csv", ["nd280_rhc"], MASSES[1:3], FINE[:4])
    lines = (tmp_path / "b.csv").read_text().splitlines()[2:]
    with (tmp_path / "a.csv").open("a") as file:
        file.write("\n" + "\n".join(lines))
    with pytest.raises(DataError, match=r"no line for mass_gev = .*nd280_(f|r)hc"):
        find(study, tmp_path / "a.csv", (0.95,))
