import sys

import pytest
from pieces import die, die_once, refuse, square

from hnlstat.config.base import validate
from hnlstat.config.executor import Executor, Processes
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.scan.executors import ATTEMPTS, PoolExecutor, SerialExecutor, work_executor


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
        list(pool.each(refuse, [1]))
