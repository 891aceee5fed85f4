"""task=requirements through the command line."""

import csv
import json

import numpy as np
import pytest
from redrawn import check_redrawn
from scipy.special import ndtri

from hnlstat.app import main

FAST = ("simulation.precision=0.3", "executor=serial", "store=off")
MAP = ("task.efficiency.points=3", "task.background.points=4", "task.uncertainties=[0, 30 %]")
POINT = "task.points=[{mass: 0.1, coupling: 4e-7}]"
TWO = "task.points=[{name: light, mass: 0.1, coupling: 2e-6}, {mass: 0.2, coupling: 4e-7}]"


def run(tmp_path, *arguments):
    """Run the command line; gives the summary and the lines of requirements.csv, if any."""
    before = set(tmp_path.glob("*/*"))
    assert main([f"runs={tmp_path}", *FAST, *arguments]) == 0
    (folder,) = set(tmp_path.glob("*/*")) - before
    summary = json.loads((folder / "summary.json").read_text())
    if not (folder / "requirements.csv").exists():
        return folder, summary, []
    with (folder / "requirements.csv").open(encoding="utf-8") as file:
        return folder, summary, list(csv.DictReader(file))


def test_what_it_takes_is_a_map_a_table_and_words(tmp_path, capsys):
    quoted = ("task.background.max=1e5", "task.quoted=[5 %]")
    folder, summary, rows = run(tmp_path, "task=requirements", TWO, *MAP, *quoted)
    assert len(rows) == 2 * 2 * 4 * (3 + 1)
    check_redrawn(folder, "requirements")
    for row in rows:
        point = next(p for p in summary["points"] if p["name"] == row["point"])
        signal = float(row["efficiency"]) * point["decays"]
        assert float(row["signal"]) == pytest.approx(signal, rel=1e-4)
        assert 0.0 <= float(row["p0_expected"]) <= 1.0
    assert [p["name"] for p in summary["points"]] == ["light", "200 MeV, 4e-07"]
    light, heavy = ([r for r in summary["required"] if r["point"] == p["name"]]
                    for p in summary["points"])  # fmt: skip
    # some ten events of signal stand out of (s / Z)^2 that are known, about; half of one never does
    for kind, sigma in (("exclusion", ndtri(0.9)), ("discovery", 5.0)):
        about = (light[0]["signal"] / sigma) ** 2
        assert light[0][f"{kind}_below"] == pytest.approx(about, rel=0.5)
        assert light[1][f"{kind}_below"] < 0.8 * light[0][f"{kind}_below"]
    assert [r["exclusion_below"] for r in heavy] == [0.0, 0.0]
    said = " ".join(capsys.readouterr().out.split())
    assert "a 5 sigma discovery takes fewer than" in said
    assert "a 90% exclusion takes more signal, even over 0.1 background events" in said
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "a 5 sigma discovery takes fewer than" in report
    assert "What efficiency and background it takes" in report


def test_the_search_as_it_is_has_the_medians_of_its_study(tmp_path):
    """Over its own background, at its own efficiency, the test is that of task=point."""
    point = ("model.mass=100 MeV", "model.coupling=4e-7", "systematics.background=0.3")
    _, alone, _ = run(tmp_path, "task=point", *point)
    background = sum(channel["background"] for channel in alone["channels"])
    efficiency = alone["searches"]["tpc_ee"]["efficiency"]
    settings = (f"task.background.min={background:.17g}", f"task.quoted=[{efficiency}]")
    _, summary, rows = run(tmp_path, "task=requirements", POINT, *MAP, *settings)
    assert summary["own_background"] == pytest.approx(background, rel=1e-12)
    (own,) = summary["points"]
    assert own["own_efficiency"] == pytest.approx(efficiency, rel=1e-9)
    (mine,) = [
        row
        for row in rows
        if float(row["background"]) == pytest.approx(background, rel=1e-5)
        and float(row["efficiency"]) == pytest.approx(efficiency)
        and row["uncertainty"] == "0.3"
    ]
    exact = alone["tests"]["exact"]
    cls = exact["cls_expected"][2]
    assert float(mine["cls_expected"]) == pytest.approx(cls, rel=1e-4)
    assert float(mine["exclusion_sigma"]) == pytest.approx(max(-ndtri(cls), 0.0), abs=1e-3)
    assert float(mine["p0_expected"]) == pytest.approx(exact["p0_expected"], rel=1e-4)
    assert mine["exclusion_method"] == "exact"


