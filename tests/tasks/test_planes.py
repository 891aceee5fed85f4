"""Contours in the plane of two mixings, in process, on a small plane."""

import json
import shutil

import numpy as np
import pytest
from redrawn import check_redrawn

from hnlstat.errors import ConfigError
from hnlstat.run import joint
from hnlstat.run.marginal import known_signals
from hnlstat.run.planes import find_plane, plane_document
from hnlstat.run.work import Work
from hnlstat.search.masses import simulate_study
from hnlstat.studies import load
from hnlstat.studies.mixings import mixed_by
from hnlstat.tables.csv_table import read_csv
from hnlstat.tasks import running

SMALL = (
    "search=t2k_2019",
    "inference.calculator=bayesian",
    "inference.sigmas=[]",
    "systematics=none",
)
ONLY = "search.t2k_2019.only=[mupi,eminus_piplus]"
END = -np.log(0.1)  # events at the end of a region of 90 %, where none was seen


def form_of(mass, only, flavours):
    """Events of all channels by |U_a|^2 of two flavours, of long-lived N, (2, 2)."""
    study = load(["search=t2k_2019", "model=mixed", only, "systematics=none",
                  "scan.coupling={min: 1e-10, max: 1e-9, points: 4}"])  # fmt: skip
    two = mixed_by(study, dict.fromkeys(flavours, 1.0))
    (known,) = known_signals(two, np.array([mass]), Work())
    return known.signal.form.sum(axis=-1)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    return running.run(
        load(
            [
                *SMALL,
                "model=mixed",
                "model.mass=0.25",
                "scan.plane=[mu,e]",
                f"runs={folder / 'runs'}",
                f"store=shared:{folder / 'store'}",
                ONLY,
                "scan.coupling={min: 1e-10, max: 1e-7, points: 4}",
            ]
        )
    )


def test_its_figure_is_drawn_again(outcome, tmp_path):
    check_redrawn(shutil.copytree(outcome.folder, tmp_path / "again"), "plane")


def test_the_contour_has_the_closed_form(outcome):
    """No event seen: the posterior of u A u is exponential."""
    document = json.loads((outcome.folder / "contours.json").read_text())
    assert (document["axes"], document["mass_gev"]) == (["u2_mu", "u2_e"], 0.25)
    (seen,) = (one for one in document["contours"] if one["kind"] == "observed")
    assert (seen["level"], seen["method"]) == (0.9, "bayesian HPD")
    (line,) = map(np.array, seen["lines"])
    # flavours of the form are in order: e, mu
    events = np.einsum(
        "va,ab,vb->v", line[:, ::-1], form_of(0.25, ONLY, ["e", "mu"]), line[:, ::-1]
    )
    assert events == pytest.approx(END, rel=0.01)
    # it ends at the borders of the plane
    assert line.min(axis=0) == pytest.approx([1e-10, 1e-10])
    assert seen["open"] == {"low_mu": True, "high_mu": True, "low_e": True, "high_e": True}


def test_what_the_store_has_is_not_integrated_again(outcome, monkeypatch):
    monkeypatch.setattr(joint.Joint, "build", None)
    store = running.unit_store(outcome.study, None)
    plane = joint.find_joint(outcome.study, Work(store=store))
    assert plane_document(plane) == json.loads((outcome.folder / "contours.json").read_text())


def test_limits_and_words_are_those_of_the_contour(outcome):
    rows = read_csv(outcome.folder / "limits.csv")
    assert [name for name in rows.columns if name.startswith("u2_")] == ["u2_mu", "u2_e"]
    mine = [
        i
        for i, (kind, branch) in enumerate(
            zip(rows.columns["kind"], rows.columns["branch"], strict=True)
        )
        if (kind, branch) == ("observed", "lower")
    ]
    e, mu = (rows.numbers(f"u2_{name}")[mine] for name in ("e", "mu"))
    u = np.stack([e, mu])
    events = np.einsum("av,ab,bv->v", u, form_of(0.25, ONLY, ["e", "mu"]), u)
    assert events == pytest.approx(END, rel=0.01)
    equal = e[np.argmin(np.abs(np.log(e / mu)))]
    (found,) = (one for one in outcome.summary["limits"] if one["kind"] == "observed")
    assert found["u2_each_if_equal"] == pytest.approx(equal, rel=1e-6)
    assert equal < min(found["u2_e_alone"], found["u2_mu_alone"])
    told = " ".join(outcome.summary["remarks"])
    assert "priors flat in |U_mu|^2 < 1, |U_e|^2 < 1 (inference.prior_max)" in told
    assert "N that live long" in told
    assert "no longer live long" not in told
    assert "range of these priors" not in told
    report = (outcome.folder / "report.html").read_text()
    assert "|U_mu|^2 = |U_e|^2 from" in report
    assert "|U_tau|^2 is 0" in report
    assert (outcome.folder / "plane.pdf").stat().st_size > 1000


def test_a_mixing_that_makes_no_n_bounds_by_the_product():
    """Above the reach of K -> mu N: events go as |U_e|^2 (A |U_e|^2 + B |U_tau|^2)."""
    only = "search.t2k_2019.only=[ee]"
    study = load([*SMALL, only, "model=mixed", "model.mass=0.45", "scan.plane=[e,tau]",
                  "scan.coupling={min: 1e-9, max: 1e-1, points: 9}"])  # fmt: skip
    work = Work()
    found = joint.find_joint(study, work)
    form = form_of(0.45, only, ["e", "tau"])
    (region,) = (r for r in found.regions if r.kind == "observed")
    (line,) = region.lines
    count = np.einsum("va,ab,vb->v", line, form, line)
    assert count == pytest.approx(count.mean(), rel=0.02)
    # the region is long, with much of the posterior along it: c is less than without a bound
    assert 2.0 < count.mean() < END
    told = " ".join(work.remarks)
    assert "the range of these priors" not in told  # a tenth of it changes c by less than 1 %
    assert "regions reach mixings at which N no longer live long" in told


def test_planes_of_cls_have_limits_along_their_directions():
    """Where no event is seen CLs is exp(-signal): 2.303 events, as in the posterior of two."""
    study = load([
        "search=t2k_2019", "systematics=none", "inference.sigmas=[]", "model=mixed",
        "model.mass=0.25", "scan.plane=[e,mu]", "search.t2k_2019.only=[mupi]",
        "scan.coupling={min: 3e-9, max: 1e-7, points: 4}",
    ])  # fmt: skip
    found = find_plane(study, Work())
    form = form_of(0.25, "search.t2k_2019.only=[mupi]", ["e", "mu"])
    (region,) = (r for r in found.regions if r.kind == "observed")
    line = np.concatenate(region.lines)
    assert np.einsum("va,ab,vb->v", line, form, line) == pytest.approx(END, rel=0.05)


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
        (["inference.prior_power=2"], "inference.prior_power: cannot go with scan.plane"),
        (["inference.prior_max.mu=1e-9", "scan.coupling.min=1e-8"], "leaves nothing of the grid"),
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
