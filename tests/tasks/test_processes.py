"""Runs that are told to end, get little memory, or begin in a script without a guard."""

import mmap
import os
import signal
import subprocess
import sys
import time

import pytest

from hnlstat.errors import HnlstatError, memory_in_a_line
from hnlstat.system import memory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of Unix")

STUDY = (
    "experiment=quick", "task=yields", "scan.mass.values=[0.1,0.2]", "scan.coupling.points=5",
)  # fmt: skip


def start(code_or_module, *arguments, folder, **kwargs):
    return subprocess.Popen(
        [sys.executable, *code_or_module, *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_all_processes_of_a_run_ends_it_with_one_line(tmp_path, name):
    study = (*STUDY, "simulation.precision=0.003", "executor.workers=2")
    number = getattr(signal, name)

    def heeded():  # who calls may ignore it, as nohup does
        signal.signal(number, signal.SIG_DFL)

    process = start(
        ["-m", "hnlstat"], *study, folder=tmp_path, start_new_session=True,
        preexec_fn=heeded,
    )  # fmt: skip
    while not list(tmp_path.rglob("run.log")):
        time.sleep(0.02)
    time.sleep(0.5)  # the workers are loading
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert (out, err) == ("", "hnlstat: interrupted\n")
    # Python itself may end by SIGINT, which a shell takes for 130
    assert process.returncode in (128 + number, -signal.SIGINT)
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("how", [["script.py"], ["-"]])
def test_a_script_needs_no_guard(tmp_path, how):
    arguments = [*STUDY, "executor.workers=2"]
    text = f"from hnlstat.app import main\nmain({arguments!r})\nprint('once')\n"
    (tmp_path / "script.py").write_text(text)
    process = start(how, folder=tmp_path, stdin=subprocess.PIPE)
    out, err = process.communicate(text if how == ["-"] else None, timeout=120)
    assert (process.returncode, err) == (0, "")
    assert out.count("once") == 1
    assert len(list(tmp_path.rglob("yields.csv"))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the limit acts on Linux only")
@pytest.mark.parametrize("megabytes", [130])
def test_too_little_memory_is_one_line(tmp_path, megabytes):
    import resource

    def little():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)

    process = start(
        ["-m", "hnlstat"], "experiment=quick", "executor=serial", folder=tmp_path, preexec_fn=little
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert err.startswith("hnlstat: out of memory")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 1. TiB for an array"),
        ImportError("libx.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
    ],
)
def test_all_words_for_a_lack_of_memory_are_known(error):
    with pytest.raises(HnlstatError, match="out of memory"), memory_in_a_line():
        raise error
    with pytest.raises(HnlstatError, match="out of memory"), memory_in_a_line():
        raise ImportError("numpy") from error


def test_a_lack_of_memory_is_said_once():
    with pytest.raises(HnlstatError) as caught, memory_in_a_line(), memory_in_a_line():
        raise MemoryError
    assert str(caught.value).startswith("out of memory: allow more")
    assert str(caught.value).count("out of memory") == 1


def test_other_errors_are_passed_on():
    with pytest.raises(ZeroDivisionError), memory_in_a_line():
        raise ZeroDivisionError


def test_no_room_for_linear_algebra_is_an_error_and_no_endless_wait(monkeypatch):
    def full(*_):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", full)
    with pytest.raises(MemoryError):
        memory.reserve.__wrapped__()