def test_a_covariance_gives_way(tmp_path):
    """What is left is a count over so little background that none is seen: CLs is exp(-s)."""
    matrix = "+search.tpc_ee.covariance={modes: [fhc, rhc], matrix: [[0.1, 0.001], [0.001, 1e-4]]}"
    known = [f"systematics.{key}" for key in ("efficiency=0", "flux=false", "mc_statistics=false")]
    _, summary, rows = run(tmp_path, "task=requirements", POINT, *MAP, *known, matrix)
    assert "the covariance of backgrounds gives way to task.uncertainties" in summary["remarks"]
    assert 0.1 < min(float(row["signal"]) for row in rows) < 3.0
    least = [row for row in rows if row["background"] == "0.1"]
    assert {row["exclusion_method"] for row in least} == {"exact"}
    for row in least:
        if (signal := float(row["signal"])) < 3.0:  # other uncertainties raise it, if it is large
            assert float(row["cls_expected"]) == pytest.approx(np.exp(-signal), rel=0.02)


def test_a_point_without_signal_is_said(tmp_path, capsys):
    light = "{name: light, mass: 0.0005, coupling: 1e-6}"
    points = f"task.points=[{light}, {{mass: 0.1, coupling: 1e-6}}]"
    _, summary, rows = run(tmp_path, "task=requirements", points, *MAP)
    assert {row["point"] for row in rows} == {"100 MeV, 1e-06"}
    assert "task.points.0: light: there are no decays to ee" in summary["remarks"][-1]
    assert main([f"runs={tmp_path}", *FAST, "task=requirements", f"task.points=[{light}]"]) == 2
    assert "task.points.0: light: there are no decays to ee" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task.points=[]"], "task.points: [] is empty"),
        (["model=mixed_mu", "search=t2k_2019"], "task.points.0: MiniBooNE best fit is of a dipole"),
        (["task.points=[{mass: 0.1}]"], "task.points.0.coupling: is missing"),
        (["task.points=[{mass: 0.1, coupling: 1e-6}, {mass: 0.1, coupling: 1e-6}]"], "appears tw"),
        (["task.points=[{mass: 90, coupling: 1e-6}]"], "task.points: 90 GeV is above the beam's r"),
        (["task.points=[{mass: 0.1, coupling: 1e3}]"], "task.points.0.coupling: 1000 is above 1"),
        (["task.efficiency.max=1.2"], "task.efficiency.max: 1.2 is not between 0 and 1"),
        (["task.efficiency.min=0"], "task.efficiency.min: 0 is below 1e-6"),
        (["task.efficiency.max=0.5 %"], "task.efficiency.max: 0.005 is not above min, 0.01"),
        (["task.efficiency.points=1"], "task.efficiency.points: 1 is below 2"),
        (["task.background.min=0"], "task.background.min: 0 is not positive"),
        (["task.background.max=1e9"], "task.background.max: 1000000000 is above 1e+07 events"),
        (["task.uncertainties=[]"], "task.uncertainties: [] is empty"),
        (["task.uncertainties=[20]"], "task.uncertainties.0: 20 is not a relative size"),
        (["task.quoted=[]"], "task.quoted: [] is empty"),
        (["task.sigma=9"], "task.sigma: 9 is above 7 standard deviations"),
        (["task.background.points=1000", "task.efficiency.points=999"], "1000000 are the most"),
        (["inference.calculator=published"], "inference.calculator: published looks at no unc"),
        (["inference.calculator=bayesian"], "inference.calculator: bayesian has no p-values"),
        ([*MAP, POINT, "inference.calculator=exact"], "too many outcomes to enumerate"),
        ([f"data_from={__file__}"], "data_from: is of no use to task=requirements"),
        ([f"yields_from={__file__}"], "yields_from: is of no use to task=requirements"),
    ],
)
def test_wrong_settings_are_named(tmp_path, capsys, arguments, message):
    assert main([f"runs={tmp_path}", *FAST, "task=requirements", *arguments]) == 2
    assert message in capsys.readouterr().err
