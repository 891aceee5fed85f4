import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pieces
import pytest
from pieces import LoadsBadly, die, die_once, interrupt_self, main_file, pid, refuse, square

from hnlstat.config.base import validate
from hnlstat.config.executor import Executor, Processes
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.run.executors import executors
from hnlstat.run.executors.executors import ATTEMPTS, PoolExecutor, SerialExecutor, work_executor
from hnlstat.run.executors.workers import ONE_THREAD


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch):
    monkeypatch.setattr(executors, "available_cores", lambda: 4)


def executor(workers):
    return work_executor(validate(Processes, {"kind": "processes", "workers": workers}))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_piece_is_done_once(workers):
    with executor(workers) as pool:
        assert dict(pool.each(square, range(20))) == {i: i * i for i in range(20)}
        assert list(pool.each(square, [])) == []


def test_one_worker_and_serial_work_in_this_process():
    assert isinstance(executor(1), SerialExecutor)
    assert isinstance(work_executor(validate(Executor, {"kind": "serial"})), SerialExecutor)
    assert isinstance(executor(2), PoolExecutor)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed another way there")
def test_the_pieces_of_a_worker_that_dies_are_done_again(tmp_path):
    pieces = [str(tmp_path / name) for name in "abcd"]
    for name in "bcd":
        (tmp_path / name).write_text("x")
    with executor(2) as pool:
        assert dict(pool.each(die_once, pieces)) == dict(enumerate("abcd"))


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed another way there")
def test_workers_that_keep_dying_end_the_run():
    with executor(2) as pool, pytest.raises(HnlstatError, match=f"died {ATTEMPTS} times in a row"):
        list(pool.each(die, range(3)))


def test_an_error_of_a_piece_is_passed_on():
    with executor(2) as pool, pytest.raises(ConfigError, match="1: no"):
        list(pool.each(refuse, [1, 1]))


def test_no_more_workers_than_cores_or_pieces():
    with executor(64) as pool:
        assert dict(pool.each(pid, [0])) == {0: os.getpid()}  # not worth a process
        assert len(set(dict(pool.each(pid, [0, 0])).values())) <= 2
        assert pool._size == 2
        dict(pool.each(pid, range(9)))
        assert pool._size == 4
        dict(pool.each(pid, range(3)))
        assert pool._size == 4
        assert len(multiprocessing.active_children()) == 4


def test_processes_that_run_threads_are_not_forked():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        assert executors._start_method() == "spawn"


ALONE = """
import io, os, signal, sys
from pathlib import Path
from pieces import die_once, refuse, square
from hnlstat.errors import ConfigError
from hnlstat.run.executors import executors
from hnlstat.run.work import Work
from hnlstat.system.interrupts import stopped_in_order
from hnlstat.system.screen import Words
assert executors._start_method() == "fork"
place, loaded = Path(sys.argv[1]), []
(place / "b").touch()
with stopped_in_order(), executors.PoolExecutor(2) as pool:
    terminal = Words(file=io.StringIO(), force_terminal=True)
    work = Work(executor=pool, progress=terminal, meanwhile=lambda: loaded.append(os.getpid()))
    assert work.map("a bar, with its thread", square, range(20)) == [i * i for i in range(20)]
    assert pool._pool._mp_context.get_start_method() == "fork"
    assert loaded == [os.getpid()]
    assert dict(pool.each(die_once, [str(place / n) for n in "ab"])) == dict(enumerate("ab"))
    assert dict(pool.each(signal.getsignal, [signal.SIGTERM] * 2)) == dict.fromkeys(range(2), 0)
    try:
        list(pool.each(refuse, [1, 1]))
    except ConfigError:
        print("done")
del os.environ["MKL_NUM_THREADS"]
assert executors._start_method() == "spawn"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted on Linux")
def test_a_process_of_one_thread_is_forked(tmp_path):
    one = dict.fromkeys(ONE_THREAD, "1") | {"PYTHONPATH": str(Path(pieces.__file__).parent)}
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    done = subprocess.run(command, env=os.environ | one, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_the_script_behind_main_is_not_loaded_by_workers(monkeypatch):
    monkeypatch.setattr(executors, "_start_method", lambda: "spawn")
    with executor(2) as pool:
        assert dict(pool.each(main_file, [0, 0])) == {0: None, 1: None}


def test_what_cannot_be_loaded_in_a_worker_is_an_error_and_no_death():
    with executor(2) as pool, pytest.raises(MemoryError, match="no room"):
        list(pool.each(square, [LoadsBadly(), LoadsBadly()]))


@pytest.mark.skipif(sys.platform == "win32", reason="has no process groups")
def test_ctrl_c_is_for_the_run_and_ends_workers_at_once():
    def work():
        with executor(2) as pool:
            for _ in pool.each(interrupt_self, [0.0, 60.0, 60.0]):
                raise KeyboardInterrupt  # in the run; a worker does not see its own

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - started < 30
    assert multiprocessing.active_children() == []
