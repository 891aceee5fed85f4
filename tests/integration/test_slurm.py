"""Sweeps and scans as jobs of a real SLURM, on one node; run with --slurm where it is installed."""

import subprocess
import sys

import pytest

GRID = (
    "scan.mass.values=[60 MeV, 0.1, 0.2]", "scan.coupling.points=8", "simulation.precision=0.1",
    "store=off",
)  # fmt: skip
RESULTS = ("yields.csv", "limits.csv", "points.csv")
PATIENCE = 240
"""Seconds that a run may take."""


def hnlstat(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "hnlstat", *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """Results of runs in one process, by model."""
    found = {}
    for model in ("dipole_mu", "dipole_e"):
        runs = tmp_path_factory.mktemp(model)
        done = hnlstat(None, *GRID, f"model={model}", f"runs={runs}", "executor=serial")
        assert done.returncode == 0, done.stderr
        (folder,) = runs.glob("*/*")
        found[model] = results(folder)
    return found


def results(folder):
    return [(folder / name).read_bytes() for name in RESULTS]


def jobs_left(environment):
    done = subprocess.run(
        ["squeue", "-h"], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_sweep_by_submitit(slurm, serial, tmp_path):
    done = hnlstat(
        slurm, "-m", "hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1",
        "hydra.launcher.mem_gb=2", "hydra.launcher.timeout_min=10", *GRID, f"runs={tmp_path}",
        "executor=serial", "model=dipole_mu,dipole_e", "inference.levels=[0.9],[1.9]",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "2 of 4 jobs done" in done.stdout
    assert "failed: #3 model=dipole_e inference.levels=[1.9]: inference.levels" in done.stdout
    (sweep,) = (tmp_path / "multirun").iterdir()
    assert hnlstat(None, "task=collect", f"task.folder={sweep}").returncode == 1
    assert (sweep / "collected.pdf").exists()
    found = [results(folder) for folder in tmp_path.glob("nd280/*")]
    assert sorted(found) == sorted(serial.values())


def test_a_scan_by_dask_jobqueue(slurm, serial, tmp_path):
    done = hnlstat(
        slurm, *GRID, f"runs={tmp_path}", "executor=dask_slurm", "executor.jobs=2",
        "executor.cores=1", "executor.memory=2 GB", "executor.walltime='00:10:00'",
        "executor.interface=lo", f"executor.log_directory={tmp_path / 'logs'}",
        "executor.timeout=120",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (folder,) = tmp_path.glob("nd280/*")
    assert results(folder) == serial["dipole_mu"]
    assert len(list((tmp_path / "logs").glob("*.err"))) == 2
    assert "hnlstat" not in jobs_left(slurm)


def test_a_partition_that_is_not_there_is_one_line(slurm, tmp_path):
    done = hnlstat(
        slurm, *GRID, f"runs={tmp_path}", "executor=dask_slurm", "executor.queue=nowhere",
        "executor.timeout=20",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "sbatch refuses the jobs" in done.stderr
    assert "invalid partition specified: nowhere" in done.stderr
