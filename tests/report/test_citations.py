"""What runs rest on: that of the model, the beam, the search, the method and the bounds drawn."""

import pytest

from hnlstat.report.citations import bibtex, citations, drawn_bounds, listed
from hnlstat.run.files.finished import FinishedRun
from hnlstat.studies import load

T2K, LIU, COLLECTED = "arXiv:1902.07598", "arXiv:2412.15051", "arXiv:2304.06772"
NUMBERS = {"reaches": [{"method": "exact CLs"}]}


def uses(folder, *overrides, summary=NUMBERS):
    study = load([*overrides])
    return citations(FinishedRun(folder, study, summary), drawn_bounds(study))


def test_a_dipole_run(tmp_path):
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "BkgOnly.json").write_text("{}")
    found = uses(tmp_path, "bounds.curves=[minerva,nomad]")
    assert found == {
        "hnlstat": ["software"],
        "arXiv:1803.03262": ["model"],
        LIU: ["model", "detector nd280", "search tpc_ee"],
        "deVries:1987": ["model"],
        "arXiv:1106.1238": ["detector nd280"],
        "arXiv:1211.0469": ["flux t2k_nd280"],
        T2K: ["exposure t2k_2019", "search tpc_ee"],
        "Moniz:1971": ["systematics"],
        "CLs:2002": ["limits (exact)"],
        **{key: ["likelihoods"] for key in ("pyhf", "pyhf:joss", "HistFactory:2012")},
        "arXiv:2206.07100": ["bound MINERvA"],
        COLLECTED: ["bound MINERvA", "bound NOMAD"],
        "arXiv:1707.08573": ["bound NOMAD"],
    }
    assert bibtex(found).count("\n@") == len(found)
    assert "bound NOMAD: P. Coloma, P. A. N. Machado, I. Mart" not in "".join(listed(found))


def test_a_mixed_run(tmp_path):
    bayesian = {"reaches": [{"method": "bayesian"}]}
    found = uses(
        tmp_path, "model=mixed_mu", "search=t2k_2019", "inference.calculator=bayesian",
        "bounds.curves=[e949_mu]", summary=bayesian,
    )  # fmt: skip
    assert found.keys() == {
        "hnlstat", "arXiv:1805.08567", "arXiv:2007.03701", "Shrock:1981", "arXiv:1106.1238", LIU,
        T2K, "arXiv:1411.3963", COLLECTED,
    }  # fmt: skip
    assert found[T2K] == ["flux t2k_kaons", "exposure t2k_2019", "search t2k_2019"]


@pytest.mark.parametrize(
    ("method", "key"), [("saddlepoint CLs", "SaddlePoint:1980"), ("asymptotic", "arXiv:1007.1727")]
)
def test_only_the_method_that_was_used(tmp_path, method, key):
    found = uses(tmp_path, "bounds=none", summary={"a": [{"method": method}]})
    assert found[key] == [f"limits ({method.split()[0]})"]
    assert not {"SaddlePoint:1980", "arXiv:1007.1727"} - {key} & found.keys()


def test_tasks_without_bounds_or_limits_cite_none(tmp_path):
    found = uses(tmp_path, "task=yields", summary={})
    assert not {"CLs:2002", "pyhf", COLLECTED} & found.keys()


def test_a_fit_names_its_minimiser_and_own_bounds_their_source(tmp_path):
    found = uses(tmp_path, "task=fit", summary={})
    assert found["iminuit"] == ["fits"]
    assert found["arXiv:2206.07100"] == ["bound MiniBooNE angle", "bound MiniBooNE energy"]
    own = tmp_path / "own.csv"
    own.write_text(
        "# label: Own\n# level: 0.9\n# kind: limit\n# status: excluded\n# flavour: mu\n"
        "# source: A. Uthor, private\nmass_gev,coupling_inv_gev\n0.1,1e-6\n0.2,1e-6\n"
    )
    found = uses(tmp_path, "bounds.curves=[minerva]", f"bounds.files=['{own}']")
    assert found["A. Uthor, private"] == ["bound Own"]


def test_limits_on_one_mixing_are_compared_with_the_bounds_on_it():
    mixed = ["model=mixed", "search=t2k_2019", "inference.calculator=bayesian"]
    found = drawn_bounds(load([*mixed, "inference.marginal=mu"]))
    assert {bound.flavour for bound in found} == {"mu"}
    assert drawn_bounds(load([*mixed, "model.mixing.tau=0"])) == ()
    plane = ["model=mixed_mu", "search=t2k_2019", "model.mixing.e=1", "model.mass=0.25"]
    assert drawn_bounds(load([*plane, "scan.plane=[e,mu]"])) == ()


def test_what_is_explained_cites_the_bounds_that_count_and_a_fit_the_regions_it_shows():
    base = ["detector=miniboone", "bounds=measured"]
    of_fit, explained = (drawn_bounds(load([*base, *task])) for task in ([], ["task=explained"]))
    assert {bound.status for bound in of_fit} == {"allowed"}
    assert {bound.status for bound in explained} == {"excluded"}
    assert "charm_ii" in {bound.name for bound in explained}
