"""task=events of N of kaons through the command line."""

import json

import numpy as np
import pytest

from hnlstat.app import main

POINT = ("task=events", "model=mixed_mu", "model.mass=300 MeV", "model.coupling=1e-9")


def test_a_file_of_events(tmp_path):
    settings = ("search=tpc_mupi_tracks", "events.format=npz", "events.number=2000")
    assert main([*POINT, *settings, "executor=serial", f"runs={tmp_path}"]) == 0
    (folder,) = tmp_path.glob("*/*")
    summary = json.loads((folder / "summary.json").read_text())
    with np.load(folder / "events.npz") as events:
        assert {"kaon_pdg", "lepton_pdg", "muminus_pdg", "piplus_px", "weight"} <= set(events)
        assert not {"nu_pdg", "target"} & set(events)
        assert len(events["weight"]) == summary["rows"]
        total = events["weight"].sum()
    expected = {row["channel"]: row["decays_to_mupi"] for row in summary["expected"]}
    assert sum(expected.values()) == pytest.approx(total)
    assert expected["nd280_fhc"] > expected["nd280_rhc"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["search=t2k_2019"], "search: t2k_2019 takes all decays to two charged particles at once"),
        (["search=tpc_mupi_tracks", "events.format=hepmc"], "events.format: hepmc has neutrinos"),
        (["search=tpc_mupi_tracks", "model.mass=200 MeV"], "too light to decay to mupi"),
        (["search=tpc_mupi_tracks", "model.mass=100 MeV"], "model.mass: "),
        (["search=tpc_mupi_tracks", "model.mass=390 MeV"], "above the reach of K -> mu N"),
        (["search=tpc_mupi_tracks", "model=mixed_tau"], "made in no decay of kaons"),
        (["search=tpc_mupi_tracks", "model=dipole_mu", "flux=t2k_nd280"], "mupi"),
        (["search=[tpc_mupi_tracks,tpc_ee_tracks]"], "look for mupi, ee; task=events writes one"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(capsys, settings, message):
    assert main([*POINT, *settings]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_figures_of_a_table_of_yields(tmp_path, capsys):
    grid = ("scan.mass.values=[0.3, 0.32]", "scan.coupling.points=5", "search=tpc_mupi_tracks")
    assert main(["task=yields", POINT[1], *grid, "executor=serial", f"runs={tmp_path}"]) == 0
    (folder,) = tmp_path.glob("*/*")
    assert main(["task=figures", f"task.folder={folder}"]) == 0
    assert (folder / "figures").is_dir()
    capsys.readouterr()
    asked = ["task=figures", f"task.folder={folder}", "task.figures=[decay_length]"]
    assert main(asked) == 2
    assert "task.mass: is missing" in capsys.readouterr().err
    assert main([*asked, "task.mass=0.3", "task.coupling=1e-9"]) == 0
    assert (folder / "figures" / "decay_length.png").is_file()
