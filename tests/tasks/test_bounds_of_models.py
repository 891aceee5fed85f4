"""Bounds of a run are those on the coupling, flavour and nature of its model."""

import json
from pathlib import Path

import numpy as np
import pytest

from hnlstat.app import main

MIXED = (
    "experiment=quick", "executor=serial", "yields_from=y.csv", "name=r", "model=mixed_mu",
    "scan=mixed_mu",
)  # fmt: skip
BOUND = (
    "# label: Mine\n# level: 0.9\n# kind: limit\n# status: excluded\n# flavour: {}\n# source: me\n"
    "mass_gev,{}\n0.05,2e-6\n0.4,1e-6\n"
)


def write_yields(path, scale):
    """Events that go as |U|^4, one in each mode at 0.7 times the scale."""
    rows = [
        f"nd280_{mode},{mass:.6g},{u2:.6g},{2 * (u2 / scale) ** 2:.6g}\n"
        for mass in np.linspace(0.20, 0.38, 7)
        for u2 in scale * np.geomspace(1e-2, 1e2, 9)
        for mode in ("fhc", "rhc")
    ]
    path.write_text("channel,mass_gev,coupling_u2,events\n" + "".join(rows))


def test_mixing_with_the_muon_meets_its_own_bounds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_yields(Path("y.csv"), 4e-9)
    Path("own.csv").write_text(BOUND.format("tau", "coupling_u2"))
    assert main([*MIXED, "model.nature=dirac", "bounds.files=[own.csv]"]) == 0
    (run,) = (tmp_path / "runs" / "r").iterdir()
    summary = json.loads((run / "summary.json").read_text())
    # the limit is 3.1e-9 at every mass: E949 has dips below, T2K's curve passes at 296 MeV
    ends = [(found["low_set_by"], found["high_set_by"]) for found in summary["leading"]]
    assert ends == [
        (None, "E949"), ("E949", "E949"), ("E949", "E949"), ("E949", "T2K 2019"),
    ]  # fmt: skip
    assert summary["leading"][-1]["mass_high"] == pytest.approx(0.296, abs=2e-3)
    remarks = " ".join(summary["remarks"])
    assert "T2K 2019 ends a range: it is for Majorana N; its mu+ pi- width" in remarks
    assert "it is a credible limit, which at no event seen is 23 % lower than by CLs" in remarks
    assert "the bound own is not shown: it is for flavour tau alone, not for |U_mu|^2" in remarks
    assert summary["published"] == []
    report = (run / "report.html").read_text()
    for shown, label in ((True, "BBN"), (True, "MicroBooNE 2022"), (False, "CHARM-II")):
        assert (label in report) == shown
    # 18 points of the curve for Dirac N, not the 13 for Majorana N
    assert "1.8551e-07" in report or "1.855e-07" in report
    assert "1.9967e-07" not in report
    assert "1.997e-07" not in report


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("bounds.files=[own.csv]", "own.csv, line 7: lacks the column 'coupling_u2'; it has"),
        ("bounds.without=[sbnd]", "bounds.without: sbnd is on another coupling than that of the"),
        ("bounds.curves=[e949]", "bounds.curves: e949 is unknown; did you mean e949_mu?"),
        ("bounds=published", "bounds.folder: bounds_published has no curves on |U_mu|^2"),
        ("bounds.projections=maybe", "bounds.projections: maybe"),
    ],
)
def test_bounds_that_a_model_cannot_have(tmp_path, monkeypatch, capsys, argument, reason):
    monkeypatch.chdir(tmp_path)
    write_yields(Path("y.csv"), 4e-9)
    Path("own.csv").write_text(BOUND.format("mu", "coupling_inv_gev"))
    assert main([*MIXED, argument]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
