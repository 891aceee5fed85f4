"""task=benchmark, through the command line."""

import json

import numpy as np
import pytest

from hnlstat.app import main
from hnlstat.studies import load
from hnlstat.tasks.benchmark import smaller


def test_clocks_of_a_small_study(tmp_path, capsys):
    arguments = (
        "scan.mass.values=[60 MeV, 0.1]", "scan.coupling.points=8", "simulation.precision=0.1",
        "task=benchmark", "task.workers=[1]", "task.scaling=false", f"runs={tmp_path}",
    )  # fmt: skip
    assert main([*arguments]) == 0
    assert "grid points/s" in capsys.readouterr().out
    (folder,) = tmp_path.glob("*/*")
    found = json.loads((folder / "benchmark.json").read_text())
    assert found["grid"] == [2, 8]
    cold, warm = found["whole_runs"]
    assert cold["cpu_s"] > 0.5
    assert warm["cpu_s"] > 0.5
    assert cold["efficiency"] == 1.0
    assert 50 < cold["memory_mb"] < 5000
    assert found["overhead_per_unit_ms"].keys() == {"processes", "dask"}
    assert found["rays_per_s"] > found["simulated_points_per_s"] > 0
    text = (folder / "benchmark.md").read_text()
    assert "2 masses and 8 couplings" in text
    assert "| all in the store |" in text


@pytest.mark.parametrize("key", ["task.workers=[]", "task.workers=[0]", "task.scaling=often"])
def test_settings_are_checked(key, tmp_path, capsys):
    assert main(["task=benchmark", key, f"runs={tmp_path}"]) == 2
    assert capsys.readouterr().err.startswith(f"hnlstat: {key.partition('=')[0]}")
    assert not list(tmp_path.iterdir())


TRACKS = "search.tpc_ee_tracks"


def test_smaller_studies_have_less_of_one_thing():
    study = load(
        ["detector=nd280_upgrade", "search=tpc_ee_tracks",
         TRACKS + ".observable={name: pair_mass, edges: [0, 0.02, 0.7], background: [0.5, 0.5]}"]
    )  # fmt: skip
    found = dict(smaller(study))
    assert list(found) == [
        "half of the masses", "half of the couplings", "the first dataset only", "one bin"
    ]  # fmt: skip
    masses = found["half of the masses"].scan.mass.array()
    np.testing.assert_array_equal(masses, study.scan.mass.array()[::2])
    assert found["half of the couplings"].scan.mass == study.scan.mass
    assert found["the first dataset only"].datasets == study.datasets[:1]
    assert found["one bin"].datasets[1].search["tpc_ee_tracks"].observable is None
