"""Where the work is done and where its results are kept; the numbers depend on neither."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SerializeAsAny

from hnlstat.config.base import Section, by_kind, home
from hnlstat.config.quantities import PositiveNumber, whole

SHARED = "shared:"
"""What stands before the folder of a store for several runs."""


MAX_WORKERS = 4096


def _count_or_auto(value: object) -> object:
    if value != "auto" and (
        isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WORKERS
    ):
        raise ValueError(f"is neither a whole number from 1 to {MAX_WORKERS} nor auto")
    return value


Count = Annotated[int | Literal["auto"], BeforeValidator(_count_or_auto)]


def _address(value: str) -> str:
    if not re.fullmatch(r"((tcp|tls|ws|wss|ucx)://)?([^:/\s]+|\[[0-9a-fA-F:.]+\]):\d{1,5}", value):
        raise ValueError("is not an address of a scheduler; write tcp://host:port")
    return value


def _memory(value: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)? ?[kMGT]i?B", value):
        raise ValueError("is not a size; write a number with unit, such as '2 GB'")
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("is not one line of text")
    return value


Line = Annotated[str, AfterValidator(_one_line)]


def _walltime(value: str) -> str:
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", value):
        raise ValueError("is not a time limit; write hours:minutes:seconds")
    return value


class Executor(Section):
    """An executor without settings: work in the process of the run itself."""

    kind: Literal["serial", "processes", "dask", "dask_slurm", "dask_htcondor"]


class Processes(Executor):
    """
    Processes of this machine.

    Attributes
    ----------
    workers
        Their number, at most that of the cores and of the pieces; "auto" is one per core.
    """

    kind: Literal["processes"]
    workers: Count


class DaskCluster(Executor):
    """
    A cluster of Dask (dask.distributed).

    Attributes
    ----------
    timeout
        How long to wait for a scheduler, and at any time for a worker [s]; null: as long as needed.
    """

    timeout: PositiveNumber | None


class Dask(DaskCluster):
    """
    Workers of a Dask scheduler, or of one that is started on this machine.

    Attributes
    ----------
    scheduler
        Its address; null: a scheduler and workers of our own.
    workers
        Number of our own workers, each a process; "auto" is one per core.
    """

    kind: Literal["dask"]
    scheduler: Annotated[str, AfterValidator(_address)] | None
    workers: Count


class JobQueue(DaskCluster):
    """
    Workers that are jobs of a batch system (dask-jobqueue).

    Attributes
    ----------
    jobs
        Their number.
    cores, memory
        Of each job; every core runs a worker process.
    interface
        Network interface by which workers reach this machine; null: the default one.
    prologue
        Lines of the shell that each job begins with, such as `module load python`.
    log_directory
        Folder for the output of the jobs; null: it is not kept.
    """

    jobs: Annotated[int, whole(1, 10_000)]
    cores: Annotated[int, whole(1, 1024)]
    memory: Annotated[str, AfterValidator(_memory)]
    interface: Line | None
    prologue: tuple[Line, ...]
    log_directory: Line | None


class DaskSlurm(JobQueue):
    """
    Jobs of SLURM.

    Attributes
    ----------
    walltime
        Time limit of a job, "hours:minutes:seconds".
    queue, account
        Partition and account; null: the default ones.
    directives
        More options of sbatch, such as `--constraint=avx2`.
    """

    kind: Literal["dask_slurm"]
    walltime: Annotated[str, AfterValidator(_walltime)]
    queue: Line | None
    account: Line | None
    directives: tuple[Line, ...]


class DaskHTCondor(JobQueue):
    """
    Jobs of HTCondor.

    Attributes
    ----------
    disk
        Disk space of a job.
    directives
        More lines of the submit file, such as `+JobFlavour: '"longlunch"'`.
    """

    kind: Literal["dask_htcondor"]
    disk: Annotated[str, AfterValidator(_memory)]
    directives: dict[Line, Line]


EXECUTORS: dict[str, type[Executor]] = {
    "processes": Processes,
    "dask": Dask,
    "dask_slurm": DaskSlurm,
    "dask_htcondor": DaskHTCondor,
}


AnyExecutor = Annotated[SerializeAsAny[Executor], by_kind(EXECUTORS, Executor, "executor")]


def _store(value: str) -> str:
    if value in ("off", "run"):
        return value
    if value.removeprefix(SHARED) not in ("", value):
        return f"{SHARED}{home(Path(value.removeprefix(SHARED)))}"
    raise ValueError("is not a store; use off, run or shared:<folder>")


Store = Annotated[str, AfterValidator(_store)]
"""Where results of units of work are kept: "off", "run" (its folder), "shared:<folder>"."""


def shared_folder(store: str) -> Path | None:
    """Give the folder of a shared store, None for another kind."""
    return Path(store.removeprefix(SHARED)) if store.startswith(SHARED) else None
