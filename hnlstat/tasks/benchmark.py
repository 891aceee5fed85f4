"""task=benchmark: how fast this machine is with a study.

Parts are timed in this process, whole runs in processes of their own, as a user starts them.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError
from rich.table import Table

from hnlstat.config.base import validate
from hnlstat.config.dataset import Dataset
from hnlstat.config.executor import Dask, Executor, Processes
from hnlstat.config.study import MIN_COUPLINGS, Study
from hnlstat.config.task import BenchmarkTask, Task
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.likelihood import experiment as likelihood
from hnlstat.run.current import Run
from hnlstat.run.executors.executors import WorkExecutor, available_cores, work_executor
from hnlstat.run.files.provenance import provenance
from hnlstat.run.jobs import grid_jobs, limit_jobs
from hnlstat.run.stages import title
from hnlstat.search.table import YieldTable
from hnlstat.search.yields import Job, Plan
from hnlstat.studies.saved import to_yaml

T = TypeVar("T")

STARTS = 3  # of which the quickest counts
UNITS = 300  # of work to find the overhead of one
RESULTS = ("yields.csv", "limits.csv", "points.csv")


def run(current: Run, given: YieldTable | None) -> dict[str, Any]:
    """Clock the parts and whole runs, as benchmark.json and benchmark.md."""
    study, task = current.study, current.study.task
    assert isinstance(task, BenchmarkTask)
    assert given is None  # a Study with yields_from and this task is not valid
    if sys.platform == "win32":
        raise ConfigError("task: benchmark needs a system that counts the memory of processes")
    with tempfile.TemporaryDirectory() as place:
        whole = _whole_runs(study, task.workers, Path(place))
        document = {
            "study": title(study),
            "grid": [study.scan.mass.array().size, study.scan.coupling.array().size],
            "machine": machine(),
            "start_up_s": min(_clock(_start)[0] for _ in range(STARTS)),
            **parts(study),
            "overhead_per_unit_ms": dict(overheads(study)),
            "whole_runs": whole,
            "scaling": _scaling(study, Path(place)) if task.scaling else [],
        }
    current.keep_json("benchmark.json", document)
    tables = _tables(document)
    current.keep_text("benchmark.md", _markdown(document, tables))
    for name, rows in tables.items():
        current.say(_rich(name, rows))
    return {"task": "benchmark", "remarks": current.remarks}


def machine() -> dict[str, Any]:
    """Cores and kind of processor, system and versions; no names."""
    kind = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        fields = (line.partition(":") for line in info.read_text().splitlines())
        kind = next((v.strip() for k, _, v in fields if k.strip() == "model name"), kind)
    made = provenance("", 0, 0.0)
    return {"cores": available_cores(), "processor": kind} | {
        key: made[key] for key in ("platform", "python", "versions")
    }


def _clock(work: Callable[[], T]) -> tuple[float, T]:
    """Wall time [s] of some work, with its result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _start() -> None:
    subprocess.run([sys.executable, "-m", "hnlstat", "--help"], check=True, capture_output=True)


