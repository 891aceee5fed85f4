"""hnlstat in a process of somebody else: it works as it is, and leaves it as it was."""

import asyncio
import copy
import gc
import inspect
import io
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import Pool, active_children, spawn

import hydra
import matplotlib as mpl
import numpy as np
import psutil
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobRuntime
from hydra.version import VersionBase

import hnlstat
from hnlstat.system.progress import bar
from hnlstat.system.screen import Words

ASLEEP = """
import sys, hnlstat
loaded = {"numpy", "hydra", "pydantic", "yaml", "rich"} & {*sys.modules}
assert not loaded, loaded
"""

SCRIPT = """
import json, hnlstat
study = hnlstat.study({small}, task="yields", executor={{"workers": 2}})
result = hnlstat.run(study)
print(json.dumps(result.yields["events"].tolist()))
"""


def python(code, *, folder, how="-c", **more):
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", how, *([code] if how == "-c" else [])],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        input=None if how == "-c" else code, **more,
    )  # fmt: skip


def test_an_import_loads_nothing(tmp_path):
    done = python(ASLEEP, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    spent = []
    for _ in range(3):
        text = python("import time; t = time.perf_counter(); import hnlstat; "
                      "print(time.perf_counter() - t)", folder=tmp_path).stdout  # fmt: skip
        spent.append(float(text))
    assert min(spent) < 0.1


def test_functions_are_found_by_people_and_tools():
    for name in ("run", "simulate", "likelihood", "limits", "fit", "study"):
        function = getattr(hnlstat, name)
        assert callable(function)
        assert name in dir(hnlstat)
        assert "Parameters\n" in inspect.getdoc(function)
        assert inspect.signature(function) == inspect.signature(getattr(hnlstat.api, name))
    from hnlstat import likelihood, run
    from hnlstat.run.stages import title  # the rooms of the same names are there, too

    assert run is hnlstat.run
    assert callable(likelihood)
    assert callable(title)
    assert hnlstat.errors.ConfigError
    with pytest.raises(AttributeError, match="module 'hnlstat' has no attribute 'runn'"):
        _ = hnlstat.runn  # type: ignore[attr-defined]


POOL = """
import hnlstat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

if __name__ == "__main__":
    studies = [hnlstat.study({small}, task="yields", name=name) for name in "ab"]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        print([result.study.name for result in pool.map(hnlstat.run, studies)])
"""


def test_functions_travel_to_processes_of_others(tmp_path, small):
    for name in ("run", "simulate", "likelihood", "limits", "fit", "study"):
        assert pickle.loads(pickle.dumps(getattr(hnlstat, name))) is getattr(hnlstat, name)
        assert copy.deepcopy(getattr(hnlstat, name)) is getattr(hnlstat, name)
    (tmp_path / "pool.py").write_text(POOL.format(small=", ".join(map(repr, small))))
    done = python(None, folder=tmp_path, how="pool.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "['a', 'b']\n", "")


@pytest.mark.parametrize("how", ["-c", "-", "script.py"])
def test_a_script_needs_no_guard(tmp_path, how, small, study):
    text = SCRIPT.format(small=", ".join(map(repr, small[:-1])))
    if how == "script.py":
        (tmp_path / how).write_text(text)
    done = python(text, folder=tmp_path, how=how)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    np.testing.assert_array_equal(json.loads(line), hnlstat.simulate(study)["events"])
    assert [p.name for p in tmp_path.iterdir()] == ["script.py"] * (how == "script.py")


def surroundings():
    """What a run might change in the process."""
    return {
        "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)],
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "gc": gc.get_threshold(),
        "environment": dict(os.environ),
        "backend": mpl.rcParams._get_backend_or_none(),
        "style": {key: mpl.rcParams[key] for key in ("font.size", "pdf.fonttype")},
        "warnings": list(warnings.filters),
        "levels": [logging.getLogger(n).level for n in (None, "hnlstat", "distributed")],
        "handlers": [*logging.getLogger().handlers],
        "streams": (sys.stdout, sys.stderr, sys.argv[:]),
        "folder": os.getcwd(),
        "floats": np.geterr(),
        "random": np.random.get_state()[1].tolist(),  # noqa: NPY002
        "spawn": spawn.get_preparation_data,
        "hydra": (GlobalHydra.instance().hydra, VersionBase.instance().version_base,
                  JobRuntime.instance().get("name"), hydra._internal.hydra.ConfigLoaderImpl),
    }  # fmt: skip


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_the_process_is_left_as_it_was(small, tmp_path, executor, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.chdir(tmp_path)
    hnlstat.study(*small)  # registers what Hydra has, once
    before = surroundings()
    study = hnlstat.study(*small[:-1], executor=executor)
    hnlstat.run(study).figure()
    hnlstat.run(study, keep=tmp_path / "runs", verbose=True)
    after = surroundings()
    for name, value in before.items():
        assert after[name] == value, name


def test_remarks_are_for_the_log_of_the_caller_and_not_on_the_screen(tmp_path):
    code = (
        "import hnlstat\n"
        "s = hnlstat.study('scan.mass.values=[0.1]', 'scan.coupling.points=4', task='yields',\n"
        "    executor='serial', simulation={'precision': 0.001, 'max_points': 1})\n"
        "assert hnlstat.run(s).remarks\n"
    )
    done = python(code, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = python("import logging; logging.basicConfig()\n" + code, folder=tmp_path)
    assert "WARNING:hnlstat:MC error reaches" in done.stderr


def test_a_hydra_of_the_callers_goes_on_with_its_own_configuration(small, tmp_path):
    (tmp_path / "config.yaml").write_text("detector: theirs\nname: ${oc.env:HOME}\n")
    with hydra.initialize_config_dir(str(tmp_path), version_base="1.2", job_name="theirs"):
        assert hnlstat.study(*small).name == "nd280"
        assert hnlstat.run(hnlstat.study(*small, task="yields")).yields
        assert hydra.compose("config").detector == "theirs"
        assert type(GlobalHydra.instance().hydra.config_loader) is ConfigLoaderImpl
        assert str(VersionBase.instance().version_base) == "1.2"
        assert JobRuntime.instance().get("name") == "theirs"
    assert not GlobalHydra.instance().is_initialized()


def test_threads_do_not_disturb_each_other(small, result):
    def work(number):
        study = hnlstat.study(*small[:-1], executor={"workers": 2} if number % 2 else "serial")
        return hnlstat.run(study).limits["coupling"]

    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(work, range(4)):
            np.testing.assert_array_equal(found, result.limits["coupling"])
    assert spawn.get_preparation_data.__module__ == "multiprocessing.spawn"
    assert not active_children()


async def _within_a_loop(study):
    return hnlstat.run(study).yields["events"]


EXECUTORS = ["processes", pytest.param("dask", marks=pytest.mark.skipif(
    find_spec("distributed") is None, reason="Dask is not installed"))]  # fmt: skip


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_loop_may_be_running(small, study, executor):
    spread = hnlstat.study(*small[:-1], executor=executor, task="yields", name="looped")
    levels = {name: logging.getLogger(name).level for name in ("distributed", "tornado")}
    found = asyncio.run(_within_a_loop(spread))
    np.testing.assert_array_equal(found, hnlstat.simulate(study)["events"])
    assert levels == {name: logging.getLogger(name).level for name in levels}


def _in_a_daemon(overrides):
    return hnlstat.run(hnlstat.study(*overrides, task="yields")).yields["events"].tolist()


def test_a_worker_of_the_callers_own_pool_may_run(small, study):
    with Pool(1) as pool:
        (found,) = pool.map(_in_a_daemon, [small[:-1]])
    np.testing.assert_array_equal(found, hnlstat.simulate(study)["events"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_an_interruption_passes_and_leaves_no_worker(tmp_path):
    code = (
        # who runs the tests may ignore interruptions, as shells make their background jobs do
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nimport hnlstat\n"
        "study = hnlstat.study('simulation.precision=0.001', executor={'workers': 2})\n"
        "print('begin', flush=True)\n"
        "try:\n    hnlstat.run(study)\nexcept KeyboardInterrupt:\n    print('passed')\n"
        "import multiprocessing\nprint(multiprocessing.active_children())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "begin\n"
    deadline = time.monotonic() + 60
    own = psutil.Process(process.pid)
    while len(own.children()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err) == ("passed\n[]\n", "")
    assert list(tmp_path.iterdir()) == []


def test_bars_show_where_they_can_and_are_gone_at_the_end():
    for settings, shown in (
        ({"force_terminal": True}, True), ({"force_jupyter": True}, True), ({}, False),
    ):  # fmt: skip
        stream = io.StringIO()
        console = Words(file=stream, **({"force_jupyter": False} | settings))
        with bar("simulation", 3, 1, console) as advance:
            advance()
            time.sleep(0.15)
            advance()
        assert bool(stream.getvalue()) == shown
        if "force_jupyter" in settings:
            assert "simulation   2/3" in stream.getvalue()
            assert stream.getvalue().split("\r")[-1].strip() == ""
    with bar("none", 1, 0, None) as advance:
        advance()
