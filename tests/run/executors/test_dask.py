import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pieces import die, die_once, refuse, square

from hnlstat.app import main
from hnlstat.config.base import validate
from hnlstat.config.executor import Dask, DaskHTCondor, DaskSlurm
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.run.executors.executors import work_executor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as Unix does")


def executor(**changes):
    settings = {"kind": "dask", "scheduler": None, "workers": 2, "timeout": 60}
    return work_executor(validate(Dask, settings | changes))


@pytest.fixture(scope="module", autouse=True)
def _workers_find_the_tests():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "importable"))
        yield


@pytest.fixture(scope="module")
def pool():
    with executor() as running:
        yield running


def test_every_piece_is_done_once(pool):
    assert dict(pool.each(square, range(20))) == {i: i * i for i in range(20)}
    assert list(pool.each(square, [])) == []


def test_two_clusters_at_once_do_not_disturb_each_other(pool):
    with executor(workers=1) as other:
        assert list(other.each(square, [2])) == [(0, 4)]
        assert list(pool.each(square, [3])) == [(0, 9)]


def test_workers_keep_freed_memory_in_place_of_the_setting_of_dask(monkeypatch):
    names = ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"]
    for name in names:
        monkeypatch.setenv(name, "")  # so that all is as before when the test has ended
        monkeypatch.delenv(name)
    assert main(["--version"]) == 0
    with executor(workers=1) as running:
        assert dict(running.each(os.getenv, names)) == {0: "134217728", 1: "33554432"}


def test_an_error_of_a_piece_is_passed_on(pool):
    with pytest.raises(ConfigError, match="1: no"):
        list(pool.each(refuse, [1]))


def test_the_piece_of_a_worker_that_dies_is_done_again(pool, tmp_path):
    (tmp_path / "a").write_text("x")
    pieces = [str(tmp_path / name) for name in "ab"]
    assert dict(pool.each(die_once, pieces)) == {0: "a", 1: "b"}


def test_a_piece_that_kills_every_worker_ends_the_run(pool):
    with pytest.raises(HnlstatError, match="died 4 times at the same piece"):
        list(pool.each(die, [1]))
    assert dict(pool.each(square, [3])) == {0: 9}


def test_workers_with_other_code_are_refused(pool, monkeypatch):
    monkeypatch.setattr("hnlstat.run.executors.dask_cluster.code_digest", lambda: "other")
    with pytest.raises(HnlstatError, match="another version of hnlstat"):
        list(pool.each(square, [1]))


def start(*arguments, folder=None):
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def unused_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def scheduler(unused_port):
    process = start(
        "scheduler", "--port", str(unused_port), "--host", "127.0.0.1", "--no-dashboard"
    )
    yield process, f"tcp://127.0.0.1:{unused_port}"
    process.kill()
    process.wait()


def test_the_workers_of_a_scheduler_do_the_work_until_it_vanishes(scheduler, capfd):
    process, address = scheduler
    with (
        pytest.raises(HnlstatError, match="no Dask worker in 5 s"),
        executor(scheduler=address, timeout=5),
    ):
        pass
    worker = start("worker", address, "--no-nanny", "--no-dashboard", "--death-timeout", "60")
    try:
        with executor(scheduler=address) as pool:
            assert dict(pool.each(square, range(5))) == {i: i * i for i in range(5)}
            threading.Timer(1.0, process.kill).start()
            started = time.monotonic()
            with pytest.raises(HnlstatError, match="scheduler has vanished"):
                list(pool.each(time.sleep, [0.0, 30.0]))
            assert time.monotonic() - started < 20
        assert capfd.readouterr().err == ""
    finally:
        worker.kill()
        worker.wait()


def test_workers_that_cannot_load_hnlstat_are_told(scheduler, tmp_path):
    _, address = scheduler
    (tmp_path / "hnlstat.py").write_text("raise ImportError('no such library')")
    worker = start(
        "worker", address, "--no-nanny", "--no-dashboard", "--death-timeout", "60",
        folder=tmp_path,
    )  # fmt: skip
    try:
        with (
            pytest.raises(HnlstatError, match="cannot load hnlstat: no such library"),
            executor(scheduler=address),
        ):
            pass
    finally:
        worker.kill()
        worker.wait()


def test_a_scheduler_that_is_not_there_is_one_line(unused_port):
    with (
        pytest.raises(HnlstatError, match="does not answer as a scheduler") as error,
        executor(scheduler=f"tcp://127.0.0.1:{unused_port}", timeout=1),
    ):
        pass
    assert "\n" not in str(error.value)


SLURM = {
    "kind": "dask_slurm", "jobs": 1, "cores": 1, "memory": "1 GB", "walltime": "00:10:00",
    "queue": None, "account": None, "interface": None, "prologue": [], "directives": [],
    "log_directory": None, "timeout": None,
}  # fmt: skip


def test_slurm_needs_its_command(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with (
        pytest.raises(ConfigError, match="sbatch, which is not on this machine"),
        work_executor(validate(DaskSlurm, SLURM)),
    ):
        pass


def test_an_interface_that_is_not_there_is_one_line(monkeypatch, tmp_path):
    command = tmp_path / "sbatch"
    command.write_text("#!/bin/sh")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(HnlstatError, match=r"no Dask cluster can be started: .*'ib9'"),
        work_executor(validate(DaskSlurm, SLURM | {"interface": "ib9"})),
    ):
        pass


def test_htcondor_is_sent_what_the_settings_say(monkeypatch, tmp_path):
    """A command in place of HTCondor's keeps what it is given and says that all is well."""
    for name in ("condor_submit", "condor_rm"):
        command = tmp_path / name
        command.write_text(
            f'#!/bin/sh\ncat "$@" >>{tmp_path}/sent 2>/dev/null\n'
            'echo "1 job(s) submitted to cluster 7."\n'
        )
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    settings = {
        "kind": "dask_htcondor", "jobs": 2, "cores": 3, "memory": "6 GB", "disk": "1 GB",
        "interface": "lo", "prologue": ["source setup.sh"], "directives": {"+JobFlavour": "long"},
        "log_directory": None, "timeout": 1,
    }  # fmt: skip
    with (
        pytest.raises(HnlstatError, match="no Dask worker in 1 s"),
        work_executor(validate(DaskHTCondor, settings)),
    ):
        pass
    sent = (tmp_path / "sent").read_text()
    for word in ("DaskWorkerCores = 3", "DaskWorkerDisk = 1000000000", "+JobFlavour = long",
                 "source setup.sh", "--nworkers 3", "--nthreads 1"):  # fmt: skip
        assert word in sent


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'hnlstat\[dask\]'"), executor():
        pass
