"""Contours in the plane of two mixings, in process, on a small plane."""

import json

import numpy as np
import pytest

from hnlstat.errors import ConfigError
from hnlstat.run.planes import find_plane
from hnlstat.run.work import Work
from hnlstat.search.masses import simulate_study
from hnlstat.studies import load
from hnlstat.tables.csv_table import read_csv
from hnlstat.tasks import running

SMALL = (
    "search=t2k_2019",
    "inference.calculator=bayesian",
    "inference.sigmas=[]",
    "systematics=none",
)
ERF = 1.1630871536766743  # erf of it is 0.9


def forms(pairs, mass, only):
    """Events of all channels by the mixings of two flavours, over |U|^4, of long-lived N."""
    totals = []
    for mixing in pairs:
        study = load(
            ["search=t2k_2019", "model=mixed", f"model.mixing={mixing}", only,
             f"scan.mass.values=[{mass - 0.01},{mass}]"]
        )  # fmt: skip
        place = np.array([mass]), np.geomspace(1e-10, 1e-9, 4)
        table = simulate_study(study, *place, lambda jobs: [job.run() for job in jobs])
        totals.append(table.events[0, 0].sum() / place[1][0] ** 2)
    return totals


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    return running.run(
        load(
            [
                *SMALL,
                "model=mixed",
                "model.mass=0.25",
                "scan.plane=[e,mu]",
                f"runs={folder}",
                "search.t2k_2019.only=[mupi,eminus_piplus]",
                "scan.coupling={min: 1e-10, max: 1e-7, points: 10}",
            ]
        )
    )


def test_the_contour_has_the_closed_form(outcome):
    """No event seen: the credible limit of each direction has u A u = erfinv(0.9)^2."""
    document = json.loads((outcome.folder / "contours.json").read_text())
    assert (document["axes"], document["mass_gev"]) == (["u2_e", "u2_mu"], 0.25)
    (seen,) = (one for one in document["contours"] if one["kind"] == "observed")
    (line,) = map(np.array, seen["lines"])
    e, mu, both = forms(
        ("{e: 1, mu: 0, tau: 0}", "{e: 0, mu: 1, tau: 0}", "{e: 1, mu: 1, tau: 0}"),
        0.25, "search.t2k_2019.only=[mupi,eminus_piplus]",
    )  # fmt: skip
    cross = (4 * both - e - mu) / 2
    form = np.einsum("va,ab,vb->v", line, np.array([[e, cross], [cross, mu]]), line)
    assert form == pytest.approx(ERF**2, rel=0.03)  # 0.015 of the mixings
    # it ends at the borders of the plane
    assert line.min(axis=0) == pytest.approx([1e-10, 1e-10])
    assert seen["open"] == {"low_e": True, "high_e": True, "low_mu": True, "high_mu": True}


def test_limits_and_words_are_those_of_the_contour(outcome):
    rows = read_csv(outcome.folder / "limits.csv")
    assert [name for name in rows.columns if name.startswith("u2_")] == ["u2_e", "u2_mu"]
    mine = [
        i
        for i, (kind, branch) in enumerate(
            zip(rows.columns["kind"], rows.columns["branch"], strict=True)
        )
        if (kind, branch) == ("observed", "lower")
    ]
    e, mu = (rows.numbers(f"u2_{name}")[mine] for name in ("e", "mu"))
    equal = e[np.argmin(np.abs(np.log(e / mu)))]
    (found,) = (one for one in outcome.summary["limits"] if one["kind"] == "observed")
    assert found["u2_each_if_equal"] == pytest.approx(equal, rel=1e-6)
    assert equal < min(found["u2_e_alone"], found["u2_mu_alone"])
    report = (outcome.folder / "report.html").read_text()
    assert "|U_e|^2 = |U_mu|^2 from" in report
    assert "|U_tau|^2 is 0" in report
    assert (outcome.folder / "plane.pdf").stat().st_size > 1000


def test_a_mixing_that_makes_no_n_bounds_by_the_product():
    """Above the reach of K -> mu N: events go as |U_e|^2 (A |U_e|^2 + B |U_tau|^2)."""
    only = "search.t2k_2019.only=[ee]"
    study = load([*SMALL, only, "model=mixed", "model.mass=0.45", "scan.plane=[e,tau]",
                  "scan.coupling={min: 1e-9, max: 1e-5, points: 13}"])  # fmt: skip
    found = find_plane(study, Work())
    alone, both = forms(("{e: 1, mu: 0, tau: 0}", "{e: 1, mu: 0, tau: 1000}"), 0.45, only)
    product = (both * 1001**2 - alone) / 1000
    (region,) = (r for r in found.regions if r.kind == "observed")
    (line,) = region.lines
    count = line[:, 0] ** 2 * alone + line[:, 0] * line[:, 1] * product
    assert count == pytest.approx(ERF**2, rel=0.05)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["scan.plane=[e,e]"], "scan.plane: has e twice"),
        (["scan.plane=[e]"], "scan.plane: has 1 flavours"),
        (["scan.plane=[e,nu]"], "scan.plane"),
        (["model.mass=null"], "model.mass: is missing"),
        (["model.mass=0.1"], "model.mass: 0.1 GeV is below"),
        (["model.mass=0.45", "scan.plane=[mu,tau]"], "model.mass: 0.45 GeV is above the reach"),
        (["model=mixed_mu"], "model.mixing fixes e:mu at 0:1"),
        (["model.mixing.e=-1"], "model.mixing.e"),
        (["task=yields"], "is of task=contour"),
    ],
)
def test_planes_that_cannot_be(overrides, words):
    usual = [*SMALL, "model=mixed", "model.mass=0.25", "scan.plane=[e,mu]"]
    keys = [text.partition("=")[0] for text in overrides]
    with pytest.raises(ConfigError) as caught:
        load([*(text for text in usual if text.partition("=")[0] not in keys), *overrides])
    assert words in str(caught.value)


def test_a_plane_of_the_dipole_is_refused():
    with pytest.raises(ConfigError, match="the model dipole has no mixings"):
        load(["scan.plane=[e,mu]", "model.mass=0.25"])


def test_single_channels_keep_their_backgrounds_and_cross_feed():
    """Yields of some channels are those that all together have."""

    def table(*overrides):  # fmt: skip
        study = load(["search=t2k_2019", "model=mixed", *overrides])
        place = np.array([0.25]), np.geomspace(1e-10, 1e-9, 4)
        found = simulate_study(study, *place, lambda jobs: [job.run() for job in jobs])
        return study, dict(zip(found.channel, found.events[0, 0], strict=True))

    study, some = table("search.t2k_2019.only=[ee,mupi]")
    _, every = table()
    assert len(some) == 4
    assert some == pytest.approx({name: every[name] for name in some}, rel=0.02)
    search = study.datasets[0].search["t2k_2019"]
    assert search.channels == ("mupi", "ee")
    assert search.background["rhc"].events == (0.384008, 0.015341)
    assert search.observed["t2k_2019"]["fhc"] == (0, 0)
    again = type(search).model_validate(search.model_dump())  # as a saved study is read
    assert again == search


def test_channels_that_are_none_are_refused():
    for only, words in (("[mup]", "did you mean mupi"), ("[]", "choose from mupi")):
        with pytest.raises(ConfigError, match=words):
            load(["model=mixed_mu", "search=t2k_2019", f"search.t2k_2019.only={only}"])
