"""MiniBooNE's excess from the command line, on a small grid: fit, limits, and what is beside."""

import csv
import json

import numpy as np
import pytest

from hnlstat.app import main

GRID = (
    "scan.mass={values: [250 MeV, 350 MeV, 470 MeV, 650 MeV]}",
    "scan.coupling={min: 2e-7, max: 1e-5, points: 9}",
    "simulation.precision=0.05",
    "executor=serial",
)


def run(folder, *arguments):
    assert main([f"runs={folder}", "detector=miniboone", *GRID, *arguments]) == 0
    (found,) = folder.glob("*/*")
    return found


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("fit"), "task.points=24")


def rows(folder, **wanted):
    with (folder / "spectrum.csv").open() as file:
        found = [row for row in csv.DictReader(file) if wanted.items() <= row.items()]
    return {
        key: np.array([float(row[key]) for row in found])
        for key in ("low", "high", "observed", "background", "signal", "prediction")
    }


def test_the_best_fit_explains_the_excess(fitted):
    summary = json.loads((fitted / "summary.json").read_text())
    assert summary["improvement"] > 9
    assert summary["goodness"]["chi2"] < summary["goodness"]["chi2_no_signal"] - 9
    found = rows(fitted, channel="miniboone_fhc", in_likelihood="yes")
    low = found["high"] < 1.3
    # Phys. Rev. D 103, 052002: 2870 events over 2309.4, before the fit moves the background
    assert found["observed"][low].sum() == 2870
    assert found["background"][low].sum() == pytest.approx(2309.4, abs=0.1)
    assert 200 < found["signal"][low].sum() < 800
    assert found["prediction"][low].sum() == pytest.approx(2870, abs=60)


def test_the_angle_is_beside_the_fit_with_the_same_signal(fitted):
    energy = rows(fitted, channel="miniboone_fhc", observable="quasi_elastic_energy")
    angle = rows(fitted, channel="miniboone_fhc", observable="cos_angle")
    assert len(angle["low"]) == 20
    same = energy["signal"][energy["high"] < 1.3].sum()
    # the same decays in other bins; two samples of 5 %, and bins have no more
    assert angle["signal"].sum() == pytest.approx(same, rel=0.1)
    assert angle["prediction"] == pytest.approx(angle["background"] + angle["signal"])
    assert (fitted / "spectrum.png").exists()
    summary = json.loads((fitted / "summary.json").read_text())
    (told,) = summary["beside"]
    expected = ((angle["observed"] - angle["background"]) ** 2 / angle["background"]).sum()
    assert told["chi2_no_signal"] == pytest.approx(expected, rel=1e-4)
    assert "not in the likelihood" in (fitted / "report.html").read_text()


def test_limits_know_of_the_excess(tmp_path, fitted):
    folder = run(tmp_path, "task=contour", f"yields_from={fitted}/yields.csv")
    remarks = json.loads((folder / "summary.json").read_text())["remarks"]
    assert any("the data have an excess, of" in text for text in remarks)
    with (folder / "limits.csv").open() as file:
        limits = [row for row in csv.DictReader(file) if row["branch"] == "lower"]
    assert {row["method"].split()[0] for row in limits} == {"saddlepoint"}
    found = {
        (row["kind"], row["mass_gev"]): float(row["coupling"])
        for row in limits
        if row["level"] == "0.9"
    }
    for mass in ("0.25", "0.47"):
        assert found["observed", mass] > 1.3 * found["expected", mass]


def test_data_like_the_background_have_no_excess_and_nothing_beside(tmp_path, fitted, capsys):
    data = tmp_path / "data.csv"
    found = rows(fitted, in_likelihood="yes")
    names = ["miniboone_fhc"] * 11 + ["miniboone_rhc"] * 11
    lines = (
        f"{name},{i % 11},{round(events)}"
        for i, (name, events) in enumerate(zip(names, found["background"], strict=True))
    )
    data.write_text("\n".join(["channel,bin,observed", *lines]) + "\n")
    chosen = (f"yields_from={fitted}/yields.csv", f"data_from={data}")
    folder = run(tmp_path / "runs", "task.points=16", *chosen)
    summary = json.loads((folder / "summary.json").read_text())
    assert "no excess" in summary["validity"]
    assert summary["beside"] == []
    assert "no excess" in capsys.readouterr().out.replace("\n", " ")
