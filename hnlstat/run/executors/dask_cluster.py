"""Work spread by Dask, with a scheduler that is there, or one of our own and its workers.

Dask itself does the work of a worker that dies again, and refuses a piece that keeps killing them.
"""

import importlib
import logging
import pickle
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, as_completed
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

from hnlstat.config.executor import Dask, DaskCluster, DaskHTCondor, DaskSlurm, JobQueue
from hnlstat.config.registry import files_digest, packages
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.run.executors.dask_life import Watch, check_scheduler
from hnlstat.run.executors.workers import main_left_alone
from hnlstat.run.store.packing import code_digest
from hnlstat.system.interrupts import held

T = TypeVar("T")
R = TypeVar("R")

CLOSING = 3
"""Seconds that the end of a cluster may take."""

DASHBOARD = "127.0.0.1:0"
"""Any free port: at the default one, a second cluster would be warned of the first."""

NO_LIMIT = 1e9
"""Seconds to wait for a scheduler where there is no limit."""


class DaskExecutor:
    """Spreads pieces over the workers of a Dask cluster.

    Parameters
    ----------
    settings : which cluster
    cores : workers of an own cluster where the settings say "auto"

    Raises
    ------
    ConfigError
        If a package or the batch system is missing.
    HnlstatError
        On entering, if the scheduler, or any worker, is not there in time.
    """

    def __init__(self, settings: DaskCluster, cores: int) -> None:
        self._settings = settings
        self._cores = cores
        self._stack = ExitStack()

    def __enter__(self) -> "DaskExecutor":
        try:
            import distributed
        except ImportError:
            raise _missing("distributed") from None
        # one line of ours in place of many of theirs
        for name in ("distributed", "distributed.client", "distributed.core", "asyncio", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with ExitStack() as stack:
            stack.enter_context(main_left_alone())
            self._client = self._connect(distributed, stack)
            self._watch = Watch(self._client, self._settings.timeout)
            while not (workers := self._watch.workers()):
                time.sleep(0.1)
            self._load_code(workers)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _connect(self, distributed: Any, stack: ExitStack) -> Any:
        """Open a client, and the cluster before it where that is ours."""
        settings = self._settings
        timeout = settings.timeout or NO_LIMIT
        if isinstance(settings, Dask) and settings.scheduler is not None:
            address: Any = settings.scheduler
            check_scheduler(address, timeout)
        else:
            try:
                with held():
                    address = stack.enter_context(self._own_cluster(distributed))
            except (OSError, RuntimeError, ValueError) as error:
                raise HnlstatError(f"executor: no Dask cluster can be started: {error}") from None
        try:
            client = distributed.Client(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise HnlstatError(
                f"executor.scheduler: {address} does not answer as a scheduler of Dask: {error}"
            ) from None
        stack.callback(_close, client)
        return client

    def _own_cluster(self, distributed: Any) -> Any:
        """Start a scheduler in this process, and ask for its workers."""
        settings = self._settings
        if isinstance(settings, JobQueue):
            return job_queue(settings)
        assert isinstance(settings, Dask)
        return distributed.LocalCluster(
            n_workers=self._cores if settings.workers == "auto" else settings.workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address=DASHBOARD,
            silence_logs=logging.CRITICAL,
        )

    def _load_code(self, workers: Sequence[str]) -> None:
        """Import what is needed, as a worker which cannot would be lost at the first piece.

        One worker must have done so; the others are not waited for long.
        """
        loading = [
            self._client.submit(exec, "import hnlstat.run.stages", workers=[worker], pure=False)
            for worker in workers
        ]
        patience = None
        while loading and (patience is None or time.monotonic() < patience):
            done = [future for future in loading if future.done()]
            for future in done:
                if (error := future.exception()) is not None:
                    raise HnlstatError(
                        f"the Dask workers cannot load hnlstat: {error}; install this version there"
                    )
                loading.remove(future)
            if done and patience is None:
                patience = time.monotonic() + self._watch.pause
            self._watch.workers()
            time.sleep(0.02)

    def each(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Apply `function` to every piece; yields the piece's index with its result, as it comes.

        Parameters
        ----------
        function, pieces : picklable

        Raises
        ------
        HnlstatError
            If the scheduler vanishes, no worker is left, a piece keeps killing workers, or workers
            have another version of hnlstat.
        """
        from distributed import KilledWorker

        pool = self._client.get_executor(pure=False)
        code = {"hnlstat": code_digest(), **packages()}
        waiting: dict[Future[R], int] = {
            pool.submit(_with_same_code, code, pickle.dumps((function, piece))): index
            for index, piece in enumerate(pieces)
        }
        try:
            while waiting:
                with suppress(TimeoutError):
                    for future in as_completed(list(waiting), timeout=self._watch.pause):
                        yield waiting.pop(future), future.result()
                self._watch.workers()
        except CancelledError:
            raise HnlstatError("the Dask scheduler has vanished") from None
        except KilledWorker as error:
            raise HnlstatError(
                f"Dask workers died {error.allowed_failures + 1} times at the same piece of work, "
                "perhaps for lack of memory"
            ) from None
        finally:
            for future in waiting:
                future.cancel()


def _with_same_code(code: dict[str, str], work: bytes) -> Any:
    """Apply a function, in a worker, if it would give the same there as here.

    It comes with its piece as bytes, which are of no use where a package is missing.
    """
    for package, digest in code.items():
        try:
            importlib.import_module(package)
        except Exception as error:
            raise HnlstatError(
                f"the Dask workers cannot load {package}: {error}; install it there"
            ) from None
        if (code_digest() if package == "hnlstat" else files_digest(package)) != digest:
            raise HnlstatError(
                f"the Dask workers have another version of {package}; install this one there"
            )
    function, piece = pickle.loads(work)
    return function(piece)


def _close(client: Any) -> None:
    with suppress(TimeoutError, OSError):
        client.close(timeout=CLOSING)


def _missing(package: str) -> ConfigError:
    return ConfigError(f"executor: needs {package}; pip install 'hnlstat[dask]'")


@contextmanager
def job_queue(settings: JobQueue) -> Iterator[Any]:
    """Start a scheduler in this process, with workers that are jobs of a batch system.

    Raises
    ------
    ConfigError
        If dask-jobqueue or the batch system is missing, or the jobs are refused.
    """
    try:
        import dask_jobqueue
    except ImportError:
        raise _missing("dask-jobqueue") from None
    command = "sbatch" if isinstance(settings, DaskSlurm) else "condor_submit"
    if shutil.which(command) is None:
        raise ConfigError(
            f"executor: {settings.kind} needs {command}, which is not on this machine"
        )
    own: dict[str, Any]
    if isinstance(settings, DaskSlurm):
        make = dask_jobqueue.SLURMCluster
        own = {
            "queue": settings.queue,
            "account": settings.account,
            "walltime": settings.walltime,
            "job_extra_directives": list(settings.directives),
        }
    else:
        assert isinstance(settings, DaskHTCondor)
        make = dask_jobqueue.HTCondorCluster
        own = {"disk": settings.disk, "job_extra_directives": dict(settings.directives)}
    cluster = make(
        cores=settings.cores,
        processes=settings.cores,
        memory=settings.memory,
        interface=settings.interface,
        job_script_prologue=list(settings.prologue),
        log_directory=settings.log_directory,
        job_name="hnlstat",
        scheduler_options={"dashboard_address": DASHBOARD},
        silence_logs=logging.CRITICAL,
        **own,
    )
    try:
        _submit(cluster, command, settings.jobs)
        yield cluster
    finally:
        with suppress(TimeoutError, OSError):
            cluster.close(timeout=CLOSING)


def _submit(cluster: Any, command: str, jobs: int) -> None:
    """Send the jobs, and replace those that end, as at their time limit."""
    from distributed import Status

    for _ in range(jobs):
        cluster.worker_spec.update(cluster.new_worker_spec())
    try:
        cluster.sync(cluster._correct_state)  # scale would only log what goes wrong
    except RuntimeError as error:
        for job in cluster.workers.values():  # those not begun would not end
            job.status = Status.closed
        reason = " ".join(str(error).partition("stderr:")[2].split()) or str(error)
        raise ConfigError(f"executor: {command} refuses the jobs: {reason}") from None
    cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