def parts(study: Study) -> dict[str, float]:
    """Speed of simulation and statistics in one process, at three masses over the grid."""
    masses, couplings = study.scan.mass.array(), study.scan.coupling.array()
    masses = np.unique(masses[[masses.size // 6, masses.size // 2, -1 - masses.size // 6]])
    plan = Plan.of(study, masses, couplings)
    jobs = list(plan.jobs())
    simulating, samples = _clock(lambda: [job.run() for job in jobs])
    table = plan.table(samples)
    experiment = likelihood.experiment(study, table)
    testing, tests = _clock(lambda: [j.run() for j in grid_jobs(study, table, experiment)])
    limiting, _ = _clock(lambda: [j.run() for j in limit_jobs(study, table, experiment, tests)])
    points = masses.size * couplings.size
    return {
        "rays_per_s": sum(sample.rays for sample in samples) / simulating,
        "simulated_points_per_s": points / simulating,
        "limits_at_a_mass_s": limiting / masses.size,
        "tested_points_per_s": points / testing,
    }


def overheads(study: Study) -> Iterator[tuple[str, float]]:
    """Milliseconds that a unit of work costs besides the work itself, by executor."""
    plan = Plan.of(study, study.scan.mass.array(), study.scan.coupling.array())
    jobs = list(plan.jobs())
    pieces = (jobs * (1 + UNITS // len(jobs)))[:UNITS]
    executors: tuple[Executor, ...] = (
        validate(Processes, {"kind": "processes", "workers": 2}),
        validate(Dask, {"kind": "dask", "scheduler": None, "workers": 2, "timeout": 60}),
    )
    for settings in executors:
        try:
            with work_executor(settings) as executor:
                list(executor.each(_send_back, pieces[:4]))  # starts the workers
                spent, _ = _clock(partial(_send_round, executor, pieces))
        except ConfigError:
            continue  # Dask is not installed
        yield settings.kind, 1e3 * spent / len(pieces)


def _send_round(executor: WorkExecutor, pieces: Sequence[Job]) -> None:
    for _ in executor.each(_send_back, pieces):
        pass


def _send_back(job: Job) -> object:
    """Do nothing; what is sent back has about the size of a result."""
    return job.apparatus


def _whole_runs(study: Study, workers: Sequence[int], place: Path) -> list[dict[str, Any]]:
    """Run a study with each number of workers, and again with all in the store."""
    rows: list[dict[str, Any]] = []
    results: list[list[bytes]] = []
    for number in workers:
        spent, result = _run(study, number, place / f"{number}")
        results.append(result)
        used = min(number, available_cores())
        first = rows[0] if rows else {"core_s": used * spent["wall_s"]}
        name = f"{number} {'worker' if number == 1 else 'workers'}"
        rows.append({"run": name, "workers": number, "core_s": used * spent["wall_s"]} | spent)
        rows[-1]["efficiency"] = first["core_s"] / rows[-1]["core_s"]
    again, result = _run(study, workers[0], place / f"{workers[0]}")
    if any(other != result for other in results):
        raise HnlstatError("benchmark: results depend on the number of workers")
    return [*rows, {"run": "all in the store", "workers": workers[0]} | again]


def _run(study: Study, workers: int, place: Path) -> tuple[dict[str, float], list[bytes]]:
    """Run a whole study as a command; gives what it took, and its results."""
    runs = place / "runs"
    wanted = study.replace(
        task=validate(Task, {"kind": "contour"}),
        executor=validate(Processes, {"kind": "processes", "workers": workers}),
        store=f"shared:{place / 'store'}",
        runs=runs,
        resume=None,
    )
    place.mkdir(exist_ok=True)
    (place / "config.yaml").write_text(to_yaml(wanted), encoding="utf-8")
    before = set(runs.glob("*/*"))
    command = [sys.executable, "-m", "hnlstat", "--config-dir", str(place)]
    with (place / "error").open("w+") as error:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=error)
        _, status, usage = os.wait4(process.pid, 0)
        spent = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # as its own wait would do
        if status:
            lines = (place / "error").read_text(encoding="utf-8").splitlines()
            raise HnlstatError(f"benchmark: a run failed: {lines[-1] if lines else status}")
    (folder,) = set(runs.glob("*/*")) - before
    kilobytes = 1 if sys.platform == "linux" else 1 / 1024  # others count bytes
    return {
        "wall_s": spent,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "memory_mb": usage.ru_maxrss * kilobytes / 1024,
    }, [(folder / name).read_bytes() for name in RESULTS]


def smaller(study: Study) -> Iterator[tuple[str, Study]]:
    """Give studies with less of one thing each."""
    for name, noun in (("mass", "masses"), ("coupling", "couplings")):
        grid = getattr(study.scan, name)
        half = grid.array()[::2]
        if half.size >= MIN_COUPLINGS:
            scan = study.scan.replace(**{name: grid.replace(values=tuple(half.tolist()))})
            yield f"half of the {noun}", study.replace(scan=scan)
    if len(study.datasets) > 1:
        yield "the first dataset only", study.replace(datasets=study.datasets[:1])
    if any(search.bins > 1 for _, search in study.searches):
        yield "one bin", study.replace(datasets=tuple(map(_one_bin, study.datasets)))


def _one_bin(dataset: Dataset) -> Dataset:
    """A dataset without histograms, as far as its backgrounds and data do without."""
    found = {}
    for name, search in dataset.search.items():
        try:
            found[name] = search.replace(observable=None) if search.bins > 1 else search
        except ValidationError:
            found[name] = search
    return dataset.replace(search=found)


def _scaling(study: Study, place: Path) -> list[dict[str, Any]]:
    """Run smaller studies in one process each, next to the whole one: machines change their speed.

    What both take is the CPU time of a run, and the ratio that of neighbours.
    """
    rows: list[dict[str, Any]] = []
    for number, (change, one) in enumerate(smaller(study)):
        whole, _ = _run(study, 1, place / f"whole_{number}")
        spent, _ = _run(one, 1, place / f"smaller_{number}")
        relative = spent["cpu_s"] / whole["cpu_s"]
        rows.append({"study": change, "whole_cpu_s": whole["cpu_s"], "relative": relative} | spent)
    return rows


def _tables(found: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Rows of text by the tables' names, headings first."""
    speed = [["part", "speed"], ["start-up (--help)", f"{found['start_up_s']:.2f} s"]]
    speed += [
        ["simulation", f"{found['rays_per_s']:.3g} rays/s"],
        ["simulation", f"{found['simulated_points_per_s']:.3g} grid points/s"],
        ["limits", f"{found['limits_at_a_mass_s']:.2g} s per mass"],
        ["tests", f"{found['tested_points_per_s']:.3g} grid points/s"],
    ]
    speed += [
        [f"overhead of a unit of work, {name}", f"{value:.2g} ms"]
        for name, value in found["overhead_per_unit_ms"].items()
    ]
    runs = [["whole run", "time", "CPU time", "efficiency", "largest process"]]
    for row in found["whole_runs"]:
        efficiency = f"{row['efficiency']:.0%}" if "efficiency" in row else "–"
        runs.append([row["run"], f"{row['wall_s']:.1f} s", f"{row['cpu_s']:.1f} s", efficiency,
                     f"{row['memory_mb']:.0f} MB"])  # fmt: skip
    tables = {"Speed": speed, "Whole runs": runs}
    if found["scaling"]:
        tables["Scaling"] = [["study", "CPU time", "whole study", "relative"]] + [
            [row["study"], f"{row['cpu_s']:.1f} s", f"{row['whole_cpu_s']:.1f} s",
             f"{row['relative']:.2f}"]
            for row in found["scaling"]
        ]  # fmt: skip
    return tables


def _markdown(found: Mapping[str, Any], tables: Mapping[str, list[list[str]]]) -> str:
    """The tables, with what was run on what."""
    made: Mapping[str, Any] = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    masses, couplings = found["grid"]
    text = (
        f"{found['study']}, {masses} masses and {couplings} couplings, on {made['cores']} cores "
        f"({made['processor']}, {made['platform']}), Python {made['python']}, {versions}.\n"
    )
    for rows in tables.values():
        lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
        text += "\n" + "".join(f"| {' | '.join(row)} |\n" for row in lines)
    return text


def _rich(name: str, rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=name, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for heading in rows[0]:
        table.add_column(heading, no_wrap=True)
    for row in rows[1:]:
        table.add_row(*row)
    return table
