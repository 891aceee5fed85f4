"""Runs that are killed, run out of room or share a store, through the command line."""

import contextlib
import os
import random
import resource
import subprocess
import sys
import time

import psutil
import pytest

from hnlstat.app import main

STUDY = (
    "scan.mass.points=8", "scan.mass.min=60 MeV", "scan.mass.max=300 MeV",
    "scan.coupling.points=12", "simulation.precision=0.1", "detector=nd280",
)  # fmt: skip
RESULTS = ("yields.csv", "limits.csv", "points.csv")
KILLS = 20


def command(tmp_path, *arguments):
    return [sys.executable, "-m", "hnlstat", *STUDY, f"runs={tmp_path}", *arguments]


def results(folder):
    return [(folder / name).read_bytes() for name in RESULTS]


def kill(arguments, after):
    """Begin a run, kill it after some seconds, and wait for the end of all its processes."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after)
    process.kill()
    process.wait()
    patience = time.monotonic() + 20.0
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < patience:
            os.killpg(process.pid, 0)
            time.sleep(0.02)
        pytest.fail("workers outlive the run that was killed")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Results of an undisturbed run in one process, and the time it takes [s]."""
    runs = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    subprocess.run(command(runs, "executor=serial"), check=True, capture_output=True)
    spent = time.monotonic() - started
    (folder,) = runs.glob("*/*")
    return results(folder), spent


def test_a_run_survives_kills_at_any_moment(tmp_path, undisturbed):
    expected, spent = undisturbed
    moments = random.Random(1)
    for i in range(KILLS):
        kill(
            command(tmp_path, f"executor={('serial', 'processes')[i % 2]}"),
            moments.uniform(0.0, spent),
        )
        for summary in tmp_path.glob("*/*/summary.json"):
            summary.unlink()  # as if it had been killed just before its end
    subprocess.run(command(tmp_path), check=True, capture_output=True)
    (folder,) = tmp_path.glob("*/*")
    assert results(folder) == expected
    assert not list(folder.rglob("*.tmp"))


def test_resume_alone_goes_on(tmp_path, undisturbed):
    expected, spent = undisturbed
    kill(command(tmp_path), 0.7 * spent)
    (folder,) = tmp_path.glob("*/*")
    if not (folder / "summary.json").exists():
        again = [sys.executable, "-m", "hnlstat", f"resume={folder}"]
        subprocess.run(again, check=True, capture_output=True)
    assert results(folder) == expected


def test_without_room_for_a_file_nothing_is_lost(tmp_path, undisturbed):
    expected, _ = undisturbed

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    failed = subprocess.run(
        command(tmp_path, "executor=serial"), preexec_fn=little_room, capture_output=True, text=True
    )
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "cannot write" in failed.stderr
    (folder,) = tmp_path.glob("*/*")
    assert not (folder / "summary.json").exists()
    assert not list(folder.rglob("*.tmp"))
    assert main([*STUDY, f"runs={tmp_path}", "executor=serial"]) == 0
    assert results(folder) == expected


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_four_dask_workers_with_one_killed_in_mid_scan_give_the_same(tmp_path, undisturbed):
    arguments = ("executor=dask", "executor.workers=4")
    process = subprocess.Popen(command(tmp_path, *arguments), stdout=subprocess.DEVNULL)
    wait_until(lambda: any(tmp_path.rglob("*.unit")))
    children = psutil.Process(process.pid).children()
    workers = [child for child in children if "spawn_main" in "".join(child.cmdline())]
    assert len(workers) == 4
    workers[1].kill()
    assert process.wait() == 0
    (folder,) = tmp_path.glob("*/*")
    assert results(folder) == undisturbed[0]


def unit_files(store):
    return {path: path.stat().st_mtime_ns for path in store.rglob("*.unit")}


def test_a_shared_store_calculates_only_what_a_change_touches(tmp_path, undisturbed, capsys):
    store = tmp_path / "store"
    arguments = (*STUDY, f"store=shared:{store}", "executor=serial", f"runs={tmp_path / 'runs'}")
    assert main([*arguments]) == 0
    first = set(unit_files(store))
    assert main([*arguments]) == 0  # in a folder of its own, and all from the store
    assert set(unit_files(store)) == first
    assert all(results(f) == undisturbed[0] for f in (tmp_path / "runs").glob("*/*"))
    assert main([*arguments, "inference.levels=[0.95]"]) == 0  # yields are those of before
    levels = set(unit_files(store)) - first
    assert len(levels) == 9  # limits of each mass, and the figure
    assert main([*arguments, "detector.volumes.rock.density=1.8 g/cm3"]) == 0
    assert len(set(unit_files(store)) - first - levels) == 25

    (damaged := min(first)).write_bytes(b"{}")
    capsys.readouterr()
    assert main([*arguments]) == 0
    assert "calculated again" in " ".join(capsys.readouterr().out.split())
    assert damaged.read_bytes() != b"{}"


def test_a_run_that_is_all_in_the_store_draws_nothing(tmp_path):
    runs = tmp_path / "runs"
    arguments = command(runs, f"store=shared:{tmp_path / 'store'}", "executor=serial")
    subprocess.run(arguments, check=True, capture_output=True)
    again = [sys.executable, "-X", "importtime", *arguments[1:]]
    imported = subprocess.run(again, check=True, capture_output=True, text=True).stderr
    assert "hnlstat.tasks.running" in imported
    assert "matplotlib.figure" not in imported
    first, second = runs.glob("*/*")
    for name in (*RESULTS, "contours.png", "contours.pdf"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_looking_after_a_store(tmp_path, capsys):
    store = f"store=shared:{tmp_path / 'store'}"
    task = ("task=store", store)
    assert main([*task]) == 2
    assert "holds no store" in capsys.readouterr().err
    assert main([*STUDY, store, "task=yields", "executor=serial", f"runs={tmp_path}"]) == 0
    assert main([*task, "task.action=verify"]) == 0
    assert "8 entries" in capsys.readouterr().out
    next(iter(unit_files(tmp_path / "store"))).write_bytes(b"")
    assert main([*task, "task.action=verify"]) == 2
    assert "damaged entries: 1" in capsys.readouterr().err
    assert main([*task, "task.action=prune"]) == 0
    assert main([*task, "task.action=verify"]) == 0
    assert "7 entries" in capsys.readouterr().out
    assert main(["task=store"]) == 2
    assert "give shared:<folder>" in capsys.readouterr().err
