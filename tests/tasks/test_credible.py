"""Credible limits from the command line: files, words, the figure's names, and what is refused."""

import json

import numpy as np
import pytest
from scipy.special import erfinv

import hnlstat
from hnlstat.app import main
from hnlstat.run.files.limits import read_limits, write_limits
from hnlstat.tables.csv_table import read_csv

MASSES, COUPLINGS = np.geomspace(0.06, 0.2, 3), np.geomspace(1e-8, 1e-5, 25)
BAYESIAN = ("inference.calculator=bayesian", "executor=serial")
NONE = ("systematics=none", "systematics.background=0")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """(d / 3e-7)^4 events, 70 % of them in fhc."""
    path = tmp_path_factory.mktemp("yields") / "yields.csv"
    lines = ["channel,mass_gev,coupling_inv_gev,events"]
    for mass in MASSES:
        for d in COUPLINGS:
            events = (d / 3e-7) ** 4
            lines += [
                f"nd280_fhc,{mass},{d},{0.7 * events}",
                f"nd280_rhc,{mass},{d},{0.3 * events}",
            ]
    path.write_text("\n".join([*lines, ""]))
    return path


def run(folder, *arguments):
    assert main([*arguments, *BAYESIAN, f"runs={folder}"]) == 0
    (found,) = folder.glob("*/*/summary.json")
    return found.parent, json.loads(found.read_text())


@pytest.mark.parametrize(
    ("power", "events", "text"), [(4, 2.302585, "d_mu^4"), ("null", 1.352769, "d_mu^2")]
)
def test_a_run_has_the_limits_of_closed_forms(tmp_path, capsys, table, power, events, text):
    folder, summary = run(tmp_path, f"yields_from={table}", f"inference.prior_power={power}", *NONE)
    limits = read_limits(folder / "limits.csv")
    lower = [one for one in limits if one.kind == "observed" and one.branch == "lower"]
    ninety = [one for one in lower if one.level == 0.9]
    assert [one.coupling for one in ninety] == pytest.approx([3e-7 * events**0.25] * 3, rel=1e-6)
    assert {one.method for one in lower} == {f"bayesian credible({text})"}
    assert {one.method for one in limits if one.kind == "discovery"} == {"exact p0"}
    assert all(one.error < 1e-6 for one in lower)  # of interpolation
    points = read_csv(folder / "points.csv")
    assert {*points.columns["method"]} == {f"bayesian credible({text}), exact p0"}
    tails = points.numbers("cls_observed").reshape(3, -1)
    assert np.all(np.diff(tails, axis=1) <= 0.0)
    assert any(f"prior flat in {text}" in remark for remark in summary["remarks"])
    assert f"90% credible({text}) observed" in capsys.readouterr().out
    assert f"credible({text})" in (folder / "report.html").read_text()


def test_limits_on_mixing_are_flat_in_its_square_alone(tmp_path):
    """(U^2 / 3e-9)^2 events and none seen: the limit is erfinv(0.9) of 3e-9."""
    path = tmp_path / "yields.csv"
    rows = [
        f"nd280_{mode},{mass},{u2},{0.5 * (u2 / 3e-9) ** 2}\n"
        for mass in np.linspace(0.2, 0.35, 3)
        for u2 in np.geomspace(1e-10, 1e-6, 25)
        for mode in ("fhc", "rhc")
    ]
    path.write_text("channel,mass_gev,coupling_u2,events\n" + "".join(rows))
    model = ("model=mixed_mu", "scan=mixed_mu", "inference.sigmas=[]")
    folder, _ = run(tmp_path, f"yields_from={path}", *model, *NONE)
    limits = read_limits(folder / "limits.csv")
    lower = [one for one in limits if one.kind == "observed" and one.branch == "lower"]
    assert [one.coupling for one in lower] == pytest.approx([3e-9 * erfinv(0.9)] * 3, rel=1e-5)
    assert {one.method for one in lower} == {"bayesian credible(|U_mu|^2)"}


def test_what_hangs_on_the_prior_is_said_in_plain_words(tmp_path):
    path = tmp_path / "yields.csv"  # 5 events at the end of the grid
    rows = [f"nd280_{mode},{mass},{d},{2.5 * (d / 1e-5) ** 4}\n"
            for mass in MASSES for d in COUPLINGS for mode in ("fhc", "rhc")]  # fmt: skip
    path.write_text("channel,mass_gev,coupling_inv_gev,events\n" + "".join(rows))
    _, summary = run(tmp_path, f"yields_from={path}", "inference.sigmas=[]")
    (first, *_) = (remark for remark in summary["remarks"] if "of 1 - level" in remark)
    assert first.startswith("at 60 MeV ")
    assert "ok:" not in first


def test_errors_of_limits_are_read_as_they_are_written(tmp_path, table):
    folder, _ = run(tmp_path, f"yields_from={table}", "inference.sigmas=[]")
    head = (folder / "limits.csv").read_text().splitlines()[0]
    assert head.endswith(",open,error")
    limits = read_limits(folder / "limits.csv")
    assert all(0.0 < one.error < 1e-3 for one in limits if one.branch == "lower")
    write_limits(tmp_path / "again.csv", limits)
    assert read_limits(tmp_path / "again.csv") == limits


def test_python_gives_the_same_table(table):
    study = hnlstat.study(f"yields_from={table}", *BAYESIAN, "inference.sigmas=[]", "store=off")
    found = hnlstat.run(study).limits
    assert found.columns[-1] == "error"
    lower = found.where(kind="observed", branch="lower")
    assert np.all(lower["error"] > 0.0)
    assert lower["method"][0] == "bayesian credible(d_mu^2)"


def test_a_point_has_the_limits_at_its_mass(tmp_path, capsys):
    grid = "scan.coupling={min: 1e-8, max: 1e-5, points: 13, spacing: log, values: null}"
    point = ("task=point", "model.mass=0.1", "model.coupling=1e-6", grid)
    _, summary = run(tmp_path, *point, "experiment=quick", "inference.levels=[0.9,0.95]")
    lower = [one["coupling"] for one in summary["limits"]
             if (one["kind"], one["branch"]) == ("observed", "lower")]  # fmt: skip
    assert 3e-7 < lower[0] < lower[1] < 2e-6
    assert "90% credible(d_mu^2) observed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inference.prior_power=4"], "inference.prior_power: is of no use without"),
        ([*BAYESIAN, "inference.prior_power=0"], "inference.prior_power: 0"),
        ([*BAYESIAN, "inference.prior_power=-2"], "inference.prior_power: -2"),
        ([*BAYESIAN, "inference.prior_power=1e9"], "inference.prior_power: 1000000000 is above 16"),
        ([*BAYESIAN, "inference.prior_power=[2]"], "inference.prior_power:"),
        ([*BAYESIAN, "inference.prior_power=high"], "inference.prior_power: high"),
        (["inference.calculator=bayes"], "inference.calculator: bayes is not one of"),
        (
            ["task=coverage", "model.mass=0.1", "model.coupling=1e-6", *BAYESIAN],
            "inference.calculator: is bayesian, whose limits promise no coverage",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(capsys, arguments, message):
    assert main(arguments) == 2
    found = capsys.readouterr().err.strip().splitlines()
    assert len(found) == 1
    assert message in found[0]
